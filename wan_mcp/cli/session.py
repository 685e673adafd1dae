"""One command's visit to the service: settings, open, work, close.

Ctrl-C cancels the work in anyio's way, so that what is shielded (submit and record) still comes to its end.
"""

import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar, cast

import anyio

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

    Raises:
        KeyboardInterrupt: a signal ended it.
    """
    try:
        results = anyio.run(_until_told, work)
    except BaseExceptionGroup as group:
        raise alone(group) from group
    if not results:
        raise KeyboardInterrupt
    return results[0]


async def _until_told(work: Callable[[], Awaitable[T]]) -> list[T]:
    results: list[T] = []
    async with anyio.create_task_group() as race:
        race.start_soon(_cancel_at_a_signal, race.cancel_scope)
        results.append(await work())
        race.cancel_scope.cancel()
    return results


async def _cancel_at_a_signal(scope: anyio.CancelScope) -> None:
    # Windows has no such receiver, and only a main thread gets signals: there KeyboardInterrupt comes by itself.
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        return
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            scope.cancel()
            return


def alone(failure: BaseException) -> BaseException:
    """Task groups wrap what goes wrong inside them; return the one error that it is, if it is one."""
    if not isinstance(failure, BaseExceptionGroup):
        return failure
    group = cast("BaseExceptionGroup[BaseException]", failure)
    return alone(group.exceptions[0]) if len(group.exceptions) == 1 else group
