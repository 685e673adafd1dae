"""Draws icon.png: a cat's head that is also a full moon, with a play button. `.venv/bin/python docs/icon.py`."""

# pyright: reportUnknownMemberType=false
# Pillow leaves the type of a size open.

from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

ICON = Path(__file__).parent.parent / "icon.png"
SIDE = 512
_FINE = 4
"""Everything is drawn so many times larger and then made smaller: that is what smooths the edges."""

Point = tuple[float, float]
Colour = tuple[int, int, int]

_TOP: Colour = (38, 28, 92)
_BOTTOM: Colour = (214, 92, 128)
_MOON: Colour = (255, 244, 214)
_EAR: Colour = (246, 190, 178)
_NIGHT: Colour = (44, 30, 94)
_STARS = ((92, 118, 7), (420, 96, 8), (452, 214, 5), (66, 262, 5), (256, 52, 5), (128, 420, 4), (404, 414, 5))


def _scaled(*points: Point) -> list[Point]:
    return [(x * _FINE, y * _FINE) for x, y in points]


def _sky() -> Image.Image:
    """From deep night at the top to the last of the sunset at the bottom."""
    sky = Image.new("RGB", (1, SIDE))
    for y in range(SIDE):
        share = (y / SIDE) ** 1.6
        red, green, blue = (round(a + (b - a) * share) for a, b in zip(_TOP, _BOTTOM, strict=True))
        sky.putpixel((0, y), (red, green, blue))
    return sky.resize((SIDE * _FINE, SIDE * _FINE))


def _glow(middle: Point, radius: float) -> Image.Image:
    """The light around the moon, as a mask."""
    mask = Image.new("L", (SIDE, SIDE))
    x, y = middle
    ImageDraw.Draw(mask).ellipse((x - radius, y - radius, x + radius, y + radius), fill=110)
    return mask.filter(ImageFilter.GaussianBlur(34)).resize((SIDE * _FINE, SIDE * _FINE))


def _rounded(draw: ImageDraw.ImageDraw, corners: list[Point], radius: float, fill: Colour) -> None:
    """A polygon whose corners are round: the polygon, its edge drawn thick, and a disc at each corner."""
    draw.polygon(corners, fill=fill)
    draw.line([*corners, corners[0], corners[1]], fill=fill, width=round(radius * 2))
    for x, y in corners:
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)


def draw_icon() -> Image.Image:
    """Return the icon, 512×512 with round corners."""
    picture = _sky()
    picture.paste(_MOON, mask=_glow((256, 286), 178))
    draw = ImageDraw.Draw(picture)
    for x, y, radius in _STARS:
        draw.ellipse(_scaled((x - radius, y - radius), (x + radius, y + radius)), fill=_MOON)
    for left in (True, False):
        ear: tuple[Point, ...] = ((136, 258), (128, 112), (236, 160))
        inner: tuple[Point, ...] = ((153, 196), (151, 145), (194, 166))
        if not left:
            ear, inner = (tuple((SIDE - x, y) for x, y in shape) for shape in (ear, inner))
        _rounded(draw, _scaled(*ear), 12 * _FINE, _MOON)
        _rounded(draw, _scaled(*inner), 7 * _FINE, _EAR)
    draw.ellipse(_scaled((256 - 150, 290 - 150), (256 + 150, 290 + 150)), fill=_MOON)
    _rounded(draw, _scaled((222, 226), (222, 354), (332, 290)), 16 * _FINE, _NIGHT)
    corners = Image.new("L", picture.size)
    whole = (0, 0, SIDE * _FINE - 1, SIDE * _FINE - 1)
    ImageDraw.Draw(corners).rounded_rectangle(whole, radius=112 * _FINE, fill=255)
    picture.putalpha(corners)
    return picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    draw_icon().save(ICON, optimize=True)
    print(f"{ICON.name}: {ICON.stat().st_size} bytes")
