"""Shots, in order, into one MP4. The pictures are copied as they are wherever the shots are of one kind.

The sound never is: a copied AAC stream begins with its encoder's delay (21 ms or more) and ends on a block of 1024
samples, so that sixty shots would shift a second against their pictures, or click. It is decoded, laid under the
pictures to the sample, and encoded once.

Nothing here grows with the number of shots but the MP4's own index: a shot is open only while it is read.
"""

# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false
# PyAV leaves the type of a packet open.

import os
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import accumulate, chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream
from PIL import Image

from wan_mcp.domain.language import later

from . import letters
from .pictures import Canvas, following_each_other, pictures, still
from .reading import LONGEST, Unusable, rate_of, reading, video_of
from .sound import RATE, Sound, at, laid_out

if TYPE_CHECKING:  # a name in PyAV's types only
    from av.container.core import Chapter

_CARD_SECONDS = 3
_COPIED = ("h264", "hevc")
Span = tuple[Fraction, Fraction]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is to be made. `Workshop.join` says what each part means."""

    shots: tuple[Path, ...]
    titles: tuple[str, ...]
    crossfade: float = 0
    title_card: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True)
class Made:
    """What was made."""

    seconds: float
    is_copied: bool
    """The pictures are the shots' own, bit for bit."""
    chapters: tuple[tuple[str, float, float], ...]
    """Title, and from when to when, in seconds."""
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Shot:
    path: Path
    width: int
    height: int
    fps: Fraction
    start: Fraction
    """When its first picture is shown, in seconds of the file."""
    length: Fraction
    has_sound: bool
    kind: tuple[object, ...]
    """What must be equal for pictures to follow each other in one stream."""


@dataclass(frozen=True, kw_only=True)
class _Plan:
    shots: tuple[_Shot, ...]
    card: Image.Image | None
    canvas: Canvas
    is_copied: bool
    frames: list[tuple[int, int]]
    """Of each part its first picture and the one after its last, as they are numbered in the film."""
    spans: list[Span]
    """The same in seconds."""


def join(wanted: Wanted, part: Path, on_progress: Callable[[float], None]) -> Made:
    """Write the film to `part`, whole and on the disk when this returns.

    Raises:
        Unusable: a shot cannot be read.
    """
    plan = _planned(wanted)
    names = (wanted.title_card or "", *wanted.titles) if plan.card else wanted.titles
    chapters = _chapters(names, plan.spans)
    try:
        with av.open(str(part), "w", format="mp4", options={"movflags": "+faststart"}) as film:
            film.metadata.update(wanted.metadata)
            film.set_chapters([_chapter(number, *chapter) for number, chapter in enumerate(chapters)])
            packets = _copied(film, plan) if plan.is_copied else _encoded(film, plan)
            audio = _audio_stream(film) if any(shot.has_sound for shot in plan.shots) else None
            sound = laid_out(_sounds(plan), plan.spans)
            _interleave(film, packets, audio, sound, length=plan.spans[-1][1], on_progress=on_progress)
    except FFmpegError as error:
        raise Unusable(later("The film cannot be written ({reason})."), reason=str(error.strerror)) from error
    _to_disk(part)
    left_out = later("The title card was left out: no font of this machine has its letters.")
    return Made(
        seconds=float(plan.spans[-1][1]),
        is_copied=plan.is_copied,
        chapters=tuple((title, float(start), float(end)) for title, start, end in chapters),
        remarks=(left_out,) if wanted.title_card and plan.card is None else (),
    )


