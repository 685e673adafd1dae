"""The sound of a film: that of each shot laid under its pictures to the sample, silence where there is none."""

# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false
# PyAV leaves the type of a packet open.

from array import array
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from .reading import reading

RATE = 48_000
_WIDE = 4
"""Bytes of one sample: two channels, 16 bits."""
_BLOCK = 1024
_SLIP = RATE // 50
"""Samples by which a frame's time may differ from its place before it is believed: files round their times."""


def at(seconds: Fraction) -> int:
    """The sample at a moment."""
    return round(seconds * RATE)


class Sound:
    """What one shot has to say, read on and on; close it when done."""

    def __init__(self, path: Path | None, *, start: Fraction = Fraction(0), samples: int) -> None:
        """`start` is when its pictures begin, in seconds of the file; more than `samples` nobody will ask for."""
        self._ready = bytearray()
        self._made = 0
        self._surplus = 0
        self._most = samples
        self._files = ExitStack()
        self._frames: Iterator[AudioFrame] = iter(())
        self._start = start
        self._resampler = AudioResampler(format="s16", layout="stereo", rate=RATE)
        if path is not None:
            container = self._files.enter_context(reading(path))
            if container.streams.audio:
                self._frames = container.decode(container.streams.audio[0])

    def close(self) -> None:
        """Close the file."""
        self._files.close()

    def read(self, samples: int) -> bytes:
        """The next samples, exactly so many."""
        wanted = samples * _WIDE
        while len(self._ready) < wanted and self._made < self._most and self._decode_more():
            pass
        taken = bytes(self._ready[:wanted])
        del self._ready[:wanted]
        return taken + bytes(wanted - len(taken))

    def _decode_more(self) -> bool:
        frame = next(self._frames, None)
        if frame is not None and frame.pts is not None and frame.time_base is not None:
            self._move_to(at(frame.pts * frame.time_base - self._start))
        for made in self._resampler.resample(frame):
            self._add(bytes(made.planes[0])[: made.samples * _WIDE])
        if frame is None:
            self._made = self._most
        return frame is not None

    def _move_to(self, place: int) -> None:
        """Silence up to `place`, or leave out what would sound after it: nothing may shift against the pictures."""
        gap, slip = place - self._made, _SLIP if self._made else 0
        if gap > slip:
            self._add(bytes(min(gap, self._most - self._made) * _WIDE))
        elif gap < -slip:
            self._surplus = -gap * _WIDE

    def _add(self, samples: bytes) -> None:
        left_out = min(self._surplus, len(samples))
        self._surplus -= left_out
        self._ready += samples[left_out:]
        self._made += (len(samples) - left_out) // _WIDE


def laid_out(sounds: Iterator[Sound], spans: list[tuple[Fraction, Fraction]]) -> Generator[AudioFrame]:
    """The whole film's sound in small frames; where two spans overlap, one sound fades into the next."""
    made = 0
    for block in _blocks(sounds, [(at(start), at(end)) for start, end in spans]):
        frame = av.AudioFrame(format="s16", layout="stereo", samples=len(block) // _WIDE)
        frame.planes[0].update(block)
        frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), made
        made += frame.samples
        yield frame


def _blocks(sounds: Iterator[Sound], spans: list[tuple[int, int]]) -> Generator[bytes]:
    sound, now = next(sounds), 0
    for (_, end), following in zip(spans, [*spans[1:], None], strict=True):
        until = following[0] if following else end
        while now < until:
            some = min(_BLOCK, until - now)
            yield sound.read(some)
            now += some
        if following is not None:
            after = next(sounds)
            if end > until:
                yield _faded(sound.read(end - until), after.read(end - until))
                now = end
            sound.close()
            sound = after
    sound.close()


def _faded(ending: bytes, beginning: bytes) -> bytes:
    before, after = array("h", ending), array("h", beginning)
    whole = len(before)
    return array(
        "h", ((old * (whole - n) + new * n) // whole for n, (old, new) in enumerate(zip(before, after, strict=True)))
    ).tobytes()
