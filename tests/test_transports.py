"""One story, told at every door and in both eras of the protocol: price, create, wait, file, list, cancel."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult

from tests.commands import environment
from tests.conftest import made
from tests.doors import at, client_of
from wan_mcp.simulator import Simulator, serving

pytestmark = pytest.mark.anyio

EVERY_WAY = [("stdio", "auto"), *product(["streamable-http", "sse"], ["auto", "legacy"])]
"""Each door, in both eras of the protocol; stdio in the older one stands in e2e, as that is what `tests.raw` speaks."""

Connect = Callable[[], AbstractAsyncContextManager[Client]]


@pytest.fixture
def simulator() -> Simulator:
    """DashScope in real time, as another process must see it."""
    return Simulator(media="clip", run_delay=0.1, run_time=1.6)


@pytest.fixture
async def url(simulator: Simulator) -> AsyncGenerator[str]:
    """Where it listens."""
    async with serving(simulator) as address:
        yield address


@pytest.fixture
def connect(door: str, era: Any, url: str, tmp_path: Path) -> Connect:
    """A client of either era, at one of the doors."""

    @asynccontextmanager
    async def open_client() -> AsyncGenerator[Client]:
        if door == "stdio":
            import sys

            server = StdioServerParameters(
                command=sys.executable, args=["-m", "wan_mcp"], env=environment(url, tmp_path)
            )
            async with client_of(server, mode=era) as client:
                yield client
        else:
            settings = made(url, tmp_path, WAN_MCP_POLL_INTERVAL=0.3)
            async with at(settings, transport=door) as place, client_of(place, mode=era) as client:
                yield client

    return open_client


def data(result: CallToolResult) -> dict[str, Any]:
    """The data of a result that is no error."""
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return result.structured_content


@pytest.mark.parametrize(("door", "era"), EVERY_WAY)
async def test_the_whole_story(connect: Connect, era: Any, simulator: Simulator) -> None:
    """What a model does must not depend on how its host reaches us."""
    await tell_the_story(connect, era, simulator)


async def tell_the_story(connect: Connect, era: Any, simulator: Simulator) -> None:
    """Price, create, wait, list, cancel."""
    simulator.mishap(on="create", kind="stuck_pending", prompt_contains="a dog")
    words: list[tuple[float, float, float | None, str | None]] = []

    async def tell(progress: float, total: float | None, message: str | None) -> None:
        words.append((anyio.current_time(), progress, total, message))

    async with connect() as client:
        assert (client.protocol_version == "2026-07-28") is (era == "auto")
        price = data(await client.call_tool("estimate_cost", {"size": "832*480", "duration": 5}))
        created = data(await client.call_tool("create_video", {"prompt": "a cat", "size": "832*480"}))
        waiting = {"task_id": created["task_id"], "wait_seconds": 20}
        ended = data(await client.call_tool("get_video_task", waiting, progress_callback=tell))
        listed = data(await client.call_tool("list_video_tasks", {}))
        second = data(await client.call_tool("create_video", {"prompt": "a dog", "size": "832*480"}))
        canceled = data(await client.call_tool("cancel_video_task", {"task_id": second["task_id"]}))

    assert created["cost"]["amount"] == price["amount"]
    assert ended["status"] == "SUCCEEDED"
    assert Path(ended["file"]).read_bytes()[4:8] == b"ftyp"
    assert [task["task_id"] for task in listed["tasks"]] == [created["task_id"]]
    assert (canceled["status"], canceled["cost"]["state"]) == ("CANCELED", "free")
    assert len(simulator.accepted) == 2
    _progress_is_honest(words)


def _progress_is_honest(words: list[tuple[float, float, float | None, str | None]]) -> None:
    """It grows, comes once a second at most, and its total is the usual time while that is not exceeded."""
    assert len(words) >= 2
    assert all(message for *_, message in words)
    for (earlier, less, _, _), (later, more, total, _) in pairwise(words):
        assert more > less
        assert later - earlier > 0.9, "the server counts to a second; the way here may shorten it a little"
        assert total is None or total >= more
