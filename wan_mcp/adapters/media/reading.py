"""Opening a video file whose content nobody vouches for: what it may cost is settled before a picture is decoded."""

# pyright: reportUnknownMemberType=false
# PyAV leaves the type of a packet open.

from collections.abc import Generator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from wan_mcp.domain.language import later

MOST_PIXELS = 4096 * 2304
"""Of one picture: four times what the largest size has. A frame of it takes 14 MB."""
LONGEST = 4 * 3600
"""Seconds. A film of 60 shots has ten minutes."""
_SLOWEST, _FASTEST = 1, 120
_USUAL_FPS = Fraction(24)


class Unusable(Exception):
    """This file cannot be used as a video.

    The worker that finds it speaks to nobody: `template` and `values` are put into words where somebody listens.
    """

    def __init__(self, template: str, **values: str | int) -> None:
        super().__init__(template.format(**values))
        self.template = template
        self.values = values


@contextmanager
def reading(path: Path) -> Generator[InputContainer]:
    """Open an MP4.

    Only as one: a file of this name that is a playlist would have the decoder open whatever it names.

    Raises:
        Unusable: it is missing, empty, no MP4, or breaks off while it is read.
    """
    try:
        with av.open(str(path), "r", format="mov", metadata_errors="replace") as container:
            yield container
    except FFmpegError as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: FFmpegError) -> Unusable:
    if isinstance(error, FileNotFoundError):
        return Unusable(later("{file} is no longer where it was saved."), file=path.name)
    if path.is_file() and path.stat().st_size == 0:
        return Unusable(later("{file} is empty."), file=path.name)
    return Unusable(
        later("{file} cannot be read as an MP4 video ({reason})."), file=path.name, reason=str(error.strerror)
    )


def video_of(container: InputContainer, path: Path) -> VideoStream:
    """Return its video, with the decoder bound to what a picture may cost.

    Raises:
        Unusable: it has none, or a picture of it is too large.
    """
    if not container.streams.video:
        raise Unusable(later("{file} has no pictures in it."), file=path.name)
    stream = container.streams.video[0]
    codec = stream.codec_context
    if not 0 < codec.width * codec.height <= MOST_PIXELS:
        raise Unusable(
            later("{file} has pictures of {width}*{height}, and {most} pixels is the most that is looked at."),
            file=path.name,
            width=codec.width,
            height=codec.height,
            most=MOST_PIXELS,
        )
    # The header may lie, and the size may change on the way: this one the decoder itself keeps.
    codec.options = {"max_pixels": str(MOST_PIXELS)}
    codec.thread_count = 2
    return stream


def rate_of(stream: VideoStream) -> Fraction:
    """Pictures a second, in bounds; a file may claim anything."""
    rate = stream.average_rate
    return rate if rate is not None and _SLOWEST <= rate <= _FASTEST else _USUAL_FPS
