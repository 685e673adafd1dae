"""A real browser with a host of MCP Apps in it: headless Chromium, the official bridge, two frames, a strict policy.

The browser is a Node program (`player/host.cjs`) that takes one command per line. All of it comes from npm.
"""

import json
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from tests.e2e.installs import node_packages

HERE = Path(__file__).parent / "player"
PATIENCE = 60
"""Seconds for one command on a busy machine; the first starts Chromium."""
LONGEST_LINE = 10_000_000


class Browser:
    """A browser with at most one card in it."""

    def __init__(self, process: Process) -> None:
        assert process.stdin
        assert process.stdout
        self._in, self._out = process.stdin, BufferedByteReceiveStream(process.stdout)
        self._count = 0

    async def told(self, number: int) -> dict[str, Any]:
        """Read the answer to one command; those that somebody gave up waiting for are passed over."""
        with anyio.fail_after(PATIENCE):
            while (told := json.loads(await self._out.receive_until(b"\n", LONGEST_LINE)))["number"] != number:
                pass
        return told

    async def do(self, verb: str, **options: Any) -> Any:
        """Give a command and return its answer."""
        self._count += 1
        await self._in.send(json.dumps({"number": self._count, "verb": verb, **options}).encode() + b"\n")
        told = await self.told(self._count)
        assert "error" not in told, told["error"]
        return told["answer"]

    async def until(self, words: str, *, shows_video: bool = False, within: float = 30) -> dict[str, Any]:
        """Look until the card says this, and has the video on its screen where that is wanted."""
        seen: dict[str, Any] = {}
        try:
            with anyio.fail_after(within):
                while words not in seen.get("text", "") or (shows_video and not seen["video"]):
                    seen = await self.do("look")
                    await anyio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(
                f"waited for {words!r}, saw {json.dumps(seen, ensure_ascii=False, indent=1)}"
            ) from None
        return seen


@asynccontextmanager
async def browser() -> AsyncGenerator[Browser]:
    """Start one; it is gone when this ends."""
    modules = await anyio.to_thread.run_sync(node_packages, HERE / "package.json")
    command = [str(modules / "node" / "bin" / "node"), str(HERE / "host.cjs")]
    unpacked = modules.parent / "unpacked"  # else Chromium would lie in /tmp, where others lay theirs
    unpacked.mkdir(exist_ok=True)
    environment = {**os.environ, "NODE_PATH": str(modules), "TMPDIR": str(unpacked)}
    async with await anyio.open_process(command, env=environment, stderr=sys.stderr) as process:
        started = Browser(process)
        try:
            await started.told(0)
            yield started
        finally:
            assert process.stdin
            await process.stdin.aclose()
            with anyio.move_on_after(10):
                await process.wait()
            if process.returncode is None:
                process.kill()
