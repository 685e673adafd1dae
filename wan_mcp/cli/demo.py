"""`wan-mcp demo`: the main job, whole and real but for the service. No key, no cost, nothing left behind.

The simulator runs in this process; the server is the real `wan-mcp serve`, started as a host starts it and
driven by a real MCP client. What is printed below each call is what a model would read.
"""

import json
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
from mcp import Client, StdioServerParameters, stdio_client
from mcp.shared.dispatcher import ProgressFnT
from mcp.types import CallToolResult, TextContent
from rich.text import Text

from wan_mcp import __version__
from wan_mcp.cli.mp4 import Movie, NotAVideo, probe
from wan_mcp.cli.pages import fact, note_words, printable
from wan_mcp.cli.session import alone, run
from wan_mcp.cli.terminal import Terminal, bar
from wan_mcp.domain.errors import Unavailable, WanError
from wan_mcp.domain.language import later, said, say
from wan_mcp.server.views import money_word, size_words
from wan_mcp.settings import language
from wan_mcp.simulator import Simulator, serving

CARD = {"prompt": "一只小猫在月光下奔跑", "negative_prompt": "低质量", "size": "1280*720", "duration": 5}
"""The example of the service's own documentation."""

_RUN_DELAY, _RUN_TIME = 1.0, 8.0
_POLLS_AT_MOST = 4
_PATIENCE = 60.0
_QUOTE_WIDTH = 72
_ELSEWHERE = later("Name another folder with --output.")

Shown = dict[str, Any]


def run_demo(terminal: Terminal, output: Path) -> None:
    """Run it.

    Raises:
        WanError: it did not come to a playable video.
        KeyboardInterrupt: after saying that nothing was left behind.
    """
    stage = Stage(terminal)
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(
            say("{output} cannot be made: {reason}.", output=output, reason=error.strerror or error),
            next_step=said(_ELSEWHERE),
        ) from error
    try:
        made = run(partial(_demo, stage, output.absolute()))
    except KeyboardInterrupt:
        terminal.say("")
        terminal.tell_stop(say("Stopped; nothing is left running."))
        raise
    if terminal.as_json:
        terminal.data(made)


async def _demo(stage: "Stage", output: Path) -> Shown:
    simulator = Simulator(run_delay=_RUN_DELAY, run_time=_RUN_TIME)
    stage.open(note_words(simulator.note))
    began = anyio.current_time()
    async with _client(simulator, output) as client:
        with anyio.fail_after(_PATIENCE):
            created = await _play(stage, client)
    file = Path(created.get("file", ""))
    try:
        movie = await anyio.to_thread.run_sync(probe, file)
    except NotAVideo as error:
        raise Unavailable(say("The demo brought no video: {error}", error=error)) from error
    seconds = anyio.current_time() - began
    stage.close(file, movie, cost=created["cost"], seconds=seconds)
    return {**created, "video": asdict(movie), "took_seconds": round(seconds)}


@asynccontextmanager
async def _client(simulator: Simulator, output: Path) -> AsyncGenerator[Client]:
    """A client of a server of its own, on a simulator and a ledger of their own."""
    with TemporaryDirectory(prefix="wan-mcp-demo-", ignore_cleanup_errors=True) as folder:
        log = Path(folder) / "server.log"
        try:
            async with serving(simulator) as url:
                with log.open("w") as errlog:
                    async with Client(stdio_client(_server(url, Path(folder), output), errlog=errlog)) as client:
                        yield client
        except Exception as error:
            cause = alone(error)
            if isinstance(cause, WanError):
                raise cause from None
            told = printable(log.read_text(errors="replace")) or say("nothing")
            raise Unavailable(
                say(
                    "The demo broke off ({kind}: {cause}); the server said: {told}",
                    kind=type(cause).__name__,
                    cause=cause,
                    told=told,
                )
            ) from error


def _server(url: str, folder: Path, output: Path) -> StdioServerParameters:
    """`wan-mcp serve`, with an environment in which nothing of the person's own settings is."""
    return StdioServerParameters(
        command=sys.executable,
        args=["-m", "wan_mcp", "serve"],
        env={
            "DASHSCOPE_API_KEY": "sk-simulated",
            "DASHSCOPE_HTTP_BASE_URL": f"{url}/api/v1",
            "WAN_MCP_LEDGER": str(folder / "ledger.db"),
            "WAN_MCP_OUTPUT_DIR": str(output),
            "WAN_MCP_POLL_INTERVAL": "1",
            "WAN_MCP_LANG": language(),
        },
    )


