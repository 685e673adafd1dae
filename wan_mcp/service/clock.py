"""The one place where time comes in. Tests turn their own by hand."""

from datetime import UTC, datetime

import anyio


class Clock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await anyio.sleep(seconds)

    def day_start(self) -> datetime:
        """Return when the present calendar day began where this machine is: budgets count by it."""
        return self.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
