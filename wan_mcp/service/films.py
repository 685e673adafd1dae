"""The verbs that callers have for films: create, get, wait, retake, cancel, list."""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import anyio

from wan_mcp.adapters.ledger import Ledger
from wan_mcp.adapters.owners import Owner
from wan_mcp.domain.caller import LOCAL
from wan_mcp.domain.catalogue import Quote
from wan_mcp.domain.errors import MissingKey, StaleTask, TooLate, UnknownTask, WanError
from wan_mcp.domain.filename import film_name
from wan_mcp.domain.film import FILM, Film, Order, Shot, shots_of
from wan_mcp.domain.language import say
from wan_mcp.domain.script import Script, another_take
from wan_mcp.domain.task import CANCELED_WITH_US, Status, VideoTask
from wan_mcp.service.attending import Attending
from wan_mcp.service.cancelling import Cancelling
from wan_mcp.service.clock import Clock
from wan_mcp.service.finding import new_id
from wan_mcp.service.joining import Joiner
from wan_mcp.service.report import FilmReport
from wan_mcp.service.reporting import Reports
from wan_mcp.service.spending import Spending
from wan_mcp.settings import Settings

_TICK = 1.0
"""Seconds between two words of progress, and between two looks at what another process wrote."""
_CANCEL_TRIES = 5
_CANCEL_WITHIN = 30
"""Seconds: every call answers within 45, and what DashScope has not told by then the watcher learns."""

Progress = Callable[[FilmReport], Awaitable[None]]


