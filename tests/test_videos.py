"""The verbs that callers have, and what each says when it cannot be done."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from tests.conftest import HandClock, made, opened
from tests.making import CAT, a_request, pass_time
from tests.tasks import T0, a_task
from wan_mcp.adapters.ledger import SAME_REQUEST
from wan_mcp.domain.catalogue import WAN25_T2V
from wan_mcp.domain.errors import MissingKey, NeedsConsent, OverBudget, Refused, TooLate, Unavailable, UnknownTask
from wan_mcp.domain.task import Status, is_left_lying
from wan_mcp.service.videos import Videos
from wan_mcp.settings import Settings
from wan_mcp.simulator import Simulator

pytestmark = pytest.mark.anyio


# Money before anything is sent


async def test_a_price_above_the_threshold_needs_the_persons_word(videos: Videos, simulator: Simulator) -> None:
    """Nobody is surprised by the bill."""
    dear = a_request(size="1920*1080", duration=10)

    with pytest.raises(NeedsConsent) as told:
        await videos.create(dear, agreed=False)

    assert "max_cost=10.00" in told.value.words
    assert simulator.requests == []
    assert (await videos.create(dear, agreed=True)).task.status is Status.PENDING


async def test_a_threshold_of_zero_asks_always(url: str, tmp_path: Path, clock: HandClock) -> None:
    """A person may want to be asked for every cent."""
    async with opened(made(url, tmp_path, WAN_MCP_CONFIRM_ABOVE="0"), clock) as videos:
        with pytest.raises(NeedsConsent):
            await videos.create(a_request(size="832*480"), agreed=False)


class BusyClock(HandClock):
    """Each look at it takes a tenth of a second."""

    def now(self) -> datetime:
        self.turn(0.1)
        return super().now()


async def test_what_was_open_a_moment_ago_is_not_made_anew_unasked(settings: Settings) -> None:
    """The same request needs no word while it is open; in the next moment it is another one, at the same price."""
    dear, clock = a_request(size="1920*1080", duration=10), BusyClock()
    async with opened(settings, clock) as videos:
        first = (await videos.create(dear, agreed=True)).task
        for moments in range(12):
            clock.time = first.asked_at + SAME_REQUEST - timedelta(seconds=0.1) * moments
            with suppress(NeedsConsent):
                again = await videos.create(dear, agreed=False)
                assert (again.task.id, again.is_known_request) == (first.id, True)
        assert await videos.today() == {Status.PENDING: 1}


async def test_no_word_of_a_caller_lifts_the_cap_on_one_task(
    url: str, tmp_path: Path, clock: HandClock, simulator: Simulator
) -> None:
    """The person sets budgets; the model never does."""
    async with opened(made(url, tmp_path, WAN_MCP_BUDGET_PER_TASK="2"), clock) as videos:
        with pytest.raises(OverBudget):
            await videos.needs_consent(a_request(), max_cost=1000)
        with pytest.raises(OverBudget):
            await videos.create(a_request(), agreed=True)
    assert simulator.requests == []


async def test_max_cost_is_a_cap_of_the_call(videos: Videos) -> None:
    """A price that rose since it was agreed is not paid."""
    with pytest.raises(OverBudget):
        await videos.needs_consent(a_request(), max_cost=2.99)
    assert await videos.needs_consent(a_request(), max_cost=3) is False


async def test_the_daily_budget_counts_what_is_held(
    url: str, tmp_path: Path, clock: HandClock, simulator: Simulator
) -> None:
    """Tasks whose end is open may all be charged."""
    async with opened(made(url, tmp_path, WAN_MCP_BUDGET_PER_DAY="7"), clock) as videos:
        await videos.create(a_request("one"), agreed=False)
        await videos.create(a_request("two"), agreed=False)
        with pytest.raises(OverBudget) as told:
            await videos.create(a_request("three"), agreed=False)
        account = await videos.spending.account()

    assert "1.00 CNY left" in told.value.words
    assert account.left is not None
    assert account.left.amount == Decimal(1)
    assert len(simulator.accepted) == 2


async def test_the_budget_is_whole_again_on_the_next_day(url: str, tmp_path: Path, clock: HandClock) -> None:
    """A daily cap is of the calendar day of the person's time zone."""
    async with opened(made(url, tmp_path, WAN_MCP_BUDGET_PER_DAY="3"), clock) as videos:
        await videos.create(a_request("one"), agreed=False)
        await pass_time(videos, clock, minutes=5)
        with pytest.raises(OverBudget):
            await videos.create(a_request("two"), agreed=False)
        clock.turn(24 * 3600)
        await videos.create(a_request("two"), agreed=False)


