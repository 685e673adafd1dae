"""A model sees what was made: one small image of evenly spread frames, each with its time."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import base64
import io
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("av", reason="frames need the extra `media`")

from mcp import Client, MCPError
from mcp.types import BlobResourceContents, CallToolResult, ImageContent
from PIL import Image, ImageStat

from tests.commands import Person, environment
from tests.conftest import HandClock
from tests.making import a_request, pass_time
from tests.movies import make_movie
from tests.test_server import CARD, Connect, connect, data, text
from wan_mcp.adapters.media import frames, workshop
from wan_mcp.adapters.media.order import Strip
from wan_mcp.adapters.media.reading import Unusable
from wan_mcp.service.videos import Videos
from wan_mcp.simulator import Simulator, serving

__all__ = ["connect"]  # a fixture

pytestmark = pytest.mark.anyio


@pytest.fixture
def era() -> str:
    """One era will do: what differs between them are not the results of tools."""
    return "auto"


async def saved(client: Client, videos: Videos, clock: HandClock) -> str:
    """The id of a video that is at home."""
    task_id = data(await client.call_tool("create_video", CARD))["task_id"]
    await pass_time(videos, clock, minutes=3)
    return task_id


def image(result: CallToolResult) -> Image.Image:
    """The one image of a result, as it will be shown."""
    [block] = [block for block in result.content if isinstance(block, ImageContent)]
    assert block.mime_type == "image/jpeg"
    jpeg = base64.b64decode(block.data)
    assert len(jpeg) <= 150_000
    return Image.open(io.BytesIO(jpeg))


async def test_a_saved_video_is_shown_as_one_image_with_words(
    connect: Connect, videos: Videos, clock: HandClock
) -> None:
    """The times, the prompt and the next step stand in text and data."""
    async with connect() as client:
        task_id = await saved(client, videos, clock)
        seen = await client.call_tool("preview_video", {"task_id": task_id})

    assert not seen.is_error, text(seen)
    assert max(image(seen).size) <= 1540
    assert len(data(seen)["times"]) == 4
    assert data(seen)["times"] == sorted(data(seen)["times"])
    assert data(seen)["prompt"] == CARD["prompt"]
    assert task_id in text(seen)
    assert str(CARD["prompt"]) in text(seen)
    assert data(seen)["next_step"] in text(seen)


async def test_as_many_frames_as_asked_for(connect: Connect, videos: Videos, clock: HandClock) -> None:
    """Up to twelve; more would be too small to see anything."""
    async with connect() as client:
        task_id = await saved(client, videos, clock)
        one = await client.call_tool("preview_video", {"task_id": task_id, "frames": 1})
        many = await client.call_tool("preview_video", {"task_id": task_id, "frames": 12})
        refused = [await client.call_tool("preview_video", {"task_id": task_id, "frames": n}) for n in (0, 13)]

    assert len(data(one)["times"]) == 1
    assert len(data(many)["times"]) == 12
    assert image(many).size != image(one).size
    assert all(answer.is_error and "frames" in text(answer) for answer in refused)


async def test_what_is_not_saved_cannot_be_seen_and_says_why(
    connect: Connect, videos: Videos, simulator: Simulator, clock: HandClock
) -> None:
    """Waiting, failed, cancelled, never heard of: each in words, and none costs anything."""
    async with connect() as client:
        waiting = data(await client.call_tool("create_video", CARD))["task_id"]
        told = {"is PENDING, so there is no video of it yet": waiting}
        for wanted, task_id in told.items():
            answer = await client.call_tool("preview_video", {"task_id": task_id})
            assert answer.is_error
            assert wanted in text(answer)
            assert f"No money moved. Call get_video_task with {task_id} until its file is saved." in text(answer)
            assert data(answer)["error"]["code"] == "NoVideo"
        await client.call_tool("cancel_video_task", {"task_id": waiting})
        canceled = await client.call_tool("preview_video", {"task_id": waiting})
        unknown = await client.call_tool("preview_video", {"task_id": "vid_nothere"})

    assert "is CANCELED, so there is no video of it." in text(canceled)
    assert data(unknown)["error"]["code"] == "UnknownTask"


async def test_a_video_that_is_being_saved_or_was_lost_says_so(
    videos: Videos, simulator: Simulator, clock: HandClock, connect: Connect
) -> None:
    """Between the end of rendering and the file at home there is nothing to look at."""
    task = (await videos.create(a_request(), agreed=True)).task
    simulator.mishap(on="download", kind="drop")
    for _ in range(4):
        clock.turn(30)
        await videos.watcher.turn()
        if (await videos.get(task.id)).task.is_to_be_saved:
            break
    async with connect() as client:
        saving = await client.call_tool("preview_video", {"task_id": task.id})
        clock.turn(26 * 3600)
        await pass_time(videos, clock, minutes=5)
        lost = await client.call_tool("preview_video", {"task_id": task.id})

    assert "is still being saved" in text(saving)
    assert "could not be saved, and its link is dead" in text(lost)


async def test_a_file_that_was_moved_emptied_or_broken_is_named(
    connect: Connect, videos: Videos, clock: HandClock
) -> None:
    """People move files; the server must not fall over it, nor over what somebody put there."""
    async with connect() as client:
        task_id = await saved(client, videos, clock)
        file = Path((await videos.get(task_id)).task.file or "")
        whole, answers = file.read_bytes(), list[str]()
        for content in (None, b"", b"\0" * 5000, whole[:600], b"#EXTM3U\nhttps://example.com/secret\n"):
            file.unlink()
            if content is not None:
                file.write_bytes(content)
            answer = await client.call_tool("preview_video", {"task_id": task_id})
            assert data(answer)["error"]["code"] == "VideoUnusable"
            answers.append(text(answer))
            file.touch()

    assert "is no longer where it was saved. No money moved." in answers[0]
    assert "is empty." in answers[1]
    assert all("cannot be read as an MP4 video" in answer for answer in answers[2:])


async def test_without_the_extra_it_says_how_to_get_it(
    connect: Connect, videos: Videos, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tool is there for everybody, and the way to use it is one command."""
    monkeypatch.setattr(workshop, "is_installed", lambda: False)
    async with connect() as client:
        task_id = await saved(client, videos, clock)
        answer = await client.call_tool("preview_video", {"task_id": task_id})

    assert data(answer)["error"]["code"] == "MediaMissing"
    assert "pip install 'wan-mcp[media]'" in text(answer)


