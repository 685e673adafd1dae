"""DashScope's answers without DashScope's work: what a call costs beyond this, it costs us.

A process of its own, so that its work is not counted as ours. Run as `python -m benchmarks.standin STATUS`.
"""

import asyncio
import json
import subprocess
import sys
import time
import uuid
from collections.abc import Generator
from contextlib import contextmanager

import httpx


class StandIn:
    """Takes every task, and says of each one that it has this status."""

    def __init__(self, status: str) -> None:
        self._status = status
        self._looks = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer on one connection until it is closed."""
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()
                return
            lengths = [line[15:] for line in head.lower().splitlines() if line.startswith(b"content-length:")]
            await reader.readexactly(int(lengths[0]) if lengths else 0)
            body = json.dumps(self._answer(head)).encode()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n")
            writer.write(b"content-length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()

    def _answer(self, head: bytes) -> dict[str, object]:
        if head.startswith(b"GET /looks"):
            return {"looks": self._looks}
        is_creation = head.startswith(b"POST")
        self._looks += not is_creation
        output = {"task_id": str(uuid.uuid4()), "task_status": "PENDING" if is_creation else self._status}
        return {"request_id": str(uuid.uuid4()), "output": output}


async def _main(status: str) -> None:
    server = await asyncio.start_server(StandIn(status).serve, "127.0.0.1", 0)
    sys.stdout.write("http://127.0.0.1:{1}\n".format(*server.sockets[0].getsockname()))
    sys.stdout.flush()
    await server.serve_forever()


@contextmanager
def standing_in(status: str = "FAILED") -> Generator[str]:
    """Serve; its address. A task that has FAILED costs nothing, and its place is free again."""
    command = [sys.executable, "-m", "benchmarks.standin", status]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def looks(url: str) -> int:
    """How often it was asked about a task."""
    return httpx.get(f"{url}/looks", trust_env=False).json()["looks"]


async def round_trip(client: httpx.AsyncClient, url: str) -> float:
    """Seconds that asking it takes, with the client that we use."""
    began = time.perf_counter()
    await client.post(url, json={"model": "wan2.5-t2v-preview", "input": {"prompt": "a cat"}})
    return time.perf_counter() - began


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
