"""Whoever asked hangs up at any moment: the call stops, the paid task's id is never lost, and its watch goes on."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.conftest import HandClock, made, opened
from tests.crashing import Counted, Steps
from tests.making import a_request
from wan_mcp.domain.task import Status
from wan_mcp.service.videos import Videos
from wan_mcp.simulator import Simulator, serving

pytestmark = pytest.mark.anyio

Stop = Callable[[int, Coroutine[Any, Any, Any]], Awaitable[bool]]


@pytest.fixture
def simulator(clock: HandClock) -> Simulator:
    """Tasks that end at once, for many runs at one instant."""
    return Simulator(now=clock.now, media="clip", run_delay=0, run_time=0, submit_rate=None, query_rate=None)


@pytest.fixture
async def url(simulator: Simulator) -> AsyncGenerator[str]:
    """Where it listens."""
    async with serving(simulator) as address:
        yield address


class HangUp(Steps):
    """Calls something at its n-th step, instead of ending the process."""

    def __init__(self, last: int, hang_up: Callable[[], object]) -> None:
        super().__init__(last)
        self._hang_up = hang_up

    def one(self) -> None:
        self.count += 1
        if self.count == self.last:
            self._hang_up()


async def hang_up_at(step: int, work: Coroutine[Any, Any, Any]) -> bool:
    """Cancel `work` at its n-th resumption, as the protocol's server does; return whether that came too late."""
    scope = anyio.CancelScope()

    async def call() -> None:
        with scope:
            await work

    await asyncio.Task(Counted(call(), HangUp(step, scope.cancel)))
    return not scope.cancel_called


async def kill_at(step: int, work: Coroutine[Any, Any, Any]) -> bool:
    """The same by asyncio's own cancellation, which no shield of anyio keeps out: a loop that is shut down."""
    killed: list[asyncio.Task[Any]] = []
    late = HangUp(step, lambda: killed[0].cancel())  # noqa: PLW0108 - the task is not made yet
    task = asyncio.Task(Counted(work, late))
    killed.append(task)
    try:
        await task
    except asyncio.CancelledError:
        return False
    return True


async def end_of(videos: Videos, clock: HandClock) -> None:
    """Let enough time pass for every search and every release."""
    for seconds in (1, 30, 30, 900, 30, 30):
        clock.turn(seconds)
        await videos.watcher.turn()


@pytest.mark.parametrize("stop", [hang_up_at, kill_at])
async def test_a_caller_who_hangs_up_while_creating_loses_nothing(
    url: str, simulator: Simulator, clock: HandClock, tmp_path: Path, stop: Stop
) -> None:
    """Record before you send, and record what was answered: at every single await."""
    start = clock.now()
    for step in range(1, 60):
        clock.time = start
        async with opened(made(url, tmp_path / str(step)), clock) as videos:
            was_late = await stop(step, videos.create(a_request(f"take {step}"), agreed=False))
            await end_of(videos, clock)
            tasks = [report.task for report in await videos.newest(status=None, limit=10)]
            standing = (await videos.spending.account()).standing
        charged = [task for task in tasks if task.money_state == "charged"]
        assert simulator.accepted_for(f"take {step}") == len(charged) <= 1, f"step {step}"
        assert all(task.file for task in charged), f"step {step}"
        assert all(task.status in (Status.SUCCEEDED, Status.FAILED) for task in tasks), f"step {step}"
        assert standing.held.amount == 0
        if stop is hang_up_at:
            assert len(charged) == len(tasks), f"step {step}: a shielded submission was torn"
        if was_late:
            break
    else:
        raise AssertionError("the call never came to its end")
    assert len(simulator.accepted) > 2


async def test_a_caller_who_stops_waiting_stops_nothing_else(
    url: str, simulator: Simulator, clock: HandClock, tmp_path: Path
) -> None:
    """The task is watched and saved though the call that waited for it is gone."""
    simulator.settings = type(simulator.settings)(run_delay=8, run_time=60, media="clip", query_rate=None)
    async with opened(made(url, tmp_path), clock) as videos:
        task = (await videos.create(a_request(), agreed=False)).task
        for step in (1, 2, 3, 5, 8, 13, 21):
            await hang_up_at(step, videos.wait(task.id, seconds=10))
        calls = len(simulator.requests)
        await anyio.lowlevel.checkpoint()
        assert len(simulator.requests) == calls, "somebody still asks for a caller who left"
        await end_of(videos, clock)
        assert (await videos.get(task.id)).task.file is not None
