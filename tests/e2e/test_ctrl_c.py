"""Ctrl-C at every moment of an order: it ends with nothing sent, or says what goes on."""

import os
import sqlite3
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT

import anyio
import pytest

from tests.commands import environment
from wan_mcp.simulator import Simulator, serving

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.timeout(400),
    pytest.mark.skipif(sys.platform == "win32", reason="signals are of the Unixes"),
]

MOMENTS = 70
"""On a quiet machine one every ten milliseconds or so."""
MOST = 3 * MOMENTS
ENOUGH = 3
"""Commands that were faster than their Ctrl-C: it has come at every moment then."""
AT_ONCE = 2
PATIENCE = 60


@dataclass(frozen=True)
class Run:
    """A command that was stopped, or was faster."""

    code: int
    told: str
    ordered: int
    took: float


async def stopped(words: tuple[str, ...], url: str, folder: Path, *, after: float = PATIENCE) -> Run:
    """Start a real `wan-mcp` with a ledger of its own, press Ctrl-C once so much time has passed, and see it end."""
    folder.mkdir()
    env = environment(url, folder, PYTHONUTF8="1")
    begun = time.monotonic()
    with (folder / "told").open("w") as told, anyio.fail_after(PATIENCE):
        async with await anyio.open_process(
            [sys.executable, "-m", "wan_mcp", *words], env=env, stdout=told, stderr=told
        ) as process:
            with anyio.move_on_after(after):
                await process.wait()
            # Not send_signal(): of a process that ended in this moment it takes the code, and asyncio finds none.
            with suppress(ProcessLookupError):
                os.kill(process.pid, SIGINT)
            code = await process.wait()
    took = time.monotonic() - begun
    return Run(code, (folder / "told").read_text(), ordered(folder / "ledger" / "ledger.db"), took)


def ordered(ledger: Path) -> int:
    """How many tasks money was held for."""
    if not ledger.exists():
        return 0
    connection = sqlite3.connect(ledger)
    try:
        return connection.execute("SELECT count(*) FROM heads").fetchone()[0]
    except sqlite3.OperationalError:  # it had not come to making its tables
        return 0
    finally:
        connection.close()


def film_script(folder: Path) -> str:
    """A film of one shot."""
    path = folder / "film.yaml"
    path.write_text("title: a cat\nshots:\n  - prompt: a cat\n")
    return str(path)


@pytest.mark.parametrize("command", ["create", "film"])
async def test_at_every_moment_nothing_is_sent_or_it_is_told_what_goes_on(command: str, tmp_path: Path) -> None:
    """One that was lost between two steps would be paid for by somebody who had stopped it."""
    words = (command, "a cat" if command == "create" else film_script(tmp_path), "--yes", "--no-wait")
    runs: dict[float, Run] = {}
    async with serving(Simulator(media="clip", run_delay=0.1, run_time=0.1)) as url:
        whole = await stopped(words, url, tmp_path / "whole")
        assert (whole.code, whole.ordered) == (0, 1)
        numbers = iter(range(MOST))

        async def press() -> None:
            """Later and later, until commands are done before it: other work may make them slower meanwhile."""
            for number in numbers:
                after = whole.took * number / MOMENTS
                runs[after] = await stopped(words, url, tmp_path / f"{number}", after=after)
                if sum(one.code == 0 for one in runs.values()) >= ENOUGH:
                    break

        async with anyio.create_task_group() as presses:
            for _ in range(AT_ONCE):
                presses.start_soon(press)

    for after, one in sorted(runs.items()):
        if one.code == 0:
            assert one.ordered == 1, (after, one)
        elif one.ordered:
            assert one.code == 130, (after, one)
            assert any(word in one.told for word in ("Stopped", "QUEUED", "PENDING", "RENDERING")), (after, one)
        # Where it comes in the middle of an import, a library decides how the process ends: by the signal, or with an
        # error of its own. What matters is that it ends, and that nothing was ordered.
        assert ("Nothing was sent" in one.told) <= (one.ordered == 0), (after, one)
    assert {one.ordered for one in runs.values()} == {0, 1}  # some came before the order, some after it
