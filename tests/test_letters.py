"""Titles in letters: what a viewer of a film reads first."""

import pytest
from PIL import Image, ImageFont

from wan_mcp.adapters.media.letters import balanced, card

BACKGROUND = (16, 16, 18)
SIZES = [(1280, 720), (720, 1280), (960, 960)]


def a_font(size: int = 40) -> ImageFont.FreeTypeFont:
    """Pillow's own, which is on every machine."""
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


def written(title: str, size: tuple[int, int]) -> Image.Image:
    """A card that there is."""
    made = card(title, *size)
    assert made is not None
    return made


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "title",
    ["The kite", "Donaudampfschifffahrtsgesellschaftskapitän", "The fox who crossed the winter sea " * 4, "A " * 60],
)
def test_a_title_stays_within_the_picture(title: str, size: tuple[int, int]) -> None:
    """A word that is wider than the screen is written smaller, not cut at both ends."""
    image = written(title, size)
    words = Image.eval(image.convert("L"), lambda light: 255 if light > 40 else 0).getbbox()

    assert words is not None
    left, top, right, bottom = words
    assert min(left, size[0] - right) > size[0] * 0.04
    assert min(top, size[1] - bottom) > size[1] * 0.1
    assert abs(left - (size[0] - right)) <= 4, "it stands in the middle"


def test_lines_are_about_equally_long() -> None:
    """A last line of one word looks like a mistake."""
    font = a_font()
    lines = balanced("The little fox who crossed the winter sea to find her brother", font, 700)

    lengths = [font.getlength(line) for line in lines]
    assert len(lines) == 2
    assert min(lengths) > 0.8 * max(lengths)


def test_no_line_begins_with_a_closing_mark_or_ends_with_an_opening_one() -> None:
    """Nobody who reads Chinese would break a line so."""
    title = "小狐狸，穿过（冬天）的大海：“一个”《勇气》与友谊，的故事。"
    font = a_font()
    for width in range(60, 900, 20):
        lines = balanced(title, font, width)
        assert "".join(lines) == title
        assert not any(line[0] in "，）：”》。" or line[-1] in "（“《" for line in lines)


def test_emoji_do_not_cost_a_film_its_title() -> None:
    """No font for letters has them."""
    plain = written("Fox and the sea", SIZES[0])

    assert written("Fox 🦊 and the ❄️ sea 👩‍🚀", SIZES[0]).tobytes() == plain.tobytes()
    assert card("🦊🦊", *SIZES[0]) is None
