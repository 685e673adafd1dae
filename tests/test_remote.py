"""What an answer of DashScope means for a task of ours: every word, every gap, and somebody else's prompt."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.making import CAT, a_request
from tests.tasks import T0, a_task
from wan_mcp.domain.remote import LINK_FOLLOWS, LINK_LIVES, MADE_ELSEWHERE, RemoteTask, apply, is_prompt_of
from wan_mcp.domain.task import ANSWER_LOST, LINK_DEAD, TRANSITIONS, Problem, Status, VideoTask

S = Status
LINK = "https://bucket.oss-cn-beijing.aliyuncs.com/v.mp4?Expires=1&Signature=x"
NOW = T0 + timedelta(minutes=5)
MINUTE = timedelta(minutes=1)
TOLD = (None, S.PENDING, S.RUNNING, S.SUCCEEDED, S.FAILED, S.CANCELED, S.UNKNOWN)


def told(status: Status | None, **facts: Any) -> RemoteTask:
    """An answer about a remote task; a success has its link."""
    usual: dict[str, Any] = {"id": "remote-x", "video_url": LINK if status is S.SUCCEEDED else None}
    return RemoteTask(status=status, **(usual | facts))


def applied(task: VideoTask, remote: RemoteTask, now: datetime = NOW) -> VideoTask:
    """The next version, which there must be."""
    after = apply(task, remote, now)
    assert after is not None
    return after


@pytest.mark.parametrize("word", TOLD)
@pytest.mark.parametrize("status", sorted(Status))
def test_an_answer_is_a_step_of_the_table_or_nothing_new(status: Status, word: Status | None) -> None:
    """Answers overtake each other and statuses go backwards; no answer may raise or undo an end."""
    task = a_task(status)
    after = apply(task, told(word), NOW)

    if word is None or word is status or word not in TRANSITIONS[status]:
        assert after is None
    else:
        assert after is not None
        assert (after.status, after.version, after.since) == (word, task.version + 1, NOW)
        assert after.dashscope_task_id == "remote-x"


def test_what_goes_backwards_is_old_news() -> None:
    """Two machines answer for DashScope, and one lags: a rendering task is not queued again."""
    assert apply(a_task(S.RUNNING), told(S.PENDING), NOW) is None
    assert apply(a_task(S.SUCCEEDED), told(S.RUNNING), NOW) is None
    assert apply(a_task(S.FAILED), told(S.SUCCEEDED), NOW) is None


def test_a_word_that_nobody_knows_is_still_going() -> None:
    """The SDK knows SUSPENDED; ending a paid task over a new word would lose it."""
    assert apply(a_task(S.RUNNING), told(None), NOW) is None


def test_a_success_brings_the_link_its_end_and_what_is_billed() -> None:
    """These are the facts that cannot be asked for again after a day."""
    task = a_task(S.RUNNING, request_id="old", started_at=T0, seconds=10)
    remote = told(
        S.SUCCEEDED,
        request_id="new",
        submitted_at=T0 + MINUTE,
        started_at=T0 + 2 * MINUTE,
        ended_at=T0 + 3 * MINUTE,
        expires_at=T0 + timedelta(hours=20),
        billed_seconds=5,
        actual_prompt="A cat, at night",
    )
    after = applied(task, remote)

    assert after == replace(
        task,
        status=S.SUCCEEDED,
        version=1,
        since=NOW,
        dashscope_task_id="remote-x",
        request_id="new",
        submitted_at=T0 + MINUTE,
        started_at=T0 + 2 * MINUTE,
        ended_at=T0 + 3 * MINUTE,
        video_url=LINK,
        expires_at=T0 + timedelta(hours=20),
        seconds=5,
        actual_prompt="A cat, at night",
    )
    assert after.cost == task.unit_price * 5


def test_a_success_with_nothing_but_its_link_is_enough() -> None:
    """All but the id may be missing; what was known stays, and the rest has a safe value."""
    task = a_task(S.RUNNING, request_id="old", started_at=T0, seconds=10)
    after = applied(task, told(S.SUCCEEDED))

    assert (after.request_id, after.started_at, after.submitted_at) == ("old", T0, T0)
    assert after.ended_at == NOW
    assert after.expires_at == NOW + LINK_LIVES
    assert after.seconds == 10, "the agreed price, until another is told"


def test_a_link_that_does_not_tell_its_end_dies_a_day_after_the_task() -> None:
    """The card: 24 hours."""
    after = applied(a_task(S.RUNNING), told(S.SUCCEEDED, ended_at=T0))

    assert after.expires_at == T0 + timedelta(hours=24)


def test_a_success_whose_link_is_not_there_yet_is_asked_about_again() -> None:
    """Taken as over, nobody would look again, and a paid video would be lost for an answer that came early."""
    without = told(S.SUCCEEDED, video_url=None, ended_at=T0)

    assert apply(a_task(S.RUNNING), without, T0 + LINK_FOLLOWS - MINUTE) is None
    assert applied(a_task(S.PENDING), without, T0 + MINUTE).status is S.RUNNING
    assert applied(a_task(S.UNCERTAIN), without, T0 + MINUTE).status is S.RUNNING
    assert applied(a_task(S.RUNNING), told(S.SUCCEEDED), T0 + MINUTE).status is S.SUCCEEDED


@pytest.mark.parametrize("ended_at", [T0, None])
def test_a_success_that_never_shows_its_link_is_charged_and_said_to_be_so(ended_at: datetime | None) -> None:
    """DashScope bills it; RUNNING for ever would hide that."""
    after = applied(a_task(S.RUNNING), told(S.SUCCEEDED, video_url=None, ended_at=ended_at), T0 + LINK_FOLLOWS)

    assert after.status is S.SUCCEEDED
    assert after.money_state == "charged"
    assert after.is_settled
    assert after.problem is not None
    assert (after.problem.code, after.problem.money_moved) == (LINK_DEAD, "yes")


@pytest.mark.parametrize(
    ("code", "message", "shown"),
    [
        ("InvalidParameter", "The size is odd.", Problem(code="InvalidParameter", message="The size is odd.")),
        ("InvalidParameter", None, Problem(code="InvalidParameter", message="DashScope gave no message.")),
        (None, "It broke.", Problem(code="Unnamed", message="It broke.")),
        (None, None, Problem(code="Unnamed", message="DashScope gave neither code nor message (request r-1).")),
    ],
)
def test_a_failure_is_told_in_dashscopes_words_as_far_as_it_gave_any(
    code: str | None, message: str | None, shown: Problem
) -> None:
    """Tasks have failed with neither code nor message; the request id is what support then asks for."""
    after = applied(a_task(S.RUNNING), told(S.FAILED, code=code, message=message, request_id="r-1", ended_at=T0))

    assert after.problem == shown
    assert shown.money_moved == "no"
    assert after.ended_at == T0
    assert after.money_state == "free"


def test_a_failure_without_anything_still_has_words() -> None:
    """An empty explanation would read like a fault of ours."""
    after = applied(a_task(S.PENDING), told(S.FAILED))

    assert after.problem is not None
    assert "request unknown" in after.problem.message
    assert after.ended_at == NOW


def test_cancelled_is_free_and_unknown_is_held() -> None:
    """UNKNOWN may have been rendered and billed before DashScope forgot it."""
    canceled, unknown = applied(a_task(S.PENDING), told(S.CANCELED)), applied(a_task(S.RUNNING), told(S.UNKNOWN))

    assert (canceled.money_state, canceled.ended_at) == ("free", NOW)
    assert canceled.problem is not None
    assert canceled.problem.code == "Canceled"
    assert (unknown.money_state, unknown.ended_at) == ("held", NOW)
    assert unknown.problem is not None
    assert unknown.problem.money_moved == "maybe"


@pytest.mark.parametrize("word", [S.PENDING, S.RUNNING, S.SUCCEEDED])
def test_a_doubt_that_is_over_is_not_shown_any_longer(word: Status) -> None:
    """ "The answer was lost" under a video that is there would send its reader to Alibaba's support."""
    assert applied(a_task(S.UNCERTAIN, problem=ANSWER_LOST), told(word)).problem is None


