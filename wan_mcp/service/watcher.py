"""Looks after every open task until its end is known and its file is at home, whether or not anybody asks.

A loop that performs `next_step`. Recovery after a crash is the same loop: at start-up, and whenever another
process is gone, the tasks that nobody watches are taken over and asked the same question.
"""

import logging
import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import anyio
from anyio.abc import TaskGroup

from wan_mcp.adapters.dashscope import DashScope
from wan_mcp.adapters.downloads import Downloads
from wan_mcp.adapters.ledger import Ledger
from wan_mcp.adapters.media.workshop import Workshop
from wan_mcp.adapters.owners import Owner
from wan_mcp.domain.catalogue import Model
from wan_mcp.domain.errors import (
    DownloadFailed,
    LedgerUnusable,
    LinkExpired,
    Refused,
    StaleTask,
    SubmissionUncertain,
    Unavailable,
    WanError,
)
from wan_mcp.domain.filename import file_name
from wan_mcp.domain.language import say
from wan_mcp.domain.looking import EVERY
from wan_mcp.domain.remote import apply
from wan_mcp.domain.task import (
    FIND_AGAIN,
    LINK_DEAD,
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
    next_step,
)
from wan_mcp.service.changes import Changes
from wan_mcp.service.clock import Clock
from wan_mcp.service.durations import Durations
from wan_mcp.service.keepsakes import Keepsake
from wan_mcp.service.search import Search
from wan_mcp.service.submission import Sent, Submission

logger = logging.getLogger(__name__)

_CREATING = timedelta(minutes=3)
"""Longer than any submission can take, its repetitions included."""
_ROUND = 5.0
"""Seconds between two looks into the ledger for tasks that nobody watches any more."""
_SHORTEST = 0.02
_LONGEST_PAUSE = timedelta(minutes=2)
_DOWNLOAD_AGAIN = timedelta(seconds=2)
_LOOK_AGAIN = timedelta(seconds=5)
_RECORD_TRIES = 4
_NO_ROOM = timedelta(seconds=0.25)
"""Between two attempts to send from the queue while DashScope's limits leave no room."""
_SAVES_AT_ONCE = 4
_LOOKS_AT_ONCE = 40
"""Two seconds of what an account may ask."""
_FOR_EACH = 0.0002
"""Seconds of rest after each round of the loop, for every task that it went over: it takes a hundredth of that."""
_NEVER = datetime.max.replace(tzinfo=UTC)
_ASK_CANDIDATES_AGAIN = timedelta(minutes=1)
_SHARE = 0.75
"""How much of the account's queries the looks may take; the rest is for callers who ask."""


