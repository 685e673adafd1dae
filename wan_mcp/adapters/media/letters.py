"""Letters: pillow's own font where it has the signs, one of the machine's fonts where it has not."""

# pyright: reportUnknownMemberType=false
# Pillow leaves some types open.

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
    """White letters in the middle of a dark picture; `None` where no font of this machine has them."""
    image = Image.new("RGB", (width, height), (16, 16, 18))
    draw = ImageDraw.Draw(image)
    for size in range(max(12, min(width, height) // 9), 9, -2):
        chosen = font(size, text)
        if chosen is None:
            return None
        lines = _wrapped(text, chosen, width * 0.8)
        words = "\n".join(lines[:_MOST_LINES])
        left, top, right, bottom = draw.multiline_textbbox((0, 0), words, font=chosen, align="center")
        if (len(lines) <= _MOST_LINES and bottom - top <= height * 0.7) or size <= 11:
            place = ((width - right - left) / 2, (height - bottom - top) / 2)
            draw.multiline_text(place, words, font=chosen, fill=(240, 240, 240), align="center")
            break
    return image


def _wrapped(text: str, chosen: Font, width: float) -> list[str]:
    """Broken between words, and between any two signs where the writing has no spaces."""
    lines = [""]
    for piece in _pieces(" ".join(text.split())):
        if lines[-1] and chosen.getlength(lines[-1] + piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece.lstrip() if not lines[-1] else piece
    return [line.rstrip() for line in lines]


def _pieces(text: str) -> list[str]:
    pieces, word = list[str](), ""
    for sign in text:
        word += sign
        if sign == " " or ord(sign) > 0x2E7F:
            pieces.append(word)
            word = ""
    return [*pieces, word] if word else pieces
