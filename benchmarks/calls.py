"""What a call costs beyond DashScope's own answer, and what its result costs a model: `python -m benchmarks.calls`.

Over stdio, against a stand-in that answers at once. The floors are measured in the same round, at the same pace: an
empty tool on the same SDK, the stand-in asked by the HTTP client that we use, and two commits of SQLite alone, since
a creation is on the disk before it is sent and again before it is answered.
"""

import asyncio
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx

from benchmarks.figures import Figure, at_most, quantile, show, told
from benchmarks.standin import round_trip, standing_in
from benchmarks.stdio import EMPTY, OURS, hosted

PACE = 0.2
"""Twice between two creations: DashScope takes five a second, and we keep to it."""
READS = 20
"""In a row, ours and the empty tool's in turns of so many."""
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
        took: dict[str, list[float]] = {name: [] for name in ("create", "empty", "stand-in", "commit", "get", "wait")}
        client = httpx.AsyncClient(trust_env=False)
        with (
            hosted(OURS, environment) as host,
            hosted(EMPTY, {}) as empty,
            _database(folder) as database,
            closing(asyncio.new_event_loop()) as loop,
        ):
            empty.hello()
            host.hello()
            tools = host.ask("tools/list")["tools"]
            result = host.call("create_video", prompt="the first")[1]
            for number in range(times):
                task_id = result["structuredContent"]["task_id"]
                took["get"] += [host.call("get_video_task", task_id=task_id, wait_seconds=0)[0] for _ in range(READS)]
                took["wait"] += [empty.call("wait")[0] for _ in range(READS)]
                time.sleep(PACE)
                took["empty"].append(empty.call("wait")[0])
                took["stand-in"].append(loop.run_until_complete(round_trip(client, url)))
                time.sleep(PACE)
                took["commit"].append(_commit(database))
                seconds, result = host.call("create_video", prompt=f"{PROMPT} {number}")
                took["create"].append(seconds)
            loop.run_until_complete(client.aclose())
    p50 = {name: statistics.median(values) * 1e3 for name, values in took.items()}
    p95 = (quantile(took["create"], 0.95) * 1e3) - p50["stand-in"]
    floors = f"the SDK's empty tool {p50['empty']:.1f}, SQLite's two commits {2 * p50['commit']:.1f}"
    sizes = [_tokens(part) for part in (result["content"], result["structuredContent"])]
    beyond = p50["create"] - p50["stand-in"]
    films = [tool for tool in tools if "film" in tool["name"] or tool["name"] == "retake"]
    return [
        at_most(
            "`create_video` beyond the answer, p50",
            beyond,
            2,
            " ms",
            f" ({floors}; p95 {p95:.1f})",
        ),
        told("`create_video` beyond these floors, too", f"{beyond - p50['empty'] - 2 * p50['commit']:.1f} ms"),
        at_most("`get_video_task`, p50 in a row", p50["get"], 1, " ms", f" (the SDK's empty tool {p50['wait']:.2f})"),
        told("`get_video_task` beyond the SDK's empty tool", f"{p50['get'] - p50['wait']:.2f} ms"),
        at_most("tool list without films", _tokens([tool for tool in tools if tool not in films]), 1300, " tokens"),
        told("the films' tools", f"{_tokens(films)} tokens"),
        at_most("a typical result", max(sizes), 150, " tokens", f" (text {sizes[0]}, structured {sizes[1]})"),
    ]


def _tokens(shown: object) -> int:
    return -(-len(json.dumps(shown, ensure_ascii=False, separators=(",", ":"))) // 4)


@contextmanager
def _database(folder: str) -> Generator[sqlite3.Connection]:
    """SQLite in the ledger's mode, with nothing of ours around it."""
    database = sqlite3.connect(Path(folder) / "floor.db", isolation_level=None)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("CREATE TABLE entries (body TEXT)")
        yield database
    finally:
        database.close()


def _commit(database: sqlite3.Connection) -> float:
    """Write as much as one version of a task."""
    began = time.perf_counter()
    database.execute("INSERT INTO entries VALUES (?)", (PROMPT * 6,))
    return time.perf_counter() - began


if __name__ == "__main__":
    show(run)
