"""A film is ordered as one thing, rendered as many, and joined into one file."""

import sqlite3
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import HandClock, made, opened
from tests.films import a_film, a_script, shots, takes
from tests.making import a_request
from tests.tasks import T0
from wan_mcp.adapters.ledger import Ledger
from wan_mcp.domain.caller import Rights
from wan_mcp.domain.errors import MissingKey, NeedsConsent, OverBudget, TooLate, UnknownTask
from wan_mcp.domain.film import FilmStatus
from wan_mcp.domain.task import CANCELED_WITH_US, Status
from wan_mcp.server import film_views
from wan_mcp.service.report import FilmReport, Report
from wan_mcp.service.videos import Videos
from wan_mcp.settings import Settings
from wan_mcp.simulator import Simulator

pytestmark = pytest.mark.anyio

F = FilmStatus
SMALL: dict[str, Any] = {"size": "832*480", "duration": 5}


async def ordered(videos: Videos, *, caller: str = "local", **changes: Any) -> FilmReport:
    """A film of three shots of five seconds, in the cheapest size."""
    script = a_script(**({"shots": shots(3)} | SMALL | changes))
    return await videos.films.place(await videos.films.order(script, caller=caller), agreed=True)


async def pass_time(videos: Videos, clock: HandClock, *, minutes: float, step: float = 15) -> None:
    """Let time pass; watcher and joiner take their turns."""
    for _ in range(round(minutes * 60 / step)):
        clock.turn(step)
        for _ in range(3):
            await videos.watcher.turn()
        await videos.films.joiner.turn()


async def seen(videos: Videos, film: FilmReport) -> FilmReport:
    """The film as it is now."""
    return await videos.films.get(film.film.id)


def statuses(report: FilmReport) -> list[str]:
    """Of the newest take of each shot."""
    return [shot.newest.status.value for shot in report.shots]


@pytest.fixture
def simulator(simulator: Simulator, short_clip: Path) -> Simulator:
    """DashScope with short videos."""
    simulator.studio.clip = short_clip
    return simulator


@pytest.fixture
async def videos(settings: Any, clock: HandClock) -> AsyncGenerator[Videos]:
    """The service; while somebody sleeps, films are joined too."""
    async with opened(settings, clock) as service:
        yield service


async def test_a_film_is_ordered_rendered_saved_and_joined(
    videos: Videos, clock: HandClock, simulator: Simulator
) -> None:
    """From a script to a file, at the price that was told."""
    film = await ordered(videos, title="The fox")
    assert film.status is F.RENDERING
    assert statuses(film) == ["QUEUED"] * 3
    assert (str(film.held), str(film.charged), str(film.film.price)) == ("4.50 CNY", "0.00 CNY", "4.50 CNY")

    await pass_time(videos, clock, minutes=3)

    film = await seen(videos, film)
    assert film.status is F.SUCCEEDED
    assert (str(film.held), str(film.charged)) == ("0.00 CNY", "4.50 CNY")
    assert len(simulator.accepted) == 3
    file = Path(film.film.file or "")
    assert file.name == f"{film.film.name}.mp4"
    assert file.stat().st_size == film.film.file_bytes
    shot_files = [Path(shot.newest.file or "") for shot in film.shots]
    assert [path.parent.name for path in shot_files] == [film.film.name] * 3
    assert [path.name[:7] for path in shot_files] == ["Shot 01", "Shot 02", "Shot 03"]


async def test_one_yes_is_asked_for_the_whole_price(videos: Videos, simulator: Simulator) -> None:
    """Nobody is asked sixty times, nor surprised."""
    order = await videos.films.order(a_script())
    assert await videos.films.needs_consent(order, None)
    assert not await videos.films.needs_consent(order, 12)
    with pytest.raises(OverBudget):
        await videos.films.needs_consent(order, 11.99)
    with pytest.raises(NeedsConsent) as told:
        await videos.films.place(order, agreed=False)
    assert "max_cost=12.00" in told.value.words
    assert simulator.requests == []


