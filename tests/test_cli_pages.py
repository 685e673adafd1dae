"""How one task looks in a terminal, status by status: nothing is paid twice for want of a word."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from tests.making import a_request
from wan_mcp.cli import pages
from wan_mcp.domain.catalogue import REGIONS, WAN25_T2V
from wan_mcp.domain.task import Problem, Status, VideoTask
from wan_mcp.service.report import Report

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


def a_report(status: Status, *, place: int | None = None, is_for_a_person: bool = False, **facts: Any) -> Report:
    """A task as it stands 30 s after it was asked for."""
    request = a_request("a cat")
    quote = WAN25_T2V.quote(region=REGIONS["cn-beijing"], resolution=request.resolution, duration=request.duration)
    task = VideoTask(
        id="vid_cat", status=status, account="here", request=request, unit_price=quote.unit_price,
        seconds=5, asked_at=NOON, since=NOON, **facts,
    )  # fmt: skip
    minute = timedelta(minutes=1)
    return Report(
        task=task, elapsed=minute / 2, usual=minute, place=place, look_every=minute, is_for_a_person=is_for_a_person
    )


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
    assert "It is sent when there is room, while a wan-mcp runs" in told


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
    assert pages.badge(status).style


def test_the_table_names_what_went_wrong() -> None:
    """Red alone does not tell a refused prompt from an overdue bill."""
    console = Console(file=io.StringIO(), width=80)
    console.print(pages.table([a_report(Status.FAILED, problem=Problem(code="Arrearage", message=""))]))

    assert isinstance(console.file, io.StringIO)
    assert "Arrearage" in console.file.getvalue()
