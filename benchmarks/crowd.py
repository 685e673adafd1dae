"""Thousands of open tasks in one process: `python -m benchmarks.crowd`.

Found in a ledger that another process left, in two ways: five at DashScope and the rest waiting with us, as an
account's limit makes it; and all of them at DashScope, as never happens to an account with that limit. Real time.
DashScope is a stand-in in a process of its own, and each measurement is one too, so that what is counted is ours.
What a bare httpx takes to ask as often is measured in the same process, right after.
"""

import functools
import gc
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import anyio
import httpx

from benchmarks.figures import Figure, at_most, show, told
from benchmarks.standin import looks, standing_in
from benchmarks.turned import settings
from benchmarks.waiting import fill
from wan_mcp.domain.catalogue import WAN25_T2V
from wan_mcp.service.clock import Clock
from wan_mcp.service.composition import open_service

COUNTS = (1_000, 10_000)
RUNNING = WAN25_T2V.running_limit
SETTLING = 4.0
"""Seconds after everything has been taken over."""
BARE = 60
"""Times that httpx alone asks, fifteen a second, as the looks are."""


@dataclass(frozen=True, kw_only=True)
class Watching:
    """What it costs to watch so many."""

    share: float
    """Of a core."""
    rate: float
    """Looks a second."""
    resident: float
    """KiB."""
    bare: float
    """Seconds of a core that one GET by httpx alone takes, at that pace."""

    @property
    def beside(self) -> float:
        """The share of a core without what httpx takes for asking."""
        return self.share - self.rate * self.bare


def run(counts: tuple[int, ...] = COUNTS, seconds: float = 15.0) -> list[Figure]:
    """Measure."""
    figures: list[Figure] = []
    empty = measure(RUNNING, RUNNING, seconds)
    for count in counts:
        queue, crowd = measure(count, RUNNING, seconds), measure(count, count, seconds)
        name = f"{count} open tasks"
        figures += [
            at_most(f"{name}, {RUNNING} at DashScope: of a core", queue.share * 100, 2, " %"),
            _memory(f"{name}, {RUNNING} at DashScope: memory of each", queue, empty, count, counts),
            at_most(f"{name}, all at DashScope: of a core beside asking", crowd.beside * 100, 2, " %"),
            told(
                f"{name}, all at DashScope: of a core in all",
                f"{crowd.share:.1%}; httpx alone {crowd.rate * crowd.bare:.1%} "
                f"({crowd.share / max(crowd.rate, 1e-9) * 1e3:.1f} and {crowd.bare * 1e3:.1f} ms a look)",
            ),
            at_most(f"{name}, all at DashScope: looks a second", crowd.rate, 20, ""),
            _memory(f"{name}, all at DashScope: memory of each", crowd, empty, count, counts),
        ]
    return figures


def _memory(name: str, some: Watching, none: Watching, count: int, counts: tuple[int, ...]) -> Figure:
    """To be reached where there are most: with few, what the first rounds take once is shared by few."""
    each = memory(some, none, count)
    return at_most(name, each, 2, " kB") if count == max(counts) else told(name, f"{each:.1f} kB")


def memory(some: Watching, none: Watching, count: int) -> float:
    """KB for each open task."""
    return (some.resident - none.resident) * 1.024 / count


@functools.cache
def measure(count: int, running: int, seconds: float) -> Watching:
    """Watch so many tasks, so many of them at DashScope, in a process of its own."""
    with standing_in("RUNNING") as url, tempfile.TemporaryDirectory() as folder:
        given = settings(url, Path(folder))
        now = Clock().now()
        at_dashscope = [now - timedelta(seconds=10 + number % 140) for number in range(running)]
        anyio.run(fill, given, at_dashscope, [now - timedelta(seconds=5)] * (count - running))
        command = [sys.executable, "-m", "benchmarks.crowd", url, folder, str(count), str(seconds)]
        ended = subprocess.run(command, check=True, capture_output=True, text=True)
    return Watching(**json.loads(ended.stdout))


async def watch(url: str, folder: Path, count: int, seconds: float) -> Watching:
    """Watch what is in that folder's ledger."""
    async with open_service(settings(url, folder)) as videos:
        while videos.attending.open_count < count:
            await videos.attending.wait_for_news(1)
        await anyio.sleep(min(SETTLING, seconds))
        gc.collect()
        seen, used, began = looks(url), time.process_time(), time.perf_counter()
        await anyio.sleep(seconds)
        used, took = time.process_time() - used, time.perf_counter() - began
        rate, memory = (looks(url) - seen) / took, resident()
    return Watching(share=used / took, rate=rate, resident=memory, bare=await bare(url, BARE if seconds > 2 else 5))


async def bare(url: str, times: int) -> float:
    """Seconds of a core for one GET by httpx alone, fifteen a second."""
    async with httpx.AsyncClient(trust_env=False) as http:
        await http.get(url)
        used = time.process_time()
        for _ in range(times):
            await http.get(f"{url}/api/v1/tasks/remote-1")
            await anyio.sleep(1 / 15)
        return (time.process_time() - used) / times


def resident() -> float:
    """KiB (Linux; elsewhere 0)."""
    try:
        status = Path("/proc/self/status").read_text("utf-8")
    except OSError:
        return 0.0
    return float(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))


def main() -> None:
    """Be the process that watches, or measure all."""
    if len(sys.argv) == 1:
        show(run)
        return
    url, folder, count, seconds = sys.argv[1:]
    watched = anyio.run(watch, url, Path(folder), int(count), float(seconds))
    sys.stdout.write(json.dumps(vars(watched)))


if __name__ == "__main__":
    main()
