"""The life of a task, pair by pair and hour by hour."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tasks import T0, a_task
from wan_mcp.domain.errors import IllegalTransition
from wan_mcp.domain.money import Money
from wan_mcp.domain.task import (
    ANSWER_LOST,
    FIND_AFTER,
    FIND_AGAIN,
    FORGOTTEN,
    LINK_DEAD,
    LINK_SURELY_DEAD,
    MEMORY,
    OPEN,
    OURS,
    SEVERAL_CANDIDATES,
    STALE_QUEUE,
    TRANSITIONS,
    UPSTREAM,
    Attention,
    Find,
    Look,
    Mark,
    Problem,
    Save,
    Send,
    Status,
    Step,
    VideoTask,
    Wait,
    money_state,
    next_step,
)

S = Status
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
PAIRS = [(before, after) for before in Status for after in Status]


def step(task: VideoTask, *, after: timedelta, **attention: object) -> Step:
    """What the task needs so long after noon, by a watcher that has been there all the while."""
    now = T0 + after
    usual = Attention(seen_at=now)
    return next_step(task, now, replace(usual, **attention))


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_a_step_of_the_table_is_made_and_any_other_raises_and_changes_nothing(before: Status, after: Status) -> None:
    """The table is the whole life of a task; a step outside of it would be money in a state nobody thought of."""
    task, at = a_task(before), T0 + HOUR
    kept = replace(task)

    if after in TRANSITIONS[before]:
        made = task.to(after, at)
        assert (made.status, made.version) == (after, task.version + 1)
        assert made.since == (T0 if before is after else at)
    else:
        with pytest.raises(IllegalTransition, match=f"{task.id} cannot go from {before} to {after}"):
            task.to(after, at)
    assert task == kept


def test_the_table_speaks_of_every_status_and_of_nothing_else() -> None:
    """A status without a row would be a KeyError in the middle of somebody's paid task."""
    assert set(TRANSITIONS) == set(Status)


def reachable(start: Status) -> set[Status]:
    """Every status that can follow, in however many steps."""
    found, ahead = set[Status](), [start]
    while ahead:
        for after in TRANSITIONS[ahead.pop()] - found:
            found.add(after)
            ahead.append(after)
    return found


def test_every_status_can_be_reached_from_a_start() -> None:
    """A task starts QUEUED or SUBMITTING; a status that neither leads to would be dead code with money in it."""
    assert reachable(S.QUEUED) | {S.QUEUED} == set(Status)
    assert reachable(S.SUBMITTING) | {S.SUBMITTING} == set(Status)


@pytest.mark.parametrize("status", sorted(OPEN))
def test_every_open_status_has_a_way_to_an_end(status: Status) -> None:
    """Money that is held must be able to become charged, or free, or a question for a person."""
    assert {S.FAILED, S.CANCELED} & reachable(status)
    assert reachable(status) - OPEN >= {S.SUCCEEDED, S.FAILED, S.CANCELED, S.UNKNOWN}


@pytest.mark.parametrize("status", sorted(set(Status) - OPEN))
def test_what_has_ended_never_opens_again(status: Status) -> None:
    """Money that was free would be held again behind the budget's back."""
    assert not reachable(status) & OPEN


def test_nothing_that_was_charged_becomes_free() -> None:
    """DashScope does not pay back, and the ledger may not pretend so."""
    assert reachable(S.SUCCEEDED) == {S.SUCCEEDED}
    assert TRANSITIONS[S.FAILED] == TRANSITIONS[S.CANCELED] == frozenset()


def test_nothing_that_was_sent_is_sent_again() -> None:
    """Back to QUEUED leads only from SUBMITTING, where DashScope surely refused or was surely not reached."""
    assert {before for before in Status if S.QUEUED in TRANSITIONS[before]} == {S.SUBMITTING}
    assert {before for before in Status if S.SUBMITTING in TRANSITIONS[before]} == {S.QUEUED}


MONEY = {
    S.QUEUED: "held",
    S.SUBMITTING: "held",
    S.UNCERTAIN: "held",
    S.PENDING: "held",
    S.RUNNING: "held",
    S.UNKNOWN: "held",
    S.SUCCEEDED: "charged",
    S.FAILED: "free",
    S.CANCELED: "free",
}


