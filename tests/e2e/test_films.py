"""Films at full length: sixty shots, a whole story by a scripted client over stdio, and death at every step."""

import json
import logging
import os
import shutil
import sys
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import av
import pytest
from mcp import Client, StdioServerParameters
from mcp.types import ImageContent

from tests.audit import audit
from tests.commands import environment
from tests.conftest import HandClock, made, opened
from tests.crashing import DIED, FINISHED, run_until
from tests.e2e.processes import ended, started
from tests.films import a_script, shots
from tests.making import a_request
from tests.test_server import data
from wan_mcp.domain.film import FilmStatus
from wan_mcp.domain.task import Status
from wan_mcp.service.composition import open_service
from wan_mcp.service.videos import Videos
from wan_mcp.simulator import Simulator, serving
from wan_mcp.simulator import Status as At

pytestmark = pytest.mark.anyio
logger = logging.getLogger(__name__)

STRIDE = 7
MOST_STEPS = 1500


@pytest.fixture
def simulator(clock: HandClock) -> Simulator:
    """Tasks that run for no time, once they run."""
    return Simulator(now=clock.now, media="clip", run_delay=0, run_time=0, submit_rate=None, query_rate=None)


@pytest.fixture
async def url(simulator: Simulator) -> AsyncGenerator[str]:
    """Where it listens."""
    async with serving(simulator) as address:
        yield address


async def order(videos: Videos, count: int) -> str:
    """A film of so many cheap shots."""
    script = a_script(shots=shots(count), size="832*480", style=None)
    return (await videos.films.place(await videos.films.order(script), agreed=True)).film.id


async def pass_time(videos: Videos, clock: HandClock, *seconds: float) -> None:
    """Watcher and joiner take their turns."""
    for some in seconds:
        clock.turn(some)
        for _ in range(4):
            await videos.watcher.turn()
        await videos.films.joiner.turn()


def length(file: str) -> float:
    """Seconds, as PyAV reads them."""
    with av.open(file) as film:
        stream = film.streams.video[0]
        assert stream.duration is not None
        assert stream.time_base is not None
        return float(stream.duration * stream.time_base)


# Sixty shots


async def test_sixty_shots_become_one_file_and_a_neighbour_is_served_meanwhile(
    url: str, tmp_path: Path, clock: HandClock, simulator: Simulator
) -> None:
    """Never more than five at once, in order, and nobody waits for all sixty."""
    async with opened(made(url, tmp_path, WAN_MCP_BUDGET_PER_DAY="none"), clock) as videos:
        film_id = await order(videos, 60)
        await pass_time(videos, clock, 5)
        neighbour = await videos.create(a_request("neighbour", size="832*480"), agreed=True, caller="neighbour")
        await pass_time(videos, clock, 30, 30, 30)
        assert (await videos.get(neighbour.task.id, caller="neighbour")).task.status is not Status.QUEUED
        report = await videos.films.get(film_id)
        while not report.is_settled:
            await pass_time(videos, clock, 30)
            report = await videos.films.get(film_id)
            assert sum(shot.newest.status in (Status.PENDING, Status.RUNNING) for shot in report.shots) <= 5
        assert report.status is FilmStatus.SUCCEEDED
        assert length(report.film.file or "") == pytest.approx(report.film.seconds, abs=0.1)
    assert len(simulator.accepted) == 61


# Death at every step


async def _go(url: str, folder: Path) -> None:
    clock = HandClock()
    async with open_service(made(url, folder), clock=clock, watching=False) as videos:
        await order(videos, 2)
        await pass_time(videos, clock, 30, 30)


def die(step: int, url: str, folder: Path) -> None:
    """Make a film, in a process of its own, up to one step of it."""
    run_until(step, _go(url, folder))
    os._exit(FINISHED)


@pytest.mark.parametrize("fails", [False, True])
async def test_a_film_survives_death_at_any_step(
    url: str, simulator: Simulator, clock: HandClock, tmp_path: Path, fails: bool
) -> None:
    """No shot is paid twice, none is lost, no cent stays held, and the file is whole or not there."""
    start, ends = clock.now(), Counter[str]()
    for step in range(1, MOST_STEPS, STRIDE):
        folder = tmp_path / str(step)
        clock.time = start
        simulator.reset()
        if fails:
            simulator.mishap(on="create", kind="fail", code="InternalError")
        code = await ended(started(die, step, url, folder))
        assert code in (DIED, FINISHED), f"step {step} ended with {code}"
        ends[await recover(url, folder, simulator, clock, f"step {step}")] += 1
        shutil.rmtree(folder)
        if code == FINISHED:
            break
    else:
        pytest.fail(f"more than {MOST_STEPS} steps")
    logger.info("%d steps, %s", step, dict(ends))
    assert step > 100
    assert set(ends) <= {"nothing", "SUCCEEDED"}