async def test_a_film_is_reserved_wholly_or_not_at_all(
    url: str, tmp_path: Path, clock: HandClock, simulator: Simulator
) -> None:
    """A film of which a third can be paid is no film."""
    async with opened(made(url, tmp_path, WAN_MCP_BUDGET_PER_DAY="4"), clock) as videos:
        with pytest.raises(OverBudget):
            await ordered(videos)
        assert await videos.listed(word="QUEUED", limit=50) == []
        assert await videos.listed(word=None, limit=5) == []
        assert (await ordered(videos, shots=shots(2))).held.amount == 3


async def test_the_caps_of_a_caller_hold_for_its_films(url: str, tmp_path: Path, clock: HandClock) -> None:
    """Per shot, and per day for all shots together."""
    cheap = {"WAN_MCP_BUDGET_PER_TASK": "2"}
    async with opened(made(url, tmp_path, **cheap), clock) as videos:
        with pytest.raises(OverBudget):
            await ordered(videos, size="1280*720")
        own = Rights(per_day=(await ordered(videos)).film.unit_price * 10)
    async with opened(made(url, tmp_path, **cheap), clock, rights={"alice": own}.get) as videos:
        with pytest.raises(OverBudget):
            await ordered(videos, caller="alice")


async def test_without_a_key_a_film_is_priced_and_not_ordered(tmp_path: Path, url: str, clock: HandClock) -> None:
    """A price needs no key."""
    async with opened(made(url, tmp_path, DASHSCOPE_API_KEY=""), clock) as videos:
        assert str(videos.films.quote(a_script()).amount) == "12.00 CNY"
        with pytest.raises(MissingKey):
            await ordered(videos)


async def test_the_same_film_ordered_again_while_it_is_under_way_is_the_first(
    videos: Videos, clock: HandClock, simulator: Simulator
) -> None:
    """A host that timed out will call again."""
    first = await ordered(videos)
    again = await ordered(videos)
    assert again.film.id == first.film.id
    assert again.is_known_request
    assert (await ordered(videos, title="Another")).film.id != first.film.id
    clock.turn(601)
    assert (await ordered(videos)).film.id != first.film.id


async def test_shots_are_no_twins_of_single_videos(videos: Videos) -> None:
    """A shot is paid for with its film; who asks for the same video alone wants it alone."""
    film = await ordered(videos, shots=[{"prompt": "x"}, {"prompt": "x"}], style=None)
    alone = await videos.create(a_request("x", size="832*480"), agreed=True)
    assert not alone.is_known_request
    assert alone.task.id not in {shot.newest.id for shot in film.shots}


async def test_five_shots_run_at_once_and_a_neighbour_is_not_shut_out(
    videos: Videos, clock: HandClock, simulator: Simulator
) -> None:
    """Sixty shots wait in line, each caller in turn."""
    film = await ordered(videos, shots=shots(60))
    await pass_time(videos, clock, minutes=1)
    assert Counter(statuses(await seen(videos, film))) == {"QUEUED": 55, "RUNNING": 5}
    neighbour = await videos.create(a_request("neighbour", size="832*480"), agreed=True, caller="neighbour")
    assert neighbour.place in (1, 2)
    await pass_time(videos, clock, minutes=1)
    assert (await videos.get(neighbour.task.id, caller="neighbour")).task.status is not Status.QUEUED
    await videos.films.cancel(film.film.id)


async def test_a_shot_that_failed_for_a_passing_reason_is_made_within_the_price(
    videos: Videos, clock: HandClock, simulator: Simulator
) -> None:
    """Nobody is asked for what they agreed to already."""
    simulator.mishap(on="create", kind="fail", code="InternalError")
    film = await ordered(videos)
    await pass_time(videos, clock, minutes=4)
    film = await seen(videos, film)
    assert film.status is F.SUCCEEDED
    assert sorted(len(shot.takes) for shot in film.shots) == [1, 1, 2]
    assert film.charged == film.film.price


