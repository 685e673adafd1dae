"""A process that is stopped for longer than any of its time-outs, as by a sleeping laptop or ^Z, and then goes on.

It still owns its tasks, and nobody else sends for it what it may have sent. A lease in time would lapse here.
"""

import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.conftest import KEY
from tests.e2e.bill import the_bill_is_right
from tests.e2e.processes import until
from tests.raw import RawClient, raw_server
from wan_mcp.simulator import Simulator, serving

pytestmark = pytest.mark.anyio

LONGER_THAN_ANY_TIME_OUT = 33
"""Seconds: one call to DashScope may take 30."""
LONGER_THAN_A_ROUND = 12
"""Seconds: the others look for orphans every 5."""
PATIENCE = 90


def in_a_second() -> Simulator:
    """DashScope in real time; a task takes about a second."""
    return Simulator(media="clip", run_delay=0.1, run_time=0.8)


@pytest.fixture
def simulator() -> Simulator:
    """DashScope, for the one pair of servers of a test."""
    return in_a_second()


@pytest.fixture
async def url(simulator: Simulator) -> AsyncGenerator[str]:
    """Where it listens."""
    async with serving(simulator) as address:
        yield address


def environment(url: str, folder: Path) -> dict[str, str]:
    """What a host's configuration would set."""
    return {
        "DASHSCOPE_API_KEY": KEY,
        "DASHSCOPE_HTTP_BASE_URL": f"{url}/api/v1",
        "WAN_MCP_LEDGER": str(folder / "ledger" / "ledger.db"),
        "WAN_MCP_OUTPUT_DIR": str(folder / "videos"),
        "WAN_MCP_POLL_INTERVAL": "0.3",
        "WAN_MCP_LOG_LEVEL": "ERROR",
    }


@asynccontextmanager
async def two_servers(url: str, folder: Path) -> AsyncGenerator[tuple[RawClient, RawClient]]:
    """Two hosts of one person."""
    async with raw_server(environment(url, folder)) as one, raw_server(environment(url, folder)) as two:
        await one.hello()
        await two.hello()
        yield one, two


def freeze(client: RawClient) -> None:
    """Stop it where it is."""
    client.process.send_signal(signal.SIGSTOP)


def thaw(client: RawClient) -> None:
    """Let it go on."""
    client.process.send_signal(signal.SIGCONT)


async def until_sent(simulator: Simulator, posts: int) -> None:
    """Wait until so many submissions have come in."""
    await until(lambda: submissions(simulator) >= posts, within=PATIENCE)


def submissions(simulator: Simulator) -> int:
    """How many creations were sent."""
    return sum(call.method == "POST" for call in simulator.requests)


async def until_over(client: RawClient, task_id: str) -> dict[str, Any]:
    """Wait for the end of a task."""
    with anyio.fail_after(PATIENCE):
        while True:
            task = await client.call("get_video_task", task_id=task_id, wait_seconds=10)
            if "file" in task or task["status"] in ("FAILED", "CANCELED"):
                return task


async def test_frozen_in_the_middle_of_a_submission_it_is_sent_once(tmp_path: Path) -> None:
    """Whatever becomes of the answer. Three pairs of servers at once, for most of it is waiting."""
    async with anyio.create_task_group() as pairs:
        pairs.start_soon(frozen_while_sending, tmp_path / "one", {"kind": "hang"})
        pairs.start_soon(frozen_while_sending, tmp_path / "two", {"kind": "delay", "seconds": 2})
        pairs.start_soon(frozen_while_sending_and_killed, tmp_path / "three")


