"""The ways in: the server as a process over HTTP or in this event loop, and the SDK's client at each of its doors."""

import os
import re
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx2
from anyio.abc import Process
from mcp import Client, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from tests.raw import PATIENCE
from wan_mcp.adapters.tokens import digest, new_token
from wan_mcp.server.door import Door
from wan_mcp.server.http import serving
from wan_mcp.settings import Settings


async def until(is_so: Callable[[], bool] | Callable[[], Awaitable[bool]]) -> None:
    """Wait for what another process does."""
    with anyio.fail_after(PATIENCE):
        while True:
            answer = is_so()
            if answer if isinstance(answer, bool) else await answer:
                return
            await anyio.sleep(0.02)


READY = re.compile(rb"MCP is served at (\S+)")


@dataclass
class HttpServer:
    """A server process that listens."""

    process: Process
    url: str = ""
    stderr: bytes = b""
    _told: anyio.Event = field(default_factory=anyio.Event)

    @property
    def root(self) -> str:
        """Its address without the path of the endpoint."""
        return self.url.rpartition("/")[0]

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    async def ended(self, *, within: float = 5) -> tuple[int, float]:
        """Wait for its end; its exit code and the seconds that it took."""
        began = anyio.current_time()
        with anyio.fail_after(within):
            code = await self.process.wait()
        return code, anyio.current_time() - began

    async def listen(self) -> None:
        """Read its stderr to the end."""
        assert self.process.stderr is not None
        async for chunk in self.process.stderr:
            self.stderr += chunk
            if found := READY.search(self.stderr):
                self.url = found[1].decode()
                self._told.set()
        self._told.set()

    async def ready(self) -> None:
        """Wait until it listens."""
        with anyio.fail_after(PATIENCE):
            await self._told.wait()
        assert self.url, self.stderr.decode()


@asynccontextmanager
async def http_server(environment: Mapping[str, str], *arguments: str) -> AsyncGenerator[HttpServer]:
    """Start `wan-mcp serve` on a free port; it is gone when this ends."""
    command = [sys.executable, "-m", "wan_mcp", "serve", "--port", "0", *arguments]
    async with await anyio.open_process(command, env={**os.environ, **environment}, stdin=None) as process:
        server = HttpServer(process)
        async with anyio.create_task_group() as listening:
            listening.start_soon(server.listen)
            try:
                await server.ready()
                yield server
            finally:
                if process.returncode is None:
                    process.kill()


def a_door(**more: Any) -> Door:
    """Streamable HTTP on a free port of this machine, unless told otherwise."""
    usual: dict[str, Any] = {"transport": "streamable-http", "host": "127.0.0.1", "port": 0}
    return Door(**usual | more)


@asynccontextmanager
async def at(settings: Settings, **door: Any) -> AsyncGenerator[str]:
    """Serve in this event loop; the URL of the endpoint."""
    async with serving(a_door(**door), settings) as url:
        yield url


@asynccontextmanager
async def client_of(
    url: str | StdioServerParameters, *, mode: Any = "auto", token: str | None = None, **options: Any
) -> AsyncGenerator[Client]:
    """The SDK's client at a door, with a token or without."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if not isinstance(url, str):
        async with Client(url, mode=mode, **options) as client:
            yield client
    elif url.endswith("/sse"):
        async with Client(sse_client(url, headers=headers), mode=mode, **options) as client:
            yield client
    else:
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False, verify=False) as http,
            Client(streamable_http_client(url, http_client=http), mode=mode, **options) as client,
        ):
            yield client


def tokens_file(folder: Path, **callers: str) -> tuple[Path, dict[str, str]]:
    """Write a tokens file; of each caller what else stands in the entry. The file, and everybody's token."""
    tokens = {name: new_token() for name in callers}
    entries = [
        f'[[token]]\nname = "{name}"\nsha256 = "{digest(tokens[name])}"\n{more}\n' for name, more in callers.items()
    ]
    path = folder / "tokens.toml"
    path.write_text("\n".join(entries))
    path.chmod(0o600)
    return path, tokens
