"""Whether hundreds of tasks at DashScope are found out in the order in which they end: `python -m benchmarks.fairness`.

More than the account's queries allow to ask about every 15 seconds, so that they have to share; they were sent one
after the other. The whole service on the simulator, in turned time.
"""

import functools
import math
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from pathlib import Path
from typing import Any

import anyio

from benchmarks.figures import Figure, at_least, at_most, quantile, show, told
from benchmarks.turned import KEY, TurnedClock, settings
from benchmarks.waiting import SIZE, fill
from wan_mcp.adapters.dashscope import DashScope
from wan_mcp.adapters.ledger import Ledger
from wan_mcp.domain.catalogue import WAN25_T2V
from wan_mcp.domain.looking import EVERY
from wan_mcp.domain.request import Limits, parse_request, request_arguments
from wan_mcp.domain.task import VideoTask
from wan_mcp.service.clock import Clock
from wan_mcp.service.composition import open_service
from wan_mcp.settings import Settings
from wan_mcp.simulator import Simulator, serving

SENT_WITHIN = 50.0
"""Seconds: before the first one ends."""
_STEP = 0.25


@dataclass(frozen=True, kw_only=True)
class Found:
    """How a crowd was found out."""

    late: Sequence[float]
    """Seconds from the end at DashScope to the ledger, in the order of the ends."""
    looks: float
    """Of each task."""
    fixed_looks: Sequence[int]
    """What asking every 15 seconds would have taken of each."""
    busiest: int
    """Calls in the busiest second."""
    order: float
    """Spearman's rank correlation of ends and findings: 1 is the same order."""
    overtaken: float
    """Seconds by which at most a task ended before another one that was found out before it."""


def run(tasks: int = 400) -> list[Figure]:
    """Measure."""
    found = measure(tasks)
    late = found.late
    return [
        at_least(f"{tasks} ends at DashScope: in their order (rank correlation)", found.order, 0.95, ""),
        told("found out late", f"{sum(late) / tasks:.1f} s, p95 {quantile(late, 0.95):.1f} s, most {max(late):.1f} s"),
        told("looks a task, most overtaken by", f"{found.looks:.1f}, {found.overtaken:.1f} s"),
        at_most("looks in the busiest second", found.busiest, 20, ""),
    ]


@functools.cache
def measure(tasks: int) -> Found:
    """Let so many tasks end, and watch."""
    return anyio.run(watched, tasks, TurnedClock(), dict[str, Any](), float("inf"), 1)[0]


async def watched(tasks: int, clock: Clock, options: dict[str, Any], seconds: float, crowds: int) -> Sequence[Found]:
    """Watch so many tasks at a simulator with these options until all have ended, or for so long; a clock that is not
    turned goes by itself. As often as there are crowds, each with what was learned from those before."""
    free = {"running_limit": tasks, "queue_limit": tasks, "submit_rate": None, "query_rate": None}
    simulator = Simulator(now=clock.now, media="clip", **free, **options)
    with tempfile.TemporaryDirectory() as folder:
        async with serving(simulator) as url:
            given = settings(url, Path(folder))
            return [await _watched_once(simulator, given, tasks, clock, seconds) for _ in range(crowds)]


async def _watched_once(simulator: Simulator, given: Settings, tasks: int, clock: Clock, seconds: float) -> Found:
    sent: dict[str, datetime] = {}
    async for remote in submitted(given.api_root, tasks):
        sent[remote] = clock.now()
        await clock.hold(SENT_WITHIN / tasks if isinstance(clock, TurnedClock) else 0.1)
    ids = await fill(given, list(sent.values()), remote=list(sent))
    already = len(simulator.requests)
    with anyio.move_on_after(seconds):
        async with open_service(given, clock=clock, watching=False, stamping=False) as videos:
            await videos.watcher.turn()
            while videos.attending.open_count:
                await clock.hold(_STEP)
                await videos.watcher.turn()
    calls = [call for call in simulator.requests[already:] if "/tasks/" in call.path]
    ends = {task.id: task.ended_at for task in simulator.accepted if task.id in sent}
    found = await _in_the_ledger(given.ledger, ids)
    pairs = [(end, task.since) for task in found if not task.is_open and (end := ends[task.dashscope_task_id or ""])]
    return Found(
        late=[(since - end).total_seconds() for end, since in sorted(pairs)],
        looks=len(calls) / tasks,
        fixed_looks=[math.ceil((end - sent[remote]).total_seconds() / EVERY) for remote, end in ends.items() if end],
        busiest=max(Counter(int(call.at.timestamp()) for call in calls).values()),
        order=_rank_correlation(pairs),
        overtaken=_most_overtaken(pairs),
    )


async def submitted(api_root: str, tasks: int) -> AsyncGenerator[str]:
    """Make so many tasks, past the service and its limits."""
    request = parse_request(request_arguments({"prompt": "a cat", "size": SIZE}), WAN25_T2V, Limits())
    dashscope = DashScope(api_root=api_root, key=KEY, submissions_per_second=100_000, is_local=True)
    try:
        for _ in range(tasks):
            yield (await dashscope.submit(request)).id
    finally:
        await dashscope.aclose()


async def _in_the_ledger(path: Path, task_ids: Sequence[str]) -> list[VideoTask]:
    ledger = Ledger(path)
    await ledger.open()
    try:
        return await ledger.tasks(task_ids)
    finally:
        await ledger.close()


def _rank_correlation(pairs: Sequence[tuple[datetime, datetime]]) -> float:
    ends, found = _ranks([end for end, _ in pairs]), _ranks([since for _, since in pairs])
    squares = sum((a - b) ** 2 for a, b in zip(ends, found, strict=True))
    return 1 - 6 * squares / max(len(pairs) * (len(pairs) ** 2 - 1), 1)


def _ranks(times: Sequence[datetime]) -> list[int]:
    ranks = [0] * len(times)
    for rank, index in enumerate(sorted(range(len(times)), key=lambda index: times[index])):
        ranks[index] = rank
    return ranks


def _most_overtaken(pairs: Sequence[tuple[datetime, datetime]]) -> float:
    ends = [end for end, _ in sorted(pairs, key=lambda pair: pair[1])]
    latest = list(accumulate(ends, max))  # the latest end of all that were found out by then
    return max((late - end).total_seconds() for late, end in zip(latest, ends, strict=True))


if __name__ == "__main__":
    show(run)
