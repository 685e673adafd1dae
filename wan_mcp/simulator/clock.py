"""The simulator's clock: the caller's, run faster if wished, and turned by hand.

Nothing else in the simulator asks what time it is.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

__all__ = ["BEIJING", "Clock", "real_now", "wall"]

BEIJING = timezone(timedelta(hours=8))
"""DashScope writes its times for Beijing, wherever the caller or the server is."""


def real_now() -> datetime:
    """The time it really is."""
    return datetime.now(UTC)


class Clock:
    """Time as the simulated service sees it."""

    def __init__(self, now: Callable[[], datetime], *, speed: float = 1.0) -> None:
        self._now = now
        self._began = now()
        self.speed = speed
        self.advanced = timedelta()

    def now(self) -> datetime:
        """The simulated time, in UTC."""
        return self._began + (self._now() - self._began) * self.speed + self.advanced

    def advance(self, by: timedelta) -> None:
        """Turn the clock forward; there is no way back."""
        if by < timedelta():
            raise ValueError("the clock only goes forward")
        self.advanced += by

    def reset(self) -> None:
        """Take back every turn made by hand, and start from `now` again."""
        self._began = self._now()
        self.advanced = timedelta()


def wall(at: datetime) -> str:
    """A time as DashScope prints it: Beijing's, to the millisecond, without a zone."""
    return at.astimezone(BEIJING).isoformat(sep=" ", timespec="milliseconds")[:23]
