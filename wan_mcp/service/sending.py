"""Sends tasks, each once, and serves the queue: whoever is first in line, with a pause where DashScope wants one.

Whoever begins to send shields it from cancellation; what it learns about money is in the ledger before anybody is told.
"""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import anyio
from anyio.abc import TaskGroup

from wan_mcp.adapters.ledger import Ledger
from wan_mcp.adapters.owners import Owner
from wan_mcp.domain.catalogue import Model
from wan_mcp.domain.errors import LedgerUnusable, Refused, StaleTask, SubmissionUncertain, WanError
from wan_mcp.domain.language import say
from wan_mcp.domain.task import VideoTask
from wan_mcp.service.agenda import Agenda, Watched
from wan_mcp.service.attending import Attending, growing, unforeseen
from wan_mcp.service.clock import Clock
from wan_mcp.service.submission import Sent, Submission

logger = logging.getLogger(__name__)

_RECORD_TRIES = 4
_NO_ROOM = timedelta(seconds=0.25)
"""Between two attempts to send from the queue while DashScope's limits leave no room."""
_NOT_NOW = timedelta(seconds=1)
"""After a refusal for now that names no time; longer with each in a row, as the next."""
_TROUBLE = timedelta(seconds=5)
"""After an attempt that broke down on our side: the ledger cannot be written, or nobody foresaw it."""


@dataclass(frozen=True)
class _Pause:
    """No task of the queue is sent before `until`, after `count` refusals for now in a row."""

    count: int = 0
    until: datetime | None = None


class Sending:
    """Sends the tasks of one account for one process."""

    def __init__(
        self,
        *,
        account: str,
        model: Model,
        submission: Submission | None,
        ledger: Ledger,
        owner: Owner,
        agenda: Agenda,
        attending: Attending,
        clock: Clock,
    ) -> None:
        """`submission` is `None` where there is no key: there is nothing to send then."""
        self._account = account
        self._model = model
        self._submission = submission
        self._ledger = ledger
        self._owner = owner
        self._agenda = agenda
        self._attending = attending
        self._clock = clock
        self._pause = _Pause()
        self._is_serving = False
        self._may_send = True
        self._submitting = 0
        self._submitted = anyio.Event()

    # What is on its way

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

    # One task

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
            self._pause = self._pause_after(sent)
            recorded = await self._record_what_was_paid(watched, sent.task)
            if sent.error is not None:
                raise sent.error
            return recorded
        finally:
            self._attending.free(watched)

    def _pause_after(self, sent: Sent) -> _Pause:
        if not sent.must_pause:
            return _Pause()
        count = self._pause.count + 1
        pause = sent.pause or growing(_NOT_NOW, count)
        return _Pause(count=count, until=self._clock.now() + pause)

    async def _record_what_was_paid(self, watched: Watched, task: VideoTask) -> VideoTask:
        """The disk may be full just now, and what DashScope said must not be lost for it.

        Raises:
            SubmissionUncertain: it stays so; from the SUBMITTING entry the task is found again later.
        """
        for attempt in range(1, _RECORD_TRIES):
            try:
                return await self._attending.record(watched, task)
            except LedgerUnusable as error:
                logger.error("%s: %s (try %d)", task.id, error, attempt)
                await self._clock.sleep(1)
        try:
            return await self._attending.record(watched, task)
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

    # The queue

    def next_due(self, now: datetime) -> datetime | None:
        """Return when the next of the queue is to be sent; `None` where there is none, or one is being sent."""
        if self._agenda.has_a_queue and self._may_send and not self._is_serving:
            return self._pause.until or now
        return None

    def start_if_due(self, steps: TaskGroup, now: datetime) -> None:
        """Send the next of the queue, if it is time."""
        due = self.next_due(now)
        if due is not None and due <= now:
            self._is_serving = True
            steps.start_soon(self._send_next_of_queue)

    def forget_the_pause(self) -> None:
        """The machine's clock was set back: nobody knows any more when it ends."""
        self._pause = _Pause()

    async def _send_next_of_queue(self) -> None:
        """Serve the queue: whoever is first in line, not necessarily the task whose step this was."""
        try:
            with anyio.CancelScope(shield=True), self.submitting():
                async with self._attending.taking:
                    if not self._agenda.has_a_queue or not self._may_send:
                        return
                    claimed = await self._ledger.claim_next(
                        self._account, owner=self._owner.id, model=self._model, now=self._clock.now()
                    )
                    if claimed is None:
                        self._pause = _Pause(until=self._clock.now() + _NO_ROOM)
                        return
                    self._attending.watch(claimed)
                await self.send(claimed, from_queue=True)
        except (Refused, StaleTask) as error:
            logger.warning("%s", error)
        except WanError as error:
            self._pause_the_queue(error)
        except Exception as error:  # as for a step
            logger.exception("Sending from the queue failed in a way nobody foresaw")
            self._pause_the_queue(unforeseen(error))
        finally:
            self._is_serving = False
            self._attending.wake()

    def _pause_the_queue(self, error: WanError) -> None:
        count = self._pause.count + 1
        pause = growing(_TROUBLE, count)
        logger.info("%s The queue goes on in %.0f s.", error, pause.total_seconds())
        self._pause = _Pause(count=count, until=self._clock.now() + pause)
