"""One file, many processes: what is written stays, what is held is counted, and nobody spends over the budget."""

import os
import resource
import sqlite3
import stat
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import processes
from tests.making import CAT, a_request
from tests.processes import DAY_START, at_once, budget, reserved
from tests.rights import as_nobody
from tests.tasks import T0, a_task
from wan_mcp.adapters.ledger import SAME_REQUEST, Ledger, rows, schema
from wan_mcp.domain.caller import PERSON, Rights
from wan_mcp.domain.catalogue import WAN25_T2V
from wan_mcp.domain.errors import LedgerUnusable, OverBudget, StaleTask
from wan_mcp.domain.money import Money
from wan_mcp.domain.remote import RemoteTask, apply
from wan_mcp.domain.spending import Day
from wan_mcp.domain.task import OPEN, STALE_QUEUE, Problem, Status, VideoTask

pytestmark = pytest.mark.anyio

S = Status
ACCOUNT = a_task().account
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the ledger is; not there yet."""
    return tmp_path / "data" / "ledger.db"


@pytest.fixture
async def ledger(path: Path) -> AsyncGenerator[Ledger]:
    """A fresh ledger, opened."""
    made = Ledger(path)
    await made.open()
    yield made
    await made.close()


def cny(amount: str) -> Money:
    """An amount in yuan."""
    return Money(Decimal(amount), "CNY")


async def written(ledger: Ledger, status: Status, *, at: datetime = T0, **facts: Any) -> VideoTask:
    """A task that came to this status at that time by steps of the table."""
    task = await reserved(ledger, a_task(at=at, **facts))
    if task.status is S.QUEUED and status is not S.QUEUED:
        task = await ledger.record(task.to(S.SUBMITTING, at, sent_at=at))
    if task.status is S.SUBMITTING and status is S.QUEUED:
        task = await ledger.record(task.to(S.QUEUED, at, sent_at=None))
    if status in (S.QUEUED, S.SUBMITTING):
        return task
    if status is S.UNCERTAIN:
        return await ledger.record(task.to(S.UNCERTAIN, at))
    for word in (S.PENDING, status):
        told = apply(task, RemoteTask(id=f"remote-{task.id}", status=word, video_url="https://x/v.mp4"), at)
        task = task if told is None else await ledger.record(told)
    assert task.status is status
    return task


def plainly(path: Path, statement: str) -> list[Any]:
    """What SQLite itself says about the file."""
    db = sqlite3.connect(path, isolation_level=None)
    try:
        return db.execute(statement).fetchall()
    finally:
        db.close()


# What is written stays.


async def test_a_task_comes_out_as_it_went_in(ledger: Ledger) -> None:
    """Whoever reads it after a crash knows no more than what stands there."""
    everything = a_task(
        S.SUCCEEDED,
        id="vid_everything",
        caller="ann",
        request=a_request(
            "猫 🐱 \x00 \u202e",
            negative_prompt="低质量",
            audio_url="https://example.com/a.mp3",
            size="960*960",
            duration=10,
            prompt_extend=False,
            watermark=True,
            seed=0,
        ),
        unit_price=Money(Decimal("0.05"), "USD"),
        seconds=10,
        rank=3,
        request_id="r-1",
        started_at=T0 + SECOND,
        actual_prompt="a cat",
        expires_at=T0 + DAY + timedelta(microseconds=1),
        file="/videos/猫.mp4",
        file_bytes=1234,
        problem=Problem(code="A", message="b", money_moved="yes"),
        searched_at=T0 + MINUTE,
        disowned=("remote-8", "remote-9"),
    )
    await ledger.adopt(everything, owner="me")

    assert await ledger.get("vid_everything") == everything
    assert await ledger.of_remote(ACCOUNT, everything.dashscope_task_id or "") == everything


async def test_what_is_not_there_is_none(ledger: Ledger) -> None:
    """Another account's remote task is not there either: a task is looked at only where it was made."""
    task = await written(ledger, S.PENDING)

    assert await ledger.get("vid_nobody") is None
    assert await ledger.of_remote(ACCOUNT, "remote-nobody") is None
    assert await ledger.of_remote("other.host", task.dashscope_task_id or "") is None


async def test_every_version_is_kept(ledger: Ledger) -> None:
    """A dispute about a bill is settled by what was known when."""
    task = await written(ledger, S.SUBMITTING)
    task = await ledger.record(task.to(S.PENDING, T0 + SECOND, dashscope_task_id="remote-x"))
    task = await ledger.record(task.to(S.RUNNING, T0 + MINUTE))

    assert [entry.status for entry in await ledger.history(task.id)] == [S.SUBMITTING, S.PENDING, S.RUNNING]
    assert (await ledger.history(task.id))[-1] == task
    assert await ledger.history("vid_nobody") == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET status = 'FAILED'",
        "UPDATE entries SET body = '{}' WHERE version = 0",
        "DELETE FROM entries",
        "INSERT OR REPLACE INTO entries SELECT * FROM entries",
    ],
)
async def test_an_entry_is_never_changed_or_removed(ledger: Ledger, path: Path, statement: str) -> None:
    """The file itself refuses, whoever asks: a bug of ours must not be able to rewrite history."""
    task = await written(ledger, S.PENDING)
    before = plainly(path, "SELECT * FROM entries")

    with pytest.raises(sqlite3.IntegrityError):
        plainly(path, statement)

    assert plainly(path, "SELECT * FROM entries") == before
    assert await ledger.get(task.id) == task


async def test_a_version_is_written_once(ledger: Ledger) -> None:
    """The primary key is the lock: of two that write version 1, the second reloads and looks again."""
    task = await written(ledger, S.QUEUED)
    await ledger.record(task.to(S.CANCELED, T0))

    with pytest.raises(StaleTask):
        await ledger.record(task.to(S.SUBMITTING, T0))

    assert (await ledger.history(task.id))[-1].status is S.CANCELED


async def test_a_version_follows_the_one_before_it(ledger: Ledger) -> None:
    """A step that nobody wrote down is a step that nobody can prove."""
    task = await written(ledger, S.QUEUED)

    with pytest.raises(StaleTask):
        await ledger.record(task.to(S.SUBMITTING, T0).to(S.PENDING, T0, dashscope_task_id="remote-x"))
    with pytest.raises(StaleTask):
        await ledger.record(a_task(version=1))

    assert await ledger.get(task.id) == task


