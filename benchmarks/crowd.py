"""Thousands of open tasks in one process: `python -m benchmarks.crowd`.

All of them are at DashScope and stay there, in a ledger that another process left. Real time; DashScope is a
stand-in in a process of its own, so that what is counted is ours.
"""

import gc
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

import anyio

from benchmarks.figures import Figure, at_most, show, told
from benchmarks.standin import looks, standing_in
from benchmarks.turned import settings
from wan_mcp.adapters.ledger import Ledger
from wan_mcp.domain.catalogue import REGIONS, WAN25_T2V
from wan_mcp.domain.request import Limits, parse_request, request_arguments
from wan_mcp.domain.task import Status, VideoTask
from wan_mcp.service.clock import Clock
from wan_mcp.service.composition import open_service

COUNTS = (1_000, 10_000)
REGION = REGIONS["cn-beijing"]
SETTLING = 8.0
"""Seconds until everything has been taken over."""


def run(counts: tuple[int, ...] = COUNTS, seconds: float = 20.0) -> list[Figure]:
    """Measure."""
    figures: list[Figure] = []
    with standing_in("RUNNING") as url:
        for count in counts:
            before = resident()
            share, rate, after = anyio.run(_watched, url, count, seconds)
            more = (after - before) / count
            most = count == max(counts)
            name = f"{count} open tasks"
            figures.append(
                at_most(f"{name}: of a core", share * 100, 2, " %")
                if most
                else told(f"{name}: of a core", f"{share:.1%}")
            )
            figures.append(at_most(f"{name}: looks a second", rate, 20, ""))
            figures.append(
                at_most(f"{name}: memory of each", more, 2, " kB")
                if most
                else told(f"{name}: memory of each", f"{more:.1f} kB")
            )
    return figures


async def _watched(url: str, count: int, seconds: float) -> tuple[float, float, float]:
    """What watching so many costs: the share of a core, looks a second, and KiB of memory."""
    with tempfile.TemporaryDirectory() as folder:
        given = settings(url, Path(folder))
        now = Clock().now()
        ledger = _Filling(given.ledger)
        await ledger.open()
        ledger.fill(given.account, count, now - timedelta(seconds=60))
        await ledger.close()
        async with open_service(given):
            await anyio.sleep(SETTLING if seconds > SETTLING / 2 else seconds)
            seen, used, began = looks(url), time.process_time(), time.perf_counter()
            await anyio.sleep(seconds)
            used, took = time.process_time() - used, time.perf_counter() - began
            gc.collect()
            return used / took, (looks(url) - seen) / took, resident()


class _Filling(Ledger):
    """A ledger that is filled in one transaction, past its own thread."""

    def fill(self, account: str, count: int, asked_at: datetime) -> None:
        """Let so many tasks be open that nobody watches."""
        with self._exclusively():
            for number in range(count):
                request = parse_request(request_arguments({"prompt": f"take {number}"}), WAN25_T2V, Limits())
                quote = WAN25_T2V.quote(region=REGION, resolution=request.resolution, duration=request.duration)
                self._append(
                    VideoTask(
                        id=f"vid_{number:022x}",
                        status=Status.RUNNING,
                        account=account,
                        request=request,
                        unit_price=quote.unit_price,
                        seconds=quote.seconds,
                        asked_at=asked_at,
                        since=asked_at,
                        sent_at=asked_at,
                        dashscope_task_id=f"remote-{number}",
                        submitted_at=asked_at,
                    )
                )


def resident() -> float:
    """KiB (Linux; elsewhere 0)."""
    try:
        status = Path("/proc/self/status").read_text("utf-8")
    except OSError:
        return 0.0
    return float(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))


if __name__ == "__main__":
    show(run)