async def test_the_same_image_is_a_resource(connect: Connect, videos: Videos, clock: HandClock) -> None:
    """For hosts that let their person attach one."""
    async with connect() as client:
        task_id = await saved(client, videos, clock)
        [read] = (await client.read_resource(f"wan://videos/{task_id}/preview")).contents
        file = Path((await videos.get(task_id)).task.file or "")
        file.write_bytes(b"gone bad")
        with pytest.raises(MCPError, match="cannot be read"):
            await client.read_resource(f"wan://videos/{task_id}/preview")
        fresh = data(await client.call_tool("create_video", {"prompt": "another"}))["task_id"]
        with pytest.raises(MCPError, match="no video of it yet"):
            await client.read_resource(f"wan://videos/{fresh}/preview")

    assert isinstance(read, BlobResourceContents)
    assert read.mime_type == "image/jpeg"
    assert Image.open(io.BytesIO(base64.b64decode(read.blob))).format == "JPEG"


async def test_looking_waits_its_turn_and_never_for_ever(videos: Videos, tmp_path: Path) -> None:
    """A hundred callers must not start a hundred decoders."""
    movie = make_movie(tmp_path / "movie.mp4")
    looks: Any = videos.workshop._looks  # pyright: ignore[reportPrivateUsage]  # how many at once is nobody else's business
    assert looks.value == 2
    assert json.dumps((await videos.workshop.sheet([Strip(path=movie, count=1)])).times)
    assert looks.value == 2


async def test_a_person_gets_it_as_a_file_beside_the_video(tmp_path: Path) -> None:
    """A terminal shows no pictures; every desktop does."""
    async with serving(Simulator(media="clip", run_delay=0.1, run_time=0.2)) as url:
        person = Person(environment(url, tmp_path))
        task = await person.reads("create", "a paper boat")
        told = await person.reads("preview", task["task_id"], "--frames", "2")
        again = await person.types("preview", task["task_id"])

    sheet = Path(told["image"])
    assert sheet == Path(task["file"]).with_name(f"{Path(task['file']).stem} frames.jpg")
    assert os.name == "nt" or stat.S_IMODE(sheet.stat().st_mode) == 0o600, "as the video is"
    assert again.stdout.strip() == str(sheet)
    assert len(told["times"]) == 2
    assert sheet.read_bytes().startswith(b"\xff\xd8")
    sheet.unlink()
    sheet.mkdir()
    assert "cannot be written" in (await person.types("preview", task["task_id"])).stderr


