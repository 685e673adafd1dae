"""What stands before every HTTP request: the names it may come by, and the end of it when the server stops."""

import anyio
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wan_mcp.domain.language import say
from wan_mcp.server.door import Names

PROBES = ("/healthz", "/readyz")
"""Asked for by address, whatever name the server has; they tell nothing and do nothing."""


class NamesOnly:
    """Lets in what comes by a name of ours, and from a page that may call."""

    def __init__(self, app: ASGIApp, names: Names) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 421 or 403, or let it in."""
        refusal = self._refusal(scope) if scope["type"] == "http" and scope["path"] not in PROBES else None
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        if not self._names.know_host(headers.get("host")):
            return PlainTextResponse(say("This name is not in WAN_MCP_ALLOWED_HOSTS.") + "\n", status_code=421)
        if not self._names.know_origin(headers.get("origin")):
            return PlainTextResponse(say("This page is not in WAN_MCP_ALLOWED_ORIGINS.") + "\n", status_code=403)
        return None


class OpenRequests:
    """Knows every request that is open, so that none holds the server up when it stops.

    Cancelled in anyio's way: a submission that is shielded still comes to its end, and no traceback is written.
    Uvicorn would wait for them, and `subscriptions/listen` never ends.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._open: set[anyio.CancelScope] = set()
        self._is_closed = False
        self._all_ended = anyio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one, or say that it is too late."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        if self._is_closed:
            return await _STOPPING(scope, receive, send)
        answer = _Answer(send)
        with anyio.CancelScope() as until_we_stop:
            self._open.add(until_we_stop)
            try:
                await self._app(scope, receive, answer.send)
            finally:
                self._open.discard(until_we_stop)
                if not self._open:
                    self._all_ended.set()
        if until_we_stop.cancelled_caught:
            await answer.end(scope, receive)
        return None

    def close(self) -> None:
        """Take no more."""
        self._is_closed = True
        self._all_ended = anyio.Event()
        if not self._open:
            self._all_ended.set()

    async def end(self, *, grace: float) -> None:
        """Let what is about to answer do so for `grace` seconds, then cancel the rest."""
        with anyio.move_on_after(grace):
            await self._all_ended.wait()
        for request in self._open:
            request.cancel()


_STOPPING = PlainTextResponse("wan-mcp is stopping.\n", status_code=503, headers={"Connection": "close"})


class _Answer:
    """How far the answer to one request has come."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._has_begun = False
        self._is_whole = False

    async def send(self, message: Message) -> None:
        self._has_begun = True
        self._is_whole = message["type"] == "http.response.body" and not message.get("more_body", False)
        await self._send(message)

    async def end(self, scope: Scope, receive: Receive) -> None:
        """Bring it to an end that HTTP allows; the client sees a stream that is over, or a 503."""
        if not self._has_begun:
            await _STOPPING(scope, receive, self._send)
        elif not self._is_whole:
            await self._send({"type": "http.response.body", "body": b""})