async def test_two_tasks_cannot_claim_one_remote_task(ledger: Ledger) -> None:
    """One video would be charged twice in the books, and another's be lost."""
    first, second = await written(ledger, S.PENDING), await written(ledger, S.UNCERTAIN)

    with pytest.raises(StaleTask):
        await ledger.record(second.to(S.PENDING, T0, dashscope_task_id=first.dashscope_task_id))

    assert await ledger.get(second.id) == second
    other = await ledger.adopt(a_task(S.PENDING, account="b", dashscope_task_id=first.dashscope_task_id), owner="me")
    assert other.account == "b", "ids are DashScope's, and another host may give the same"


# Reserving.


async def test_a_reservation_is_submitted_at_once_while_there_is_room(ledger: Ledger) -> None:
    """House rule: five run at a time; the sixth waits with us, its money held, and is no error."""
    tasks = [await reserved(ledger, a_task(at=T0 + number * SECOND)) for number in range(7)]

    assert [task.status for task in tasks] == [S.SUBMITTING] * 5 + [S.QUEUED] * 2
    assert all(task.sent_at == task.asked_at for task in tasks[:5])
    assert [task.sent_at for task in tasks[5:]] == [None, None]
    assert [await ledger.queue_place(task) for task in tasks[5:]] == [1, 2]


async def test_no_more_than_five_are_claimed_in_two_seconds(ledger: Ledger) -> None:
    """DashScope refuses the sixth of a second, and what is claimed may leave up to a second later."""
    for _ in range(5):
        await written(ledger, S.CANCELED)

    assert (await reserved(ledger, a_task(at=T0 + timedelta(milliseconds=1999)))).status is S.QUEUED
    assert (await ledger.claim_next(ACCOUNT, owner="me", model=WAN25_T2V, now=T0 + 2 * SECOND)) is not None


async def test_nobody_overtakes_the_queue(ledger: Ledger) -> None:
    """A place that comes free belongs to the one who waits, not to the next who calls."""
    running = [await written(ledger, S.RUNNING) for _ in range(5)]
    waiting = await reserved(ledger, a_task(at=T0 + SECOND))
    await ledger.record(running[0].to(S.FAILED, T0 + 2 * SECOND))

    late = await reserved(ledger, a_task(at=T0 + 3 * SECOND))

    assert late.status is S.QUEUED
    claimed = await ledger.claim_next(ACCOUNT, owner="me", model=WAN25_T2V, now=T0 + 3 * SECOND)
    assert claimed is not None
    assert claimed.id == waiting.id
    assert (claimed.status, claimed.version, claimed.sent_at) == (S.SUBMITTING, 1, T0 + 3 * SECOND)


async def test_what_is_in_doubt_takes_a_place_for_ten_minutes(ledger: Ledger) -> None:
    """It may be rendering; and five lost answers must not stop the queue for good."""
    for _ in range(5):
        await written(ledger, S.UNCERTAIN)

    assert (await reserved(ledger, a_task(at=T0 + 9 * MINUTE))).status is S.QUEUED
    claim = await ledger.claim_next(ACCOUNT, owner="me", model=WAN25_T2V, now=T0 + 9 * MINUTE)
    assert claim is None
    assert await ledger.claim_next(ACCOUNT, owner="me", model=WAN25_T2V, now=T0 + 10 * MINUTE)


@pytest.mark.parametrize("status", [S.UNCERTAIN, S.CANCELED])
async def test_a_clock_that_was_set_back_does_not_stop_the_queue(ledger: Ledger, status: Status) -> None:
    """What was sent "tomorrow" is not what was sent in this second."""
    for _ in range(5):
        await written(ledger, status, at=T0 + DAY)

    assert (await reserved(ledger, a_task(at=T0))).status is S.SUBMITTING


async def test_accounts_do_not_share_places(ledger: Ledger) -> None:
    """DashScope's limits are an account's own."""
    for _ in range(6):
        await reserved(ledger, a_task())

    assert (await reserved(ledger, a_task(account="other.host"))).status is S.SUBMITTING


# The same request twice.


async def test_the_same_request_again_is_the_first_task(ledger: Ledger) -> None:
    """A host that timed out calls again; two POSTs would be two bills."""
    request = a_request()
    first = await reserved(ledger, a_task(request=request))
    again = await ledger.reserve(
        a_task(request=request, at=T0 + SAME_REQUEST - SECOND),
        owner="other",
        model=WAN25_T2V,
        budget=budget("3"),
        day_start=DAY_START,
    )

    assert (again.task, again.is_new) == (first, False)
    assert await ledger.open_twin(a_task(request=request)) == first
    assert await ledger.open_twin(a_task()) is None
    assert len(await ledger.newest(ACCOUNT, "local", status=None, limit=9)) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"request": a_request(seed=2)},
        {"request": a_request("a dog")},
        {"caller": "bob"},
        {"account": "other.host"},
        {"at": T0 + SAME_REQUEST},
    ],
)
async def test_another_request_is_another_task(ledger: Ledger, changes: dict[str, Any]) -> None:
    """Another take is asked for with another seed; after ten minutes somebody wants it again."""
    first = await reserved(ledger, a_task(request=a_request(seed=1)))
    asked: dict[str, Any] = {"request": a_request(seed=1), **changes}
    second = await reserved(ledger, a_task(**asked))

    assert second.id != first.id


@pytest.mark.parametrize("end", sorted(set(Status) - OPEN))
async def test_the_same_request_after_the_end_is_another_task(ledger: Ledger, end: Status) -> None:
    """The first has failed, or is there already: what is asked for now is a second one."""
    first = await written(ledger, end, request=a_request())

    assert (await reserved(ledger, a_task(request=a_request(), at=T0 + MINUTE))).id != first.id


@pytest.mark.parametrize("status", sorted(OPEN))
async def test_the_same_request_while_the_first_is_open_is_the_first(ledger: Ledger, status: Status) -> None:
    """UNCERTAIN above all: that is when a host calls again."""
    first = await written(ledger, status, request=a_request())

    assert first.status is status
    assert await reserved(ledger, a_task(request=a_request(), at=T0 + MINUTE)) == first


# Budgets.