async def test_a_shot_that_the_filter_refused_waits_for_another_prompt(
    videos: Videos, clock: HandClock, simulator: Simulator
) -> None:
    """The film says which shot and why; the others are made meanwhile."""
    simulator.mishap(on="create", kind="fail", code="DataInspectionFailed")
    film = await ordered(videos)
    await pass_time(videos, clock, minutes=3)
    film = await seen(videos, film)
    assert film.status is F.ATTENTION
    [shot] = film.attention
    assert shot.newest.problem is not None
    assert shot.newest.problem.code == "DataInspectionFailed"

    order = await videos.films.reorder(film.film.id, shot=shot.number, prompt="something milder")
    assert str(order.cost) == "1.50 CNY"
    await videos.films.place(order, agreed=False)
    await pass_time(videos, clock, minutes=3)

    film = await seen(videos, film)
    assert film.status is F.SUCCEEDED
    assert film.shots[shot.number - 1].newest.request.prompt == "something milder Shot on 16 mm film."
    assert film.charged == film.film.price


async def test_another_take_of_a_shot_makes_another_file_and_keeps_the_first(videos: Videos, clock: HandClock) -> None:
    """A take that came out worse can still be gone back to."""
    film = await ordered(videos)
    await pass_time(videos, clock, minutes=3)
    first = (await seen(videos, film)).film
    await videos.films.place(await videos.films.reorder(film.film.id, shot=2, seed=5), agreed=True)
    assert (await seen(videos, film)).status is F.RENDERING
    await pass_time(videos, clock, minutes=3)
    film = await seen(videos, film)
    assert film.status is F.SUCCEEDED
    assert film.film.file != first.file
    assert Path(film.film.file or "").name == f"{first.name} cut 2.mp4"
    assert all(Path(take.file or "").exists() for take in film.shots[1].takes)
    assert Path(first.file or "").exists()
    assert str(film.charged) == "6.00 CNY"


async def test_a_retake_asked_for_twice_is_paid_once(videos: Videos, clock: HandClock) -> None:
    """A host that timed out will call again; somebody who wants something else must wait."""
    film = (await ordered(videos)).film
    with pytest.raises(TooLate):
        await videos.films.reorder(film.id, shot=2)
    await pass_time(videos, clock, minutes=3)
    await videos.films.place(await videos.films.reorder(film.id, shot=2), agreed=True)
    again = await videos.films.reorder(film.id, shot=2)
    assert again.is_under_way
    assert (await videos.films.place(again, agreed=False)).is_known_request
    with pytest.raises(TooLate):
        await videos.films.reorder(film.id, shot=2, prompt="quite another")
    with pytest.raises(TooLate):
        await videos.films.reorder(film.id, shot=2, seed=99)


async def test_two_orders_of_one_moment_are_one(videos: Videos, clock: HandClock) -> None:
    """The second sees another version than it was priced for."""
    film = (await ordered(videos)).film
    await pass_time(videos, clock, minutes=3)
    one, other = [await videos.films.reorder(film.id, shot=number) for number in (1, 2)]
    await videos.films.place(one, agreed=True)
    with pytest.raises(TooLate):
        await videos.films.place(other, agreed=True)


async def test_cancelling_gives_back_what_has_not_started(
    videos: Videos, clock: HandClock, simulator: Simulator
) -> None:
    """What runs at DashScope is made, paid for and kept."""
    film = await ordered(videos, shots=shots(8))
    await pass_time(videos, clock, minutes=1)
    canceled = await videos.films.cancel(film.film.id)
    assert Counter(statuses(canceled)) == {"RUNNING": 5, "CANCELED": 3}
    assert str(canceled.held) == "7.50 CNY"
    assert canceled.status is F.RENDERING
    await pass_time(videos, clock, minutes=3)
    film = await seen(videos, film)
    assert (film.status, film.saved, str(film.charged)) == (F.CANCELED, 5, "7.50 CNY")
    assert film.attention == ()
    with pytest.raises(TooLate):
        await videos.films.cancel(film.film.id)


