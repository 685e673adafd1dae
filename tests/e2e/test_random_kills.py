"""`kill -9` at random moments, hundreds of times, in bad weather: nothing is paid twice, nothing is lost.

Two or three servers share one ledger all the while. First as hosts run them, over stdio; then as forks of one
process, which start in a few milliseconds and live in hurried time, so that many more kills hit something.
"""

import logging
from collections import Counter
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

import anyio
import pytest

from tests.conftest import KEY, made
from tests.e2e.bill import NO_CAPS, is_under_way, newest, run_on, the_bill_is_right
from tests.e2e.clocks import HurriedClock
from tests.e2e.processes import KILLED, killed, started, until
from tests.e2e.weather import bad_weather
from tests.making import a_request
from tests.raw import RawClient, raw_server
from wan_mcp.domain.errors import SubmissionUncertain, TooLate, Unavailable
from wan_mcp.service.clock import Clock
from wan_mcp.service.composition import open_service
from wan_mcp.service.videos import Videos
from wan_mcp.simulator import Simulator, serving

pytestmark = pytest.mark.anyio
logger = logging.getLogger(__name__)

SERVER_KILLS = 40
FORK_KILLS = 200
SPEED = 40
"""Hurried seconds in a real one: a quarter of an hour of ours takes 22 seconds."""
PATIENCE = 240
"""Real seconds for one storm."""
OPEN_AT_ONCE = 4
"""Tasks that one client leaves open before it asks for more."""
DEAD = (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.IncompleteRead)
"""What talking to a dead server comes to."""
FATES = ("", "", "", "", "", "doomed ", "lagging ")


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """What all chance of a run is drawn from; shown when it fails."""
    seed = int(request.config.getoption("--seed", None) or SystemRandom().randrange(10**6))
    logger.warning("seed %d", seed)
    return seed


def a_prompt(chance: Random, caller: str, number: int) -> str:
    """A request that nobody else makes; its fate is written in it."""
    return f"{chance.choice(FATES)}{caller} {number}"


class Storm:
    """Counts the kills, and says when the next one comes."""

    def __init__(self, simulator: Simulator, chance: Random, kills: int) -> None:
        self.left = kills
        self.codes = Counter[int]()
        self._simulator = simulator
        self._chance = chance

    async def moment(self, longest: float) -> None:
        """Wait for some random moment; often for the one at which a task is accepted, or a little later."""
        seen = self._accepted
        is_about_money = self._chance.random() < 0.5
        with anyio.move_on_after(self._chance.uniform(0, longest)):
            await until(lambda: is_about_money and self._accepted > seen, within=PATIENCE, every=0.005)
            await anyio.sleep(self._chance.choice((0, 0.005, 0.05, 0.25)))

    def count(self, code: int) -> None:
        """One more is dead."""
        self.codes[code] += 1
        self.left -= 1

    @property
    def _accepted(self) -> int:
        return len(self._simulator.board.tasks)


# Servers as hosts run them


async def test_real_servers_killed_at_random_pay_once_and_lose_nothing(tmp_path: Path, seed: int) -> None:
    """What a host does when it is closed, crashes or updates itself, forty times in a row."""
    chance = Random(seed)
    simulator = Simulator(media="clip", run_delay=0.1, run_time=0.6)
    bad_weather(simulator, chance, lost_submissions=0.04)
    storm = Storm(simulator, chance, SERVER_KILLS)
    async with serving(simulator) as url:
        environment = {
            "DASHSCOPE_API_KEY": KEY,
            "DASHSCOPE_HTTP_BASE_URL": f"{url}/api/v1",
            "WAN_MCP_LEDGER": str(tmp_path / "ledger" / "ledger.db"),
            "WAN_MCP_OUTPUT_DIR": str(tmp_path / "videos"),
            "WAN_MCP_POLL_INTERVAL": "0.2",
            "WAN_MCP_LOG_LEVEL": "ERROR",
            **NO_CAPS,
        }
        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as hosts:
                for number in range(3):
                    hosts.start_soon(a_host, storm, environment, f"host {number}", Random(seed + number))
        logger.info("%d servers were killed", SERVER_KILLS)
        by_hand = await run_on(url, tmp_path, simulator)
        bill = the_bill_is_right(tmp_path / "ledger" / "ledger.db", simulator)
    logger.info("%d servers killed; %s; settled by hand: %d", storm.codes[KILLED], bill, by_hand)
    assert set(storm.codes) == {KILLED}
    assert bill["accepted"] > SERVER_KILLS / 4


async def a_host(storm: Storm, environment: dict[str, str], name: str, chance: Random) -> None:
    """Start a server again each time it is killed."""
    talk = Talk(name, chance)
    while storm.left > 0:
        async with raw_server(environment) as client, anyio.create_task_group() as both:
            talk.is_answered = anyio.Event()
            both.start_soon(talk.go_on, client)
            if chance.random() < 0.9:  # the others die while they start
                await talk.is_answered.wait()
            await storm.moment(longest=2.5)
            client.process.kill()
            storm.count(await client.ended())
            both.cancel_scope.cancel()


