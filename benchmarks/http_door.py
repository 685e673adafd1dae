"""The HTTP door under a hundred clients that wait: `python -m benchmarks.http_door`.

Each of a hundred clients holds a call that waits a second for a task that does not end, and then calls again. An
empty tool on the same SDK that sleeps a second does the same; the two take turns. Both are driven by one small
client that reads answers as they come.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import anyio
import httpx

from benchmarks.figures import Figure, at_least, quantile, show, told
from benchmarks.standin import standing_in
from benchmarks.stdio import EMPTY, OURS, ROOT
from benchmarks.turned import KEY

VERSION = "2026-07-28"
WAIT = 1


def run(clients: int = 100, calls: int = 4, rounds: int = 2) -> list[Figure]:
    """Measure."""
    ours, empty = list[tuple[float, float]](), list[tuple[float, float]]()
    other = _free_port()
    with (
        tempfile.TemporaryDirectory() as folder,
        _ours(folder) as (url, waiting),
        _served((*EMPTY, str(other)), {}, other) as empty_url,
    ):
        for _ in range(rounds):
            ours.append(anyio.run(_load, url, "get_video_task", waiting, clients, calls))
            empty.append(anyio.run(_load, empty_url, "wait", {"seconds": WAIT}, clients, calls))
    rate, p99 = (statistics.median(part) for part in zip(*ours, strict=True))
    empty_rate, empty_p99 = (statistics.median(part) for part in zip(*empty, strict=True))
    return [
        at_least(
            f"{clients} waiting clients: calls a second",
            rate / empty_rate,
            0.9,
            "×",
            f" ({rate:.0f} of {empty_rate:.0f})",
        ),
        at_least(
            f"{clients} waiting clients: p99", empty_p99 / p99, 0.9, "×", f" ({p99:.2f}, empty {empty_p99:.2f} s)"
        ),
        told("each call waits", f"{WAIT} s"),
    ]


def lateness(clients: Sequence[int]) -> list[float]:
    """By how many seconds the 99th percentile of what waits a second comes later than that, for so many clients."""
    with tempfile.TemporaryDirectory() as folder, _ours(folder) as (url, waiting):
        return [anyio.run(_load, url, "get_video_task", waiting, count, 3)[1] - WAIT for count in clients]


@contextmanager
def _ours(folder: str) -> Generator[tuple[str, dict[str, Any]]]:
    """Our server, and a call that waits there."""
    with standing_in("RUNNING") as dashscope:
        environment = {
            "DASHSCOPE_API_KEY": KEY,
            "DASHSCOPE_HTTP_BASE_URL": f"{dashscope}/api/v1",
            "WAN_MCP_LEDGER": f"{folder}/ledger.db",
            "WAN_MCP_OUTPUT_DIR": folder,
        }
        port = _free_port()
        with _served((*OURS, "serve", "--transport", "streamable-http", "--port", str(port)), environment, port) as url:
            created = anyio.run(_call, url, "create_video", {"prompt": "a cat"})
            yield url, {"task_id": created["structuredContent"]["task_id"], "wait_seconds": WAIT}


async def _load(url: str, tool: str, arguments: Mapping[str, Any], clients: int, calls: int) -> tuple[float, float]:
    """Calls a second, and the 99th percentile of what one took."""
    took = list[float]()

    async def one() -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
            for _ in range(calls):
                began = time.perf_counter()
                await _ask(http, url, tool, arguments)
                took.append(time.perf_counter() - began)

    began = time.perf_counter()
    async with anyio.create_task_group() as all_of_them:
        for _ in range(clients):
            all_of_them.start_soon(one)
    return len(took) / (time.perf_counter() - began), quantile(took, 0.99)


async def _call(url: str, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        return await _ask(http, url, tool, arguments)


async def _ask(http: httpx.AsyncClient, url: str, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    space = "io.modelcontextprotocol"
    meta = {
        f"{space}/protocolVersion": VERSION,
        f"{space}/clientCapabilities": {},
        f"{space}/clientInfo": {"name": "benchmark", "version": "1"},
    }
    params = {"name": tool, "arguments": arguments, "_meta": meta}
    headers = {
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": VERSION,
        "Mcp-Method": "tools/call",
        "Mcp-Name": tool,
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    answer = await http.post(f"{url}/mcp", headers=headers, json=body)
    answer.raise_for_status()
    lines = [line[5:] for line in answer.text.splitlines() if line.startswith("data:")] or [answer.text]
    return json.loads(lines[-1])["result"]


@contextmanager
def _served(command: Sequence[str], environment: Mapping[str, str], port: int) -> Generator[str]:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    with subprocess.Popen(
        command, env={**inherited, **environment}, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            _until_it_listens(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


def _until_it_listens(port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    sys.exit(f"nobody listens on port {port}")


if __name__ == "__main__":
    show(run)
