"""The process dies at every step there is of every path that money takes, and what is reopened knows every cent.

The fast suite dies at some steps of the main job; this one at all of them, and where an answer was lost, where a
task waits in our queue, and where one is cancelled.
"""

import logging
import os
import shutil
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.audit import audit
from tests.conftest import HandClock, made, opened
from tests.crashing import DIED, FINISHED, run_until
from tests.e2e.bill import is_whole
from tests.e2e.processes import ended, started
from tests.making import a_request
from wan_mcp.domain.errors import Unavailable
from wan_mcp.service.composition import open_service
from wan_mcp.service.videos import Videos
from wan_mcp.simulator import Simulator, serving
from wan_mcp.simulator import Status as At

pytestmark = pytest.mark.anyio
logger = logging.getLogger(__name__)

MOST_STEPS = 400
PROMPT = "crash"
Job = Callable[[Videos, HandClock], Awaitable[None]]


async def make(videos: Videos, clock: HandClock) -> None:
    """Create, look, save."""
    await videos.create(a_request(PROMPT), agreed=True)
    await _turn(videos, clock, 30, 30)


async def make_and_find(videos: Videos, clock: HandClock) -> None:
    """Create, lose the answer, search DashScope's list at once and a quarter of an hour later, look, save."""
    await videos.create(a_request(PROMPT), agreed=True)
    await _turn(videos, clock, 30, 30, 900, 30)


async def make_from_the_queue(videos: Videos, clock: HandClock) -> None:
    """Create, be told to wait, wait in our queue, send, look, save."""
    await videos.create(a_request(PROMPT), agreed=True)
    await _turn(videos, clock, 5, 30, 30)


async def cancel(videos: Videos, clock: HandClock) -> None:
    """Create, and cancel what waits: with us, or at DashScope."""
    report = await videos.create(a_request(PROMPT), agreed=True)
    with suppress(Unavailable):
        await videos.cancel(report.task.id)
    await _turn(videos, clock, 30)


async def _turn(videos: Videos, clock: HandClock, *seconds: float) -> None:
    for some in seconds:
        clock.turn(some)
        await videos.watcher.turn()


LOST: dict[str, Any] = {"on": "create", "kind": "drop"}
WAIT: dict[str, Any] = {"on": "create", "kind": "throttle", "retry_after": 1}
PATHS: dict[str, tuple[Job, dict[str, Any] | None, float]] = {
    "the main job": (make, None, 0),
    "the main job, stamped": (make, None, 0),
    "accepted, and the answer lost": (make_and_find, {**LOST, "accept": True}, 0),
    "never arrived": (make_and_find, {**LOST, "accept": False}, 0),
    "queued, then sent": (make_from_the_queue, WAIT, 0),
    "cancelled in our queue": (cancel, WAIT, 0),
    "cancelled at DashScope": (cancel, None, 60),
    "cancelled, and the answer lost": (cancel, {"on": "cancel", "kind": "drop", "accept": True}, 60),
}
"""What is done, which mishap it meets, and how long a task stays PENDING."""


@pytest.fixture(params=PATHS)
def path(request: pytest.FixtureRequest) -> str:
    """One path after the other."""
    return request.param


@pytest.fixture
def simulator(clock: HandClock, path: str) -> Simulator:
    """Tasks that run for no time, once they run."""
    run_delay = PATHS[path][2]
    return Simulator(now=clock.now, media="clip", run_delay=run_delay, run_time=0, submit_rate=None, query_rate=None)


@pytest.fixture
async def url(simulator: Simulator) -> AsyncGenerator[str]:
    """Where it listens."""
    async with serving(simulator) as address:
        yield address


async def test_a_process_that_dies_at_any_step_of_any_path_pays_once_and_loses_nothing(
    url: str, simulator: Simulator, clock: HandClock, tmp_path: Path, path: str
) -> None:
    """Accepted tasks are tasks that hold or have spent money, never one more; each ends with its file."""
    mishap, start = PATHS[path][1], clock.now()
    ends = Counter[str]()
    for step in range(1, MOST_STEPS):
        folder = tmp_path / str(step)
        clock.time = start
        simulator.reset()
        if mishap:
            simulator.mishap(**mishap)
        code = await ended(started(die, path, step, url, folder))
        assert code in (DIED, FINISHED), f"step {step} ended with {code}"
        ends[await recover(url, folder, simulator, clock, f"{path}, step {step}")] += 1
        if code == FINISHED:
            break
        shutil.rmtree(folder)
    else:
        pytest.fail(f"{path} has more than {MOST_STEPS} steps")
    logger.info("%s: %d steps, %s", path, step, dict(ends))
    assert step > 30


def die(path: str, step: int, url: str, folder: Path) -> None:
    """Go a path, in a process of its own, up to one step of it."""
    run_until(step, _go(path, url, folder))
    os._exit(FINISHED)


async def _go(path: str, url: str, folder: Path) -> None:
    clock = HandClock()
    async with open_service(made(url, folder), clock=clock, watching=False, stamping="stamped" in path) as videos:
        await PATHS[path][0](videos, clock)


async def recover(url: str, folder: Path, simulator: Simulator, clock: HandClock, where: str) -> str:
    """Open what the dead process left, let time pass, and account for every cent; return how the task ended."""
    async with opened(made(url, folder), clock) as videos:
        await _turn(videos, clock, 1, 30, 30, 30, 900, 30, 30)
        tasks = [report.task for report in await videos.newest(status=None, limit=10)]
        standing = (await videos.spending.account()).standing
    audit([videos.settings.ledger], simulator)
    accepted = [simulator.status(task.id) for task in simulator.accepted]
    charged = [task for task in tasks if task.money_state == "charged"]
    assert len(tasks) <= 1, f"{where}: one request became {len(tasks)} tasks"
    assert len(accepted) <= 1, f"{where}: paid twice"
    assert standing.held.amount == 0, f"{where}: money is held for ever"
    assert len(charged) == accepted.count(At.SUCCEEDED), f"{where}: {accepted} at DashScope, {tasks} with us"
    assert all(task.file and is_whole(Path(task.file)) for task in charged), f"{where}: paid for and not saved"
    return f"{tasks[0].status.value if tasks else 'nothing'}, {len(accepted)} accepted"
