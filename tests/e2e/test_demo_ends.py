"""`wan-mcp demo`, interrupted: what it started is its own to end. It draws a whole video, so it is not fast."""

import sys
from pathlib import Path

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