def test_what_a_person_settles_can_succeed_after_it_was_unknown() -> None:
    """The task was looked up by another id after all."""
    unknown = a_task(S.UNKNOWN, problem=Problem(code="Unknown", message="", money_moved="maybe"))
    after = applied(unknown, told(S.SUCCEEDED))

    assert (after.status, after.problem) == (S.SUCCEEDED, None)
    assert apply(unknown, told(S.RUNNING), NOW) is None


# Found in the list, and somebody else's after all.


def found(status: Status, **facts: Any) -> VideoTask:
    """A task whose remote one was taken from the list."""
    return a_task(status, searched_at=T0, request_id="r", started_at=T0, request=a_request(), **facts)


@pytest.mark.parametrize("word", TOLD)
@pytest.mark.parametrize("status", [S.UNCERTAIN, S.PENDING, S.RUNNING])
def test_a_remote_task_with_another_prompt_is_given_back(status: Status, word: Status | None) -> None:
    """House rule 3: adopted while it was the only candidate; charged or released, it would be another's money."""
    task = found(status, disowned=("remote-1",))
    after = applied(task, told(word, orig_prompt="A dog"))

    assert after.status is S.UNCERTAIN
    assert after.money_state == "held"
    assert after.disowned == ("remote-1", "remote-x")
    assert after.problem == ANSWER_LOST
    kept = (after.dashscope_task_id, after.request_id, after.submitted_at, after.started_at, after.searched_at)
    assert kept == (None,) * 5, "nothing of the other's task may stay"
    assert after.sent_at == task.sent_at