async def test_the_daily_budget_is_spent_to_its_last_fen_and_no_further(ledger: Ledger) -> None:
    """3 yuan each: three fit into 9, and nothing fits into what is then left."""
    for _ in range(3):
        await reserved(ledger, a_task(), per_day="9")

    with pytest.raises(OverBudget) as raised:
        await reserved(ledger, a_task(), per_day="9")

    assert "This costs 3.00 CNY, and today's budget of 9.00 CNY has 0.00 CNY left" in raised.value.what
    assert "9.00 CNY held" in raised.value.what
    assert len(await ledger.newest(ACCOUNT, "local", status=None, limit=9)) == 3, "nothing was written"


async def test_without_a_cap_everything_fits(ledger: Ledger) -> None:
    """`none` is the person's own word."""
    assert await reserved(ledger, a_task(unit_price=cny("1000000")))


@pytest.mark.parametrize(
    ("status", "held", "charged"),
    [
        (S.QUEUED, "3", "0"),
        (S.SUBMITTING, "3", "0"),
        (S.UNCERTAIN, "3", "0"),
        (S.PENDING, "3", "0"),
        (S.RUNNING, "3", "0"),
        (S.UNKNOWN, "3", "0"),
        (S.SUCCEEDED, "0", "3"),
        (S.FAILED, "0", "0"),
        (S.CANCELED, "0", "0"),
    ],
)
async def test_each_status_weighs_on_the_budget_as_the_house_says(
    ledger: Ledger, status: Status, held: str, charged: str
) -> None:
    """House rule 6: we would rather refuse a video than spend twice."""
    await written(ledger, status)
    standing = await ledger.standing(ACCOUNT, "CNY", DAY_START)

    assert (standing.held, standing.charged_today) == (cny(held), cny(charged))


async def test_a_new_day_forgets_what_was_charged_and_not_what_is_held(ledger: Ledger) -> None:
    """A task of last night may be charged today. UNKNOWN weighs on the day on which it was lost."""
    for status in (S.RUNNING, S.UNCERTAIN, S.SUCCEEDED, S.UNKNOWN):
        await written(ledger, status, at=T0)
    today = await ledger.standing(ACCOUNT, "CNY", DAY_START)
    tomorrow = await ledger.standing(ACCOUNT, "CNY", DAY_START + DAY)

    assert (today.held, today.charged_today) == (cny("9"), cny("3"))
    assert (tomorrow.held, tomorrow.charged_today) == (cny("6"), cny("0"))


async def test_midnight_itself_belongs_to_the_new_day(ledger: Ledger) -> None:
    """A millisecond counted on neither day would be a hole."""
    midnight = DAY_START + DAY
    await written(ledger, S.SUCCEEDED, at=midnight - timedelta(milliseconds=1))
    await written(ledger, S.SUCCEEDED, at=midnight)

    assert (await ledger.standing(ACCOUNT, "CNY", DAY_START)).charged_today == cny("6")
    assert (await ledger.standing(ACCOUNT, "CNY", midnight)).charged_today == cny("3")


async def test_a_clock_that_was_set_back_hides_nothing_that_was_charged(ledger: Ledger) -> None:
    """Else a wrong clock would open a second budget for the same day."""
    await written(ledger, S.SUCCEEDED, at=T0 + DAY)

    with pytest.raises(OverBudget):
        await reserved(ledger, a_task(at=T0), per_day="5")


async def test_saving_the_file_tomorrow_does_not_charge_it_again(ledger: Ledger) -> None:
    """It was charged on the day on which it succeeded; a new fact about it is no new spending."""
    task = await written(ledger, S.SUCCEEDED)
    await ledger.record(task.to(S.SUCCEEDED, T0 + DAY, file="/v.mp4"))

    assert (await ledger.standing(ACCOUNT, "CNY", DAY_START + DAY)).charged_today == cny("0")
    assert (await ledger.standing(ACCOUNT, "CNY", DAY_START)).charged_today == cny("3")


async def test_what_dashscope_bills_is_what_is_charged(ledger: Ledger) -> None:
    """10 seconds were agreed, 5 were billed: the rest is free again."""
    task = await written(ledger, S.RUNNING, seconds=10)
    await ledger.record(task.to(S.SUCCEEDED, T0, seconds=5))

    assert (await ledger.standing(ACCOUNT, "CNY", DAY_START)).charged_today == cny("3")


async def test_currencies_and_accounts_are_counted_apart(ledger: Ledger) -> None:
    """Dollars and yuan cannot be added, and another account is another's bill."""
    await written(ledger, S.SUCCEEDED, unit_price=Money(Decimal("0.05"), "USD"))
    await written(ledger, S.SUCCEEDED, account="other.host")

    assert (await ledger.standing(ACCOUNT, "USD", DAY_START)).charged_today == Money(Decimal("0.25"), "USD")
    assert (await ledger.standing(ACCOUNT, "CNY", DAY_START)).charged_today == cny("0")


@settings(max_examples=15)
@given(st.lists(st.integers(min_value=1, max_value=10**9), min_size=1, max_size=6))
def test_the_sum_of_any_prices_is_exact(micros: list[int]) -> None:
    """Prices of 0.05 dollars a second are no binary fractions; SQL sums millionths as whole numbers."""

    async def total(folder: str) -> Money:
        ledger = Ledger(Path(folder) / "ledger.db")
        await ledger.open()
        for price in micros:
            await written(ledger, S.SUCCEEDED, unit_price=Money.of_micros(price, "USD"), seconds=1)
        standing = await ledger.standing(ACCOUNT, "USD", DAY_START)
        await ledger.close()
        return standing.charged_today

    with tempfile.TemporaryDirectory() as folder:
        assert anyio.run(total, folder).micros == sum(micros)


CHEAPER = "ask for something cheaper"
OPEN_TASKS, TOMORROW = "wait for open tasks to end", "wait for tomorrow"


