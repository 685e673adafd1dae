"""One paid attempt at a video, from the moment money is set aside for it.

Everything that decides what may happen to a task is in this file, and nothing in this file waits, calls out
or looks at a clock. `TRANSITIONS` is the whole life of a task; the diagram in docs/design.md is drawn from it.
Crash recovery is `next_step` asked about every open task at start-up: there is no second path for it.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

from wan_mcp.domain.caller import LOCAL
from wan_mcp.domain.errors import IllegalTransition
from wan_mcp.domain.language import later, said, say
from wan_mcp.domain.money import Money
from wan_mcp.domain.request import VideoRequest


class Status(StrEnum):
    """DashScope's six words, and three of ours."""

    QUEUED = "QUEUED"
    """Ours. Money held, waiting with us for its turn; nothing was sent."""
    SUBMITTING = "SUBMITTING"
    """Ours. The request may be on its way."""
    UNCERTAIN = "UNCERTAIN"
    """Ours. Sent, and the answer was lost."""
    PENDING = "PENDING"
    """DashScope took it and queued it. The only status from which DashScope will cancel."""
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    """Charged. The link dies 24 hours later; the file is ours once saved."""
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    UNKNOWN = "UNKNOWN"
    """DashScope no longer knows it: expired, or never there."""


S = Status

# What DashScope may say of a task that it has accepted. It can skip states between two looks.
_TOLD = frozenset({S.RUNNING, S.SUCCEEDED, S.FAILED, S.CANCELED, S.UNKNOWN})

TRANSITIONS: dict[Status, frozenset[Status]] = {
    S.QUEUED: frozenset({S.SUBMITTING, S.CANCELED}),
    S.SUBMITTING: frozenset({S.QUEUED, S.UNCERTAIN, S.PENDING, S.RUNNING, S.FAILED}),
    S.UNCERTAIN: _TOLD | {S.UNCERTAIN, S.PENDING},
    S.PENDING: _TOLD | {S.UNCERTAIN},
    S.RUNNING: (_TOLD - {S.RUNNING}) | {S.UNCERTAIN},
    S.SUCCEEDED: frozenset({S.SUCCEEDED}),
    S.FAILED: frozenset(),
    S.CANCELED: frozenset(),
    S.UNKNOWN: frozenset({S.SUCCEEDED, S.FAILED}),
}
"""Who may follow whom. To itself: the same status with a new fact (a file saved, a search made).
Back to UNCERTAIN: a remote task that was taken for ours showed a prompt that is not ours."""

OPEN = frozenset({S.QUEUED, S.SUBMITTING, S.UNCERTAIN, S.PENDING, S.RUNNING})
"""Statuses whose end is not known yet."""
OURS = frozenset({S.QUEUED, S.SUBMITTING, S.UNCERTAIN})
"""Statuses that DashScope does not have."""
UPSTREAM = frozenset({S.SUBMITTING, S.PENDING, S.RUNNING})
"""Statuses that take one of the account's places at DashScope."""

MoneyState = Literal["held", "charged", "free"]


def money_state(status: Status) -> MoneyState:
    """Where a task's money stands: a function of its status alone."""
    match status:
        case S.SUCCEEDED:
            return "charged"
        case S.FAILED | S.CANCELED:
            return "free"
        case _:
            return "held"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Why a task ended badly, or why its file is not here; DashScope's words are quoted and cut."""

    code: str
    message: str
    money_moved: Literal["no", "maybe", "yes"] = "no"

    @property
    def words(self) -> str:
        """The message for a reader; the ledger keeps ours in English."""
        return said(self.message)


