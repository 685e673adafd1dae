"""How costs grow: `python -m benchmarks.growth` draws `docs/growth.svg`. Ten times as much may cost ten times as much.

Each cost is measured with so many and with ten times as many (of the ledger's rows, a hundred times).
"""

import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio

from benchmarks import burst, crowd, http_door, ledger
from benchmarks.figures import Figure, at_most, show

FILE = Path(__file__).parent.parent / "docs" / "growth.svg"
WIDTH, HEIGHT, COLUMNS = 270, 170, 3
_FLOOR = {"%": 0.3, "ms": 0.3, "MB": 0.5, "s": 0.1}
"""Below it, two measurements differ by chance: so little counts as so much."""
_LINEAR = 1.05
"""What is linear measures as by chance."""
_SMALL_BURSTS = 5
"""Before the large one, and again after it: together they take as long as it does, in which a machine changes."""


@dataclass(frozen=True, kw_only=True)
class Growth:
    """One cost, with few and with many."""

    what: str
    of: str
    """What there are few or many of."""
    unit: str
    few: tuple[int, float]
    many: tuple[int, float]

    @property
    def beside_linear(self) -> float:
        """How much more it grew than what it is a cost of; 1 is linear."""
        floor = _FLOOR[self.unit]
        return max(self.many[1], floor) / max(self.few[1], floor) / (self.many[0] / self.few[0])


def run(
    requests: tuple[int, int] = (20, 200),
    tasks: tuple[int, int] = crowd.COUNTS,
    rows: tuple[int, int] = (1_000, 100_000),
    clients: tuple[int, int] = (10, 100),
    seconds: float = 15.0,
) -> list[Figure]:
    """Measure and draw."""
    growths = [_burst(requests), *_crowd(tasks, seconds), *_ledger(rows), _door(clients)]
    FILE.write_text(svg(growths), "utf-8")
    return [
        at_most(
            f"{growth.many[0] // growth.few[0]}× the {growth.of}: {growth.what}",
            growth.beside_linear,
            _LINEAR,
            "× of linear",
            f" ({growth.few[1]:.2f}, {growth.many[1]:.2f} {growth.unit})",
        )
        for growth in growths
    ]


def _burst(requests: tuple[int, int]) -> Growth:
    few, many = requests
    before = [burst.once(few).work for _ in range(_SMALL_BURSTS)]
    large = burst.once(many).work
    after = [burst.once(few).work for _ in range(_SMALL_BURSTS)]
    small = statistics.mean(before + after)
    return Growth(what="work", of="requests of a burst", unit="s", few=(few, small), many=(many, large))


def _crowd(tasks: tuple[int, int], seconds: float) -> list[Growth]:
    queues = [crowd.measure(count, crowd.RUNNING, seconds) for count in tasks]
    crowds = [crowd.measure(count, count, seconds) for count in tasks]
    empty = crowd.measure(crowd.RUNNING, crowd.RUNNING, seconds)
    few, many = tasks
    parts = [
        ("of a core while they wait", "%", [one.share * 100 for one in queues]),
        ("of a core for a look", "ms", [one.share / max(one.rate, 0.01) * 1000 for one in crowds]),
        ("memory of all", "MB", [(one.resident - empty.resident) / 1000 for one in crowds]),
    ]
    return [
        Growth(what=what, of="open tasks", unit=unit, few=(few, costs[0]), many=(many, costs[1]))
        for what, unit, costs in parts
    ]


def _ledger(rows: tuple[int, int]) -> list[Growth]:
    few, many = (anyio.run(_ledger_times, count) for count in rows)
    return [
        Growth(what=name, of="tasks in the ledger", unit="ms", few=(rows[0], few[name]), many=(rows[1], many[name]))
        for name in ("reserve", "record", "list of 20")
    ]


async def _ledger_times(rows: int) -> dict[str, float]:
    """Median milliseconds of the ledger's verbs."""
    with tempfile.TemporaryDirectory() as folder:
        async with ledger.opened(Path(folder) / "ledger.db") as filled:
            filled.fill(rows)
            took = await ledger.Bench(filled).some()
    return {name: statistics.median(times) for name, times in took.items()}


def _door(clients: tuple[int, int]) -> Growth:
    late = http_door.lateness(clients)
    return Growth(
        what="answered late",
        of="waiting HTTP clients",
        unit="ms",
        few=(clients[0], late[0] * 1000),
        many=(clients[1], late[1] * 1000),
    )


def svg(growths: Sequence[Growth]) -> str:
    """One picture for each: the blue line is measured, the grey one linear."""
    rows = -(-len(growths) // COLUMNS)
    width, height = WIDTH * COLUMNS, HEIGHT * rows + 30
    panels = "".join(
        f'<g transform="translate({number % COLUMNS * WIDTH},{number // COLUMNS * HEIGHT})">{_panel(growth)}</g>'
        for number, growth in enumerate(growths)
    )
    style = "text{font:12px system-ui,sans-serif;fill:#57606a}.what{font-weight:600;fill:#24292f}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f'<rect width="{width}" height="{height}" fill="#fff"/><style>{style}</style>{panels}'
        f'<text x="16" y="{height - 10}">Blue: measured. Grey: what would be in proportion.</text></svg>\n'
    )


def _panel(growth: Growth) -> str:
    left, right, top, bottom = 20, WIDTH - 30, 56, HEIGHT - 24
    (few, low), (many, high) = growth.few, growth.many
    linear = low * many / few
    tallest = max(high, linear, low) or 1.0

    def y(cost: float) -> float:
        return bottom - cost / tallest * (bottom - top)

    start = left + few / many * (right - left)
    return (
        f'<text class="what" x="16" y="22">{growth.what}</text>'
        f'<text x="16" y="38">{growth.of}: {few:,} and {many:,}</text>'
        f'<line stroke="#d0d7de" x1="{left}" y1="{bottom}" x2="{right}" y2="{bottom}"/>'
        f'<line stroke="#8c959f" stroke-dasharray="4" x1="{start:.1f}" y1="{y(low):.1f}" x2="{right}" '
        f'y2="{y(linear):.1f}"/>'
        f'<line stroke="#0969da" stroke-width="2" x1="{start:.1f}" y1="{y(low):.1f}" x2="{right}" y2="{y(high):.1f}"/>'
        f'<text x="{left}" y="{bottom + 15}">{low:.3g} {growth.unit}</text>'
        f'<text x="{right}" y="{bottom + 15}" text-anchor="end">{high:.3g} {growth.unit}</text>'
    )


if __name__ == "__main__":
    show(run)