class Talk:
    """What one client says, over the lives of its server: it creates, waits, cancels, and hangs up on calls."""

    def __init__(self, name: str, chance: Random) -> None:
        self.name = name
        self._chance = chance
        self._count = 0
        self._tasks: list[str] = []
        self.is_answered = anyio.Event()

    async def go_on(self, client: RawClient) -> None:
        """Talk to a new server until it is dead."""
        with suppress(*DEAD):
            await client.hello()
            async with anyio.create_task_group() as both:
                both.start_soon(self._listen, client)
                both.start_soon(self._speak, client)

    async def _speak(self, client: RawClient) -> None:
        with suppress(*DEAD):
            while True:
                call = await client.begin("tools/call", **self._something())
                await anyio.sleep(self._chance.uniform(0.02, 0.4))
                if self._chance.random() < 0.2:
                    await client.send({"method": "notifications/cancelled", "params": {"requestId": call}})

    def _something(self) -> dict[str, Any]:
        known = self._tasks[-6:]
        match self._chance.choices(("create", "again", "get", "cancel", "list"), (3, 1, 3, 1, 1))[0]:
            case "create":
                self._count += 1
                return {"name": "create_video", "arguments": {"prompt": a_prompt(self._chance, self.name, self._count)}}
            case "again":
                prompt = f"{self.name} {max(1, self._count)}"
                return {"name": "create_video", "arguments": {"prompt": prompt}}
            case "get" if known:
                arguments = {"task_id": self._chance.choice(known), "wait_seconds": 2}
                return {"name": "get_video_task", "arguments": arguments}
            case "cancel" if known:
                return {"name": "cancel_video_task", "arguments": {"task_id": self._chance.choice(known)}}
            case _:
                return {"name": "list_video_tasks", "arguments": {}}

    async def _listen(self, client: RawClient) -> None:
        with suppress(*DEAD):
            while True:
                result = (await client.receive()).get("result", {})
                told = result.get("structuredContent", {})
                self.is_answered.set()
                assert "incident" not in str(result.get("content")), result
                if "task_id" in told and told["task_id"] not in self._tasks:
                    self._tasks.append(told["task_id"])


# Forks in hurried time


async def test_forked_services_killed_at_random_pay_once_and_lose_nothing(tmp_path: Path, seed: int) -> None:
    """Some hundreds of deaths, most of them in the middle of something."""
    chance = Random(seed)
    clock = HurriedClock(Clock().now(), SPEED)
    simulator = Simulator(now=clock.now, media="clip", run_delay=4, run_time=20)
    bad_weather(simulator, chance, lost_submissions=0.08)
    storm = Storm(simulator, chance, FORK_KILLS)
    ledger = tmp_path / "ledger" / "ledger.db"
    async with serving(simulator) as url:
        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as places:
                for _ in range(3):
                    places.start_soon(a_place, storm, url, tmp_path, clock.began, chance)
            await survivors_go_on(url, tmp_path, clock)
        by_hand = await run_on(url, tmp_path, simulator)
        bill = the_bill_is_right(ledger, simulator)
    logger.info("%d forks killed; %s; settled by hand: %d", storm.codes[KILLED], bill, by_hand)
    assert set(storm.codes) == {KILLED}
    assert bill["accepted"] > FORK_KILLS / 12


async def a_place(storm: Storm, url: str, folder: Path, began: datetime, chance: Random) -> None:
    """Where always one service runs, a new one whenever it was killed."""
    while storm.left > 0:
        process = started(a_life, url, folder, began, chance.randrange(10**9))
        await storm.moment(longest=2)
        storm.count(await killed(process))


async def survivors_go_on(url: str, folder: Path, clock: HurriedClock) -> None:
    """Two services that get no more requests, until nothing is left that they could do."""
    survivors = [started(a_life, url, folder, clock.began, None) for _ in range(2)]
    try:
        ledger = folder / "ledger" / "ledger.db"
        await until(lambda: not any(is_under_way(entry) for entry in newest(ledger)), within=PATIENCE, every=0.5)
    finally:
        with anyio.CancelScope(shield=True):
            assert [await killed(survivor) for survivor in survivors] == [KILLED, KILLED]


def a_life(url: str, folder: Path, began: datetime, seed: int | None) -> None:
    """What a fork does until it is killed; without a seed nobody asks anything of it."""
    anyio.run(_live, url, folder, began, seed)


async def _live(url: str, folder: Path, began: datetime, seed: int | None) -> None:
    settings = made(url, folder, WAN_MCP_POLL_INTERVAL=8, **NO_CAPS)
    async with open_service(settings, clock=HurriedClock(began, SPEED)) as videos:
        if seed is None:
            await anyio.sleep_forever()
        async with anyio.create_task_group() as clients:
            for number, caller in enumerate(("ann", "bob", "eve")):
                clients.start_soon(_a_client, videos, caller, Random((seed or 0) + number))


async def _a_client(videos: Videos, caller: str, chance: Random) -> None:
    while True:
        with anyio.move_on_after(chance.choice((0.01, 0.1, 1))), suppress(TooLate, Unavailable, SubmissionUncertain):
            await _ask(videos, caller, chance)
        await anyio.sleep(chance.uniform(0, 0.05))


async def _ask(videos: Videos, caller: str, chance: Random) -> None:
    reports = await videos.newest(status=None, limit=20, caller=caller)
    open_ones = [report.task.id for report in reports if report.task.is_open]
    if len(open_ones) < OPEN_AT_ONCE:
        request = a_request(a_prompt(chance, caller, chance.randrange(1000)))
        await videos.create(request, agreed=True, caller=caller)
    elif chance.random() < 0.06:
        await videos.cancel(chance.choice(open_ones), caller=caller)
    else:
        await videos.wait(chance.choice(open_ones), seconds=30, caller=caller)
