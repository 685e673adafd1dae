"""Serving a simulator over real sockets.

Uvicorn's protocol does the HTTP; the listening is done here, because a mishap has to get at the
connection it breaks, and because tests start and stop a server many times a second.
"""

import asyncio
import signal
import socket
import sys
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager

import anyio
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from .app import build_app
from .simulator import Simulator

__all__ = ["serve_forever", "serving"]

GRACE = 1.0
"""Seconds that requests in the making get when the server stops."""


class _Wire(H11Protocol):
    """A connection that tells the application which one it is."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]  # as uvicorn itself narrows it
        self.access_log = False
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)


@asynccontextmanager
async def serving(sim: Simulator, *, host: str = "127.0.0.1", port: int = 0) -> AsyncGenerator[str]:
    """Serve a simulator in the running loop; yields its address, such as http://127.0.0.1:8080."""
    config = Config(build_app(sim), ws="none", lifespan="off", log_config=None, date_header=False)
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: _Wire(config=config, server_state=state, app_state={}), host, port, start_serving=True
    )
    sim.studio.open()
    try:
        yield _address(server.sockets[0])
    finally:
        sim.studio.close()
        server.close()
        with anyio.CancelScope(shield=True):
            await _hang_up(state)
            await server.wait_closed()


async def _hang_up(state: ServerState) -> None:
    for connection in list(state.connections):
        connection.transport.abort()
    tasks = list(state.tasks)
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=GRACE)
        for task in late:
            task.cancel()


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve_forever(sim: Simulator, *, host: str, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve until interrupted or told to end; `on_ready` is called with the address."""

    async def main() -> None:
        with _told_to_stop() as told:
            async with serving(sim, host=host, port=port) as url:
                on_ready(url)
                await told()

    try:
        anyio.run(main)
    except KeyboardInterrupt:
        return


@contextmanager
def _told_to_stop() -> Generator[Callable[[], Awaitable[object]]]:
    """Heard from before it is ready on: whoever reads the address may already say that it is enough."""
    # Windows has no such receiver, and only a main thread gets signals; there a
    # KeyboardInterrupt, or a cancellation, is what ends it.
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        yield anyio.sleep_forever
        return
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        yield aiter(signals).__anext__