async def test_without_a_key_nothing_is_reserved(url: str, tmp_path: Path, clock: HandClock) -> None:
    """Whoever tries it out is told where a key comes from, and that the demo needs none."""
    async with opened(made(url, tmp_path, DASHSCOPE_API_KEY=None), clock) as videos:
        with pytest.raises(MissingKey) as told:
            await videos.create(a_request(), agreed=False)
        assert "wan-mcp demo" in told.value.words
        assert await videos.newest(status=None, limit=10) == []
        with pytest.raises(MissingKey):
            await videos.get("7d0c1f5e-52a1-4f0b-9c3e-6a1b2c3d4e5f")


# Creating


async def test_a_refusal_frees_the_money_and_says_why(videos: Videos, simulator: Simulator) -> None:
    """DashScope's own code is what a search finds."""
    simulator.mishap(on="create", kind="refuse", code="DataInspectionFailed")

    with pytest.raises(Refused) as told:
        await videos.create(a_request(), agreed=False)

    assert told.value.code == "DataInspectionFailed"
    [report] = await videos.newest(status=None, limit=10)
    assert report.task.status is Status.FAILED
    assert (await videos.spending.account()).standing.held.amount == 0


async def test_an_unreachable_service_is_told_and_costs_nothing(tmp_path: Path, clock: HandClock) -> None:
    """Nothing arrived, so it may be asked for again."""
    async with opened(made("http://127.0.0.1:9", tmp_path), clock) as videos:
        with pytest.raises(Unavailable):
            await videos.create(a_request(), agreed=False)
        [report] = await videos.newest(status=None, limit=10)
        assert report.task.money_state == "free"


async def test_the_same_request_returns_the_open_task(videos: Videos, simulator: Simulator) -> None:
    """A host that timed out will call again."""
    first = await videos.create(a_request(), agreed=False)
    again = await videos.create(a_request(), agreed=False)

    assert again.task.id == first.task.id
    assert again.is_known_request
    assert simulator.accepted_for(CAT) == 1


async def test_another_seed_is_another_take(videos: Videos, simulator: Simulator) -> None:
    """A person who wants a second take of the same words says so by the seed."""
    await videos.create(a_request(seed=1), agreed=False)
    await videos.create(a_request(seed=2), agreed=False)

    assert simulator.accepted_for(CAT) == 2


async def test_the_same_request_after_ten_minutes_is_a_new_one(
    videos: Videos, simulator: Simulator, clock: HandClock
) -> None:
    """What is asked again after so long is meant."""
    simulator.mishap(on="create", kind="stuck_running", times=None)
    await videos.create(a_request(), agreed=False)
    clock.turn(601)
    again = await videos.create(a_request(), agreed=False)

    assert not again.is_known_request
    assert simulator.accepted_for(CAT) == 2


async def test_another_caller_with_the_same_words_gets_a_video_of_its_own(videos: Videos) -> None:
    """One caller neither sees nor adopts another's tasks."""
    mine = await videos.create(a_request(), agreed=False, caller="alice")
    theirs = await videos.create(a_request(), agreed=False, caller="bob")

    assert mine.task.id != theirs.task.id
    with pytest.raises(UnknownTask):
        await videos.get(mine.task.id, caller="bob")
    assert [report.task.id for report in await videos.newest(status=None, limit=9, caller="bob")] == [theirs.task.id]


# Getting


async def test_a_task_is_found_by_dashscopes_id_too(videos: Videos, simulator: Simulator) -> None:
    """People read that id in Alibaba's console."""
    task = (await videos.create(a_request(), agreed=False)).task

    assert (await videos.get(simulator.accepted[0].id)).task.id == task.id


async def test_a_task_made_elsewhere_is_adopted_and_saved_at_no_cost(
    videos: Videos, simulator: Simulator, clock: HandClock
) -> None:
    """The link of a video made by another program dies just the same."""
    remote = simulator.foreign_task(prompt="made in the console")

    report = await videos.get(remote.id)
    await pass_time(videos, clock, minutes=5)
    adopted = await videos.get(report.task.id)

    assert adopted.task.status is Status.SUCCEEDED
    assert adopted.task.file is not None
    assert adopted.task.cost.amount == 0
    assert adopted.task.request.prompt == "made in the console"
    assert (await videos.get(remote.id)).task.id == adopted.task.id


@pytest.mark.parametrize("task_id", ["vid_nothere", "7d0c1f5e-52a1-4f0b-9c3e-6a1b2c3d4e5f", "../../etc/passwd", "ünï"])
async def test_an_unknown_task_is_said_to_be_unknown(videos: Videos, task_id: str) -> None:
    """And nothing is written down for it, nor is a strange id put into an address."""
    with pytest.raises(UnknownTask) as told:
        await videos.get(task_id)

    assert "list_video_tasks" in told.value.words
    assert await videos.newest(status=None, limit=10) == []


