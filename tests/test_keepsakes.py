"""A saved video says where it comes from: in the file, and beside it. None of that is worth a paid video."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import json
import os
import stat
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("av", reason="writing an origin needs the extra `media`")

import av
from PIL import Image

from tests.conftest import KEY, HandClock, opened
from tests.making import CAT, a_request, pass_time
from tests.movies import make_movie, packets_of
from wan_mcp.adapters.downloads import Downloads, Origin
from wan_mcp.adapters.media.reading import Unusable
from wan_mcp.adapters.media.stamping import stamp
from wan_mcp.adapters.media.workshop import Workshop
from wan_mcp.domain.errors import VideoUnusable
from wan_mcp.domain.task import VideoTask
from wan_mcp.server import views
from wan_mcp.service.videos import Videos
from wan_mcp.settings import Settings, environment_without_secrets
from wan_mcp.simulator import Simulator

pytestmark = pytest.mark.anyio

SIGNED = "https://user:word@example.com/voice.mp3?Signature=TopSecret&Expires=1"


@pytest.fixture
async def stamping(settings: Settings, clock: HandClock) -> AsyncGenerator[Videos]:
    """The service as people run it, with the extra."""
    async with opened(settings, clock, stamping=True) as videos:
        yield videos


async def saved(videos: Videos, clock: HandClock, **more: object) -> VideoTask:
    """A task whose file is at home."""
    task = (await videos.create(a_request(**more), agreed=True)).task  # pyright: ignore[reportArgumentType]  # of unlike types
    await pass_time(videos, clock, minutes=3)
    return (await videos.get(task.id)).task


def the_file(task: VideoTask) -> Path:
    """Where it is."""
    assert task.file
    return Path(task.file)


async def test_a_saved_video_carries_its_origin(stamping: Videos, clock: HandClock, simulator: Simulator) -> None:
    """Years later the file alone tells what it was asked for; not a bit of picture or sound is another."""
    task = await saved(stamping, clock, seed=7)
    clip = Path(__file__).parent.parent / "wan_mcp" / "simulator" / "media" / "clip.mp4"

    with av.open(str(the_file(task))) as container:
        told = container.metadata
    assert told["title"] == told["description"] == CAT
    assert told["comment"] == (
        f"wan2.5-t2v-preview; 1280*720, 5 s; seed 7; {task.id}; DashScope {task.dashscope_task_id}"
    )
    for kind in ("video", "audio"):
        assert packets_of(the_file(task), kind) == packets_of(clip, kind)
    content = the_file(task).read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
    assert task.file_bytes == len(content)
    assert task.remark is None


async def test_a_seed_that_nobody_gave_is_said_to_be_unknown(stamping: Videos, clock: HandClock) -> None:
    """DashScope chooses one and does not tell it; silence would look as if we had lost it."""
    file = the_file(await saved(stamping, clock))

    beside = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    assert (beside.get("seed"), beside["seed_note"]) == (None, "chosen by DashScope, which does not tell it")
    with av.open(str(file)) as container:
        assert "; seed chosen by DashScope, which does not tell it; " in container.metadata["comment"]


async def test_a_json_and_a_poster_stand_beside_it(stamping: Videos, clock: HandClock) -> None:
    """Under the same name, for their owner alone, and nothing else is left in the folder."""
    file = the_file(await saved(stamping, clock))

    assert sorted(file.parent.iterdir()) == sorted([file, file.with_suffix(".json"), file.with_suffix(".jpg")])
    with Image.open(file.with_suffix(".jpg")) as poster:
        assert poster.format == "JPEG"
    if os.name != "nt":
        assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in file.parent.iterdir())


async def test_the_json_says_what_the_tools_say_and_no_secret(videos: Videos, clock: HandClock) -> None:
    """Also without the extra. Links are keys while they live, and people share folders."""
    task = await saved(videos, clock, audio_url=SIGNED, seed=3, negative_prompt="blur")
    page = the_file(task).with_suffix(".json").read_text(encoding="utf-8")
    told = json.loads(page)
    whole = views.whole(await videos.get(task.id), [])

    assert {name: whole[name] for name in told if name in whole} == {
        **{name: value for name, value in told.items() if name in whole},
        "audio_url": SIGNED,
    }
    assert told["audio_url"] == "https://example.com/voice.mp3"
    assert told.keys() <= whole.keys()
    for secret in (KEY, "Signature", "TopSecret", "Expires", "user:word", "video_url", "?"):
        assert secret not in page


async def test_without_the_extra_the_video_is_as_it_came(videos: Videos, clock: HandClock) -> None:
    """The JSON is there all the same, and nobody is told of anything missing."""
    task = await saved(videos, clock)

    assert not the_file(task).with_suffix(".jpg").exists()
    assert the_file(task).with_suffix(".json").exists()
    assert task.remark is None


async def test_an_origin_that_cannot_be_written_costs_no_video(
    stamping: Videos, clock: HandClock, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is saved as it came, once, and the caller is told."""
    monkeypatch.setattr(stamping.workshop, "_environment", {"PYTHONHOME": "/nowhere"})

    task = await saved(stamping, clock)
    report = await stamping.get(task.id)

    assert task.status == "SUCCEEDED"
    assert "Its origin could not be written into the file." in views.text(report)
    assert views.structured(report)["remark"] == "Its origin could not be written into the file."
    assert sorted(path.suffix for path in the_file(task).parent.iterdir()) == [".json", ".mp4"]
    assert b"ftyp" in the_file(task).read_bytes()[:12]


