"""How fast the ledger is with a hundred thousand tasks in it: `python -m benchmarks.ledger`.

Figures only, nothing is asserted. Each is taken at the ledger's own methods, so that the way to the database's
thread and back is in it; then once more while two other processes write to the same file as fast as they can.
"""

import argparse
import os
import platform
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import anyio

from wan_mcp import __version__
from wan_mcp.adapters.ledger import Ledger
from wan_mcp.domain.catalogue import REGIONS, WAN25_T2V
from wan_mcp.domain.errors import StaleTask
from wan_mcp.domain.money import Budget
from wan_mcp.domain.request import Limits, VideoRequest, parse_request, request_arguments
from wan_mcp.domain.task import Problem, Status, VideoTask

TASKS = 100_000
SAMPLES = 300
WARM_UP = 20
HAMMERS = 2
DAYS = 300
"""Over which the tasks are spread: some three hundred a day."""
QUEUED = 50
"""More that wait with us, as in a busy hour."""
A_TRANSACTION = 20_000
"""Tasks, while filling."""
ORDER = ("reserve", "record", "claim_next", "list of 20", "standing", "get", "unsettled")
ACCOUNT = "dashscope.aliyuncs.com"
REGION = REGIONS["cn-beijing"]
CALLERS = ("local", "local", "local", "ann", "bob", "a film")
BUDGET = Budget(
    per_task=None,
    per_day=WAN25_T2V.dearest(REGION) * 10**6,
    confirm_above=WAN25_T2V.dearest(REGION),
)
"""Never reached, and reckoned with all the same."""
OWNER = "benchmark"
IDS = count()

Operation = Callable[[], Awaitable[object]]


# Filling


def a_request(chance: random.Random, number: int) -> VideoRequest:
    """Some request; prompts are as long as people's are."""
    words = chance.choices(["a", "cat", "runs", "under", "the", "moon", "slowly", "月光", "小猫", "奔跑"], k=30)
    arguments = {
        "prompt": f"{number} {' '.join(words)}",
        "size": chance.choice(WAN25_T2V.all_sizes),
        "duration": chance.choice(WAN25_T2V.durations),
    }
    return parse_request(request_arguments(arguments), WAN25_T2V, Limits())


def a_draft(chance: random.Random, asked_at: datetime, caller: str = "local") -> VideoTask:
    """A task as `create` makes it."""
    number = next(IDS)
    request = a_request(chance, number)
    quote = WAN25_T2V.quote(region=REGION, resolution=WAN25_T2V.resolution(request.size), duration=request.duration)
    return VideoTask(
        id=f"vid_{os.getpid():x}{number:018x}",
        status=Status.QUEUED,
        account=ACCOUNT,
        caller=caller,
        request=request,
        unit_price=quote.unit_price,
        seconds=quote.seconds,
        asked_at=asked_at,
        since=asked_at,
    )


def a_life(chance: random.Random, asked_at: datetime) -> Generator[VideoTask]:
    """Every version of a task that is over."""
    task = replace(a_draft(chance, asked_at, chance.choice(CALLERS)), status=Status.SUBMITTING, sent_at=asked_at)
    yield task
    at, remote = asked_at + timedelta(seconds=1), f"{chance.getrandbits(128):032x}"
    task = task.to(Status.PENDING, at, dashscope_task_id=remote, submitted_at=at, request_id=remote[:8])
    yield task
    at += timedelta(seconds=chance.uniform(8, 30))
    task = task.to(Status.RUNNING, at, started_at=at)
    yield task
    at += timedelta(seconds=chance.uniform(60, 300))
    if chance.random() < 0.07:
        yield task.to(Status.FAILED, at, ended_at=at, problem=Problem(code="DataInspectionFailed", message="No."))
        return
    url = f"https://dashscope-result-bj.oss-cn-beijing.aliyuncs.com/1d/{remote}.mp4?Expires=1&Signature={remote}"
    task = task.to(Status.SUCCEEDED, at, ended_at=at, video_url=url, expires_at=at + timedelta(hours=24))
    yield task
    yield task.to(Status.SUCCEEDED, at, file=f"/videos/{remote}.mp4", file_bytes=chance.randrange(10**6, 10**7))


def a_queue(chance: random.Random, now: datetime) -> Generator[VideoTask]:
    """Tasks that wait with us, while DashScope renders three."""
    for number in range(QUEUED):
        yield replace(a_draft(chance, now - timedelta(minutes=5), chance.choice(CALLERS)), rank=number)
    for number in range(3):
        draft = a_draft(chance, now - timedelta(minutes=6))
        yield replace(draft, status=Status.RUNNING, sent_at=draft.asked_at, dashscope_task_id=f"running-{number}")


class Filling(Ledger):
    """A ledger that is filled in few transactions, past its own thread."""

    def fill(self, tasks: int) -> int:
        """Write so many tasks, oldest first; return the number of entries."""
        chance, now = random.Random(2026), datetime.now(UTC)
        entries = 0
        for first in range(0, tasks, A_TRANSACTION):
            with self._exclusively():
                for number in range(first, min(first + A_TRANSACTION, tasks)):
                    asked_at = now - timedelta(hours=1) - timedelta(days=DAYS) * (1 - number / tasks)
                    for version in a_life(chance, asked_at):
                        self._append(version)
                        entries += 1
        with self._exclusively():
            for waiting in a_queue(chance, now):
                self._append(waiting)
                self._watch(waiting.id, OWNER)
                entries += 1
        return entries


# Measuring