@pytest.mark.parametrize("prompt", [CAT, f" {CAT}\n"])
def test_a_remote_task_with_our_prompt_is_ours(prompt: str) -> None:
    """DashScope may strip what surrounds a prompt."""
    assert applied(found(S.RUNNING), told(S.SUCCEEDED, orig_prompt=prompt)).status is S.SUCCEEDED
    assert is_prompt_of(found(S.RUNNING), prompt)


def test_a_task_that_was_named_in_an_answer_to_us_is_ours_whatever_its_prompt() -> None:
    """DashScope cuts and rewrites prompts; the id came with our own request's answer."""
    assert applied(a_task(S.RUNNING), told(S.SUCCEEDED, orig_prompt="A dog")).status is S.SUCCEEDED


@pytest.mark.parametrize("status", sorted(set(Status) - {S.SUBMITTING, S.UNCERTAIN, S.PENDING, S.RUNNING}))
def test_what_has_ended_is_not_given_back(status: Status) -> None:
    """The table has no such step: an answer that comes too late must be no news, not a crash."""
    assert apply(found(status), told(S.SUCCEEDED, orig_prompt="A dog"), NOW) is None


@pytest.mark.parametrize("word", [S.FAILED, S.CANCELED])
@pytest.mark.parametrize("status", [S.PENDING, S.RUNNING])
def test_one_from_the_list_that_ends_free_without_its_prompt_proves_nothing(status: Status, word: Status) -> None:
    """It may be another's, and ours may run: the money stays held until the list was read a second time."""
    after = applied(found(status), told(word))

    assert after.status is S.UNCERTAIN
    assert after.money_state == "held"
    assert (after.dashscope_task_id, after.disowned, after.searched_at) == (None, (), T0)
    assert applied(after, told(word)).status is word, "by then it counts"


@pytest.mark.parametrize("word", [S.FAILED, S.CANCELED])
def test_one_from_the_list_that_shows_our_prompt_ends_as_it_says(word: Status) -> None:
    """There is no doubt left to hold money for."""
    assert applied(found(S.RUNNING), told(word, orig_prompt=CAT)).status is word


# Adopted from elsewhere.


def test_a_task_made_elsewhere_learns_its_prompt_when_dashscope_shows_it() -> None:
    """Only a finished task shows what was asked for."""
    task = a_task(S.RUNNING, request=a_request(MADE_ELSEWHERE))
    after = applied(task, told(S.SUCCEEDED, orig_prompt="A dog", size="832*480", billed_seconds=10))

    assert (after.request.prompt, after.request.size, after.request.duration) == ("A dog", "832*480", 10)
    assert applied(task, told(S.FAILED, size="1*1")).request == task.request


def test_what_was_asked_for_here_stays_as_it_was_asked() -> None:
    """The record of our own request is not DashScope's to change."""
    task = a_task(S.RUNNING)
    after = applied(task, told(S.SUCCEEDED, orig_prompt="cut", size="832*480", billed_seconds=10))

    assert after.request == task.request
    assert after.seconds == 10


TIMES = st.none() | st.timedeltas(timedelta(days=-9000), timedelta(days=9000)).map(lambda since: T0 + since)


@given(
    st.sampled_from(sorted(Status)),
    st.booleans(),
    st.builds(
        RemoteTask,
        id=st.text(min_size=1),
        status=st.sampled_from(TOLD),
        request_id=st.none() | st.text(),
        submitted_at=TIMES,
        started_at=TIMES,
        ended_at=TIMES,
        video_url=st.none() | st.just(LINK),
        expires_at=TIMES,
        orig_prompt=st.none() | st.just(CAT) | st.text(),
        actual_prompt=st.none() | st.text(),
        billed_seconds=st.none() | st.integers(min_value=1, max_value=3600),
        size=st.none() | st.text(),
        code=st.none() | st.text(),
        message=st.none() | st.text(),
    ),
)
def test_no_answer_raises_or_moves_money_against_the_table(status: Status, was_found: bool, remote: RemoteTask) -> None:
    """Whatever DashScope says, the watcher must be able to write it down."""
    task = a_task(status, searched_at=T0 if was_found else None, request=a_request())

    after = apply(task, remote, NOW)

    if after is not None:
        assert after.status in TRANSITIONS[status]
        assert after.version == task.version + 1
        assert after.cost.amount > 0
        assert (after.dashscope_task_id is None) is (after.status is S.UNCERTAIN)
