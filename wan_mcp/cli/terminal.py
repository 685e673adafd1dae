"""Where a command writes: results on stdout, talk (prices, progress, errors) on stderr.

Colours, tables and bars only where a person looks on; plain lines into a pipe; with `--json` the structured
content of `server/views`, and nothing else, on stdout.
"""

import io
import json
import sys
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
from rich.text import Text

from wan_mcp.cli import pages
from wan_mcp.domain.catalogue import Quote, Region
from wan_mcp.domain.errors import WanError
from wan_mcp.server import views
from wan_mcp.service.report import Account, Report

Tell = Callable[[Report], Awaitable[None]]


class Terminal:
    """The two streams of a command, and whether anybody is there to be asked."""

    def __init__(self, *, out: Console, talk: Console, can_ask: bool) -> None:
        self.out = out
        self.talk = talk
        self.can_ask = can_ask
        self.as_json = False
        """`--json` was given."""

    @classmethod
    def here(cls) -> "Terminal":
        """The terminal of this process."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # a Windows pipe knows no Chinese
        out, talk = (Console(stderr=stderr, highlight=False, markup=False, emoji=False) for stderr in (False, True))
        return cls(out=out, talk=talk, can_ask=sys.stdin.isatty() and sys.stderr.isatty())

    # Results

    def show(self, report: Report) -> None:
        """Show one task."""
        if self.as_json:
            self.data(views.structured(report))
        else:
            pages.card(self.out, report)

    def list(self, reports: list[Report], account: Account) -> None:
        """Show several tasks, and where the money stands."""
        lines, shown = views.listing(reports, account)
        if self.as_json:
            self.data(shown)
        elif self.out.is_terminal:
            self.out.print(pages.table(reports) if reports else pages.NO_TASKS)
            self.out.print(views.budget_words(account), style="dim")
        else:
            self.line("\n".join(pages.printable(line) for line in lines.split("\n")))

    def price(self, quote: Quote, region: Region, account: Account) -> None:
        """Show a price."""
        _, shown = views.estimate(quote, region, account)
        if self.as_json:
            self.data(shown)
        else:
            pages.price(self.out, quote, account, free_quota=shown.get("free_quota"))

    def data(self, shown: dict[str, Any]) -> None:
        """Print one JSON object."""
        is_unicode = self.out.encoding.lower().startswith("utf")
        click.echo(json.dumps(shown, ensure_ascii=not is_unicode, indent=2), file=self.out.file)

    def line(self, text: str | Text, *, style: str = "") -> None:
        """Print a line as it is: where it is too long, the terminal may break it, and copying it still works."""
        self.out.print(text, style=style, soft_wrap=True)

    # Talk

    def say(self, text: str, *, style: str = "") -> None:
        """Say something beside the result."""
        self.talk.print(text, style=style, soft_wrap=not self.talk.is_terminal)

    def tell_error(self, error: WanError) -> None:
        """Say what went wrong, in the words of every door; with `--json` also as data."""
        if self.as_json:
            self.data(views.error(error)[1])
        self.say(pages.printable(error.words), style="red")

    def ask(self, question: str) -> bool:
        """Ask the person; Enter means no."""
        return click.confirm(question, default=False, err=True)

    @contextmanager
    def progress(self) -> Generator[Tell]:
        """Show a bar while a task is waited for, where somebody looks on."""
        if not self.talk.is_terminal or self.as_json:
            yield _nothing
            return
        with bar(self.talk) as progress:
            line = progress.add_task("", total=None)

            async def tell(report: Report) -> None:
                done, usual = report.elapsed.total_seconds(), report.usual.total_seconds()
                total = usual if done <= usual else None
                progress.update(line, completed=done, total=total, description=views.progress_words(report))

            yield tell


async def _nothing(_: Report) -> None:
    """Nobody looks on."""


def bar(console: Console, *, stays: bool = False) -> Progress:
    """A bar with room for words, in 80 columns; it goes when it is done, unless it `stays`."""
    return Progress(
        SpinnerColumn(),
        BarColumn(bar_width=30),
        TextColumn("{task.description}", markup=False),
        console=console,
        transient=not stays,
    )
