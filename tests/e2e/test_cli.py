"""Commands as processes of their own, where one takes seconds."""

import json
import re
import sys
from pathlib import Path

import anyio
import pytest

from tests.commands import environment, interrupted
from wan_mcp.simulator import Simulator, serving

pytestmark = pytest.mark.anyio


async def test_who_wants_to_read_more_gets_the_log_and_no_signed_link(tmp_path: Path) -> None:
    """A line for each change of status on stderr; a link's signature is as good as the video."""
    command = [sys.executable, "-m", "wan_mcp", "create", "a cat"]
    async with serving(Simulator(media="clip", run_delay=0.1, run_time=0.5)) as url:
        ended = await anyio.run_process(command, env=environment(url, tmp_path, WAN_MCP_LOG_LEVEL="DEBUG"))

    assert re.search(r"INFO wan_mcp.service.attending: vid_\S+: PENDING", ended.stderr.decode())
    assert b"Signature=" not in ended.stderr


async def test_ctrl_c_while_a_video_is_made_leaves_its_task_as_data(tmp_path: Path) -> None:
    """The script that was stopped knows what it has paid for, and how to come back."""
    simulator = Simulator(media="clip", run_delay=1000)
    async with serving(simulator) as url:
        env = environment(url, tmp_path)
        ended = await interrupted("create", "a cat", "--json", env=env, when=lambda told: "vid_" in told)
        waited = await interrupted(
            "show", (task_id := json.loads(ended.stdout)["task_id"]), "--wait", "60", "--json",
            env={**env, "WAN_MCP_LOG_LEVEL": "INFO"}, when=lambda told: "GET" in told or "PENDING" in told,
        )  # fmt: skip

    told = json.loads(ended.stdout)
    assert ended.code == 130
    assert told["error"]["code"] == "Interrupted"
    assert told["error"]["money_moved"] == "maybe"
    assert told["cost"]["state"] == "held"
    assert f"wan-mcp show {task_id}" in told["error"]["message"]
    assert waited.code == 130
    assert json.loads(waited.stdout)["task_id"] == task_id
