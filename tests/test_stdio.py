"""The real process over stdio: stop, signals, kill -9. Its main job, and two of them, are in e2e/test_stdio.py."""

import signal
from collections.abc import AsyncGenerator
from pathlib import Path

import anyio
import pytest

from tests.commands import Person
from tests.conftest import KEY
from tests.raw import RawClient, raw_server
from wan_mcp.simulator import Simulator, serving

pytestmark = pytest.mark.anyio


@pytest.fixture
def simulator() -> Simulator:
    """DashScope in real time, as another process must see it; a task takes about a second."""
    return Simulator(media="clip", run_delay=0.1, run_time=0.8)


@pytest.fixture
async def url(simulator: Simulator) -> AsyncGenerator[str]:
    """Where it listens."""
    async with serving(simulator) as address:
        yield address


@pytest.fixture
def environment(url: str, tmp_path: Path) -> dict[str, str]:
    """What a host's configuration would set."""
    return {
        "DASHSCOPE_API_KEY": KEY,
        "DASHSCOPE_HTTP_BASE_URL": f"{url}/api/v1",
        "WAN_MCP_LEDGER": str(tmp_path / "ledger" / "ledger.db"),
        "WAN_MCP_OUTPUT_DIR": str(tmp_path / "videos"),
        "WAN_MCP_POLL_INTERVAL": "0.3",
    }


async def finished(client: RawClient, task_id: str) -> dict[str, object]:
    """Wait for a task as a model does."""
    task: dict[str, object] = {}
    for _ in range(5):
        task = await client.call("get_video_task", task_id=task_id, wait_seconds=10)
        if "file" in task or task["status"] == "FAILED":
            return task
    raise AssertionError(task)


async def test_ctrl_c_ends_it_at_once(environment: dict[str, str]) -> None:
    """The SDK's own loop ignores SIGINT while a thread waits for stdin."""
    await ends_at_once(environment, signal.SIGINT, 130)


async def ends_at_once(environment: dict[str, str], number: signal.Signals, code: int) -> None:
    """A signal ends it with that exit code."""
    async with raw_server(environment) as client:
        await client.hello()
        client.process.send_signal(number)
        assert await client.ended() == code


async def test_the_end_of_stdin_ends_a_call_in_flight(environment: dict[str, str], simulator: Simulator) -> None:
    """A host that goes away leaves no process behind, and is told what there is; the next start fetches the task."""
    async with raw_server(environment) as client:
        await client.hello()
        created = await client.call("create_video", prompt="a cat")
        waiting = {"name": "get_video_task", "arguments": {"task_id": created["task_id"]}}
        call = await client.begin("tools/call", **waiting, _meta={"progressToken": 1})
        await client.receive()  # the first word of progress: the call is in flight
        assert await client.hang_up() == 0
        assert (await client.answer(call))["structuredContent"]["task_id"] == created["task_id"]
    fetched = await Person(environment).reads("show", created["task_id"], "--wait", "20")
    assert fetched["status"] == "SUCCEEDED"
    assert len(simulator.accepted) == 1


async def test_killed_in_the_middle_of_a_submission_it_pays_once(
    environment: dict[str, str], simulator: Simulator
) -> None:
    """kill -9 after DashScope accepted and before we heard of it."""
    simulator.mishap(on="create", kind="hang", accept=True)
    async with raw_server(environment) as client:
        await client.hello()
        await client.begin("tools/call", name="create_video", arguments={"prompt": "a cat"})
        with anyio.fail_after(10):
            while not simulator.accepted:  # noqa: ASYNC110 - another process brings it about
                await anyio.sleep(0.02)
        client.process.send_signal(signal.SIGKILL)
        await client.ended()

    person = Person(environment)
    again = await person.reads("create", "a cat", "--no-wait")
    tasks = (await person.reads("tasks"))["tasks"]
    assert again["status"] in ("UNCERTAIN", "SUBMITTING")
    assert [task["task_id"] for task in tasks] == [again["task_id"]]
    assert len(simulator.accepted) == 1
