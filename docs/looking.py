"""Draws `looking.svg`: where the looks at a task lie, by the schedule that the watcher uses.

`.venv/bin/python docs/looking.py` writes it; a test says whether it is in step.
"""

import math
from collections.abc import Iterator
from pathlib import Path

from wan_mcp.domain.looking import EVERY, Lasting, lasting, schedule

FILE = Path(__file__).with_name("looking.svg")
USUAL = 90
LATEST = [USUAL * math.exp(0.15 * deviation) for deviation in (-1.5, -1, -0.7, -0.4, -0.2, 0, 0.2, 0.4, 0.7, 1, 1.5)]
_LEFT, _RIGHT, _WIDTH, _SECONDS = 20, 20, 720, 240
_HEIGHT, _ROW = 110, 150
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#57606a}.title{font-weight:600}.curve{fill:#0969da33;stroke:#0969da}"
    ".axis{stroke:#8c959f}.look{stroke:#cf222e;stroke-width:2}.fixed{stroke:#8c959f;stroke-width:2}"
)


def svg() -> str:
    """The whole picture."""
    rows = [
        ("Before the first video of its kind: the catalogue says 90 s", lasting([], USUAL)),
        ("After videos that took 72 to 113 s", lasting(LATEST, USUAL)),
    ]
    height = _ROW * len(rows) + 50
    total = _LEFT + _WIDTH + _RIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {height}" width="{total}" height="{height}">',
        f"<style>{_STYLE}</style>",
        f'<rect width="{total}" height="{height}" fill="#fff"/>',
        *(part for index, (title, kind) in enumerate(rows) for part in _row(title, kind, index * _ROW)),
        *_ticks(_ROW * len(rows)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _row(title: str, kind: Lasting, top: float) -> Iterator[str]:
    base = top + _ROW - 18
    times = [second * 1.0 for second in range(1, _SECONDS + 1)]
    ends = [kind.goes_on(at - 0.5) - kind.goes_on(at + 0.5) for at in times]
    steepest = max(ends)
    line = " ".join(f"{_x(at)},{base - end / steepest * _HEIGHT:.1f}" for at, end in zip(times, ends, strict=True))
    yield f'<text class="title" x="{_LEFT}" y="{top + 16}">{title}</text>'
    yield f'<polygon class="curve" points="{_x(0)},{base} {line} {_x(_SECONDS)},{base}"/>'
    yield f'<line class="axis" x1="{_x(0)}" y1="{base}" x2="{_x(_SECONDS)}" y2="{base}"/>'
    for look in schedule(kind).looks:
        if look <= _SECONDS:
            yield f'<line class="look" x1="{_x(look)}" y1="{base - 14}" x2="{_x(look)}" y2="{base}"/>'
    for number in range(1, int(_SECONDS / EVERY) + 1):
        yield f'<line class="fixed" x1="{_x(number * EVERY)}" y1="{base}" x2="{_x(number * EVERY)}" y2="{base + 8}"/>'


def _ticks(top: float) -> Iterator[str]:
    for second in range(0, _SECONDS + 1, 30):
        yield f'<text x="{_x(second)}" y="{top + 10}" text-anchor="middle">{second} s</text>'
    yield (
        f'<text x="{_LEFT}" y="{top + 36}">Blue: when such a task ends. Red: our looks. '
        "Grey: asking every 15 seconds, which takes as many.</text>"
    )


def _x(second: float) -> str:
    return f"{_LEFT + second / _SECONDS * _WIDTH:.1f}"


if __name__ == "__main__":
    FILE.write_text(svg(), "utf-8")
