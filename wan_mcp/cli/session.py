"""One command's visit to the service: settings, open, work, close.

Ctrl-C cancels the work in anyio's way, so that what is shielded (submit and record) still comes to its end.
"""

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import TypeVar, cast

import anyio

from wan_mcp.cli import ctrl_c
from wan_mcp.service.composition import open_service
from wan_mcp.service.videos import Videos
from wan_mcp.settings import Settings

T = TypeVar("T")


def visit(work: Callable[[Videos], Awaitable[T]], *, watching: bool = False) -> T:
    """Open the service for `work` and close it again; `watching` also looks after every open task meanwhile.

    Raises:
        WanError: of the settings, the service or the work.
        KeyboardInterrupt: Ctrl-C ended the work.
    """
    settings = Settings.read()
    if settings.log_level in ("DEBUG", "INFO"):
        from wan_mcp.server.transports import log_to_stderr  # half a second, for those who want to read more

        log_to_stderr(settings.log_level)
    return run(partial(_visit, settings, work, watching=watching))


async def _visit(settings: Settings, work: Callable[[Videos], Awaitable[T]], *, watching: bool) -> T:
    async with open_service(settings, watching=watching) as videos:
        return await work(videos)


def run(work: Callable[[], Awaitable[T]]) -> T:
    """Run `work` in an event loop of its own; SIGINT and SIGTERM cancel it.

    A signal that comes too late for that is not lost: what follows must not be begun.

    Raises:
        KeyboardInterrupt: a signal ended it, or came before its end.
    """
    ctrl_c.raise_what_was_lost()
    signals = _Signals()
    try:
        with signals.listened_to():
            results = anyio.run(_until_told, work, signals)
    except BaseExceptionGroup as group:
        raise alone(group) from group
    if signals.have_come or not results:
        raise KeyboardInterrupt
    return results[0]


async def _until_told(work: Callable[[], Awaitable[T]], signals: "_Signals") -> list[T]:
    with anyio.CancelScope() as scope, signals.ending(scope):
        return [await work()]
    return []


class _Signals:
    """What SIGINT and SIGTERM do meanwhile: the first cancels the work, a second ends it whatever it is at."""

    def __init__(self) -> None:
        self.have_come = False
        self._cancel: Callable[[], None] | None = None

    @contextmanager
    def listened_to(self) -> Generator[None]:
        """Listen from before the event loop to after it, so that there is no gap."""
        if threading.current_thread() is not threading.main_thread():  # which alone gets signals
            yield
            return
        former = {number: signal.signal(number, self._come) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)

    @contextmanager
    def ending(self, scope: anyio.CancelScope) -> Generator[None]:
        """Cancel `scope` when one comes, or has come already."""
        loop = asyncio.get_running_loop()

        def cancel() -> None:
            loop.call_soon_threadsafe(scope.cancel)

        self._cancel = cancel
        if self.have_come:
            scope.cancel()
        try:
            yield
        finally:
            self._cancel = None

    def _come(self, number: int, frame: FrameType | None) -> None:
        if self.have_come:
            raise KeyboardInterrupt
        self.have_come = True
        if self._cancel is not None:
            self._cancel()


def alone(failure: BaseException) -> BaseException:
    """Task groups wrap what goes wrong inside them; return the one error that it is, if it is one."""
    if not isinstance(failure, BaseExceptionGroup):
        return failure
    group = cast("BaseExceptionGroup[BaseException]", failure)
    return alone(group.exceptions[0]) if len(group.exceptions) == 1 else group
