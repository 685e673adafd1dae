"""How late the end of a task is seen, and how many looks it took: `python -m benchmarks.finding_out`.

A discrete-event simulation of the schedule alone, over the durations that DashScope names (1 to 5 minutes), for
each kind of video: the catalogue's word is a fifth off, the truth spreads by 15 % (measured runs: 10 %), drifts by
10 % over the day, three in a hundred take twice as long, and the first videos are counted in. Then worlds that
suit it less, a run of the whole service on the simulator in turned time, and a live one: forty at once, in real time
and at the simulator's usual speed (1), each of the cheapest kind, of which nothing is known yet; and forty more.
"""

import math
import random
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import anyio

from benchmarks.fairness import Found, watched
from benchmarks.figures import Figure, at_most, quantile, show, told
from benchmarks.turned import TurnedClock, opened, settings
from wan_mcp.domain.catalogue import WAN25_T2V
from wan_mcp.domain.looking import EVERY, lasting, schedule
from wan_mcp.domain.request import Limits, parse_request, request_arguments
from wan_mcp.service.clock import Clock
from wan_mcp.simulator import Simulator, serving

World = Callable[[random.Random, int, int], float]
"""How long the n-th task of a kind takes, of which the catalogue says that it usually takes so long."""
SEEDS = 3
LIVE = 150.0
"""Seconds after which a live run is given up."""


def as_named(chance: random.Random, usual: int, number: int) -> float:
    """What DashScope's page says and measured runs show."""
    truth = usual * (1.2 if usual < 200 else 0.9) * (1 + 0.1 * math.sin(number / 25))
    return truth * math.exp(chance.gauss(0, 0.15)) * (2 if chance.random() < 0.03 else 1)


def spread(part: float) -> World:
    """The catalogue is right, and durations spread by this part."""
    return lambda chance, usual, number: usual * math.exp(chance.gauss(0, part))


def anything(chance: random.Random, usual: int, number: int) -> float:
    """Any time between 1 and 5 minutes, whatever the kind: there is next to nothing to learn."""
    return chance.uniform(60, 300)


WORLDS: dict[str, World] = {
    "spread 10 %": spread(0.1),
    "spread 20 %": spread(0.2),
    "spread 30 %": spread(0.3),
    "anything from 1 to 5 min": anything,
}


def run(times: int = 400, turned: int = 40, live: int = 40) -> list[Figure]:
    """Measure."""
    late, looks, fixed_late, fixed_looks = simulate(as_named, times)
    p95, fixed_p95 = quantile(late, 0.95), quantile(fixed_late, 0.95)
    mean = statistics.mean
    figures = [
        at_most("end seen late, mean", mean(late), 3, " s", f" (p95 {p95:.1f} s)"),
        at_most(
            "looks a task", mean(looks) / mean(fixed_looks), 1, "×", f" ({mean(looks):.2f} of {mean(fixed_looks):.2f})"
        ),
        told("every 15 s instead: seen late, mean", f"{mean(fixed_late):.1f} s (p95 {fixed_p95:.1f} s)"),
    ]
    for name, world in WORLDS.items():
        late, looks, _, fixed_looks = simulate(world, times // 2)
        ratio = mean(looks) / mean(fixed_looks)
        figures.append(
            told(f"{name}: seen late, looks", f"{mean(late):.1f} s (p95 {quantile(late, 0.95):.1f} s), {ratio:.2f}×")
        )
    late, looks = anyio.run(whole_service, turned)
    figures.append(
        told("the whole service on the simulator", f"{mean(late):.1f} s late, {mean(looks):.1f} looks a task")
    )
    return [*figures, *_live(live)]


def _live(tasks: int) -> list[Figure]:
    """At the simulator's usual speed; with fewer than a handful, a hurried one."""
    options: dict[str, float] = {} if tasks > 5 else {"run_time": 5.0, "run_delay": 1.0}
    first, second = anyio.run(watched, tasks, Clock(), options, LIVE, 2)
    name = f"live, {tasks} at once in real time"
    return [
        told(f"{name}, nothing known before", f"{_seen(first)}, {_looked(first):.2f}× the looks of every 15 s"),
        at_most(f"{name}, as many known before", statistics.mean(second.late), 3, " s", f" ({_seen(second)})"),
        at_most(f"{name}, as many known before: looks", _looked(second), 1, "× those of every 15 s"),
    ]


def _seen(found: Found) -> str:
    return f"{statistics.mean(found.late):.1f} s late, p95 {quantile(found.late, 0.95):.1f} s"


def _looked(found: Found) -> float:
    return found.looks / statistics.mean(found.fixed_looks)


def simulate(world: World, times: int) -> tuple[list[float], list[int], list[float], list[int]]:
    """Delays and looks, ours and those of asking every 15 s."""
    late, looks, fixed_late, fixed_looks = list[float](), list[int](), list[float](), list[int]()
    for seed in range(SEEDS):
        chance = random.Random(seed)
        for usual in sorted(set(WAN25_T2V.usual_seconds.values())):
            latest: list[float] = []
            for number in range(times // SEEDS):
                end = world(chance, usual, number)
                plan, at, count = schedule(lasting(latest[:20], usual)), 0.0, 0
                while at < end:
                    at += plan.until_next(at)
                    count += 1
                late.append(at - end)
                looks.append(count)
                fixed_looks.append(math.ceil(end / EVERY))
                fixed_late.append(fixed_looks[-1] * EVERY - end)
                latest.insert(0, end)
    return late, looks, fixed_late, fixed_looks


async def whole_service(times: int) -> tuple[list[float], list[int]]:
    """Real requests, one after the other, from the creation until the end is in the ledger."""
    clock = TurnedClock()
    simulator = Simulator(now=clock.now, media="clip")
    late, looks = list[float](), list[int]()
    with tempfile.TemporaryDirectory() as folder:
        async with serving(simulator) as url, opened(settings(url, Path(folder)), clock) as videos:
            for number in range(times):
                request = parse_request(request_arguments({"prompt": f"{number}"}), WAN25_T2V, Limits())
                task = (await videos.create(request, agreed=True)).task
                count = 0
                while (until := videos.attending.until_next_look(task)) is not None:
                    clock.turn(until.total_seconds())
                    await videos.watcher.turn()
                    count += 1
                    task = (await videos.get(task.id)).task
                assert task.ended_at is not None
                late.append((clock.now() - task.ended_at).total_seconds())
                looks.append(count)
    return late, looks


if __name__ == "__main__":
    show(run)
