"""The films of a ledger: ordered, called off and written down, each in one transaction with its shots."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice

from wan_mcp.adapters.ledger.file import on_the_thread
from wan_mcp.adapters.ledger.queries import SAME_REQUEST
from wan_mcp.adapters.ledger.reserving import LedgerReserving
from wan_mcp.adapters.ledger.rows import FILM, ms
from wan_mcp.domain.caller import PERSON, Rights
from wan_mcp.domain.film import Film, FilmStatus, is_listed, shots_of
from wan_mcp.domain.money import Budget
from wan_mcp.domain.task import Problem, Status, VideoTask


@dataclass(frozen=True, kw_only=True)
class Ordered:
    """What became of an order."""

    film: Film
    takes: tuple[VideoTask, ...]
    """What is new of it, QUEUED."""
    is_new: bool = True
    """False: the same film is already under way, and this is it."""


@dataclass(frozen=True)
class Unfinished:
    """A film for which there may be something to do."""

    film_id: str
    owner: str | None
    """Which process joins it."""
    stamp: tuple[int, int]
    """Another one whenever the film or one of its takes has changed."""


class LedgerFilms(LedgerReserving):
    """Films and their takes. A take is a task like every other; what is here keeps the whole together."""

    @on_the_thread
    def order(
        self,
        film: Film,
        takes: Sequence[VideoTask],
        *,
        owner: str,
        budget: Budget,
        day_start: datetime,
        rights: Rights = PERSON,
    ) -> Ordered:
        """Hold the money of all `takes`, or of none, and queue them in order; `film` is their film's next version.

        The same film ordered anew within ten minutes, and not finished, is returned instead.

        Raises:
            OverBudget: the daily budget of the account, or the caller's own, does not hold it; nothing was written.
            StaleTask: somebody else changed the film meanwhile.
        """
        with self._exclusively():
            if film.version == 0 and (twin := self._open_film_twin(film)):
                return Ordered(film=twin, takes=(), is_new=False)
            cost = sum((take.cost for take in takes), start=film.unit_price * 0)
            if takes:  # joining alone is free
                self._refuse_over_budget(film, cost, budget, day_start, rights)
            self._append_film(film)
            first = self._next_rank(film)
            queued = tuple(replace(take, rank=first + place) for place, take in enumerate(takes))
            for take in queued:
                self._append(take)
                self._watch(take.id, owner)
            return Ordered(film=film, takes=queued)

    @on_the_thread
    def call_off(self, film: Film, problem: Problem) -> list[VideoTask]:
        """Write down that a film was called off, and cancel what waits with us, in one moment.

        Raises:
            StaleTask: somebody else changed the film meanwhile.
        """
        with self._exclusively():
            self._append_film(film)
            canceled = [
                take.to(Status.CANCELED, film.since, problem=problem)
                for take in self._takes(film.id)
                if take.status is Status.QUEUED
            ]
            for take in canceled:
                self._append(take)
                self._unwatch(take.id)
            return canceled

    @on_the_thread
    def record_film(self, film: Film) -> Film:
        """Append this version.

        Raises:
            StaleTask: somebody else changed the film meanwhile.
        """
        with self._exclusively():
            self._append_film(film)
            self._unwatch(film.id)
        return film

    # Reading

    @on_the_thread
    def film(self, film_id: str) -> Film | None:
        """Return the newest version of a film of whatever account."""
        return self._film(film_id)

    @on_the_thread
    def takes(self, film_id: str) -> list[VideoTask]:
        """Return the newest version of every take of a film."""
        return self._takes(film_id)

    @on_the_thread
    def open_film_twin(self, film: Film) -> Film | None:
        """Return the film of the same order that is not finished and was asked for within ten minutes."""
        return self._open_film_twin(film)

    @on_the_thread
    def newest_films(self, account: str, caller: str, *, limit: int) -> list[Film]:
        """Return a caller's films, newest first."""
        rows = self._db.execute(
            "SELECT body FROM film_heads JOIN films USING (film_id, version) WHERE account = ? AND caller = ? "
            "ORDER BY asked_ms DESC, film_id LIMIT ?",
            (account, caller, limit),
        )
        return [FILM.validate_json(body) for (body,) in rows]

    @on_the_thread
    def films_listed(self, account: str, caller: str, word: str, *, now: datetime, limit: int) -> list[Film]:
        """Return a caller's films that `is_listed` finds by `word`, newest first."""
        # What only a task can be is found through the tasks that are so, not by reading every film.
        of_a_shot = word not in frozenset(FilmStatus)
        only = "AND film_id IN (SELECT film_id FROM heads WHERE account = ? AND status = ?) " if of_a_shot else ""
        rows = self._db.execute(
            "SELECT body FROM film_heads JOIN films USING (film_id, version) WHERE account = ? AND caller = ? "
            f"{only}ORDER BY asked_ms DESC, film_id",
            (account, caller, *([account, word] if of_a_shot else [])),
        )
        films = (FILM.validate_json(body) for (body,) in rows)
        found = (film for film in films if is_listed(film, shots_of(film, self._takes(film.id)), word, now))
        return list(islice(found, limit))

    @on_the_thread
    def unfinished_films(self, account: str) -> list[Unfinished]:
        """Return every film that is neither joined nor called off."""
        rows = self._db.execute(
            "SELECT film_id, owner, version, "
            "(SELECT SUM(version + 1) FROM heads WHERE heads.film_id = film_heads.film_id) "
            "FROM film_heads LEFT JOIN watches ON watches.task_id = film_id WHERE account = ? AND unfinished",
            (account,),
        )
        return [Unfinished(film_id, owner, (version, versions)) for film_id, owner, version, versions in rows]

    @on_the_thread
    def film_ids(self, account: str, caller: str, *, prefix: str, limit: int) -> list[str]:
        """Return the ids of films that begin with `prefix`, newest first."""
        rows = self._db.execute(
            "SELECT film_id FROM film_heads WHERE account = ? AND caller = ? AND substr(film_id, 1, ?) = ? "
            "ORDER BY asked_ms DESC, film_id LIMIT ?",
            (account, caller, len(prefix), prefix, limit),
        )
        return [film_id for (film_id,) in rows]

    @on_the_thread
    def last_sent(self, film_id: str) -> datetime | None:
        """Return when a shot of a film was last sent: until then, at least, somebody looked after it."""
        at_ms = self._db.execute("SELECT MAX(sent_ms) FROM heads WHERE film_id = ?", (film_id,)).fetchone()[0]
        return None if at_ms is None else datetime.fromtimestamp(at_ms / 1000, UTC)

    # What the transactions are made of

    def _film(self, film_id: str) -> Film | None:
        return self._one_film(
            "SELECT body FROM film_heads JOIN films USING (film_id, version) WHERE film_id = ?", film_id
        )

    def _takes(self, film_id: str) -> list[VideoTask]:
        return self._many(
            "SELECT body FROM heads JOIN entries USING (task_id, version) WHERE film_id = ? ORDER BY asked_ms, rank",
            film_id,
        )

    def _open_film_twin(self, film: Film) -> Film | None:
        return self._one_film(
            "SELECT body FROM film_heads JOIN films USING (film_id, version) WHERE account = ? AND caller = ? "
            "AND fingerprint = ? AND asked_ms > ? AND unfinished ORDER BY asked_ms LIMIT 1",
            film.account,
            film.caller,
            film.script.fingerprint,
            ms(film.asked_at - SAME_REQUEST),
        )

    def _is_called_off(self, take: VideoTask) -> bool:
        film = self._film(take.film_id or "")
        return film is None or film.canceled_at is not None
