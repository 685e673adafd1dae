"""The service in time that a benchmark turns itself."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio.lowlevel

from wan_mcp.service.clock import Clock
from wan_mcp.service.composition import open_service
from wan_mcp.service.videos import Videos
from wan_mcp.settings import Settings

KEY = "sk-0123456789abcdef0123456789abcdef"


class TurnedClock(Clock):
    """Goes when it is turned, or when somebody sleeps by it."""

    def __init__(self) -> None:
        self._time = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self._time

    def turn(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self._time += timedelta(seconds=seconds)

    def ticks(self) -> float:
        return self._time.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.turn(seconds)
        await anyio.lowlevel.checkpoint()

    async def hold(self, seconds: float) -> None:
        await self.sleep(seconds)


def settings(url: str, folder: Path, **more: Any) -> Settings:
    """Settings for a simulator and a folder, without caps."""
    given: dict[str, Any] = {
        "DASHSCOPE_API_KEY": KEY,
        "DASHSCOPE_HTTP_BASE_URL": f"{url}/api/v1",
        "WAN_MCP_LEDGER": folder / "ledger.db",
        "WAN_MCP_OUTPUT_DIR": folder / "videos",
        "WAN_MCP_BUDGET_PER_DAY": "none",
        "WAN_MCP_CONFIRM_ABOVE": "none",
        **more,
    }
    return Settings(**given)


@asynccontextmanager
async def opened(settings: Settings, clock: Clock) -> AsyncGenerator[Videos]:
    """The service, whose watcher takes its turns when it is told to. Videos are saved as they come."""
    async with open_service(settings, clock=clock, watching=False, stamping=False) as videos:
        yield videos
