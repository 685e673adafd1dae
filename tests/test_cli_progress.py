"""The line that moves while somebody waits: how it looks in each status, and in whatever room there is."""

import io
import re
from datetime import timedelta
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from tests.commands import a_pipe, a_terminal, talk
from tests.films import a_film, takes
from tests.test_cli_pages import a_report
from wan_mcp.cli.progress import Meter, bar
from wan_mcp.domain.film import FilmStatus, Shot
from wan_mcp.domain.task import Status
from wan_mcp.service.report import FilmReport


def drawn(status: Status, *, columns: int = 80, encoding: str = "utf-8", **facts: Any) -> str:
    """The line of a task, at the first moment of its spinner."""
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(
        file=file, force_terminal=True, width=columns, color_system=None, get_time=lambda: 0.0, legacy_windows=False
    )
    console.print(Meter(a_report(status, **facts)))
    file.seek(0)
    return file.read().rstrip("\n")


def test_a_running_task_shows_how_much_of_the_usual_time_is_gone() -> None:
    """Nobody waits in the dark."""
    assert drawn(Status.RUNNING) == "⠋ RUNNING ━━━━━━━━━━━━━━━─────────────── 0:30 of usually 1:00"


def test_beyond_the_usual_time_no_end_is_promised() -> None:
    """A bar that is full and goes on lies."""
    told = drawn(Status.RUNNING, elapsed=timedelta(minutes=62, seconds=5))

    assert told == "⠋ RUNNING ━━━━━───────────────────────── 1:02:05, usually 1:00"


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (Status.QUEUED, "0:30, waits with us at place 2"),
        (Status.SUBMITTING, "0:30 of usually 1:00"),
        (Status.PENDING, "0:30 of usually 1:00"),
        (Status.UNCERTAIN, "do not create it again"),
        (Status.SUCCEEDED, "saving the file"),
    ],
)
def test_each_status_says_what_is_waited_for(status: Status, told: str) -> None:
    """Each has its own patience, and one of them a warning."""
    assert told in drawn(status, place=2)


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("columns", [10, 20, 40, 60, 80])
def test_it_stays_on_one_line_whatever_room_there_is(status: Status, columns: int) -> None:
    """What breaks into two lines cannot be drawn over, and would fill the screen."""
    told = drawn(status, columns=columns, place=2)

    assert "\n" not in told
    assert cell_len(told.rstrip()) < columns


def test_the_bar_goes_before_the_words_do() -> None:
    """In forty columns the time is worth more."""
    assert drawn(Status.RUNNING, columns=36) == "⠋ RUNNING 0:30 of usually 1:00"


def test_without_unicode_it_is_drawn_in_ascii() -> None:
    """Escaped braille would be noise."""
    assert drawn(Status.RUNNING, encoding="ascii").startswith("| RUNNING ####")


def test_what_nobody_knows_runs_to_and_fro() -> None:
    """It shows that something goes on, and claims nothing."""
    places = [bar(None, 9, frame=frame).plain.index("━") for frame in range(9)]

    assert places == [0, 1, 2, 3, 4, 3, 2, 1, 0]


@pytest.mark.anyio
async def test_several_tasks_have_a_line_each() -> None:
    """A film waits for many at once."""
    terminal = a_terminal()
    with terminal.progress() as tell:
        await tell(a_report(Status.RUNNING))
        await tell(a_report(Status.QUEUED, id="vid_dog", place=1))

    assert "RUNNING" in talk(terminal)
    assert "waits with us at place 1" in talk(terminal)


def a_film_report(status: FilmStatus, *, saved: int = 0, elapsed: int = 30) -> FilmReport:
    """A film of three shots, so many of which are at home."""
    film = a_film()
    made = takes(film)
    at_home = [a_report(Status.SUCCEEDED, file="a fox.mp4").task for _ in range(saved)]
    shots = [
        Shot(number=number, request=take.request, takes=(take,))
        for number, take in enumerate([*at_home, *made[saved:]], 1)
    ]
    return FilmReport(
        film=film, shots=tuple(shots), status=status, moving=(), attention=(), elapsed=timedelta(seconds=elapsed),
        usual=timedelta(minutes=1), next_look=timedelta(seconds=15),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("report", "told"),
    [
        (
            a_film_report(FilmStatus.RENDERING, saved=1),
            "─ 0:30 of usually 1:00 · 1 of 3 shots",
        ),
        (a_film_report(FilmStatus.RENDERING, elapsed=90), "1:30, usually 1:00 · 0 of 3 shots saved"),
        (a_film_report(FilmStatus.JOINING, saved=3, elapsed=90), "1:30, usually 1:00 · 3 shots saved, joining"),
    ],
)
@pytest.mark.anyio
async def test_a_film_has_one_line_too(report: FilmReport, told: str) -> None:
    """How many shots are there says more than sixty lines."""
    terminal = a_terminal()
    with terminal.progress() as tell:
        await tell(report)

    assert told in re.sub(r"\x1b\[[\d;]*m", "", talk(terminal))


@pytest.mark.anyio
async def test_a_terminal_that_cannot_redraw_is_told_of_a_film_in_lines() -> None:
    """As of a task."""
    terminal = a_terminal(TERM="dumb")
    with terminal.progress() as tell:
        await tell(a_film_report(FilmStatus.RENDERING))
        await tell(a_film_report(FilmStatus.RENDERING))

    assert talk(terminal).count("RENDERING 0:30 of usually 1:00 · 0 of 3 shots saved") == 1


@pytest.mark.parametrize(("facts", "told"), [({"file": "/videos/Shot 01 a fox.mp4"}, "Shot 01 a fox.mp4"), ({}, "")])
def test_a_person_is_told_a_shot_by_its_name_and_a_script_by_its_path(facts: dict[str, Any], told: str) -> None:
    """Sixty paths fill a screen; the folder is told with the film."""
    task = a_report(Status.SUCCEEDED, **facts).task
    person, script = a_terminal(), a_pipe()
    for terminal in (person, script):
        terminal.tell_shot(1, task)

    shown = re.sub(r"\x1b\[[\d;]*m", "", talk(person))
    assert shown.rstrip() == f"  shot 1    SUCCEEDED  {told}".rstrip()
    assert talk(script) == f"shot 1: SUCCEEDED {facts.get('file', '')}".rstrip() + "\n"
