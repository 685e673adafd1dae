"""What a benchmark says: one line per thing measured, beside what is to be reached."""

import os
import platform
import sqlite3
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version


@dataclass(frozen=True)
class Figure:
    """One thing measured."""

    what: str
    measured: str
    reach: str = ""
    is_reached: bool | None = None
    """`None` where it is told for information only."""


def at_most(what: str, value: float, limit: float, unit: str, note: str = "") -> Figure:
    """A figure that is to stay below a limit."""
    return Figure(what, f"{value:.4g}{unit}{note}", f"≤ {limit:g}{unit}", value <= limit)


def at_least(what: str, value: float, limit: float, unit: str, note: str = "") -> Figure:
    """A figure that is to stay above a limit."""
    return Figure(what, f"{value:.4g}{unit}{note}", f"≥ {limit:g}{unit}", value >= limit)


def told(what: str, measured: str) -> Figure:
    """A figure for information."""
    return Figure(what, measured)


def quantile(values: Sequence[float], part: float) -> float:
    """The value below which this part of them lies."""
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


def table(figures: Sequence[Figure]) -> str:
    """All of them, as Markdown."""
    rows = [("what", "measured", "reach", "")]
    rows += [(f.what, f.measured, f.reach, {True: "yes", False: "**no**", None: ""}[f.is_reached]) for f in figures]
    rows.insert(1, ("---", "---", "---", "---"))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def machine() -> str:
    """Where and with what it was measured."""
    cores = os.cpu_count()
    libraries = ", ".join(f"{name} {version(name)}" for name in ("wan-mcp", "mcp", "httpx", "pydantic", "anyio"))
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0
    return (
        f"{datetime.now(UTC):%Y-%m-%d}: {platform.system()} {platform.machine()}, {cores} cores, load {load:.1f}; "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {libraries}"
    )


def show(run: Callable[[], Sequence[Figure]]) -> None:
    """Measure and print: what each benchmark does when it is run by itself."""
    sys.stdout.write(f"{machine()}\n\n{table(run())}\n")
