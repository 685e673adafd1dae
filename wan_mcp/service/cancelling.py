"""Cancelling one task: with us while it waits, at DashScope while it is PENDING, and not at all after that."""

from wan_mcp.adapters.dashscope import DashScope
from wan_mcp.adapters.ledger import Ledger
from wan_mcp.domain.errors import MissingKey, StaleTask, TooLate
from wan_mcp.domain.language import say
from wan_mcp.domain.remote import apply
from wan_mcp.domain.task import CANCELED_WITH_US, Status, VideoTask
from wan_mcp.service.attending import Attending
from wan_mcp.service.clock import Clock
from wan_mcp.service.finding import Finder


class Cancelling:
    """Cancels the tasks of one account."""

    def __init__(
        self, *, ledger: Ledger, attending: Attending, dashscope: DashScope | None, finder: Finder, clock: Clock
    ) -> None:
        self._ledger = ledger
        self._attending = attending
        self._dashscope = dashscope
        self._finder = finder
        self._clock = clock

    async def cancel(self, task: VideoTask) -> VideoTask:
        """Cancel a task that is QUEUED or PENDING.

        Raises:
            TooLate: it runs, has ended, or nobody knows yet whether it was accepted.
            Unavailable, Refused: DashScope did not answer, or does not let this key cancel.
        """
        match task.status:
            case Status.QUEUED:
                return await self._cancel_with_us(task)
            case Status.PENDING:
                return await self._cancel_at_dashscope(task)
            case Status.RUNNING:
                raise TooLate(
                    say(
                        "{task} is already being rendered, and DashScope cancels only what has not started.",
                        task=task.id,
                    ),
                    next_step=say(
                        "It will be charged {cost} if it succeeds; call get_video_task with {task} to fetch it.",
                        cost=task.cost,
                        task=task.id,
                    ),
                )
            case Status.SUBMITTING | Status.UNCERTAIN:
                raise TooLate(
                    say("It is not known yet whether DashScope accepted {task}.", task=task.id),
                    next_step=say(
                        "Call get_video_task with {task} later; while it is PENDING it can be cancelled.", task=task.id
                    ),
                )
            case _:
                raise TooLate(
                    say("{task} has already ended: {status}.", task=task.id, status=task.status),
                    next_step=say("There is nothing to cancel."),
                )

    async def _cancel_with_us(self, task: VideoTask) -> VideoTask:
        canceled = task.to(Status.CANCELED, self._clock.now(), problem=CANCELED_WITH_US)
        try:
            await self._ledger.record(canceled)
        except StaleTask:
            raise TooLate(
                say("{task} was being sent at this very moment.", task=task.id),
                next_step=say(
                    "Call cancel_video_task with {task} again: while it is PENDING it can still be cancelled.",
                    task=task.id,
                ),
            ) from None
        self._attending.refresh(canceled)
        return canceled

    async def _cancel_at_dashscope(self, task: VideoTask) -> VideoTask:
        if self._dashscope is None:
            raise MissingKey
        assert task.dashscope_task_id is not None  # every PENDING task was named by DashScope
        try:
            await self._dashscope.cancel(task.dashscope_task_id)
            return await self._asked_now(task)
        except TooLate as error:
            await self._asked_now(task)
            raise TooLate(
                say("{task} is no longer PENDING, and DashScope cancels only what has not started.", task=task.id),
                next_step=say("Call get_video_task with {task} to see how it is doing.", task=task.id),
            ) from error

    async def _asked_now(self, task: VideoTask) -> VideoTask:
        """Ask DashScope out of turn, whoever watches the task, and write down what is new."""
        told = apply(task, await self._finder.look(task.dashscope_task_id or ""), self._clock.now())
        if told is None:
            return task
        try:
            latest = await self._ledger.record(told)
        except StaleTask:  # its watcher was faster
            latest = await self._ledger.get(task.id) or task
        self._attending.refresh(latest)
        return latest