@pytest.mark.parametrize(
    ("per_day", "before", "cheapest", "ways"),
    [
        ("1", [], "1.50", []),  # on no day is there so much, nor for anything
        ("2", [], "1.50", [CHEAPER]),
        ("3.50", [S.SUCCEEDED], "1.50", [TOMORROW]),  # 0.50 left, which buys nothing
        ("3.50", [S.SUCCEEDED], "0.50", [TOMORROW, CHEAPER]),
        ("5.90", [S.SUCCEEDED], "3", [TOMORROW]),  # it is the cheapest itself
        ("3.50", [S.RUNNING], "1.50", [OPEN_TASKS, TOMORROW]),
        ("6.50", [S.RUNNING, S.SUCCEEDED], "0.50", [OPEN_TASKS, TOMORROW, CHEAPER]),
        ("4.50", [S.RUNNING, S.SUCCEEDED], "1.50", [TOMORROW]),  # what is charged stays charged today
    ],
)
async def test_over_budget_only_ways_that_can_help_are_told(
    ledger: Ledger, per_day: str, before: list[Status], cheapest: str, ways: list[str]
) -> None:
    """A person who waits for tomorrow, and hears the same then, was sent round in circles."""
    for status in before:
        await written(ledger, status)
    mine = replace(budget(per_day), cheapest=cny(cheapest))
    for rights, raised in (
        (PERSON, "the person raises WAN_MCP_BUDGET_PER_DAY."),
        (Rights(per_day=cny(per_day)), "the person raises it: budget_per_day in WAN_MCP_TOKENS_FILE, or"),
    ):
        with pytest.raises(OverBudget) as told:
            await ledger.refuse_over_budget(a_task(), cny("3"), mine, DAY_START, rights)
        begin = ", ".join(ways) + ", or " if ways else "only this helps: "
        assert told.value.next_step[0].isupper()
        assert told.value.next_step.lower().startswith((begin + raised).lower())


async def test_a_caller_hears_of_ways_by_the_cap_and_the_price_alone(ledger: Ledger) -> None:
    """How much others have spent cannot be guessed from the advice."""
    mine = replace(budget("4"), cheapest=cny("1.50"))
    await reserved(ledger, a_task())
    for cost, ways in (("3", "Wait for tomorrow, ask for something cheaper"), ("9", "Ask for something cheaper")):
        with pytest.raises(OverBudget) as told:
            await ledger.refuse_over_budget(a_task(caller="eve"), cny(cost), mine, DAY_START, Rights())
        assert told.value.next_step == f"{ways}, or the person raises WAN_MCP_BUDGET_PER_DAY."


async def test_a_callers_own_budget_binds_only_them(ledger: Ledger) -> None:
    """Over HTTP several share one account; what the others have is not theirs to know."""
    own = Rights(per_day=cny("5"))

    async def ask(caller: str, rights: Rights, per_day: str = "100") -> VideoTask:
        reservation = await ledger.reserve(
            a_task(caller=caller),
            owner="me",
            model=WAN25_T2V,
            budget=budget(per_day),
            day_start=DAY_START,
            rights=rights,
        )
        return reservation.task

    await ask("ann", own)
    with pytest.raises(OverBudget, match=r"of ann's own 5\.00 CNY a day, 3\.00 CNY is held"):
        await ask("ann", own)
    await ask("bob", own)
    await ask("eve", Rights())
    with pytest.raises(OverBudget) as raised:
        await ask("eve", Rights(), per_day="10")
    assert "9.00" not in raised.value.what, "what others have spent"
    assert (await ledger.standing(ACCOUNT, "CNY", DAY_START, caller="bob")).held == cny("3")


# The queue.


async def queued(ledger: Ledger, caller: str, count: int, *, at: datetime = T0) -> list[VideoTask]:
    """So many tasks of one caller, all of them waiting."""
    tasks = [await reserved(ledger, a_task(caller=caller, at=at + number * SECOND / 100)) for number in range(count)]
    assert all(task.status is S.QUEUED for task in tasks)
    return tasks


async def served(ledger: Ledger, *, at: datetime, owner: str = "me") -> AsyncGenerator[VideoTask]:
    """The queue as it is served, each task ending before the next is claimed."""
    while claimed := await ledger.claim_next(ACCOUNT, owner=owner, model=WAN25_T2V, now=at):
        yield claimed
        await ledger.record(claimed.to(S.FAILED, at))
        at += SECOND


@pytest.fixture
async def busy(ledger: Ledger) -> list[VideoTask]:
    """Five tasks that take every place, until they end."""
    return [await written(ledger, S.RUNNING, caller="busy", at=T0 - MINUTE) for _ in range(5)]


async def free(ledger: Ledger, busy: list[VideoTask]) -> None:
    """Let the five end."""
    for task in busy:
        await ledger.record(task.to(S.FAILED, T0))


async def test_a_callers_own_tasks_are_served_in_their_order(ledger: Ledger, busy: list[VideoTask]) -> None:
    """The shots of a film come home one after the other."""
    tasks = await queued(ledger, "ann", 5)
    await free(ledger, busy)

    assert [task.id async for task in served(ledger, at=T0 + MINUTE)] == [task.id for task in tasks]


async def test_a_small_caller_is_not_behind_all_of_a_big_ones(ledger: Ledger, busy: list[VideoTask]) -> None:
    """60 of one, then 5 of another: turn about, so that the other waits for 5 and not for 60."""
    ann = await queued(ledger, "ann", 60)
    bob = await queued(ledger, "bob", 5, at=T0 + 10 * SECOND)
    assert [await ledger.queue_place(task) for task in bob] == [2, 4, 6, 8, 10]
    await free(ledger, busy)

    order = [task.caller async for task in served(ledger, at=T0 + MINUTE)]

    assert order[:10] == ["ann", "bob"] * 5
    assert order[10:] == ["ann"] * 55
    assert len(ann) == 60


async def test_who_comes_while_the_queue_is_served_is_not_behind_what_was_served_before(
    ledger: Ledger, busy: list[VideoTask]
) -> None:
    """The count goes on from the head of the queue; it does not begin with those long gone."""
    await queued(ledger, "ann", 20)
    await free(ledger, busy)
    line = served(ledger, at=T0 + MINUTE)
    for _ in range(10):
        await anext(line)

    await queued(ledger, "bob", 2, at=T0 + MINUTE)

    assert [(await anext(line)).caller for _ in range(5)] == ["ann", "bob", "ann", "bob", "ann"]


