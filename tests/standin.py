"""A server on a real socket that gives written answers: for what the simulator is too well-behaved to say."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class StandIn:
    """Where it listens, and what it was asked: request lines and headers, as they came."""

    answers: list[bytes]
    drip: float | None = None
    """Seconds between two bytes of an answer; `None` sends it at once."""
    url: str = ""
    requests: list[str] = field(default_factory=list[str])
    callers: list[asyncio.StreamWriter] = field(default_factory=list[asyncio.StreamWriter])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one request, give the next answer (the last one for ever), and hang up."""
        self.callers.append(writer)
        # Some callers leave in the middle, which is what their tests are about.
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            lengths = [line[15:] for line in head.lower().splitlines() if line.startswith(b"content-length:")]
            body = await reader.readexactly(int(lengths[0]) if lengths else 0)
            self.requests.append((head + body).decode())
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            for piece in [answer] if self.drip is None else [bytes([byte]) for byte in answer]:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(self.drip or 0)
        writer.close()


def saying(payload: object, status: int = 200, **headers: str) -> bytes:
    """An HTTP answer; bytes are sent as they are, anything else as JSON."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    named = {"content-type": "application/json", "content-length": str(len(body)), "connection": "close"}
    for name, value in headers.items():
        named[name.replace("_", "-")] = value
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in named.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


@asynccontextmanager
async def standing_in(*answers: bytes, drip: float | None = None) -> AsyncGenerator[StandIn]:
    """Serve these answers, in turn."""
    stand_in = StandIn(list(answers), drip)
    server = await asyncio.start_server(stand_in.serve, "127.0.0.1", 0, limit=1 << 20)
    stand_in.url = "http://127.0.0.1:{1}".format(*server.sockets[0].getsockname())
    async with server:
        yield stand_in
        for caller in stand_in.callers:
            caller.transport.abort()
        await asyncio.sleep(0)  # a transport closes its socket in the loop's next round
