"""Pictures out of videos: a contact sheet for whoever cannot watch them, a poster for whoever browses.

Each picture is the one on the screen at its moment, found by going to the key picture before it and decoding on.
"""

# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false
# PyAV and pillow leave some types open.

import io
import math
from collections.abc import Generator
from fractions import Fraction
from pathlib import Path

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image, ImageDraw

from wan_mcp.domain.language import later

from . import letters
from .order import Sheet, Strip
from .reading import LONGEST, Unusable, reading, video_of

MOST_BYTES = 150_000
"""Of a sheet: what a model can take without its conversation filling up."""
_SIDE = 1536
"""Pixels of a sheet's longer side; hosts shrink what is larger before a model sees it."""
_CELL = 768
_GAP = 4
_POSTER_SIDE = 1280
_NEAR = 2
"""Seconds up to which decoding on is cheaper than going to a key picture."""


def sheet(strips: list[Strip]) -> Sheet:
    """Lay pictures side by side, each with its time on it, in reading order.

    Raises:
        Unusable: a video cannot be read.
    """
    cells, lengths, times = list[tuple[Image.Image, str]](), list[float](), list[tuple[float, ...]]()
    most = sum(strip.count for strip in strips)
    for strip in strips:
        moments = list[float]()
        with reading(strip.path) as container:
            stream = video_of(container, strip.path)
            length = _length(container, stream, strip.path)
            for moment, frame in _spread(container, stream, length, strip):
                moments.append(float(moment))
                cells.append((_small(frame, most), " · ".join(filter(None, (strip.label, _clock(moment))))))
        lengths.append(float(length))
        times.append(tuple(moments))
    columns = _columns(len(cells), cells[0][0].width / cells[0][0].height)
    jpeg, size = _within(_laid_out(cells, columns))
    return Sheet(jpeg=jpeg, width=size[0], height=size[1], columns=columns, seconds=tuple(lengths), times=tuple(times))


def poster(path: Path) -> bytes:
    """One picture out of the middle, as JPEG.

    Raises:
        Unusable: the video cannot be read.
    """
    with reading(path) as container:
        stream = video_of(container, path)
        strip = Strip(path=path, count=1)
        [(_, frame)] = _spread(container, stream, _length(container, stream, path), strip)
        return _jpeg(_scaled(frame, _POSTER_SIDE), 85)


def _length(container: InputContainer, stream: VideoStream, path: Path) -> Fraction:
    """What the file says; where it says nothing, what its packets come to."""
    per_second = stream.time_base or Fraction(1, 1000)
    length = (stream.duration or 0) * per_second
    if length <= 0:
        ends = [packet.pts + (packet.duration or 1) for packet in container.demux(stream) if packet.pts is not None]
        length = max(ends, default=0) * per_second
        container.seek(0)
    if not 0 < length <= LONGEST:
        raise Unusable(later("{file} has no pictures in it."), file=path.name)
    return length


def _spread(
    container: InputContainer, stream: VideoStream, length: Fraction, strip: Strip
) -> Generator[tuple[Fraction, VideoFrame]]:
    """Cut the video into equal parts and show the middle of each."""
    per_second, start = stream.time_base or Fraction(1, 1000), stream.start_time or 0
    step = length / strip.count
    frames, following, shown = iter(container.decode(stream)), None, None
    for number in range(strip.count):
        moment = step * number + step / 2
        if number == 0 or step > _NEAR:
            container.seek(start + int(moment / per_second), stream=stream)
            frames, following = iter(container.decode(stream)), None
        following = following or next(frames, None)
        while following is not None and _time(following, start, per_second) <= moment:
            shown, following = following, next(frames, None)
        shown = shown or following
        if shown is None:
            raise Unusable(later("None of the pictures in {file} can be decoded."), file=strip.path.name)
        yield moment, shown


def _time(frame: VideoFrame, start: int, per_second: Fraction) -> Fraction:
    return ((frame.pts or 0) - start) * per_second


def _small(frame: VideoFrame, most: int) -> Image.Image:
    """A cell; with sixty of them on a sheet each is smaller from the start."""
    return _scaled(frame, min(_CELL, max(96, round(2 * _SIDE / math.sqrt(most)))))


def _scaled(frame: VideoFrame, side: int) -> Image.Image:
    share = min(1.0, side / max(frame.width, frame.height))
    width, height = (max(2, round(part * share)) for part in (frame.width, frame.height))
    return frame.reformat(width, height, "rgb24").to_image()


def _clock(moment: Fraction) -> str:
    minutes, seconds = divmod(float(moment), 60)
    return f"{int(minutes)}:{seconds:04.1f}"


def _columns(count: int, shape: float) -> int:
    """As many as bring the sheet nearest to 4:3, with few places left empty."""

    def fault(columns: int) -> float:
        rows = -(-count // columns)
        return abs(math.log(columns * shape / rows / (4 / 3))) + 2 * (columns * rows - count) / count

    return min(range(1, count + 1), key=fault)


def _laid_out(cells: list[tuple[Image.Image, str]], columns: int) -> Image.Image:
    rows = -(-len(cells) // columns)
    wide, high = max(image.width for image, _ in cells), max(image.height for image, _ in cells)
    share = min(1.0, (_SIDE / columns - _GAP) / wide, (_SIDE / rows - _GAP) / high)
    wide, high = max(1, int(wide * share)), max(1, int(high * share))
    whole = Image.new("RGB", (columns * (wide + _GAP) + _GAP, rows * (high + _GAP) + _GAP), (24, 24, 26))
    for number, (image, words) in enumerate(cells):
        left, top = _GAP + number % columns * (wide + _GAP), _GAP + number // columns * (high + _GAP)
        fitted = image.copy()
        fitted.thumbnail((wide, high), Image.Resampling.LANCZOS)
        left, top = left + (wide - fitted.width) // 2, top + (high - fitted.height) // 2
        whole.paste(fitted, (left, top))
        _stamp(whole, words, left, top + fitted.height, fitted.width)
    return whole


def _stamp(image: Image.Image, words: str, left: int, bottom: int, width: int) -> None:
    """White on black in the lower left corner, whatever the picture is."""
    draw = ImageDraw.Draw(image)
    size = max(11, min(26, width // 14))
    font = letters.font(size, words) or letters.font(size, "0")
    box = draw.textbbox((0, 0), words, font=font)
    edge = max(2, size // 4)
    top = bottom - (box[3] - box[1]) - 2 * edge
    draw.rectangle((left, top, left + box[2] + 2 * edge, bottom - 1), fill=(0, 0, 0))
    draw.text((left + edge, top + edge - box[1]), words, font=font, fill=(255, 255, 255))


def _within(image: Image.Image) -> tuple[bytes, tuple[int, int]]:
    """As good as fits into the allowance: first coarser, then smaller."""
    while True:
        for quality in (88, 80, 72, 64, 56, 48):
            if len(jpeg := _jpeg(image, quality)) <= MOST_BYTES:
                return jpeg, image.size
        image = image.resize((image.width * 4 // 5, image.height * 4 // 5), Image.Resampling.LANCZOS)


def _jpeg(image: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality, optimize=True, progressive=True)
    return file.getvalue()
