"""`wan-mcp film`: a script on disk becomes a film; its price is told before it is paid."""

import json
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import click
from anyio.lowlevel import checkpoint
from rich.console import Console

from wan_mcp.cli import pages
from wan_mcp.cli.folder import refuse_unwritable
from wan_mcp.cli.order import ask
from wan_mcp.cli.program import GOES_ON, Amount, Command, json_option
from wan_mcp.cli.script import Page, read_page
from wan_mcp.cli.session import visit
from wan_mcp.cli.terminal import Stop, Terminal
from wan_mcp.domain.errors import InvalidRequest, MissingKey, WanError
from wan_mcp.domain.film import FILM, FilmStatus, Order
from wan_mcp.domain.language import say
from wan_mcp.domain.script import MOST_SHOTS, parse_script, script_arguments
from wan_mcp.server import film_views
from wan_mcp.server.money_views import budget, left_words
from wan_mcp.service.report import Account, FilmReport
from wan_mcp.service.videos import Videos

_ROUND = 5.0
"""Seconds after which what is new of the shots is told, at the latest."""


@dataclass(frozen=True, kw_only=True)
class Weighed:
    """What is to be paid for, where the money stands, and what stands between the two."""

    order: Order
    account: Account
    is_simulated: bool
    question: str | None = None
    """What the person must be asked, if anything."""
    hurdle: str = ""
    """Of a dry run: why it would be refused, or that the person would be asked."""


@click.command(cls=Command, short_help="Make a film. PAID.")
@click.argument("script")
@click.option("--dry-run", is_flag=True, help="Only say the plan and the price.")
@click.option("--max-cost", type=Amount(), metavar="AMOUNT", help="Agree to pay up to this, and never more.")
@click.option("--yes", is_flag=True, help="Agree to the price unasked; the budget still holds.")
@click.option("--no-wait", is_flag=True, help="Return once it is ordered; `wan-mcp film` with its id makes it later.")
@json_option()
@click.pass_obj
def film(terminal: Terminal, script: str, *, dry_run: bool, max_cost: float | None, yes: bool, no_wait: bool) -> None:
    """Make a film of many shots. PAID.

    SCRIPT is a YAML or JSON file: title, shots (each with a prompt), and what create_film takes beside them; - reads
    it from stdin. The id of a film goes on with it, and waits for it.

    Ends with 0 when the film is saved, 1 when nothing was made, 3 when it needs you and something is made or may be:
    then do not order it again, but `wan-mcp retake` what is missing. With --no-wait 0 says that it is ordered.
    """
    if script.startswith(FILM):
        if no_wait:
            show_film(terminal, script)
        else:
            with _stoppable(terminal) as stop:
                report = _waited(terminal, script, stop)
            _finish(terminal, report)
        return
    with _stoppable(terminal) as stop:
        page = read_page(script)
        weighed = visit(lambda videos: _read(page, videos, max_cost, is_dry=dry_run))
        if dry_run and terminal.as_json:
            terminal.data(_dry(weighed))
            return
        _plan(terminal.out if dry_run else terminal.talk, weighed)
        if dry_run:
            return
        report = _made(terminal, weighed, stop, yes=yes, no_wait=no_wait)
    _finish(terminal, report, waited=not no_wait)


