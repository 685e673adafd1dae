"""What every door shows: one task, or one account, with what is known around it at this moment.

Imports nothing heavy: the doors need these names before the service is opened.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from wan_mcp.domain.catalogue import MODELS
from wan_mcp.domain.errors import WanError
from wan_mcp.domain.film import Film, FilmStatus, Shot
from wan_mcp.domain.money import Budget, Money, Standing
from wan_mcp.domain.task import MoneyState, VideoTask

if TYPE_CHECKING:  # looking into videos is not imported before a video is looked into
    from wan_mcp.adapters.media.order import Sheet


class Trouble(str):
    """What a look or a download came to, where it came to nothing; it is tried again."""

    for_a_person: str
    """What somebody must do before it can come to anything; empty where time alone may help."""

    def __new__(cls, error: WanError) -> Self:
        """Keep what `error` says."""
        trouble = super().__new__(cls, error.what)
        trouble.for_a_person = error.next_step if error.fault == "person" else ""
        return trouble


@dataclass(frozen=True, kw_only=True)
class Report:
    """One task with what is known around it at this moment: what every door shows."""

    task: VideoTask
    elapsed: timedelta
    """Since it was asked for, until its end."""
    usual: timedelta
    """How long such a task usually takes."""
    place: int | None = None
    """Where it stands in our queue, 1 is next; only while QUEUED."""
    is_known_request: bool = False
    """`create` found the same request still open, and this is its task."""
    trouble: Trouble | None = None
    """What the last try came to."""
    next_look: timedelta | None = None
    """In how long DashScope is asked about it next; only while it is there."""
    is_for_a_person: bool = False
    """It is in doubt, and only a person can settle it."""

    @property
    def to_be_mended(self) -> str:
        """What somebody must do before its video can come home; empty where waiting may bring it."""
        return self.trouble.for_a_person if self.trouble and self.task.is_to_be_saved else ""

    @property
    def asked_at(self) -> datetime:
        """When it was asked for."""
        return self.task.asked_at

    @property
    def usual_turn(self) -> timedelta:
        """How long it usually waits in our queue: as many at once as DashScope runs, one after the other."""
        at_once = MODELS[self.task.request.model].running_limit
        return self.usual * (((self.place or 0) + at_once - 1) // at_once)


@dataclass(frozen=True, kw_only=True)
class FilmReport:
    """One film with its takes and what is known around it at this moment."""

    film: Film
    shots: tuple[Shot, ...]
    status: FilmStatus
    moving: tuple[Shot, ...]
    """Shots for which something goes on by itself that may still bring a video."""
    attention: tuple[Shot, ...]
    """Shots whose newest take ended without a video, so that only the caller can go on."""
    elapsed: timedelta
    """Since it was ordered, or a shot of it anew, until its end."""
    usual: timedelta
    """How long such a film usually takes."""
    is_known_request: bool = False
    """The same was ordered before and is still under way."""
    trouble: Trouble | None = None
    """What the last try for one of its shots came to."""
    next_look: timedelta
    """Until DashScope is asked again about one of its shots."""

    @property
    def asked_at(self) -> datetime:
        """When it was asked for first."""
        return self.film.asked_at

    @property
    def is_settled(self) -> bool:
        """Is there nothing left that waiting could bring?"""
        return self.status not in (FilmStatus.RENDERING, FilmStatus.JOINING)

    @property
    def called_off(self) -> tuple[Shot, ...]:
        """Shots whose newest take was called off when the film was called off last."""
        at = self.film.canceled_at
        return tuple(shot for shot in self.shots if at and shot.is_called_off and shot.newest.since >= at)

    @property
    def held(self) -> Money:
        """Set aside for takes whose end is not known."""
        return self._sum("held")

    @property
    def charged(self) -> Money:
        """Paid for takes that were made."""
        return self._sum("charged")

    @property
    def saved(self) -> int:
        """How many shots are at home, and not being made anew."""
        at_rest = [shot.chosen for shot in self.shots if shot not in self.moving]
        return sum(take is not None and take.is_saved for take in at_rest)

    @property
    def takes(self) -> list[VideoTask]:
        """Every attempt at every shot."""
        return [take for shot in self.shots for take in shot.takes]

    @property
    def stamp(self) -> tuple[int, ...]:
        """Another one whenever the film or one of its takes has changed."""
        return (self.film.version, *(take.version for take in self.takes))

    def _sum(self, state: MoneyState) -> Money:
        return sum((take.cost for take in self.takes if take.money_state == state), start=self.film.unit_price * 0)


@dataclass(frozen=True, kw_only=True)
class Preview:
    """One task, and what its video looks like."""

    report: Report
    sheet: "Sheet"


@dataclass(frozen=True, kw_only=True)
class FilmPreview:
    """One film, and what its shots look like."""

    report: FilmReport
    shots: tuple[Shot, ...]
    """Those that are on the sheet, in order; each has a chosen take."""
    sheet: "Sheet"


@dataclass(frozen=True, kw_only=True)
class Account:
    """What is allowed and what is left of it."""

    budget: Budget
    standing: Standing
    currency: str
    is_shared: bool = False
    """One caller's part of an account; the person's budget holds on top, and is not told."""

    @property
    def left(self) -> Money | None:
        """What may still be spent today."""
        return self.standing.left(self.budget)


@dataclass(frozen=True, kw_only=True)
class LedgerHealth:
    """How the ledger's file is, and what is left to do in it."""

    integrity: str
    """What SQLite's own check says: "ok", or its findings."""
    schema: int
    unsettled: int
    """Tasks that are open, or whose file is not at home yet."""
    uncertain: int
    """Those of them whose answer was lost."""
