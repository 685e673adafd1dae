"""What is known around a task at this moment: how long it has taken and usually takes, its place, its troubles."""

from datetime import timedelta

from wan_mcp.adapters.ledger import Ledger
from wan_mcp.domain.task import Status, VideoTask
from wan_mcp.service.clock import Clock
from wan_mcp.service.durations import Durations
from wan_mcp.service.report import Report
from wan_mcp.service.watcher import Watcher


class Reports:
    """Makes the reports that every door shows."""

    def __init__(self, *, ledger: Ledger, watcher: Watcher, durations: Durations, clock: Clock) -> None:
        self._ledger = ledger
        self._watcher = watcher
        self._durations = durations
        self._clock = clock

    async def of(self, task: VideoTask, *, is_known_request: bool = False) -> Report:
        """Return one task with what is known around it now."""
        return Report(
            task=task,
            elapsed=max(self._elapsed(task), timedelta(0)),
            usual=(await self._durations.of(task)).usual,
            place=await self._ledger.queue_place(task) if task.status is Status.QUEUED else None,
            is_known_request=is_known_request,
            trouble=self._watcher.trouble(task.id),
            next_look=self._watcher.until_next_look(task),
            is_for_a_person=task.is_for_a_person(self._clock.now()),
        )

    def _elapsed(self, task: VideoTask) -> timedelta:
        """By one clock each: ours while it is open, DashScope's once it has told begin and end."""
        if task.is_open:
            return self._clock.now() - (task.sent_at or task.asked_at)
        if task.submitted_at and task.ended_at:
            return task.ended_at - task.submitted_at
        return task.since - task.asked_at