@click.command(cls=Command, short_help="Make a shot of a film anew. PAID.")
@click.argument("film_id")
@click.option("--shot", type=click.IntRange(1, MOST_SHOTS), metavar="NUMBER", help="Which.  [default: all missing]")
@click.option("--prompt", metavar="TEXT", help="Another prompt for this shot.")
@click.option("--seed", type=int, metavar="NUMBER", help="Another seed makes another take.")
@click.option("--max-cost", type=Amount(), metavar="AMOUNT", help="Agree to pay up to this, and never more.")
@click.option("--yes", is_flag=True, help="Agree to the price unasked; the budget still holds.")
@click.option("--no-wait", is_flag=True, help="Return once it is ordered; `wan-mcp film` with its id makes it later.")
@json_option()
@click.pass_obj
def retake(
    terminal: Terminal,
    film_id: str,
    *,
    shot: int | None,
    max_cost: float | None,
    yes: bool,
    no_wait: bool,
    **new: Any,
) -> None:
    """Make a shot of a film anew. PAID.

    Without --shot it makes all that are missing, and joins the film again, which costs nothing. Older takes are kept.

    Ends as `film` does.
    """
    if shot is None and (new["prompt"] is not None or new["seed"] is not None):
        raise click.UsageError(say("--prompt and --seed are for one shot: name it by --shot."))

    async def read(videos: Videos) -> Weighed:
        return await _weighed(videos, await videos.films.reorder(film_id, shot=shot, **new), max_cost)

    with _stoppable(terminal) as stop:
        weighed = visit(read)
        _price(terminal.talk, weighed, f"{weighed.order.cost}")
        report = _made(terminal, weighed, stop, yes=yes, no_wait=no_wait)
    _finish(terminal, report, waited=not no_wait)


def _made(terminal: Terminal, weighed: Weighed, stop: Stop, *, yes: bool, no_wait: bool) -> FilmReport:
    """Have the person agree, place the order, and wait for its end unless that is not wanted."""
    if weighed.question and not yes:
        ask(terminal, weighed.order.cost, weighed.account, weighed.question)
    report = _ordered(terminal, weighed.order, stop)
    return report if no_wait else _waited(terminal, report.film.id, stop)


def _stoppable(terminal: Terminal) -> AbstractContextManager[Stop]:
    return terminal.stoppable(say("Nothing was sent. No money moved."))


def _ordered(terminal: Terminal, order: Order, stop: Stop) -> FilmReport:
    """Place it. `stop` learns that it may have been."""

    async def place(videos: Videos) -> FilmReport:
        if videos.settings.key is None:
            raise MissingKey
        await checkpoint()  # the last moment at which a Ctrl-C keeps it from being ordered
        # The ledger may have written it all down from now on.
        stop.now_says(
            say("Stopped. `wan-mcp show {film}` shows whether it was ordered.", film=order.film.id),
            known={"film_id": order.film.id},
        )
        return await videos.films.place(order, agreed=True)

    report = visit(place)
    if report.is_known_request:
        terminal.say(say("The same film is already under way, so nothing new was ordered."))
    pages.fact(terminal.talk, say("film"), report.film.id)
    return report


async def _read(page: Page, videos: Videos, max_cost: float | None, *, is_dry: bool) -> Weighed:
    settings = videos.settings
    try:
        script = parse_script(script_arguments(page.told), settings.model, settings.limits)
    except InvalidRequest as error:
        raise InvalidRequest(page.placed(error.problems), next_step=say("Mend the lines and run it again.")) from error
    order = await videos.films.order(script)
    return await (_weighed_dry if is_dry else _weighed)(videos, order, max_cost)


def _plan(console: Console, weighed: Weighed) -> None:
    order, script = weighed.order, weighed.order.film.script
    for number, shot in enumerate(script.shots, 1):
        words = say("{seconds} s, {prompt}", seconds=shot.duration, prompt=_short(script.own_prompt(number)))
        pages.fact(console, say("shot {number}", number=number), words)
    price = say(
        "{price} for {shots}, {seconds} s",
        price=order.film.price,
        shots=film_views.shots_words(len(script.shots)),
        seconds=script.seconds,
    )
    _price(console, weighed, price)
    if weighed.hurdle:
        pages.fact(console, say("note"), weighed.hurdle)


def _price(console: Console, weighed: Weighed, price: str) -> None:
    place = say(" (simulated: nothing is paid)") if weighed.is_simulated else ""
    pages.fact(console, say("price"), f"{price}{place}")
    pages.fact(console, say("budget"), left_words(weighed.account))


