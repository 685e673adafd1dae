"""What a call costs beyond DashScope's own answer, and what its result costs a model: `python -m benchmarks.calls`.

Over stdio, against a stand-in that answers at once. A creation writes two entries to the ledger, each of them on
the disk (fsync) before the next step; what the disk takes for two such writes is told beside it.
"""

import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, at_most, quantile, show, told
from benchmarks.standin import round_trips, standing_in
from benchmarks.stdio import OURS, hosted

PACE = 0.35
"""Seconds between two creations: DashScope takes five a second, and we keep to it."""
READS = 3
PROMPT = "A kitten runs through the moonlight, its paws stirring up small clouds of silver dust as it goes."


def run(times: int = 40) -> list[Figure]:
    """Measure."""
    with tempfile.TemporaryDirectory() as folder, standing_in() as url:
        environment = {
            "DASHSCOPE_API_KEY": "sk-0123456789abcdef0123456789abcdef",
            "DASHSCOPE_HTTP_BASE_URL": f"{url}/api/v1",
            "WAN_MCP_LEDGER": f"{folder}/ledger.db",
            "WAN_MCP_OUTPUT_DIR": folder,
            "WAN_MCP_POLL_INTERVAL": "0.25",
            "WAN_MCP_BUDGET_PER_DAY": "none",
        }
        stand_in = statistics.median(round_trips(url, times))
        creations, reads, result = list[float](), list[float](), dict[str, Any]()
        with hosted(OURS, environment) as host:
            host.hello()
            tools = host.ask("tools/list")
            host.call("create_video", prompt="the first")
            for number in range(times):
                time.sleep(PACE)
                seconds, result = host.call("create_video", prompt=f"{PROMPT} {number}")
                creations.append(seconds)
                task_id = result["structuredContent"]["task_id"]
                reads += [host.call("get_video_task", task_id=task_id, wait_seconds=0)[0] for _ in range(READS)]
        disk = statistics.median(_write(Path(folder) / "disk") for _ in range(times))
    created, read = (statistics.median(values) for values in (creations, reads))
    sizes = [_tokens(part) for part in (result["content"], result["structuredContent"])]
    note = f" (p95 {(quantile(creations, 0.95) - stand_in) * 1e3:.1f}; stand-in {stand_in * 1e3:.1f}, one fsync "
    return [
        at_most(
            "`create_video` beyond the answer, p50", (created - stand_in) * 1e3, 2, " ms", f"{note}{disk * 1e3:.2f})"
        ),
        at_most("`get_video_task`, p50", read * 1e3, 1, " ms", f" (p95 {quantile(reads, 0.95) * 1e3:.1f})"),
        at_most("tool list", _tokens(tools["tools"]), 1300, " tokens"),
        at_most("a typical result", max(sizes), 150, " tokens", f" (text {sizes[0]}, structured {sizes[1]})"),
        told("tools", str(len(tools["tools"]))),
    ]


def _tokens(shown: object) -> int:
    return -(-len(json.dumps(shown, ensure_ascii=False, separators=(",", ":"))) // 4)


def _write(path: Path) -> float:
    """What the disk itself takes to keep one page."""
    began = time.perf_counter()
    with path.open("ab") as file:
        file.write(bytes(4096))
        file.flush()
        os.fsync(file.fileno())
    return time.perf_counter() - began


if __name__ == "__main__":
    show(run)
