"""Time for runs of many processes: the simulator's, turned by hand, and everybody's, in a hurry."""

from datetime import datetime

import anyio

from tests.conftest import HandClock
from wan_mcp.service.clock import Clock
from wan_mcp.simulator import Simulator


class SimulatorsClock(HandClock):
    """The simulator's own time, which turning it turns too: for going on, in a moment, for hours."""

    def __init__(self, simulator: Simulator) -> None:
        super().__init__()
        self._simulator = simulator

    def now(self) -> datetime:
        """Return what DashScope's clock says."""
        return self._simulator.clock.now()

    def turn(self, seconds: float) -> None:
        """Let so many seconds pass, there and here."""
        self._simulator.advance(seconds)


class HurriedClock(Clock):
    """Real time, so many times as fast. All that began at one moment agree, in whatever process."""

    def __init__(self, began: datetime, speed: float) -> None:
        self.began = began
        self.speed = speed

    def now(self) -> datetime:
        """Return the hurried time."""
        return self.began + (super().now() - self.began) * self.speed

    async def sleep(self, seconds: float) -> None:
        """Wait, not that long."""
        await anyio.sleep(seconds / self.speed)
