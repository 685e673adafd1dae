"""Where a command writes: results on stdout, talk (prices, progress, errors) on stderr.

Colours, tables and bars only where a person looks on; plain lines into a pipe; with `--json` the structured
content of `server/views`, and nothing else, on stdout.
"""

import io
import json
import sys
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import PurePath
from typing import Any

import click
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
from rich.text import Text

from wan_mcp.cli import pages
from wan_mcp.cli.film_pages import film_card, next_words
from wan_mcp.cli.lines import folded
from wan_mcp.cli.progress import Meter, name_of, status_of, waiting_words
from wan_mcp.cli.tables import no_tasks, table
from wan_mcp.domain.catalogue import Quote, Region
from wan_mcp.domain.errors import MoneyMoved, WanError
from wan_mcp.domain.language import say
from wan_mcp.domain.task import VideoTask
from wan_mcp.server import film_views, list_views, money_views, views
from wan_mcp.service.report import Account, FilmReport, Report

Tell = Callable[[Report | FilmReport], Awaitable[None]]

_YES, _NO = frozenset({"y", "yes", "是"}), frozenset({"", "n", "no", "否"})
_WORD_EVERY = timedelta(seconds=30)
"""Between two words on a terminal that cannot redraw its line."""


@dataclass
class Stop:
    """What is told when Ctrl-C ends a command; it changes with what has been begun."""

    words: str
    money_moved: MoneyMoved = "no"
    known: dict[str, Any] = field(default_factory=dict[str, Any])

    def now_says(self, words: str, *, money_moved: MoneyMoved = "maybe", known: dict[str, Any] | None = None) -> None:
        """Tell this from now on."""
        self.words, self.money_moved, self.known = words, money_moved, known or {}


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

    def show(self, report: Report | FilmReport) -> None:
        """Show one task, or one film."""
        if self.as_json:
            self.data(structured(report))
        elif isinstance(report, Report):
            pages.card(self.out, report)
        else:
            film_card(self.out, report)

    def list(self, found: Sequence[Report | FilmReport], account: Account) -> None:
        """Show several tasks and films, and where the money stands."""
        lines, shown = list_views.listing(found, account)
        if self.as_json:
            self.data(shown)
        elif self.out.is_terminal:
            self.out.print(table(found, self.out.width) if found else no_tasks())
            self.out.print()
            self.out.print(money_views.budget_words(account), style="dim")
        else:
            self.line("\n".join(pages.printable(line) for line in lines.split("\n")))

    def event(self, report: Report | FilmReport) -> None:
        """Show that something is new of a task or a film, on a line of its own."""
        if self.as_json:
            self.data(structured(report), on_one_line=True)
        else:
            self.line(pages.printable(list_views.line(report)))
            self.out.file.flush()

    def price(self, quote: Quote, region: Region, account: Account) -> None:
        """Show a price."""
        _, shown = money_views.estimate(quote, region, account)
        if "hurdle" in shown:
            shown["hurdle"] = pages.in_commands(shown["hurdle"])
        if self.as_json:
            self.data(shown)
        else:
            pages.price(self.out, quote, account, free_quota=shown.get("free_quota"), hurdle=shown.get("hurdle"))

    def data(self, shown: dict[str, Any], *, on_one_line: bool = False) -> None:
        """Print one JSON object at once; on one line where more may follow, or the command goes on."""
        is_unicode = self.out.encoding.lower().startswith("utf")
        words = json.dumps(shown, ensure_ascii=not is_unicode, indent=None if on_one_line else 2)
        click.echo(words, file=self.out.file)

    def line(self, text: str | Text, *, style: str = "") -> None:
        """Print a line as it is: where it is too long, the terminal may break it, and copying it still works."""
        self.out.print(text, style=style, soft_wrap=True)

    # Talk

    def say(self, text: str, *, style: str = "") -> None:
        """Say something beside the result."""
        self._talk(Text(text, style=style))

    def tell_shot(self, number: int, task: VideoTask) -> None:
        """Say what is new of a shot: with its whole path into a pipe, with its name to a person."""
        shot = say("shot {number}", number=number)
        if not self.talk.is_terminal:
            self.say(f"{shot}: {task.status} {pages.printable(task.file or '')}".rstrip())
            return
        ending = PurePath(task.file).name if task.file else task.problem.code if task.problem else ""
        label = (pages.padded(f"  {shot}", 12), "dim")
        line = Text.assemble(label, pages.badge(task.status), "  ", pages.printable(ending))
        self.talk.print(line, no_wrap=True, overflow="ellipsis")

    def _talk(self, text: Text) -> None:
        """Lines are broken for a person; whoever reads a pipe breaks them for themselves."""
        self.talk.print(folded(text, self.talk.width) if self.talk.is_terminal else text, soft_wrap=True)

    def tell_error(self, error: WanError, *, is_about_money: bool = True) -> None:
        """Say what went wrong, in the words of every door; with `--json` also as data."""
        if self.as_json:
            shown = views.error(error)[1]
            if "next_step" in shown:
                shown["next_step"] = pages.in_commands(shown["next_step"])
            self.data(shown)
        told = error.words if is_about_money or error.money_moved == "maybe" else error.words_without_money
        what, words = (pages.in_commands(pages.printable(text)) for text in (error.what, told))
        text = Text(words)
        text.stylize("red", 0, len(what))
        self._talk(text)

    def tell_stop(self, words: str, *, money_moved: MoneyMoved = "no", known: dict[str, Any] | None = None) -> None:
        """Say that Ctrl-C ended the command, and what goes on; with `--json` also as data, with what is known."""
        if self.as_json:
            error = {"code": "Interrupted", "message": words, "money_moved": money_moved}
            self.data({**(known or {}), "error": error})
        self.say(words)

    def warn(self, words: str) -> None:
        """Say what somebody should do something about, if there are words for it."""
        if words:
            # Yellow letters cannot be read on a light background.
            text = Text.assemble((" ! ", "black on yellow"), f" {pages.printable(words)}")
            self._talk(text)

    @contextmanager
    def stoppable(self, words: str, **known: Any) -> Generator[Stop]:
        """Say at a Ctrl-C what becomes of all this: `words`, until something is begun that has others.

        Raises:
            KeyboardInterrupt: after these words.
        """
        stop = Stop(words, known=known)
        try:
            yield stop
        except KeyboardInterrupt:
            self.tell_stop(stop.words, money_moved=stop.money_moved, known=stop.known)
            raise

    def ask(self, question: str) -> bool:
        """Ask the person; Enter means no, and so does the end of what can be read."""
        # Not click's own: it cannot tell Ctrl-C, which is to end with 130, from the end of the input.
        while True:
            words = Text(say("{question} [y/N]:", question=question), end=" ")
            try:
                self.talk.print(folded(words, self.talk.width - 2), end=" ")
                line = sys.stdin.readline()
            except KeyboardInterrupt:
                self.talk.print()
                raise
            answer = line.strip().lower()
            if not line:
                self.talk.print()
            if answer in _YES or answer in _NO:
                return answer in _YES
            question = say("Yes or no?")

    @contextmanager
    def progress(self) -> Generator[Tell]:
        """Show a line for each task that is waited for, where somebody looks on; it goes when the waiting ends.

        A terminal that cannot redraw gets a line when something is new, and a pipe nothing.
        """
        if not self.talk.is_terminal:
            yield _nothing
        elif self.talk.is_dumb_terminal:
            yield self._news()
        else:
            newest: dict[str, Report | FilmReport] = {}

            async def tell(report: Report | FilmReport) -> None:
                newest[name_of(report)] = report

            with Live(
                console=self.talk,
                get_renderable=lambda: Group(*map(Meter, newest.values())),
                refresh_per_second=8,
                transient=True,
            ):
                yield tell

    def _news(self) -> Tell:
        told: dict[str, tuple[str, int]] = {}

        async def tell(report: Report | FilmReport) -> None:
            now = (status_of(report), int(report.elapsed / _WORD_EVERY))
            if told.get(name_of(report)) != now:
                told[name_of(report)] = now
                self.say(f"{status_of(report)} {waiting_words(report)}")

        return tell


def structured(report: Report | FilmReport) -> dict[str, Any]:
    """What the tools show, with commands for tools in the next step."""
    if isinstance(report, Report):
        shown, next_step = views.structured(report), pages.next_words(report)
    else:
        shown, next_step = film_views.structured(report), next_words(report)
    shown.pop("next_step", None)
    return shown | {"next_step": next_step} if next_step else shown


async def _nothing(_: Report | FilmReport) -> None:
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
