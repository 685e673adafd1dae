"""The line that moves while somebody waits: how it looks in each status, and in whatever room there is."""

import io
from datetime import timedelta
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from tests.commands import a_terminal, talk
from tests.test_cli_pages import a_report
from wan_mcp.cli.progress import Meter, bar
from wan_mcp.domain.task import Status


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
