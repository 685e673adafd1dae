"""`wan-mcp` as a person types it: in this process for speed, as a real one where that is the point."""

import io
import json
import os
import signal
import struct
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
from anyio.abc import ByteReceiveStream, Process
from click.testing import CliRunner, Result
from rich.console import Console

from tests.conftest import KEY
from wan_mcp.cli.commands import program
from wan_mcp.cli.terminal import Terminal

PATIENCE = 30


def environment(url: str, folder: Path, **more: str) -> dict[str, str]:
    """What a person would set to try wan-mcp on a simulator at `url`."""
    return {
        "DASHSCOPE_API_KEY": KEY,
        "DASHSCOPE_HTTP_BASE_URL": f"{url}/api/v1",
        "WAN_MCP_LEDGER": str(folder / "ledger" / "ledger.db"),
        "WAN_MCP_OUTPUT_DIR": str(folder / "videos"),
        "WAN_MCP_POLL_INTERVAL": "0.2",
        **more,
    }


def run(*words: str, terminal: Terminal | None = None, answer: str = "", env: dict[str, str] | None = None) -> Result:
    """Run one command into pipes, or into `terminal`, where `answer` is typed."""
    return CliRunner(env=env).invoke(program, words, obj=terminal, input=answer, prog_name="wan-mcp")


@dataclass(frozen=True)
class Person:
    """Somebody who types commands for one simulator."""

    env: dict[str, str]

    async def types(
        self, *words: str, terminal: Terminal | None = None, answer: str = "", env: Mapping[str, str] | None = None
    ) -> Result:
        """Run one command, with more in its environment, while the simulator goes on in this event loop."""
        command = partial(run, *words, terminal=terminal, answer=answer, env={**self.env, **(env or {})})
        result = await anyio.to_thread.run_sync(command)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    async def reads(self, *words: str) -> Any:
        """Run one command with --json, and read what it prints."""
        result = await self.types(*words, "--json")
        return json.loads(result.stdout)


def a_terminal(*, columns: int = 80, rows: int = 24, **environ: str) -> Terminal:
    """A terminal with a person at it."""
    out, talk = (
        Console(
            file=io.StringIO(), force_terminal=True, width=columns, height=rows, highlight=False, markup=False,
            emoji=False, color_system=None if environ else "standard", legacy_windows=False, _environ=environ,
        )
        for _ in range(2)
    )  # fmt: skip
    return Terminal(out=out, talk=talk, can_ask=True)


def a_pipe() -> Terminal:
    """Where a script listens."""
    out, talk = (Console(file=io.StringIO(), highlight=False, markup=False, emoji=False) for _ in range(2))
    return Terminal(out=out, talk=talk, can_ask=False)


def screen(terminal: Terminal) -> str:
    """What the person sees of a command's result."""
    assert isinstance(terminal.out.file, io.StringIO)
    return terminal.out.file.getvalue()


def talk(terminal: Terminal) -> str:
    """What the person sees beside it."""
    assert isinstance(terminal.talk.file, io.StringIO)
    return terminal.talk.file.getvalue()


_TAKES_THE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.executable, sys.argv[1:])"
)
"""Ctrl-C becomes a signal only for those whose controlling terminal it is typed into."""


class Screen:
    """A real `wan-mcp` in a real terminal: what it has written there, and keys to press."""

    def __init__(self, keyboard: int) -> None:
        self._keyboard = keyboard
        self.written = ""

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size; the kernel sends SIGWINCH."""
        import fcntl
        import termios

        fcntl.ioctl(self._keyboard, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._keyboard, keys.encode())

    async def shows(self, text: str) -> None:
        """Read until this has been written since the last call of this."""
        read = ""
        while text not in read:
            await anyio.wait_readable(self._keyboard)
            read += os.read(self._keyboard, 65536).decode(errors="replace")
        self.written += read

    async def ends(self) -> None:
        """Read to the end."""
        with suppress(OSError):  # EIO: nobody has the terminal open any more
            while True:
                await anyio.wait_readable(self._keyboard)
                self.written += os.read(self._keyboard, 65536).decode(errors="replace")


@asynccontextmanager
async def in_a_terminal(*words: str, env: Mapping[str, str]) -> AsyncGenerator[tuple[Screen, Process]]:
    """Start a command in a terminal of 80 by 24, and see it end."""
    import pty

    keyboard, inside = pty.openpty()
    screen = Screen(keyboard)
    screen.resize(80, 24)
    command = [sys.executable, "-c", _TAKES_THE_TERMINAL, sys.executable, "-m", "wan_mcp", *words]
    try:
        with anyio.fail_after(PATIENCE):
            async with await anyio.open_process(
                command, stdin=inside, stdout=inside, stderr=inside, env={**env, "TERM": "xterm"},
                start_new_session=True,
            ) as process:  # fmt: skip
                os.close(inside)
                yield screen, process
                await screen.ends()
                await process.wait()
    finally:
        os.close(keyboard)


@dataclass(frozen=True)
class Ended:
    """A process that is over."""

    code: int
    stdout: str
    stderr: str


async def interrupted(*words: str, env: dict[str, str], when: Callable[[str], bool]) -> Ended:
    """Start a real `wan-mcp`, press Ctrl-C once `when` is true of all that it has written, and see it end.

    `when` is asked fifty times a second, so that it can speak of the rest of the world too.
    """
    told = {"stdout": b"", "stderr": b""}

    async def listen(name: str, stream: ByteReceiveStream) -> None:
        async for chunk in stream:
            told[name] += chunk

    with anyio.fail_after(PATIENCE):
        async with (
            await anyio.open_process([sys.executable, "-m", "wan_mcp", *words], env=env) as process,
            anyio.create_task_group() as listeners,
        ):
            assert process.stdout is not None
            assert process.stderr is not None
            listeners.start_soon(listen, "stdout", process.stdout)
            listeners.start_soon(listen, "stderr", process.stderr)
            while not when((told["stdout"] + told["stderr"]).decode()):
                assert process.returncode is None, told
                await anyio.sleep(0.02)
            process.send_signal(signal.SIGINT)
        assert process.returncode is not None
    return Ended(process.returncode, told["stdout"].decode(), told["stderr"].decode())
