"""Tasks and films in one list: by lines, and as structured content."""

from collections.abc import Sequence
from typing import Any

from wan_mcp.domain.language import say
from wan_mcp.server import film_views, money_views, views
from wan_mcp.service.report import Account, FilmReport, Report

_NOT_IN_A_LIST = ("next_step", "next_poll_seconds")


def listing(found: Sequence[Report | FilmReport], account: Account) -> tuple[str, dict[str, Any]]:
    """What was found, and where the money stands. Films are absent where there are none."""
    lines = [line(one) for one in found] or [say("No tasks.")]
    films = [_film(one) for one in found if isinstance(one, FilmReport)]
    shown: dict[str, Any] = {"tasks": [_task(one) for one in found if isinstance(one, Report)]}
    if films:
        shown["films"] = films
    shown["budget"] = money_views.budget(account)
    return "\n".join([*lines, money_views.budget_words(account)]), shown


def line(one: Report | FilmReport) -> str:
    """One of them on one line."""
    return views.line(one) if isinstance(one, Report) else film_views.line(one)


def _film(report: FilmReport) -> dict[str, Any]:
    return {name: value for name, value in film_views.structured(report).items() if name not in _NOT_IN_A_LIST}


def _task(report: Report) -> dict[str, Any]:
    """The same names, without what belongs to one task in hand, or to a link that the file has made needless."""
    left_out = (*_NOT_IN_A_LIST, "video_url", "expires_at") if report.task.file else _NOT_IN_A_LIST
    return {name: value for name, value in views.structured(report).items() if name not in left_out}
