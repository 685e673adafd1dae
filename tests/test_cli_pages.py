"""How one task looks in a terminal, status by status: nothing is paid twice for want of a word."""

import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

import wan_mcp
from tests.making import a_request
from wan_mcp.cli import pages
from wan_mcp.cli.tables import table
from wan_mcp.domain.catalogue import REGIONS, WAN25_T2V
from wan_mcp.domain.chinese import CHINESE
from wan_mcp.domain.chinese.domain import DOMAIN
from wan_mcp.domain.chinese.media import MEDIA
from wan_mcp.domain.chinese.service import SERVICE
from wan_mcp.domain.task import Problem, Status, VideoTask
from wan_mcp.service.report import Report
from wan_mcp.settings import Settings

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


def a_report(
    status: Status,
    *,
    place: int | None = None,
    is_for_a_person: bool = False,
    elapsed: timedelta = timedelta(seconds=30),
    **facts: Any,
) -> Report:
    """A task as it stands so long after it was asked for."""
    request = a_request("a cat")
    quote = WAN25_T2V.quote(region=REGIONS["cn-beijing"], resolution=request.resolution, duration=request.duration)
    usually: dict[str, Any] = {"id": "vid_cat", "asked_at": NOON, "since": NOON, "request": request}
    task = VideoTask(status=status, account="here", unit_price=quote.unit_price, seconds=5, **(usually | facts))
    minute = timedelta(minutes=1)
    return Report(task=task, elapsed=elapsed, usual=minute, place=place, is_for_a_person=is_for_a_person)


def shown(report: Report) -> str:
    """What a pipe gets of it."""
    console = Console(file=io.StringIO(), highlight=False, markup=False)
    pages.card(console, report)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_what_waits_with_us_says_where_and_on_what() -> None:
    """It is sent by a running wan-mcp only, and the person may have just ended the last."""
    told = shown(a_report(Status.QUEUED, place=2))

    assert "waits with us at place 2" in told
    assert "A server sends it when there is room" in told


def test_what_only_a_person_can_settle_says_so() -> None:
    """Waiting will not bring its end."""
    several = Problem(code="SeveralCandidates", message="Two tasks may be it.", money_moved="maybe")

    assert "wan-mcp settle" in shown(a_report(Status.UNCERTAIN, problem=several, is_for_a_person=True))
    assert "wan-mcp settle" in shown(a_report(Status.UNKNOWN, is_for_a_person=True))


def test_a_paid_video_without_a_file_or_a_link_says_so() -> None:
    """The worst case must not look like success."""
    dead = Problem(code="LinkExpired", message="It was not saved in time.", money_moved="yes")
    told = shown(a_report(Status.SUCCEEDED, problem=dead))

    assert "LinkExpired: It was not saved in time." in told
    assert "its file is not here" in told


@pytest.mark.parametrize("status", Status)
def test_every_status_has_its_badge_and_its_money(status: Status) -> None:
    """A status that is added later must not break the list of all tasks."""
    told = shown(a_report(status))

    assert told.startswith(f"{status}  a cat\n")
    assert "cost      3.00 CNY " in told
    assert pages.badge(status).spans


def test_the_table_names_what_went_wrong() -> None:
    """Red alone does not tell a refused prompt from an overdue bill."""
    console = Console(file=io.StringIO(), width=80)
    console.print(table([a_report(Status.FAILED, problem=Problem(code="Arrearage", message=""))], 80))

    assert isinstance(console.file, io.StringIO)
    assert "Arrearage" in console.file.getvalue()


# What is not at home


def lying(*hours: float) -> str:
    """The warning of videos whose links die in so many hours."""
    reports = [
        a_report(Status.SUCCEEDED, id=f"vid_{n}", video_url="https://x", expires_at=NOON + timedelta(hours=left))
        for n, left in enumerate(hours)
    ]
    return pages.unsaved_words(reports, NOON)


def test_a_paid_video_that_lies_at_dashscope_is_warned_of() -> None:
    """It is lost a day after its end; the first to die is named by its time."""
    assert lying() == ""
    assert "1 paid video is not saved yet, and its link dies in 3 h 12 min." in lying(3.2)
    assert "`wan-mcp show vid_0 --wait 300`" in lying(3.2)
    assert "2 paid videos are not saved yet, and the first link dies in 1 h 0 min." in lying(3, 1)
    assert "dies in 0 h 0 min" in lying(-1)


# Tools and commands


def test_who_sits_at_the_terminal_is_the_person() -> None:
    """A model is told about them; they are told themselves."""
    assert pages.in_commands("The person must agree first.") == "You must agree first."
    assert pages.in_commands("Raise max_cost if the person agrees.") == "Raise --max-cost if you agree."


def test_no_error_speaks_of_the_person_to_that_person() -> None:
    """Whatever is added: the words of the floors below the doors are for a model, and for a person, too."""
    settings = {field.description for field in Settings.model_fields.values()}
    heard = [word for pair in (SERVICE | DOMAIN | MEDIA).items() if pair[0] not in settings for word in pair]

    assert any("the person" in words for words in heard)
    assert [words for words in map(pages.in_commands, heard) if re.search("[Tt]he person|本人", words)] == []


def test_a_command_is_told_with_the_id_that_it_wants() -> None:
    """`wan-mcp show` alone is a usage error."""
    words = "Call get_video_task with {task} to see how it is doing."
    for template, command in (
        (words, "Run `wan-mcp show vid_a-1` to see how it is doing."),
        (CHINESE[words], "请运行 `wan-mcp show vid_a-1` 查看进展。"),
        ("Call get_film with it.", "Run `wan-mcp film` with it."),
    ):
        assert pages.in_commands(template.format(task="vid_a-1")) == command


def test_somebody_who_has_commands_is_not_told_tools() -> None:
    """Errors are written once, for every door; a person in a terminal cannot call a tool."""
    told = pages.in_commands("Call get_video_task later; list_video_tasks shows them; then call create_video again.")

    assert told == "Run `wan-mcp show` later; `wan-mcp tasks` shows them; then run `wan-mcp create` again."


def test_every_tool_that_an_error_names_has_its_command() -> None:
    """A tool that is added must not be named to somebody who cannot call it."""
    tools = {path.stem for path in Path(__file__).with_name("snapshots").glob("*_*.json")}
    package = Path(wan_mcp.__file__).parent
    floors = ("domain", "adapters", "service")
    sources = [path.read_text("utf-8") for floor in floors for path in (package / floor).rglob("*.py")]
    named = {tool for tool in tools for source in sources if tool in source}

    assert "get_video_task" in named
    assert {tool for tool in named if pages.in_commands(tool) == tool} == set()


# Tables


@pytest.mark.parametrize("columns", [40, 60, 80, 120, 200])
def test_the_table_fits_whatever_width_there_is(columns: int) -> None:
    """Wide Chinese and emoji included, and an id can always be copied whole."""
    reports = [
        a_report(status, request=a_request("一只小猫在月光下奔跑🎉" * 9), id="vid_" + "x" * 22, place=1)
        for status in Status
    ]
    console = Console(file=io.StringIO(), width=columns)
    console.print(table(reports, columns))

    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().split("\n")
    assert all(cell_len(line.rstrip()) <= min(columns, 110) for line in lines)
    assert sum("vid_" + "x" * 22 in line for line in lines) == len(Status)
