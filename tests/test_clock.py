"""The machine's clock, where the calendar makes it hard."""

import sys
import time
from collections.abc import Generator
from datetime import UTC, datetime

import pytest

from tests.conftest import HandClock


@pytest.fixture(params=["Europe/Berlin", "America/New_York", "Asia/Shanghai"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Generator[str]:
    """The machine stands elsewhere."""
    if sys.platform == "win32":
        pytest.skip("Windows has no TZ")
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("hour", [6, 12, 20])
@pytest.mark.parametrize("day", ["2026-03-08", "2026-03-29", "2026-07-01", "2026-10-25", "2026-11-01"])
def test_a_day_begins_at_its_own_midnight(zone: str, day: str, hour: int) -> None:
    """Where summer time ends in the night, the first hour of the day would be spent twice."""
    clock = HandClock()
    clock.time = datetime.fromisoformat(f"{day}T{hour:02}:30:00").astimezone(UTC)

    begins = clock.day_start()

    assert f"{begins.astimezone(UTC).astimezone():%Y-%m-%d %H:%M:%S}" == f"{day} 00:00:00"
    assert clock.day_starts(3)[-1] == begins
