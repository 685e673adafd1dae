"""`wan-mcp tasks --watch`: the list of tasks kept up to date, while this process looks after every open one."""

from functools import partial

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.text import Text

from wan_mcp.cli import pages
from wan_mcp.cli.session import visit
from wan_mcp.cli.terminal import Terminal
from wan_mcp.domain.language import say
from wan_mcp.domain.task import Status
from wan_mcp.service.report import Account, Report
from wan_mcp.service.videos import Videos

_TICK = 1.0
"""Seconds between two looks into the ledger, where nothing is new here."""


async def read_tasks(videos: Videos, *, status: Status | None, limit: int) -> tuple[list[Report], Account]:
    """The newest tasks, and where the money stands."""
    return await videos.newest(status=status, limit=limit), await videos.spending.account()


def watch_tasks(terminal: Terminal, *, status: Status | None, limit: int) -> None:
    """Keep the list up to date until Ctrl-C; into a pipe, a line for each change until all tasks have ended.

    Raises:
        KeyboardInterrupt: after saying that the tasks go on.
    """
    read = partial(read_tasks, status=status, limit=limit)
    board = Board()
    is_live = terminal.out.is_terminal and not terminal.out.is_dumb_terminal and not terminal.as_json

    async def follow(videos: Videos) -> None:
        told: dict[str, int] = {}
        while True:
            reports, _ = await read(videos)
            for report in reversed(reports):
                if told.get(report.task.id) != report.task.version:
                    told[report.task.id] = report.task.version
                    terminal.event(report)
            if all(report.task.is_settled or report.is_for_a_person for report in reports):
                return
            await videos.watcher.wait_for_news(_TICK)

    async def draw(videos: Videos) -> None:
        while True:
            board.show(*await read(videos))
            await videos.watcher.wait_for_news(_TICK)

    try:
        if not is_live:
            return visit(follow, watching=True)
        # The screen is the board's alone, so that it survives a change of size, and gives back what was there.
        with Live(console=terminal.out, screen=True, refresh_per_second=4, get_renderable=lambda: board):
            return visit(draw, watching=True)
    except KeyboardInterrupt:
        if is_live and board.account:
            terminal.list(board.reports, board.account)
        if any(report.task.is_open for report in board.reports):
            terminal.say(say("Stopped watching. Open tasks go on; the next wan-mcp that starts fetches their files."))
        raise


class Board:
    """The newest tasks, as many as the screen is high."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.account: Account | None = None

    def show(self, reports: list[Report], account: Account) -> None:
        """Show these from now on."""
        self.reports, self.account = reports, account

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self.account is None:
            return
        footer = Text.assemble(
            say("Budget: {budget}", budget=pages.budget(self.account)),
            "\n",
            say("Ctrl-C ends the watching; the tasks go on."),
            style="dim",
        )
        height = (options.height or console.height) - len(console.render_lines(footer, options)) - 1
        # As many as fit: the rest of a table that is too long would push its head out of the screen.
        shown = self.reports
        while True:
            table = pages.table(shown, options.max_width) if shown else Text(pages.no_tasks())
            if len(shown) <= 1 or len(console.render_lines(table, options)) <= height:
                break
            shown = shown[:-1]
        yield Group(table, "", footer)