async def test_what_came_back_from_dashscope_is_first_in_line_again(ledger: Ledger) -> None:
    """A 429 is not its fault; its turn had come."""
    refused = await written(ledger, S.SUBMITTING)
    busy = [await written(ledger, S.RUNNING, at=T0) for _ in range(5)]
    await queued(ledger, "bob", 1, at=T0 + SECOND)
    await ledger.record(refused.to(S.QUEUED, T0 + 2 * SECOND, sent_at=None))
    await free(ledger, busy)

    claimed = await ledger.claim_next(ACCOUNT, owner="me", model=WAN25_T2V, now=T0 + 3 * SECOND)
    assert claimed is not None
    assert claimed.id == refused.id


async def test_the_queue_is_served_five_in_two_seconds_and_at_a_time(ledger: Ledger, busy: list[VideoTask]) -> None:
    """In one transaction with the count, so that two servers together keep to it as well."""
    await queued(ledger, "ann", 12)
    await free(ledger, busy)

    async def claim(at: datetime) -> VideoTask | None:
        return await ledger.claim_next(ACCOUNT, owner="me", model=WAN25_T2V, now=at)

    claimed = [await claim(T0 + MINUTE) for _ in range(7)]
    assert [task is not None for task in claimed] == [True] * 5 + [False] * 2
    assert await claim(T0 + 2 * MINUTE) is None, "five are running"
    for task in claimed[:5]:
        assert task is not None
        await ledger.record(task.to(S.FAILED, T0 + MINUTE))
    assert await claim(T0 + MINUTE + 2 * SECOND - timedelta(milliseconds=1)) is None, "five were just claimed"
    assert await claim(T0 + MINUTE + 2 * SECOND) is not None


async def test_an_empty_queue_gives_nothing(ledger: Ledger) -> None:
    """Also one of another account."""
    assert await ledger.claim_next(ACCOUNT, owner="me", model=WAN25_T2V, now=T0) is None


async def test_what_waited_for_over_an_hour_is_left_to_its_own_process(ledger: Ledger, busy: list[VideoTask]) -> None:
    """It alone knows whether the task was attended all the while, or slept over with the laptop."""
    [task] = await queued(ledger, "ann", 1)
    await free(ledger, busy)
    late = T0 + STALE_QUEUE

    assert await ledger.claim_next(ACCOUNT, owner="other", model=WAN25_T2V, now=late) is None
    mine = await ledger.claim_next(ACCOUNT, owner="me", model=WAN25_T2V, now=late)
    assert mine is not None
    assert mine.id == task.id


async def test_another_process_serves_what_is_fresh_and_watches_it_from_then_on(
    ledger: Ledger, busy: list[VideoTask]
) -> None:
    """The queue goes on when the process that took the task in is frozen."""
    [task] = await queued(ledger, "ann", 1)
    await free(ledger, busy)

    assert await ledger.claim_next(ACCOUNT, owner="other", model=WAN25_T2V, now=T0 + STALE_QUEUE - SECOND)
    assert [(open.id, owner) for open, owner in await ledger.unsettled(ACCOUNT)] == [(task.id, "other")]


# Who watches.


async def test_what_is_not_settled_is_watched_by_whoever_took_it_in(ledger: Ledger) -> None:
    """At start-up these are all that needs a look; with 100,000 tasks behind, they are few."""
    unsettled = [await written(ledger, status, at=T0 - MINUTE) for status in (S.RUNNING, S.UNCERTAIN, S.SUCCEEDED)]
    for status in (S.FAILED, S.CANCELED, S.UNKNOWN):
        await written(ledger, status)
    await reserved(ledger, a_task(at=T0 + SECOND, account="other.host"))

    assert await ledger.unsettled(ACCOUNT) == [(task, "me") for task in sorted(unsettled, key=lambda task: task.id)]


async def test_what_is_settled_is_watched_no_longer(ledger: Ledger, path: Path) -> None:
    """A saved video needs nobody; its watch would be taken over at every start for ever."""
    task = await written(ledger, S.SUCCEEDED)
    assert plainly(path, "SELECT COUNT(*) FROM watches") == [(1,)]
    await ledger.record(task.to(S.SUCCEEDED, T0, file="/v.mp4"))

    assert plainly(path, "SELECT COUNT(*) FROM watches") == [(0,)]
    assert await ledger.unsettled(ACCOUNT) == []


async def test_a_watch_is_taken_over_by_one_alone(ledger: Ledger) -> None:
    """Two that find the same dead process must not both send what it left."""
    task = await written(ledger, S.RUNNING)

    assert await ledger.take(task.id, owner="ann", before="me")
    assert not await ledger.take(task.id, owner="bob", before="me")
    assert not await ledger.take(task.id, owner="bob", before=None)
    assert (await ledger.unsettled(ACCOUNT))[0][1] == "ann"


async def test_many_watches_are_taken_over_at_once_but_for_those_that_somebody_else_took(ledger: Ledger) -> None:
    """Thousands may be left by one dead process."""
    tasks = [await written(ledger, S.RUNNING) for _ in range(3)]
    news = await ledger.unsettled_since(ACCOUNT, None)
    assert news is not None
    _, left = news
    assert await ledger.take(tasks[1].id, owner="bob", before="me")

    assert await ledger.take_over(left, owner="ann") == [tasks[0], tasks[2]]
    assert [owner for _, owner in await ledger.unsettled(ACCOUNT)] == ["ann", "bob", "ann"]


async def test_nothing_is_read_again_until_somebody_has_written(ledger: Ledger, path: Path) -> None:
    """Every process asks every five seconds."""
    await written(ledger, S.RUNNING)
    news = await ledger.unsettled_since(ACCOUNT, None)
    assert news is not None
    assert await ledger.unsettled_since(ACCOUNT, news[0]) is None

    plainly(path, "UPDATE watches SET owner = 'another process'")
    news = await ledger.unsettled_since(ACCOUNT, news[0])
    assert news is not None
    assert [row.owner for row in news[1]] == ["another process"]
    await written(ledger, S.RUNNING)
    news = await ledger.unsettled_since(ACCOUNT, news[0])
    assert news is not None
    assert len(news[1]) == 2


async def test_a_task_that_nobody_watches_can_be_taken(ledger: Ledger, path: Path) -> None:
    """A person settled it, and now it goes on."""
    task = await written(ledger, S.RUNNING)
    plainly(path, "DELETE FROM watches")

    assert await ledger.unsettled(ACCOUNT) == [(task, None)]
    assert not await ledger.take(task.id, owner="ann", before="me")
    assert await ledger.take(task.id, owner="ann", before=None)