async def test_the_usual_time_is_learned_from_the_ledger(videos: Videos, clock: HandClock) -> None:
    """The catalogue only knows 1 to 5 minutes."""
    last = await videos.create(a_request("0"), agreed=False)
    assert last.usual.total_seconds() == 90
    for number in range(1, 4):
        await pass_time(videos, clock, minutes=3)
        last = await videos.create(a_request(str(number)), agreed=False)

    assert last.usual.total_seconds() == 68


# Listing


async def test_the_list_is_newest_first_and_by_status(videos: Videos, clock: HandClock) -> None:
    """The latest is what somebody looks for after a lost answer."""
    old = await videos.create(a_request("old"), agreed=False)
    await pass_time(videos, clock, minutes=5)
    new = await videos.create(a_request("new"), agreed=False)

    everything = [report.task.id for report in await videos.newest(status=None, limit=10)]
    done = [report.task.id for report in await videos.newest(status=Status.SUCCEEDED, limit=10)]
    one = [report.task.id for report in await videos.newest(status=None, limit=1)]

    assert everything == [new.task.id, old.task.id]
    assert done == [old.task.id]
    assert one == [new.task.id]


# Cancelling


async def test_a_pending_task_is_cancelled_for_nothing(videos: Videos, simulator: Simulator) -> None:
    """DashScope cancels what has not started."""
    task = (await videos.create(a_request(), agreed=False)).task

    report = await videos.cancel(task.id)

    assert report.task.status is Status.CANCELED
    assert report.task.money_state == "free"
    assert simulator.status(simulator.accepted[0].id) == "CANCELED"


async def test_a_task_that_another_process_watches_is_cancelled_and_told_to_be(
    settings: Settings, clock: HandClock, simulator: Simulator
) -> None:
    """Created in Claude Desktop, cancelled from a terminal."""
    async with opened(settings, clock) as desktop, opened(settings, clock) as terminal:
        task = (await desktop.create(a_request(), agreed=False)).task
        report = await terminal.cancel(task.id)
        assert report.task.status is Status.CANCELED
        await pass_time(desktop, clock, minutes=2)
        assert (await desktop.get(task.id)).task.status is Status.CANCELED


async def test_a_running_task_cannot_be_cancelled(videos: Videos, clock: HandClock) -> None:
    """It says plainly that it is too late, also where our knowledge lags."""
    task = (await videos.create(a_request(), agreed=False)).task
    clock.turn(20)

    with pytest.raises(TooLate):
        await videos.cancel(task.id)
    assert (await videos.get(task.id)).task.status is Status.RUNNING
    with pytest.raises(TooLate) as told:
        await videos.cancel(task.id)
    assert "3.00 CNY" in told.value.words


async def test_a_task_at_dashscope_is_not_cancelled_without_a_key(
    videos: Videos, url: str, tmp_path: Path, clock: HandClock
) -> None:
    """A terminal without the key reads the same ledger; it says what is missing."""
    task = (await videos.create(a_request(), agreed=False)).task

    async with opened(made(url, tmp_path, DASHSCOPE_API_KEY=None), clock) as terminal:
        with pytest.raises(MissingKey):
            await terminal.cancel(task.id)
    assert (await videos.get(task.id)).task.status is Status.PENDING


@pytest.mark.parametrize("head_start", range(0, 40, 8))
async def test_a_cancellation_and_the_queue_cannot_both_have_a_task(
    videos: Videos, settings: Settings, simulator: Simulator, clock: HandClock, head_start: int
) -> None:
    """One process cancels what another is about to send: either it is sent, and the cancellation says that it came
    too late, or nothing was sent and nothing is paid."""
    for number in range(WAN25_T2V.running_limit):
        await videos.create(a_request(f"before it {number}"), agreed=True)
    task = (await videos.create(a_request("the sixth"), agreed=True)).task
    assert task.status is Status.QUEUED
    clock.turn(100)
    cancelled: list[bool] = []

    async def cancel() -> None:
        for _ in range(head_start):
            await anyio.lowlevel.checkpoint()
        try:
            cancelled.append((await terminal.cancel(task.id)).task.status is Status.CANCELED)
        except TooLate:
            cancelled.append(False)

    async with opened(settings, clock) as terminal:
        await videos.watcher.turn()
        clock.turn(1)
        async with anyio.create_task_group() as both:
            both.start_soon(videos.watcher.turn)
            both.start_soon(cancel)
    # A PENDING task may be cancelled at DashScope, too, for nothing: then it was sent, and ended.
    sent = [one for one in simulator.accepted if one.order.prompt == "the sixth"]
    if cancelled == [True]:
        assert [simulator.status(one.id) for one in sent] in ([], ["CANCELED"])
    else:
        assert [simulator.status(one.id) for one in sent] == ["PENDING"]


