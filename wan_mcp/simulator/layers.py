"""Pictures as an encoder wants them: three planes, light and two colours, composed directly.

Everything is drawn once, in 8-bit planes of ITU-R BT.709 at video range, so that a frame costs
a few pastes and no conversion. Needs the extra `media`.
"""

# pyright: reportUnknownMemberType=false
# Pillow leaves some of its types open.

from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from PIL import Image

__all__ = ["Layer", "Planes", "flat", "gradient", "plane_colour"]


@lru_cache(maxsize=256)
def plane_colour(colour: str) -> tuple[int, int, int]:
    """A #rrggbb colour as the values of the three planes."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    light = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return (
        round(16 + 219 * light),
        round(128 + 224 * (blue - light) / 1.8556),
        round(128 + 224 * (red - light) / 1.5748),
    )


@dataclass(frozen=True)
class Planes:
    """A picture: full light, and colour at half the width and height."""

    y: Image.Image
    u: Image.Image
    v: Image.Image

    def copy(self) -> "Planes":
        """A picture to draw on."""
        return Planes(self.y.copy(), self.u.copy(), self.v.copy())

    def part(self, left: int, width: int) -> "Planes":
        """A window of a wide picture; `left` and `width` are even."""
        height = self.y.height
        return Planes(
            self.y.crop((left, 0, left + width, height)),
            self.u.crop((left // 2, 0, (left + width) // 2, height // 2)),
            self.v.crop((left // 2, 0, (left + width) // 2, height // 2)),
        )


class Layer:
    """A picture with a mask, put onto others."""

    def __init__(self, planes: Planes, mask: Image.Image) -> None:
        self.planes = planes
        self.mask = mask
        self._half = mask.resize(planes.u.size, Image.Resampling.BOX)

    def onto(self, canvas: Planes, *, x: int, y: int) -> None:
        """Put the layer at an even place; it may stick out."""
        x, y = x & ~1, y & ~1
        canvas.y.paste(self.planes.y, (x, y), self.mask)
        canvas.u.paste(self.planes.u, (x // 2, y // 2), self._half)
        canvas.v.paste(self.planes.v, (x // 2, y // 2), self._half)

    def light_onto(self, canvas: Planes, *, x: int, y: int) -> None:
        """Put only the brightness: enough for something small, and a third of the work."""
        canvas.y.paste(self.planes.y, (x, y), self.mask)

    def window_onto(self, canvas: Planes, *, left: int, y: int) -> None:
        """Put the part of a wide layer that begins at `left` across the canvas."""
        left, y, width = left & ~1, y & ~1, canvas.y.width
        seen = self.planes.part(left, width)
        height = self.mask.height
        canvas.y.paste(seen.y, (0, y), self.mask.crop((left, 0, left + width, height)))
        half = self._half.crop((left // 2, 0, (left + width) // 2, height // 2))
        canvas.u.paste(seen.u, (0, y // 2), half)
        canvas.v.paste(seen.v, (0, y // 2), half)


def flat(width: int, height: int, *, colour: str) -> Planes:
    """One colour."""
    y, u, v = plane_colour(colour)
    half = (width // 2, height // 2)
    return Planes(Image.new("L", (width, height), y), Image.new("L", half, u), Image.new("L", half, v))


def gradient(width: int, height: int, *, colours: tuple[str, ...]) -> Planes:
    """Colours from top to bottom, each fading into the next."""
    stops = [plane_colour(colour) for colour in colours]

    def plane(index: int, size: tuple[int, int]) -> Image.Image:
        column = Image.new("L", (1, size[1]))
        column.putdata([_between(stops, index, row / max(1, size[1] - 1)) for row in range(size[1])])
        return column.resize(size)

    half = (width // 2, height // 2)
    return Planes(plane(0, (width, height)), plane(1, half), plane(2, half))


def _between(stops: list[tuple[int, int, int]], index: int, at: float) -> int:
    place = at * (len(stops) - 1)
    first = min(int(place), len(stops) - 2)
    share = place - first
    # Ease in and out, so that no band shows where two fades meet.
    share = share * share * (3 - 2 * share)
    return round(cast(float, stops[first][index]) * (1 - share) + stops[first + 1][index] * share)
