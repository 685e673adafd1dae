"""Letters: pillow's own font where it has the signs, one of the machine's fonts where it has not."""

# pyright: reportUnknownMemberType=false
# Pillow leaves some types open.

import re
from functools import cache

from PIL import Image, ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont

_OF_MACHINES = (
    "NotoSansCJK-Regular.ttc",  # Linux
    "NotoSansSC-Regular.otf",
    "wqy-microhei.ttc",
    "wqy-zenhei.ttc",
    "DroidSansFallbackFull.ttf",
    "msyh.ttc",  # Windows
    "PingFang.ttc",  # macOS
    "Hiragino Sans GB.ttc",
    "Arial Unicode.ttf",
    "DejaVuSans.ttf",
)
_MOST_LINES = 6
_SMALLEST = 11
"""Pixels of letters that can still be read."""
_EMOJI = re.compile(r"[\u2600-\u27BF\uFE00-\uFE0F\u200D\U0001F000-\U0001FAFF]")
"""And what joins and colours them."""
_PIECE = re.compile(
    r"[（《〈「『【“‘]*(?:[^\s\u2E80-\uFFEF（《〈「『【“‘]+|[\u2E80-\uFFEF])[，。、；：？！…—）》〉」』】”’,.;:?!)]*\s*|.\s*"
)
"""What stands on one line: a word, or one sign of a writing without spaces, with the marks that belong to it."""


def font(size: int, text: str) -> Font | None:
    """A font of this size that has every sign of `text`, if this machine has one."""
    own = ImageFont.load_default(size)
    if isinstance(own, Font) and _has(own, text):
        return own
    for name in _OF_MACHINES:
        other = _of_machine(name, size)
        if other is not None and _has(other, text):
            return other
    return None


@cache
def _of_machine(name: str, size: int) -> Font | None:
    try:
        return ImageFont.truetype(name, size)
    except OSError:
        return None


def _has(one: Font, text: str) -> bool:
    """A font draws the same box for every sign that it has not: so does it for one that nobody has."""
    box = _drawn(one, "\U0010fffe")
    return all(_drawn(one, sign) != box for sign in set(text) if sign.isprintable() and not sign.isspace())


def _drawn(one: Font, sign: str) -> bytes:
    image = Image.new("L", (round(one.size * 2), round(one.size * 2)))
    ImageDraw.Draw(image).text((0, 0), sign, font=one, fill=255)
    return image.tobytes()


def card(text: str, width: int, height: int) -> Image.Image | None:
    """White letters in the middle of a dark picture; `None` where no font of this machine has them.

    Emoji are left out where no font has them: the words are the title.
    """
    text = " ".join(text.split())
    if font(_SMALLEST, text) is None:
        text = " ".join(_EMOJI.sub("", text).split())
    image = Image.new("RGB", (width, height), (16, 16, 18))
    draw = ImageDraw.Draw(image)
    most = round(_MOST_LINES * max(1.0, height / width))
    for size in range(max(_SMALLEST, min(width, height) // 9), _SMALLEST - 1, -2):
        chosen = font(size, text) if text else None
        if chosen is None:
            return None
        lines = balanced(text, chosen, width * 0.8)
        words, spacing = "\n".join(lines[:most]), size * 0.4
        left, top, right, bottom = draw.multiline_textbbox((0, 0), words, font=chosen, spacing=spacing, align="center")
        has_room = len(lines) <= most and right - left <= width * 0.9 and bottom - top <= height * 0.7
        if has_room or size < _SMALLEST + 2:
            place = ((width - right - left) / 2, (height - bottom - top) / 2)
            draw.multiline_text(place, words, font=chosen, spacing=spacing, fill=(240, 240, 240), align="center")
            break
    return image


def balanced(text: str, chosen: Font, width: float) -> list[str]:
    """As few lines as the width allows, and those about equally long."""
    best, narrow, wide = _wrapped(text, chosen, width), 0.0, width
    for _ in range(6):
        middle = (narrow + wide) / 2
        lines = _wrapped(text, chosen, middle)
        if len(lines) == len(best):
            best, wide = lines, middle
        else:
            narrow = middle
    return best


def _wrapped(text: str, chosen: Font, width: float) -> list[str]:
    """Broken between words, and between any two signs where the writing has no spaces."""
    lines = [""]
    for piece in _PIECE.findall(text):
        if lines[-1] and chosen.getlength(lines[-1] + piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return [line.rstrip() for line in lines]
