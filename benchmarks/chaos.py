"""Servers that are killed at random, in bad weather, for a minute; then the bill: `python -m benchmarks.chaos`.

Three places where always one service runs, forked in hurried time, on one ledger and against one simulator, with
three callers each who create, wait, cancel and hang up. The machinery is that of the slow tests.
"""

import tempfile
from pathlib import Path
from random import Random, SystemRandom

import anyio

from benchmarks.figures import Figure, at_most, show, told
from tests.e2e.bill import newest, run_on, the_bill_is_right
from tests.e2e.clocks import HurriedClock
from tests.e2e.test_random_kills import SPEED, Storm, a_place, survivors_go_on
from tests.e2e.weather import bad_weather
from wan_mcp.service.clock import Clock
from wan_mcp.simulator import Simulator, serving

ENDLESS = 10**9


def run(seconds: float = 60.0, places: int = 3, seed: int | None = None) -> list[Figure]:
    """Let it rage."""
    return anyio.run(_run, seconds, places, SystemRandom().randrange(10**6) if seed is None else seed)


async def _run(seconds: float, places: int, seed: int) -> list[Figure]:
    chance = Random(seed)
    clock = HurriedClock(Clock().now(), SPEED)
    simulator = Simulator(now=clock.now, media="clip", run_delay=4, run_time=20)
    bad_weather(simulator, chance, lost_submissions=0.08)
    storm = Storm(simulator, chance, ENDLESS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ledger = folder / "ledger" / "ledger.db"
        async with serving(simulator) as url:
            async with anyio.create_task_group() as all_places:
                for _ in range(places):
                    all_places.start_soon(a_place, storm, url, folder, clock.began, chance)
                await anyio.sleep(seconds)
                storm.left = 0
            await survivors_go_on(url, folder, clock)
            by_hand = await run_on(url, folder, simulator)
            bill = the_bill_is_right(ledger, simulator)
        tasks = newest(ledger)
    kills = sum(storm.codes.values())
    claimed = [task["dashscope_task_id"] for task in tasks if task.get("dashscope_task_id")]
    accepted = {task.id for task in simulator.accepted}
    paid = [task for task in tasks if task["status"] == "SUCCEEDED"]
    return [
        told(f"{kills} kills in {seconds:.0f} s, seed {seed}", f"{len(tasks)} requested, {bill['accepted']} accepted"),
        at_most("duplicated", len(claimed) - len(set(claimed)) + len(accepted - set(claimed)), 0, ""),
        at_most("lost", sum("file" not in task for task in paid), 0, ""),
        told("saved; left to a person", f"{sum('file' in task for task in paid)}; {by_hand}"),
    ]


if __name__ == "__main__":
    show(run)
