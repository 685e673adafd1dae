"""A client that is nobody's library: JSON-RPC lines over a subprocess's stdin and stdout."""

import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.abc
from anyio.streams.buffered import BufferedByteReceiveStream

PROTOCOL = "2025-06-18"
PATIENCE = 50
"""Seconds for one answer of a process on a busy machine."""


class RawClient:
    """One server process, spoken to line by line."""

    def __init__(self, process: anyio.abc.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self._in = process.stdin
        self._out = BufferedByteReceiveStream(process.stdout)
        self._last_id = 0
        self.notifications: list[dict[str, Any]] = []

    async def send(self, message: Mapping[str, Any]) -> None:
        """Write one line."""
        await self._in.send(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    async def receive(self) -> dict[str, Any]:
        """Read one line; whatever is no JSON on stdout is an error."""
        with anyio.fail_after(PATIENCE):
            return json.loads(await self._out.receive_until(b"\n", 1 << 20))

    async def begin(self, method: str, **params: Any) -> int:
        """Send a request and return its id."""
        self._last_id += 1
        await self.send({"id": self._last_id, "method": method, "params": params})
        return self._last_id

    async def answer(self, request: int) -> dict[str, Any]:
        """Return the result of a request; notifications on the way are kept."""
        while True:
            message = await self.receive()
            if message.get("id") == request and "method" not in message:
                assert "error" not in message, message
                return message["result"]
            self.notifications.append(message)

    async def request(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask and return the result."""
        return await self.answer(await self.begin(method, **params))

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool and return its structured content."""
        result = await self.request("tools/call", name=tool, arguments=arguments)
        return result["structuredContent"]

    async def hello(self) -> dict[str, Any]:
        """Open the session as clients of the older era do."""
        told = await self.request(
            "initialize", protocolVersion=PROTOCOL, capabilities={}, clientInfo={"name": "raw", "version": "0"}
        )
        await self.send({"method": "notifications/initialized"})
        return told

    async def hang_up(self) -> int:
        """Close stdin and return the exit code."""
        await self._in.aclose()
        return await self.ended()

    async def ended(self) -> int:
        """Wait for the process to end and return its exit code."""
        with anyio.fail_after(5):
            return await self.process.wait()


@asynccontextmanager
async def raw_server(environment: Mapping[str, str], *arguments: str) -> AsyncGenerator[RawClient]:
    """Start `wan-mcp` as a host does; it is gone when this ends."""
    command = [sys.executable, "-m", "wan_mcp", *arguments]
    process = await anyio.open_process(command, env={**os.environ, **environment}, stderr=None)
    try:
        yield RawClient(process)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        with anyio.CancelScope(shield=True):
            await process.wait()
            await process.aclose()