async def test_a_task_made_elsewhere_is_adopted_once(ledger: Ledger) -> None:
    """Two callers ask for the same remote task: one record of it."""
    first = await ledger.adopt(a_task(S.RUNNING, dashscope_task_id="remote-x"), owner="me")
    again = await ledger.adopt(a_task(S.RUNNING, dashscope_task_id="remote-x"), owner="other")
    ended = await ledger.adopt(a_task(S.FAILED, dashscope_task_id="remote-y"), owner="me")

    assert again == first
    assert [owner for _, owner in await ledger.unsettled(ACCOUNT)] == ["me"]
    assert await ledger.get(ended.id) == ended


# Lists.


async def test_a_list_is_of_one_caller_newest_first(ledger: Ledger) -> None:
    """What others asked for is not shown, and what is old is not what is looked for."""
    tasks = [await written(ledger, S.RUNNING, caller="ann", at=T0 + number * MINUTE) for number in range(3)]
    failed = await written(ledger, S.FAILED, caller="ann", at=T0 - HOUR)
    await written(ledger, S.RUNNING, caller="bob")

    assert await ledger.newest(ACCOUNT, "ann", status=None, limit=9) == [*reversed(tasks), failed]
    assert await ledger.newest(ACCOUNT, "ann", status=None, limit=2) == [tasks[2], tasks[1]]
    assert await ledger.newest(ACCOUNT, "ann", status=S.FAILED, limit=9) == [failed]
    assert await ledger.newest("other.host", "ann", status=None, limit=9) == []


async def test_tasks_are_counted_by_status_and_found_by_the_beginning_of_their_id(ledger: Ledger) -> None:
    """A wildcard in what somebody typed finds nothing: it is a beginning, not a pattern."""
    await written(ledger, S.FAILED, id="vid_aa1", caller="ann", at=T0 - DAY)
    await written(ledger, S.RUNNING, id="vid_aa2", caller="ann", at=T0 - DAY)
    await written(ledger, S.FAILED, id="vid_ab1", caller="ann")
    await written(ledger, S.FAILED, id="vid_aa9", caller="bob")

    assert await ledger.census(ACCOUNT) == {S.FAILED: 3, S.RUNNING: 1}
    assert await ledger.counts(ACCOUNT, "ann", since=DAY_START) == {S.FAILED: 1, S.RUNNING: 1}
    assert await ledger.ids(ACCOUNT, "ann", prefix="vid_aa", limit=9) == ["vid_aa1", "vid_aa2"]
    assert await ledger.ids(ACCOUNT, "ann", prefix="", limit=1) == ["vid_ab1"]
    assert await ledger.ids(ACCOUNT, "ann", prefix="vid%", limit=9) == []


async def test_each_day_has_what_came_to_its_status_on_it(ledger: Ledger) -> None:
    """The chart of the days adds up to what the budget counts; days without tasks are there, and empty."""
    days = [DAY_START - 2 * DAY, DAY_START - DAY, DAY_START]
    for at in (DAY_START - 3 * DAY, DAY_START - MINUTE, DAY_START, DAY_START + 2 * DAY):
        await written(ledger, S.SUCCEEDED, at=at)
    await written(ledger, S.FAILED, at=DAY_START)
    await written(ledger, S.PENDING, at=DAY_START)
    await written(ledger, S.UNKNOWN, at=DAY_START - DAY)
    first, second, third = await ledger.spending(ACCOUNT, "CNY", days)
    price = a_task().cost

    assert (first.begins, first.tasks, first.charged, first.held) == (days[0], {}, cny("0"), cny("0"))
    assert (second.tasks, second.charged, second.held) == ({S.SUCCEEDED: 1, S.UNKNOWN: 1}, price, price)
    assert third.tasks == {S.SUCCEEDED: 2, S.FAILED: 1, S.PENDING: 1}
    assert (third.charged, third.held) == (price * 2, price)
    assert await ledger.spending(ACCOUNT, "USD", days[:1]) == [
        Day(begins=days[0], charged=Money(Decimal(0), "USD"), held=Money(Decimal(0), "USD"), tasks={})
    ]


async def test_the_ledger_knows_how_long_videos_took(ledger: Ledger) -> None:
    """By DashScope's own two times; the latest twenty of the same kind, and nothing that is not one of them."""
    for number in range(22):
        task = await written(ledger, S.RUNNING, at=T0 + number * MINUTE)
        ended = task.submitted_at and task.submitted_at + number * SECOND
        await ledger.record(task.to(S.SUCCEEDED, T0 + number * MINUTE, ended_at=ended))
    await written(ledger, S.SUCCEEDED, request=a_request(duration=10))
    await written(ledger, S.FAILED)
    backwards = await written(ledger, S.RUNNING, request=a_request(size="832*480"))
    await ledger.record(backwards.to(S.SUCCEEDED, T0, ended_at=T0 - HOUR))
    timeless = await written(ledger, S.RUNNING, request=a_request(size="1920*1080"))
    await ledger.record(timeless.to(S.SUCCEEDED, T0, submitted_at=None))

    assert await ledger.render_times(ACCOUNT, "wan2.5-t2v-preview:720P:5") == [n * SECOND for n in range(21, 1, -1)]
    assert await ledger.render_times(ACCOUNT, "wan2.5-t2v-preview:480P:5") == [timedelta()]
    assert await ledger.render_times(ACCOUNT, "wan2.5-t2v-preview:1080P:5") == []


# Several processes.


