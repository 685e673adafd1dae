"""From pictures and sound to an MP4 that plays anywhere: H.264, AAC, the index first.

Needs the extra `media`.
"""

# pyright: reportUnknownMemberType=false
# PyAV leaves the type of a packet open.

import threading
from array import array
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.plane import VideoPlane
from av.video.stream import VideoStream
from PIL import Image

from .layers import Planes
from .picture import Picture
from .shot import Shot
from .sound import RATE, pad

__all__ = ["FPS", "Abandoned", "render"]

FPS = 24
BT709 = 1
VIDEO_RANGE = 1
SAMPLES = 1024


class Abandoned(Exception):
    """The server stops; nobody waits for this film any more."""


def render(shot: Shot, *, stop: threading.Event) -> bytes:
    """The film of a shot.

    Raises:
        Abandoned: `stop` was set meanwhile.
    """
    # In a file, since the index can be moved to the front only where the muxer can read back.
    with TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
            video = _video_stream(container, shot)
            audio = container.add_stream("aac", rate=RATE, layout="mono")
            audio.bit_rate = 64_000
            _write_video(container, video, Picture(shot), shot, stop)
            _write_audio(container, audio, pad(shot.seed, seconds=shot.seconds))
        return path.read_bytes()


def _video_stream(container: OutputContainer, shot: Shot) -> VideoStream:
    options = {"preset": "ultrafast", "crf": "25", "tune": "animation"}
    stream = container.add_stream("libx264", rate=FPS, options=options)
    stream.width, stream.height, stream.pix_fmt = shot.width, shot.height, "yuv420p"
    codec = stream.codec_context
    codec.thread_count = 2
    codec.gop_size = 2 * FPS
    codec.colorspace = codec.color_primaries = codec.color_trc = BT709
    codec.color_range = VIDEO_RANGE
    return stream


def _write_video(
    container: OutputContainer, stream: VideoStream, picture: Picture, shot: Shot, stop: threading.Event
) -> None:
    for number in range(shot.seconds * FPS):
        if stop.is_set():
            raise Abandoned
        frame = av.VideoFrame(shot.width, shot.height, "yuv420p")
        _fill(frame, picture.frame(number / FPS))
        frame.pts = number
        frame.time_base = Fraction(1, FPS)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _fill(frame: av.VideoFrame, planes: Planes) -> None:
    for plane, image in zip(frame.planes, (planes.y, planes.u, planes.v), strict=True):
        plane.update(_as_stored(image, plane))


def _as_stored(image: Image.Image, plane: VideoPlane) -> bytes:
    """The bytes of a plane, whose lines may be longer in memory than in the picture."""
    if plane.line_size == image.width:
        return image.tobytes()
    return image.crop((0, 0, plane.line_size, image.height)).tobytes()


def _write_audio(container: OutputContainer, stream: AudioStream, sound: "array[int]") -> None:
    for at in range(0, len(sound), SAMPLES):
        part = sound[at : at + SAMPLES]
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(part))
        frame.planes[0].update(part.tobytes())
        frame.sample_rate = RATE
        frame.pts = at
        frame.time_base = Fraction(1, RATE)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
