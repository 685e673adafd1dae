"""How fast one may ask: so many at once, and then so many a second, first come, first served."""

from collections.abc import Awaitable, Callable

import anyio

Now = Callable[[], float]
"""Seconds by a clock that is never set."""
Sleep = Callable[[float], Awaitable[None]]


class Pace:
    """One limit. Make it inside the event loop that uses it.

    Within any one second no more than `burst + per_second` are let through, so the two together must be the limit.
    """

    def __init__(self, *, burst: int, per_second: float, now: Now = anyio.current_time, sleep: Sleep = anyio.sleep):
        self._gap = 1 / per_second
        self._ahead = (burst - 1) * self._gap
        self._now = now
        self._sleep = sleep
        self._next = 0.0
        """When the next one would be due if all came evenly spaced."""
        self._turn = anyio.Lock()

    async def wait(self) -> None:
        """Return when it is one's turn. Who gives up has taken none."""
        async with self._turn:
            now = self._now()
            due = max(self._next, now)
            if (early := due - self._ahead - now) > 0:
                await self._sleep(early)
            # Counted from when it really went: a machine under load wakes late, and must not catch up in a bunch.
            self._next = max(due, self._now()) + self._gap