@dataclass(frozen=True, kw_only=True, slots=True)  # thousands may be open
class VideoTask:
    """Our durable record of one paid attempt. Every change is a new version."""

    id: str
    version: int = 0
    status: Status
    account: str
    """The API host that bills it. A task is looked at only where it was made."""
    caller: str = LOCAL
    request: VideoRequest
    unit_price: Money
    """For one second; what was agreed when the money was set aside."""
    seconds: int
    """What is paid for: the asked duration until DashScope names the billed one."""
    asked_at: datetime
    since: datetime
    """When it came to its present status."""
    rank: int = 0
    """Its place in the queue: a virtual finish time, so that callers are served fairly."""
    sent_at: datetime | None = None
    """When the last request left, or was about to."""
    clock_ahead: timedelta | None = None
    """Of one whose answer was lost: how far DashScope's clock was ahead of ours then, where that was known."""
    dashscope_task_id: str | None = None
    request_id: str | None = None
    """Of the answer that told the present status; what Alibaba's support asks for."""
    submitted_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    actual_prompt: str | None = None
    video_url: str | None = None
    expires_at: datetime | None = None
    """When the link dies."""
    file: str | None = None
    file_bytes: int | None = None
    problem: Problem | None = None
    remark: str | None = None
    """What could not be done beside saving the file, in English; `said` gives its words."""
    searched_at: datetime | None = None
    """UNCERTAIN only: when DashScope's list was first found complete and without it."""
    disowned: tuple[str, ...] = ()
    """Remote tasks that turned out not to be this one."""
    film_id: str | None = None
    """The film that it is a shot of."""
    shot: int | None = None
    take: int = 1
    """The how many-th attempt at that shot it is."""
    folder: str | None = None
    """Where the file goes, below the folder of all videos: a film's shots have one of their own."""
    retry_of: str | None = None
    """The task that failed for a passing reason and that it replaces, within the same price."""

    def to(self, status: Status, at: datetime, **facts: Any) -> "VideoTask":
        """Return the next version, or raise `IllegalTransition` and change nothing.

        `facts` are fields of `VideoTask`; `replace` refuses anything else.
        """
        if status not in TRANSITIONS[self.status]:
            raise IllegalTransition(
                say("{task} cannot go from {before} to {after}.", task=self.id, before=self.status, after=status)
            )
        since = self.since if status is self.status else at
        return replace(self, status=status, since=since, version=self.version + 1, **facts)

    @property
    def cost(self) -> Money:
        """The price of the seconds that are paid for."""
        return self.unit_price * self.seconds

    @property
    def kind(self) -> str:
        """What decides how long it takes: model, resolution and length."""
        return f"{self.request.model}:{self.request.resolution}:{self.request.duration}"

    @property
    def money_state(self) -> MoneyState:
        """Held, charged or free."""
        return money_state(self.status)

    @property
    def is_open(self) -> bool:
        """Is its end still unknown?"""
        return self.status in OPEN

    @property
    def is_in_doubt(self) -> bool:
        """May there be a remote task of it that we cannot name?"""
        return self.status in (S.SUBMITTING, S.UNCERTAIN)

    @property
    def is_saved(self) -> bool:
        """Is the file at home?"""
        return self.file is not None

    def is_for_a_person(self, now: datetime) -> bool:
        """Is it in doubt, and nothing that can be looked up will say more?"""
        too_old = now - (self.sent_at or self.asked_at) > MEMORY
        several = self.problem is not None and self.problem.code == SEVERAL_CANDIDATES
        return self.status is S.UNKNOWN or (self.status is S.UNCERTAIN and (too_old or several))

    @property
    def is_settled(self) -> bool:
        """Is there nothing left that waiting could bring?"""
        return not self.is_open and not self.is_to_be_saved

    @property
    def is_to_be_saved(self) -> bool:
        """Is there a link that may still bring the file home?"""
        return self.status is S.SUCCEEDED and not self.file and bool(self.video_url) and not self._given_up

    @property
    def video_dies_at(self) -> datetime | None:
        """When a video that is not at home will be lost; `None` where there is none yet, or none any more.

        The earliest that may be, where nobody has looked for its end yet.
        """
        if self.is_to_be_saved:
            return self.expires_at
        return self.sent_at + MEMORY if self.status in (S.PENDING, S.RUNNING) and self.sent_at else None

    @property
    def _given_up(self) -> bool:
        return self.problem is not None and self.problem.code == LINK_DEAD


LINK_DEAD = "LinkExpired"
SEVERAL_CANDIDATES = "SeveralCandidates"


@dataclass(frozen=True)
class Wait:
    """Nothing to do before `until`."""

    until: datetime


@dataclass(frozen=True)
class Send:
    """Its turn may have come: submit it."""


@dataclass(frozen=True)
class Look:
    """Ask DashScope once how it is doing."""

    dashscope_task_id: str


@dataclass(frozen=True)
class Find:
    """Search DashScope's list for it."""


@dataclass(frozen=True)
class Save:
    """Bring the video home."""

    url: str


@dataclass(frozen=True)
class Mark:
    """Record a status that no answer from DashScope will bring."""

    status: Status
    problem: Problem


