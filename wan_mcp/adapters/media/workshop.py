"""The side of video work that stays with us: it starts a worker process, waits within bounds, and takes what it made.

Whatever happens in there, the event loop goes on, and a file under its final name is whole.
"""

import base64
import json
import logging
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from wan_mcp.adapters.media.order import Sheet, Strip
from wan_mcp.domain.errors import MediaMissing, VideoUnusable
from wan_mcp.domain.language import said, say

logger = logging.getLogger(__name__)

_JOINING = timedelta(minutes=60)
_LOOKING = timedelta(seconds=40)
"""Whoever calls a tool is answered within 45."""
_LAST_BREATH = timedelta(seconds=2)
"""In which a worker that has answered ends by itself."""
_LONGEST_LINE = 4 << 20

Progress = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """One shot's place in a film, in seconds."""

    title: str
    start: float
    end: float


@dataclass(frozen=True, kw_only=True)
class Joined:
    """A film at home."""

    path: Path
    size: int
    """Bytes."""
    seconds: float
    is_copied: bool
    """The pictures are the shots' own, bit for bit; else they were encoded anew."""
    chapters: tuple[Chapter, ...]
    remarks: tuple[str, ...]
    """What could not be done as asked, in words for a person."""
    peak_bytes: int | None
    """The most memory that joining took, where the system says so."""


@cache
def is_installed() -> bool:
    """Is the extra `media` here? Looks for it without importing it."""
    return find_spec("av") is not None and find_spec("PIL") is not None


def missing(what: str) -> MediaMissing:
    """Say what cannot be done without the extra, and how to get it."""
    return MediaMissing(
        what,
        next_step=say(
            "The person can add it where wan-mcp is installed: pip install 'wan-mcp[media]' "
            "(with uvx: --from 'wan-mcp[media]')."
        ),
    )


