"""What moves while somebody waits: a line for each task, with a bar, the time gone and the usual time."""

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from wan_mcp.cli.pages import badge, clock_words
from wan_mcp.domain.language import say
from wan_mcp.domain.task import Status
from wan_mcp.server.views import seconds
from wan_mcp.service.report import Report

_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_SPINNER_ASCII = "|/-\\"
_FRAMES_A_SECOND = 8
_WIDEST_BAR = 30
_NARROWEST_BAR = 8
_RUNNER = 5
"""Cells of the piece that runs along a bar where nobody can say how long it takes."""


@dataclass(frozen=True)
class Meter:
    """How one task is doing, on one line of whatever width there is; the bar goes first where that is little."""

    report: Report

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        frame = int(console.get_time() * _FRAMES_A_SECOND)
        frames = _SPINNER_ASCII if options.ascii_only else _SPINNER
        line = Text.assemble((frames[frame % len(frames)], "cyan"), " ", badge(self.report.task.status), " ")
        words = waiting_words(self.report)
        # One cell stays free: a cursor behind the last one makes some terminals begin a new line.
        room = options.max_width - line.cell_len - Text(words).cell_len - 2
        if room >= _NARROWEST_BAR:
            width = min(room, _WIDEST_BAR)
            line += bar(share_done(self.report), width, frame=frame, ascii_only=options.ascii_only) + Text(" ")
        line.append(words)
        line.truncate(max(options.max_width - 1, 1), overflow="ellipsis")
        yield line


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


def share_done(report: Report) -> float | None:
    """How much of the usual time is gone; `None` where that says nothing."""
    if report.task.status not in (Status.PENDING, Status.RUNNING) or report.elapsed > report.usual:
        return None
    return report.elapsed / report.usual


def waiting_words(report: Report) -> str:
    """What is waited for, and for how long already."""
    task, elapsed, usual = report.task, clock_words(report.elapsed), clock_words(report.usual)
    match task.status:
        case Status.QUEUED:
            return say("{elapsed}, waits with us at place {place}", elapsed=elapsed, place=report.place)
        case Status.UNCERTAIN:
            return say("the answer was lost, it is looked for; do not create it again")
        case Status.SUCCEEDED:
            return say("saving the file")
        case Status.PENDING | Status.RUNNING if seconds(report.elapsed) > seconds(report.usual):
            return say("{elapsed}, usually {usual}", elapsed=elapsed, usual=usual)
        case _:
            return say("{elapsed} of usually {usual}", elapsed=elapsed, usual=usual)