def _planned(wanted: Wanted) -> _Plan:
    shots = tuple(_looked_at(path) for path in wanted.shots)
    canvas = Canvas(shots[0].width // 2 * 2, shots[0].height // 2 * 2, shots[0].fps)
    card = letters.card(wanted.title_card, canvas.width, canvas.height) if wanted.title_card else None
    is_copied = not wanted.crossfade and card is None and _are_of_one_kind(shots)
    lengths = [*([Fraction(_CARD_SECONDS)] if card else []), *(shot.length for shot in shots)]
    frames = _overlapping(lengths, canvas.fps, wanted.crossfade)
    spans = [(first / canvas.fps, last / canvas.fps) for first, last in frames]
    if is_copied:
        ends = [Fraction(0), *accumulate(lengths)]
        spans = list(pairwise(ends))
    return _Plan(shots=shots, card=card, canvas=canvas, is_copied=is_copied, frames=frames, spans=spans)


def _looked_at(path: Path) -> _Shot:
    """Read all of a shot's packets once: what its header says of its length may be wrong."""
    with reading(path) as container:
        stream = video_of(container, path)
        per_second, fps = stream.time_base or Fraction(1, 1000), rate_of(stream)
        first, last = None, 0
        for packet in container.demux(stream):
            if packet.pts is not None:
                first = packet.pts if first is None else min(first, packet.pts)
                last = max(last, packet.pts + (packet.duration or round(1 / fps / per_second)))
        if first is None or last <= first:
            raise Unusable(later("{file} has no pictures in it."), file=path.name)
        if (last - first) * per_second > LONGEST:
            raise Unusable(later("{file} is longer than {hours} hours."), file=path.name, hours=LONGEST // 3600)
        codec = stream.codec_context
        return _Shot(
            path=path,
            width=codec.width,
            height=codec.height,
            fps=fps,
            start=first * per_second,
            length=(last - first) * per_second,
            has_sound=bool(container.streams.audio),
            kind=(codec.name, codec.width, codec.height, codec.extradata, per_second, stream.sample_aspect_ratio),
        )


def _are_of_one_kind(shots: tuple[_Shot, ...]) -> bool:
    return shots[0].kind[0] in _COPIED and len({shot.kind for shot in shots}) == 1


def _overlapping(lengths: list[Fraction], fps: Fraction, crossfade: float) -> list[tuple[int, int]]:
    """Lay parts on the film's pictures; no part gives more than a third of itself to each neighbour."""
    counts = [max(1, round(length * fps)) for length in lengths]
    fade = min(round(Fraction(crossfade) * fps), min(counts) // 3)
    placed, now = list[tuple[int, int]](), 0
    for count in counts:
        placed.append((now, now + count))
        now += count - fade
    return placed


def _chapters(names: tuple[str, ...], spans: list[Span]) -> list[tuple[str, Fraction, Fraction]]:
    """Each from its own beginning to the next one's."""
    ends = [*(start for start, _ in spans[1:]), spans[-1][1]]
    return [(name, start, end) for name, (start, _), end in zip(names, spans, ends, strict=True)]


def _chapter(number: int, title: str, start: Fraction, end: Fraction) -> "Chapter":
    thousandth = Fraction(1, 1000)
    return {
        "id": number,
        "start": round(start / thousandth),
        "end": round(end / thousandth),
        "time_base": thousandth,
        "metadata": {"title": title},
    }


# Pictures


def _copied(film: OutputContainer, plan: _Plan) -> Iterator["Packet[VideoStream]"]:
    with reading(plan.shots[0].path) as container:
        stream = film.add_stream_from_template(video_of(container, plan.shots[0].path))
    return _copied_packets(stream, plan)


def _copied_packets(stream: VideoStream, plan: _Plan) -> Generator["Packet[VideoStream]"]:
    for shot, (start, _) in zip(plan.shots, plan.spans, strict=True):
        with reading(shot.path) as container:
            source = video_of(container, shot.path)
            for packet in container.demux(source):
                if packet.pts is None or packet.dts is None:
                    continue
                later = int((start - shot.start) / packet.time_base)
                packet.pts, packet.dts = packet.pts + later, packet.dts + later
                packet.stream = stream
                yield packet


def _encoded(film: OutputContainer, plan: _Plan) -> Iterator["Packet[VideoStream]"]:
    canvas = plan.canvas
    options = {"preset": "veryfast", "crf": "18"}
    stream = film.add_stream("libx264", rate=canvas.fps, options=options)
    stream.width, stream.height, stream.pix_fmt = canvas.width, canvas.height, "yuv420p"
    stream.codec_context.thread_count = 2
    with reading(plan.shots[0].path) as container:
        source, codec = video_of(container, plan.shots[0].path).codec_context, stream.codec_context
        codec.colorspace, codec.color_range = source.colorspace, source.color_range
        codec.color_primaries, codec.color_trc = source.color_primaries, source.color_trc
    return _encoded_packets(stream, plan)


def _encoded_packets(stream: VideoStream, plan: _Plan) -> Generator["Packet[VideoStream]"]:
    shots = (pictures(shot.path, plan.canvas, start=shot.start) for shot in plan.shots)
    card = [still(plan.card, plan.canvas)] if plan.card else []
    for frame in following_each_other(chain(card, shots), plan.frames, plan.canvas):
        yield from stream.encode(frame)
    yield from stream.encode(None)


# Sound


def _audio_stream(film: OutputContainer) -> AudioStream:
    stream = film.add_stream("aac", rate=RATE, layout="stereo")
    stream.bit_rate = 192_000
    return stream


def _sounds(plan: _Plan) -> Iterator[Sound]:
    lengths = [at(end) - at(start) for start, end in plan.spans]
    if plan.card:
        yield Sound(None, samples=lengths.pop(0))
    for shot, samples in zip(plan.shots, lengths, strict=True):
        yield Sound(shot.path, start=shot.start, samples=samples)


def _interleave(
    film: OutputContainer,
    packets: Iterator["Packet[VideoStream]"],
    audio: AudioStream | None,
    sound: Iterator[AudioFrame],
    *,
    length: Fraction,
    on_progress: Callable[[float], None],
) -> None:
    """Write both as they are shown, so that the muxer holds neither back for the other."""
    heard = Fraction(0)
    for packet in packets:
        now = (packet.dts or 0) * packet.time_base
        while audio is not None and heard <= now and (frame := next(sound, None)) is not None:
            heard = heard + Fraction(frame.samples, RATE)
            film.mux(audio.encode(frame))
        film.mux(packet)
        on_progress(float(min(now / length, Fraction(1))))
    if audio is not None:
        for frame in sound:
            film.mux(audio.encode(frame))
        film.mux(audio.encode(None))


def _to_disk(part: Path) -> None:
    handle = os.open(part, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
