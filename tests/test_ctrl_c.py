"""Ctrl-C: whenever it comes, it is not forgotten, and what was not begun is not begun."""

import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.commands import environment
from wan_mcp.cli.session import run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are of the Unixes")


def press() -> None:
    """Press Ctrl-C, as far as this process can tell."""
    signal.raise_signal(signal.SIGINT)


def test_one_that_comes_after_the_last_rest_of_the_work_ends_the_command() -> None:
    """The work can no longer be cancelled, but what would follow it spends."""

    async def work() -> str:
        await anyio.lowlevel.checkpoint()
        press()
        return "the price"

    with pytest.raises(KeyboardInterrupt):
        run(work)


def test_one_that_comes_before_the_event_loop_ends_the_work_at_its_first_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Making an event loop takes its time, too."""
    in_an_event_loop, has_rested = anyio.run, False

    def late(work: Callable[..., Awaitable[Any]], *given: object) -> Any:
        press()
        return in_an_event_loop(work, *given)

    async def work() -> None:
        nonlocal has_rested
        await anyio.lowlevel.checkpoint()
        has_rested = True

    monkeypatch.setattr(anyio, "run", late)
    with pytest.raises(KeyboardInterrupt):
        run(work)

    assert not has_rested


def test_one_that_comes_after_the_event_loop_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor before the command listens as it did."""
    in_an_event_loop = anyio.run

    def early(work: Callable[..., Awaitable[Any]], *given: object) -> Any:
        results = in_an_event_loop(work, *given)
        press()
        return results

    monkeypatch.setattr(anyio, "run", early)
    with pytest.raises(KeyboardInterrupt):
        run(anyio.lowlevel.checkpoint)


def test_a_second_one_ends_even_what_the_first_waits_for() -> None:
    """Whoever insists gets the prompt back; the ledger knows what was on its way."""

    async def work() -> None:
        with anyio.CancelScope(shield=True):
            press()
            await anyio.lowlevel.checkpoint()
            press()
            await anyio.sleep_forever()

    with pytest.raises(KeyboardInterrupt):
        run(work)


def test_afterwards_it_does_what_it_did_before() -> None:
    """The same for SIGTERM."""
    former = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    run(anyio.lowlevel.checkpoint)

    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == former


_DROPPED = """
import signal
import sys
import wan_mcp.settings
from wan_mcp.cli import main

class Finalized:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

def language():
    Finalized()
    return "en"

wan_mcp.settings.language = language
main()
"""


def test_one_that_python_drops_keeps_an_order_from_being_sent(tmp_path: Path) -> None:
    """KeyboardInterrupt in a finalizer, or in a callback of an import's, is written to stderr and no more."""
    env = {**os.environ, **environment("http://127.0.0.1:1", tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-c", _DROPPED, "create", "a cat", "--yes"], env=env, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip

    assert ended.returncode == 130, ended.stderr
    assert "Exception ignored in" in ended.stderr
    assert ended.stderr.endswith("Nothing was sent. No money moved.\n")
    assert not (tmp_path / "ledger").exists()


_TOO_LATE = """
import atexit
import signal
from wan_mcp.cli import main

atexit.register(signal.raise_signal, signal.SIGINT)
main()
"""


def test_one_that_comes_after_the_end_leaves_the_exit_code_as_it_is() -> None:
    """A script asks for it; Python would end by the signal."""
    ended = subprocess.run(
        [sys.executable, "-c", _TOO_LATE, "--version"], capture_output=True, text=True, timeout=60, check=False
    )

    assert (ended.returncode, ended.stderr) == (0, "")
