"""The videos themselves: looked at with a real decoder."""

import io
import threading
from collections.abc import AsyncGenerator

import pytest
from anyio import create_task_group

pytest.importorskip("av", reason="drawing needs the extra `media`")

import av  # after the line above, which skips all this where the extra is missing
from PIL import Image, ImageChops, ImageDraw, ImageFont

from tests.test_simulator import Desk, at_desk, simulator
from wan_mcp.simulator.layers import plane_colour
from wan_mcp.simulator.lettering import font_of, wrapped
from wan_mcp.simulator.moods import MOODS, mood_of
from wan_mcp.simulator.movie import Abandoned, render
from wan_mcp.simulator.picture import Picture
from wan_mcp.simulator.shot import Shot
from wan_mcp.simulator.studio import Studio

pytestmark = pytest.mark.anyio

CAT = Shot(
    width=624,
    height=624,
    seconds=2,
    prompt="一只小猫在月光下奔跑",
    seed=7,
    watermark=False,
    task_id="7d0c1f5e",
)


@pytest.fixture
async def desk() -> AsyncGenerator[Desk]:
    async with at_desk(simulator(media="draw")) as one:
        yield one


def changed(shot: Shot, **changes: object) -> Shot:
    """A shot with something else about it."""
    return Shot(**{**{name: getattr(shot, name) for name in Shot.__dataclass_fields__}, **changes})  # pyright: ignore[reportArgumentType]  # of unlike types


def drawn(shot: Shot, second: float = 1.0) -> Image.Image:
    """The light of one frame."""
    return Picture(shot).frame(second).y


@pytest.mark.parametrize(("size", "duration"), [("832*480", 5), ("624*624", 10)])
async def test_a_drawn_video_is_what_was_asked_for(desk: Desk, size: str, duration: int) -> None:
    """H.264 and AAC, the right size and length, 24 frames a second, the index first."""
    task_id = await desk.create(size=size, duration=duration)
    desk.sim.advance(100)
    answer = await desk.client.get((await desk.query(task_id))["output"]["video_url"], timeout=30)

    with av.open(io.BytesIO(answer.content), "r") as film:
        video, audio = film.streams.video[0], film.streams.audio[0]
        facts = (video.codec_context.name, video.pix_fmt, f"{video.width}*{video.height}", video.average_rate)
        assert facts == ("h264", "yuv420p", size, 24)
        assert audio.codec_context.name == "aac"
        assert sum(1 for _ in film.decode(video=0)) == duration * 24
        assert film.duration == duration * 1_000_000
    assert answer.content.index(b"moov") < answer.content.index(b"mdat")
    assert "x-simulator-note" not in answer.headers


async def test_a_film_is_drawn_once_however_many_ask() -> None:
    """A download that is repeated, or asked for in parts, must get the same bytes."""
    studio, films = Studio("draw"), list[bytes]()

    async def ask() -> None:
        films.append(await studio.film(CAT))

    async with create_task_group() as group:
        group.start_soon(ask)
        group.start_soon(ask)

    assert films[0] is films[1]


def test_the_sound_is_heard_and_ends_with_the_picture() -> None:
    """Quiet, but not silent."""
    with av.open(io.BytesIO(render(CAT, stop=threading.Event())), "r") as film:
        frames = list(film.decode(audio=0))
        levels = [max(abs(value) for value in memoryview(frame.planes[0]).cast("f")) for frame in frames]

    assert 0.03 < max(levels) < 0.5


def test_a_film_nobody_waits_for_is_abandoned() -> None:
    """So that a server can stop at once."""
    stop = threading.Event()
    stop.set()

    with pytest.raises(Abandoned):
        render(CAT, stop=stop)


def test_the_picture_moves() -> None:
    """A video that stood still could be a picture."""
    assert ImageChops.difference(drawn(CAT, 0.2), drawn(CAT, 1.2)).getbbox() is not None


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "一只小狗在月光下奔跑"},
        {"seed": 8},
        {"watermark": True},
        {"task_id": "other"},
        {"seconds": 5},
    ],
)
def test_whatever_was_asked_can_be_seen(change: dict[str, object]) -> None:
    """Prompt, seed, length, task and mark are all in the picture."""
    assert ImageChops.difference(drawn(CAT), drawn(changed(CAT, **change))).getbbox() is not None


def test_the_watermark_is_at_the_lower_right() -> None:
    """Where the service puts it."""
    difference = ImageChops.difference(drawn(CAT), drawn(changed(CAT, watermark=True)))
    box = difference.crop((312, 0, 624, 624)).getbbox()

    assert box is not None
    assert box[1] > 312


@pytest.mark.parametrize("prompt", ["猫" * 1500, "word " * 300, "x" * 1500, "", "🐈", "A\n\n\nB"])
def test_any_prompt_can_be_drawn(prompt: str) -> None:
    """However long, or made of what no font has."""
    assert drawn(changed(CAT, prompt=prompt)).size == (624, 624)


def test_chinese_is_drawn_as_chinese() -> None:
    """The packaged font has these signs: none is the empty box of a missing one."""
    chinese = font_of(40)
    missing = _ink(chinese, "\U0001f408")

    assert all(_ink(chinese, sign) != missing for sign in "一只小猫在月光下奔跑，生成。")  # as prompts are written


def _ink(letters: ImageFont.FreeTypeFont, sign: str) -> bytes:
    mask = Image.new("L", (60, 60))
    ImageDraw.Draw(mask).text((5, 0), sign, fill=255, font=letters)
    return mask.tobytes()


def test_lines_break_between_words_and_anywhere_in_chinese() -> None:
    """And no line begins with a closing sign."""
    letters = font_of(20)

    assert wrapped("alpha beta gamma", letters, width=letters.getlength("alpha beta ")) == [
        "alpha beta",
        "gamma",
    ]
    lines = wrapped("一二三四，五六七八。", letters, width=letters.getlength("一二三四"))  # as prompts are written
    assert lines == ["一二三四，", "五六七八。"]  # as prompts are written
    long = wrapped("x" * 100, letters, width=300)
    assert ("".join(long), max(map(letters.getlength, long)) <= 300) == ("x" * 100, True)


@pytest.mark.parametrize(
    ("prompt", "mood"), [("月光下的湖", "night"), ("Fresh SNOW in winter", "snow"), ("黄昏", "dusk")]
)
def test_a_word_sets_the_mood(prompt: str, mood: str) -> None:
    """Moonlight is dark, and snow falls."""
    assert mood_of(prompt, 0) is MOODS[mood]


def test_a_prompt_without_such_a_word_has_a_mood_of_its_own() -> None:
    """The same each time; another seed is another take."""
    moods = {mood_of("something", seed).words for seed in range(20)}

    assert mood_of("something", 3) is mood_of("something", 3)
    assert len(moods) > 3


def test_colours_are_those_of_video() -> None:
    """BT.709 at video range: black is 16, white 235."""
    assert [plane_colour(one) for one in ("#000000", "#ffffff")] == [(16, 128, 128), (235, 128, 128)]


async def test_a_machine_without_the_extra_gets_the_packaged_clip() -> None:
    """A valid small video that says it is not what was asked for."""
    studio = Studio("clip")
    clip = await studio.film(CAT)

    with av.open(io.BytesIO(clip), "r") as film:
        assert (film.streams.video[0].codec_context.name, film.streams.audio[0].codec_context.name) == (
            "h264",
            "aac",
        )
    assert len(clip) <= 30_000
    assert "packaged clip" in studio.note
    assert studio.header_note == studio.note
