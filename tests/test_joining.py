"""Shots become one film: in order, in sync, whole or not at all."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import os
import stat
from datetime import timedelta
from pathlib import Path

import anyio
import pytest

pytest.importorskip("av", reason="joining needs the extra `media`")

import av

from tests.movies import beeps, flashes, make_movie, packets_of
from wan_mcp.adapters.media import workshop as workshop_module
from wan_mcp.adapters.media.workshop import Joined, Workshop
from wan_mcp.domain.errors import MediaMissing, VideoUnusable
from wan_mcp.settings import environment_without_secrets

pytestmark = pytest.mark.anyio

FRAME = 1 / 24


@pytest.fixture
def workshop() -> Workshop:
    """Workers without a key."""
    return Workshop(environment=environment_without_secrets())


def shots_of(folder: Path, *unlike: dict[str, object]) -> list[Path]:
    """One movie for each description of what is unlike the usual."""
    return [make_movie(folder / f"shot {n}.mp4", **some) for n, some in enumerate(unlike, 1)]  # pyright: ignore[reportArgumentType]  # of unlike types


async def joined(workshop: Workshop, shots: list[Path], **more: object) -> Joined:
    """Join them under numbered titles."""
    titles = [f"Shot {n}" for n in range(1, len(shots) + 1)]
    return await workshop.join(shots, shots[0].with_name("film.mp4"), titles=titles, **more)  # pyright: ignore[reportArgumentType]  # of unlike types


def in_sync(path: Path) -> list[float]:
    """The moments of the signals, each seen and heard within a frame."""
    seen, heard = flashes(path), beeps(path)
    assert len(seen) == len(heard), (seen, heard)
    assert all(abs(flash - beep) < FRAME for flash, beep in zip(seen, heard, strict=True)), (seen, heard)
    return seen


async def test_shots_of_one_kind_are_joined_without_touching_a_picture(workshop: Workshop, tmp_path: Path) -> None:
    """Encoding again costs quality and minutes; only the sound has to be laid anew."""
    shots = shots_of(tmp_path, {"signal_at": 0.25}, {"signal_at": 0.5}, {"signal_at": 0.75})

    film = await joined(workshop, shots)

    assert film.is_copied
    assert packets_of(film.path, "video") == [packet for shot in shots for packet in packets_of(shot, "video")]
    assert in_sync(film.path) == pytest.approx([0.25, 1.5, 2.75], abs=0.001)
    assert film.seconds == 3
    assert film.size == film.path.stat().st_size


SOUNDS: list[dict[str, object]] = [
    {"sound": 0.7},
    {"sound": None},
    {"sound": 1.6},
    {"sound": 1, "sound_rate": 44100, "channels": "stereo"},
    {"sound": 0},
    {"sound": 0.99, "sound_rate": 16000},
]


@pytest.mark.parametrize("crossfade", [0, 0.1])
async def test_sound_that_is_short_long_or_missing_shifts_no_later_shot(
    workshop: Workshop, tmp_path: Path, crossfade: float
) -> None:
    """Each shot flashes and beeps at one moment; however wrong its sound's length, the next ones agree."""
    film = await joined(workshop, shots_of(tmp_path, *SOUNDS, {}), crossfade=crossfade)

    step = 1 - round(crossfade * 24) / 24
    heard = [0.5 + n * step for n in (0, 2, 3, 5, 6)]
    assert film.is_copied is not bool(crossfade)
    assert flashes(film.path) == pytest.approx([0.5 + n * step for n in range(7)], abs=0.001)
    assert beeps(film.path) == pytest.approx(heard, abs=0.002)


async def test_a_film_of_silent_shots_has_no_sound_track(workshop: Workshop, tmp_path: Path) -> None:
    """A track of nothing would only make players offer a volume."""
    film = await joined(workshop, shots_of(tmp_path, {"sound": None}, {"sound": None}))

    with av.open(str(film.path)) as container:
        assert not container.streams.audio
        assert len(container.streams.video) == 1


