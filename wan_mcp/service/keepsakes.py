"""What goes with a saved video: its origin inside the file, a JSON and a poster beside it."""

import json
import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio.to_thread

from wan_mcp.adapters.beside import lay
from wan_mcp.adapters.downloads import Origin
from wan_mcp.adapters.media.workshop import Workshop
from wan_mcp.domain.errors import NoVideo, VideoUnusable
from wan_mcp.domain.language import later, say
from wan_mcp.domain.origin import metadata, sidecar
from wan_mcp.domain.task import Status, VideoTask

logger = logging.getLogger(__name__)

_NOT_ALL_BESIDE = later("What belongs beside the file could not all be written.")


def saved_file(task: VideoTask) -> str:
    """Return where the video is.

    Raises:
        NoVideo: it is not here: not yet, or for good.
    """
    if task.file:
        return task.file
    if task.is_open:
        raise NoVideo(
            say("{task} is {status}, so there is no video of it yet.", task=task.id, status=task.status),
            next_step=say("Call get_video_task with {task} until its file is saved.", task=task.id),
        )
    if task.is_to_be_saved:
        raise NoVideo(
            say("The file of {task} is still being saved.", task=task.id),
            next_step=say("Call get_video_task with {task} until its file is saved.", task=task.id),
        )
    if task.status is Status.SUCCEEDED:
        raise NoVideo(say("The file of {task} could not be saved, and its link is dead.", task=task.id))
    raise NoVideo(say("{task} is {status}, so there is no video of it.", task=task.id, status=task.status))


@dataclass
class Keepsake:
    """What goes with one video: its origin inside the file, a JSON and a poster beside it.

    None of it is worth a paid video: whatever fails here is logged and told, and the video is saved as it came.
    """

    task: VideoTask
    workshop: Workshop | None
    """`None` where nothing can look into a video, or nothing is to."""
    poster: bytes | None = None
    remark: str | None = None
    """What could not be done, in English; `said` gives its words."""

    @property
    def origin(self) -> Origin:
        """What the download is to do with the whole file before it gets its name."""
        return Origin(mark=self.task.id.encode(), write=self._write)

    async def _write(self, source: Path, target: Path) -> bool:
        if self.workshop is None:
            return False
        try:
            self.poster = await self.workshop.stamp(source, target, metadata(self.task))
            return True
        except VideoUnusable as error:
            logger.warning("%s: saved as it came, without its origin in it: %s", self.task.id, error)
        except Exception:  # a bug met here must not keep a paid video from its name
            logger.exception("%s: saved as it came, without its origin in it", self.task.id)
        self.remark = later("Its origin could not be written into the file.")
        return False

    async def lay_beside(self, saved: VideoTask) -> VideoTask:
        """Write what stands beside a saved video; return its task with what could not be done."""
        video = Path(saved.file or "")
        if self.workshop is not None and self.poster is None and self.remark is None:
            self.poster = await self._late_poster(video)
        try:
            await anyio.to_thread.run_sync(_lay, video, sidecar(saved), self.poster)
        except OSError as error:
            logger.warning("%s: beside %s: %s", saved.id, video.name, error.strerror or error)
            self.remark = _NOT_ALL_BESIDE
        except Exception:  # as above: the file is at home, and the ledger must say so
            logger.exception("%s: beside %s", saved.id, video.name)
            self.remark = _NOT_ALL_BESIDE
        return replace(saved, remark=self.remark)

    async def _late_poster(self, video: Path) -> bytes | None:
        """An earlier process had given the video its name, and came no further."""
        assert self.workshop is not None
        try:
            return await self.workshop.poster(video)
        except VideoUnusable as error:
            logger.warning("%s: no poster: %s", self.task.id, error)
        except Exception:  # as above: a picture is not worth the video
            logger.exception("%s: no poster", self.task.id)
        return None


def _lay(video: Path, told: dict[str, Any], poster: bytes | None) -> None:
    """Write both; what has such a name and is not ours stays.

    Raises:
        OSError: not both could be written.
    """
    page = video.with_suffix(".json")
    if page.exists() and not _is_of(page, told["task_id"]):
        raise FileExistsError(f"{page.name} is somebody else's")
    lay(page, (json.dumps(told, ensure_ascii=False, indent=1) + "\n").encode())
    picture = video.with_suffix(".jpg")
    if poster is not None and not picture.exists():
        lay(picture, poster)


def _is_of(page: Path, task_id: str) -> bool:
    return task_id in page.read_bytes().decode(errors="replace")
