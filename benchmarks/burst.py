"""A burst of requests against DashScope's limits: `python -m benchmarks.burst`.

Two hundred videos asked for at once, five at a time rendered, five a second taken. No less than the limits allow
is possible: the number of rounds of five, each as long as DashScope takes for one. In turned time.
"""

import tempfile
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import anyio

from benchmarks.figures import Figure, at_most, show, told
from benchmarks.turned import TurnedClock, opened, settings
from wan_mcp.domain.catalogue import WAN25_T2V
from wan_mcp.domain.request import Limits, VideoRequest, parse_request, request_arguments
from wan_mcp.simulator import Simulator, serving

RENDER, WAIT = 90.0, 8.0
AT_ONCE = WAN25_T2V.running_limit


@dataclass(frozen=True, kw_only=True)
class Burst:
    """What became of one."""

    took: float
    """Seconds, of the turned clock."""
    bound: float
    """Seconds that the limits make it take."""
    refused: int
    calls: int
    work: float
    """Seconds of a core, the simulator's included."""


def run(requests: int = 200) -> list[Figure]:
    """Measure."""
    burst = once(requests)
    return [
        at_most(
            f"{requests} requests at once: time beside the limits' bound",
            burst.took / burst.bound,
            1.03,
            "×",
            f" ({burst.took:.0f} of {burst.bound:.0f} s)",
        ),
        at_most("429 that we caused", burst.refused, 0, ""),
        told("looks and submissions", str(burst.calls)),
    ]


def once(requests: int) -> Burst:
    """Ask for so many at once, and turn the clock until all are rendered."""
    return anyio.run(_measured, requests)


async def _measured(requests: int) -> Burst:
    used = time.process_time()
    clock = TurnedClock()
    simulator = Simulator(now=clock.now, media="clip", run_delay=WAIT, run_time=RENDER)
    began = clock.now()
    with tempfile.TemporaryDirectory() as folder:
        async with serving(simulator) as url, opened(settings(url, Path(folder)), clock) as videos:
            for number in range(requests):
                await videos.create(_a_request(number), agreed=True)
            rendered = 0
            while rendered < requests:
                clock.turn(0.5)
                await videos.watcher.turn()
                # They end in the order in which they were accepted: what is counted once need not be counted again.
                for task in islice(simulator.tasks.values(), rendered, None):
                    if simulator.status(task.id) != "SUCCEEDED":
                        break
                    rendered += 1
            took = (clock.now() - began).total_seconds()
    return Burst(
        took=took,
        bound=-(-requests // AT_ONCE) * (RENDER + WAIT),
        refused=sum(call.status == 429 for call in simulator.requests),
        calls=len(simulator.requests),
        work=time.process_time() - used,
    )


def _a_request(number: int) -> VideoRequest:
    return parse_request(request_arguments({"prompt": f"take {number}"}), WAN25_T2V, Limits())


if __name__ == "__main__":
    show(run)
