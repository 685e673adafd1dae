"""Looks after every open task until its end is known and its file is at home, whether or not anybody asks.

A loop that performs `next_step`. Recovery after a crash is the same loop: at start-up, and whenever another
process is gone, the tasks that nobody watches are taken over and asked the same question.
"""

import logging
import random
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import anyio
from anyio.abc import TaskGroup

from wan_mcp.adapters.dashscope import DashScope
from wan_mcp.adapters.downloads import Downloads
from wan_mcp.adapters.ledger import Ledger, Stamp, Unsettled
from wan_mcp.adapters.media.workshop import Workshop
from wan_mcp.adapters.owners import Owner
from wan_mcp.domain.catalogue import Model
from wan_mcp.domain.errors import (
    DownloadFailed,
    LedgerUnusable,
    Refused,
    StaleTask,
    SubmissionUncertain,
    Unavailable,
    WanError,
)
from wan_mcp.domain.language import say
from wan_mcp.domain.remote import apply
from wan_mcp.domain.task import FIND_AGAIN, Attention, Find, Look, Mark, Save, Status, Step, VideoTask
from wan_mcp.service.agenda import LOOKED_AT, Agenda, Watched
from wan_mcp.service.changes import Changes
from wan_mcp.service.clock import Clock
from wan_mcp.service.durations import Durations
from wan_mcp.service.report import Trouble
from wan_mcp.service.saving import Saving
from wan_mcp.service.search import Search
from wan_mcp.service.submission import Sent, Submission

logger = logging.getLogger(__name__)

_CREATING = timedelta(minutes=3)
"""Longer than any submission can take, its repetitions included."""
_ROUND = timedelta(seconds=5)
"""Between two looks into the ledger for tasks that nobody watches any more."""
_TAKEN_AT_ONCE = 500
"""Others want to write, too."""
_SHORTEST = 0.02
_LONGEST_PAUSE = timedelta(minutes=2)
_DOWNLOAD_AGAIN = timedelta(seconds=2)
_LOOK_AGAIN = timedelta(seconds=5)
_RECORD_TRIES = 4
_NO_ROOM = timedelta(seconds=0.25)
"""Between two attempts to send from the queue while DashScope's limits leave no room."""
_LOOKS_AT_ONCE = 40
"""Two seconds of what an account may ask: after a restart thousands may be due in one moment."""
_ASK_CANDIDATES_AGAIN = timedelta(minutes=1)
_SHARE = 0.75
"""How much of the account's queries the looks may take; the rest is for callers who ask."""


@dataclass(frozen=True)
class _Pause:
    """No task of the queue is sent before `until`, after `count` refusals for now in a row."""

    count: int = 0
    until: datetime | None = None


