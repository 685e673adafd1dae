"""The process dies at any step of the main job, and what is reopened knows every cent."""

import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import anyio
import pytest

from tests.conftest import HandClock, made, opened
from wan_mcp.domain.task import Status
from wan_mcp.simulator import Simulator, serving

pytestmark = pytest.mark.anyio

STRIDE = 14
"""The fast suite dies at every fourteenth step; the slow one at all of them, and on every path."""


@pytest.fixture
def simulator(clock: HandClock) -> Simulator:
    """Tasks that end at once, for many runs at one instant."""
    return Simulator(now=clock.now, media="clip", run_delay=0, run_time=0, submit_rate=None, query_rate=None)


@pytest.fixture
async def url(simulator: Simulator) -> AsyncGenerator[str]:
    """Where it listens."""
    async with serving(simulator) as address:
        yield address


async def crash(url: str, folder: Path, *, first: int, stride: int) -> list[int]:
    """Die at each of these steps; return them."""
    program = [sys.executable, "-m", "tests.crashing", url, str(folder), str(first), str(stride)]
    done = await anyio.run_process(program)
    return [int(line) for line in done.stdout.split()]


async def recover(url: str, folder: Path, simulator: Simulator, clock: HandClock, step: int) -> None:
    """Open what the dead process left, let time pass, and account for every cent."""
    async with opened(made(url, folder / str(step)), clock) as videos:
        for seconds in (1, 30, 30, 30, 900, 30, 30):
            clock.turn(seconds)
            await videos.watcher.turn()
        tasks = [report.task for report in await videos.newest(status=None, limit=10)]
        standing = (await videos.spending.account()).standing

    accepted = simulator.accepted_for(f"crash {step}")
    assert accepted <= 1, f"step {step}: paid twice"
    assert standing.held.amount == 0, f"step {step}: money is held for ever"
    paid = [task for task in tasks if task.money_state == "charged"]
    assert len(paid) == accepted, f"step {step}: {accepted} accepted and {len(paid)} charged"
    for task in paid:
        assert task.file is not None, f"step {step}: paid for and not saved"
        assert Path(task.file).stat().st_size > 0
    for task in tasks:
        assert task.status in (Status.SUCCEEDED, Status.FAILED), f"step {step}: {task.status}"


async def test_a_process_that_dies_at_any_step_pays_once_and_loses_nothing(
    url: str, simulator: Simulator, clock: HandClock, tmp_path: Path
) -> None:
    """Accepted tasks are tasks that hold or have spent money, never one more; each ends with its file."""
    steps = await crash(url, tmp_path, first=1, stride=STRIDE)
    start = clock.now()

    assert len(steps) > 8
    assert 0 < len(simulator.accepted) < len(steps)
    for step in steps:
        clock.time = start
        await recover(url, tmp_path, simulator, clock, step)
