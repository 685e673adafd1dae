"""A name that people can read, on every file system, and never a path."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.making import CAT, a_request
from tests.tasks import a_task
from wan_mcp.domain.filename import file_name, film_name

DAY = datetime(2026, 11, 23, 12, 0).astimezone()


def name(prompt: str, id: str = "vid_aB3xY9zz") -> str:
    """The name of a video of this prompt."""
    return file_name(a_task(id=id, request=a_request(prompt)), DAY)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        (CAT, f"2026-11-23 {CAT} aB3xY9.mp4"),
        ("A cat, running!", "2026-11-23 A cat running aB3xY9.mp4"),
        ("../../etc/passwd", "2026-11-23 etc passwd aB3xY9.mp4"),
        ("C:\\Windows\\con", "2026-11-23 C Windows con aB3xY9.mp4"),
        ("a\x00b\nc\u202ed\u200be", "2026-11-23 a b c d e aB3xY9.mp4"),
        ("...", "2026-11-23 aB3xY9.mp4"),
        ("🐱🐱", "2026-11-23 aB3xY9.mp4"),
        ("snake_case", "2026-11-23 snake case aB3xY9.mp4"),
        ("हिन्दी में ที่", "2026-11-23 हिन्दी में ที่ aB3xY9.mp4"),
        ("word " * 100, f"2026-11-23 {'word ' * 8}aB3xY9.mp4"),
    ],
)
def test_a_name_is_the_date_the_words_and_a_short_id(prompt: str, expected: str) -> None:
    """Somebody looks for it in a folder, weeks later."""
    assert name(prompt) == expected


def test_two_takes_of_one_prompt_have_two_names() -> None:
    """The id is random; its first characters tell them apart."""
    assert name(CAT, "vid_aaaaaaX") != name(CAT, "vid_bbbbbbX")


def test_signs_of_the_id_stay_out() -> None:
    """An id is url-safe, and may begin with a dash or hold nothing but signs."""
    assert name(CAT, "vid_-_-_-_") == f"2026-11-23 {CAT}.mp4"
    assert name(CAT, "vid_-a_b-c") == f"2026-11-23 {CAT} abc.mp4"


@given(st.text(min_size=1, max_size=1500).filter(str.strip))
def test_no_prompt_makes_a_name_that_leaves_its_folder_or_is_too_long(prompt: str) -> None:
    """File systems count bytes, 255 of them; `.part` and a number must still fit behind."""
    made, folder = name(prompt), Path("/videos")

    assert (folder / made).parent == folder
    assert Path(made).name == made
    assert len(f"{made.removesuffix('.mp4')} (999).mp4.part".encode()) <= 255
    assert made.isprintable()
    assert not set(made) & set('/\\:*?"<>|\x00')
    assert made.startswith("2026-11-23 ")
    assert made.endswith(".mp4")
    assert "  " not in made


def test_a_shot_says_its_number_and_its_take_in_a_folder_named_by_the_film() -> None:
    """Sixty files lie there in the order in which they are seen."""
    shot = a_task(id="vid_aB3xY9zz", request=a_request("A fox wakes."), film_id="film_x", shot=3)
    assert file_name(shot, DAY) == "Shot 03 A fox wakes aB3xY9.mp4"
    assert file_name(replace(shot, take=2), DAY) == "Shot 03 take 2 A fox wakes aB3xY9.mp4"
    assert film_name("The fox: part 1/2", "film_Qw_-3rTyu", DAY) == "2026-11-23 The fox part 1 2 Qw3rTy"