async def test_shots_of_several_kinds_take_the_size_and_rate_of_the_first(workshop: Workshop, tmp_path: Path) -> None:
    """Another shape is fitted in, with black beside it; another rate keeps its speed."""
    unlike: list[dict[str, object]] = [{}, {"size": (48, 64)}, {"fps": 30}, {"size": (128, 96), "fps": 12}, {"crf": 40}]

    film = await joined(workshop, shots_of(tmp_path, *unlike))

    assert not film.is_copied
    assert in_sync(film.path) == pytest.approx([0.5, 1.5, 2.5, 3.5, 4.5], abs=FRAME)
    with av.open(str(film.path)) as container:
        video = container.streams.video[0]
        assert (video.width, video.height, video.average_rate) == (64, 48, 24)


async def test_a_cross_fade_overlaps_neighbours_and_mixes_them(workshop: Workshop, tmp_path: Path) -> None:
    """In the middle of it, light and dark are grey."""
    shots = shots_of(tmp_path, {"signal_at": 0.95, "sound": None}, {"signal_at": 0.5})

    film = await joined(workshop, shots, crossfade=0.25)

    assert film.seconds == pytest.approx(1.75)
    assert [chapter.start for chapter in film.chapters] == [0, 0.75]
    with av.open(str(film.path)) as container:
        light = [frame.to_image().convert("L").resize((1, 1)).getpixel((0, 0)) for frame in container.decode(video=0)]
    assert 20 < light[23] < 235  # the first shot's light, on its way out


async def test_a_fade_longer_than_a_third_of_a_shot_is_cut(workshop: Workshop, tmp_path: Path) -> None:
    """Else a short shot would never be seen alone."""
    film = await joined(workshop, shots_of(tmp_path, {}, {"seconds": 0.5, "signal_at": 0.25}, {}), crossfade=2)

    assert film.seconds == pytest.approx(2.5 - 2 * 4 / 24)


async def test_a_title_card_stands_before_the_first_shot(workshop: Workshop, tmp_path: Path) -> None:
    """Three seconds of letters, silence under them, and a chapter of its own."""
    film = await joined(workshop, shots_of(tmp_path, {"size": (320, 240)}), title_card="A film about a very small cat")

    assert in_sync(film.path) == pytest.approx([3.5], abs=0.001)
    assert [(chapter.title, chapter.start, chapter.end) for chapter in film.chapters] == [
        ("A film about a very small cat", 0, 3),
        ("Shot 1", 3, 4),
    ]
    with av.open(str(film.path)) as container:
        lightest = next(container.decode(video=0)).to_image().convert("L").getextrema()[1]
    assert lightest > 150


async def test_a_card_that_no_font_can_write_is_left_out_and_told(workshop: Workshop, tmp_path: Path) -> None:
    """A paid film is not held back for a row of boxes."""
    film = await joined(workshop, shots_of(tmp_path, {}), title_card="𒀀𒀁")

    assert film.seconds == 1
    assert film.remarks == ("The title card was left out: no font of this machine has its letters.",)


async def test_chapters_and_origin_stand_in_the_file(workshop: Workshop, tmp_path: Path) -> None:
    """Players show both."""
    film = await joined(
        workshop, shots_of(tmp_path, {}, {}), metadata={"title": "猫 and film", "comment": "vid_1, vid_2"}
    )

    with av.open(str(film.path)) as container:
        told = [(one["metadata"]["title"], one["start"], one["end"]) for one in container.chapters()]
        assert (container.metadata["title"], container.metadata["comment"]) == ("猫 and film", "vid_1, vid_2")
    assert told == [("Shot 1", 0, 1000), ("Shot 2", 1000, 2000)]


async def test_a_film_replaces_its_forerunner_and_is_its_owners_alone(workshop: Workshop, tmp_path: Path) -> None:
    """After a retake the film is made again under the same name."""
    shots = shots_of(tmp_path, {}, {})
    await joined(workshop, shots)
    film = await joined(workshop, shots[:1])

    assert film.seconds == 1
    assert sorted(tmp_path.glob("film*")) == [film.path]
    if os.name != "nt":
        assert stat.S_IMODE(film.path.stat().st_mode) == 0o600


