"""`wan-mcp tasks --watch`: the list of tasks kept up to date, while this process looks after every open one."""

from collections.abc import Sequence
from functools import partial

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.text import Text

from wan_mcp.cli.session import visit
from wan_mcp.cli.tables import no_tasks, table
from wan_mcp.cli.terminal import Terminal
from wan_mcp.domain.language import say
from wan_mcp.server import money_views
from wan_mcp.service.report import Account, FilmReport, Report
from wan_mcp.service.videos import Videos

_TICK = 1.0
"""Seconds between two looks into the ledger, where nothing is new here."""


async def read_newest(videos: Videos, *, word: str | None, limit: int) -> tuple[Sequence[Report | FilmReport], Account]:
    """The newest tasks and films, all or those of one status, and where the money stands."""
    return await videos.listed(word=word, limit=limit), await videos.spending.account()


def watch_tasks(terminal: Terminal, *, word: str | None, limit: int) -> None:
    """Keep the list up to date until Ctrl-C; into a pipe, a line for each change until all tasks have ended.

    Raises:
        KeyboardInterrupt: after saying that the tasks go on.
    """
    read = partial(read_newest, word=word, limit=limit)
    board = Board()
    is_live = terminal.out.is_terminal and not terminal.out.is_dumb_terminal and not terminal.as_json

    async def follow(videos: Videos) -> None:
        told: dict[str, tuple[int, ...]] = {}
        while True:
            reports, _ = await read(videos)
            for report in reversed(reports):
                name, stamp = _name_and_stamp(report)
                if told.get(name) != stamp:
                    told[name] = stamp
                    terminal.event(report)
            if not any(map(_goes_on, reports)):
                return
            await videos.attending.wait_for_news(_TICK)

    async def draw(videos: Videos) -> None:
        while True:
            board.show(*await read(videos))
            await videos.attending.wait_for_news(_TICK)

    try:
        if not is_live:
            return visit(follow, watching=True)
        # The screen is the board's alone, so that it survives a change of size, and gives back what was there.
        with Live(console=terminal.out, screen=True, refresh_per_second=4, get_renderable=lambda: board):
            return visit(draw, watching=True)
    except KeyboardInterrupt:
        if is_live and board.account:
            terminal.list(board.reports, board.account)
        if any(map(_goes_on, board.reports)):
            terminal.say(
                say("Stopped watching. Open tasks go on; a server or `wan-mcp tasks --watch` fetches their files.")
            )
        raise


def _name_and_stamp(report: Report | FilmReport) -> tuple[str, tuple[int, ...]]:
    if isinstance(report, Report):
        return report.task.id, (report.task.version,)
    return report.film.id, report.stamp


def _goes_on(report: Report | FilmReport) -> bool:
    """Is there something that watching may still bring?"""
    if isinstance(report, Report):
        return not report.task.is_settled and not report.is_for_a_person
    return not report.is_settled


class Board:
    """The newest tasks and films, as many as the screen is high."""

    def __init__(self) -> None:
        self.reports: Sequence[Report | FilmReport] = []
        self.account: Account | None = None

    def show(self, reports: Sequence[Report | FilmReport], account: Account) -> None:
        """Show these from now on."""
        self.reports, self.account = reports, account

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self.account is None:
            return
        footer = Text.assemble(
            money_views.budget_words(self.account),
            "\n",
            say("Ctrl-C ends the watching; the tasks go on."),
            style="dim",
        )
        height = (options.height or console.height) - len(console.render_lines(footer, options)) - 1
        # As many as fit: the rest of a table that is too long would push its head out of the screen.
        shown = self.reports
        while True:
            rows = table(shown, options.max_width) if shown else Text(no_tasks())
            if len(shown) <= 1 or len(console.render_lines(rows, options)) <= height:
                break
            shown = shown[:-1]
        yield Group(rows, "", footer)
