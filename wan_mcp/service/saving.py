"""Brings a finished video home. Nothing is recorded here: what comes out is the task's next version."""

import anyio

from wan_mcp.adapters.dashscope import DashScope
from wan_mcp.adapters.downloads import Downloads
from wan_mcp.adapters.media.workshop import Workshop
from wan_mcp.domain.errors import LinkExpired
from wan_mcp.domain.filename import file_name
from wan_mcp.domain.language import say
from wan_mcp.domain.task import LINK_DEAD, Problem, Status, VideoTask
from wan_mcp.service.clock import Clock
from wan_mcp.service.keepsakes import Keepsake

_AT_ONCE = 4


class Saving:
    """Saves the videos of one account, a few at a time."""

    def __init__(
        self, *, downloads: Downloads, workshop: Workshop | None, dashscope: DashScope | None, clock: Clock
    ) -> None:
        """Without a `workshop` videos are saved as they come."""
        self._downloads = downloads
        self._workshop = workshop
        self._dashscope = dashscope
        self._clock = clock
        self._places = anyio.CapacityLimiter(_AT_ONCE)

    async def save(self, task: VideoTask, url: str) -> VideoTask:
        """Return the next version: with the file, with another link, or with why there is none.

        Raises:
            DownloadFailed, Unavailable, Refused: nothing came of it; it can be tried again.
        """
        keepsake = Keepsake(task, self._workshop)
        try:
            async with self._places:
                name = file_name(task, task.asked_at.astimezone())
                name = f"{task.folder}/{name}" if task.folder else name
                saved = await self._downloads.save(url, name, keepsake.origin)
        except LinkExpired as error:
            return await self._with_another_link(task, error)
        now = self._clock.now()
        at_home = task.to(Status.SUCCEEDED, now, file=str(saved.path), file_bytes=saved.size, problem=None)
        return await keepsake.lay_beside(at_home)

    async def _with_another_link(self, task: VideoTask, error: LinkExpired) -> VideoTask:
        """Nobody has measured whether DashScope signs a link anew when asked again; it costs one look."""
        now = self._clock.now()
        if self._dashscope is not None and task.dashscope_task_id:
            remote = await self._dashscope.look(task.dashscope_task_id)
            if remote.video_url and remote.video_url != task.video_url:
                expires_at = remote.expires_at or task.expires_at
                return task.to(Status.SUCCEEDED, now, video_url=remote.video_url, expires_at=expires_at)
        problem = Problem(
            code=LINK_DEAD, message=say("{what} The video was not saved in time.", what=error.what), money_moved="yes"
        )
        return task.to(Status.SUCCEEDED, now, problem=problem)