async def test_what_one_process_may_do_once_several_do_once_together(
    ledger: Ledger, path: Path, tmp_path: Path
) -> None:
    """Servers of one person have one budget, find the same queue, the same dead process, and are asked the same."""
    left = await reserved(ledger, a_task(caller="left"), owner="gone")
    await ledger.record(left.to(S.UNCERTAIN, T0))
    contested = await written(ledger, S.QUEUED, at=T0 + SECOND)
    for _ in range(9):
        await reserved(ledger, a_task(at=T0 + SECOND))
    fresh = tmp_path / "new" / "ledger.db"

    purse = Ledger(tmp_path / "purse" / "ledger.db")
    await purse.open()

    accepted, same, cancelled, taken, claimed = await in_a_thread(
        3,
        (processes.fill, purse.path, (20, "10")),
        (processes.ask_the_same, fresh, ()),
        (processes.cancel, path, (contested,)),
        (processes.take, path, (left,)),
        (processes.claim, path, ()),
    )

    assert sum(accepted) == 10, "a budget for ten videos holds across processes"
    assert (await purse.standing(ACCOUNT, "CNY", DAY_START)).held == cny("10")
    assert len(await purse.newest(ACCOUNT, "local", status=None, limit=99)) == 10
    assert await purse.check() == "ok"
    await purse.close()
    assert len(set(same)) == 1, "one task for one request, in a file that all three opened first"
    assert sorted(cancelled) == sorted(taken) == [False] * 2 + [True]
    assert sum(claimed) == 4, "five at a time, and one is in doubt"


async def in_a_thread(count: int, *deeds: processes.Deed) -> list[list[Any]]:
    """Let several processes do something, and meanwhile the loop of this one go on."""
    return await anyio.to_thread.run_sync(at_once, count, *deeds)


# The file.


async def test_the_ledger_is_for_its_owner_alone(ledger: Ledger, path: Path) -> None:
    """Prompts and signed links stand in it."""
    await written(ledger, S.RUNNING)

    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    modes = {file.name.removeprefix(path.name): stat.S_IMODE(file.stat().st_mode) for file in path.parent.glob("*.db*")}
    assert modes == {"": 0o600, "-wal": 0o600, "-shm": 0o600, ".lock": 0o600}


async def test_a_commit_is_on_the_disk_before_it_is_said(ledger: Ledger, path: Path) -> None:
    """A POST follows the commit."""
    db: sqlite3.Connection = ledger._db  # pyright: ignore[reportPrivateUsage]  # a pragma is a connection's own
    assert await ledger.try_to_write() is None
    modes = await anyio.to_thread.run_sync(
        lambda: [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    )

    assert modes == ["wal", 2]


async def test_nobody_commits_while_another_process_may_make_a_checkpoint(ledger: Ledger, path: Path) -> None:
    """SQLite 3.7.0 to 3.51.2 can corrupt the file then; so both happen under one lock, and readers go on."""
    task = await written(ledger, S.RUNNING)
    lock: sqlite3.Connection | None = ledger._lock  # pyright: ignore[reportPrivateUsage]
    assert lock is not None
    lock.execute("PRAGMA busy_timeout = 0")
    other = sqlite3.connect(path.with_name(f"{path.name}.lock"), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")

    with pytest.raises(LedgerUnusable, match="database is locked"):
        await ledger.record(task.to(S.FAILED, task.since))
    assert await ledger.get(task.id) == task

    other.close()
    assert await ledger.record(task.to(S.FAILED, task.since))


async def test_a_ledger_of_another_journal_mode_is_brought_over(path: Path) -> None:
    """A copy made by a tool may come back with a rollback journal."""
    ledger = Ledger(path)
    await ledger.open()
    task = await written(ledger, S.RUNNING)
    await ledger.close()
    assert plainly(path, "PRAGMA journal_mode = DELETE") == [("delete",)]

    await ledger.open()
    assert await ledger.get(task.id) == task
    assert plainly(path, "PRAGMA journal_mode") == [("wal",)]
    await ledger.close()


async def test_it_is_opened_again_and_stamped_with_its_schema(ledger: Ledger, path: Path) -> None:
    """Migrations begin on day one: the next version must know what it finds."""
    task = await written(ledger, S.RUNNING)
    again = Ledger(path)
    await again.open()

    assert await again.get(task.id) == task
    assert await again.schema() == await ledger.schema() == plainly(path, "PRAGMA user_version")[0][0] >= 1
    assert plainly(path, "PRAGMA application_id") == [(0x57414E31,)]
    assert await again.check() == "ok"
    await again.close()


async def test_a_file_that_is_there_and_empty_becomes_a_ledger(path: Path) -> None:
    """Somebody made it with `touch`, or a first start was killed at once."""
    path.parent.mkdir()
    path.touch()
    ledger = Ledger(path)
    await ledger.open()

    assert await written(ledger, S.RUNNING)
    await ledger.close()


async def test_what_is_not_open_cannot_be_used(path: Path) -> None:
    """And closing it twice is no crime."""
    ledger = Ledger(path)
    with pytest.raises(LedgerUnusable, match="not open"):
        await ledger.get("vid_x")
    await ledger.close()
    await ledger.open()
    await ledger.close()
    await ledger.close()
    with pytest.raises(LedgerUnusable, match="not open"):
        await ledger.get("vid_x")


def foreign(path: Path) -> None:
    """Some other program's database."""
    plainly(path, "CREATE TABLE music (title)")


def newer(path: Path) -> None:
    """A ledger of a wan-mcp that is not out yet."""
    plainly(path, "CREATE TABLE entries (task_id)")
    plainly(path, f"PRAGMA application_id = {0x57414E31}")
    plainly(path, "PRAGMA user_version = 99")


def text(path: Path) -> None:
    """No database at all."""
    path.write_text("Dear diary, " * 1000)


def cut_short(path: Path) -> None:
    """A ledger whose second half is gone."""

    async def make() -> None:
        ledger = Ledger(path)
        await ledger.open()
        for _ in range(50):
            await reserved(ledger, a_task())
        await ledger.close()

    anyio.run(make)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (foreign, "is not a ledger of wan-mcp; it was left untouched"),
        (newer, "was written by a newer wan-mcp"),
        (text, "file is not a database"),
        (cut_short, "malformed"),
    ],
)
def test_a_file_that_cannot_be_a_ledger_is_refused_and_left_as_it_is(tmp_path: Path, spoil: Any, words: str) -> None:
    """It may be the only copy of something; and a newer ledger holds money that we would not see."""
    path = tmp_path / "other.db"
    spoil(path)
    before, beside = path.read_bytes(), set(tmp_path.iterdir())

    async def use() -> None:
        ledger = Ledger(path)
        try:
            await opened_and_used(ledger)
        finally:
            await ledger.close()

    with pytest.raises(LedgerUnusable, match=words) as raised:
        anyio.run(use)

    assert path.read_bytes() == before
    assert set(tmp_path.iterdir()) == beside, "no journal is left beside it"
    assert raised.value.money_moved == "no"
    assert raised.value.next_step


