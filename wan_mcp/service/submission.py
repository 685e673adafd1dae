"""One POST, and what its answer makes of the task. Nothing is recorded here: what comes out is the next version.

A POST is repeated only where nothing of it can have arrived (connection refused, no such host, no free
connection). On a time-out, a dropped connection, a 5xx or an answer that cannot be read, never.
"""

import logging
from dataclasses import dataclass, replace
from datetime import timedelta

from wan_mcp.adapters.dashscope import DashScope
from wan_mcp.domain.errors import RateLimited, Refused, SubmissionUncertain, Unavailable, WanError
from wan_mcp.domain.remote import RemoteTask, apply
from wan_mcp.domain.task import ANSWER_LOST, Problem, Status, VideoTask
from wan_mcp.service.clock import Clock

logger = logging.getLogger(__name__)

_CONNECT_TRIES = 3


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What became of a submission."""

    task: VideoTask
    """Its next version."""
    error: WanError | None = None
    """What the caller is to be told, where it failed."""
    must_pause: bool = False
    """Nothing more is to be sent for now."""
    pause: timedelta | None = None
    """For how long, where DashScope said so."""


class Submission:
    """Submits the tasks of one account."""

    def __init__(self, *, dashscope: DashScope, clock: Clock) -> None:
        self._dashscope = dashscope
        self._clock = clock

    async def send(self, task: VideoTask, *, from_queue: bool) -> Sent:
        """Submit a SUBMITTING task. From the queue, one that could not be reached goes back there."""
        try:
            remote = await self._until_it_arrives(task)
        except RateLimited as error:
            pause = timedelta(seconds=error.retry_after) if error.retry_after else None
            return Sent(task=self._queued(task), must_pause=True, pause=pause)
        except SubmissionUncertain as error:
            logger.warning("%s: %s", task.id, error)
            now = self._clock.now()
            ahead = self._dashscope.clock_ahead(now)
            return Sent(task=task.to(Status.UNCERTAIN, now, problem=ANSWER_LOST, clock_ahead=ahead))
        except Unavailable as error:
            return Sent(task=self._queued(task), must_pause=True) if from_queue else self._failed(task, error)
        except Refused as error:
            return self._failed(task, error)
        return Sent(task=self._accepted(task, remote))

    async def _until_it_arrives(self, task: VideoTask) -> RemoteTask:
        for attempt in range(1, _CONNECT_TRIES):
            try:
                return await self._dashscope.submit(task.request)
            except Unavailable as error:
                logger.info("%s: %s (try %d)", task.id, error, attempt)
                await self._clock.sleep(0.5 * attempt)
        return await self._dashscope.submit(task.request)

    def _accepted(self, task: VideoTask, remote: RemoteTask) -> VideoTask:
        """The answer named the task, so it exists, whatever else the answer says."""
        told = remote.status if remote.status is Status.RUNNING else Status.PENDING
        accepted = apply(task, replace(remote, status=told), self._clock.now())
        assert accepted is not None  # PENDING and RUNNING both follow SUBMITTING
        return accepted

    def _queued(self, task: VideoTask) -> VideoTask:
        return task.to(Status.QUEUED, self._clock.now(), sent_at=None)

    def _failed(self, task: VideoTask, error: WanError) -> Sent:
        problem = Problem(code=error.code, message=error.what)
        return Sent(task=task.to(Status.FAILED, self._clock.now(), problem=problem), error=error)