@pytest.mark.parametrize("status", sorted(Status))
def test_where_the_money_stands_is_a_function_of_the_status_alone(status: Status) -> None:
    """House rule 6; whatever else a task holds, no second opinion on its money is possible."""
    tasks = [
        a_task(status),
        a_task(status, problem=ANSWER_LOST),
        a_task(status, file="/v.mp4"),
        a_task(status, dashscope_task_id=None),
        a_task(status, sent_at=None),
    ]

    assert money_state(status) == MONEY[status]
    assert {task.money_state for task in tasks} == {MONEY[status]}
    assert {task.is_open for task in tasks} == {status in OPEN}
    assert {task.cost for task in tasks} == {tasks[0].unit_price * 5}


def test_the_groups_are_what_their_names_say() -> None:
    """Budgets, limits and the watcher count by them."""
    assert {"PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELED", "UNKNOWN"} == set(Status) - OURS
    assert {S.SUBMITTING, S.PENDING, S.RUNNING} == UPSTREAM
    assert UPSTREAM < OPEN
    assert all(MONEY[status] == "held" for status in OPEN)


def test_a_fact_that_there_is_not_is_refused() -> None:
    """A misspelt field would be a paid task's id lost without a word."""
    with pytest.raises(TypeError):
        a_task().to(S.SUBMITTING, T0, dashscope_taskid="x")


def test_the_cost_is_of_the_seconds_that_are_billed() -> None:
    """What was agreed is a price for a second; DashScope says how many it bills."""
    assert a_task(seconds=10).cost == Money(a_task().unit_price.amount * 10, "CNY")


def test_tasks_of_one_kind_take_about_as_long() -> None:
    """The ledger learns usual times by it."""
    assert a_task().kind == "wan2.5-t2v-preview:720P:5"


DEAD = Problem(code=LINK_DEAD, message="gone")


@pytest.mark.parametrize(
    ("task", "to_be_saved", "settled"),
    [
        (a_task(S.SUCCEEDED), True, False),
        (a_task(S.SUCCEEDED, file="/v.mp4"), False, True),
        (a_task(S.SUCCEEDED, video_url=None), False, True),
        (a_task(S.SUCCEEDED, problem=DEAD), False, True),
        (a_task(S.SUCCEEDED, problem=Problem(code="Other", message="")), True, False),
        (a_task(S.FAILED), False, True),
        (a_task(S.UNKNOWN), False, True),
        *((a_task(status), False, False) for status in sorted(OPEN)),
    ],
)
def test_a_task_is_settled_when_waiting_brings_nothing_more(task: VideoTask, to_be_saved: bool, settled: bool) -> None:
    """Until then it is watched; afterwards nobody looks again, so it must not be said too early."""
    assert task.is_to_be_saved is to_be_saved
    assert task.is_settled is settled
    assert task.is_saved is (task.file is not None)


@pytest.mark.parametrize("status", sorted(Status))
def test_a_person_is_asked_only_where_nothing_else_can_tell(status: Status) -> None:
    """`wan-mcp settle` by guess would spend twice, or hold money for ever."""
    several = Problem(code=SEVERAL_CANDIDATES, message="", money_moved="maybe")
    soon, late = T0 + MEMORY, T0 + MEMORY + SECOND

    assert a_task(status).is_for_a_person(soon) is (status is S.UNKNOWN)
    assert a_task(status).is_for_a_person(late) is (status in (S.UNKNOWN, S.UNCERTAIN))
    assert a_task(status, sent_at=None).is_for_a_person(late) is (status in (S.UNKNOWN, S.UNCERTAIN))
    assert a_task(status, problem=several).is_for_a_person(soon) is (status in (S.UNKNOWN, S.UNCERTAIN))
    assert a_task(status, problem=ANSWER_LOST).is_for_a_person(soon) is (status is S.UNKNOWN)


# What a task needs next.


