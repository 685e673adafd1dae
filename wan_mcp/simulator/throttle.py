"""How many requests a second are let in.

Counts the last second of the simulated clock, so a clock that stands still fills up: turn it,
or lift the limit.
"""

from collections import deque
from datetime import datetime, timedelta

from .errors import Refusal

__all__ = ["Throttle"]

SECOND = timedelta(seconds=1)


class Throttle:
    """One limit; None lets everything in."""

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._let_in: deque[datetime] = deque()

    def let_in(self, at: datetime) -> None:
        """Count a request, or refuse it with 429 `Throttling.RateQuota`."""
        while self._let_in and self._let_in[0] <= at - SECOND:
            self._let_in.popleft()
        if self._rate is None:
            return
        if len(self._let_in) >= self._rate:
            raise Refusal("Throttling.RateQuota")
        self._let_in.append(at)
