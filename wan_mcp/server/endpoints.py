"""The HTTP application: MCP by one of its transports, and three pages for whoever operates it."""

from collections.abc import Awaitable, Callable

import anyio
from mcp.server.auth.settings import AuthSettings
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp

from wan_mcp.domain.errors import WanError
from wan_mcp.domain.language import say
from wan_mcp.server.app import WanServer, build_server
from wan_mcp.server.bearers import SCOPE, Bearers
from wan_mcp.server.callers import caller
from wan_mcp.server.calls import Calls
from wan_mcp.server.door import Door
from wan_mcp.server.metrics import CONTENT_TYPE, exposition
from wan_mcp.server.tools import Service

_CHECKED_BEFORE = TransportSecuritySettings(enable_dns_rebinding_protection=False)
"""By `NamesOnly`, which also knows names in capitals and looks at every page, and not only at MCP's."""
_LARGEST_BODY = 1 << 20
"""A prompt has 1500 characters; nothing that a client sends is longer than a few thousand."""
_MOST_SESSIONS = 1000
"""Of the older era; each holds memory until it has been idle for half an hour."""
_PATIENCE = 5.0
"""Seconds that a probe waits for the ledger."""


def build_app(
    service: Service, door: Door, *, bearers: Bearers | None, resource: str, is_public: bool, calls: Calls
) -> tuple[ASGIApp, WanServer]:
    """Build it, and the server behind it; `resource` is the URL of the endpoint as clients know it. Without `bearers`
    nobody is asked. `calls` learns of each that is open.
    """
    auth = _auth(bearers, resource) if bearers else None
    server = build_server(service, token_verifier=bearers, auth=auth, middleware=[calls])
    guard = bearers if is_public else None
    for path, page in (("/healthz", _healthz), ("/readyz", _readyz(service)), ("/metrics", _metrics(service, guard))):
        server.custom_route(path, methods=["GET"])(page)
    return _transport(server, door), server


def _transport(server: WanServer, door: Door) -> Starlette:
    """Never `json_response`: it drops progress and cancellation. Names are checked before any of this."""
    match door.transport:
        case "streamable-http":
            return server.streamable_http_app(
                streamable_http_path=door.path,
                host=door.host,
                transport_security=_CHECKED_BEFORE,
                max_request_body_size=_LARGEST_BODY,
                max_sessions=_MOST_SESSIONS,
            )
        case "sse":
            return server.sse_app(
                sse_path=door.path,
                host=door.host,
                transport_security=_CHECKED_BEFORE,
                max_request_body_size=_LARGEST_BODY,
            )


def _auth(bearers: Bearers, resource: str) -> AuthSettings:
    """Without an issuer there is no metadata to serve: a token is handed over by a person."""
    issuer = bearers.issuer
    return AuthSettings.model_validate(
        {
            "issuer_url": issuer.url if issuer else resource,
            "resource_server_url": resource if issuer else None,
            "required_scopes": [SCOPE],
            "validate_token_resource": False,  # `Issuer` checks the audience itself
        }
    )


Page = Callable[[Request], Awaitable[Response]]


async def _healthz(_request: Request) -> Response:
    return PlainTextResponse("alive\n")


def _readyz(service: Service) -> Page:
    async def readyz(_request: Request) -> Response:
        try:
            with anyio.fail_after(_PATIENCE):
                await (await service()).try_to_write()
        except (WanError, TimeoutError) as error:  # the log says more; here anybody may ask
            return PlainTextResponse(f"not ready: {type(error).__name__}\n", status_code=503)
        return PlainTextResponse("ready\n")

    return readyz


def _metrics(service: Service, guard: Bearers | None) -> Page:
    """What all callers spend together is for who operates this: beyond loopback, a token must say so."""

    async def metrics(request: Request) -> Response:
        if guard is not None and not request.user.is_authenticated:
            return PlainTextResponse(
                say("A token is needed.") + "\n", status_code=401, headers={"WWW-Authenticate": "Bearer"}
            )
        if guard is not None and not guard.may_measure(caller()):
            return PlainTextResponse(say("This token has no `metrics = true`.") + "\n", status_code=403)
        try:
            figures = await (await service()).figures()
        except WanError:
            figures = None
        return Response(exposition(figures), headers={"Content-Type": CONTENT_TYPE})

    return metrics