def test_a_queued_task_is_sent_when_it_is_due() -> None:
    """Its turn is for the ledger to say; here it only may have come."""
    task, later = a_task(S.QUEUED), T0 + 9 * SECOND

    assert step(task, after=timedelta()) == Send()
    assert step(task, after=8 * SECOND, not_before=later) == Wait(later)
    assert step(task, after=9 * SECOND, not_before=later) == Send()


def test_a_queued_task_that_is_attended_waits_as_long_as_it_takes() -> None:
    """A film of 60 shots takes hours, and its maker waits for it."""
    assert step(a_task(S.QUEUED), after=9 * HOUR) == Send()


def test_a_queued_task_that_nobody_attended_for_over_an_hour_is_released() -> None:
    """Nobody wants yesterday's video charged today; nothing was sent, so it is free."""
    task = a_task(S.QUEUED)

    assert step(task, after=STALE_QUEUE, seen_at=T0) == Send()
    released = step(task, after=STALE_QUEUE + SECOND, seen_at=T0)
    assert isinstance(released, Mark)
    assert released.status is S.CANCELED
    assert released.problem.code == "ReleasedFromQueue"
    assert released.problem.money_moved == "no"


@pytest.mark.parametrize("after", [timedelta(), HOUR, 48 * HOUR])
def test_what_was_being_submitted_and_is_found_so_is_in_doubt(after: timedelta) -> None:
    """Its process is gone; whether the request left nobody can say, so it is never sent again."""
    found = step(a_task(S.SUBMITTING), after=after)

    assert found == Mark(S.UNCERTAIN, ANSWER_LOST)
    assert ANSWER_LOST.money_moved == "maybe"


def test_a_lost_answers_task_is_searched_after_a_moment() -> None:
    """The list may show it a little late."""
    task = a_task(S.UNCERTAIN)

    assert step(task, after=FIND_AFTER - SECOND) == Wait(T0 + FIND_AFTER)
    assert step(task, after=FIND_AFTER) == Find()
    later = T0 + 10 * FIND_AFTER
    assert step(task, after=FIND_AFTER, not_before=later) == Wait(later)


def test_a_task_that_was_not_found_is_searched_again_a_quarter_of_an_hour_later() -> None:
    """House rule 3: the list's silence releases money only when it is heard twice."""
    searched = T0 + timedelta(minutes=1)
    task = a_task(S.UNCERTAIN, searched_at=searched)

    assert timedelta(minutes=15) == FIND_AGAIN
    assert step(task, after=timedelta(minutes=16) - SECOND) == Wait(searched + FIND_AGAIN)
    assert step(task, after=timedelta(minutes=16)) == Find()


def test_after_24_hours_only_a_person_knows() -> None:
    """DashScope's list reaches no further back: its silence would then say nothing, and must release nothing."""
    task = a_task(S.UNCERTAIN, asked_at=T0 - 30 * HOUR)

    assert step(task, after=MEMORY) == Find()
    assert step(task, after=MEMORY + SECOND) is None
    assert step(replace(task, sent_at=None, asked_at=T0), after=MEMORY) == Find()
    assert step(replace(task, sent_at=None, asked_at=T0), after=MEMORY + SECOND) is None


@pytest.mark.parametrize("status", [S.PENDING, S.RUNNING])
def test_a_task_at_dashscope_is_looked_at_when_a_look_is_due(status: Status) -> None:
    """Every 15 seconds, or later after a fault: the id stays, whatever the looks come to."""
    task, due = a_task(status), T0 + 15 * SECOND

    assert step(task, after=14 * SECOND, not_before=due) == Wait(due)
    assert step(task, after=15 * SECOND, not_before=due) == Look(task.dashscope_task_id or "")
    assert step(task, after=timedelta()) == Look(task.dashscope_task_id or "")


@pytest.mark.parametrize("status", [S.PENDING, S.RUNNING])
def test_after_28_hours_dashscope_has_forgotten_it(status: Status) -> None:
    """Every task ends within 3 hours and is remembered for 24 more: polling on would be for ever. But not unasked,
    since it may be our clock that is a day ahead."""
    task = a_task(status)
    look = Look(task.dashscope_task_id or "")

    assert step(task, after=FORGOTTEN + SECOND) == look
    assert step(task, after=FORGOTTEN, failures=1) == look
    marked = step(task, after=FORGOTTEN + SECOND, failures=1)
    assert isinstance(marked, Mark)
    assert marked.status is S.UNKNOWN
    assert marked.problem.money_moved == "maybe"


