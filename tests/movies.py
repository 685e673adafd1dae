"""Small videos made for a test, each with a flash and a beep at a known moment, and the ear and eye that find them."""

# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false

from array import array
from fractions import Fraction
from pathlib import Path

import av
from PIL import Image, ImageStat

RATE = 48_000
_LOUD = 6000


def make_movie(
    path: Path,
    *,
    seconds: float = 1,
    size: tuple[int, int] = (64, 48),
    fps: int = 24,
    signal_at: float = 0.5,
    sound: float | None = 1,
    sound_rate: int = RATE,
    channels: str = "mono",
    crf: int = 23,
    bframes: int = 2,
) -> Path:
    """Dark and silent, but for a twelfth of a second of light and noise; `sound` seconds of it in all, or no track."""
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        options = {"preset": "ultrafast", "crf": str(crf), "bf": str(bframes)}
        video = container.add_stream("libx264", rate=fps, options=options)
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        audio = container.add_stream("aac", rate=sound_rate, layout=channels) if sound is not None else None
        for number in range(round(seconds * fps)):
            lit = signal_at <= number / fps + 1e-6 < signal_at + 1 / 12
            frame = av.VideoFrame.from_image(Image.new("RGB", size, "white" if lit else "black"))
            frame.pts, frame.time_base = number, Fraction(1, fps)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio is not None:
            for frame in _beep(round((sound or 0) * sound_rate), round(signal_at * sound_rate), sound_rate):
                container.mux(audio.encode(frame))
            container.mux(audio.encode(None))
    return path


def _beep(length: int, begin: int, rate: int) -> list[av.AudioFrame]:
    high = [16000 if n // (rate // 2000) % 2 else -16000 for n in range(rate // 12)]
    samples = array("h", bytes(2 * max(length, begin + len(high))))
    samples[begin : begin + len(high)] = array("h", high)
    frames = list[av.AudioFrame]()
    for at in range(0, length, 1024):
        block = samples[at : min(at + 1024, length)]
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(block))
        frame.planes[0].update(block.tobytes())
        frame.sample_rate, frame.pts, frame.time_base = rate, at, Fraction(1, rate)
        frames.append(frame)
    return frames


def flashes(path: Path) -> list[float]:
    """When it becomes light, in seconds."""
    found, was_lit = list[float](), False
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            lit = ImageStat.Stat(frame.to_image().convert("L")).mean[0] > 100
            if lit and not was_lit:
                found.append(frame.time)
            was_lit = lit
    return found


def beeps(path: Path) -> list[float]:
    """When it becomes loud, in seconds."""
    found, last = list[float](), -RATE
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
        for decoded in container.decode(audio=0):
            for frame in resampler.resample(decoded):
                assert frame.pts is not None
                samples = array("h", bytes(frame.planes[0])[: 2 * frame.samples])
                for number, sample in enumerate(samples, frame.pts):
                    if abs(sample) > _LOUD:
                        if number - last > RATE // 5:
                            found.append(number / RATE)
                        last = number
    return found


def packets_of(path: Path, kind: str) -> list[bytes]:
    """What the stream consists of, as it is stored."""
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(**{kind: 0}) if packet.size]