def _short(prompt: str) -> str:
    return pages.printable(film_views.cut(prompt, 60))


def _dry(weighed: Weighed) -> dict[str, Any]:
    order = weighed.order
    price = order.film.price
    shown: dict[str, Any] = {
        "title": order.film.script.title,
        "shots": [
            {"shot": number, "duration": shot.duration, "prompt": order.film.script.own_prompt(number)}
            for number, shot in enumerate(order.film.script.shots, 1)
        ],
        "amount": json.loads(price.plain),
        "currency": price.currency,
        "budget": budget(weighed.account),
    }
    return shown | ({"hurdle": weighed.hurdle} if weighed.hurdle else {})


async def _weighed(videos: Videos, order: Order, max_cost: float | None) -> Weighed:
    refuse_unwritable(videos.settings.output_dir)
    must_ask = await videos.films.needs_consent(order, max_cost)
    question = film_views.question(order, videos.films.quote(order.film.script))
    return Weighed(
        order=order,
        account=await videos.spending.account(),
        is_simulated=videos.settings.is_local,
        question=question if must_ask else None,
    )


async def _weighed_dry(videos: Videos, order: Order, max_cost: float | None) -> Weighed:
    account = await videos.spending.account()
    hurdle = ""
    try:
        if await videos.films.needs_consent(order, max_cost):
            threshold = account.budget.confirm_above
            hurdle = say("The person must agree first: it costs more than {threshold}.", threshold=threshold)
        elif order.takes:
            await videos.spending.refuse_beyond_today(order.film, order.cost)
    except WanError as error:
        hurdle = say("It would be refused: {why}", why=error.what)
    return Weighed(order=order, account=account, is_simulated=videos.settings.is_local, hurdle=hurdle)


def _waited(terminal: Terminal, film_id: str, stop: Stop) -> FilmReport:
    """Wait for the end, saying what is new of each shot. `stop` learns that it goes on without us."""
    told: dict[int, str] = {}

    def tell(report: FilmReport) -> None:
        for shot in report.shots:
            task = shot.newest
            ending = task.file or (task.problem.code if task.problem else "")
            # Where a line moves, it counts those that are on their way.
            word = ending or ("" if terminal.talk.is_terminal else task.status.value)
            if told.get(shot.number, "") != word:
                told[shot.number] = word
                terminal.tell_shot(shot.number, task)

    async def work(videos: Videos) -> FilmReport:
        with terminal.progress() as draw:

            async def look(report: FilmReport) -> None:
                tell(report)
                await draw(report)

            while True:
                report = await videos.films.wait(film_id, seconds=_ROUND, progress=look)
                if report.is_settled:
                    tell(report)
                    return report

    words = say(
        "Stopped waiting. What was sent goes on at DashScope; the rest is sent while a wan-mcp runs. "
        "Come back with\n  wan-mcp film {film}",
        film=film_id,
    )
    stop.now_says(words, known={"film_id": film_id})
    return visit(work, watching=True)


def show_film(terminal: Terminal, film_id: str) -> None:
    """Show one film as the ledger has it."""
    _finish(terminal, visit(lambda videos: videos.films.get(film_id)), waited=False)


def cancel_film(terminal: Terminal, film_id: str) -> None:
    """Call a film off, as far as nothing of it has started."""
    words = say("Stopped. `wan-mcp show {id}` shows whether it was canceled.", id=film_id)
    with terminal.stoppable(words, film_id=film_id):
        report = visit(lambda videos: videos.films.cancel(film_id))
    _finish(terminal, report, waited=False)


def _finish(terminal: Terminal, report: FilmReport, *, waited: bool = True) -> None:
    terminal.show(report)
    if waited and report.status is not FilmStatus.SUCCEEDED:
        is_paid = report.held.amount > 0 or report.charged.amount > 0
        raise click.exceptions.Exit(GOES_ON if is_paid and report.status is FilmStatus.ATTENTION else 1)