Step = Wait | Send | Look | Find | Save | Mark | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Attention:
    """What its watcher remembers of a task and need not survive a crash."""

    seen_at: datetime
    """When the watcher last considered it; for one found at start-up, when anybody last did."""
    not_before: datetime | None = None
    """When the next try is due, after one that came to nothing."""
    failures: int = 0
    """Tries in a row that came to nothing."""


STALE_QUEUE = timedelta(hours=1)
"""Nobody wants yesterday's video charged today: a task unattended for longer is released, not sent."""
FIND_AFTER = timedelta(seconds=20)
"""A lost answer's task is looked for this long after it was lost."""
FIND_AGAIN = timedelta(minutes=15)
"""Nobody has measured how far DashScope's list lags, so its silence counts only when heard twice."""
FORGOTTEN = timedelta(hours=28)
"""DashScope forgets a task 24 hours after its end, and ends every task within 3."""
MEMORY = timedelta(hours=24)
"""How long the list, a task id and a link live."""
LONGEST_RUN = timedelta(hours=3)
"""DashScope ends every task within it."""
SAVED_WITHIN = timedelta(minutes=10)
"""Longer than the saving of a file takes; one that is not here by then is not being fetched."""
LINK_SURELY_DEAD = timedelta(hours=1)
"""After the end that a link names for itself nothing it answers will bring the file."""


def next_step(task: VideoTask, now: datetime, attention: Attention) -> Step:
    """Say what `task` needs next, of whoever watches it and has nothing under way for it."""
    match task.status:
        case S.QUEUED if now - attention.seen_at > STALE_QUEUE:
            return _when_due(Mark(S.CANCELED, _TOO_OLD_TO_SEND), now, attention.not_before)
        case S.QUEUED:
            return _when_due(Send(), now, attention.not_before)
        case S.SUBMITTING:
            return _when_due(Mark(S.UNCERTAIN, ANSWER_LOST), now, attention.not_before)
        case S.UNCERTAIN if now - (task.sent_at or task.asked_at) > MEMORY:
            return None  # the list reaches back 24 hours: from here on only a person knows
        case S.UNCERTAIN:
            due = task.searched_at + FIND_AGAIN if task.searched_at else task.since + FIND_AFTER
            return _when_due(Find(), now, max(due, attention.not_before or due))
        case S.PENDING | S.RUNNING if task.dashscope_task_id:
            # Only after a look that came to nothing: it is our clock that may be wrong.
            if attention.failures and now - (task.sent_at or task.asked_at) > FORGOTTEN:
                return _when_due(Mark(S.UNKNOWN, _FORGOTTEN), now, attention.not_before)
            return _when_due(Look(task.dashscope_task_id), now, attention.not_before)
        case S.SUCCEEDED if task.is_to_be_saved and task.video_url:
            # Its own word for it is believed only after a try: it is our clock that may be wrong.
            if attention.failures and task.expires_at and now - task.expires_at > LINK_SURELY_DEAD:
                return Mark(S.SUCCEEDED, _NOT_SAVED)
            return _when_due(Save(task.video_url), now, attention.not_before)
        case _:
            return None


def is_left_lying(task: VideoTask, now: datetime) -> bool:
    """Is there a paid video that somebody who watches would have fetched by now?"""
    if task.is_to_be_saved:
        return now - task.since > SAVED_WITHIN
    return task.video_dies_at is not None and now - (task.sent_at or now) > LONGEST_RUN


def _when_due(step: Step, now: datetime, due: datetime | None) -> Step:
    return step if due is None or now >= due else Wait(due)


ANSWER_LOST = Problem(
    code="SubmissionUncertain",
    message=later("The request was sent and its answer was lost."),
    money_moved="maybe",
)
_TOO_OLD_TO_SEND = Problem(
    code="ReleasedFromQueue",
    message=later("It waited unattended for more than an hour, so it was released and never sent."),
)
_FORGOTTEN = Problem(
    code="Forgotten",
    message=later("DashScope gave no end within the time it remembers a task."),
    money_moved="maybe",
)
_NOT_SAVED = Problem(
    code=LINK_DEAD,
    message=later("The video could not be saved before its link died."),
    money_moved="yes",
)
CANCELED_WITH_US = Problem(code="CanceledByCaller", message=later("It was cancelled before it was sent."))
SETTLED_BY_PERSON = Problem(
    code="SettledByPerson",
    message=later("The answer to its submission was lost, and a person settled that it never came to be."),
)
NEVER_ARRIVED = Problem(
    code="NeverArrived",
    message=later(
        "The answer to its submission was lost, and DashScope's list, read twice, does not have it: it never arrived."
    ),
)
