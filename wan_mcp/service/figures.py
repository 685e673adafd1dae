"""What is counted while the service runs, for /metrics: how DashScope answered, and what came home.

Imports nothing heavy: the HTTP door needs these names before the service is opened.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from wan_mcp.domain.money import Budget, Standing
from wan_mcp.domain.task import Status

BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0)
"""Upper bounds in seconds; a call is given up after 30."""


@dataclass
class Latency:
    """The calls of one operation that came to one outcome."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    """How many took up to each bound and more than the bound before; the last took longer than all."""
    seconds: float = 0.0

    def note(self, seconds: float) -> None:
        """Count one call."""
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.seconds += seconds


@dataclass
class Tally:
    """Counts of this process since its start."""

    upstream: dict[tuple[str, str], Latency] = field(default_factory=dict[tuple[str, str], Latency])
    """By operation (submit, look, cancel, find) and outcome."""
    downloads: Counter[str] = field(default_factory=Counter[str])
    """By outcome."""

    def answered(self, operation: str, outcome: str, seconds: float) -> None:
        """Count one exchange with DashScope."""
        self.upstream.setdefault((operation, outcome), Latency()).note(seconds)

    def downloaded(self, outcome: str) -> None:
        """Count one attempt to bring a video home."""
        self.downloads[outcome] += 1


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Everything that /metrics tells, at one moment."""

    tasks: Mapping[Status, int]
    standing: Standing
    budget: Budget
    watched: int
    """Tasks that this process looks after."""
    open_waits: int
    """Callers who wait for a task at this moment."""
    tally: Tally