async def test_a_shot_that_comes_back_into_the_queue_of_a_film_called_off_is_not_sent(settings: Settings) -> None:
    """DashScope had no room for it, and said so after the film was called off."""
    ledger = Ledger(settings.ledger)
    await ledger.open()
    film = a_film()
    await ledger.order(film, takes(film), owner="me", budget=settings.budget, day_start=T0)
    sent = await ledger.claim_next(film.account, owner="me", model=settings.model, now=T0)
    assert sent is not None
    await ledger.call_off(film.to(T0, canceled_at=T0, is_unfinished=False), CANCELED_WITH_US)

    assert (await ledger.record(sent.to(Status.QUEUED, T0))).status is Status.CANCELED
    assert await ledger.claim_next(film.account, owner="me", model=settings.model, now=T0) is None
    assert await ledger.unsettled(film.account) == []
    await ledger.close()


async def test_a_film_that_cannot_be_read_stops_no_other(
    url: str, tmp_path: Path, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor the watch of what is paid for. The ledger is one that no audit would pass."""
    settings = made(url, tmp_path, WAN_MCP_LEDGER=tmp_path / "odd.db")
    async with opened(settings, clock) as videos:
        odd, film = await ordered(videos, shots=shots(1)), await ordered(videos, shots=shots(2))
        [shot] = odd.shots
        elsewhere = Ledger(settings.ledger)
        await elsewhere.open()
        await elsewhere.record(shot.newest.to(Status.CANCELED, clock.now(), shot=9))
        await elsewhere.close()

        await pass_time(videos, clock, minutes=3)

        assert (await seen(videos, film)).status is F.SUCCEEDED
    assert f"{odd.film.id}: could not be considered" in caplog.text


async def test_a_film_is_joined_once_the_ledger_can_be_written_again(
    videos: Videos, settings: Settings, clock: HandClock
) -> None:
    """A disk that was full for a moment leaves no film that is being joined for ever."""
    film = await ordered(videos, shots=shots(1))
    for _ in range(20):
        clock.turn(15)
        await videos.watcher.turn()
    with closing(sqlite3.connect(settings.ledger, isolation_level=None)) as db:
        db.execute("ALTER TABLE films RENAME TO away")
        await videos.films.joiner.turn()
        db.execute("ALTER TABLE away RENAME TO films")

    assert (await seen(videos, film)).status is F.JOINING
    await videos.films.joiner.turn()
    assert (await seen(videos, film)).status is F.SUCCEEDED


async def test_what_is_pending_at_dashscope_is_cancelled_there(
    videos: Videos, clock: HandClock, simulator: Simulator
) -> None:
    """Nothing of it has started."""
    film = await ordered(videos)
    for _ in range(3):
        await videos.watcher.turn()
    assert statuses(await seen(videos, film)) == ["PENDING"] * 3
    canceled = await videos.films.cancel(film.film.id)
    assert (canceled.status, str(canceled.held)) == (F.CANCELED, "0.00 CNY")


async def test_a_cancelled_film_is_not_tried_again_and_can_be_gone_on_with(
    videos: Videos, clock: HandClock, simulator: Simulator
) -> None:
    """`retake` without a shot orders what is missing."""
    simulator.mishap(on="create", kind="fail", code="InternalError")
    film = await ordered(videos, shots=shots(6))
    await pass_time(videos, clock, minutes=1)
    await videos.films.cancel(film.film.id)
    await pass_time(videos, clock, minutes=3)
    assert (await seen(videos, film)).status is F.CANCELED
    order = await videos.films.reorder(film.film.id)
    assert sorted(take.shot or 0 for take in order.takes)[-1] == 6
    assert len(order.takes) == 2
    await videos.films.place(order, agreed=True)
    await pass_time(videos, clock, minutes=3)
    assert (await seen(videos, film)).status is F.SUCCEEDED
    with pytest.raises(TooLate):
        await videos.films.reorder(film.film.id)


async def test_a_retake_that_is_called_off_leaves_the_film_as_it_was(videos: Videos, clock: HandClock) -> None:
    """It is made and paid for: nothing is missing, and nothing needs anybody."""
    film = await ordered(videos)
    await pass_time(videos, clock, minutes=3)
    first = await seen(videos, film)
    assert "called off" not in film_views.text(first)
    for is_by_take in (False, True):
        again = await videos.films.place(await videos.films.reorder(film.film.id, shot=2), agreed=True)
        assert again.status is F.RENDERING
        if is_by_take:
            await videos.cancel(again.shots[1].newest.id)
        else:
            await videos.films.cancel(film.film.id)
        now = await seen(videos, film)
        assert (now.status, now.film.file, now.attention, now.saved) == (F.SUCCEEDED, first.film.file, (), 3)
        assert f"File: {first.film.file} (" in film_views.text(now)
        assert film_views.structured(now)["shot_numbers"] == {"SUCCEEDED": "1-3"}
        word = "The retake of shot 2 is called off, and its 1.50 CNY given back."
        assert film_views.text(now).startswith(word) is not is_by_take, "a take by itself told so itself"
        if not is_by_take:
            assert timedelta(0) < now.elapsed <= first.elapsed
        assert now.charged == first.charged
        with pytest.raises(TooLate):
            await videos.films.reorder(film.film.id)


async def test_a_retake_that_was_made_is_joined_though_another_is_called_off(
    videos: Videos, clock: HandClock, simulator: Simulator
) -> None:
    """It is paid for; a film that is to be joined and that nobody joins would never end."""
    film = await ordered(videos)
    await pass_time(videos, clock, minutes=3)
    await videos.films.place(await videos.films.reorder(film.film.id, shot=1), agreed=True)
    await pass_time(videos, clock, minutes=0.5)
    assert (await seen(videos, film)).shots[0].newest.status is Status.PENDING
    simulator.mishap(on="create", kind="throttle", times=100)
    await videos.films.place(await videos.films.reorder(film.film.id, shot=2), agreed=True)
    await pass_time(videos, clock, minutes=3)
    now = await seen(videos, film)
    assert (now.shots[0].newest.is_saved, now.shots[1].newest.status) == (True, Status.QUEUED)

    canceled = await videos.films.cancel(film.film.id)

    assert canceled.status is F.JOINING
    await pass_time(videos, clock, minutes=1)
    now = await seen(videos, film)
    assert (now.status, now.film.joins) == (F.SUCCEEDED, 2)
    assert film_views.text(now).startswith("The retake of shot 2 is called off, and its 1.50 CNY given back.")


async def test_a_retake_that_had_started_when_it_was_called_off_is_in_the_film(
    videos: Videos, clock: HandClock
) -> None:
    """It is paid for."""
    film = await ordered(videos)
    await pass_time(videos, clock, minutes=3)
    await videos.films.place(await videos.films.reorder(film.film.id, shot=2), agreed=True)
    await pass_time(videos, clock, minutes=1)
    canceled = await videos.films.cancel(film.film.id)
    assert canceled.status is F.RENDERING
    assert "The retake of" in film_views.text(canceled)
    await pass_time(videos, clock, minutes=3)
    now = await seen(videos, film)
    assert (now.status, now.film.joins) == (F.SUCCEEDED, 2)
    assert now.film.cut[1] == now.shots[1].newest.id


async def test_nobody_is_asked_about_what_the_day_does_not_hold(url: str, tmp_path: Path, clock: HandClock) -> None:
    """A yes to what is then refused is a question too many."""
    async with opened(made(url, tmp_path, WAN_MCP_BUDGET_PER_DAY="10"), clock) as videos:
        order = await videos.films.order(a_script())
        with pytest.raises(OverBudget) as told:
            await videos.films.needs_consent(order, None)
        assert told.value.next_step == ("Ask for something cheaper, or the person raises WAN_MCP_BUDGET_PER_DAY."), (
            "on no day there is so much"
        )
        dear = a_request(size="1920*1080", duration=10)
        await videos.create(dear, agreed=True)
        with pytest.raises(OverBudget) as told:
            await videos.needs_consent(a_request("another", size="1920*1080", duration=10), None)
        assert told.value.next_step.startswith("Wait for open tasks to end, wait for tomorrow, or")
        assert not await videos.needs_consent(dear, None), "open already, and not paid again"


async def test_what_is_too_dear_for_a_film_is_told_of_its_shots(url: str, tmp_path: Path, clock: HandClock) -> None:
    """A film has no length of its own to shorten."""
    async with opened(made(url, tmp_path, WAN_MCP_BUDGET_PER_TASK="5"), clock) as videos:
        order = await videos.films.order(a_script())
        with pytest.raises(OverBudget) as told:
            await videos.films.needs_consent(order, None)
        assert "A shot costs 6.00 CNY" in told.value.words
        assert "shorter shots or a smaller size" in told.value.words
        small = await videos.films.order(a_script(**({"shots": shots(3)} | SMALL)))
        with pytest.raises(OverBudget) as told:
            await videos.films.needs_consent(small, 2)
        assert "fewer or shorter shots" in told.value.words


async def test_a_film_waits_for_hours_while_it_is_looked_after(
    url: str, tmp_path: Path, clock: HandClock, simulator: Simulator
) -> None:
    """Also over a restart: an hour counts from when somebody last looked after it."""
    async with opened(made(url, tmp_path), clock) as videos:
        simulator.settings = replace(simulator.settings, run_time=1500)
        film = await ordered(videos, shots=shots(17))
        await pass_time(videos, clock, minutes=70, step=300)
    clock.turn(120)
    async with opened(made(url, tmp_path), clock) as videos:
        assert statuses(await seen(videos, film))[-2:] == ["QUEUED"] * 2
        await pass_time(videos, clock, minutes=100, step=300)
        assert (await seen(videos, film)).status is F.SUCCEEDED


async def test_a_film_left_alone_for_an_hour_is_not_half_rendered_in_silence(
    url: str, tmp_path: Path, clock: HandClock, simulator: Simulator
) -> None:
    """What was not sent is released, the film says so, and it can be gone on with."""
    async with opened(made(url, tmp_path), clock) as videos:
        film = await ordered(videos, shots=shots(7))
        await pass_time(videos, clock, minutes=1)
    clock.turn(timedelta(hours=2).total_seconds())
    async with opened(made(url, tmp_path), clock) as videos:
        await pass_time(videos, clock, minutes=1)
        film = await seen(videos, film)
        assert Counter(statuses(film)) == {"SUCCEEDED": 5, "CANCELED": 2}
        assert (film.status, len(film.attention)) == (F.ATTENTION, 2)
        await videos.films.place(await videos.films.reorder(film.film.id), agreed=True)
        await pass_time(videos, clock, minutes=3)
        assert (await seen(videos, film)).status is F.SUCCEEDED


async def test_a_film_is_joined_once_by_whoever_lives(url: str, tmp_path: Path, clock: HandClock) -> None:
    """Two servers on one ledger make one file, and one that is gone is stood in for."""
    settings = made(url, tmp_path)
    async with opened(settings, clock) as one, opened(settings, clock) as other:
        film = await ordered(one)
        for _ in range(12):
            clock.turn(15)
            for _ in range(3):
                await one.watcher.turn()
        await one.films.joiner.turn()
        await other.films.joiner.turn()
        assert (await seen(other, film)).film.joins == 1


async def test_a_shot_whose_file_is_gone_is_told_and_can_be_taken_anew(
    videos: Videos, clock: HandClock, simulator: Simulator
) -> None:
    """Joining fails in words, and everything else stays."""
    film = await ordered(videos)
    for _ in range(12):
        clock.turn(15)
        for _ in range(3):
            await videos.watcher.turn()
    lost = Path((await seen(videos, film)).shots[1].newest.file or "")
    kept = lost.read_bytes()
    lost.unlink()
    await videos.films.joiner.turn()
    broken = await seen(videos, film)
    assert broken.status is F.ATTENTION
    assert broken.film.problem is not None
    lost.write_bytes(kept)
    order = await videos.films.reorder(film.film.id)
    assert order.takes == ()
    await videos.films.place(order, agreed=False)
    await videos.films.joiner.turn()
    assert (await seen(videos, film)).status is F.SUCCEEDED


async def test_a_film_is_its_callers_own(videos: Videos) -> None:
    """Nobody else can see it, nor tell that it is there."""
    film = await ordered(videos)
    for film_id, caller in ((film.film.id, "bob"), ("film_nothere", "local")):
        with pytest.raises(UnknownTask):
            await videos.films.get(film_id, caller=caller)
    with pytest.raises(UnknownTask) as told:
        await videos.get(film.film.id)
    assert "Call get_film with it" in told.value.words
    with pytest.raises(UnknownTask) as told:
        await videos.cancel(film.film.id)
    assert "Call cancel_film with it" in told.value.words
    for verb, tool in ((videos.films.get, "get_video_task"), (videos.films.cancel, "cancel_video_task")):
        with pytest.raises(UnknownTask) as told:
            await verb("vid_something")
        assert f"vid_something is a video, not a film. No money moved. Call {tool} with it." in told.value.words
    assert [one.film.id for one in await videos.films.newest(limit=3)] == [film.film.id]
    assert await videos.films.ids("film_", limit=3) == [film.film.id]
    assert await videos.films.newest(limit=3, caller="bob") == []


def names(found: Sequence[Report | FilmReport]) -> list[str]:
    """What a list shows, in its order."""
    return [one.film.script.title if isinstance(one, FilmReport) else one.task.request.prompt for one in found]


async def test_a_film_is_listed_in_place_of_its_shots_whatever_is_asked_for(
    videos: Videos, clock: HandClock, simulator: Simulator
) -> None:
    """Its shots are no videos of their own, with a status or without."""

    async def listed(word: str | None = None, *, limit: int = 9, caller: str = "local") -> list[str]:
        return names(await videos.listed(word=word, limit=limit, caller=caller))

    await ordered(videos, title="first")
    clock.turn(1)
    await videos.create(a_request("a cat", **SMALL), agreed=False)
    clock.turn(1)
    await ordered(videos, title="last", shots=shots(1))
    assert await listed() == await listed("QUEUED") == ["last", "a cat", "first"]
    assert await listed(limit=2) == await listed("QUEUED", limit=2) == ["last", "a cat"]
    assert await listed("RENDERING") == ["last", "first"]
    assert await listed("RENDERING", limit=1) == ["last"]
    assert await listed("QUEUED", caller="bob") == await listed("RENDERING", caller="bob") == []

    simulator.mishap(on="create", kind="fail", code="DataInspectionFailed", prompt_contains="number 3")
    for _ in range(6):
        await videos.watcher.turn()
        clock.turn(1)
    assert await listed("PENDING") == ["last", "a cat", "first"]
    await pass_time(videos, clock, minutes=4)
    assert await listed("SUCCEEDED") == ["last", "a cat"]
    assert await listed("ATTENTION") == await listed("FAILED") == ["first"]
    assert await listed("RENDERING") == await listed("RUNNING") == await listed("CANCELED") == []


async def test_waiting_for_a_film_ends_with_it_or_with_the_first_shot_that_needs_somebody(
    videos: Videos, clock: HandClock, simulator: Simulator
) -> None:
    """Progress is told meanwhile."""
    told: list[str] = []

    async def progress(report: FilmReport) -> None:
        told.append(f"{report.saved} {report.status}")

    simulator.mishap(on="create", kind="fail", code="DataInspectionFailed")
    film = await ordered(videos, shots=shots(7))
    report = await videos.films.wait(film.film.id, seconds=200, progress=progress)
    assert (report.status, len(report.attention)) == (F.RENDERING, 1)
    assert told[0] == "0 RENDERING"
    report = await videos.films.wait(film.film.id, seconds=400)
    assert report.status is F.ATTENTION
