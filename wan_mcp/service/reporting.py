"""What is known around a task at this moment: how long it has taken and usually takes, its place, its troubles."""

import statistics
from datetime import timedelta

from wan_mcp.adapters.ledger import Ledger
from wan_mcp.domain.task import Status, VideoTask
from wan_mcp.service.clock import Clock
from wan_mcp.service.report import Report
from wan_mcp.service.watcher import Watcher
from wan_mcp.settings import Settings


class Reports:
    """Makes the reports that every door shows."""

    def __init__(self, *, settings: Settings, ledger: Ledger, watcher: Watcher, clock: Clock) -> None:
        self._settings = settings
        self._ledger = ledger
        self._watcher = watcher
        self._clock = clock

    async def of(self, task: VideoTask, *, is_known_request: bool = False) -> Report:
        """Return one task with what is known around it now."""
        return Report(
            task=task,
            elapsed=max(self._elapsed(task), timedelta(0)),
            usual=await self._usual(task),
            place=await self._ledger.queue_place(task) if task.status is Status.QUEUED else None,
            is_known_request=is_known_request,
            trouble=self._watcher.trouble(task.id),
            look_every=timedelta(seconds=self._settings.poll_interval),
            is_for_a_person=task.is_for_a_person(self._clock.now()),
        )

    def _elapsed(self, task: VideoTask) -> timedelta:
        """By one clock each: ours while it is open, DashScope's once it has told begin and end."""
        if task.is_open:
            return self._clock.now() - (task.sent_at or task.asked_at)
        if task.submitted_at and task.ended_at:
            return task.ended_at - task.submitted_at
        return task.since - task.asked_at

    async def _usual(self, task: VideoTask) -> timedelta:
        """The median of the ledger's latest videos of the same kind; the catalogue's word before there are three."""
        times = await self._ledger.render_times(task.account, task.kind)
        if len(times) >= 3:
            return timedelta(seconds=statistics.median(time.total_seconds() for time in times))
        prior = self._settings.model.usual_seconds
        return timedelta(seconds=prior.get((task.request.resolution, task.request.duration), 180))
