"""A film: several shots rendered as one order, at one price, and joined into one file.

Each attempt at a shot, a take, is an ordinary `VideoTask` that names its film. So a film has no status of its own to
keep: what it is doing is read off its takes, and nothing about it can disagree with them. What is kept of the film
itself is what was ordered, what was called off, and what was made of the takes.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from wan_mcp.domain.advice import is_passing
from wan_mcp.domain.caller import LOCAL
from wan_mcp.domain.money import Money
from wan_mcp.domain.request import VideoRequest
from wan_mcp.domain.script import Script
from wan_mcp.domain.task import CANCELED_WITH_US, SETTLED_BY_PERSON, STALE_QUEUE, Problem, Status, VideoTask

FILM = "film_"
"""How the id of a film begins."""


class FilmStatus(StrEnum):
    """What a film is doing. The first two go on by themselves."""

    RENDERING = "RENDERING"
    """Some shot waits, is rendered or is being saved."""
    JOINING = "JOINING"
    """Every shot is at home, and they become one file."""
    ATTENTION = "ATTENTION"
    """Nothing goes on by itself: something is missing that only the caller can order or put right."""
    SUCCEEDED = "SUCCEEDED"
    """The joined file is at home."""
    CANCELED = "CANCELED"
    """Called off. Shots that had started were made all the same."""


LISTED_BY: tuple[str, ...] = tuple(dict.fromkeys(map(str, (*Status, *FilmStatus))))
"""The words by which a list of tasks and films can be narrowed."""


@dataclass(frozen=True, kw_only=True)
class Film:
    """What was ordered, and what was made of it. Every change is a new version."""

    id: str
    version: int = 0
    account: str
    caller: str = LOCAL
    script: Script
    """As accepted; a retake with another prompt replaces its shot here."""
    unit_price: Money
    """For one second of any shot; what was agreed when the money was set aside."""
    name: str
    """Of its file, and of the folder with its shots, as `domain/filename.py` writes it."""
    asked_at: datetime
    since: datetime
    """When this version was made."""
    is_unfinished: bool = True
    """Neither joined nor called off: there may be something to do for it."""
    canceled_at: datetime | None = None
    cut: tuple[str, ...] = ()
    """The takes that `file` is made of, or that could not be joined."""
    file: str | None = None
    file_bytes: int | None = None
    seconds: float | None = None
    """How long the file plays."""
    joins: int = 0
    """How often its shots were joined: each time into a file of another name."""
    remarks: tuple[str, ...] = ()
    """What joining could not do as asked."""
    problem: Problem | None = None
    """Why `cut` could not be joined."""

    def to(self, at: datetime, **facts: Any) -> "Film":
        """Return the next version; `facts` are fields of `Film`."""
        return replace(self, since=at, version=self.version + 1, **facts)

    @property
    def is_called_off(self) -> bool:
        """Was it called off before it had a file? A retake that is called off leaves the film what it was."""
        return self.canceled_at is not None and self.file is None

    @property
    def price(self) -> Money:
        """What the order costs when every shot is made once."""
        return self.unit_price * self.script.seconds

    def take(self, number: int, *, id: str, at: datetime, count: int = 1) -> VideoTask:
        """Make the `count`-th take of one shot, to be reserved."""
        request = self.script.shots[number - 1]
        return VideoTask(
            id=id,
            status=Status.QUEUED,
            account=self.account,
            caller=self.caller,
            request=request,
            unit_price=self.unit_price,
            seconds=request.duration,
            asked_at=at,
            since=at,
            film_id=self.id,
            shot=number,
            take=count,
            folder=self.name,
        )


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be paid for: the film's next version, and its takes that are new."""

    film: Film
    takes: tuple[VideoTask, ...]
    is_under_way: bool = False
    """The same was ordered before: nothing is paid again."""

    @property
    def cost(self) -> Money:
        """All of it."""
        return sum((take.cost for take in self.takes), start=self.film.unit_price * 0)


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One shot of a film, with everything that was tried for it."""

    number: int
    """From 1."""
    request: VideoRequest
    takes: tuple[VideoTask, ...]
    """Oldest first; never empty."""

    @property
    def newest(self) -> VideoTask:
        """The take that was ordered last."""
        return self.takes[-1]

    @property
    def chosen(self) -> VideoTask | None:
        """The take that the film shows: the newest one whose video is at home, or on its way there."""
        return next((take for take in reversed(self.takes) if take.is_saved or take.is_to_be_saved), None)

    def is_moving(self, now: datetime) -> bool:
        """Does something go on by itself that may still bring a video?"""
        return any(not take.is_settled and not take.is_for_a_person(now) for take in self.takes)

    def needs_attention(self, now: datetime) -> bool:
        """Did its newest take end without a video, so that only the caller can go on? Not where the caller called a
        retake off: there is the take from before."""
        if self.is_moving(now) or self.chosen is self.newest:
            return False
        return self.chosen is None or not self.is_called_off

    @property
    def is_called_off(self) -> bool:
        """Did the caller call its newest take off?"""
        return self.newest.status is Status.CANCELED and self.newest.problem in (None, CANCELED_WITH_US)

    @property
    def standing(self) -> VideoTask:
        """The take whose status is the shot's: the newest, or the one that is shown where a retake was called off."""
        return (self.chosen or self.newest) if self.is_called_off else self.newest

    def is_missing(self, now: datetime) -> bool:
        """Is there no take to show, and none under way?"""
        return not self.is_moving(now) and self.chosen is None