class Watcher:
    """Watches the tasks of one account for one process."""

    def __init__(
        self,
        *,
        account: str,
        model: Model,
        dashscope: DashScope | None,
        ledger: Ledger,
        downloads: Downloads,
        owner: Owner,
        clock: Clock,
        durations: Durations,
        workshop: Workshop | None = None,
    ) -> None:
        """`dashscope` is `None` where there is no key: nothing can be asked then, only saved. Without a `workshop`
        videos are saved as they come."""
        self._account = account
        self._model = model
        self._dashscope = dashscope
        self._ledger = ledger
        self._owner = owner
        self._clock = clock
        self._durations = durations
        self._submission = Submission(dashscope=dashscope, clock=clock) if dashscope else None
        self._search = Search(dashscope=dashscope, ledger=ledger, clock=clock) if dashscope else None
        self._saving = Saving(downloads=downloads, workshop=workshop, dashscope=dashscope, clock=clock)
        self.changes = Changes()
        self._agenda = Agenda(may_ask=dashscope is not None)
        self._news = anyio.Event()
        self._sooner = anyio.Event()
        self._planned: datetime | None = None
        """When the loop goes on by itself; `None` while it is at work."""
        self._looking = 0
        self._is_sending_the_queue = False
        self._taking = anyio.Lock()
        """Held by whoever takes over or claims: what is taken over and too old is not claimed before it is released."""
        self._sending_pause = _Pause()
        self._may_send = True
        self._submitting = 0
        self._submitted = anyio.Event()
        self.may_wait = True
        """May a caller be kept waiting for news?"""
        self._next_round: datetime | None = None
        self._compared: Stamp | None = None
        self._neighbours: set[str] = set()
        """Other processes that watch tasks of this account."""

    # The loop

    async def run(self) -> None:
        """Watch for ever."""
        async with anyio.create_task_group() as steps:
            while True:
                self._mind_the_clock()
                try:
                    if self._next_round is None or self._clock.now() >= self._next_round:
                        await self._take_over_what_nobody_watches()
                    self._start_due_steps(steps)
                except LedgerUnusable as error:
                    logger.error("%s", error)
                await self._rest()

    async def turn(self) -> None:
        """Take over, start every step that is due now, and wait for those to end."""
        self._mind_the_clock()
        await self._take_over_what_nobody_watches()
        async with anyio.create_task_group() as steps:
            self._start_due_steps(steps)

    async def wait_for_news(self, seconds: float) -> None:
        """Return at the next change of any task here, or after `seconds`."""
        await self._wait_for(self._news, seconds)

    def end_waits(self) -> None:
        """Keep nobody waiting from now on: they are told what there is."""
        self.may_wait = False
        self._tell()

    def watch(self, task: VideoTask) -> None:
        """Look after `task` from now on; the ledger already says that this process does."""
        if self._agenda.get(task.id) is None:
            now = self._clock.now()
            # One that waits unknown to anybody here was not attended since it began to.
            seen_at = min(task.since, now) if task.status is Status.QUEUED else now
            watched = Watched(task, Attention(seen_at=seen_at))
            self._agenda.add(watched, now)
            if task.status is Status.QUEUED:
                self._wake_if_sooner()
            else:
                self._attend(watched)
            self._tell()
        self.refresh(task)

    def refresh(self, task: VideoTask) -> None:
        """Take note of a newer version that was recorded elsewhere, if this process watches the task."""
        self.changes.noticed(task)
        known = self._agenda.get(task.id)
        if known is not None and known.version < task.version:
            known.task = task
            self._attend(known)
            self._tell()

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

    @property
    def open_count(self) -> int:
        """How many tasks this process watches."""
        return len(self._agenda)

    def _mind_the_clock(self) -> None:
        if self._agenda.mind_the_clock(self._clock.now()):
            self._next_round, self._sending_pause = None, _Pause()

    async def _rest(self) -> None:
        """Until something is due, or is found to be due sooner."""
        now = self._clock.now()
        self._planned, self._sooner = self._next_due(now), anyio.Event()
        # No longer than a round, whatever is planned: the machine's clock may be set back meanwhile.
        seconds = min((self._planned - now).total_seconds(), _ROUND.total_seconds())
        await self._wait_for(self._sooner, max(_SHORTEST, seconds))
        self._planned = None

    async def _wait_for(self, event: anyio.Event, seconds: float) -> None:
        async with anyio.create_task_group() as race:

            async def give_up() -> None:
                await self._clock.sleep(seconds)
                race.cancel_scope.cancel()

            race.start_soon(give_up)
            await event.wait()
            race.cancel_scope.cancel()

    def _next_due(self, now: datetime) -> datetime:
        """When there is something to do, as it looks now. Looks are begun in a few lots rather than one by one."""
        dues = [self._next_round or now, self._agenda.next_due(looks=self._looking <= _LOOKS_AT_ONCE // 2)]
        if self._agenda.has_a_queue and self._may_send and not self._is_sending_the_queue:
            dues.append(self._sending_pause.until or now)
        return min(due for due in dues if due is not None)

    def _wake_if_sooner(self) -> None:
        if self._planned is not None and self._next_due(self._clock.now()) < self._planned:
            self._sooner.set()

    # Taking over

    async def _take_over_what_nobody_watches(self) -> None:
        self._next_round = self._clock.now() + _ROUND
        if not all(map(self._owner.lives, self._neighbours)):
            self._compared = None
        news = await self._ledger.unsettled_since(self._account, self._compared)
        if news is None:
            return
        self._compared, rows = news
        self.changes.compared(rows)
        alive = {owner for owner in {row.owner for row in rows} if owner is not None and self._owner.lives(owner)}
        self._neighbours = alive - {self._owner.id}
        try:
            await self._take_note([row for row in rows if row.owner == self._owner.id], rows)
            await self._take([row for row in rows if row.owner not in alive])
        except BaseException:
            self._compared = None
            raise
        for row in rows:
            if row.owner in self._neighbours and (known := self._agenda.get(row.task_id)) and not known.is_busy:
                self._agenda.drop(known)

    async def _take_note(self, ours: Sequence[Unsettled], unsettled: Sequence[Unsettled]) -> None:
        """Read what others have written about what this process watches, and what it was to watch and does not."""
        ids = [row.task_id for row in ours if self._known_version(row.task_id) < row.version]
        present = {row.task_id for row in unsettled}
        ids += [known.id for known in self._agenda if known.id not in present]  # settled by somebody else
        for task in await self._ledger.tasks(ids):
            if task.is_settled:
                self.refresh(task)
            elif self._is_being_created(task):
                self._compared = None  # to be asked about again
            else:
                self.watch(task)

    def _known_version(self, task_id: str) -> int:
        known = self._agenda.get(task_id)
        return known.version if known is not None else -1

    async def _take(self, left: Sequence[Unsettled]) -> None:
        last_sent: dict[str, datetime | None] = {}
        for first in range(0, len(left), _TAKEN_AT_ONCE):
            some = left[first : first + _TAKEN_AT_ONCE]
            for film_id in {row.film_id for row in some if row.film_id} - last_sent.keys():
                last_sent[film_id] = await self._ledger.last_sent(film_id)
            # Nothing may come between: what is ours and not yet here would be taken for something new.
            async with self._taking:
                taken = await self._ledger.take_over(some, owner=self._owner.id)
                now = self._clock.now()
                for task in taken:
                    logger.info("%s: taken over, %s", task.id, task.status)
                    if self._agenda.get(task.id) is None:
                        seen_at = min(_last_attended(task, last_sent), now)
                        self._agenda.add(Watched(task, Attention(seen_at=seen_at)), now)

    def _is_being_created(self, task: VideoTask) -> bool:
        """Its creator, in this process, has not handed it over yet; after so long it never will."""
        return task.status is Status.SUBMITTING and self._clock.now() - task.since < _CREATING

    # Steps

    def _start_due_steps(self, steps: TaskGroup) -> None:
        now = self._clock.now()
        for watched, step in self._agenda.due(now, looks=_LOOKS_AT_ONCE - self._looking):
            watched.is_busy = True
            self._looking += isinstance(step, Look)
            steps.start_soon(self._perform, watched, step)
        is_time = self._sending_pause.until is None or now >= self._sending_pause.until
        if self._agenda.has_a_queue and is_time and self._may_send and not self._is_sending_the_queue:
            self._is_sending_the_queue = True
            steps.start_soon(self._send_next_of_queue)

    async def _perform(self, watched: Watched, step: Step) -> None:
        try:
            await self._take_step(watched, step)
        except WanError as error:
            self._try_later(watched, error)
        except Exception as error:  # the top of the loop: a bug met by one task must not end the watch of all
            logger.exception("%s: a step failed in a way nobody foresaw", watched.task.id)
            self._try_later(watched, _unforeseen(error))
        finally:
            self._free(watched)

    async def _take_step(self, watched: Watched, step: Step) -> None:
        try:
            match step:
                case Look():
                    await self._look(watched, step)
                case Find():
                    await self._find(watched)
                case Save():
                    await self._record(watched, await self._saving.save(watched.task, step.url))
                case Mark():
                    await self._record(watched, watched.task.to(step.status, self._clock.now(), problem=step.problem))
                case _:
                    pass
        except StaleTask:
            await self._reload(watched)

    def _free(self, watched: Watched) -> None:
        watched.is_busy = False
        self._agenda.place(watched, self._clock.now())
        self._wake_if_sooner()

    # Sending

    @contextmanager
    def submitting(self) -> Generator[None]:
        """Meanwhile a submission is on its way, or may be in a moment."""
        self._submitting += 1
        try:
            yield
        finally:
            self._submitting -= 1
            self._submitted.set()
            self._submitted = anyio.Event()

    @property
    def is_submitting(self) -> bool:
        """Is a submission on its way, of a caller, of the queue or of a film?"""
        return bool(self._submitting)

    async def at_rest(self) -> None:
        """Send nothing more from the queue, and return once no submission is on its way: the moment to close, for who
        can wait for it."""
        self._may_send = False
        while self.is_submitting:
            await self._submitted.wait()

    async def send(self, task: VideoTask, *, from_queue: bool = False) -> VideoTask:
        """Submit a SUBMITTING task of this process and record what became of it. Exactly one POST is sent,
        unless one surely did not arrive.

        Call it shielded from cancellation: what it learns about money must reach the ledger.

        Raises:
            Refused, Unavailable: recorded as FAILED first; from the queue, one that could not be reached
                waits there for the next try.
        """
        assert self._submission is not None  # nothing becomes SUBMITTING without a key
        watched = self._agenda.get(task.id)
        assert watched is not None  # whoever sends it watches it
        watched.is_busy = True
        try:
            sent = await self._submission.send(task, from_queue=from_queue)
            self._sending_pause = self._pause_after(sent)
            recorded = await self._record_what_was_paid(watched, sent.task)
            if sent.error is not None:
                raise sent.error
            return recorded
        finally:
            self._free(watched)

    def _pause_after(self, sent: Sent) -> _Pause:
        if not sent.must_pause:
            return _Pause()
        count = self._sending_pause.count + 1
        pause = sent.pause or _growing(timedelta(seconds=1), count)
        return _Pause(count=count, until=self._clock.now() + pause)

    async def _record_what_was_paid(self, watched: Watched, task: VideoTask) -> VideoTask:
        """The disk may be full just now, and what DashScope said must not be lost for it.

        Raises:
            SubmissionUncertain: it stays so; from the SUBMITTING entry the task is found again later.
        """
        for attempt in range(1, _RECORD_TRIES):
            try:
                return await self._record(watched, task)
            except LedgerUnusable as error:
                logger.error("%s: %s (try %d)", task.id, error, attempt)
                await self._clock.sleep(1)
        try:
            return await self._record(watched, task)
        except LedgerUnusable as error:
            raise SubmissionUncertain(
                say(
                    "{task} was submitted (at DashScope: {dashscope_task_id}), and that could not be "
                    "written down: {what}",
                    task=task.id,
                    dashscope_task_id=task.dashscope_task_id or say("not known"),
                    what=error.what,
                ),
                next_step=say("Do not create it again. Once the ledger can be written, it is found again by itself."),
            ) from error

    async def _send_next_of_queue(self) -> None:
        """Serve the queue: whoever is first in line, not necessarily the task whose step this was."""
        try:
            with anyio.CancelScope(shield=True), self.submitting():
                async with self._taking:
                    if not self._agenda.has_a_queue or not self._may_send:
                        return
                    claimed = await self._ledger.claim_next(
                        self._account, owner=self._owner.id, model=self._model, now=self._clock.now()
                    )
                    if claimed is None:
                        self._sending_pause = _Pause(until=self._clock.now() + _NO_ROOM)
                        return
                    self.watch(claimed)
                await self.send(claimed, from_queue=True)
        except (Refused, StaleTask) as error:
            logger.warning("%s", error)
        except WanError as error:
            self._pause_the_queue(error)
        except Exception as error:  # as for a step
            logger.exception("Sending from the queue failed in a way nobody foresaw")
            self._pause_the_queue(_unforeseen(error))
        finally:
            self._is_sending_the_queue = False
            self._wake_if_sooner()

    def _pause_the_queue(self, error: WanError) -> None:
        count = self._sending_pause.count + 1
        pause = _growing(_LOOK_AGAIN, count)
        logger.info("%s The queue goes on in %.0f s.", error, pause.total_seconds())
        self._sending_pause = _Pause(count=count, until=self._clock.now() + pause)

    # Looking

    async def _look(self, watched: Watched, step: Look) -> None:
        assert self._dashscope is not None  # without a key no look is ever due
        try:
            remote = await self._dashscope.look(step.dashscope_task_id)
        finally:
            self._looking -= 1
        await self._durations.of(watched.task)
        told = apply(watched.task, remote, self._clock.now())
        if told is not None:
            await self._record(watched, told)
        else:
            self._attend(watched)

    async def _find(self, watched: Watched) -> None:
        assert self._search is not None  # without a key no search is ever due
        concluded = await self._search.conclude(watched.task)
        if concluded is not None:
            await self._record(watched, concluded)
            return
        now, asked = self._clock.now(), watched.attention.failures + 1
        pause = min(_ASK_CANDIDATES_AGAIN * asked, FIND_AGAIN)
        watched.attention = Attention(seen_at=now, not_before=now + pause, failures=asked)

    # Remembering

    async def _record(self, watched: Watched, task: VideoTask) -> VideoTask:
        task = await self._ledger.record(task)
        if task.status is Status.SUCCEEDED:
            self._durations.one_more(task)
        logger.info("%s: %s after %.0f s", task.id, task.status, (task.since - task.asked_at).total_seconds())
        watched.task = task
        if task.status is Status.FAILED and task.film_id:
            self._next_round = None  # it may have been queued once more in the same moment
        self.changes.noticed(task)
        self._attend(watched)
        self._tell()
        return task

    async def _reload(self, watched: Watched) -> None:
        latest = await self._ledger.get(watched.task.id)
        assert latest is not None  # it was written before, and nothing is ever removed
        watched.task = latest

    def _attend(self, watched: Watched) -> None:
        """A step came to something: forget failures, and say when the next look is due."""
        now, task = self._clock.now(), watched.task
        watched.trouble = None
        watched.attention = Attention(seen_at=now)
        if task.status in LOOKED_AT:
            # All open tasks of all processes share the account's queries: with very many, each is asked less often.
            share = self._model.queries_per_second * _SHARE / (1 + len(self._neighbours))
            stride = max(1.0, self._agenda.wanted / share)
            gap = self._gap(task, now, stride)
            self._agenda.note(watched, wanted=stride / gap.total_seconds())
            watched.attention = Attention(seen_at=now, not_before=now + gap)
        self._agenda.place(watched, now)
        self._wake_if_sooner()

    def _gap(self, task: VideoTask, now: datetime, stride: float = 1.0) -> timedelta:
        """How long after `now` the next look at it is due."""
        elapsed = (now - (task.sent_at or task.asked_at)).total_seconds()
        return timedelta(seconds=self._durations.at_hand(task).schedule.until_next(elapsed, stride=stride))

    def _try_later(self, watched: Watched, error: WanError) -> None:
        failures = watched.attention.failures + 1
        base = _DOWNLOAD_AGAIN if isinstance(error, DownloadFailed) else _LOOK_AGAIN
        pause = _growing(base, failures)
        logger.info("%s: %s Next try in %.0f s.", watched.task.id, error, pause.total_seconds())
        watched.trouble = Trouble(error)
        # When it was last attended to stays: what was left alone for too long is so after a second try, too.
        watched.attention = replace(watched.attention, not_before=self._clock.now() + pause, failures=failures)
        self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, anyio.Event()
        news.set()


def _last_attended(task: VideoTask, last_sent: Mapping[str, datetime | None]) -> datetime:
    """A shot may wait for hours while its film is looked after: what was sent of the film tells when it was."""
    sent = last_sent.get(task.film_id) if task.status is Status.QUEUED and task.film_id else None
    return max(task.since, sent or task.since)


def _unforeseen(error: Exception) -> WanError:
    return Unavailable(say("A step failed unexpectedly ({kind}).", kind=type(error).__name__))


def _growing(base: timedelta, count: int) -> timedelta:
    """Twice as long each time, up to two minutes, and never quite the same for two processes."""
    longest = max(base, _LONGEST_PAUSE)
    pause = min(base * 2 ** min(count - 1, 10), longest)
    return pause * (1 + random.random() / 4)  # noqa: S311 - to spread load, not to keep a secret
