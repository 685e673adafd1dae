"""The one place where settings, adapters and the parts of the service meet."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import anyio

from wan_mcp.adapters.dashscope import DashScope
from wan_mcp.adapters.downloads import Downloads
from wan_mcp.adapters.ledger import Ledger
from wan_mcp.adapters.media.workshop import Workshop, is_installed
from wan_mcp.adapters.owners import Owner
from wan_mcp.domain.caller import Rights
from wan_mcp.domain.errors import LedgerUnusable
from wan_mcp.service.agenda import Agenda
from wan_mcp.service.attending import Attending
from wan_mcp.service.cancelling import Cancelling
from wan_mcp.service.clock import Clock
from wan_mcp.service.durations import Durations
from wan_mcp.service.figures import Tally
from wan_mcp.service.films import Films
from wan_mcp.service.finding import Finder
from wan_mcp.service.joining import Joiner
from wan_mcp.service.reporting import Reports
from wan_mcp.service.saving import Saving
from wan_mcp.service.search import Search
from wan_mcp.service.sending import Sending
from wan_mcp.service.spending import Spending
from wan_mcp.service.submission import Submission
from wan_mcp.service.videos import Videos
from wan_mcp.service.watcher import Watcher
from wan_mcp.settings import Settings, environment_without_secrets


@asynccontextmanager
async def open_service(
    settings: Settings,
    *,
    clock: Clock | None = None,
    watching: bool = True,
    rights: Callable[[str], Rights | None] = lambda caller: None,
    stamping: bool = True,
) -> AsyncGenerator[Videos]:
    """Open the ledger, start watching, and yield the service.

    Without `watching` nothing happens by itself: the caller takes the watcher's turns. `rights` says what
    a caller other than the local person may, where anything is said of it. Without `stamping`
    a video is saved as it came, and has no poster.

    Raises:
        BadSettings, LedgerUnusable: nothing is started.
    """
    clock = clock or Clock()
    tally = Tally()
    downloads = Downloads(settings.output_dir, from_loopback=settings.is_local, on_end=tally.downloaded)
    dashscope = _dashscope(settings, tally, clock)
    ledger = Ledger(settings.ledger)
    await ledger.open()
    try:
        owner = Owner(settings.ledger.with_name(settings.ledger.name + ".owners"))
    except LedgerUnusable:
        await ledger.close()
        raise
    owner.sweep()
    durations = Durations(ledger=ledger, clock=clock, every=settings.poll_interval)
    workshop = Workshop(environment=environment_without_secrets())
    submission = Submission(dashscope=dashscope, clock=clock) if dashscope else None
    search = Search(dashscope=dashscope, ledger=ledger, clock=clock) if dashscope else None
    stamps = workshop if stamping and is_installed() else None
    saving = Saving(downloads=downloads, workshop=stamps, dashscope=dashscope, clock=clock)
    agenda = Agenda(may_ask=dashscope is not None)
    attending = Attending(model=settings.model, ledger=ledger, agenda=agenda, durations=durations, clock=clock)
    sending = Sending(
        account=settings.account,
        model=settings.model,
        submission=submission,
        ledger=ledger,
        owner=owner,
        agenda=agenda,
        attending=attending,
        clock=clock,
    )
    watcher = Watcher(
        account=settings.account,
        dashscope=dashscope,
        ledger=ledger,
        owner=owner,
        agenda=agenda,
        attending=attending,
        sending=sending,
        saving=saving,
        search=search,
        durations=durations,
        clock=clock,
    )
    spending = Spending(settings=settings, ledger=ledger, clock=clock, rights=rights)
    finder = Finder(
        settings=settings,
        ledger=ledger,
        owner=owner,
        attending=attending,
        dashscope=dashscope,
        clock=clock,
        spending=spending,
    )
    cancelling = Cancelling(ledger=ledger, attending=attending, dashscope=dashscope, finder=finder, clock=clock)
    reports = Reports(ledger=ledger, attending=attending, durations=durations, clock=clock)
    joiner = Joiner(settings=settings, ledger=ledger, owner=owner, attending=attending, workshop=workshop, clock=clock)
    films = Films(
        settings=settings,
        ledger=ledger,
        owner=owner,
        attending=attending,
        joiner=joiner,
        cancelling=cancelling,
        clock=clock,
        spending=spending,
        reports=reports,
    )
    videos = Videos(
        settings=settings,
        ledger=ledger,
        owner=owner,
        attending=attending,
        sending=sending,
        watcher=watcher,
        dashscope=dashscope,
        clock=clock,
        spending=spending,
        finder=finder,
        cancelling=cancelling,
        reports=reports,
        films=films,
        workshop=workshop,
        tally=tally,
    )
    try:
        async with anyio.create_task_group() as background:
            if watching:
                background.start_soon(watcher.run)
                background.start_soon(joiner.run)
            yield videos
            background.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await downloads.aclose()
            if dashscope is not None:
                await dashscope.aclose()
            await ledger.close()
            owner.close()


def _dashscope(settings: Settings, tally: Tally, clock: Clock) -> DashScope | None:
    if settings.key is None:
        return None
    return DashScope(
        api_root=settings.api_root,
        key=settings.key,
        workspace=settings.workspace,
        submissions_per_second=settings.model.submissions_per_second,
        queries_per_second=settings.model.queries_per_second,
        is_local=settings.is_local,
        on_answer=tally.answered,
        now=clock.ticks,
        sleep=clock.hold,
    )
