"""The words in a picture: the prompt, what the video is, the seconds, and the mark.

The font comes with the package, so that Chinese is drawn as Chinese on any machine. Needs the
extra `media`.
"""

# pyright: reportUnknownMemberType=false
# Pillow leaves some of its types open.

import io
import re
from functools import lru_cache
from importlib.resources import files

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from .layers import Layer, Planes
from .shot import Shot

__all__ = ["caption_layer", "counter_layers", "font_of", "watermark_layer", "wrapped"]

FONT = "NotoSansCJKsc-Medium-subset.otf"
WATERMARK = "AI生成"
PROMPT_SIZES = (46, 38, 31, 25)
PROMPT_LINES = 4
DRAWN = 500  # signs of a prompt; more would be too small to read
CLOSING = "，。！？；：、）》」』”’,.!?;:)]}"  # punctuation no line begins with
PIECE = re.compile(r"\s+|[A-Za-z0-9'’_-]{1,24}|.", re.DOTALL)  # a word of some length, or a single sign

DARK, BRIGHT, GREY = 16, 235, 128


@lru_cache(maxsize=1)
def _font_file() -> bytes:
    return (files(__name__.rpartition(".")[0]) / "media" / FONT).read_bytes()


@lru_cache(maxsize=16)
def font_of(size: int) -> ImageFont.FreeTypeFont:
    """The packaged font in a size."""
    return ImageFont.truetype(io.BytesIO(_font_file()), max(8, size))


def wrapped(text: str, font: ImageFont.FreeTypeFont, *, width: float) -> list[str]:
    """A text in lines no wider than that: Latin words whole, Chinese anywhere."""
    lines, used = [""], 0.0
    for found in PIECE.findall(text.strip()):
        piece = " " if found.isspace() else found
        wide = font.getlength(piece)
        # A closing sign may stick out, since no line begins with one.
        if used + wide > width and piece not in CLOSING and lines[-1]:
            lines.append("")
            used = 0.0
            piece, wide = (piece, wide) if piece != " " else ("", 0.0)
        lines[-1] += piece
        used += wide
    return [line.strip() for line in lines if line.strip()]


def caption_layer(shot: Shot, *, unit: float) -> Layer:
    """The prompt, and a line on what this is, over a shade at the lower edge."""
    margin = round(48 * unit)
    width = shot.width - 2 * margin
    lines, font = _set_prompt(shot.prompt[:DRAWN], width=width, unit=unit)
    small = font_of(round(19 * unit))
    credits = wrapped(_credits(shot), small, width=width - (110 * unit if shot.watermark else 0))
    line, small_line = round(font.size * 1.34), round(small.size * 1.45)
    block = line * len(lines) + round(14 * unit) + small_line * len(credits)
    height = min(shot.height, block + margin + round(150 * unit)) & ~1
    words = Image.new("L", (shot.width, height))
    pen = ImageDraw.Draw(words)
    y = height - margin - block
    for text in lines:
        pen.text((margin, y), text, fill=255, font=font)
        y += line
    y += round(14 * unit)
    for text in credits:
        pen.text((margin, y), text, fill=205, font=small)
        y += small_line
    return _lettered(words, shade=_shade(shot.width, height), unit=unit)


def counter_layers(seconds: int, *, unit: float) -> list[Layer]:
    """The running second, one layer for each."""
    return [_pill(f"{second:02d} / {seconds:02d} s", size=26, unit=unit) for second in range(seconds)]


def watermark_layer(*, unit: float) -> Layer:
    """The mark that the parameter `watermark` asks for."""
    return _pill(WATERMARK, size=26, unit=unit)


def _set_prompt(prompt: str, *, width: int, unit: float) -> tuple[list[str], ImageFont.FreeTypeFont]:
    """The prompt as large as it fits in a few lines; what does not fit even small is left out."""
    font = font_of(round(PROMPT_SIZES[-1] * unit))
    for size in PROMPT_SIZES:
        font = font_of(round(size * unit))
        lines = wrapped(prompt, font, width=width)
        if len(lines) <= PROMPT_LINES:
            return lines, font
    lines = wrapped(prompt, font, width=width)[: PROMPT_LINES + 2]
    return [*lines[:-1], lines[-1][:-1] + "…"], font


def _credits(shot: Shot) -> str:
    size = f"{shot.width}*{shot.height}"
    return f"SIMULATED · {size} · {shot.seconds} s · seed {shot.seed} · task {shot.task_id}"


def _shade(width: int, height: int) -> Image.Image:
    column = Image.new("L", (1, height))
    column.putdata([round(190 * (row / height) ** 1.5) for row in range(height)])
    return column.resize((width, height))


def _pill(text: str, *, size: int, unit: float) -> Layer:
    """Small words on a dark rounded ground."""
    font = font_of(round(size * unit))
    pad = round(size * unit * 0.5)
    width = (round(font.getlength(text)) + 2 * pad + 1) & ~1
    height = (round(font.size * 1.3) + pad + 1) & ~1
    ground = Image.new("L", (width, height))
    ImageDraw.Draw(ground).rounded_rectangle((0, 0, width - 1, height - 1), radius=height // 2, fill=105)
    words = Image.new("L", (width, height))
    ImageDraw.Draw(words).text((width / 2, height / 2), text, fill=255, font=font, anchor="mm")
    return _lettered(words, shade=ground, unit=unit)


def _lettered(words: Image.Image, *, shade: Image.Image, unit: float) -> Layer:
    """Bright words with a soft shadow, over a shade."""
    shadow = words.filter(ImageFilter.GaussianBlur(max(1.0, 2.5 * unit)))
    light = words.point([DARK + (BRIGHT - DARK) * value // 255 for value in range(256)])
    grey = Image.new("L", (words.width // 2, words.height // 2), GREY)
    return Layer(Planes(light, grey, grey), ImageChops.lighter(ImageChops.lighter(words, shadow), shade))
