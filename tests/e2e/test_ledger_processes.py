"""Forty processes on one ledger: too slow for every change, and what issue 3 promises word by word."""

import sqlite3
from pathlib import Path

import anyio
import pytest

from tests import processes
from tests.audit import audit
from tests.processes import DAY_START, at_once
from tests.tasks import a_task
from wan_mcp.adapters.ledger import Ledger
from wan_mcp.domain.money import Standing


@pytest.mark.timeout(600)
def test_forty_processes_and_a_budget_of_ten_make_exactly_ten_videos(tmp_path: Path) -> None:
    """200 reservations each, 8,000 in all, of 1 yuan; the file itself is made by all forty at once."""
    path = tmp_path / "ledger.db"

    [accepted] = at_once(40, (processes.fill, path, (200, "10")))

    assert sum(accepted) == 10
    assert anyio.run(standing, path).held.micros == 10_000_000
    audit([path], None)
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT COUNT(*) FROM entries").fetchone() == (10,)
    db.close()


async def standing(path: Path) -> Standing:
    """Where the money stands afterwards."""
    ledger = Ledger(path)
    await ledger.open()
    try:
        return await ledger.standing(a_task().account, "CNY", DAY_START)
    finally:
        await ledger.close()
