"""One row, many views: every door tells the same story about one task."""

import json
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from tests.conftest import KEY, HandClock
from tests.making import a_request, pass_time
from tests.test_server import data
from wan_mcp.server.app import build_server
from wan_mcp.service.videos import Videos
from wan_mcp.settings import Settings

pytestmark = pytest.mark.anyio

MOVES = ("elapsed_seconds", "next_step", "next_poll_seconds")
"""What differs between two moments, or between one task in hand and a list."""


async def by_the_tool(videos: Videos, task_id: str) -> dict[str, Any]:
    """What a model is shown."""

    async def service() -> Videos:
        return videos

    async with Client(build_server(service)) as client:
        return data(await client.call_tool("get_video_task", {"task_id": task_id, "wait_seconds": 0}))


async def by_the_list(videos: Videos, task_id: str) -> dict[str, Any]:
    """What a model is shown among others."""

    async def service() -> Videos:
        return videos

    async with Client(build_server(service)) as client:
        [task] = data(await client.call_tool("list_video_tasks", {}))["tasks"]
    assert task["task_id"] == task_id
    return task


async def by_the_terminal(settings: Settings, task_id: str) -> dict[str, Any]:
    """What a script is shown."""
    environment = {
        "DASHSCOPE_API_KEY": KEY,
        "DASHSCOPE_HTTP_BASE_URL": settings.api_root,
        "WAN_MCP_LEDGER": str(settings.ledger),
        "WAN_MCP_OUTPUT_DIR": str(settings.output_dir),
        "WAN_MCP_POLL_INTERVAL": str(settings.poll_interval),
    }
    command = [sys.executable, "-m", "wan_mcp", "show", task_id, "--wait", "0", "--json"]
    return json.loads((await anyio.run_process(command, env=environment)).stdout)


async def test_the_tool_the_list_and_the_terminal_agree(videos: Videos, settings: Settings, clock: HandClock) -> None:
    """A person, a model and a script must not be told different things about one payment."""
    task = (await videos.create(a_request(seed=7), agreed=False)).task
    await pass_time(videos, clock, minutes=3)

    tool = await by_the_tool(videos, task.id)
    listed = await by_the_list(videos, task.id)
    terminal = await by_the_terminal(settings, task.id)

    assert tool["status"] == "SUCCEEDED"
    assert Path(tool["file"]).exists()
    assert {k: v for k, v in tool.items() if k not in MOVES} == {k: v for k, v in terminal.items() if k not in MOVES}
    assert listed.items() <= tool.items()
    assert set(tool) - set(listed) <= {*MOVES, "video_url", "expires_at"}
