"""What DashScope says of a remote task, and what that means for ours. Pure: reading the wire is the adapter's."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wan_mcp.domain.catalogue import MODELS
from wan_mcp.domain.language import later, say
from wan_mcp.domain.request import VideoRequest
from wan_mcp.domain.task import ANSWER_LOST, LINK_DEAD, TRANSITIONS, Problem, Status, VideoTask

MADE_ELSEWHERE = "(made elsewhere)"
"""Stands for the prompt of an adopted task until DashScope shows it, which it does at the end."""
LINK_LIVES = timedelta(hours=24)
"""From the end of the task. Source: https://help.aliyun.com/zh/model-studio/text-to-video-api-reference"""
LINK_FOLLOWS = timedelta(minutes=10)
"""A success that names no link is asked about again for this long after its end, before the link is given up."""

_CLOCKS_APART = timedelta(minutes=2)
"""How far DashScope's clock may still be from ours, after the difference that its answers show is allowed for."""


@dataclass(frozen=True, kw_only=True)
class RemoteTask:
    """DashScope's record of a task, as one answer showed it. All but the id may be missing."""

    id: str
    status: Status | None
    """`None` for a word that we do not know: it is still going."""
    request_id: str | None = None
    submitted_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    video_url: str | None = None
    expires_at: datetime | None = None
    orig_prompt: str | None = None
    actual_prompt: str | None = None
    billed_seconds: int | None = None
    size: str | None = None
    code: str | None = None
    message: str | None = None


@dataclass(frozen=True, kw_only=True)
class ListedTask:
    """One row of DashScope's list: no prompt, no link."""

    dashscope_task_id: str
    created_at: datetime
    model: str | None = None


def apply(task: VideoTask, remote: RemoteTask, now: datetime) -> VideoTask | None:
    """Return the next version of `task`, or `None` where the answer tells nothing new."""
    may_be_given_back = Status.UNCERTAIN in TRANSITIONS[task.status]
    if _is_somebody_elses(task, remote):
        return (
            _given_back(task, now, searched_at=None, disowned=(*task.disowned, remote.id))
            if may_be_given_back
            else None
        )
    if may_be_given_back and _ended_without_a_word(task, remote):
        return _given_back(task, now)
    status = Status.RUNNING if _is_without_its_link(task, remote, now) else remote.status
    if status is None or status is task.status or status not in TRANSITIONS[task.status]:
        return None
    return task.to(
        status,
        now,
        dashscope_task_id=remote.id,
        request_id=remote.request_id or task.request_id,
        submitted_at=remote.submitted_at or task.submitted_at or now,
        started_at=remote.started_at or task.started_at,
        request=_request(task, remote),
        **_ending(task, remote, status, now),
    )


def _given_back(task: VideoTask, now: datetime, **facts: object) -> VideoTask:
    """Forget everything that was learnt from a remote task that is not ours, or may not be."""
    return task.to(
        Status.UNCERTAIN,
        now,
        dashscope_task_id=None,
        request_id=None,
        submitted_at=None,
        started_at=None,
        problem=ANSWER_LOST,
        **facts,
    )


def _is_without_its_link(task: VideoTask, remote: RemoteTask, now: datetime) -> bool:
    """Is it a success that cannot be fetched yet? It would count as over, and nobody would ask again."""
    is_over = remote.status is Status.SUCCEEDED and not remote.video_url
    return is_over and now - (remote.ended_at or task.since) < LINK_FOLLOWS


def _request(task: VideoTask, remote: RemoteTask) -> VideoRequest:
    """Fill in what was asked for where we did not ask it."""
    request = task.request
    if request.prompt != MADE_ELSEWHERE:
        return request
    size = remote.size if remote.size in MODELS[request.model].all_sizes else request.size
    return replace(
        request,
        prompt=remote.orig_prompt or request.prompt,
        size=size,
        duration=remote.billed_seconds or request.duration,
    )