async def test_an_entry_that_cannot_be_read_is_told_without_what_is_in_it(ledger: Ledger, path: Path) -> None:
    """Its body may hold a signed link; a validation error would print it."""
    task = await written(ledger, S.RUNNING)
    plainly(path, "DROP TRIGGER entries_are_never_changed")
    plainly(path, "UPDATE entries SET body = json_set(body, '$.seconds', 'Signature=secret')")

    with pytest.raises(LedgerUnusable, match="cannot be read") as raised:
        await ledger.get(task.id)
    assert "secret" not in raised.value.words
    assert raised.value.__cause__ is None
    plainly(path, "DELETE FROM watches")


async def opened_and_used(ledger: Ledger) -> None:
    """What happens at the first call that wants to spend."""
    await ledger.open()
    await reserved(ledger, a_task())


@pytest.mark.parametrize("exists", [False, True])
async def test_a_ledger_that_cannot_be_written_is_refused_before_anything_is_sent(exists: bool) -> None:
    """A read-only disk, or somebody else's folder: without the row there is no POST."""
    with as_nobody() as folder:
        path = folder / "tasks.db"
        ledger = Ledger(path)
        if exists:
            await ledger.open()
            await ledger.close()
            path.chmod(0o400)
        folder.chmod(0o500)

        with pytest.raises(LedgerUnusable, match=r"readonly|Permission denied") as raised:
            await opened_and_used(ledger)

        assert "Without it nothing is sent" in raised.value.next_step
        await ledger.close()


async def test_a_ledger_in_a_place_that_is_no_folder_is_refused_in_words(tmp_path: Path) -> None:
    """A file stands where its folder should be, or a folder where it should be."""
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "tasks.db", tmp_path):
        with pytest.raises(LedgerUnusable, match=str(path)):
            await Ledger(path).open()


@contextmanager
def no_file_longer_than(size: int) -> Generator[None]:
    """A disk that is full: the kernel lets no file grow beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def filled(ledger: Ledger) -> None:
    """More than fits into the pages that the file has."""
    for number in range(50):
        await reserved(ledger, a_task(request=a_request(f"{number} {'x' * 1400}")))


async def test_a_full_disk_refuses_and_loses_nothing(ledger: Ledger, path: Path) -> None:
    """No row, no POST; and what was written before is whole, and goes on once there is room."""
    task = await written(ledger, S.RUNNING)
    size = path.stat().st_size

    with no_file_longer_than(size), pytest.raises(LedgerUnusable, match="cannot be used"):
        await filled(ledger)

    assert await ledger.check() == "ok"
    assert await ledger.get(task.id) == task
    ended = await ledger.record(task.to(S.FAILED, T0))
    assert await ledger.get(task.id) == ended
    heads = plainly(path, "SELECT COUNT(*) FROM heads")
    assert heads == plainly(path, "SELECT COUNT(*) FROM entries WHERE version = 0"), "half a reservation"


async def test_a_cancelled_call_is_done_or_not_done(ledger: Ledger) -> None:
    """A caller who hangs up while the disk is slow leaves no half of anything."""
    with anyio.CancelScope() as scope:
        scope.cancel()
        await reserved(ledger, a_task(id="vid_a"))
    assert scope.cancelled_caught
    assert await ledger.get("vid_a") is None

    async with anyio.create_task_group() as group:
        group.start_soon(reserved, ledger, a_task(id="vid_b"))
        await anyio.lowlevel.checkpoint()
        group.cancel_scope.cancel()
    task = await ledger.get("vid_b")
    assert task is None or (await ledger.unsettled(ACCOUNT)) == [(task, "me")]


async def test_a_failed_transaction_leaves_the_next_one_alone(ledger: Ledger) -> None:
    """A rollback that is forgotten would lock every process out."""
    task = await written(ledger, S.QUEUED)
    with pytest.raises(StaleTask):
        await ledger.record(task)

    assert await reserved(ledger, a_task())
    assert not ledger._db.in_transaction  # pyright: ignore[reportPrivateUsage]


async def test_a_prompt_is_kept_as_data(ledger: Ledger) -> None:
    """Quotes and semicolons in a prompt, a caller or an id are no SQL."""
    evil = "'; DROP TABLE entries; --"
    task = await written(ledger, S.RUNNING, id=f"vid_{evil}", caller=evil, request=a_request(evil))

    assert await ledger.get(task.id) == task
    assert await ledger.newest(ACCOUNT, evil, status=None, limit=1) == [task]
    assert CAT not in task.request.prompt


def test_the_ledger_does_not_inherit_a_loose_umask(tmp_path: Path) -> None:
    """With umask 0 SQLite itself would make a file for everybody."""
    was = os.umask(0)
    try:

        async def make() -> None:
            ledger = Ledger(tmp_path / "a" / "tasks.db")
            await ledger.open()
            await ledger.close()

        anyio.run(make)
    finally:
        os.umask(was)

    assert stat.S_IMODE((tmp_path / "a" / "tasks.db").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700


async def test_a_file_of_the_first_schema_is_taken_over_with_its_tasks(tmp_path: Path) -> None:
    """Films came later; nobody loses what was paid before."""
    path = tmp_path / "old.db"
    with sqlite3.connect(path, isolation_level=None) as db:
        schema.migrate(db, 0)
        for statement in ("DROP TABLE films", "DROP TABLE film_heads", "DROP INDEX heads_by_film"):
            db.execute(statement)
        db.execute("ALTER TABLE heads DROP COLUMN film_id")
        db.execute("PRAGMA user_version = 1")
        task = a_task(S.PENDING)
        row = {name: value for name, value in rows.head(task).items() if name != "film_id"}
        db.execute(
            "INSERT INTO entries VALUES (?, 0, 0, ?, ?)", (task.id, task.status, rows.TASK.dump_json(task).decode())
        )
        db.execute(f"INSERT INTO heads ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", tuple(row.values()))
    db.close()
    ledger = Ledger(path)
    await ledger.open()
    assert await ledger.get(task.id) == task
    assert await ledger.schema() == 2
    assert [one.id for one, _ in await ledger.unsettled(ACCOUNT)] == [task.id]
    assert await ledger.newest_films(ACCOUNT, "local", limit=1) == []
    await ledger.close()
