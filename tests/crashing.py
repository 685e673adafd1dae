"""A program that does the main job and is stopped dead at its n-th step, for one n after the other.

A step is each resumption of any coroutine (so every await is a place to die) and each statement that reaches
the database (so before every commit too). `os._exit` runs no cleanup at all, like `kill -9`.
"""

import asyncio
import os
import sqlite3
import sys
from collections.abc import Coroutine, Generator
from pathlib import Path
from typing import Any

from tests.conftest import HandClock, made
from tests.making import a_request
from wan_mcp.adapters.ledger import Ledger
from wan_mcp.service import composition
from wan_mcp.service.composition import open_service

DIED = 9
FINISHED = 0


class Steps:
    """Counts, and ends the process at the n-th."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.count = 0

    def one(self) -> None:
        """Take one step, perhaps the last."""
        self.count += 1
        if self.count == self.last:
            os._exit(DIED)


class Counted(Coroutine[Any, Any, Any]):
    """A coroutine each of whose resumptions is a step."""

    def __init__(self, inner: Coroutine[Any, Any, Any], steps: Steps) -> None:
        self._inner = inner
        self._steps = steps

    def send(self, value: Any) -> Any:
        self._steps.one()
        return self._inner.send(value)

    def throw(self, *arguments: Any) -> Any:
        self._steps.one()
        return self._inner.throw(*arguments)

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._inner.__await__()


class CountedLedger(Ledger):
    """A ledger each of whose statements is a step."""

    steps: Steps

    @property
    def _db(self) -> sqlite3.Connection:
        connection = super()._db
        connection.set_trace_callback(lambda _statement: self.steps.one())
        return connection


async def main_job(url: str, folder: Path, prompt: str) -> None:
    """Create, look, save."""
    clock = HandClock()
    async with open_service(made(url, folder), clock=clock, watching=False, stamping=False) as service:
        await service.create(a_request(prompt), agreed=False)
        for _ in range(2):
            clock.turn(30)
            await service.watcher.turn()


def crash_at(last: int, url: str, folder: Path) -> int:
    """Run the main job in a fork of this process; return whether it died at that step or came to its end."""
    child = os.fork()
    if child == 0:
        run_until(last, main_job(url, folder, f"crash {last}"))
        os._exit(FINISHED)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def run_until(last: int, job: Coroutine[Any, Any, None]) -> None:
    """Do a job in an event loop of its own, and end the process at the `last` step of it."""
    steps = Steps(last)
    CountedLedger.steps = steps
    composition.Ledger = CountedLedger  # pyright: ignore[reportPrivateImportUsage]  # the composition root's name for it

    def counted(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
        return asyncio.Task(Counted(work, steps), loop=loop, **options)

    with asyncio.Runner() as runner:
        runner.get_loop().set_task_factory(counted)
        runner.run(job)


def main(url: str, folder: Path, first: int, stride: int) -> None:
    """Crash at step `first`, `first + stride`, ... until a run comes to its end; print the steps."""
    for last in range(first, 1000, stride):
        ended = crash_at(last, url, folder / str(last))
        if ended == FINISHED:
            break
        print(last if ended == DIED else f"step {last} ended with {ended}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
