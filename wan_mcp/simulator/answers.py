"""What goes back over the wire: JSON as the service writes it, and every way of not writing it.

An answer is an ASGI application, so that a mishap can also break the connection it is sent on.
"""

import json
import socket
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import anyio
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from .errors import Refusal, looked_up
from .mishaps import Mishap

__all__ = ["Broken", "Delayed", "Streamed", "gone", "refused", "said", "spoilt"]

PAGE = "<html>\n<head><title>{0}</title></head>\n<body>\n<center><h1>{0}</h1></center>\n</body>\n</html>\n"
PHRASES = {502: "502 Bad Gateway", 503: "503 Service Temporarily Unavailable", 504: "504 Gateway Time-out"}
GARBAGE = b"\x1f\x8b\x00\xff\xfe upstream: 0x7f \x00\x01 {]"
CHUNK = 64 * 1024
LINGER = struct.pack("HH" if sys.platform == "win32" else "ii", 1, 0)


def said(payload: dict[str, Any], *, request_id: str, status: int = 200) -> Response:
    """A JSON answer; its request id stands in the header too."""
    return JSONResponse(payload, status_code=status, headers={"x-request-id": request_id})


def refused(refusal: Refusal, *, request_id: str) -> Response:
    """An error as the native API words it."""
    body = {"code": refusal.code, "message": refusal.message, "request_id": request_id}
    return said(body, status=refusal.status, request_id=request_id)


async def gone(receive: Receive) -> None:
    """Wait until the caller has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _cut(scope: Scope, *, reset: bool) -> None:
    """End the connection: by a reset, or decently once everything written is sent."""
    transport = scope.get("state", {}).get("transport")
    if transport is None:
        raise ConnectionResetError("the simulator drops this request; there is no connection to drop")
    if reset:
        # Without lingering the kernel sends a reset, not the end of a stream.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
        transport.abort()
    else:
        transport.close()


@dataclass(frozen=True)
class Broken:
    """No answer at all: at once, after some real seconds, or until the caller leaves."""

    after: float | None = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait, and drop the connection if the caller is still there."""
        with anyio.move_on_after(self.after):
            await gone(receive)
            return
        _cut(scope, reset=True)
        await gone(receive)


@dataclass(frozen=True)
class Delayed:
    """Another answer, some real seconds late."""

    answer: ASGIApp
    after: float

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait, and answer if the caller is still there."""
        with anyio.move_on_after(self.after):
            await gone(receive)
            return
        await self.answer(scope, receive, send)


@dataclass(frozen=True, kw_only=True)
class Streamed:
    """A body that may come slowly, or stop before its promised end."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    bytes_per_second: float | None = None
    stops_at: int | None = None
    """After so many bytes the connection ends..."""
    reset: bool = False
    """...by a reset instead of a decent close."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Promise the whole body, and send what is to be sent."""
        headers = {"content-length": str(len(self.body)), **self.headers}
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": raw})
        end = len(self.body) if self.stops_at is None else min(self.stops_at, len(self.body))
        if not await self._send(self.body[:end], receive, send):
            return
        if self.stops_at is None:
            await send({"type": "http.response.body", "body": b""})
        else:
            _cut(scope, reset=self.reset)
            await gone(receive)

    async def _send(self, body: bytes, receive: Receive, send: Send) -> bool:
        """Send in chunks, at the wished pace; False when the caller has left meanwhile."""
        pace = self.bytes_per_second
        # Ten chunks a second are smooth enough to watch and few enough to cost nothing.
        size = CHUNK if pace is None else max(1, int(pace / 10))
        for at in range(0, len(body), size):
            await send({"type": "http.response.body", "body": body[at : at + size], "more_body": True})
            if pace is not None:
                with anyio.move_on_after(size / pace):
                    await gone(receive)
                    return False
        return True


def spoilt(one: Mishap, usual: Callable[[], Response], *, request_id: str) -> ASGIApp:
    """What a mishap makes of an API answer. `usual` does the work, so it is called only when
    the request is to have its effect; its answer may then be thrown away.
    """
    if one.kind == "delay":
        return Delayed(usual(), one.number("seconds") or 0)
    done = usual() if one.accept else None
    match one.kind:
        case "refuse" | "throttle":
            return _refusal(one, request_id)
        case "hang":
            return _hung(one, done)
        case "drop":
            return Broken()
        case "garbage":
            return Response(GARBAGE, int(one.number("status", 200) or 200), media_type="application/json")
        case "html":
            status = int(one.number("status", 502) or 502)
            return HTMLResponse(PAGE.format(PHRASES.get(status, str(status))), status)
        case "empty":
            return Response(b"{}", int(one.number("status", 200) or 200), media_type="application/json")
        case _:
            return _half(done, request_id)


def _refusal(one: Mishap, request_id: str) -> Response:
    default = "Throttling.RateQuota" if one.kind == "throttle" else "InternalError"
    code = one.text("code", default)
    status = one.number("status")
    row = looked_up(code)
    usual = 429 if one.kind == "throttle" else row.status
    refusal = Refusal(code, one.text("message", row.message), status=int(status) if status else usual)
    answer = refused(refusal, request_id=request_id)
    retry_after = one.number("retry_after")
    if retry_after is not None:
        answer.headers["retry-after"] = f"{retry_after:g}"
    return answer


def _hung(one: Mishap, done: ASGIApp | None) -> ASGIApp:
    seconds = one.number("seconds")
    if seconds is None or done is None:
        return Broken(seconds)
    return Delayed(done, seconds)


def _half(done: Response | None, request_id: str) -> Response:
    whole = {"request_id": request_id, "output": {"task_status": "PENDING", "task_id": request_id}}
    body = bytes(done.body) if done is not None else json.dumps(whole, separators=(",", ":")).encode()
    return Response(body[: len(body) // 2], media_type="application/json", headers={"x-request-id": request_id})
