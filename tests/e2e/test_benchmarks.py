"""Every benchmark still runs, with tiny numbers: what they say is for `make bench` on a quiet machine."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from benchmarks import burst, calls, chaos, crowd, download, fairness, finding_out, growth, http_door, start
from benchmarks.figures import Figure, table

TINY: dict[str, Callable[[], Sequence[Figure]]] = {
    "start": lambda: start.run(1),
    "calls": lambda: calls.run(2),
    "finding_out": lambda: finding_out.run(9, turned=2, live=2),
    "crowd": lambda: crowd.run((20,), seconds=1),
    "fairness": lambda: fairness.run(6),
    "burst": lambda: burst.run(6),
    "download": lambda: download.run(1, megabytes=2),
    "http_door": lambda: http_door.run(clients=3, calls=1, rounds=1),
    "chaos": lambda: chaos.run(4, places=2, seed=1),
}


@pytest.mark.parametrize("name", TINY)
def test_a_benchmark_runs_and_says_what_it_measured(name: str) -> None:
    """None of its figures is asserted, but for money: nothing is duplicated and nothing lost."""
    figures = TINY[name]()

    assert table(figures).count("\n") == len(figures) + 1
    assert all(figure.is_reached for figure in figures if figure.what in ("duplicated", "lost"))


def test_growth_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere than over the picture of the last run."""
    monkeypatch.setattr(growth, "FILE", tmp_path / "growth.svg")

    assert growth.run((2, 4), (10, 20), (20, 40), (1, 2), seconds=1)
    assert growth.FILE.read_text("utf-8").startswith("<svg")
