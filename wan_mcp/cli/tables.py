"""How tasks and films look in a list: newest first, two lines each."""

from collections.abc import Sequence

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from wan_mcp.cli import film_pages
from wan_mcp.cli.pages import badge, clock_words, money_words, printable
from wan_mcp.domain.language import say
from wan_mcp.domain.task import Status
from wan_mcp.server import film_views, views
from wan_mcp.service.report import FilmReport, Report

NARROW, _WIDEST = 70, 110
"""Columns below which a table has only what matters most, and above which lines are too long to read."""


def no_tasks() -> str:
    """What an empty ledger says."""
    return say('No tasks yet. `wan-mcp create "a paper boat in the rain"` makes one.')


def table(found: Sequence[Report | FilmReport], width: int) -> Table:
    """Two lines each: an id is 26 characters wide, and is there to be copied."""
    if width < NARROW:
        return _narrow(found)
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, expand=True, width=min(width, _WIDEST))
    shown.add_column(say("Status"), no_wrap=True, width=10)
    shown.add_column(say("Video"), overflow="ellipsis", no_wrap=True, ratio=1)
    shown.add_column(say("Asked"), no_wrap=True, justify="right")
    shown.add_column(say("Cost"), no_wrap=True, justify="right")
    for one in found:
        shown.add_row(_badge(one), _told(one), _when(one), Text.assemble(*_cost(one)))
    return shown


def _narrow(found: Sequence[Report | FilmReport]) -> Table:
    shown = Table.grid(padding=(0, 1, 1, 0), expand=True)
    shown.add_column(no_wrap=True, min_width=9)
    shown.add_column(overflow="ellipsis", no_wrap=True, ratio=1)
    for one in found:
        shown.add_row(Text.assemble(_badge(one), "\n", _cost(one)[0].rstrip()), _told(one))
    return shown


def _badge(one: Report | FilmReport) -> Text:
    return badge(one.task.status) if isinstance(one, Report) else film_pages.badge(one.status)


def _cost(one: Report | FilmReport) -> tuple[str, tuple[str, str]]:
    """An amount, and where it stands; of a film of which some is held and some charged, the sum and both."""
    if isinstance(one, Report):
        return f"{one.task.cost}\n", (money_words(one.task), "dim")
    states = film_views.cost_words(one).replace(f" {one.held.currency}", "")
    total = one.held + one.charged
    return f"{total}\n", (states.removeprefix(f"{total.plain} "), "dim")


def _told(one: Report | FilmReport) -> Group:
    return _of_task(one) if isinstance(one, Report) else _of_film(one)


def _of_task(report: Report) -> Group:
    task = report.task
    lines = [_title(task.request.prompt), _dim(f"{task.id}  {views.video_words(task)}")]
    if task.is_to_be_saved:
        lines.append(Text(say("not saved yet"), style="dim"))
    if task.problem and task.status is Status.CANCELED:
        lines.append(_dim(printable(task.problem.words)))  # a code would only say the status again
    elif task.problem:
        lines.append(Text(printable(task.problem.code), style="red" if task.status is Status.FAILED else "dim"))
    return Group(*lines)


def _of_film(report: FilmReport) -> Group:
    lines = [_title(report.film.script.title), _dim(f"{report.film.id}  {film_views.facts(report)}")]
    if not report.is_settled:
        lines.append(_dim(film_views.doing_words(report)))
    for words in film_views.attention_words(report):
        lines.append(Text(printable(words), style="red", overflow="ellipsis", no_wrap=True))
    return Group(*lines)


def _title(words: str) -> Text:
    return Text(printable(words), overflow="ellipsis", no_wrap=True)


def _dim(words: str) -> Text:
    return Text(words, style="dim", overflow="ellipsis", no_wrap=True)


def _when(one: Report | FilmReport) -> Text:
    """When it was asked for, and how long that is ago where somebody waits for it."""
    if isinstance(one, Report):
        asked_at, is_open = one.task.asked_at, one.task.is_open
        is_made = one.task.status in (Status.PENDING, Status.RUNNING)
    else:
        asked_at, is_open, is_made = one.film.asked_at, not one.is_settled, True
    asked = asked_at.astimezone()
    if not is_open:
        return Text(f"{asked:%m-%d\n%H:%M}", style="dim")
    since = Text(clock_words(one.elapsed))  # says the day, too
    if is_made:
        since.append(f" / {clock_words(one.usual)}", style="dim")
    return Text.assemble((f"{asked:%H:%M}", "dim"), "\n", since)
