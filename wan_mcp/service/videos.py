"""The verbs that callers have: create, get, wait, list, cancel, settle."""

import uuid
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import anyio

from wan_mcp.adapters.dashscope import DashScope
from wan_mcp.adapters.ledger import Ledger
from wan_mcp.adapters.media.order import Strip
from wan_mcp.adapters.media.workshop import Workshop
from wan_mcp.adapters.owners import Owner
from wan_mcp.domain.caller import LOCAL
from wan_mcp.domain.errors import MissingKey, NoVideo, TooLate, UnknownTask
from wan_mcp.domain.language import say
from wan_mcp.domain.remote import apply, is_prompt_of
from wan_mcp.domain.request import VideoRequest
from wan_mcp.domain.script import MOST_SHOTS
from wan_mcp.domain.task import SETTLED_BY_PERSON, Status, VideoTask, is_left_lying
from wan_mcp.service.attending import Attending
from wan_mcp.service.cancelling import Cancelling
from wan_mcp.service.clock import Clock
from wan_mcp.service.figures import Figures, Tally
from wan_mcp.service.films import Films
from wan_mcp.service.finding import Finder, new_id
from wan_mcp.service.keepsakes import saved_file
from wan_mcp.service.report import FilmPreview, FilmReport, LedgerHealth, Preview, Report
from wan_mcp.service.reporting import Reports
from wan_mcp.service.sending import Sending
from wan_mcp.service.spending import Spending
from wan_mcp.service.watcher import Watcher
from wan_mcp.settings import Settings

_TICK = 1.0
"""Seconds between two words of progress, and between two looks at what another process wrote."""

T = TypeVar("T")
Progress = Callable[[Report], Awaitable[None]]


