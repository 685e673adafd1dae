"""stdio: start, stop, signals. stdout carries the protocol and nothing else.

Nothing that must survive is in memory, so this ends the process: tearing the interpreter down takes a tenth of a
second, and would wait for the thread in which the SDK reads stdin where that is no pipe (see pipes.py) or on Windows.
"""

import gc
import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from types import FrameType
from typing import TYPE_CHECKING

import anyio

from wan_mcp.server.app import build_server
from wan_mcp.server.opening import Opening

if TYPE_CHECKING:  # the service is imported when it is opened
    from wan_mcp.service.videos import Videos


def log_to_stderr(level: str) -> None:
    """Send the log to stderr. Before `MCPServer` is made, which would set up its own."""
    logging.basicConfig(level=level, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    # Both log every request with its whole address, and an address here can be a signed link.
    for name in ("httpx", "httpx2", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


def serve_stdio(opener: Callable[[], "AbstractAsyncContextManager[Videos]"]) -> None:
    """Serve one client over stdin and stdout until stdin ends or a signal comes. Does not return."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    # What was imported stays for ever: the collector need not look at it again.
    gc.freeze()
    gc.enable()
    try:
        anyio.run(_serve_stdio, opener)
    except BaseExceptionGroup as failures:
        others = failures.split((BrokenPipeError, ConnectionResetError))[1]
        if others is not None:
            logging.getLogger(__name__).critical("The server ended", exc_info=others)
            os._exit(1)
    os._exit(0)


async def _serve_stdio(opener: Callable[[], "AbstractAsyncContextManager[Videos]"]) -> None:
    opening = Opening(opener)
    server = build_server(opening)
    async with anyio.create_task_group() as background:
        background.start_soon(opening.run)
        await server.run_stdio_async()
        background.cancel_scope.cancel()


def _leave(number: int, _frame: FrameType | None) -> None:
    # Never sys.exit(): a thread of the SDK may hold stdin (see above), and the interpreter would abort over it.
    os._exit(0 if number == signal.SIGTERM else 130)
