"""What moves while somebody waits: a line for each task or film, with a bar, the time gone and the usual time."""

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from wan_mcp.cli import film_pages
from wan_mcp.cli.pages import badge, clock_words
from wan_mcp.domain.film import FilmStatus
from wan_mcp.domain.language import say
from wan_mcp.domain.task import Status
from wan_mcp.server import film_views
from wan_mcp.server.views import seconds
from wan_mcp.service.report import FilmReport, Report

_TIMED = (Status.PENDING, Status.RUNNING, FilmStatus.RENDERING, FilmStatus.JOINING)
"""What has a usual time."""
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_SPINNER_ASCII = "|/-\\"
_FRAMES_A_SECOND = 8
_WIDEST_BAR = 30
_NARROWEST_BAR = 8
_FREE = 3
_RUNNER = 5
"""Cells of the piece that runs along a bar where nobody can say how long it takes."""


@dataclass(frozen=True)
class Meter:
    """How one task or film is doing, on one line of whatever width there is; where that is little the bar goes."""

    report: Report | FilmReport

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        frame = int(console.get_time() * _FRAMES_A_SECOND)
        frames = _SPINNER_ASCII if options.ascii_only else _SPINNER
        line = Text.assemble((frames[frame % len(frames)], "cyan"), " ", _badge(self.report), " ")
        words = waiting_words(self.report)
        # The end stays free: a cursor behind the last cell, or the ^C that is typed there, begins a new line.
        room = options.max_width - line.cell_len - Text(words).cell_len - 1 - _FREE
        if room >= _NARROWEST_BAR:
            width = min(room, _WIDEST_BAR)
            line += bar(share_done(self.report), width, frame=frame, ascii_only=options.ascii_only) + Text(" ")
        line.append(words)
        line.truncate(max(options.max_width - _FREE, 1), overflow="ellipsis")
        yield line


def name_of(report: Report | FilmReport) -> str:
    """The id of what is waited for."""
    return report.task.id if isinstance(report, Report) else report.film.id


def status_of(report: Report | FilmReport) -> Status | FilmStatus:
    """The status of what is waited for."""
    return report.task.status if isinstance(report, Report) else report.status


def _badge(report: Report | FilmReport) -> Text:
    return badge(report.task.status) if isinstance(report, Report) else film_pages.badge(report.status)


def bar(done: float | None, width: int, *, frame: int = 0, ascii_only: bool = False) -> Text:
    """Draw how much is done, from 0 to 1, or a piece that runs to and fro where nobody knows.

    What is done and what is not are different lines, so it can be read without colours and on any background.
    """
    full, empty = ("#", "-") if ascii_only else ("━", "─")
    if done is None:
        length = min(_RUNNER, width)
        way = max(width - length, 1)
        step = frame % (2 * way)
        before = min(step, 2 * way - step)
    else:
        before, length = 0, round(min(max(done, 0.0), 1.0) * width)
    return Text.assemble(
        (empty * before, "bright_black"), (full * length, "cyan"), (empty * (width - before - length), "bright_black")
    )


def share_done(report: Report | FilmReport) -> float | None:
    """How much of the usual time is gone; `None` where that says nothing."""
    if status_of(report) not in _TIMED or report.elapsed > report.usual:
        return None
    return report.elapsed / report.usual


def waiting_words(report: Report | FilmReport) -> str:
    """What is waited for, and for how long already."""
    if isinstance(report, FilmReport):
        return f"{_time_words(report)} · {film_views.progress_words(report)}"
    task, elapsed = report.task, clock_words(report.elapsed)
    match task.status:
        case Status.QUEUED:
            return say("{elapsed}, waits with us at place {place}", elapsed=elapsed, place=report.place)
        case Status.UNCERTAIN:
            return say("the answer was lost, it is looked for; do not create it again")
        case Status.SUCCEEDED:
            return say("saving the file")
        case _:
            return _time_words(report)


def _time_words(report: Report | FilmReport) -> str:
    elapsed, usual = clock_words(report.elapsed), clock_words(report.usual)
    if status_of(report) in _TIMED and seconds(report.elapsed) > seconds(report.usual):
        return say("{elapsed}, usually {usual}", elapsed=elapsed, usual=usual)
    return say("{elapsed} of usually {usual}", elapsed=elapsed, usual=usual)
