"""The story of tests/test_transports.py at the one way in that is told there by bare lines only."""

from typing import Any

import pytest

from tests.test_transports import Connect, connect, simulator, tell_the_story, url
from wan_mcp.simulator import Simulator

__all__ = ["connect", "simulator", "url"]  # fixtures

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("door", "era"), [("stdio", "legacy")])
async def test_the_whole_story_over_stdio_in_the_older_era(connect: Connect, era: Any, simulator: Simulator) -> None:
    """Most hosts of today are such a client."""
    await tell_the_story(connect, era, simulator)
