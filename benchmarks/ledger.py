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
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import anyio

from wan_mcp import __version__
from wan_mcp.adapters.ledger import Ledger
from wan_mcp.domain.catalogue import REGIONS, WAN25_T2V
from wan_mcp.domain.money import Budget, Money
from wan_mcp.domain.request import Limits, VideoRequest, parse_request, request_arguments
from wan_mcp.domain.task import Problem, Status, VideoTask

TASKS = 100_000
SAMPLES = 300
WARM_UP = 20
HAMMERS = 2
DAYS = 300
"""Over which the tasks are spread: some three hundred a day."""
OPEN = 60
"""Of them are not over yet, as after a busy hour."""
ACCOUNT = "dashscope.aliyuncs.com"
REGION = REGIONS["cn-beijing"]
CALLERS = ("local", "local", "local", "ann", "bob", "a film")
NO_CAPS = Budget(
    per_task=None, per_day=Money(WAN25_T2V.dearest(REGION).amount * 10**6, REGION.currency), confirm_above=WAN25_T2V.dearest(REGION)
)
IDS = count()

Operation = Callable[[], Awaitable[object]]


@dataclass(frozen=True, kw_only=True)
class Timing:
    """One line of the table, in milliseconds."""

    name: str
    alone: list[float]
    hammered: list[float]

    def row(self) -> str:
        """Median and 95th percentile, alone and among others."""
        return f"{self.name:<12}{_figures(self.alone)}{_figures(self.hammered)}"


def _figures(sample: list[float]) -> str:
    return f"{statistics.median(sample):>11.2f}{statistics.quantiles(sample, n=20)[-1]:>9.2f}"


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
    quote = WAN25_T2V.quote(
        region=REGION, resolution=WAN25_T2V.resolution(request.size), duration=request.duration
    )
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


def a_life(chance: random.Random, asked_at: datetime, *, is_open: bool) -> Generator[VideoTask]:
    """Every version of one task."""
    draft = a_draft(chance, asked_at, chance.choice(CALLERS))
    if is_open and chance.random() < 0.9:  # DashScope runs five at once; the others wait with us
        yield replace(draft, rank=chance.randrange(1, 60))
        return
    task = replace(draft, status=Status.SUBMITTING, sent_at=asked_at)
    yield task
    at = asked_at + timedelta(seconds=1)
    remote = f"{chance.getrandbits(128):032x}"
    task = task.to(Status.PENDING, at, dashscope_task_id=remote, submitted_at=at, request_id=f"{remote[:8]}-request")
    yield task
    at += timedelta(seconds=chance.uniform(8, 30))
    task = task.to(Status.RUNNING, at, started_at=at)
    yield task
    if is_open:
        return
    at += timedelta(seconds=chance.uniform(60, 300))
    if chance.random() < 0.07:
        yield task.to(Status.FAILED, at, ended_at=at, problem=Problem(code="DataInspectionFailed", message="No."))
        return
    url = f"https://dashscope-result-bj.oss-cn-beijing.aliyuncs.com/1d/{remote}.mp4?Expires=1&Signature={remote}"
    task = task.to(Status.SUCCEEDED, at, ended_at=at, video_url=url, expires_at=at + timedelta(hours=24))
    yield task
    yield task.to(Status.SUCCEEDED, at, file=f"/videos/{remote}.mp4", file_bytes=chance.randrange(10**6, 10**7))


async def fill(path: Path, tasks: int) -> int:
    """Write so many tasks, oldest first, in few transactions; return the number of entries."""
    ledger, chance, now = Ledger(path), random.Random(2026), datetime.now(UTC)
    await ledger.open()
    await ledger.close()
    db = sqlite3.connect(path, isolation_level=None)
    ledger._connection = db  # noqa: SLF001
    entries = 0
    for number in range(tasks):
        if number % 20_000 == 0:
            db.execute("COMMIT" if number else "SELECT 1")
            db.execute("BEGIN")
        left = tasks - number
        for version in a_life(chance, now - timedelta(days=DAYS) * (left / tasks), is_open=left <= OPEN):
            ledger._append(version)
            entries += 1
    db.execute("COMMIT")
    db.close()
    return entries