async def _play(stage: "Stage", client: Client) -> Shown:
    tools = (await client.list_tools()).tools
    stage.tools([tool.name for tool in tools])
    await stage.call(client, "estimate_cost", {name: CARD[name] for name in ("size", "duration")})
    task = await stage.call(client, "create_video", CARD)
    for _ in range(_POLLS_AT_MOST):
        task = await stage.call(client, "get_video_task", {"task_id": task["task_id"], "wait_seconds": 30})
        if "file" in task:
            break
    return task


class Stage:
    """What the spectator sees: numbered calls, their answers as quotations, the video at the end."""

    def __init__(self, terminal: Terminal) -> None:
        # Where the result is data, the story is talk.
        self._out = terminal.talk if terminal.as_json else terminal.out
        self._scene = 0

    def open(self, note: str) -> None:
        title = say("the real server on a simulated DashScope. No key, no cost.")
        self._line(f"wan-mcp {__version__}: {title}", style="bold")
        self._line(say("A real task takes 1 to 5 minutes; here it takes 10 seconds."), style="dim")
        self._line(say("{note}.", note=f"{note[0].upper()}{note[1:]}"), style="dim")

    def tools(self, names: list[str]) -> None:
        self._head("tools/list", "")
        self._quote(", ".join(names))

    async def call(self, client: Client, name: str, arguments: Shown) -> Shown:
        """Call a tool, with a bar for its progress, and show its answer.

        Raises:
            Unavailable: the answer is an error.
        """
        self._head(name, json.dumps(arguments, ensure_ascii=False))
        with self._progress() as tell:
            result = await client.call_tool(name, arguments, progress_callback=tell)
        self._quote(_text(result))
        if result.is_error or not result.structured_content:
            raise Unavailable(say("{name} answered with an error; see above.", name=name))
        return result.structured_content

    @contextmanager
    def _progress(self) -> Generator[ProgressFnT]:
        if not self._out.is_terminal:

            async def write(progress: float, total: float | None, message: str | None) -> None:
                self._line(f"   {message}")

            yield write
            return
        with bar(self._out, stays=True) as shown:

            async def draw(progress: float, total: float | None, message: str | None) -> None:
                line = shown.task_ids[0] if shown.task_ids else shown.add_task("")
                shown.update(line, completed=progress, total=total, description=message or "")

            yield draw
            for line in shown.tasks:  # it is done, however long it usually takes
                shown.update(
                    line.id, total=line.completed, description=say("done after {seconds:.0f} s", seconds=line.completed)
                )

    def close(self, file: Path, movie: Movie, *, cost: Shown, seconds: float) -> None:
        self._line("")
        self._line(say("The video"), style="bold green")
        fact(self._out, say("file"), str(file), is_whole=True)
        fact(self._out, say("size"), size_words(file.stat().st_size))
        picture = say(
            "{codec}, {width}×{height}, {seconds:g} s, {fps:g} fps",
            codec=movie.codec,
            width=movie.width,
            height=movie.height,
            seconds=movie.seconds,
            fps=movie.fps,
        )
        fact(self._out, say("picture"), picture)
        fact(self._out, say("sound"), movie.audio or say("none"))
        amount = f"{cost['amount']:.2f} {cost['currency']} {money_word(cost['state'])}"
        fact(self._out, say("cost"), say("{amount}, by the simulator: nothing was paid", amount=amount))
        fact(self._out, say("took"), say("{seconds:.0f} s", seconds=seconds))

    def _head(self, name: str, arguments: str) -> None:
        self._scene += 1
        self._line("")
        self._line(f"{self._scene}  {name}", style="bold cyan")
        if arguments:
            self._indented(arguments, style="cyan")

    def _quote(self, text: str) -> None:
        self._indented(text, before="│ ")

    def _indented(self, text: str, *, before: str = "", style: str = "") -> None:
        for line in Text(text).wrap(self._out, _QUOTE_WIDTH):
            line.rstrip()
            self._line(Text(f"   {before}", style="dim") + line, style=style)

    def _line(self, text: str | Text, *, style: str = "") -> None:
        self._out.print(text, style=style, soft_wrap=True)


def _text(result: CallToolResult) -> str:
    return printable(" ".join(block.text for block in result.content if isinstance(block, TextContent)))