class Workshop:
    """Work on video files, each piece in a process of its own."""

    def __init__(self, *, environment: Mapping[str, str]) -> None:
        """`environment` is what the workers get: give them no key."""
        self._environment = dict(environment)
        # Films take minutes: they wait for each other, and nobody who looks waits for them.
        self._films = anyio.Semaphore(1)
        self._looks = anyio.Semaphore(2)

    async def join(
        self,
        shots: Sequence[Path],
        target: Path,
        *,
        titles: Sequence[str],
        crossfade: float = 0,
        title_card: str | None = None,
        metadata: Mapping[str, str] | None = None,
        progress: Progress | None = None,
        deadline: timedelta = _JOINING,
    ) -> Joined:
        """Join `shots`, in order, into one MP4 named `target`, which is replaced if it is there.

        The pictures are copied bit for bit where all shots are of one kind (codec, size, rate) and neither a
        cross-fade nor a card is asked for; else they are encoded anew (H.264) in the size and rate of the first
        shot. The sound is laid under each shot to the sample and encoded once (AAC): silence where a shot has none
        or too little, cut where it has too much. Each shot is a chapter.

        Written as `<target>.part` and renamed when whole and on the disk. Cancel it at any moment: the worker is
        killed, and the part removed. Memory does not grow with the number of shots.

        Args:
            titles: One for each shot, for its chapter.
            crossfade: Seconds by which neighbours overlap; a third of the shortest shot at most.
            title_card: Text shown for three seconds before the first shot. It is left out, with a remark, where no
                font of the machine has its letters.
            metadata: MP4's own names: `title`, `comment`, `description`, `date`, `artist`, ...
            progress: Is told the share that is done, from 0 to 1, a hundred times at most.
            deadline: After that it is given up.

        Raises:
            MediaMissing: the extra is not installed; the shots are there all the same.
            VideoUnusable: a shot cannot be read, the film not written, or it took too long.
        """
        if not is_installed():
            raise missing(say("Shots are joined by the extra `media`, which is not installed. Each shot is there."))
        assert shots
        assert len(shots) == len(titles)
        part = target.with_name(f"{target.name}.part")
        order = {
            "work": "join",
            "shots": [_full(shot) for shot in shots],
            "titles": list(titles),
            "crossfade": float(crossfade),
            "title_card": title_card,
            "metadata": dict(metadata or {}),
            "part": _full(part),
        }
        try:
            await anyio.to_thread.run_sync(_make_private, part)
            made = await self._made(order, deadline, progress)
            size = await anyio.to_thread.run_sync(_named, part, target)
        except OSError as error:
            raise VideoUnusable(
                say("The film cannot be written to {folder}: {reason}.", folder=target.parent, reason=error.strerror)
            ) from error
        finally:
            with anyio.CancelScope(shield=True):
                with suppress(OSError):
                    await anyio.Path(part).unlink()
        return Joined(
            path=target,
            size=size,
            seconds=made["seconds"],
            is_copied=made["is_copied"],
            chapters=tuple(Chapter(title=title, start=start, end=end) for title, start, end in made["chapters"]),
            remarks=tuple(said(remark) for remark in made["remarks"]),
            peak_bytes=made["peak_bytes"],
        )

    async def sheet(self, strips: Sequence[Strip], *, deadline: timedelta = _LOOKING) -> Sheet:
        """Lay evenly spread pictures of one or several videos side by side, each with its time on it.

        One JPEG of 150 kB and 1540 pixels at most, in reading order.

        Raises:
            MediaMissing: the extra is not installed.
            VideoUnusable: a video cannot be read, or it took too long.
        """
        if not is_installed():
            raise missing(say("Videos are looked into by the extra `media`, which is not installed."))
        wanted = [(_full(strip.path), strip.count, strip.label) for strip in strips]
        made = await self._made({"work": "sheet", "strips": wanted}, deadline)
        return Sheet(
            jpeg=base64.b64decode(made["jpeg"]),
            width=made["width"],
            height=made["height"],
            columns=made["columns"],
            seconds=tuple(made["seconds"]),
            times=tuple(tuple(moments) for moments in made["times"]),
        )

    async def poster(self, path: Path) -> bytes:
        """Take one picture out of the middle, as JPEG.

        Raises:
            VideoUnusable: the video cannot be read, or it took too long.
        """
        made = await self._made({"work": "poster", "path": _full(path)}, _LOOKING)
        return base64.b64decode(made["jpeg"])

    async def stamp(self, source: Path, target: Path, metadata: Mapping[str, str]) -> bytes | None:
        """Write the video of `source` to `target` once more, the same bit for bit, with `metadata` in it.

        Returns a poster: one picture out of the middle, as JPEG, if there is one that can be decoded.

        Raises:
            VideoUnusable: it cannot be read, written, or would not be the same; `target` is gone.
        """
        order = {
            "work": "stamp",
            "source": _full(source),
            "target": _full(target),
            "metadata": dict(metadata),
        }
        try:
            await anyio.to_thread.run_sync(_make_private, target)
            poster = (await self._made(order, _LOOKING))["jpeg"]
            return base64.b64decode(poster) if poster else None
        except OSError as error:
            raise VideoUnusable(error.strerror or str(error)) from error
        except BaseException:
            with anyio.CancelScope(shield=True), suppress(OSError):
                await anyio.Path(target).unlink()
            raise

    async def _made(
        self, order: Mapping[str, Any], deadline: timedelta, progress: Progress | None = None
    ) -> dict[str, Any]:
        """Have a worker do it, in its turn.

        Raises:
            VideoUnusable: it cannot be done, took too long, or the worker died of it.
        """
        seconds = deadline.total_seconds()
        try:
            with anyio.fail_after(seconds):
                async with self._films if order["work"] == "join" else self._looks:
                    return await self._worked(order, progress)
        except TimeoutError as error:
            words = say("It took longer than {seconds} s and was given up.", seconds=f"{seconds:g}")
            raise VideoUnusable(words) from error

    async def _worked(self, order: Mapping[str, Any], progress: Progress | None) -> dict[str, Any]:
        # -P: a module in the folder where the server was started is not ours.
        command = [sys.executable, "-P", "-m", "wan_mcp.adapters.media.worker"]
        process = await self._started(command)
        try:
            return await _outcome(process, order, progress)
        finally:
            with anyio.CancelScope(shield=True):
                if process.returncode is None:
                    process.kill()
                await process.aclose()

    async def _started(self, command: Sequence[str]) -> Process:
        with anyio.CancelScope(shield=True):  # called off half-way, a start leaves a process that nobody waits for
            try:
                return await anyio.open_process(command, env=self._environment, stderr=subprocess.DEVNULL)
            except OSError as error:
                words = say("What reads videos cannot be started: {reason}.", reason=error.strerror or error)
                raise VideoUnusable(words) from error
        raise AssertionError("a shield without a deadline lets nothing end early")  # pragma: no cover


async def _outcome(process: Process, order: Mapping[str, Any], progress: Progress | None) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    lines = BufferedByteReceiveStream(process.stdout)
    try:
        await process.stdin.send(json.dumps(order).encode() + b"\n")
        while True:
            news = json.loads(await lines.receive_until(b"\n", _LONGEST_LINE))
            if "share" not in news:
                break
            if progress is not None:
                await progress(news["share"])
        with anyio.move_on_after(_LAST_BREATH.total_seconds()):
            await process.wait()
        if "unusable" in news:
            raise VideoUnusable(said(news["unusable"]).format(**news["values"]))
        return news["done"]
    except (anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError, OSError) as error:
        code = await process.wait()
        logger.warning("The worker that was to %s ended with %s", order["work"], code)
        raise VideoUnusable(say("The file brought its reader down; the server was not touched.")) from error


def _full(path: Path) -> str:
    return str(path.absolute())


def _make_private(part: Path) -> None:
    """What somebody had rendered is nobody else's business."""
    part.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _named(part: Path, target: Path) -> int:
    """Give a whole part its final name, and return its size."""
    size = part.stat().st_size
    part.replace(target)
    if os.name != "nt":
        handle = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    return size
