"""`wan-mcp demo`: the main job without a key, from the first answer to a video that plays."""

import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError

import wan_mcp.simulator
from tests.commands import a_terminal, run, screen
from wan_mcp.cli.demo import Stage
from wan_mcp.cli.mp4 import Movie, NotAVideo, by_decoding, by_header, probe
from wan_mcp.domain.errors import Unavailable

pytestmark = pytest.mark.anyio

CLIP = Path(str(files(wan_mcp.simulator))) / "media" / "clip.mp4"


def test_a_demo_whose_video_cannot_be_saved_is_an_error(tmp_path: Path) -> None:
    """It is known before anything is rendered, and the way out is told."""
    (tmp_path / "wan-demo").write_text("a file where the folder should be")
    result = run("demo", "--output", str(tmp_path / "wan-demo" / "videos"))

    assert result.exit_code == 1
    assert "cannot be made" in result.stderr
    assert "--output" in result.stderr


# The stage


async def test_on_a_terminal_a_bar_is_fed_by_the_progress_notifications() -> None:
    """What a host could show its user, shown; it ends full however long such a task usually takes."""
    server = MCPServer("a server with one tool")

    @server.tool()
    async def render(ctx: Context[Any]) -> dict[str, str]:
        await ctx.report_progress(4, 90, "RUNNING 4 s of usually 90 s")
        return {"file": "cat.mp4"}

    terminal = a_terminal()
    async with Client(server) as client:
        answer = await Stage(terminal).call(client, "render", {})

    assert answer == {"file": "cat.mp4"}
    assert "━" in screen(terminal)
    assert "done after 4 s" in screen(terminal)


async def test_a_tool_that_answers_with_an_error_ends_the_demo() -> None:
    """Its words were shown, so it is enough to say which it was."""
    server = MCPServer("a server with one tool")

    @server.tool()
    async def render() -> str:
        raise ToolError("no film in the camera")

    terminal = a_terminal()
    async with Client(server) as client:
        with pytest.raises(Unavailable, match="render answered with an error"):
            await Stage(terminal).call(client, "render", {})

    assert "no film in the camera" in screen(terminal)


# What a file holds


def test_decoding_and_the_header_tell_the_same() -> None:
    """Without the extra `media` the header alone must do, and it must not tell another story."""
    clip = Movie(codec="H.264", width=640, height=360, seconds=5.0, fps=24.0, audio="AAC 24 kHz")

    assert by_decoding(CLIP) == clip
    assert by_header(CLIP) == clip


def test_without_the_extra_the_header_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo works in the smallest installation, too."""
    assert probe(CLIP) == by_decoding(CLIP)
    monkeypatch.setitem(sys.modules, "av", None)
    assert probe(CLIP) == by_header(CLIP)


@pytest.mark.parametrize("look", [by_decoding, by_header])
def test_what_is_not_a_whole_video_is_refused(tmp_path: Path, look: Callable[[Path], Movie]) -> None:
    """An error page, an empty file, half a download: none of them is a demo that worked."""
    broken = {
        "page": b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
        "empty": b"",
        "half": CLIP.read_bytes()[: CLIP.stat().st_size // 2],
        "sound": b"\0\0\0\x08moov",
    }
    for name, content in broken.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(NotAVideo):
            look(tmp_path / name)
    with pytest.raises(NotAVideo):
        look(tmp_path / "nothing")
