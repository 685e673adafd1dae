"""Makes one file of a film's shots once all of them are at home.

Only one process joins a film: whoever is written down for it in `watches`, as for a task. Joining costs nothing and
changes no shot, so after a crash it is simply done again; the file has its name only when it is whole.
"""

import logging
from pathlib import Path

from wan_mcp.adapters.ledger import Ledger, Unfinished
from wan_mcp.adapters.media.workshop import Joined, Workshop, is_installed
from wan_mcp.adapters.owners import Owner
from wan_mcp.domain.errors import LedgerUnusable, MediaMissing, StaleTask, VideoUnusable, WanError
from wan_mcp.domain.film import Film, FilmStatus, Join, film_next, film_status, shots_of
from wan_mcp.domain.task import Problem
from wan_mcp.service.attending import Attending
from wan_mcp.service.clock import Clock
from wan_mcp.settings import Settings

logger = logging.getLogger(__name__)

_ROUND = 5.0
"""Seconds between two looks for films that are to be joined; the end of a shot brings one at once."""
_SHORTEST = 0.5
_CHAPTER = 60


class Joiner:
    """Joins the films of one account, one after the other."""

    def __init__(
        self,
        *,
        settings: Settings,
        ledger: Ledger,
        owner: Owner,
        attending: Attending,
        workshop: Workshop,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._owner = owner
        self._attending = attending
        self._workshop = workshop
        self._clock = clock
        self._at_rest: dict[str, tuple[int, int]] = {}
        """Films for which nothing can be done until something of them changes."""

    async def run(self) -> None:
        """Join for ever."""
        while True:
            try:
                await self.turn()
            except LedgerUnusable as error:
                logger.error("%s", error)
            await self._clock.sleep(_SHORTEST)
            await self._attending.wait_for_news(_ROUND)

    async def turn(self) -> None:
        """Join every film whose shots are all at home."""
        unfinished = await self._ledger.unfinished_films(self._settings.account)
        self._at_rest = {one.film_id: one.stamp for one in unfinished if self._at_rest.get(one.film_id) == one.stamp}
        for one in unfinished:
            if one.film_id not in self._at_rest and self._is_ours_or_nobodys(one):
                await self._try_to_consider(one)

    async def _try_to_consider(self, one: Unfinished) -> None:
        """A film that cannot be read must not keep others from their end, nor end the watch of what is paid for."""
        try:
            await self._consider(one)
        except LedgerUnusable as error:  # a disk that is full for now; the next round considers it again
            logger.error("%s: %s", one.film_id, error)
        except Exception:
            logger.exception("%s: could not be considered", one.film_id)
            self._at_rest[one.film_id] = one.stamp

    def _is_ours_or_nobodys(self, one: Unfinished) -> bool:
        return one.owner is None or not self._owner.lives(one.owner) or one.owner == self._owner.id

    async def _consider(self, one: Unfinished) -> None:
        film = await self._ledger.film(one.film_id)
        assert film is not None  # it was listed, and nothing is ever removed
        shots, now = shots_of(film, await self._ledger.takes(film.id)), self._clock.now()
        join = film_next(film, shots, now, may_join=is_installed())
        if join is None:
            if film_status(film, shots, now) is not FilmStatus.RENDERING:
                self._at_rest[film.id] = one.stamp
            return
        if not await self._ledger.take(film.id, owner=self._owner.id, before=one.owner):
            return
        try:
            await self._ledger.record_film(await self._joined(film, join))
        except StaleTask:
            logger.info("%s: changed while it was joined; it is looked at again", film.id)
        self._attending.changes.tell(film.id)

    async def _joined(self, film: Film, join: Join) -> Film:
        """Return the next version: with the file, or with why there is none."""
        logger.info("%s: joining %d shots", film.id, len(join.cut))
        try:
            made = await self._make(film, join)
        except (MediaMissing, VideoUnusable) as error:
            logger.warning("%s: %s", film.id, error)
            return film.to(self._clock.now(), cut=join.ids, problem=_problem(error))
        return film.to(
            self._clock.now(),
            cut=join.ids,
            file=str(made.path),
            file_bytes=made.size,
            seconds=made.seconds,
            remarks=made.remarks,
            problem=None,
            joins=film.joins + 1,
            is_unfinished=False,
        )

    async def _make(self, film: Film, join: Join) -> Joined:
        script = film.script
        name = f"{film.name} cut {film.joins + 1}" if film.joins else film.name
        return await self._workshop.join(
            [Path(take.file or "") for take in join.cut],
            self._settings.output_dir / f"{name}.mp4",
            titles=[_chapter(script.own_prompt(number)) for number in range(1, len(script.shots) + 1)],
            crossfade=script.crossfade,
            title_card=script.title if script.title_card else None,
            metadata={"title": script.title, "date": f"{film.asked_at:%Y-%m-%d}", "comment": _MADE_BY},
        )


_MADE_BY = "Generated by AI: Alibaba Wan 2.5, through wan-mcp"
"""The `comment` of the file; what was made by a machine says so."""


def _chapter(prompt: str) -> str:
    words = " ".join(prompt.split())
    return words if len(words) <= _CHAPTER else words[: _CHAPTER - 1] + "…"


def _problem(error: WanError) -> Problem:
    return Problem(code=error.code, message=" ".join(part for part in (error.what, error.next_step) if part))
