"""Draws docs/terminal.svg: real commands on a simulated DashScope, as a terminal of 80 columns shows them.

`.venv/bin/python docs/terminal.py`; takes most of a minute, since the video in it does.
"""

import io
import re
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
from click.testing import CliRunner
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from wan_mcp.cli.commands import program
from wan_mcp.cli.terminal import Terminal
from wan_mcp.simulator import Simulator, serving

PICTURE = Path(__file__).with_name("terminal.svg")
_LARGEST = 60_000
"""Bytes that a reader of the README should have to fetch at most."""
_SCENES = (
    ("create", "Mountains in ink wash, a boat drifts by", "--size", "1920*1080", "--no-wait", "--yes"),
    ("create", "A paper boat in the rain"),
    ("tasks",),
    ("usage", "--days", "3"),
)
_FRAME = re.compile(r"\x1b\[\?25l(.*?)\x1b\[\?25h(?:\r?\x1b\[1A\x1b\[2K)*", re.DOTALL)
_SVG = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: "Fira Code", Menlo, Consolas, monospace; font-size: {char_height}px;
line-height: {line_height}px; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}<g class="{unique_id}-matrix">{matrix}</g></g>
</svg>
"""
"""Rich's own would have every reader fetch a font from somebody else's host."""


def typed(words: Sequence[str]) -> str:
    """The command as a person types it."""
    return " ".join(["wan-mcp", *(f'"{word}"' if re.search(r"[^\w*-]|[^\x00-\x7f]", word) else word for word in words)])


def run(words: Sequence[str], env: Mapping[str, str]) -> str:
    """Run a command in a terminal of 80 columns, and return what it wrote there, escapes included."""
    written = io.StringIO()
    console = Console(
        file=written, force_terminal=True, color_system="standard", width=80, highlight=False, markup=False,
        emoji=False, legacy_windows=False, _environ={},
    )  # fmt: skip
    terminal = Terminal(out=console, talk=console, can_ask=False)
    CliRunner(env=env).invoke(program, words, obj=terminal, prog_name="wan-mcp", catch_exceptions=False)
    return written.getvalue()


def settled(written: str) -> str:
    """What stands in the terminal at the end, with the last frame of the bar left in place."""

    def last_frame(found: re.Match[str]) -> str:
        frames = [frame for frame in re.split(r"\r?\x1b\[(?:1A|2K)|\r", found[1]) if "RUNNING" in frame]
        return f"{frames[-1].rstrip()}\n" if frames else ""

    return _FRAME.sub(last_frame, written)


async def main() -> None:
    """Run the scenes and draw them."""
    shown = Console(record=True, file=io.StringIO(), width=80, force_terminal=True)
    with tempfile.TemporaryDirectory(prefix="wan-") as folder:
        async with serving(Simulator(run_delay=2, run_time=40)) as url:
            env = {
                "DASHSCOPE_API_KEY": "sk-simulated",
                "DASHSCOPE_HTTP_BASE_URL": f"{url}/api/v1",
                "WAN_MCP_LEDGER": f"{folder}/ledger.db",
                "WAN_MCP_OUTPUT_DIR": f"{folder}/videos",
                "WAN_MCP_POLL_INTERVAL": "1",
            }
            for words in _SCENES:
                written = await anyio.to_thread.run_sync(partial(run, words, env))
                if "--no-wait" in words:  # there to have something to list
                    continue
                shown.print(Text(f"$ {typed(words)}", style="bold"))
                shown.print(Text.from_ansi(settled(written).replace(f"{folder}/", "~/").rstrip()))
                shown.print()
    svg = shown.export_svg(title="wan-mcp", theme=MONOKAI, code_format=_SVG, unique_id="t")
    svg = "\n".join(line.rstrip() for line in svg.split("\n"))
    assert len(svg.encode()) <= _LARGEST, f"{len(svg.encode())} bytes are too many"
    PICTURE.write_text(svg, encoding="utf-8")
    print(f"{PICTURE.name}: {len(svg.encode())} bytes")


if __name__ == "__main__":
    anyio.run(main)
