"""The pictures of a film that is encoded anew: every shot at one rate and size, a card of letters before them."""

# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false
# PyAV and pillow leave some types open.

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from PIL import Image

from wan_mcp.domain.language import later

from .reading import Unusable, reading, video_of

_BLACK = (16, 128, 128)
"""As Y, U and V."""


@dataclass(frozen=True)
class Canvas:
    """What every picture of the film is brought to."""

    width: int
    height: int
    fps: Fraction


def pictures(path: Path, canvas: Canvas, *, start: Fraction) -> Generator[VideoFrame]:
    """One shot's pictures at the film's rate, the last one for ever: `start` is when they begin in the file."""
    with reading(path) as container:
        frames = container.decode(video_of(container, path))
        following: VideoFrame | None = next(frames, None)
        if following is None:
            raise Unusable(later("None of the pictures in {file} can be decoded."), file=path.name)
        shown, number = _fitted(following, canvas), 0
        while True:
            now = start + Fraction(number) / canvas.fps + Fraction(1, 1000)
            latest: VideoFrame | None = None
            while following is not None and (following.pts is None or following.time <= now):
                latest, following = following, next(frames, None)
            shown = _fitted(latest, canvas) if latest is not None else shown
            yield shown
            number += 1


def still(image: Image.Image, canvas: Canvas) -> Generator[VideoFrame]:
    """One picture for ever."""
    frame = av.VideoFrame.from_image(image).reformat(
        canvas.width, canvas.height, "yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG"
    )
    while True:
        yield frame


def following_each_other(
    shots: Iterator[Iterator[VideoFrame]], spans: list[tuple[int, int]], canvas: Canvas
) -> Generator[VideoFrame]:
    """The film's pictures: `spans` are each shot's first and last (excluded); where two overlap, one fades into the
    other. Two shots are open at once at most."""
    shot, now = next(shots), 0
    for (_, end), following in zip(spans, [*spans[1:], None], strict=True):
        until = following[0] if following else end
        yield from _numbered(islice(shot, until - now), now, canvas)
        now = until
        if following is not None:
            after = next(shots)
            fade = end - until
            blended = (_blended(next(shot), next(after), Fraction(n + 1, fade + 1), canvas) for n in range(fade))
            yield from _numbered(blended, now, canvas)
            now, shot = end, after


def _numbered(frames: Iterator[VideoFrame], first: int, canvas: Canvas) -> Generator[VideoFrame]:
    for number, frame in enumerate(frames, first):
        frame.pts, frame.time_base = number, 1 / canvas.fps
        # As the decoder says it of this picture; the encoder would force the same kind on its own.
        frame.pict_type = 0
        yield frame


def _fitted(frame: VideoFrame, canvas: Canvas) -> VideoFrame:
    """Scaled into the film's size, with black beside it where the shape is another."""
    if (frame.width, frame.height) == (canvas.width, canvas.height):
        return frame.reformat(format="yuv420p")
    share = min(Fraction(canvas.width, frame.width), Fraction(canvas.height, frame.height))
    width, height = (max(2, int(side * share) // 2 * 2) for side in (frame.width, frame.height))
    scaled = frame.reformat(width, height, "yuv420p")
    if (width, height) == (canvas.width, canvas.height):
        return scaled
    whole = av.VideoFrame(canvas.width, canvas.height, "yuv420p")
    left, top = (canvas.width - width) // 4 * 2, (canvas.height - height) // 4 * 2
    for number, (plane, part, black) in enumerate(zip(whole.planes, scaled.planes, _BLACK, strict=True)):
        halved = 2 if number else 1
        image = Image.new("L", (plane.width, plane.height), black)
        image.paste(_image(part), (left // halved, top // halved))
        _fill(plane, image)
    return whole


def _blended(old: VideoFrame, new: VideoFrame, share: Fraction, canvas: Canvas) -> VideoFrame:
    made = av.VideoFrame(canvas.width, canvas.height, "yuv420p")
    for plane, before, after in zip(made.planes, old.planes, new.planes, strict=True):
        _fill(plane, Image.blend(_image(before), _image(after), float(share)))
    return made


def _image(plane: VideoPlane) -> Image.Image:
    """A plane's light; its lines may be longer in memory than in the picture."""
    size = (plane.width, plane.height)
    return Image.frombuffer("L", size, bytes(plane), "raw", "L", plane.line_size, 1)


def _fill(plane: VideoPlane, image: Image.Image) -> None:
    if plane.line_size != image.width:
        image = image.crop((0, 0, plane.line_size, image.height))
    plane.update(image.tobytes())
