"""A quiet pad of sound, so that a simulated video is not silent either."""

import math
from array import array
from functools import lru_cache
from random import Random

__all__ = ["RATE", "pad"]

RATE = 24000
LOOP = 2  # seconds; every tone below swings a whole number of times in them, so the loop has no seam
ROOTS = (110, 123, 131, 147, 165, 175, 196)  # hertz, about A2 to G3
CHORD = ((1.0, 0.55), (1.5, 0.3), (2.0, 0.25))
LOUDNESS = 3600  # of 32767
FADE = 0.8  # seconds


def pad(seed: int, *, seconds: int) -> "array[int]":
    """So many seconds of a soft chord whose pitch depends on the seed: 16 bit, one channel."""
    root = Random(seed).choice(ROOTS)
    loop = _loop(root)
    sound = array("h", (loop * math.ceil(seconds / LOOP))[: seconds * RATE])
    ramp = int(FADE * RATE)
    for at in range(ramp):
        share = at / ramp
        sound[at] = int(sound[at] * share)
        sound[-1 - at] = int(sound[-1 - at] * share)
    return sound


@lru_cache(maxsize=len(ROOTS))
def _loop(root: int) -> "array[int]":
    tones = [(math.tau * round(root * ratio * LOOP) / LOOP / RATE, loudness) for ratio, loudness in CHORD]
    breath = math.tau / LOOP / RATE
    return array(
        "h",
        (
            int(
                LOUDNESS
                * (0.75 + 0.25 * math.sin(breath * at))
                * sum(loudness * math.sin(step * at) for step, loudness in tones)
            )
            for at in range(LOOP * RATE)
        ),
    )