async def measured(operation: Operation, *, after: Operation | None = None, samples: int = SAMPLES) -> list[float]:
    """Do it many times and return how many milliseconds each took; `after` it, in between, is not counted."""
    took = list[float]()
    for _ in range(samples + WARM_UP):
        began = time.perf_counter()
        await operation()
        took.append((time.perf_counter() - began) * 1000)
        if after is not None:
            await after()
    return took[WARM_UP:]


class Bench:
    """What is measured, one after the other."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._chance = random.Random(os.getpid())
        self._last: VideoTask | None = None
        self._now = datetime.now(UTC)

        self._known = list[str]()

    async def all(self) -> dict[str, list[float]]:
        """Measure everything."""
        ledger, today = self._ledger, self._now.replace(hour=0, minute=0)
        self._known = [task.id for task in await ledger.newest(ACCOUNT, "local", status=None, limit=10_000)]
        await self._reserve()
        took = {"record": await measured(self._cancel, after=self._reserve)}
        await self._cancel()
        took["reserve"] = await measured(self._reserve, after=self._cancel)
        took["claim_next"] = await measured(self._claim, after=self._end_and_reserve)
        took["list of 20"] = await measured(lambda: ledger.newest(ACCOUNT, "local", status=None, limit=20))
        took["standing"] = await measured(lambda: ledger.standing(ACCOUNT, REGION.currency, today))
        took["get"] = await measured(lambda: ledger.get(self._chance.choice(self._known)))
        took["unsettled"] = await measured(lambda: ledger.unsettled(ACCOUNT))
        return took

    async def some(self) -> dict[str, list[float]]:
        """Measure only what every call waits for."""
        await self._reserve()
        took = {"record": await measured(self._cancel, after=self._reserve, samples=100)}
        await self._cancel()
        took["reserve"] = await measured(self._reserve, after=self._cancel, samples=100)
        took["list of 20"] = await measured(
            lambda: self._ledger.newest(ACCOUNT, "local", status=None, limit=20), samples=100
        )
        return took

    async def hammer(self) -> None:
        """Reserve and record until this process is ended."""
        while True:
            await self._reserve()
            with suppress(StaleTask):  # claimed by the one that is measured
                await self._cancel()

    async def _reserve(self) -> None:
        draft = a_draft(self._chance, self._later(), self._chance.choice(CALLERS))
        today = draft.asked_at.replace(hour=0, minute=0)
        reserved = await self._ledger.reserve(draft, owner=OWNER, model=WAN25_T2V, budget=BUDGET, day_start=today)
        self._last = reserved.task

    async def _cancel(self) -> None:
        assert self._last is not None  # a reservation went before
        ended = Status.CANCELED if self._last.status is Status.QUEUED else Status.FAILED
        await self._ledger.record(self._last.to(ended, self._later()))

    async def _claim(self) -> None:
        self._last = await self._ledger.claim_next(ACCOUNT, owner=OWNER, model=WAN25_T2V, now=self._later())

    async def _end_and_reserve(self) -> None:
        if self._last is not None:
            await self._cancel()
            await self._reserve()

    def _later(self) -> datetime:
        """A second later each time, so that nobody waits for DashScope's limit on submissions."""
        self._now += timedelta(seconds=1.1)
        return self._now


@asynccontextmanager
async def opened(path: Path) -> AsyncGenerator[Filling]:
    """The ledger of a file."""
    ledger = Filling(path)
    await ledger.open()
    try:
        yield ledger
    finally:
        await ledger.close()


@contextmanager
def hammers(path: Path) -> Generator[None]:
    """Other processes that write to the same file as fast as they can."""
    command = [sys.executable, "-m", "benchmarks.ledger", "--hammer", str(path)]
    processes = [subprocess.Popen(command) for _ in range(HAMMERS)]
    try:
        time.sleep(2)  # until they have started
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def to_disk(folder: Path) -> list[float]:
    """How long the disk takes for one small write, for comparing machines."""
    took = list[float]()
    with (folder / "fsync").open("wb") as file:
        for _ in range(100):
            began = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            took.append((time.perf_counter() - began) * 1000)
    return took


async def bench(folder: Path, tasks: int) -> None:
    """Fill, measure twice, print."""
    path = folder / "ledger.db"
    async with opened(path) as ledger:
        began = time.perf_counter()
        entries = ledger.fill(tasks)
        print(
            f"{tasks} tasks, {entries} entries, {path.stat().st_size / 1e6:.0f} MB, "
            f"filled in {time.perf_counter() - began:.0f} s"
        )
        print(
            f"wan-mcp {__version__}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
            f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
            f"one write to disk {statistics.median(to_disk(folder)):.2f} ms"
        )
        alone = await Bench(ledger).all()
        with hammers(path):
            hammered = await Bench(ledger).all()
    print(f"\n{'ms':<12}{'alone':>20}{f'with {HAMMERS} writing':>20}")
    print(f"{'':<12}{'median':>11}{'p95':>9}{'median':>11}{'p95':>9}")
    for name in ORDER:
        print(f"{name:<12}{figures(alone[name])}{figures(hammered[name])}")


def figures(took: list[float]) -> str:
    """Median and 95th percentile."""
    return f"{statistics.median(took):>11.2f}{statistics.quantiles(took, n=20)[-1]:>9.2f}"


async def hammer(path: Path) -> None:
    """Be one of the others."""
    async with opened(path) as ledger:
        await Bench(ledger).hammer()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="How fast the ledger is with many tasks in it.")
    parser.add_argument("--tasks", type=int, default=TASKS)
    parser.add_argument("--folder", type=Path, help="on the disk to be measured; a temporary one by default")
    parser.add_argument("--hammer", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.hammer:
        anyio.run(hammer, chosen.hammer)
        return
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        anyio.run(bench, Path(folder), chosen.tasks)


if __name__ == "__main__":
    main()
