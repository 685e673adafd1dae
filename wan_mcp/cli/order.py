"""`wan-mcp create`: the price first, the person's word where it is wanted, then the video, whatever interrupts."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

import anyio
import click
from anyio.lowlevel import checkpoint

from wan_mcp.cli import pages
from wan_mcp.cli.folder import refuse_unwritable
from wan_mcp.cli.program import GOES_ON
from wan_mcp.cli.session import visit
from wan_mcp.cli.terminal import Stop, Terminal, structured
from wan_mcp.domain.catalogue import Quote
from wan_mcp.domain.errors import Declined, MissingKey, NeedsConsent
from wan_mcp.domain.language import say
from wan_mcp.domain.money import Money
from wan_mcp.domain.request import VideoRequest, parse_request, request_arguments
from wan_mcp.domain.task import Status
from wan_mcp.server import views
from wan_mcp.server.money_views import left_words
from wan_mcp.service.report import Account, Report
from wan_mcp.service.videos import Videos

_A_LOOK = 3.0
"""Seconds for a look and, where a file is to be fetched, for as much of it as comes in them."""
_ROUND = 5.0
"""Seconds after which it is asked again whether waiting can bring anything."""
_A_SCRIPTS_PATIENCE = 1200.0
"""Seconds; four times what the slowest videos usually take."""
_A_FILES_PATIENCE = 120.0
"""Seconds; most files come in a few."""
_FAILED = 1


@dataclass(frozen=True, kw_only=True)
class Order:
    """A request with what must be known before money is spent on it."""

    request: VideoRequest
    quote: Quote
    account: Account
    must_ask: bool
    has_max_cost: bool
    """The person agreed beforehand to pay up to an amount."""
    is_simulated: bool


async def read_order(given: Mapping[str, object], videos: Videos) -> Order:
    """Read the arguments as the tools do.

    Raises:
        InvalidRequest, OverBudget, MissingKey: nothing was sent.
    """
    arguments = request_arguments(given, "max_cost")
    max_cost = arguments.number("max_cost")
    settings = videos.settings
    request = parse_request(arguments, settings.model, settings.limits)
    if settings.key is None:
        raise MissingKey
    refuse_unwritable(settings.output_dir)
    return Order(
        request=request,
        quote=videos.spending.quote(request),
        account=await videos.spending.account(),
        must_ask=await videos.needs_consent(request, max_cost),
        has_max_cost=max_cost is not None,
        is_simulated=settings.is_local,
    )


def agree(order: Order, terminal: Terminal, *, is_agreed: bool) -> bool:
    """Show the price, and ask the person where the budget wants it and they have not agreed yet.

    Returns whether they agreed to it: nobody is asked about what is cheap, or open already.

    Raises:
        NeedsConsent: there is nobody to ask.
        Declined: the person said no.
    """
    place = say(" (simulated: nothing is paid)") if order.is_simulated else ""
    pages.fact(terminal.talk, say("price"), f"{order.quote.basis}{place}")
    pages.fact(terminal.talk, say("budget"), left_words(order.account))
    cost = order.quote.amount
    if order.must_ask and not is_agreed:
        ask(terminal, cost, order.account, views.question(order.request.prompt, order.quote))
    return is_agreed or order.must_ask or order.has_max_cost


def ask(terminal: Terminal, cost: Money, account: Account, question: str) -> None:
    """Ask the person to agree to `cost`.

    Raises:
        NeedsConsent: there is nobody to ask.
        Declined: the person said no.
    """
    if not terminal.can_ask:
        raise NeedsConsent(
            say(
                "This costs {cost}, you are asked above {threshold}, and there is no terminal to ask on. "
                "Nothing was sent.",
                cost=cost,
                threshold=account.budget.confirm_above,
            ),
            next_step=say("If you agree, run it again with --max-cost {plain}, or with --yes.", plain=cost.plain),
        )
    if not terminal.ask(pages.printable(question)):
        raise Declined(say("You did not agree to {cost}. Nothing was sent.", cost=cost))


def make(order: Order, terminal: Terminal, stop: Stop, *, agreed: bool, seconds: float | None) -> Report:
    """Create the video and stay for so many seconds, or until its file is saved.

    `None`: as long as it takes where somebody looks on, and into a pipe for a time after which a script is told.
    `agreed` says that the person agreed to the price; `stop` learns what a Ctrl-C ends and what goes on.

    Raises:
        NeedsConsent: what was open already has ended meanwhile.
    """
    created: list[Report] = []

    async def work(videos: Videos) -> Report:
        await checkpoint()  # the last moment at which a Ctrl-C keeps it from being sent
        stop.now_says(say("Stopped. `wan-mcp tasks` shows whether it was created."))
        created.append(await videos.create(order.request, agreed=agreed))
        _goes_on(created[0], stop)
        task = created[0].task
        if created[0].is_known_request:
            terminal.say(
                say("The same request is still open, so nothing new was created; another --seed makes another.")
            )
        pages.fact(terminal.talk, say("task"), task.id)
        return created[0] if seconds == 0 else await until_settled(videos, task.id, terminal, seconds)

    try:
        return visit(work, watching=seconds != 0)
    except KeyboardInterrupt:
        if created:  # it may have been sent meanwhile
            _goes_on(visit(lambda videos: videos.get(created[0].task.id)), stop)
        raise


def look_at(task_id: str, terminal: Terminal, *, seconds: float) -> Report:
    """Look after every open task for so many seconds, or until this one has come to its end.

    Raises:
        UnknownTask: there is no such task.
        KeyboardInterrupt: after saying that it goes on.
    """

    async def work(videos: Videos) -> Report:
        return await until_settled(videos, task_id, terminal, seconds)

    with terminal.stoppable(say("Stopped waiting; the task goes on."), task_id=task_id):
        return visit(work, watching=True)


async def look_once(videos: Videos, task_id: str) -> Report:
    """Ask DashScope once about what nobody else watches, and save what that brings if it is quick."""
    with anyio.move_on_after(_A_LOOK):
        await videos.watcher.turn()
        await videos.watcher.turn()
    return await videos.get(task_id)


async def until_settled(videos: Videos, task_id: str, terminal: Terminal, seconds: float | None = None) -> Report:
    """Wait for the end and the file, for as long as waiting can bring them.

    Without `seconds` a script is not kept waiting for what takes unusually long, nor for the second search of a
    lost answer, a quarter of an hour after the first.
    """
    is_script = seconds is None and not terminal.talk.is_terminal
    stay = _A_SCRIPTS_PATIENCE if is_script else inf if seconds is None else seconds
    begun = videos.now()
    told: set[str] = set()
    with terminal.progress() as draw:

        async def tell(report: Report) -> None:
            if report.trouble and report.trouble not in told:
                told.add(report.trouble)
                terminal.say(pages.printable(report.trouble))
            await draw(report)

        while True:
            left = stay - (videos.now() - begun).total_seconds()
            report = await videos.wait(task_id, seconds=max(0.0, min(_ROUND, left)), progress=tell)
            if report.task.is_settled or report.is_for_a_person or left <= _ROUND:
                return report
            if is_script and report.task.status is Status.UNCERTAIN and report.task.searched_at:
                return report
            if is_script and _is_hard_to_fetch(report, videos):
                return report


def _is_hard_to_fetch(report: Report, videos: Videos) -> bool:
    """Does its file fail to come, for so long that a script had better be told?"""
    waited = (videos.now() - report.task.since).total_seconds()
    return report.task.status is Status.SUCCEEDED and bool(report.trouble) and waited > _A_FILES_PATIENCE


def end(report: Report) -> None:
    """End with the exit code that tells a script of a task that was waited for, without a word to read."""
    if not report.task.is_saved:
        goes_on = not report.task.is_settled or report.task.money_state == "held"
        raise click.exceptions.Exit(GOES_ON if goes_on else _FAILED)


def _goes_on(report: Report, stop: Stop) -> None:
    """Have a Ctrl-C say what becomes of the task that it leaves."""
    task = report.task
    if task.is_settled:
        what = say("Stopped. {id} has ended: {status}.", id=task.id, status=task.status)
    elif task.status is Status.QUEUED:
        what = say("Stopped waiting. {id} waits with us: a server or `wan-mcp tasks --watch` sends it.", id=task.id)
    elif task.status is Status.SUCCEEDED:
        what = say("Stopped waiting. {id} is made and paid; a server that runs here fetches its file.", id=task.id)
    else:
        what = say("Stopped waiting. {id} goes on at DashScope; a server that runs here fetches its file.", id=task.id)
    words = (
        what
        if task.is_settled
        else say("{what} Or come back with\n  wan-mcp show {id} --wait 300", what=what, id=task.id)
    )
    stop.now_says(words, known=structured(report))
