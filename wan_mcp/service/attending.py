"""What is remembered of the tasks that this process watches: when each is looked at next, what its last try came to.

Whoever waits for news of them waits here, and whatever happens to one of them wakes the loop that performs the steps.
Nothing here asks DashScope.
"""

import logging
import random
from dataclasses import replace
from datetime import datetime, timedelta

import anyio

from wan_mcp.adapters.ledger import Ledger
from wan_mcp.domain.catalogue import Model
from wan_mcp.domain.errors import DownloadFailed, Unavailable, WanError
from wan_mcp.domain.language import say
from wan_mcp.domain.task import Attention, Status, VideoTask
from wan_mcp.service.agenda import LOOKED_AT, Agenda, Watched
from wan_mcp.service.changes import Changes
from wan_mcp.service.clock import Clock
from wan_mcp.service.durations import Durations
from wan_mcp.service.report import Trouble

logger = logging.getLogger(__name__)

_LONGEST_PAUSE = timedelta(minutes=2)
_DOWNLOAD_AGAIN = timedelta(seconds=2)
_LOOK_AGAIN = timedelta(seconds=5)
_SHARE = 0.75
"""How much of the account's queries the looks may take; the rest is for callers who ask."""


class Attending:
    """Attends to the tasks that one process watches."""

    def __init__(self, *, model: Model, ledger: Ledger, agenda: Agenda, durations: Durations, clock: Clock) -> None:
        self._model = model
        self._ledger = ledger
        self._agenda = agenda
        self._durations = durations
        self._clock = clock
        self.changes = Changes()
        self.may_wait = True
        """May a caller be kept waiting for news?"""
        self._news = anyio.Event()
        self._awake = anyio.Event()
        self.taking = anyio.Lock()
        """Held by whoever takes over or claims: what is taken over and too old is not claimed before it is released."""
        self.next_round: datetime | None = None
        """When the ledger is looked into for what nobody watches; `None` is at once."""
        self.neighbours: set[str] = set()
        """Other processes that watch tasks of this account."""

    # Which tasks

    def watch(self, task: VideoTask) -> None:
        """Look after `task` from now on; the ledger already says that this process does."""
        if self._agenda.get(task.id) is None:
            now = self._clock.now()
            # One that waits unknown to anybody here was not attended since it began to.
            seen_at = min(task.since, now) if task.status is Status.QUEUED else now
            watched = Watched(task, Attention(seen_at=seen_at))
            self._agenda.add(watched, now)
            if task.status is Status.QUEUED:
                self.wake()
            else:
                self.attend(watched)
            self._tell()
        self.refresh(task)

    def refresh(self, task: VideoTask) -> None:
        """Take note of a newer version that was recorded elsewhere, if this process watches the task."""
        self.changes.noticed(task)
        known = self._agenda.get(task.id)
        if known is not None and known.version < task.version:
            known.task = task
            self.attend(known)
            self._tell()

    @property
    def open_count(self) -> int:
        """How many tasks this process watches."""
        return len(self._agenda)

    def trouble(self, task_id: str) -> Trouble | None:
        """Return what the last try for a task came to, where it came to nothing."""
        watched = self._agenda.get(task_id)
        return watched.trouble if watched else None

    def until_next_look(self, task: VideoTask) -> timedelta | None:
        """Return in how long DashScope is asked about `task` next; `None` where it is not asked about."""
        if task.status not in LOOKED_AT:
            return None
        now, watched = self._clock.now(), self._agenda.get(task.id)
        due = watched.attention.not_before if watched else now + self._gap(task, now)
        return due and max(due - now, timedelta(0))

    # Waiting

    async def wait_for_news(self, seconds: float) -> None:
        """Return at the next change of any task here, or after `seconds`."""
        await self._clock.at_most(seconds, self._news.wait)

    def end_waits(self) -> None:
        """Keep nobody waiting from now on: they are told what there is."""
        self.may_wait = False
        self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, anyio.Event()
        news.set()

    async def until_woken(self) -> None:
        """Return once something may have become due: for the loop, of which there is one."""
        self._awake = anyio.Event()
        await self._awake.wait()

    def wake(self) -> None:
        """Let the loop see whether something is due sooner than it planned."""
        self._awake.set()

    # What a step came to

    async def record(self, watched: Watched, task: VideoTask) -> VideoTask:
        """Write down its next version, and go by it.

        Raises:
            StaleTask: somebody else has written that version.
            LedgerUnusable: nothing was written.
        """
        task = await self._ledger.record(task)
        if task.status is Status.SUCCEEDED:
            self._durations.one_more(task)
        logger.info("%s: %s after %.0f s", task.id, task.status, (task.since - task.asked_at).total_seconds())
        watched.task = task
        if task.status is Status.FAILED and task.film_id:
            self.next_round = None  # it may have been queued once more in the same moment
        self.changes.noticed(task)
        self.attend(watched)
        self._tell()
        return task

    async def reload(self, watched: Watched) -> None:
        """Read what somebody else has written of it."""
        latest = await self._ledger.get(watched.id)
        assert latest is not None  # it was written before, and nothing is ever removed
        watched.task = latest

    def attend(self, watched: Watched) -> None:
        """A step came to something: forget failures, and say when the next look is due."""
        now, task = self._clock.now(), watched.task
        watched.trouble = None
        watched.attention = Attention(seen_at=now)
        if task.status in LOOKED_AT:
            # All open tasks of all processes share the account's queries: with very many, each is asked less often.
            share = self._model.queries_per_second * _SHARE / (1 + len(self.neighbours))
            stride = max(1.0, self._agenda.wanted / share)
            gap = self._gap(task, now, stride)
            self._agenda.note(watched, wanted=stride / gap.total_seconds())
            watched.attention = Attention(seen_at=now, not_before=now + gap)
        self._agenda.place(watched, now)
        self.wake()

    def try_later(self, watched: Watched, error: WanError) -> None:
        """A step came to nothing: say why, and when it is tried again."""
        failures = watched.attention.failures + 1
        base = _DOWNLOAD_AGAIN if isinstance(error, DownloadFailed) else _LOOK_AGAIN
        pause = growing(base, failures)
        logger.info("%s: %s Next try in %.0f s.", watched.id, error, pause.total_seconds())
        watched.trouble = Trouble(error)
        # When it was last attended to stays: what was left alone for too long is so after a second try, too.
        watched.attention = replace(watched.attention, not_before=self._clock.now() + pause, failures=failures)
        self._tell()

    def free(self, watched: Watched) -> None:
        """A step has ended, whatever it came to: the next one may begin when it is due."""
        watched.is_busy = False
        self._agenda.place(watched, self._clock.now())
        self.wake()

    def _gap(self, task: VideoTask, now: datetime, stride: float = 1.0) -> timedelta:
        """How long after `now` the next look at it is due."""
        elapsed = (now - (task.sent_at or task.asked_at)).total_seconds()
        return timedelta(seconds=self._durations.at_hand(task).schedule.until_next(elapsed, stride=stride))


def growing(base: timedelta, count: int) -> timedelta:
    """Twice as long each time, up to two minutes, and never quite the same for two processes."""
    longest = max(base, _LONGEST_PAUSE)
    pause = min(base * 2 ** min(count - 1, 10), longest)
    return pause * (1 + random.random() / 4)  # noqa: S311 - to spread load, not to keep a secret


def unforeseen(error: Exception) -> WanError:
    """What is told of a bug of ours, which may pass: it is tried again like whatever else is not there."""
    return Unavailable(say("A step failed unexpectedly ({kind}).", kind=type(error).__name__))
