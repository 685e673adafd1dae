"""How long videos of each kind take, as the ledger has it, and when to look at a task of that kind."""

import statistics
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from wan_mcp.adapters.ledger import Ledger
from wan_mcp.domain.catalogue import MODELS
from wan_mcp.domain.looking import Schedule, lasting, schedule, steady
from wan_mcp.domain.task import VideoTask
from wan_mcp.service.clock import Clock

_FRESH = timedelta(minutes=1)
"""Other processes save videos into the same ledger, too."""
_UNHEARD_OF = 180
"""Seconds that a video takes of which the catalogue says nothing: the middle of DashScope's "1 to 5 minutes"."""


@dataclass(frozen=True)
class Experience:
    """What is known of one kind."""

    latest: tuple[float, ...]
    """Seconds that its latest videos took, newest first."""
    told: int
    """Seconds that one usually takes, as the catalogue says."""
    read_at: datetime
    every: float | None = None
    """Seconds between two looks, where a person has set them."""

    @property
    def usual(self) -> timedelta:
        """The median of the latest; the catalogue's word before there are three."""
        return timedelta(seconds=statistics.median(self.latest) if len(self.latest) >= 3 else self.told)

    @property
    def schedule(self) -> Schedule:
        """When to look at such a task."""
        return steady(self.every) if self.every else _learned(self.latest, self.told)


@lru_cache(maxsize=64)
def _learned(latest: tuple[float, ...], told: int) -> Schedule:
    """It takes a few milliseconds to work out, and all tasks of one kind share it."""
    return schedule(lasting(latest, told))


class Durations:
    """Remembers what the ledger says of each kind, for a minute or until one more video has ended."""

    def __init__(self, *, ledger: Ledger, clock: Clock, every: float | None) -> None:
        """`every`: a person wants a look every so many seconds."""
        self._ledger = ledger
        self._clock = clock
        self._every = every
        self._known: dict[str, Experience] = {}
        self._outdated: set[str] = set()

    async def of(self, task: VideoTask) -> Experience:
        """Return what is known of tasks such as this, by the ledger."""
        known = self._known.get(task.kind)
        if known is None or task.kind in self._outdated or not self._is_fresh(known):
            self._outdated.discard(task.kind)
            latest = await self._ledger.render_times(task.account, task.kind)
            known = self._known[task.kind] = self._experience(task, tuple(time.total_seconds() for time in latest))
        return known

    def at_hand(self, task: VideoTask) -> Experience:
        """Return what is known of tasks such as this without asking the ledger: at worst, the catalogue's word."""
        return self._known.get(task.kind) or self._experience(task, ())

    def one_more(self, task: VideoTask) -> None:
        """Take note that `task` has ended: its kind is to be read anew."""
        self._outdated.add(task.kind)

    def _is_fresh(self, known: Experience) -> bool:
        return timedelta(0) <= self._clock.now() - known.read_at < _FRESH

    def _experience(self, task: VideoTask, latest: tuple[float, ...]) -> Experience:
        told = MODELS[task.request.model].usual_seconds
        kind = (task.request.resolution, task.request.duration)
        return Experience(latest, told.get(kind, _UNHEARD_OF), self._clock.now(), self._every)
