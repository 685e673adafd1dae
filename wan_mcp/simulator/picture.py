"""The scene of a prompt: sky, moon or sun, drifting ridges, small lights, and the words.

What stands still is drawn once; a frame is some pastes. Needs the extra `media`.
"""

# pyright: reportUnknownMemberType=false
# Pillow leaves some of its types open.

import math
from dataclasses import dataclass
from random import Random

from PIL import Image, ImageChops, ImageDraw

from .layers import Layer, Planes, flat, gradient
from .lettering import caption_layer, counter_layers, watermark_layer
from .moods import fingerprint, mood_of
from .shot import Shot

__all__ = ["Picture"]

RIDGES = ((0.56, 0.07, 6), (0.68, 0.08, 14), (0.80, 0.07, 30))
"""Of each ridge: where it lies in the picture, how far it swings, and how many pixels it drifts
in a second, at 720 lines."""

HORIZON = 0.64
LIGHTS = 48
EDGES = 4  # ridges are drawn so many times too large, and shrunk, for smooth edges


@dataclass(frozen=True)
class _Light:
    x: float
    y: float
    pace: float
    sway: float
    phase: float
    size: int


class Picture:
    """All frames of a shot."""

    def __init__(self, shot: Shot) -> None:
        self._shot = shot
        self._width, self._height = shot.width, shot.height
        self._unit = min(shot.width, shot.height) / 720
        self._random = Random(fingerprint(shot.prompt, shot.seed))
        self._mood = mood_of(shot.prompt, shot.seed)
        self._orb_at = self._random.uniform(0.58, 0.80), self._random.uniform(0.20, 0.32)
        self._ridges = [self._ridge(index) for index in range(len(RIDGES))]
        self._lights = [self._light() for _ in range(LIGHTS)]
        self._glows = [_glow(self._mood.lights, max(4, round(size * self._unit))) for size in (5, 8, 13)]
        self._orb = _orb(self._mood.orb, round(62 * self._unit))
        self._sky = self._painted_sky()
        self._caption = caption_layer(shot, unit=self._unit)
        self._counters = counter_layers(shot.seconds, unit=self._unit)
        self._watermark = watermark_layer(unit=self._unit) if shot.watermark else None
        self._bar = flat(self._width, max(2, round(5 * self._unit) & ~1), colour=self._mood.orb)

    def frame(self, second: float) -> Planes:
        """The picture at a time."""
        canvas = self._sky.copy()
        is_starry = self._mood.motion == "twinkle"
        if is_starry:
            self._put_lights(canvas, second)
        self._put_orb(canvas, second)
        for (_, _, speed), (ridge, top) in zip(RIDGES, self._ridges, strict=True):
            ridge.window_onto(canvas, left=int(second * speed * self._unit), y=top)
        if not is_starry:
            self._put_lights(canvas, second)
        self._put_words(canvas, second)
        return canvas

    def _painted_sky(self) -> Planes:
        """The sky down to the horizon; the ridges hide what is below."""
        horizon = round(self._height * HORIZON) & ~1
        sky = flat(self._width, self._height, colour=self._mood.sky[-1])
        upper = gradient(self._width, horizon, colours=self._mood.sky)
        for plane, part in ((sky.y, upper.y), (sky.u, upper.u), (sky.v, upper.v)):
            plane.paste(part, (0, 0))
        return sky

    def _put_orb(self, canvas: Planes, second: float) -> None:
        x, y = self._orb_at
        share = second / self._shot.seconds
        size = self._orb.mask.width
        left = x * self._width - size / 2 - share * 70 * self._unit
        top = y * self._height - size / 2 - math.sin(share * math.pi) * 24 * self._unit
        self._orb.onto(canvas, x=round(left), y=round(top))

    def _put_lights(self, canvas: Planes, second: float) -> None:
        for light in self._lights:
            x, y = self._place(light, second)
            self._glows[self._glow_of(light, second)].light_onto(canvas, x=round(x), y=round(y))

    def _glow_of(self, light: _Light, second: float) -> int:
        """Stars are small, and some of them flare up; other lights keep their size."""
        if self._mood.motion != "twinkle":
            return light.size
        return 1 if math.sin(second * 2 * light.pace + light.phase) > 0.6 else 0

    def _place(self, light: _Light, second: float) -> tuple[float, float]:
        x = light.x * self._width + math.sin(second * light.sway + light.phase) * 18 * self._unit
        travel = second * light.pace * 46 * self._unit
        match self._mood.motion:
            case "twinkle":
                return light.x * self._width, light.y * self._height * 0.6
            case "fall":
                return x, (light.y * self._height + travel) % (self._height + 40) - 20
            case "rise":
                return x, (light.y * self._height - travel) % (self._height + 40) - 20

    def _put_words(self, canvas: Planes, second: float) -> None:
        self._caption.onto(canvas, x=0, y=self._height - self._caption.mask.height)
        margin = round(40 * self._unit)
        counter = self._counters[min(int(second), self._shot.seconds - 1)]
        counter.onto(canvas, x=self._width - counter.mask.width - margin, y=margin)
        if self._watermark is not None:
            mark = self._watermark.mask
            self._watermark.onto(canvas, x=self._width - mark.width - margin, y=self._height - mark.height - margin)
        # How far the video is, as a line along the lower edge.
        done = round(self._width * second / self._shot.seconds) & ~1
        if done:
            part = self._bar.part(0, done)
            canvas.y.paste(part.y, (0, self._height - part.y.height))
            canvas.u.paste(part.u, (0, (self._height - part.y.height) // 2))
            canvas.v.paste(part.v, (0, (self._height - part.y.height) // 2))

    def _light(self) -> _Light:
        some = self._random
        return _Light(
            x=some.random(),
            y=some.random(),
            pace=some.uniform(0.5, 1.5),
            sway=some.uniform(0.5, 1.4),
            phase=some.uniform(0, math.tau),
            size=some.choice((0, 0, 0, 1, 1, 2)),
        )

    def _ridge(self, index: int) -> tuple[Layer, int]:
        """A ridge as wide as its whole way, and the line where it begins."""
        place, swing, speed = RIDGES[index]
        width = (self._width + math.ceil(self._shot.seconds * speed * self._unit) + 4) & ~1
        top = round((place - swing) * self._height) & ~1
        height = self._height - top
        mask = self._outline(width, height, swing=swing * self._height, wave=self._height * (0.9 - 0.15 * index))
        colour = self._mood.ridges[index]
        below = self._mood.ridges[min(index + 1, len(RIDGES) - 1)]
        return Layer(gradient(width, height, colours=(colour, colour, below)), mask), top

    def _outline(self, width: int, height: int, *, swing: float, wave: float) -> Image.Image:
        """A line of three waves of unlike lengths, and everything below it."""
        waves = [
            (share, wave / length, self._random.uniform(0, math.tau))
            for share, length in ((0.55, 0.7), (0.3, 1.9), (0.15, 4.3))
        ]

        def line(x: int) -> float:
            return swing * (1 - sum(share * math.sin(x / length * math.tau + phase) for share, length, phase in waves))

        step = 4
        points = [(x, line(x) * EDGES) for x in range(0, width + step, step)]
        tall = Image.new("L", (width, min(height, math.ceil(2 * swing) + 2) * EDGES))
        ImageDraw.Draw(tall).polygon([(0, tall.height), *points, (width + step, tall.height)], fill=255)
        mask = Image.new("L", (width, height), 255)
        mask.paste(tall.resize((width, tall.height // EDGES), Image.Resampling.BOX), (0, 0))
        return mask


def _glow(colour: str, size: int) -> Layer:
    """A soft dot."""
    size += size % 2
    # The ready gradient is 0 in the middle and 255 at a distance of 128.
    dot = ImageChops.invert(Image.radial_gradient("L")).point([(v / 255) ** 1.6 * 255 for v in range(256)])
    return Layer(flat(size, size, colour=colour), dot.resize((size, size), Image.Resampling.BOX))


def _orb(colour: str, radius: int) -> Layer:
    """A disc with a halo four times as wide."""
    size = radius * 8 & ~1
    fall = [(v / 255) ** 3.6 * 150 for v in range(256)]
    halo = ImageChops.invert(Image.radial_gradient("L")).point(fall).resize((size, size), Image.Resampling.BICUBIC)
    disc = Image.new("L", (size, size))
    big = Image.new("L", (radius * 2 * EDGES, radius * 2 * EDGES))
    ImageDraw.Draw(big).ellipse((0, 0, big.width - 1, big.height - 1), fill=245)
    small = big.resize((radius * 2, radius * 2), Image.Resampling.BOX)
    disc.paste(small, ((size - small.width) // 2, (size - small.height) // 2))
    return Layer(flat(size, size, colour=colour), ImageChops.lighter(halo, disc))
