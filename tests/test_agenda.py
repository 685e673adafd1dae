"""What is due among many, and in which order; and how fast one may ask."""

from datetime import timedelta

import pytest

from tests.conftest import HandClock
from tests.tasks import T0, a_task
from wan_mcp.adapters.dashscope.pace import Pace
from wan_mcp.domain.task import STALE_QUEUE, Attention, Look, Mark, Save, Status, VideoTask
from wan_mcp.service.agenda import Agenda, Watched

S = Status
MINUTE = timedelta(minutes=1)


def an_agenda(*tasks: VideoTask, due: timedelta | None = None, may_ask: bool = True) -> Agenda:
    """One that watches these, each looked at or tried again after so long."""
    agenda = Agenda(may_ask=may_ask)
    not_before = None if due is None else T0 + due
    for task in tasks:
        agenda.add(Watched(task, Attention(seen_at=T0, not_before=not_before)), T0)
    return agenda


def test_of_the_looks_those_due_for_longest_come_first_and_no_more_than_there_is_room_for() -> None:
    """With thousands due at once, each has its turn."""
    tasks = [a_task(S.RUNNING) for _ in range(3)]
    agenda = an_agenda()
    for wait, task in zip((3, 1, 2), tasks, strict=True):
        agenda.add(Watched(task, Attention(seen_at=T0, not_before=T0 + wait * MINUTE)), T0)

    assert agenda.next_due(looks=True) == T0 + MINUTE
    assert agenda.next_due(looks=False) is None
    assert agenda.due(T0, looks=9) == []
    some = agenda.due(T0 + 5 * MINUTE, looks=2)
    assert [watched.task for watched, _ in some] == [tasks[1], tasks[2]]
    assert all(isinstance(step, Look) for _, step in some)
    assert [watched.task for watched, _ in agenda.due(T0 + 5 * MINUTE, looks=2)] == [tasks[0]]


def test_the_link_that_dies_first_is_saved_first() -> None:
    """Of several, after a day without the computer."""
    late, soon = (a_task(S.SUCCEEDED, expires_at=T0 + hours * 60 * MINUTE) for hours in (9, 1))
    due = an_agenda(late, soon).due(T0, looks=0)

    assert [watched.task for watched, _ in due] == [soon, late]
    assert all(isinstance(step, Save) for _, step in due)


def test_what_is_busy_is_not_due_and_what_is_settled_is_watched_no_longer() -> None:
    """Nothing is done twice, and nothing is kept for ever."""
    task = a_task(S.RUNNING)
    agenda = an_agenda(task)
    [(watched, _)] = agenda.due(T0, looks=1)
    watched.is_busy = True
    agenda.place(watched, T0)
    assert agenda.due(T0 + MINUTE, looks=1) == []

    watched.task = task.to(S.FAILED, T0)
    watched.is_busy = False
    agenda.place(watched, T0)
    assert (len(agenda), agenda.wanted) == (0, 0)


def test_the_queue_is_there_for_who_has_a_key_and_waits_while_something_is_released() -> None:
    """What is to be released must not be sent in the same moment by the turn of another."""
    assert an_agenda(a_task(S.QUEUED)).has_a_queue
    assert not an_agenda(a_task(S.QUEUED), may_ask=False).has_a_queue

    agenda = an_agenda(a_task(S.QUEUED))
    stale = Watched(a_task(S.QUEUED), Attention(seen_at=T0 - STALE_QUEUE - MINUTE))
    agenda.add(stale, T0)
    assert not agenda.has_a_queue
    assert [type(step) for _, step in agenda.due(T0, looks=0)] == [Mark]
    agenda.drop(stale)
    assert agenda.has_a_queue


def test_a_queue_left_alone_for_an_hour_is_released_and_one_attended_is_not() -> None:
    """It counts from the last round, or from when the task came, whichever is later."""
    agenda = an_agenda(a_task(S.QUEUED))
    assert agenda.due(T0 + 50 * MINUTE, looks=0) == []
    assert agenda.due(T0 + 70 * MINUTE, looks=0) == []
    fresh = a_task(S.QUEUED)
    later = T0 + 70 * MINUTE + STALE_QUEUE + MINUTE
    agenda.add(Watched(fresh, Attention(seen_at=later - MINUTE)), later - MINUTE)

    assert not agenda.mind_the_clock(later)
    [(watched, step)] = agenda.due(later, looks=0)
    assert isinstance(step, Mark)
    assert watched.task != fresh


def test_a_clock_set_back_makes_everything_due() -> None:
    """What was due then is due now: nobody can tell how much later it is."""
    agenda = an_agenda(a_task(S.RUNNING), due=MINUTE)
    assert agenda.due(T0, looks=1) == []

    assert agenda.mind_the_clock(T0 - 60 * MINUTE)
    assert len(agenda.due(T0 - 60 * MINUTE, looks=1)) == 1


def test_without_a_key_no_look_is_due() -> None:
    """A link needs no key; a look does."""
    agenda = an_agenda(a_task(S.RUNNING), a_task(S.SUCCEEDED), may_ask=False)

    assert [type(step) for _, step in agenda.due(T0, looks=9)] == [Save]
    assert agenda.due(T0 + 10 * MINUTE, looks=9) == []


def test_a_task_is_the_same_after_it_was_folded() -> None:
    """What waits is kept as the ledger has it."""
    task = a_task(S.RUNNING, actual_prompt="夜里")
    watched = Watched(task, Attention(seen_at=T0))
    watched.fold()
    watched.fold()

    assert watched.task == task
    watched.task = newer = task.to(S.SUCCEEDED, T0)
    watched.fold()
    assert (watched.task, watched.version) == (newer, newer.version)


@pytest.mark.anyio
async def test_no_second_sees_more_than_the_limit(clock: HandClock) -> None:
    """Five at once and then fifteen a second are twenty in the fullest of seconds."""
    pace = Pace(burst=5, per_second=15, now=clock.ticks, sleep=clock.hold)
    times = list[float]()
    for _ in range(60):
        await pace.wait()
        times.append(clock.ticks())

    assert all(times[n + 20] - times[n] >= 1 - 1e-6 for n in range(40))
    assert times[-1] - times[0] < 4
