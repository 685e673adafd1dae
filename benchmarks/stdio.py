"""A host in small: starts a server over stdio, asks, and measures how long the answers take."""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PATIENCE = 60.0
ROOT = Path(__file__).parent.parent
OURS = (sys.executable, "-m", "wan_mcp")
EMPTY = (sys.executable, str(Path(__file__).with_name("empty_server.py")))


class Host:
    """One server under measurement."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.began = time.perf_counter()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**inherited, **environment},
            cwd=ROOT,
        )
        self._answers: queue.Queue[tuple[float, bytes]] = queue.Queue()
        self._count = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._answers.put((time.perf_counter(), line))
        self._answers.put((time.perf_counter(), b""))

    def tell(self, method: str, **params: Any) -> None:
        """Send a notification."""
        self._write({"jsonrpc": "2.0", "method": method, "params": params})

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a request and return its result."""
        return self._timed(method, params)[1]

    def hello(self) -> None:
        """Open the session."""
        client = {"name": "benchmark", "version": "1"}
        self.ask("initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo=client)
        self.tell("notifications/initialized")

    def call(self, tool: str, **arguments: Any) -> tuple[float, dict[str, Any]]:
        """Call a tool; seconds until its answer was here (reading it is the host's own affair), and its result."""
        return self._timed("tools/call", {"name": tool, "arguments": arguments})

    def memory(self) -> float:
        """The peak of its resident memory, MiB (Linux; elsewhere 0)."""
        try:
            status = Path(f"/proc/{self._process.pid}/status").read_text("utf-8")
        except OSError:
            return 0.0
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024

    def _timed(self, method: str, params: Mapping[str, Any]) -> tuple[float, dict[str, Any]]:
        self._count += 1
        began = time.perf_counter()
        self._write({"jsonrpc": "2.0", "id": self._count, "method": method, "params": params})
        while True:
            came, line = self._answers.get(timeout=PATIENCE)
            assert line, "the server ended"
            answer = json.loads(line)
            if answer.get("id") == self._count and "method" not in answer:
                return came - began, answer["result"]

    def _write(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()

    def close(self) -> None:
        """End it as a host does."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._reader.join(10)
        self._process.stdout.close()


@contextmanager
def hosted(command: Sequence[str], environment: Mapping[str, str]) -> Generator[Host]:
    """Start a server, and end it."""
    host = Host(command, environment)
    try:
        yield host
    finally:
        host.close()