# The sheet itself, without a process of its own


def test_each_frame_is_the_one_on_the_screen_at_its_moment(tmp_path: Path) -> None:
    """A flash of two frames is on the sheet exactly where its time says."""
    movie = make_movie(tmp_path / "movie.mp4", seconds=3, signal_at=1.25, size=(160, 120))

    made = frames.sheet([Strip(path=movie, count=12)])

    assert made.times[0] == tuple((2 * n + 1) / 8 for n in range(12))
    light = _cells(made.jpeg, made.columns, 12)
    assert [n for n, mean in enumerate(light) if mean > 150] == [
        n for n in range(12) if 1.25 <= made.times[0][n] < 1.3334
    ]


def _cells(jpeg: bytes, columns: int, count: int) -> list[float]:
    whole, rows = Image.open(io.BytesIO(jpeg)).convert("L"), -(-count // columns)
    wide, high = whole.width / columns, whole.height / rows
    places = [(n % columns * wide, n // columns * high) for n in range(count)]
    # The upper half of each: the time stands in the lower one.
    return [
        ImageStat.Stat(whole.crop((int(x + 8), int(y + 8), int(x + wide - 8), int(y + high / 2)))).mean[0]
        for x, y in places
    ]


def test_a_long_video_is_not_decoded_from_its_beginning(tmp_path: Path) -> None:
    """Far moments are gone to; the frames are the same."""
    movie = make_movie(tmp_path / "movie.mp4", seconds=30, fps=12, signal_at=20, sound=None)

    made = frames.sheet([Strip(path=movie, count=1), Strip(path=movie, count=4), Strip(path=movie, count=12)])

    assert made.times[1] == (3.75, 11.25, 18.75, 26.25)
    assert made.seconds == (30, 30, 30)


@pytest.mark.parametrize("size", [(64, 48), (48, 64), (64, 64), (2, 2), (640, 16), (1920, 1080)])
@pytest.mark.parametrize("count", [1, 2, 5, 12])
def test_every_shape_and_number_fits(tmp_path: Path, size: tuple[int, int], count: int) -> None:
    """No side over 1540 pixels, no file over 150 kB, no cell larger than its video."""
    movie = make_movie(tmp_path / "movie.mp4", size=size, seconds=0.25, signal_at=0, sound=None)

    made = frames.sheet([Strip(path=movie, count=count, label="Shot 60")])

    assert len(made.jpeg) <= frames.MOST_BYTES
    assert max(made.width, made.height) <= 1540
    assert made.width // made.columns <= max(size[0], 4) + 8


def test_noise_is_made_coarser_and_then_smaller_until_it_fits() -> None:
    """What cannot be compressed still has to be sent."""
    noise = Image.effect_noise((640, 640), 200).convert("RGB")

    jpeg, size = frames._within(noise)  # pyright: ignore[reportPrivateUsage]  # no video of a test is as noisy

    assert len(jpeg) <= frames.MOST_BYTES
    assert size < noise.size


def test_a_poster_is_one_frame_from_the_middle(tmp_path: Path) -> None:
    """The first is often black."""
    movie = make_movie(tmp_path / "movie.mp4", signal_at=0.5, size=(1920, 1080), sound=None)

    poster = Image.open(io.BytesIO(frames.poster(movie)))

    assert poster.size == (1280, 720)
    assert ImageStat.Stat(poster.convert("L")).mean[0] > 150


def test_pictures_that_are_too_large_are_refused_before_one_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One frame of a hostile file may want all the memory there is."""
    from wan_mcp.adapters.media import reading

    movie = make_movie(tmp_path / "movie.mp4")
    monkeypatch.setattr(reading, "MOST_PIXELS", 64 * 48 - 1)

    with pytest.raises(Unusable, match="64\\*48, and 3071 pixels is the most"):
        frames.sheet([Strip(path=movie, count=1)])


def test_a_file_whose_pictures_are_gone_is_refused(tmp_path: Path) -> None:
    """The index is whole, and what it speaks of is noise."""
    movie = make_movie(tmp_path / "movie.mp4", sound=None)
    content = bytearray(movie.read_bytes())
    begin = content.index(b"mdat") + 4
    content[begin:] = b"\xff" * (len(content) - begin)
    movie.write_bytes(content)

    with pytest.raises(Unusable):
        frames.sheet([Strip(path=movie, count=2)])
