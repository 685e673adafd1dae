"""The life of a task, worked out when somebody asks.

There is no background work: a task's whole future is known when it starts, and a look at the
board first lets everything happen that is due by then. Tasks of one model start in the order
in which they were made, as soon as one of the model's few places is free.
"""

import heapq
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import uuid4

from .checks import Order

__all__ = ["Board", "Fate", "Status", "Task"]

NEVER = datetime.max.replace(tzinfo=UTC)
LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Status(StrEnum):
    """DashScope's six words."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, kw_only=True)
class Fate:
    """What is decided about a task before it starts."""

    delay: timedelta
    """From the submission to the earliest start."""
    run: timedelta
    """From the start to the end; None of it matters when the task is stuck."""
    failure: tuple[str | None, str | None] | None = None
    """Code and message of a FAILED task; both may be missing, as has been seen."""
    stuck: Status | None = None
    """PENDING or RUNNING for good..."""
    timeout: timedelta | None = None
    """...or until this long after the submission, when it fails."""
    lost: bool = False
    """Queries answer UNKNOWN, though it runs and ends."""
    list_lag: timedelta = timedelta()
    """The list call does not show the task until this long after its submission."""


@dataclass(kw_only=True)
class Task:
    """One task of the account, and when the turns of its life came."""

    order: Order
    fate: Fate
    created_at: datetime
    request_id: str
    """Of the request that made it; the list call tells it."""
    is_foreign: bool = False
    id: str = field(default_factory=lambda: str(uuid4()))
    started_at: datetime | None = None
    ended_at: datetime | None = None
    """When it will have ended; known from the start on, so it may lie ahead."""
    canceled_at: datetime | None = None

    def status(self, at: datetime) -> Status:
        """Where the task stands at a time; the board must have been brought there first."""
        if self.canceled_at is not None:
            return Status.CANCELED
        if self.ended_at is not None and self.ended_at <= at:
            return Status.SUCCEEDED if self.failure is None else Status.FAILED
        if self.started_at is not None and self.started_at <= at:
            return Status.RUNNING
        return Status.PENDING

    @property
    def failure(self) -> tuple[str | None, str | None] | None:
        """Code and message it fails with; None for a task that succeeds."""
        if self.fate.stuck is not None:
            return "InternalError.Timeout", "An internal timeout error has occured during execution."
        return self.fate.failure

    @property
    def over_at(self) -> datetime | None:
        """When it ended in whatever way."""
        return self.canceled_at or self.ended_at

    def start(self, at: datetime) -> datetime:
        """Take a place; answers when the place is free again."""
        self.started_at = at
        self.ended_at = at + self.fate.run if self.fate.stuck is None else self.given_up_at
        return self.ended_at or NEVER

    @property
    def given_up_at(self) -> datetime | None:
        """When a task that does not end by itself is ended; None for never."""
        limit = self.fate.timeout
        return None if limit is None else max(self.started_at or self.created_at, self.created_at + limit)


class _Line:
    """The tasks of one model: a few places, and the queue before them."""

    def __init__(self, places: int) -> None:
        self.free_at = [LONG_AGO] * places  # a heap: when each place is, or was, free
        self.waiting: list[Task] = []

    def run_until(self, at: datetime) -> None:
        next_one = 0  # the first in the queue that is not stuck there
        while next_one < len(self.waiting):
            task = self.waiting[next_one]
            if task.fate.stuck is Status.PENDING:
                task.ended_at = task.given_up_at
                next_one += 1
                continue
            start = max(task.created_at + task.fate.delay, self.free_at[0])
            if start > at:
                return
            del self.waiting[next_one]
            heapq.heapreplace(self.free_at, task.start(start))

    def restart(self, task: Task, *, now: datetime) -> None:
        """Work out a running task's end anew; what is past stays as it was."""
        self.free_at.remove(task.ended_at or NEVER)
        task.start(task.started_at or now)
        if task.ended_at is not None:
            task.ended_at = max(task.ended_at, now)
        self.free_at.append(task.ended_at or NEVER)
        heapq.heapify(self.free_at)


class Board:
    """Every task of the account, by id and in the order in which they were made."""

    def __init__(self) -> None:
        self.tasks: dict[str, Task] = {}
        self._lines: dict[str, _Line] = {}

    def add(self, task: Task, *, places: int) -> None:
        """Take a task in; `places` is how many of its model run at once."""
        self.tasks[task.id] = task
        self._lines.setdefault(task.order.model, _Line(places)).waiting.append(task)

    def run_until(self, at: datetime) -> None:
        """Let everything happen that is due by then."""
        for line in self._lines.values():
            line.run_until(at)

    def waiting(self, model: str) -> int:
        """How many tasks of a model are queued."""
        line = self._lines.get(model)
        return 0 if line is None else len(line.waiting)

    def cancel(self, task: Task, *, at: datetime) -> bool:
        """Cancel a task that has not started; False when it is too late."""
        if task.status(at) is not Status.PENDING:
            return False
        task.canceled_at = at
        self._lines[task.order.model].waiting.remove(task)
        return True

    def decide(self, task: Task, fate: Fate, *, at: datetime) -> None:
        """Give a task that has not ended another fate."""
        status = task.status(at)
        if status not in (Status.PENDING, Status.RUNNING):
            raise ValueError(f"task {task.id} is {status} already")
        if status is Status.RUNNING and fate.stuck is Status.PENDING:
            raise ValueError(f"task {task.id} is RUNNING already, it cannot be stuck PENDING")
        task.fate = fate
        if task.started_at is not None:
            self._lines[task.order.model].restart(task, now=at)
