"""stdio: start, stop, signals. stdout carries the protocol and nothing else.

Nothing that must survive is in memory, so this ends the process: tearing the interpreter down takes a tenth of a
second, and would wait for the thread in which the SDK reads stdin where that is no pipe (see pipes.py) or on Windows.
"""

import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING

import anyio

from wan_mcp.server.app import build_server
from wan_mcp.server.opening import Opening

if TYPE_CHECKING:  # the service is imported when it is opened
    from wan_mcp.service.videos import Videos


_LAST_MOMENT = 4.5
"""Seconds after the last question for what must not be cancelled: a submission that takes longer is found again."""
STILL_SUBMITTING = "A submission is still on its way; the next start finds out what became of it"


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
        await server.run_stdio_async(at_the_end=partial(_end_soon, opening))
        background.cancel_scope.cancel()


def _end_soon(opening: Opening) -> None:
    """The host has said its last word, and waits for our end."""

    def give_up() -> None:
        if opening.is_submitting:
            logging.getLogger(__name__).warning(STILL_SUBMITTING)
        os._exit(0)

    opening.hurry()
    watchdog = threading.Timer(_LAST_MOMENT, give_up)
    watchdog.daemon = True
    watchdog.start()


def _leave(number: int, _frame: FrameType | None) -> None:
    # Never sys.exit(): a thread of the SDK may hold stdin (see above), and the interpreter would abort over it.
    os._exit(0 if number == signal.SIGTERM else 130)