@dataclass
class _Watched:
    """One task under watch, as last read or written here."""

    task: VideoTask
    attention: Attention
    is_busy: bool = False
    trouble: str | None = None
    """What the last look or download came to, where it came to nothing."""


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
        self._downloads = downloads
        self._owner = owner
        self._clock = clock
        self._durations = durations
        self._workshop = workshop
        self._submission = Submission(dashscope=dashscope, clock=clock) if dashscope else None
        self._search = Search(dashscope=dashscope, ledger=ledger, clock=clock) if dashscope else None
        self.changes = Changes()
        self._watched: dict[str, _Watched] = {}
        self._news = anyio.Event()
        self._saving = anyio.CapacityLimiter(_SAVES_AT_ONCE)
        self._looking = 0
        self._is_sending_the_queue = False
        self._is_releasing = False
        self._sending_pause = _Pause()
        self._next_round: datetime | None = None

    # The loop

    async def run(self) -> None:
        """Watch for ever."""
        async with anyio.create_task_group() as steps:
            while True:
                try:
                    if self._next_round is None or self._clock.now() >= self._next_round:
                        await self._take_over_what_nobody_watches()
                    await self._start_due_steps(steps)
                except LedgerUnusable as error:
                    logger.error("%s", error)
                await self._clock.sleep(_FOR_EACH * len(self._watched))
                await self.wait_for_news(min(_ROUND, self._until_next_step()))

    async def turn(self) -> None:
        """Take over, start every step that is due now, and wait for those to end."""
        await self._take_over_what_nobody_watches()
        async with anyio.create_task_group() as steps:
            await self._start_due_steps(steps)

    async def wait_for_news(self, seconds: float) -> None:
        """Return at the next change of any task here, or after `seconds`."""
        news = self._news
        async with anyio.create_task_group() as race:

            async def give_up() -> None:
                await self._clock.sleep(seconds)
                race.cancel_scope.cancel()

            race.start_soon(give_up)
            await news.wait()
            race.cancel_scope.cancel()

    def watch(self, task: VideoTask) -> None:
        """Look after `task` from now on; the ledger already says that this process does."""
        if task.id not in self._watched:
            now = self._clock.now()
            self._watched[task.id] = _Watched(task, Attention(seen_at=now, not_before=self._next_look(task, now)))
            self._tell()
        self.refresh(task)

    def refresh(self, task: VideoTask) -> None:
        """Take note of a newer version that was recorded elsewhere, if this process watches the task."""
        self.changes.noticed(task)
        known = self._watched.get(task.id)
        if known is not None and known.task.version < task.version:
            known.task = task
            self._attend(known)
            self._tell()

    def trouble(self, task_id: str) -> str | None:
        """Return what the last try for a task came to, where it came to nothing."""
        watched = self._watched.get(task_id)
        return watched.trouble if watched else None

    def until_next_look(self, task: VideoTask) -> timedelta | None:
        """Return in how long DashScope is asked about `task` next; `None` where it is not asked about."""
        now, watched = self._clock.now(), self._watched.get(task.id)
        due = watched.attention.not_before if watched else self._next_look(task, now)
        return due and max(due - now, timedelta(0)) if task.status in (Status.PENDING, Status.RUNNING) else None

    @property
    def open_count(self) -> int:
        """How many tasks this process watches."""
        return len(self._watched)

    async def _take_over_what_nobody_watches(self) -> None:
        self._next_round = self._clock.now() + timedelta(seconds=_ROUND)
        unsettled = await self._ledger.unsettled(self._account)
        self.changes.compared(task for task, _ in unsettled)
        for task, owner in unsettled:
            if owner == self._owner.id:
                if not self._is_being_created(task):
                    self.watch(task)
            elif owner is None or not self._owner.lives(owner):
                if await self._ledger.take(task.id, owner=self._owner.id, before=owner):
                    logger.info("%s: taken over, %s", task.id, task.status)
                    attended = await self._last_attended(task)
                    self._watched.setdefault(task.id, _Watched(task, Attention(seen_at=attended)))
            elif (known := self._watched.get(task.id)) is not None and not known.is_busy:
                del self._watched[task.id]

    async def _last_attended(self, task: VideoTask) -> datetime:
        """A shot may wait for hours while its film is looked after: what was sent of the film tells when it was."""
        is_waiting = task.status is Status.QUEUED and task.film_id is not None
        sent = await self._ledger.last_sent(task.film_id) if is_waiting and task.film_id else None
        return max(task.since, sent or task.since)

    def _is_being_created(self, task: VideoTask) -> bool:
        """Its creator, in this process, has not handed it over yet; after so long it never will."""
        return task.status is Status.SUBMITTING and self._clock.now() - task.since < _CREATING

    async def _start_due_steps(self, steps: TaskGroup) -> None:
        now = self._clock.now()
        # What is to be released must not be sent in the same moment by the turn of another.
        self._is_releasing = any(self._is_to_be_released(watched, now) for watched in self._watched.values())
        # Of several links to be saved, the one that dies first goes first.
        for watched in sorted(self._watched.values(), key=lambda watched: watched.task.expires_at or _NEVER):
            if watched.is_busy:
                continue
            if watched.task.is_settled:
                del self._watched[watched.task.id]
                continue
            step = self._step(watched, now)
            if isinstance(step, Look):
                if self._looking >= _LOOKS_AT_ONCE:  # after a restart thousands may be due in one moment
                    continue
                self._looking += 1
            watched.attention = replace(watched.attention, seen_at=now)
            if step is not None and not isinstance(step, Wait):
                watched.is_busy = True
                self._is_sending_the_queue |= isinstance(step, Send)
                steps.start_soon(self._perform, watched, step)

    def _is_to_be_released(self, watched: _Watched, now: datetime) -> bool:
        waits = watched.task.status is Status.QUEUED and not watched.is_busy
        return waits and isinstance(next_step(watched.task, now, watched.attention), Mark)

    def _step(self, watched: _Watched, now: datetime) -> Step:
        """`next_step`, as far as this process can do it now."""
        if now < watched.attention.seen_at:  # the machine's clock was set back: what was due then is due now
            watched.attention = Attention(seen_at=now)
        step = next_step(watched.task, now, watched.attention)
        if isinstance(step, Look | Find | Send) and self._dashscope is None:
            return None
        if isinstance(step, Send):
            if self._is_sending_the_queue or self._is_releasing:
                return None
            if self._sending_pause.until and now < self._sending_pause.until:
                return Wait(self._sending_pause.until)
        return step

    def _until_next_step(self) -> float:
        """Seconds until some step is due."""
        now = self._clock.now()
        steps = [self._step(watched, now) for watched in self._watched.values() if not watched.is_busy]
        dues = [step.until if isinstance(step, Wait) else now for step in steps if step is not None]
        return max(_SHORTEST, (min(dues) - now).total_seconds()) if dues else _ROUND

    async def _perform(self, watched: _Watched, step: Step) -> None:
        try:
            match step:
                case Send():
                    await self._send_next_of_queue()
                case Look():
                    await self._look(watched, step)
                case Find():
                    await self._find(watched)
                case Save():
                    await self._save(watched, step)
                case Mark():
                    await self._record(watched, watched.task.to(step.status, self._clock.now(), problem=step.problem))
                case _:
                    pass
        except StaleTask:
            await self._reload(watched)
        except WanError as error:
            self._try_later(watched, error)
        except Exception as error:  # the top of the loop: a bug met by one task must not end the watch of all
            logger.exception("%s: a step failed in a way nobody foresaw", watched.task.id)
            self._try_later(
                watched, Unavailable(say("A step failed unexpectedly ({kind}).", kind=type(error).__name__))
            )
        finally:
            watched.is_busy = False
            self._tell()

    # Sending

    async def send(self, task: VideoTask, *, from_queue: bool = False) -> VideoTask:
        """Submit a SUBMITTING task of this process and record what became of it. Exactly one POST is sent,
        unless one surely did not arrive.

        Call it shielded from cancellation: what it learns about money must reach the ledger.

        Raises:
            Refused, Unavailable: recorded as FAILED first; from the queue, one that could not be reached
                waits there for the next try.
        """
        assert self._submission is not None  # nothing becomes SUBMITTING without a key
        watched = self._watched[task.id]
        watched.is_busy = True
        try:
            sent = await self._submission.send(task, from_queue=from_queue)
            self._sending_pause = self._pause_after(sent)
            recorded = await self._record_what_was_paid(watched, sent.task)
            if sent.error is not None:
                raise sent.error
            return recorded
        finally:
            watched.is_busy = False
            self._tell()

    def _pause_after(self, sent: Sent) -> _Pause:
        if not sent.must_pause:
            return _Pause()
        count = self._sending_pause.count + 1
        pause = sent.pause or _growing(timedelta(seconds=1), count)
        return _Pause(count=count, until=self._clock.now() + pause)

    async def _record_what_was_paid(self, watched: _Watched, task: VideoTask) -> VideoTask:
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
            with anyio.CancelScope(shield=True):
                claimed = await self._ledger.claim_next(
                    self._account, owner=self._owner.id, model=self._model, now=self._clock.now()
                )
                if claimed is None:
                    self._sending_pause = _Pause(until=self._clock.now() + _NO_ROOM)
                    return
                self.watch(claimed)
                await self.send(claimed, from_queue=True)
        except Refused as error:
            logger.warning("%s", error)
        finally:
            self._is_sending_the_queue = False

    # Looking

    async def _look(self, watched: _Watched, step: Look) -> None:
        assert self._dashscope is not None  # `_step` lets no look through without a key
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

    async def _find(self, watched: _Watched) -> None:
        assert self._search is not None  # `_step` lets no search through without a key
        concluded = await self._search.conclude(watched.task)
        if concluded is not None:
            await self._record(watched, concluded)
            return
        now, asked = self._clock.now(), watched.attention.failures + 1
        pause = min(_ASK_CANDIDATES_AGAIN * asked, FIND_AGAIN)
        watched.attention = Attention(seen_at=now, not_before=now + pause, failures=asked)

    # Saving

    async def _save(self, watched: _Watched, step: Save) -> None:
        task = watched.task
        keepsake = Keepsake(task, self._workshop)
        try:
            async with self._saving:
                name = file_name(task, task.asked_at.astimezone())
                name = f"{task.folder}/{name}" if task.folder else name
                saved = await self._downloads.save(step.url, name, keepsake.origin)
        except LinkExpired as error:
            await self._ask_for_another_link(watched, error)
            return
        now = self._clock.now()
        at_home = task.to(Status.SUCCEEDED, now, file=str(saved.path), file_bytes=saved.size, problem=None)
        await self._record(watched, await keepsake.lay_beside(at_home))

    async def _ask_for_another_link(self, watched: _Watched, error: LinkExpired) -> None:
        """Nobody has measured whether DashScope signs a link anew when asked again; it costs one look."""
        task, now = watched.task, self._clock.now()
        if self._dashscope is not None and task.dashscope_task_id:
            remote = await self._dashscope.look(task.dashscope_task_id)
            if remote.video_url and remote.video_url != task.video_url:
                fresh = {"video_url": remote.video_url, "expires_at": remote.expires_at or task.expires_at}
                await self._record(watched, task.to(Status.SUCCEEDED, now, **fresh))
                return
        problem = Problem(
            code=LINK_DEAD, message=say("{what} The video was not saved in time.", what=error.what), money_moved="yes"
        )
        await self._record(watched, task.to(Status.SUCCEEDED, now, problem=problem))

    # Remembering

    async def _record(self, watched: _Watched, task: VideoTask) -> VideoTask:
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

    async def _reload(self, watched: _Watched) -> None:
        latest = await self._ledger.get(watched.task.id)
        assert latest is not None  # it was written before, and nothing is ever removed
        watched.task = latest

    def _attend(self, watched: _Watched) -> None:
        """A step came to something: forget failures, and say when the next look is due."""
        now = self._clock.now()
        watched.trouble = None
        watched.attention = Attention(seen_at=now, not_before=self._next_look(watched.task, now))

    def _next_look(self, task: VideoTask, now: datetime) -> datetime | None:
        if task.status not in (Status.PENDING, Status.RUNNING):
            return None
        elapsed = (now - (task.sent_at or task.asked_at)).total_seconds()
        experience = self._durations.at_hand(task)
        # All open tasks share the account's queries: with very many, each is asked less often.
        wanted = len(self._watched) / (experience.every or EVERY)
        stride = wanted / (self._model.queries_per_second * _SHARE)
        return now + timedelta(seconds=experience.schedule.until_next(elapsed, stride=stride))

    def _try_later(self, watched: _Watched, error: WanError) -> None:
        failures = watched.attention.failures + 1
        base = _DOWNLOAD_AGAIN if isinstance(error, DownloadFailed) else _LOOK_AGAIN
        pause = _growing(base, failures)
        logger.info("%s: %s Next try in %.0f s.", watched.task.id, error, pause.total_seconds())
        watched.trouble = error.what
        now = self._clock.now()
        watched.attention = Attention(seen_at=now, not_before=now + pause, failures=failures)

    def _tell(self) -> None:
        news, self._news = self._news, anyio.Event()
        news.set()


def _growing(base: timedelta, count: int) -> timedelta:
    """Twice as long each time, up to two minutes, and never quite the same for two processes."""
    longest = max(base, _LONGEST_PAUSE)
    pause = min(base * 2 ** min(count - 1, 10), longest)
    return pause * (1 + random.random() / 4)  # noqa: S311 - to spread load, not to keep a secret
