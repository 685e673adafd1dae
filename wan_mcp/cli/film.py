"""`wan-mcp film`: a script on disk becomes a film; its faults are told by their lines, its price before it is paid."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# PyYAML comes without types.

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import click
import yaml

from wan_mcp.cli import pages
from wan_mcp.cli.order import ask
from wan_mcp.cli.program import Command, json_option
from wan_mcp.cli.session import visit
from wan_mcp.cli.terminal import Terminal
from wan_mcp.domain.errors import InvalidRequest, MissingKey
from wan_mcp.domain.film import FILM, FilmStatus, Order
from wan_mcp.domain.language import say
from wan_mcp.domain.script import parse_script, script_arguments
from wan_mcp.server import film_views
from wan_mcp.service.report import Account, FilmReport
from wan_mcp.service.videos import Videos

_ROUND = 5.0
"""Seconds after which what is new of the shots is told, at the latest."""
_OF_A_SHOT = re.compile(r"\D{0,8}(\d+)\s*[:：]")


@dataclass(frozen=True)
class Page:
    """A script as it was written."""

    path: str
    told: Mapping[str, object]
    lines: Mapping[str, int] = field(default_factory=dict[str, int])
    """Where each word of the script begins, and each shot by its number; the first line is 1."""

    def where(self, problem: str) -> str:
        """Say a problem with the line that it is about."""
        shot = _OF_A_SHOT.match(problem)
        word = problem.split(" ", 1)[0].strip("'")
        line = self.lines.get(shot[1] if shot else word, 1)
        return f"{self.path}:{line}: {problem}"


def read_page(path: str) -> Page:
    """Read a script: YAML, of which JSON is a part.

    Raises:
        InvalidRequest: it cannot be read, with the line where it goes wrong.
    """
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
        told: object = yaml.safe_load(text)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest([say("{file} cannot be read: {reason}.", file=path, reason=error)]) from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InvalidRequest([f"{path}:{line}: {error.problem}."]) from error
    if not isinstance(told, Mapping) or not isinstance(root, yaml.MappingNode):
        raise InvalidRequest([say("{file} must have a title and shots.", file=path)])
    return Page(path, cast(Mapping[str, object], told), _lines(root))


def _lines(root: yaml.MappingNode) -> dict[str, int]:
    lines: dict[str, int] = {}
    for key, value in root.value:
        lines[str(key.value)] = key.start_mark.line + 1
        if key.value == "shots" and isinstance(value, yaml.SequenceNode):
            lines |= {str(number): shot.start_mark.line + 1 for number, shot in enumerate(value.value, 1)}
    return lines


@click.command(cls=Command, short_help="Make a film. PAID.")
@click.argument("script")
@click.option("--dry-run", is_flag=True, help="Only say the plan and the price.")
@click.option("--max-cost", type=float, metavar="AMOUNT", help="Agree to pay up to this, and never more.")
@click.option("--yes", is_flag=True, help="Agree to the price unasked; the budget still holds.")
@click.option("--no-wait", is_flag=True, help="Return once it is ordered; a server or this command makes it later.")
@json_option()
@click.pass_obj
def film(terminal: Terminal, script: str, *, dry_run: bool, max_cost: float | None, yes: bool, no_wait: bool) -> None:
    """Make a film of many shots. PAID.

    SCRIPT is a YAML or JSON file: title, shots (each with a prompt), and what create_film takes beside them; - reads
    it from stdin. The id of a film goes on with it, and waits for it.
    """
    if script.startswith(FILM):
        _finish(terminal, _waited(terminal, script))
        return
    page = read_page(script)
    order, account, must_ask = visit(lambda videos: _read(page, videos, max_cost))
    _plan(terminal, order, account)
    if dry_run:
        if terminal.as_json:
            terminal.data(_dry(order))
        return
    if must_ask and not yes:
        ask(terminal, order.cost, account, _question(order))

    async def place(videos: Videos) -> FilmReport:
        if videos.settings.key is None:
            raise MissingKey
        return await videos.films.place(order, agreed=True)

    report = visit(place)
    if report.is_known_request:
        terminal.say(say("The same film is already under way, so nothing new was ordered."))
    pages.fact(terminal.talk, say("film"), report.film.id)
    _finish(terminal, report if no_wait else _waited(terminal, report.film.id), waited=not no_wait)


async def _read(page: Page, videos: Videos, max_cost: float | None) -> tuple[Order, Account, bool]:
    settings = videos.settings
    try:
        script = parse_script(script_arguments(page.told), settings.model, settings.limits)
    except InvalidRequest as error:
        raise InvalidRequest(
            [page.where(problem) for problem in error.problems], next_step=say("Mend the lines and run it again.")
        ) from error
    order = await videos.films.order(script)
    return order, await videos.spending.account(), videos.films.needs_consent(order, max_cost)


def _plan(terminal: Terminal, order: Order, account: Account) -> None:
    script = order.film.script
    for number, shot in enumerate(script.shots, 1):
        words = say("{seconds} s, {prompt}", seconds=shot.duration, prompt=_short(script.own_prompt(number)))
        pages.fact(terminal.talk, say("shot {number}", number=number), words)
    price = say(
        "{price} for {count} shots, {seconds} s",
        price=order.film.price,
        count=len(script.shots),
        seconds=script.seconds,
    )
    pages.fact(terminal.talk, say("price"), price)
    pages.fact(terminal.talk, say("budget"), pages.budget(account))


def _short(prompt: str) -> str:
    return pages.printable(film_views.cut(prompt, 60))


def _dry(order: Order) -> dict[str, Any]:
    price = order.film.price
    return {
        "title": order.film.script.title,
        "shots": [
            {"shot": number, "duration": shot.duration, "prompt": order.film.script.own_prompt(number)}
            for number, shot in enumerate(order.film.script.shots, 1)
        ],
        "amount": json.loads(price.plain),
        "currency": price.currency,
    }


def _question(order: Order) -> str:
    title = film_views.cut(order.film.script.title, 80)
    return say("Make “{title}”, {count} shots, for {cost}?", title=title, count=len(order.takes), cost=order.cost)


def _waited(terminal: Terminal, film_id: str) -> FilmReport:
    """Wait for the end, saying what is new of each shot.

    Raises:
        KeyboardInterrupt: after saying that it goes on.
    """
    told: dict[int, str] = {}

    async def tell(report: FilmReport) -> None:
        for shot in report.shots:
            task = shot.newest
            word = task.file or (task.problem.code if task.problem else "") or task.status.value
            if told.get(shot.number) != word:
                told[shot.number] = word
                number = say("shot {number}", number=shot.number)
                terminal.say(f"{number}: {task.status} {pages.printable(task.file or '')}".rstrip())

    async def work(videos: Videos) -> FilmReport:
        while True:
            report = await videos.films.wait(film_id, seconds=_ROUND, progress=tell)
            if report.is_settled:
                await tell(report)
                return report

    try:
        return visit(work, watching=True)
    except KeyboardInterrupt:
        terminal.tell_stop(
            say(
                "Stopped waiting. What was sent goes on at DashScope; the rest is sent while a wan-mcp runs. "
                "Come back with\n  wan-mcp film {film}",
                film=film_id,
            ),
            money_moved="maybe",
            known={"film_id": film_id},
        )
        raise


def show_film(terminal: Terminal, film_id: str) -> None:
    """Show one film as the ledger has it."""
    _finish(terminal, visit(lambda videos: videos.films.get(film_id)), waited=False)


def cancel_film(terminal: Terminal, film_id: str) -> None:
    """Call a film off, as far as nothing of it has started."""
    _finish(terminal, visit(lambda videos: videos.films.cancel(film_id)), waited=False)


def _finish(terminal: Terminal, report: FilmReport, *, waited: bool = True) -> None:
    if terminal.as_json:
        terminal.data(film_views.structured(report))
    else:
        terminal.line(pages.printable(film_views.text(report)))
    if waited and report.status is not FilmStatus.SUCCEEDED:
        raise click.exceptions.Exit(1)
