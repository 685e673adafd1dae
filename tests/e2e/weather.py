"""Bad weather: a share of the simulator's answers, drawn by chance, is lost, late, cut off or refused."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from wan_mcp.simulator import Simulator

Mishap = Mapping[str, Any]
ANSWERS = 1000
"""To each sort of request, until the sky is clear."""

LOST_ANSWERS: Sequence[Mishap] = (
    {"kind": "drop"},
    {"kind": "hang", "seconds": 0.3},
    {"kind": "html", "status": 502},
    {"kind": "refuse", "code": "InternalError", "status": 500},
    {"kind": "half"},
    {"kind": "garbage"},
    {"kind": "empty"},
)
LATE: Mishap = {"kind": "delay", "seconds": 0.2}
THROTTLED: Mishap = {"kind": "throttle", "retry_after": 1}
BAD_DOWNLOADS: Sequence[Mishap] = (
    {"kind": "truncate", "keep": 0.4},
    {"kind": "reset", "keep": 0.7},
    {"kind": "xml_200"},
    {"kind": "tiny"},
    {"kind": "drop"},
    {"kind": "slow", "bytes_per_second": 300_000},
)


def bad_weather(simulator: Simulator, chance: Random, *, lost_submissions: float) -> None:
    """Let it begin. `lost_submissions` is the share of creations whose answer is lost; half of them arrived."""
    lost = [*LOST_ANSWERS, *({**mishap, "accept": True} for mishap in LOST_ANSWERS)]
    _scatter(simulator, chance, "create", (lost_submissions, lost), (0.3, [LATE]), (0.05, [THROTTLED]))
    _scatter(simulator, chance, "query", (0.1, [*LOST_ANSWERS, LATE, THROTTLED]))
    _scatter(simulator, chance, "list", (0.2, [*LOST_ANSWERS, THROTTLED]))
    _scatter(simulator, chance, "cancel", (0.3, lost))
    _scatter(simulator, chance, "download", (0.3, BAD_DOWNLOADS))
    simulator.mishap(on="create", kind="fail", times=None, prompt_contains="doomed")
    simulator.mishap(on="create", kind="list_lag", times=None, prompt_contains="lagging", seconds=120)


def _scatter(simulator: Simulator, chance: Random, on: Any, *sorts: tuple[float, Sequence[Mishap]]) -> None:
    """Write mishaps into the script, each sort for its share of the answers, with good answers between them."""
    shares = [share for share, _ in sorts]
    good = 0
    for _ in range(ANSWERS):
        sort = chance.choices([*(mishaps for _, mishaps in sorts), None], [*shares, 1 - sum(shares)])[0]
        if sort is None:
            good += 1
            continue
        if good:
            simulator.mishap(on=on, kind="pass", times=good)
        good = 0
        simulator.mishap(on=on, **chance.choice(sort))
