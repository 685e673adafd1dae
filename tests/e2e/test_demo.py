"""`wan-mcp demo`, told, as data, and interrupted. It draws a whole video, so it is not fast."""

import json
import sys
from pathlib import Path

import anyio
import pytest

from tests.commands import interrupted
from wan_mcp.cli.mp4 import probe

pytestmark = pytest.mark.anyio


def left_running(folder: Path) -> list[str]:
    """Processes that still have the demo's folder in their environment. Linux only; elsewhere none is seen."""
    found: list[str] = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if str(folder).encode() in environ.read_bytes():
                found.append((environ.parent / "cmdline").read_text())
        except OSError:
            continue
    return found


async def test_the_demo_brings_a_real_video_and_leaves_nothing_running(tmp_path: Path) -> None:
    """It is the first thing that anybody runs: exit code 0 means that the file is there and plays."""
    output = tmp_path / "wan-demo"
    command = [sys.executable, "-m", "wan_mcp", "demo", "--output", str(output)]
    told = await anyio.run_process(command, stderr=None)

    text = told.stdout.decode()
    [file] = output.glob("*.mp4")
    scenes = ["1  tools/list", "2  estimate_cost", "3  create_video", "4  get_video_task", "The video"]
    places = [text.index(scene) for scene in scenes]
    assert places == sorted(places)
    assert "3.00 CNY. 720P: 0.60 CNY/s × 5 s = 3.00 CNY." in text
    assert "一只小猫在月光下奔跑" in text
    assert "   RUNNING " in text
    assert f"  file      {file}\n" in text
    assert "H.264, 1280×720, 5 s, 24 fps" in text
    assert "AAC" in text
    assert "nothing was paid" in text
    assert "\x1b" not in text
    assert probe(file).width == 1280
    assert left_running(tmp_path) == []


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