async def recover(url: str, folder: Path, simulator: Simulator, clock: HandClock, where: str) -> str:
    """Open what the dead process left, let time pass, and account for every cent."""
    async with opened(made(url, folder), clock) as videos:
        await pass_time(videos, clock, 1, 30, 30, 30, 900, 30, 30, 30)
        films = await videos.films.newest(limit=5)
        if films and films[0].status is FilmStatus.ATTENTION:
            # Its one second try died before it left: nothing was paid for that, and a person says whether to go on.
            assert {shot.newest.problem and shot.newest.problem.code for shot in films[0].attention} == {"NeverArrived"}
            await videos.films.place(await videos.films.reorder(films[0].film.id), agreed=True)
            await pass_time(videos, clock, 1, 30, 30, 30)
            films = await videos.films.newest(limit=5)
        standing = (await videos.spending.account()).standing
    audit([videos.settings.ledger], simulator)
    assert standing.held.amount == 0, f"{where}: money is held for ever"
    if not films:
        assert simulator.accepted == [], f"{where}: paid for nothing"
        return "nothing"
    [film] = films
    paid = [task for task in simulator.accepted if simulator.status(task.id) is At.SUCCEEDED]
    assert len(paid) == 2, f"{where}: {len(paid)} paid for 2 shots"
    assert film.charged == film.film.price, f"{where}: {film.charged}"
    assert all(shot.chosen for shot in film.shots), f"{where}: a shot is lost"
    assert film.film.file, f"{where}: {film.status}"
    assert length(film.film.file) > 1, f"{where}: half a file"
    # The poster of a process that died over it is laid anew by one that makes posters; this one makes none.
    left = [path.name for path in folder.rglob("*.mp4.part")]
    assert left == [], f"{where}: left behind"
    return film.status.value


# The whole story


@pytest.fixture
async def running() -> AsyncGenerator[str]:
    """A service in real time, in a hurry."""
    simulator = Simulator(media="clip", run_delay=0.2, run_time=1)
    async with serving(simulator) as address:
        yield address


async def test_a_model_makes_a_film_from_an_idea(running: str, tmp_path: Path) -> None:
    """Idea, script, price, film, a look at the shots, another take, the final file: over stdio, as hosts do it."""
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "wan_mcp"], env={**os.environ, **environment(running, tmp_path)}
    )
    async with Client(server) as client:
        prompt = await client.get_prompt("film_script", {"idea": "A fox in the snow", "seconds": "15"})
        assert "create_film" in str(prompt.messages[0].content)
        price = data(await client.call_tool("estimate_cost", {"size": "832*480", "shots": [5, 5, 5]}))
        script = {"title": "The fox", "style": "16 mm film.", "size": "832*480", "shots": shots(3)}
        film = data(await client.call_tool("create_film", {**script, "max_cost": price["amount"]}))
        film = await until_settled(client, film["film_id"])
        assert (film["status"], film["cost"]["charged"]) == ("SUCCEEDED", price["amount"])
        first = film["file"]

        whole = (await client.read_resource(f"wan://films/{film['film_id']}")).contents[0]
        assert "task_id" in str(whole)
        [second] = [shot for shot in _shots(whole) if shot["shot"] == 2]
        sheet = await client.call_tool("preview_video", {"task_id": second["task_id"]})
        assert any(isinstance(block, ImageContent) for block in sheet.content)

        sheet = await client.call_tool("preview_video", {"task_id": film["film_id"]})
        assert any(isinstance(block, ImageContent) for block in sheet.content)

        await client.call_tool("retake", {"film_id": film["film_id"], "shot": 2, "seed": 7})
        film = await until_settled(client, film["film_id"])
    assert film["status"] == "SUCCEEDED"
    assert film["cost"]["charged"] == price["amount"] + 1.5
    assert film["file"] != first
    assert length(film["file"]) == pytest.approx(length(first), abs=0.1)


def _shots(contents: object) -> list[dict[str, Any]]:
    return json.loads(contents.text)["shots"]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]


async def until_settled(client: Client, film_id: str) -> dict[str, Any]:
    """Ask until nothing goes on by itself."""
    film: dict[str, Any] = {"status": "RENDERING"}
    while film["status"] in ("RENDERING", "JOINING"):
        film = data(await client.call_tool("get_film", {"film_id": film_id, "wait_seconds": 10}))
    return film