def shots_of(film: Film, takes: Iterable[VideoTask]) -> tuple[Shot, ...]:
    """Sort the takes of a film into its shots."""
    of: dict[int, list[VideoTask]] = {number: [] for number in range(1, len(film.script.shots) + 1)}
    for take in takes:
        of[take.shot or 0].append(take)
    return tuple(
        Shot(
            number=number, request=film.script.shots[number - 1], takes=tuple(sorted(some, key=lambda take: take.take))
        )
        for number, some in of.items()
    )


def film_status(film: Film, shots: Sequence[Shot], now: datetime) -> FilmStatus:
    """Say what a film is doing: a function of its takes, and of what was made of them."""
    if any(shot.is_moving(now) for shot in shots):
        return FilmStatus.RENDERING
    if film.is_called_off:
        return FilmStatus.CANCELED
    cut = film_cut(shots)
    if cut is None:
        return FilmStatus.ATTENTION
    if film.cut != _ids(cut):
        return FilmStatus.JOINING
    return FilmStatus.SUCCEEDED if film.file and film.problem is None else FilmStatus.ATTENTION


def is_listed(film: Film, shots: Sequence[Shot], word: str, now: datetime) -> bool:
    """Does a film belong into the list of what has the status `word`? A word that films have is the film's own; by
    another it is found through its shots."""
    if word in frozenset(FilmStatus):
        return film_status(film, shots, now) == word
    return any(shot.newest.status == word for shot in shots)


def film_cut(shots: Sequence[Shot]) -> tuple[VideoTask, ...] | None:
    """Return the take of each shot that belongs into the film; `None` while one is missing or not at home."""
    chosen = tuple(shot.chosen for shot in shots)
    cut = tuple(take for take in chosen if take is not None and take.is_saved)
    return cut if len(cut) == len(shots) else None


@dataclass(frozen=True)
class Join:
    """Make one file of these takes."""

    cut: tuple[VideoTask, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """What the film remembers of it."""
        return _ids(self.cut)


def film_next(film: Film, shots: Sequence[Shot], now: datetime, *, may_join: bool) -> Join | None:
    """Say what a film needs next that its takes do not do by themselves.

    Shots need nothing here: they are watched like every task, and a second try is reserved in the same moment in
    which the first is written down as failed (`second_try`).
    `may_join` says whether shots can be joined here: what could not be for want of it is tried again once it can.
    """
    cut = film_cut(shots)
    if cut is None or film.is_called_off or film_status(film, shots, now) is FilmStatus.RENDERING:
        return None
    if film.cut == _ids(cut) and not (may_join and _wanted_the_extra(film)):
        return None
    return Join(cut)


def second_try(failed: VideoTask) -> VideoTask | None:
    """Return the take that replaces one that failed for a passing reason: once, and within the price agreed.

    Its id follows from the other's, so that nobody can reserve two.
    """
    if failed.film_id is None or failed.status is not Status.FAILED or failed.retry_of is not None:
        return None
    if failed.problem is None or not is_passing(failed.problem.code) or failed.problem == SETTLED_BY_PERSON:
        return None
    if failed.since - (failed.sent_at or failed.asked_at) > STALE_QUEUE:  # nobody looked after it
        return None
    digest = hashlib.sha256(f"{failed.id} again".encode()).digest()[:16]
    return VideoTask(
        id=f"vid_{base64.urlsafe_b64encode(digest).decode().rstrip('=')}",
        status=Status.QUEUED,
        account=failed.account,
        caller=failed.caller,
        request=failed.request,
        unit_price=failed.unit_price,
        seconds=failed.request.duration,
        asked_at=failed.since,
        since=failed.since,
        film_id=failed.film_id,
        shot=failed.shot,
        take=failed.take + 1,
        folder=failed.folder,
        retry_of=failed.id,
    )


MEDIA_MISSING = "MediaMissing"


def _wanted_the_extra(film: Film) -> bool:
    return film.problem is not None and film.problem.code == MEDIA_MISSING


def _ids(cut: Sequence[VideoTask]) -> tuple[str, ...]:
    return tuple(take.id for take in cut)