async def frozen_while_sending(folder: Path, mishap: dict[str, Any]) -> None:
    """The other server cannot know whether it was sent, and its owner lives: it lets it be."""
    simulator = in_a_second()
    simulator.mishap(on="create", accept=True, **mishap)
    async with serving(simulator) as url, two_servers(url, folder) as (frozen, other):
        creating = await frozen.begin("tools/call", name="create_video", arguments={"prompt": "a cat"})
        await until_sent(simulator, 1)
        freeze(frozen)
        again = await other.call("create_video", prompt="a cat")
        another = await other.call("create_video", prompt="a dog")
        await until_over(other, another["task_id"])
        await anyio.sleep(LONGER_THAN_ANY_TIME_OUT)
        meanwhile = await other.call("get_video_task", task_id=again["task_id"], wait_seconds=0)
        thaw(frozen)
        created = (await frozen.answer(creating))["structuredContent"]
        task = await until_over(other, created["task_id"])

    assert meanwhile["status"] == "SUBMITTING"
    assert again["task_id"] == created["task_id"]
    assert task["status"] == "SUCCEEDED"
    assert submissions(simulator) == 2
    the_bill_is_right(folder / "ledger" / "ledger.db", simulator)


async def frozen_while_sending_and_killed(folder: Path) -> None:
    """Only its end makes it an orphan: then the other looks for it at DashScope, and still sends nothing."""
    simulator = in_a_second()
    simulator.mishap(on="create", kind="hang", accept=True)
    async with serving(simulator) as url, two_servers(url, folder) as (frozen, other):
        await frozen.begin("tools/call", name="create_video", arguments={"prompt": "a cat"})
        await until_sent(simulator, 1)
        freeze(frozen)
        task_id = (await other.call("create_video", prompt="a cat"))["task_id"]
        await anyio.sleep(LONGER_THAN_A_ROUND)
        meanwhile = await other.call("get_video_task", task_id=task_id, wait_seconds=0)
        frozen.process.kill()
        await frozen.ended()
        task = await until_over(other, task_id)

    assert meanwhile["status"] == "SUBMITTING"
    assert task["status"] == "SUCCEEDED"
    assert submissions(simulator) == 1
    the_bill_is_right(folder / "ledger" / "ledger.db", simulator)


async def test_what_a_frozen_server_has_queued_is_sent_once_by_the_other(
    url: str, simulator: Simulator, tmp_path: Path
) -> None:
    """A queue is the account's, not one process's; waking up, the first finds its tasks sent."""
    simulator.mishap(on="create", kind="throttle", retry_after=20)
    async with two_servers(url, tmp_path) as (frozen, other):
        queued = [await frozen.call("create_video", prompt=f"cat {number}") for number in range(3)]
        freeze(frozen)
        later = await other.call("create_video", prompt="a dog")
        await until_over(other, later["task_id"])
        sent = [await until_over(other, task["task_id"]) for task in queued]
        await anyio.sleep(LONGER_THAN_A_ROUND)
        thaw(frozen)
        seen = [await until_over(frozen, task["task_id"]) for task in queued]
        await anyio.sleep(2)

    assert [task["status"] for task in queued] == ["QUEUED"] * 3
    assert later["status"] == "QUEUED"
    assert [task["status"] for task in sent] == ["SUCCEEDED"] * 3
    assert [task["file"] for task in seen] == [task["file"] for task in sent]
    assert len(simulator.accepted) == 4
    the_bill_is_right(tmp_path / "ledger" / "ledger.db", simulator)


async def test_frozen_while_its_tasks_run_it_fetches_them_when_it_wakes(
    url: str, simulator: Simulator, tmp_path: Path
) -> None:
    """The usual sleep of a laptop: what ran meanwhile is over, and is saved."""
    async with two_servers(url, tmp_path) as (frozen, other):
        running = [await frozen.call("create_video", prompt=f"cat {number}") for number in range(8)]
        freeze(frozen)
        await anyio.sleep(LONGER_THAN_A_ROUND)
        posts = submissions(simulator)
        known = [await other.call("get_video_task", task_id=task["task_id"], wait_seconds=0) for task in running]
        thaw(frozen)
        ends = [await until_over(other, task["task_id"]) for task in running]

    assert any(task["status"] in ("PENDING", "RUNNING") for task in known)
    assert posts <= len(running)
    assert [task["status"] for task in ends] == ["SUCCEEDED"] * len(running)
    assert submissions(simulator) == len(running)
    the_bill_is_right(tmp_path / "ledger" / "ledger.db", simulator)