def test_how_long_ago_it_was_is_told_by_one_clock() -> None:
    """On a machine two days ahead of DashScope, every new task would be given up at its first look."""
    task = a_task(S.RUNNING, submitted_at=T0 - 48 * HOUR)

    assert step(task, after=HOUR) == Look(task.dashscope_task_id or "")
    unsent = a_task(S.RUNNING, sent_at=None)
    assert step(unsent, after=HOUR, failures=1) != step(unsent, after=29 * HOUR, failures=1)


def test_a_task_without_its_remote_id_cannot_be_looked_at() -> None:
    """No such task is ever written; nothing is asked of DashScope in its name."""
    assert step(a_task(S.RUNNING, dashscope_task_id=None), after=HOUR) is None


def test_a_finished_video_is_saved_when_a_try_is_due() -> None:
    """The link dies after 24 hours, and whoever asked may be gone."""
    task, due = a_task(S.SUCCEEDED), T0 + 2 * SECOND

    assert step(task, after=SECOND, not_before=due) == Wait(due)
    assert step(task, after=2 * SECOND, not_before=due) == Save(task.video_url or "")
    assert step(replace(task, file="/v.mp4"), after=HOUR) is None
    assert step(replace(task, problem=DEAD), after=HOUR) is None
    assert step(replace(task, video_url=None), after=HOUR) is None


def test_a_link_that_is_dead_by_its_own_word_is_tried_once_and_then_given_up() -> None:
    """Nothing may be tried for ever; and nothing be given up untried, for it may be our clock that is wrong."""
    task = a_task(S.SUCCEEDED, expires_at=T0 + MEMORY)
    save, long_after = Save(task.video_url or ""), MEMORY + LINK_SURELY_DEAD + SECOND

    assert step(task, after=long_after) == save
    assert step(task, after=MEMORY + LINK_SURELY_DEAD, failures=9) == save
    assert step(replace(task, expires_at=None), after=long_after, failures=9) == save
    given_up = step(task, after=long_after, failures=1)
    assert isinstance(given_up, Mark)
    assert given_up.problem.money_moved == "yes"
    marked = task.to(given_up.status, T0 + long_after, problem=given_up.problem)
    assert marked.is_settled
    assert marked.money_state == "charged"


@pytest.mark.parametrize("status", [S.FAILED, S.CANCELED, S.UNKNOWN])
def test_what_has_ended_needs_nothing(status: Status) -> None:
    """UNKNOWN above all: others poll it for ever."""
    assert step(a_task(status), after=100 * HOUR) is None


@given(
    st.sampled_from(sorted(Status)),
    st.timedeltas(min_value=timedelta(days=-2), max_value=timedelta(days=400)),
    st.none() | st.timedeltas(min_value=timedelta(days=-1), max_value=timedelta(days=1)),
    st.timedeltas(min_value=timedelta(), max_value=timedelta(days=3)),
    st.integers(min_value=0, max_value=99),
)
def test_whatever_the_clock_says_a_step_is_one_that_the_table_allows(
    status: Status, after: timedelta, pause: timedelta | None, unseen: timedelta, failures: int
) -> None:
    """Clocks jump. A step must never be a transition that raises, nor a wait for what has passed."""
    task, now = a_task(status), T0 + after
    due: datetime | None = None if pause is None else now + pause

    wanted = next_step(task, now, Attention(seen_at=now - unseen, not_before=due, failures=failures))

    if isinstance(wanted, Mark):
        assert wanted.status in TRANSITIONS[status]
        assert (wanted.problem.money_moved == "no") is (money_state(wanted.status) == "free")
    elif isinstance(wanted, Wait):
        assert wanted.until > now
    elif isinstance(wanted, Send):
        assert status is S.QUEUED
    elif wanted is None:
        assert not task.is_open or status is S.UNCERTAIN
