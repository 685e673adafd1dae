"""`wan-mcp demo`, as data, and interrupted. It draws a whole video, so it is not fast."""

import json
import sys
from pathlib import Path

import anyio
import pytest

from tests.commands import interrupted
from tests.test_demo import left_running

pytestmark = pytest.mark.anyio


@pytest.mark.skipif(sys.platform == "win32", reason="signals are of the Unixes")
async def test_ctrl_c_in_the_demo_leaves_nothing_running(tmp_path: Path) -> None:
    """It starts a server and a simulator, and both are its own to end."""
    output = tmp_path / "wan-demo"
    env = {"PYTHONUTF8": "1", "TMPDIR": str(tmp_path)}
    ended = await interrupted(
        "demo", "--output", str(output), env=env, when=lambda told: "RUNNING" in told or "PENDING 0 s" in told
    )

    assert ended.code == 130
    assert "nothing is left running" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert left_running(output) == []
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("wan-mcp-demo-")]


async def test_the_demo_as_data_is_its_task_and_what_the_file_holds(tmp_path: Path) -> None:
    """A check of an installation reads it; the story is told beside it."""
    command = [sys.executable, "-m", "wan_mcp", "demo", "--output", str(tmp_path), "--json"]
    told = await anyio.run_process(command)

    made = json.loads(told.stdout)
    assert made["status"] == "SUCCEEDED"
    assert Path(made["file"]).parent == tmp_path
    assert (made["video"]["codec"], made["video"]["width"], made["video"]["seconds"]) == ("H.264", 1280, 5)
    assert "4  get_video_task" in told.stderr.decode()