async def test_what_has_ended_cannot_be_cancelled(videos: Videos, clock: HandClock) -> None:
    """There is nothing left to cancel."""
    task = (await videos.create(a_request(), agreed=False)).task
    await pass_time(videos, clock, minutes=5)

    with pytest.raises(TooLate):
        await videos.cancel(task.id)


async def test_a_lost_answer_cannot_be_cancelled_yet(videos: Videos, simulator: Simulator) -> None:
    """Nobody knows its name at DashScope."""
    simulator.mishap(on="create", kind="drop", accept=True)
    task = (await videos.create(a_request(), agreed=False)).task

    with pytest.raises(TooLate):
        await videos.cancel(task.id)


async def test_a_service_that_does_not_answer_leaves_the_task_as_it_is(videos: Videos, simulator: Simulator) -> None:
    """A cancellation whose answer is lost may be asked for again."""
    task = (await videos.create(a_request(), agreed=False)).task
    simulator.mishap(on="cancel", kind="html", status=502)

    with pytest.raises(Unavailable):
        await videos.cancel(task.id)
    assert (await videos.cancel(task.id)).task.status is Status.CANCELED


async def test_a_task_of_another_account_is_not_touched(
    videos: Videos, settings: Settings, clock: HandClock, tmp_path: Path
) -> None:
    """A ledger may hold tasks of the simulator, of Beijing and of Singapore; ids mean nothing elsewhere."""
    task = (await videos.create(a_request(), agreed=False)).task
    async with opened(made("http://127.0.0.1:9", tmp_path), clock) as elsewhere:
        with pytest.raises(UnknownTask) as told:
            await elsewhere.cancel(task.id)
    assert settings.account in told.value.words


async def test_the_same_request_by_two_servers_at_one_moment_is_one_task(
    settings: Settings, clock: HandClock, simulator: Simulator
) -> None:
    """Two hosts restored from one session ask the same at once."""
    reports: list[str] = []
    async with opened(settings, clock) as one, opened(settings, clock) as two:

        async def create(videos: Videos) -> None:
            reports.append((await videos.create(a_request(), agreed=False)).task.id)

        async with anyio.create_task_group() as group:
            group.start_soon(create, one)
            group.start_soon(create, two)

    assert len(set(reports)) == 1
    assert simulator.accepted_for(CAT) == 1


# What lies at DashScope


async def test_a_video_that_nobody_fetches_is_found_before_it_is_lost(videos: Videos, clock: HandClock) -> None:
    """A file is saved within minutes where a wan-mcp runs; what is not by then needs somebody to start one."""
    task = (await videos.create(a_request(), agreed=True)).task
    clock.turn(3600)
    assert await videos.unsaved() == []

    clock.turn(2.5 * 3600)  # nobody has looked for 3.5 hours: by now it has ended, whatever it came to
    [report] = await videos.unsaved()
    assert (report.task.id, report.task.status) == (task.id, Status.PENDING)
    assert report.task.video_dies_at == task.asked_at + timedelta(hours=24)


def test_a_video_is_left_lying_when_saving_it_takes_too_long() -> None:
    """A warning while the file is being fetched would be noise."""
    task = a_task(Status.SUCCEEDED, expires_at=T0 + timedelta(hours=24))

    assert not is_left_lying(task, T0 + timedelta(minutes=9))
    assert is_left_lying(task, T0 + timedelta(minutes=11))
    assert task.video_dies_at == T0 + timedelta(hours=24)
    assert not is_left_lying(replace(task, file="/v.mp4"), T0 + timedelta(minutes=11))
    assert not is_left_lying(a_task(Status.QUEUED), T0 + timedelta(hours=9))


async def test_days_are_those_of_the_calendar(videos: Videos, clock: HandClock) -> None:
    """The chart's last day is the budget's day."""
    await videos.create(a_request(), agreed=True)
    days = await videos.spending.days(3)

    assert [day.begins.date() for day in days] == [
        (clock.day_start() - timedelta(days=ago)).date() for ago in (2, 1, 0)
    ]
    assert [len(day.tasks) for day in days] == [0, 0, 1]
    assert days[2].held == (await videos.spending.account()).standing.held


async def test_files_are_for_their_owner_only(videos: Videos, tmp_path: Path) -> None:
    """A ledger holds prompts and links."""
    await videos.newest(status=None, limit=1)
    modes = {path: path.stat().st_mode & 0o777 for path in [tmp_path / "ledger", *tmp_path.glob("ledger/*")]}

    assert len(modes) >= 5
    assert all(mode in (0o600, 0o700) for mode in modes.values()), modes
