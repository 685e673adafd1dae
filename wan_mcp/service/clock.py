"""The one place where time comes in. Tests turn their own by hand."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import anyio


class Clock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await anyio.sleep(seconds)

    async def at_most(self, seconds: float, wait: Callable[[], Awaitable[object]]) -> None:
        """Return once `wait` has ended, or after `seconds`."""
        async with anyio.create_task_group() as race:

            async def give_up() -> None:
                await self.sleep(seconds)
                race.cancel_scope.cancel()

            race.start_soon(give_up)
            await wait()
            race.cancel_scope.cancel()

    def ticks(self) -> float:
        """Return seconds that only ever grow, whatever the machine's clock is set to."""
        return anyio.current_time()

    async def hold(self, seconds: float) -> None:
        """Wait for the sake of a limit, while nothing else comes to pass."""
        await anyio.sleep(seconds)

    def day_start(self) -> datetime:
        """Return when the present calendar day began where this machine is: budgets count by it."""
        return _midnight(self.now().astimezone())

    def day_starts(self, days: int) -> list[datetime]:
        """Return when each of the last calendar days began, today's last."""
        today = self.day_start()
        return [_midnight(today - timedelta(days=ago)) for ago in range(days - 1, -1, -1)]


def _midnight(local: datetime) -> datetime:
    """By the calendar: where summer time begins or ends on that day, midnight had another offset than its noon."""
    return local.replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0).astimezone()