async def test_a_json_of_somebody_else_is_left_alone(stamping: Videos, clock: HandClock) -> None:
    """No file that was not made for this video is ever replaced."""
    task = (await stamping.create(a_request(), agreed=True)).task
    twin = await saved(stamping, clock, seed=2)
    file = the_file((await stamping.get(task.id)).task)
    page = file.with_suffix(".json")
    page.write_text("{}")
    from wan_mcp.service.keepsakes import Keepsake

    again = await Keepsake(twin, None).lay_beside((await stamping.get(task.id)).task)
    page.unlink()
    page.mkdir()
    third = await Keepsake(twin, None).lay_beside((await stamping.get(task.id)).task)

    assert again.remark == third.remark == "What belongs beside the file could not all be written."
    assert page.is_dir()


async def test_a_poster_that_was_missed_is_made_later(stamping: Videos, clock: HandClock) -> None:
    """The process ended between the name and the poster; whoever takes over makes it."""
    from wan_mcp.service.keepsakes import Keepsake

    task = await saved(stamping, clock)
    picture = the_file(task).with_suffix(".jpg")
    picture.unlink()
    await Keepsake(task, stamping.workshop).lay_beside(task)
    assert picture.exists()

    picture.unlink()
    the_file(task).write_bytes(b"gone bad")
    assert (await Keepsake(task, stamping.workshop).lay_beside(task)).remark is None
    assert not picture.exists()


