"""How costs grow: `python -m benchmarks.growth` draws `growth.svg`. Ten times as much may cost ten times as much."""

import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import burst
from benchmarks.figures import Figure, at_most, show

FILE = Path(__file__).with_name("growth.svg")
WIDTH, HEIGHT = 640, 260


def run(small: int = 20, large: int = 200) -> list[Figure]:
    """Measure at one and ten times, and draw both."""
    points = [(count, _seconds(count)) for count in (small, large)]
    (few, cheap), (many, dear) = points
    FILE.write_text(_svg(points), "utf-8")
    return [
        at_most(
            f"{many // few}× the requests of a burst: work",
            dear / cheap / (many / few),
            1,
            "× of linear",
            f" ({cheap:.1f} s, {dear:.1f} s)",
        )
    ]


def _seconds(requests: int) -> float:
    began = time.process_time()
    burst.run(requests)
    return time.process_time() - began


def _svg(points: Sequence[tuple[int, float]]) -> str:
    most, dearest = max(count for count, _ in points), max(cost for _, cost in points)
    shown = [
        (60 + count / most * (WIDTH - 100), HEIGHT - 40 - cost / dearest * (HEIGHT - 80)) for count, cost in points
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in [(60, HEIGHT - 40), *shown])
    labels = "".join(
        f'<text x="{x:.1f}" y="{y - 8:.1f}" text-anchor="end">{count}: {cost:.1f} s</text>'
        for (x, y), (count, cost) in zip(shown, points, strict=True)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/><style>text{{font:13px system-ui,sans-serif}}</style>'
        f'<text x="20" y="20">Processor seconds for a burst of so many requests, to their end</text>'
        f'<polyline fill="none" stroke="#0969da" stroke-width="2" points="{line}"/>'
        f'<line stroke="#8c959f" stroke-dasharray="4" x1="60" y1="{HEIGHT - 40}" x2="{WIDTH - 40}" y2="40"/>'
        f"{labels}</svg>\n"
    )


if __name__ == "__main__":
    show(run)
