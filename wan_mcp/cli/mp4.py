"""What an MP4 file holds: by decoding it where PyAV is installed (extra `media`), else from its header."""

# pyright: reportUnknownMemberType=false
# PyAV leaves the types of some members open.

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

_CODECS = {"h264": "H.264", "avc1": "H.264", "hevc": "H.265", "hvc1": "H.265", "aac": "AAC", "mp4a": "AAC"}


class NotAVideo(Exception):
    """The file holds no video, or not all of it."""


@dataclass(frozen=True, kw_only=True)
class Movie:
    """What a player would find."""

    codec: str
    width: int
    height: int
    seconds: float
    fps: float
    audio: str | None
    """Codec and sample rate of the sound, where there is any."""


def probe(path: Path) -> Movie:
    """Say what is in an MP4 file.

    Raises:
        NotAVideo: nothing that could be played whole.
    """
    return by_decoding(path) if find_spec("av") else by_header(path)


def by_decoding(path: Path) -> Movie:
    """Decode every frame.

    Raises:
        NotAVideo: one cannot be decoded, or there is none.
    """
    import av
    from av.error import FFmpegError

    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise NotAVideo(f"{path} has no picture.")
            video = container.streams.video[0]
            frames = sum(1 for _ in container.decode(video))
            fps = float(video.average_rate or 0)
            sound = container.streams.audio[0] if container.streams.audio else None
            if not frames or not fps:
                raise NotAVideo(f"{path} has no frames.")
            return Movie(
                codec=_codec(video.codec_context.name),
                width=video.width,
                height=video.height,
                seconds=round(frames / fps, 2),
                fps=round(fps, 2),
                audio=_sound(sound.codec_context.name, sound.rate or 0) if sound else None,
            )
    except (FFmpegError, OSError) as error:
        raise NotAVideo(f"{path} cannot be decoded: {error}") from error


def _codec(name: str) -> str:
    return _CODECS.get(name, name)


def _sound(name: str, rate: int) -> str:
    return f"{_codec(name)} {rate / 1000:g} kHz"


# The header, as ISO/IEC 14496-12 lays it out: boxes of length, four letters, content; some hold further boxes.


def by_header(path: Path) -> Movie:
    """Read the header; that the picture data is as long as it says is all that is known of the rest.

    Raises:
        NotAVideo: there is no whole header, or the data after it is cut off.
    """
    try:
        boxes = dict(_boxes(path.read_bytes()))
        tracks = [_Track.of(content) for name, content in _boxes(boxes[b"moov"]) if name == b"trak"]
        video = next(track for track in tracks if track.handler == b"vide")
        sound = next((track for track in tracks if track.handler == b"soun"), None)
        width, height = struct.unpack_from(">HH", video.entry, 32)
        if b"mdat" not in boxes or not video.samples:
            raise NotAVideo(f"{path} has no picture data.")
        return Movie(
            codec=_codec(video.format),
            width=width,
            height=height,
            seconds=round(video.seconds, 2),
            fps=round(video.samples / video.seconds, 2),
            audio=_sound(sound.format, struct.unpack_from(">H", sound.entry, 32)[0]) if sound else None,
        )
    except (OSError, KeyError, StopIteration, struct.error, ZeroDivisionError, UnicodeDecodeError) as error:
        raise NotAVideo(f"{path} has no header that can be read.") from error


@dataclass(frozen=True, kw_only=True)
class _Track:
    handler: bytes
    entry: bytes
    """The first sample entry: which codec, and its measures."""
    samples: int
    seconds: float

    @property
    def format(self) -> str:
        return self.entry[4:8].decode("ascii")

    @classmethod
    def of(cls, content: bytes) -> "_Track":
        media = dict(_boxes(dict(_boxes(content))[b"mdia"]))
        table = dict(_boxes(dict(_boxes(media[b"minf"]))[b"stbl"]))
        header, times = media[b"mdhd"], table[b"stts"]
        ticks, length = (
            struct.unpack_from(">IQ", header, 20) if header[0] == 1 else struct.unpack_from(">II", header, 12)
        )
        (runs,) = struct.unpack_from(">I", times, 4)
        return cls(
            handler=media[b"hdlr"][8:12],
            entry=table[b"stsd"][8:],
            samples=sum(struct.unpack_from(">I", times, 8 + 8 * run)[0] for run in range(runs)),
            seconds=length / ticks,
        )


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1:  # the length is the next eight bytes
            (size,) = struct.unpack_from(">Q", data, at + 8)
            head = 16
        elif size == 0:  # to the end of the file
            size = len(data) - at
        if size < head or at + size > len(data):
            raise struct.error("a box reaches beyond its place")
        yield name, data[at + head : at + size]
        at += size