class Videos:
    """The service of one account. `open_service` makes it."""

    def __init__(
        self,
        *,
        settings: Settings,
        ledger: Ledger,
        owner: Owner,
        attending: Attending,
        sending: Sending,
        watcher: Watcher,
        dashscope: DashScope | None,
        clock: Clock,
        spending: Spending,
        finder: Finder,
        cancelling: Cancelling,
        reports: Reports,
        films: Films,
        workshop: Workshop,
        tally: Tally,
    ) -> None:
        self.settings = settings
        self.attending = attending
        self.sending = sending
        self.watcher = watcher
        self.spending = spending
        self.workshop = workshop
        self._ledger = ledger
        self._owner = owner
        self._dashscope = dashscope
        self._clock = clock
        self.films = films
        self._finder = finder
        self._cancelling = cancelling
        self._reports = reports
        self._tally = tally
        self._open_waits = 0

    # Creating

    async def needs_consent(
        self, request: VideoRequest, max_cost: float | None, *, can_ask: bool = False, caller: str = LOCAL
    ) -> bool:
        """Must the person be asked before this is created? Not for what is open already: that is not paid again.

        Raises:
            OverBudget: it will not be created whatever the person says; `max_cost` counts as a cap too.
        """
        cost = self.spending.quote(request).amount
        self.spending.refuse_too_dear(cost, caller=caller)
        draft = self._draft(request, caller)
        must_ask = self.spending.must_ask(cost, max_cost, can_ask=can_ask)
        if not must_ask or await self._ledger.open_twin(draft) is not None:
            return False
        await self.spending.refuse_beyond_today(draft, cost)
        return True

    async def create(self, request: VideoRequest, *, agreed: bool, caller: str = LOCAL) -> Report:
        """Hold the money, submit, and answer at once; QUEUED where there is no room yet.

        `agreed` says that the person has agreed to this price. The same request still open is returned.

        Raises:
            MissingKey, OverBudget, NeedsConsent: nothing was sent.
            Refused, Unavailable: DashScope said no, or was not there; no money moved.
        """
        if self._dashscope is None:
            raise MissingKey
        cost = self.spending.quote(request).amount
        if await self.needs_consent(request, None, caller=caller) and not agreed:
            raise self.spending.unagreed(cost, again="create_video")
        draft = self._draft(request, caller)
        if not agreed and self.spending.must_ask(cost, None, can_ask=False):
            return await self._still_open(draft)
        # Whoever asked may hang up at any moment. What is sent must reach the ledger all the same.
        with self.sending.submitting():
            return await _shielded(self._reserve_and_send(draft))

    async def _still_open(self, draft: VideoTask) -> Report:
        """Nobody agreed to this price, since it was open already: if that has ended by now, it is not made anew."""
        known = await self._ledger.open_twin(draft)
        if known is None:
            raise self.spending.unagreed(draft.cost, again="create_video")
        return await self._reports.of(known, is_known_request=True)

    def _draft(self, request: VideoRequest, caller: str) -> VideoTask:
        now = self._clock.now()
        quote = self.spending.quote(request)
        return VideoTask(
            id=new_id(),
            status=Status.QUEUED,
            account=self.settings.account,
            caller=caller,
            request=request,
            unit_price=quote.unit_price,
            seconds=quote.seconds,
            asked_at=now,
            since=now,
        )

    async def _reserve_and_send(self, draft: VideoTask) -> Report:
        reserved = await self._ledger.reserve(
            draft,
            owner=self._owner.id,
            model=self.settings.model,
            budget=self.settings.budget,
            day_start=self._clock.day_start(),
            rights=self.spending.rights(draft.caller),
        )
        task = reserved.task
        if not reserved.is_new:
            return await self._reports.of(task, is_known_request=True)
        self.attending.watch(task)
        if task.status is Status.SUBMITTING:
            task = await self.sending.send(task)
        return await self._reports.of(task)

    # Reading

    async def get(self, task_id: str, *, caller: str | None = LOCAL) -> Report:
        """Return one task, by our id or by DashScope's; one made elsewhere on the account is adopted.

        Here, and in the verbs below that take it so, `None` is anybody's: for the person at the terminal only.

        Raises:
            UnknownTask: there is no such task.
            Unavailable, Refused: DashScope would have to be asked, and did not tell.
        """
        task = await self._finder.find(task_id, caller)
        return await self._reports.of(task)

    async def wait(
        self, task_id: str, *, seconds: float, progress: Progress | None = None, caller: str | None = LOCAL
    ) -> Report:
        """Return one task once nothing more is to be waited for, or as it stands after `seconds`.

        `progress` is told once a second at most.
        """
        give_up_at = self._clock.ticks() + seconds
        report = await self.get(task_id, caller=caller)
        self._open_waits += 1
        try:
            return await self._wait(report, give_up_at, progress, caller)
        finally:
            self._open_waits -= 1

    async def _wait(self, report: Report, give_up_at: float, progress: Progress | None, caller: str | None) -> Report:
        next_word = self._clock.ticks()
        while (
            self.attending.may_wait
            and not (report.task.is_settled or report.to_be_mended)
            and (left := give_up_at - self._clock.ticks()) > 0
        ):
            # News ends a tick early, and a client is told once a second at most.
            if progress is not None and self._clock.ticks() >= next_word:
                next_word = self._clock.ticks() + _TICK
                await progress(report)
            await self._wait_for_change(report.task, min(left, _TICK))
            report = await self.get(report.task.id, caller=caller)
        return report

    async def _wait_for_change(self, task: VideoTask, seconds: float) -> None:
        """News of other tasks ends the wait too early, so go on for what is left of it."""
        until = self._clock.ticks() + seconds
        while self.attending.may_wait and (left := until - self._clock.ticks()) > 0:
            await self.attending.wait_for_news(left)
            latest = await self._ledger.get(task.id)
            if latest is None or latest.version != task.version:
                return

    async def newest(self, *, status: Status | None, limit: int, caller: str | None = LOCAL) -> list[Report]:
        """Return a caller's tasks, newest first; a film's shots are the film's."""
        tasks = await self._ledger.newest(self.settings.account, caller, status=status, limit=limit)
        return [await self._reports.of(task) for task in tasks]

    async def listed(self, *, word: str | None, limit: int, caller: str = LOCAL) -> list[Report | FilmReport]:
        """Return a caller's tasks and films in one list, newest first; by a `word` of `LISTED_BY` those of that status.

        A film stands for its shots: it is listed by its own status, and by what only a shot of it can be.
        """
        tasks: list[Report] = []
        if word is None or word in frozenset(Status):
            tasks = await self.newest(status=Status(word) if word else None, limit=limit, caller=caller)
        films = await self.films.newest(word=word, limit=limit, caller=caller)
        return sorted([*tasks, *films], key=lambda one: one.asked_at, reverse=True)[:limit]

    def now(self) -> datetime:
        """Return the time by which everything here goes."""
        return self._clock.now()

    async def unsaved(self) -> list[Report]:
        """Return the tasks of all callers whose video exists, or must by now, and has been fetched by nobody."""
        now = self._clock.now()
        tasks = [task for task, _ in await self._ledger.unsettled(self.settings.account)]
        return [await self._reports.of(task) for task in tasks if is_left_lying(task, now)]

    async def unattended(self) -> list[Report]:
        """Return the tasks of all callers that DashScope should be done with by now, and that no process watches."""
        rows = await self._ledger.unsettled(self.settings.account)
        left = [task for task, owner in rows if owner is None or not self._owner.lives(owner)]
        reports = [await self._reports.of(task) for task in left if task.status in (Status.PENDING, Status.RUNNING)]
        return [report for report in reports if report.elapsed > report.usual]

    async def preview(self, task_id: str, *, frames: int, caller: str = LOCAL) -> Preview:
        """Return what a saved video looks like: so many frames, evenly spread, in one image.

        Raises:
            UnknownTask, Unavailable, Refused: as `get`.
            NoVideo: its file is not here: not yet, or for good.
            MediaMissing: the extra `media` is not installed.
            VideoUnusable: the file was moved, or cannot be read.
        """
        report = await self.get(task_id, caller=caller)
        strip = Strip(path=Path(saved_file(report.task)), count=frames)
        return Preview(report=report, sheet=await self.workshop.sheet([strip]))

    async def preview_film(self, film_id: str, *, frames: int, caller: str = LOCAL) -> FilmPreview:
        """Return what the saved shots of a film look like: so many frames of each, fewer where they are many.

        Raises:
            UnknownTask, NoVideo, MediaMissing, VideoUnusable: as `preview`.
        """
        report = await self.films.get(film_id, caller=caller)
        seen = [(shot, shot.chosen) for shot in report.shots]
        saved = [(shot, Path(take.file)) for shot, take in seen if take is not None and take.file]
        if not saved:
            raise NoVideo(
                say("No shot of {film} is saved yet.", film=report.film.id), next_step=say("Call get_film with it.")
            )
        each = max(1, min(frames, MOST_SHOTS // len(saved)))
        strips = [Strip(path=file, count=each, label=f"{shot.number}") for shot, file in saved]
        return FilmPreview(
            report=report, shots=tuple(shot for shot, _ in saved), sheet=await self.workshop.sheet(strips)
        )

    async def history(self, report: Report) -> list[VideoTask]:
        """Return every version of a task, oldest first, for whoever was shown it: nobody else has a report of it."""
        return await self._ledger.history(report.task.id)

    async def today(self, *, caller: str = LOCAL) -> dict[Status, int]:
        """Return how many of a caller's tasks have which status: those of today, and whatever is not settled."""
        return await self._ledger.counts(self.settings.account, caller, since=self._clock.day_start())

    async def ids(self, prefix: str, *, limit: int, caller: str = LOCAL) -> list[str]:
        """Return the ids of a caller's tasks that begin with `prefix`, newest first."""
        return await self._ledger.ids(self.settings.account, caller, prefix=prefix, limit=limit)

    # Ending

    async def cancel(self, task_id: str, *, caller: str | None = LOCAL) -> Report:
        """Cancel a task that is QUEUED or PENDING.

        Raises:
            UnknownTask: there is no such task.
            TooLate: it runs, has ended, or nobody knows yet whether it was accepted.
            Unavailable, Refused: DashScope did not answer, or does not let this key cancel.
        """
        task = await self._finder.find(task_id, caller, of_films="cancel_film")
        return await self._reports.of(await self._cancelling.cancel(task))

    # Settling what only a person can

    async def settle(self, task_id: str, *, remote_id: str | None) -> Report:
        """Close an UNCERTAIN or UNKNOWN task by a person's word: it is `remote_id`, or it never came to be.

        Raises:
            UnknownTask: there is no such task.
            TooLate: its end is known already, or is still being found out.
        """
        task = await self._finder.find(task_id, None)
        if task.status not in (Status.UNCERTAIN, Status.UNKNOWN):
            raise TooLate(say("{task} is {status}: there is nothing to settle.", task=task.id, status=task.status))
        now = self._clock.now()
        if remote_id is None:
            return await self._reports.of(
                await self._ledger.record(task.to(Status.FAILED, now, problem=SETTLED_BY_PERSON))
            )
        if (known := await self._ledger.of_remote(self.settings.account, remote_id)) is not None:
            raise TooLate(
                say(
                    "{remote_id} is {other}'s, so it cannot be {task}'s too.",
                    remote_id=remote_id,
                    other=known.id,
                    task=task.id,
                )
            )
        remote = await self._finder.look(remote_id)
        settled = apply(task, remote, now)
        if settled is None or remote.status is Status.UNKNOWN:
            raise UnknownTask(
                say(
                    "DashScope says that {remote_id} is {status}, which settles nothing.",
                    remote_id=remote_id,
                    status=remote.status,
                )
            )
        if remote.orig_prompt is not None and not is_prompt_of(task, remote.orig_prompt):
            raise UnknownTask(
                say(
                    "{remote_id} has another prompt than {task}, so it is not this task.",
                    remote_id=remote_id,
                    task=task.id,
                )
            )
        # Whoever watches it, or nobody: the next round of some watcher finds it unsettled and goes on.
        self.attending.refresh(await self._ledger.record(settled))
        return await self._reports.of(settled)

    # Being examined

    async def check_key(self) -> None:
        """Ask DashScope about a task that cannot be: free, and only a good key is answered.

        Raises:
            MissingKey: there is none.
            Refused, Unavailable: it is no good, or nobody is there.
        """
        await self._finder.look(str(uuid.uuid4()))

    async def check_ledger(self) -> LedgerHealth:
        """Look the ledger's file over, and count what is unsettled in it."""
        unsettled = [task for task, _ in await self._ledger.unsettled(self.settings.account)]
        return LedgerHealth(
            integrity=await self._ledger.check(),
            schema=await self._ledger.schema(),
            unsettled=len(unsettled),
            uncertain=sum(task.status is Status.UNCERTAIN for task in unsettled),
        )

    async def try_to_write(self) -> None:
        """Begin to write into the ledger, and leave it at that.

        Raises:
            LedgerUnusable: it cannot be written.
        """
        await self._ledger.try_to_write()

    async def figures(self) -> Figures:
        """Return what /metrics tells, of all callers together."""
        return Figures(
            tasks=await self._ledger.census(self.settings.account),
            standing=(await self.spending.account()).standing,
            budget=self.settings.budget,
            watched=self.attending.open_count,
            open_waits=self._open_waits,
            tally=self._tally,
        )


async def _shielded(work: Coroutine[object, object, T]) -> T:
    """Do `work` to its end though the caller is cancelled."""
    with anyio.CancelScope(shield=True):
        return await work
    raise AssertionError("a shield without a deadline lets nothing end early")  # pragma: no cover