class Films:
    """The films of one account."""

    def __init__(
        self,
        *,
        settings: Settings,
        ledger: Ledger,
        owner: Owner,
        attending: Attending,
        joiner: Joiner,
        cancelling: Cancelling,
        clock: Clock,
        spending: Spending,
        reports: Reports,
    ) -> None:
        self.joiner = joiner
        self._settings = settings
        self._ledger = ledger
        self._owner = owner
        self._attending = attending
        self._cancelling = cancelling
        self._clock = clock
        self._spending = spending
        self._reports = reports

    # Ordering

    def quote(self, script: Script) -> Quote:
        """Price a whole film: the sum of its shots."""
        return self.price(resolution=script.shots[0].resolution, seconds=script.seconds)

    def price(self, *, resolution: str, seconds: int) -> Quote:
        """Price so many seconds, in however many shots."""
        return self._spending.price(resolution=resolution, duration=seconds)

    async def order(self, script: Script, *, caller: str = LOCAL) -> Order:
        """Say what a film would be; nothing is reserved yet."""
        now = self._clock.now()
        film_id = f"{FILM}{secrets.token_urlsafe(16)}"
        film = Film(
            id=film_id,
            account=self._settings.account,
            caller=caller,
            script=script,
            unit_price=self.quote(script).unit_price,
            name=film_name(script.title, film_id, now.astimezone()),
            asked_at=now,
            since=now,
        )
        if (twin := await self._ledger.open_film_twin(film)) is not None:
            return Order(film=twin, takes=(), is_under_way=True)
        takes = tuple(film.take(number, id=new_id(), at=now) for number in range(1, len(script.shots) + 1))
        return Order(film=film, takes=takes)

    async def reorder(
        self,
        film_id: str,
        *,
        shot: int | None = None,
        prompt: str | None = None,
        seed: int | None = None,
        caller: str = LOCAL,
    ) -> Order:
        """Say what another take of a shot would be; without `shot`, of every shot that is missing.

        Raises:
            InvalidRequest: there is no such shot, or the prompt cannot be accepted.
            TooLate: the shot is under way or in doubt, or nothing is missing.
        """
        film = await self._find(film_id, caller)
        shots, now = shots_of(film, await self._ledger.takes(film.id)), self._clock.now()
        script = film.script
        if shot is None:
            wanted = [one for one in shots if one.is_missing(now) and not one.newest.is_for_a_person(now)]
            if not wanted and film.problem is None and not film.is_called_off:
                raise TooLate(
                    say("No shot of {id} is missing.", id=film.id),
                    next_step=say("Name the shot of which another take is wanted."),
                )
        else:
            model, limits = self._settings.model, self._settings.limits
            script = another_take(script, shot, prompt=prompt, seed=seed, model=model, limits=limits)
            wanted = [shots[shot - 1]]
            if wanted[0].is_moving(now):
                return self._under_way(film, wanted[0], script, seed)
            if wanted[0].newest.is_for_a_person(now):
                raise TooLate(
                    say("It is not known whether {id} was made and charged.", id=wanted[0].newest.id),
                    next_step=say("The person settles it first, with `wan-mcp settle {id}`.", id=wanted[0].newest.id),
                )
        joined = film.cut if film.problem is None else ()  # what could not be joined is tried again
        film = film.to(now, script=script, cut=joined, canceled_at=None, problem=None, is_unfinished=True)
        takes = tuple(film.take(one.number, id=new_id(), at=now, count=one.newest.take + 1) for one in wanted)
        return Order(film=film, takes=takes)

    def _under_way(self, film: Film, shot: Shot, script: Script, seed: int | None) -> Order:
        """A host that timed out will call again."""
        request = shot.newest.request
        is_same = script.shots[shot.number - 1].prompt == request.prompt and seed in (None, request.seed)
        if is_same and shot.newest.take > 1:
            return Order(film=film, takes=(), is_under_way=True)
        raise TooLate(
            say("Shot {shot} is still {status}.", shot=shot.number, status=shot.newest.status),
            next_step=say("Wait for it with get_film, or cancel {id} while it has not started.", id=shot.newest.id),
        )

    async def needs_consent(self, order: Order, max_cost: float | None, *, can_ask: bool = False) -> bool:
        """Must the person be asked before this is ordered? One question for the whole price.

        Raises:
            OverBudget: it will not be ordered whatever the person says; `max_cost` counts as a cap too.
        """
        for cost in {take.cost.amount: take.cost for take in order.takes}.values():
            self._spending.refuse_too_dear(cost, caller=order.film.caller, is_shot=True)
        if not order.takes or not self._spending.must_ask(order.cost, max_cost, can_ask=can_ask, is_film=True):
            return False
        await self._spending.refuse_beyond_today(order.film, order.cost)
        return True

    async def place(self, order: Order, *, agreed: bool, again: str = "create_film") -> FilmReport:
        """Hold the money of the whole order, or of nothing, and queue its shots; the watcher sends them in turn.

        `agreed` says that the person has agreed to this price.

        Raises:
            MissingKey, OverBudget, NeedsConsent: nothing was ordered.
            TooLate: the film was changed by somebody else in this moment.
        """
        if order.is_under_way:
            return await self._reports.of_film(order.film, is_known_request=True)
        if self._settings.key is None:
            raise MissingKey
        if await self.needs_consent(order, None) and not agreed:
            raise self._spending.unagreed(order.cost, again=again)
        try:
            ordered = await self._ledger.order(
                order.film,
                order.takes,
                owner=self._owner.id,
                budget=self._settings.budget,
                day_start=self._clock.day_start(),
                rights=self._spending.rights(order.film.caller),
            )
        except StaleTask as error:
            raise TooLate(
                say("{id} was changed in this very moment.", id=order.film.id), next_step=say("Call get_film with it.")
            ) from error
        self._watch(ordered.takes)
        self._attending.changes.tell(ordered.film.id)
        return await self._reports.of_film(ordered.film, is_known_request=not ordered.is_new)

    def _watch(self, takes: Sequence[VideoTask]) -> None:
        for take in takes:
            self._attending.watch(take)

    # Reading

    async def get(self, film_id: str, *, caller: str = LOCAL) -> FilmReport:
        """Return one film.

        Raises:
            UnknownTask: there is no such film.
        """
        return await self._reports.of_film(await self._find(film_id, caller))

    async def wait(
        self, film_id: str, *, seconds: float, progress: Progress | None = None, caller: str = LOCAL
    ) -> FilmReport:
        """Return one film once nothing more is to be waited for, once another shot needs attention, or as it
        stands after `seconds`. `progress` is told once a second at most.
        """
        give_up_at = self._clock.ticks() + seconds
        report = await self.get(film_id, caller=caller)
        known = {shot.newest.id for shot in report.attention}
        next_word = self._clock.ticks()
        while not report.is_settled and self._attending.may_wait and (left := give_up_at - self._clock.ticks()) > 0:
            if progress is not None and self._clock.ticks() >= next_word:
                next_word = self._clock.ticks() + _TICK
                await progress(report)
            await self._attending.wait_for_news(min(left, _TICK))
            report = await self.get(film_id, caller=caller)
            if not {shot.newest.id for shot in report.attention} <= known:
                break
        return report

    async def newest(self, *, word: str | None = None, limit: int, caller: str = LOCAL) -> list[FilmReport]:
        """Return a caller's films, newest first; by a `word` of `LISTED_BY` those of that status."""
        account = self._settings.account
        if word is None:
            films = await self._ledger.newest_films(account, caller, limit=limit)
        else:
            films = await self._ledger.films_listed(account, caller, word, now=self._clock.now(), limit=limit)
        return [await self._reports.of_film(film) for film in films]

    async def ids(self, prefix: str, *, limit: int, caller: str = LOCAL) -> list[str]:
        """Return the ids of a caller's films that begin with `prefix`, newest first."""
        return await self._ledger.film_ids(self._settings.account, caller, prefix=prefix, limit=limit)

    # Ending

    async def cancel(self, film_id: str, *, caller: str = LOCAL) -> FilmReport:
        """Call a film off: what waits with us is cancelled in one moment, and what is PENDING at DashScope where it
        lets us. What is already rendered is made, paid for and kept.

        Raises:
            UnknownTask: there is no such film.
            TooLate: nothing of it goes on any more.
        """
        for _ in range(_CANCEL_TRIES):
            report = await self._reports.of_film(await self._find(film_id, caller, of_videos="cancel_video_task"))
            if report.is_settled:
                raise TooLate(
                    say("{task} has already ended: {status}.", task=report.film.id, status=report.status),
                    next_step=say("There is nothing to cancel."),
                )
            now = self._clock.now()
            # Of a retake that had started the new take still belongs into the film.
            has_started = any(not take.is_settled and take.status is not Status.QUEUED for take in report.takes)
            is_to_be_joined = tuple(shot.chosen.id for shot in report.shots if shot.chosen) != report.film.cut
            goes_on = report.film.file is not None and (has_started or is_to_be_joined)
            film = report.film.to(now, canceled_at=now, is_unfinished=goes_on)
            try:
                canceled = await self._ledger.call_off(film, CANCELED_WITH_US)
            except StaleTask:  # a shot was sent, or the film joined, in this very moment
                continue
            for take in canceled:
                self._attending.refresh(take)
            await self._cancel_at_dashscope(film)
            self._attending.changes.tell(film.id)
            return await self._reports.of_film(film)
        raise TooLate(say("{id} was changed in this very moment.", id=film_id), next_step=say("Call get_film with it."))

    async def _cancel_at_dashscope(self, film: Film) -> None:
        async def cancel(take: VideoTask) -> None:
            with suppress(WanError):  # then it goes on, and the film says so
                await self._cancelling.cancel(take)

        takes = await self._ledger.takes(film.id)
        with anyio.move_on_after(_CANCEL_WITHIN):
            async with anyio.create_task_group() as at_once:
                for take in takes:
                    if take.status is Status.PENDING:
                        at_once.start_soon(cancel, take)

    # Finding

    async def _find(self, film_id: str, caller: str, *, of_videos: str = "get_video_task") -> Film:
        """`of_videos` is the tool that does the same for a video, for who has a video's id."""
        film_id = film_id.strip()
        if film_id.startswith("vid_"):
            raise UnknownTask(
                say("{id} is a video, not a film.", id=film_id[:80]),
                next_step=say("Call {tool} with it.", tool=of_videos),
            )
        film = await self._ledger.film(film_id)
        if film is None or film.caller != caller or film.account != self._settings.account:
            raise UnknownTask(
                say("There is no film {id}.", id=repr(film_id[:80])),
                next_step=say("list_video_tasks shows the films that there are."),
            )
        return film