def _is_somebody_elses(task: VideoTask, remote: RemoteTask) -> bool:
    """Can only be so for one that was taken from the list: it was never named in an answer to us."""
    was_found = task.searched_at is not None
    return was_found and remote.orig_prompt is not None and not is_prompt_of(task, remote.orig_prompt)


def _ended_without_a_word(task: VideoTask, remote: RemoteTask) -> bool:
    """Did one that was taken from the list cost nothing, and never show whose it was?

    Then it proves nothing about ours, which the list may not have shown yet: only its second reading counts.
    """
    was_found = task.searched_at is not None and task.dashscope_task_id is not None
    return was_found and remote.orig_prompt is None and remote.status in (Status.FAILED, Status.CANCELED)


def is_prompt_of(task: VideoTask, orig_prompt: str) -> bool:
    """Does DashScope's record of the prompt match ours, but for white space at the ends?"""
    return orig_prompt.strip() == task.request.prompt.strip()


def may_be(task: VideoTask, remote: RemoteTask) -> bool:
    """Does nothing that is shown say that this remote task is not `task`, whose answer was lost?"""
    is_ours = remote.orig_prompt is None or is_prompt_of(task, remote.orig_prompt)
    return is_ours and remote.id not in task.disowned


def was_on_its_way(task: VideoTask, at: datetime, ahead: timedelta | None) -> bool:
    """May the request of `task`, whose answer was lost, have arrived at this time of DashScope's clock?

    `ahead` is how far that clock is ahead of ours now, where that is known.
    """
    first, last = (task.sent_at or task.asked_at) - _CLOCKS_APART, task.since + _CLOCKS_APART
    return any(first <= at - apart <= last for apart in _clocks_apart(task, ahead))


def sent_by_dashscopes_clock(task: VideoTask, ahead: timedelta | None) -> set[datetime]:
    """When a request may have left, by DashScope's clock, which is so far ahead of ours now."""
    return {(task.sent_at or task.asked_at) + apart for apart in _clocks_apart(task, ahead)}


def _clocks_apart(task: VideoTask, ahead: timedelta | None) -> set[timedelta]:
    """Our clock may have been set since the answer of `task` was lost, so what was noted then counts beside `ahead`:
    not alone, since it was reckoned from an earlier answer. Where DashScope told no time, ours is all that there is."""
    now = ahead or timedelta(0)
    return {now, now if task.clock_ahead is None else task.clock_ahead}


def _ending(task: VideoTask, remote: RemoteTask, status: Status, now: datetime) -> dict[str, object]:
    match status:
        case Status.SUCCEEDED:
            ended_at = remote.ended_at or now
            return {
                "ended_at": ended_at,
                "video_url": remote.video_url,
                "expires_at": remote.expires_at or ended_at + LINK_LIVES,
                "actual_prompt": remote.actual_prompt,
                "seconds": remote.billed_seconds or task.seconds,
                "problem": None if remote.video_url else _NO_LINK,
            }
        case Status.FAILED:
            return {"ended_at": remote.ended_at or now, "problem": _failure(remote)}
        case Status.CANCELED:
            return {
                "ended_at": remote.ended_at or now,
                "problem": Problem(code="Canceled", message=later("It was cancelled before it started.")),
            }
        case Status.UNKNOWN:
            return {
                "ended_at": now,
                "problem": Problem(
                    code="Unknown",
                    message=later("DashScope no longer knows this task: it expired, or another account made it."),
                    money_moved="maybe",
                ),
            }
        case _:
            return {"problem": None}


_NO_LINK = Problem(
    code=LINK_DEAD,
    message=later("DashScope says that it succeeded, and gave no link to the video."),
    money_moved="yes",
)


def _failure(remote: RemoteTask) -> Problem:
    if remote.code or remote.message:
        return Problem(code=remote.code or "Unnamed", message=remote.message or later("DashScope gave no message."))
    return Problem(
        code="Unnamed",
        message=say(
            "DashScope gave neither code nor message (request {request}).", request=remote.request_id or say("unknown")
        ),
    )
