"""Start-up and memory beside an empty server on the same SDK: `python -m benchmarks.start`.

From the start of the process to the answer to `tools/list`, as a host does it; the two take turns, so that both
see the same machine. Ours has the pause of the garbage collector counted in, which the empty one does not have.
"""

import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence

from benchmarks.figures import Figure, at_most, show
from benchmarks.stdio import EMPTY, OURS, hosted


def run(times: int = 15) -> list[Figure]:
    """Measure."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {"WAN_MCP_LEDGER": f"{folder}/ledger.db", "WAN_MCP_OUTPUT_DIR": folder}
        for command in (OURS, EMPTY):
            _once(command, environment)
        rounds = [(_once(OURS, environment), _once(EMPTY, environment)) for _ in range(times)]
    ours, empty = ([pair[side] for pair in rounds] for side in (0, 1))
    start, empty_start = (statistics.median(seconds for seconds, _ in runs) for runs in (ours, empty))
    memory, empty_memory = (statistics.median(mebibytes for _, mebibytes in runs) for runs in (ours, empty))
    paired = statistics.median(one / other for (one, _), (other, _) in rounds)
    return [
        at_most("start to `tools/list`", paired, 0.95, "×", f" ({start * 1e3:.0f} of {empty_start * 1e3:.0f} ms)"),
        at_most(
            "memory after `tools/list`",
            memory / max(empty_memory, 1),
            1.10,
            "×",
            f" ({memory:.1f} of {empty_memory:.1f} MiB)",
        ),
    ]


def _once(command: Sequence[str], environment: Mapping[str, str]) -> tuple[float, float]:
    with hosted(command, environment) as host:
        host.hello()
        host.ask("tools/list")
        return time.perf_counter() - host.began, host.memory()


if __name__ == "__main__":
    show(run)