async def test_a_poster_that_fails_in_a_way_nobody_foresaw_costs_no_video(
    stamping: Videos,
    clock: HandClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Here a Python that greets whoever starts it: its answer cannot be read. The video would be fetched for ever."""
    from wan_mcp.service.keepsakes import Keepsake

    task = await saved(stamping, clock)
    picture, page = the_file(task).with_suffix(".jpg"), the_file(task).with_suffix(".json")
    picture.unlink()
    page.unlink()
    (tmp_path / "sitecustomize.py").write_text("print('hello')")
    greeting = environment_without_secrets() | {"PYTHONPATH": str(tmp_path)}
    monkeypatch.setattr(stamping.workshop, "_environment", greeting)

    beside = await Keepsake(task, stamping.workshop).lay_beside(task)

    assert (beside.file, beside.remark) == (task.file, None)
    assert (page.exists(), picture.exists()) == (True, False)
    assert f"{task.id}: no poster" in caplog.text


async def test_a_page_that_cannot_be_written_in_utf8_costs_no_video(
    stamping: Videos, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    """DashScope may say anything of a prompt, half a character, too."""
    from wan_mcp.service.keepsakes import Keepsake

    task = await saved(stamping, clock)
    odd = replace(task, actual_prompt="\ud83d")

    beside = await Keepsake(odd, stamping.workshop).lay_beside(odd)

    assert beside.remark == "What belongs beside the file could not all be written."
    assert f"{task.id}: beside" in caplog.text


@pytest.mark.parametrize("size", [10, 5_000_000])
async def test_a_worker_that_dies_before_it_hears_its_order_is_told_in_words(tmp_path: Path, size: int) -> None:
    """However long the order is: a pipe that breaks is no bug of the server."""
    workshop = Workshop(environment={"PYTHONHOME": "/nowhere"})
    with pytest.raises(VideoUnusable, match="brought its reader down"):
        await workshop.poster(tmp_path / ("x" * size))


async def test_a_machine_that_starts_no_more_processes_saves_all_the_same(
    stamping: Videos, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A paid video does not wait for its poster, and who asks for a preview is told why there is none."""
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    task = await saved(stamping, clock)

    assert the_file(task).exists()
    with pytest.raises(VideoUnusable, match="cannot be started"):
        await stamping.preview(task.id, frames=1)


# Killed on the way


NAME = "2026-11-23 cat 012345.mp4"
MARK = b"vid_0123456789abcdefghijkl"


def the_origin(*, works: bool = True, tries: list[Path]) -> Origin:
    """What writes an origin here: the copy is the movie with a word in its index."""

    async def write(source: Path, target: Path) -> bool:
        tries.append(source)
        if works:
            stamp(source, target, {"comment": MARK.decode()})
        return works

    return Origin(mark=MARK, write=write)


@pytest.fixture
async def downloads(tmp_path: Path) -> AsyncGenerator[Downloads]:
    """A folder, and no way to any bucket."""
    one = Downloads(tmp_path / "videos")
    (tmp_path / "videos").mkdir()
    yield one
    await one.aclose()


NOWHERE = "https://nowhere.aliyuncs.com/never-asked"


async def test_what_has_its_name_already_is_known_again_and_not_fetched(downloads: Downloads) -> None:
    """Killed after the rename: the file itself says whose it is, also under a name with a number."""
    stranger = make_movie(downloads.folder / NAME)
    movie = make_movie(downloads.folder / "movie.mp4")
    ours = stranger.with_stem(f"{stranger.stem} (2)")
    stamp(movie, ours, {"comment": MARK.decode()})
    movie.unlink()
    for left in (".part", ".whole", ".stamped"):
        stranger.with_name(NAME + left).write_bytes(b"half")

    tries = list[Path]()
    found = await downloads.save(NOWHERE, NAME, the_origin(tries=tries))

    assert found.path == ours
    assert found.size == ours.stat().st_size
    assert tries == []
    assert sorted(downloads.folder.iterdir()) == sorted([stranger, ours])


@pytest.mark.parametrize("works", [True, False])
async def test_what_came_whole_is_finished_and_not_fetched_again(downloads: Downloads, works: bool) -> None:
    """Killed while the origin was being written: what came is still there."""
    whole = make_movie(downloads.folder / "movie.mp4")
    content = whole.read_bytes()
    whole.rename(downloads.folder / f"{NAME}.whole")
    (downloads.folder / f"{NAME}.stamped").write_bytes(b"half")

    found = await downloads.save(NOWHERE, NAME, the_origin(works=works, tries=[]))

    assert sorted(downloads.folder.iterdir()) == [downloads.folder / NAME]
    assert (MARK in found.path.read_bytes()) is works
    assert found.size == found.path.stat().st_size
    if not works:
        assert found.path.read_bytes() == content


# Writing it


def test_a_copy_is_the_same_but_for_its_origin(tmp_path: Path) -> None:
    """Times, pictures and sound; a second origin replaces the first."""
    movie = make_movie(tmp_path / "movie.mp4")
    once, twice = tmp_path / "once.mp4", tmp_path / "twice.mp4"
    stamp(movie, once, {"title": "猫", "description": "x" * 1500})
    stamp(once, twice, {"title": "dog"})

    for kind in ("video", "audio"):
        assert packets_of(movie, kind) == packets_of(once, kind) == packets_of(twice, kind)
    with av.open(str(once)) as first, av.open(str(twice)) as second:
        assert (first.metadata["title"], first.metadata["description"]) == ("猫", "x" * 1500)
        assert second.metadata["title"] == "dog"
        assert first.duration == second.duration


def test_what_a_copy_would_lose_is_not_copied(tmp_path: Path) -> None:
    """Chapters and subtitles are streams of their own."""
    movie = make_movie(tmp_path / "movie.mp4")
    with av.open(str(movie)) as source, av.open(str(tmp_path / "more.mp4"), "w") as target:
        video = target.add_stream_from_template(source.streams.video[0])
        target.set_chapters(
            [
                {
                    "id": 0,
                    "start": 0,
                    "end": 500,
                    "time_base": source.streams.video[0].time_base,
                    "metadata": {"title": "one"},
                }
            ]
        )
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = video
                target.mux(packet)

    with pytest.raises(Unusable, match="more than pictures and sound"):
        stamp(tmp_path / "more.mp4", tmp_path / "copy.mp4", {})


async def test_a_copy_that_failed_leaves_nothing(tmp_path: Path) -> None:
    """Neither where the source is broken nor where the target cannot be written."""
    workshop = Workshop(environment=environment_without_secrets())
    (tmp_path / "noise.mp4").write_bytes(b"noise" * 500)

    with pytest.raises(VideoUnusable, match="cannot be read"):
        await workshop.stamp(tmp_path / "noise.mp4", tmp_path / "copy.mp4", {})
    with pytest.raises(VideoUnusable):
        await workshop.stamp(tmp_path / "noise.mp4", tmp_path / "noise.mp4" / "copy.mp4", {})
    assert [path.name for path in tmp_path.iterdir()] == ["noise.mp4"]