async def test_progress_goes_up_to_the_whole(workshop: Workshop, tmp_path: Path) -> None:
    """A hundred times at most."""
    told = list[float]()

    async def progress(share: float) -> None:
        told.append(share)

    await joined(workshop, shots_of(tmp_path, {}, {}), progress=progress)

    assert told == sorted(set(told))
    assert 0.9 < told[-1] <= 1
    assert len(told) <= 100


# What goes wrong


async def test_shots_that_cannot_be_read_are_named_and_nothing_is_left(workshop: Workshop, tmp_path: Path) -> None:
    """Neither a half film nor its part."""
    good = make_movie(tmp_path / "good.mp4")
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "noise.mp4").write_bytes(os.urandom(4096))
    (tmp_path / "half.mp4").write_bytes(good.read_bytes()[:900])
    (tmp_path / "list.mp4").write_text(f"#EXTM3U\n#EXTINF:1,\n{good}\n")
    (tmp_path / "deaf.mp4").write_bytes(_without_pictures(tmp_path / "sound.m4a"))
    before = sorted(tmp_path.iterdir())

    for name, why in {
        "empty": "is empty",
        "noise": "cannot be read as an MP4 video",
        "half": "cannot be read as an MP4 video",
        "list": "cannot be read as an MP4 video",
        "deaf": "has no pictures",
        "gone": "is no longer where it was saved",
    }.items():
        with pytest.raises(VideoUnusable) as caught:
            await workshop.join([good, tmp_path / f"{name}.mp4"], tmp_path / "film.mp4", titles=["1", "2"])
        assert f"{name}.mp4 {why}" in caught.value.what

    assert sorted(tmp_path.iterdir()) == before


def _without_pictures(path: Path) -> bytes:
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=48000)
        frame = av.AudioFrame(format="fltp", layout="stereo", samples=1024)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.sample_rate = 48000
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return path.read_bytes()


async def test_joining_that_takes_too_long_is_given_up(workshop: Workshop, tmp_path: Path) -> None:
    """A decoder may hang for ever; whoever waits for it may not."""
    with pytest.raises(VideoUnusable, match=r"It took longer than 0\.01 s"):
        await joined(workshop, shots_of(tmp_path, {}), deadline=timedelta(seconds=0.01))
    assert list(tmp_path.glob("film*")) == []


async def test_whoever_cancels_leaves_the_former_film_and_no_part(workshop: Workshop, tmp_path: Path) -> None:
    """At any moment: the worker is killed."""
    shots = shots_of(tmp_path, {}, {})
    film = await joined(workshop, shots)
    before = film.path.read_bytes()

    async with anyio.create_task_group() as group:

        async def cancel(_share: float) -> None:
            group.cancel_scope.cancel()

        async def join() -> None:
            await joined(workshop, shots, progress=cancel, crossfade=0.2)

        group.start_soon(join)

    assert film.path.read_bytes() == before
    assert sorted(tmp_path.glob("film*")) == [film.path]


async def test_a_reader_that_dies_of_a_file_takes_nobody_with_it(tmp_path: Path) -> None:
    """A worker without an interpreter's wits stands for one that crashed."""
    workshop = Workshop(environment={"PYTHONHOME": str(tmp_path)})

    with pytest.raises(VideoUnusable, match="brought its reader down"):
        await joined(workshop, shots_of(tmp_path, {}))


async def test_a_film_that_cannot_be_written_is_an_error_in_words(workshop: Workshop, tmp_path: Path) -> None:
    """A folder that is a file."""
    (tmp_path / "taken").touch()

    with pytest.raises(VideoUnusable, match="cannot be written to"):
        await workshop.join(shots_of(tmp_path, {}), tmp_path / "taken" / "film.mp4", titles=["1"])


async def test_without_the_extra_it_says_how_to_get_it(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And that the shots are there."""
    monkeypatch.setattr(workshop_module, "is_installed", lambda: False)

    with pytest.raises(MediaMissing) as caught:
        await workshop.join([tmp_path / "shot.mp4"], tmp_path / "film.mp4", titles=["1"])
    assert "Each shot is there." in caught.value.words
    assert "pip install 'wan-mcp[media]'" in caught.value.words
