"""The HTTP face of a simulator: which address leads where, and what every request goes through."""

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from . import service, uploads
from .answers import refused, said, spoilt
from .bucket import bucket_refusal, download
from .calls import Call
from .control import control_routes
from .errors import Refusal
from .oss import OssError
from .simulator import Simulator

__all__ = ["build_app"]

ROOT = "/api/v1"
ABOUT = """\
This is a simulator of Alibaba's DashScope video service, not the service itself: no video model runs here
and nothing costs anything. Its API root is {url}api/v1. It keeps its tasks in memory; {note}. It can be made
to fail on purpose, and looked into: see /_sim/mishaps, /_sim/tasks, /_sim/requests and /_sim/clock.
"""

Operation = Callable[[Simulator, Call], dict[str, Any]]


def build_app(sim: Simulator) -> Starlette:
    """The ASGI application of one simulator."""
    return Starlette(
        routes=[
            Route("/", _about(sim)),
            _api(
                sim,
                f"{ROOT}/services/aigc/video-generation/video-synthesis",
                "POST",
                "create",
                service.create,
            ),
            _api(sim, f"{ROOT}/tasks/{{task_id}}/cancel", "POST", "cancel", service.cancel),
            _api(sim, f"{ROOT}/tasks/{{task_id}}", "GET", "query", service.query),
            _api(sim, f"{ROOT}/tasks", "GET", "list", service.list_tasks),
            _api(sim, f"{ROOT}/tasks/", "GET", "list", service.list_tasks),
            _api(sim, f"{ROOT}/uploads", "GET", "policy", uploads.policy),
            Route("/upload-bucket", _upload(sim), methods=["POST"]),
            Route("/bucket/{rest:path}", _download(sim), methods=["GET", "HEAD"]),
            *control_routes(sim),
        ],
        exception_handlers={404: _no_such_address(sim), 405: _no_such_method(sim)},
    )


@dataclass(frozen=True)
class _Noted:
    """An answer that is dated by the simulator's own clock, and whose status goes into the log."""

    answer: ASGIApp
    call: Call

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def noting(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                self.call.answered(message["status"])
                message["headers"] = [*message.get("headers", ()), (b"date", _http_date(self.call.at))]
            await send(message)

        await self.answer(scope, receive, noting)


def _http_date(at: datetime) -> bytes:
    return format_datetime(at.astimezone(UTC), usegmt=True).encode()


def _logged(sim: Simulator, respond: Callable[[Call], Awaitable[ASGIApp]]) -> Callable[..., Any]:
    """An endpoint that remembers each request and how it was answered."""

    async def endpoint(request: Request, *_: Exception) -> ASGIApp:
        call = await Call.of(request, at=sim.clock.now())
        sim.remember(call)
        return _Noted(await respond(call), call)

    return endpoint


def _api(sim: Simulator, path: str, method: str, on: str, operation: Operation) -> Route:
    async def respond(call: Call) -> ASGIApp:
        one = sim.next_mishap(on, call, call.task_id)

        def usual() -> Response:
            return _answered(sim, call, operation)

        if one is None or one.kind == "pass":
            return usual()
        if one.kind == "unknown":
            return said(_with_id(_unknown(call), call), request_id=call.request_id)
        return spoilt(one, usual, request_id=call.request_id)

    route = Route(path, _logged(sim, respond), methods=[method])
    # Starlette lets HEAD in wherever GET is; the service does not know it.
    route.methods = {method}
    return route


def _answered(sim: Simulator, call: Call, operation: Operation) -> Response:
    try:
        service.check_key(sim, call)
        return said(_with_id(operation(sim, call), call), request_id=call.request_id)
    except Refusal as refusal:
        return refused(refusal, request_id=call.request_id)


def _with_id(payload: dict[str, Any], call: Call) -> dict[str, Any]:
    return {"request_id": call.request_id, **payload}


def _unknown(call: Call) -> dict[str, Any]:
    return {"output": {"task_id": call.task_id, "task_status": "UNKNOWN"}}


def _download(sim: Simulator) -> Callable[..., Any]:
    async def respond(call: Call) -> ASGIApp:
        task_id = call.path.rsplit("/", 1)[-1].removesuffix(".mp4")
        return await download(sim, call, sim.next_mishap("download", call, task_id))

    return _logged(sim, respond)


def _upload(sim: Simulator) -> Callable[..., Any]:
    async def respond(call: Call) -> ASGIApp:
        one = sim.next_mishap("upload", call, None)

        def usual() -> Response:
            try:
                return uploads.receive_upload(sim, call)
            except OssError as error:
                return error.answer(call.host)

        if one is None or one.kind == "pass":
            return usual()
        if one.kind in ("refuse", "throttle"):
            return bucket_refusal(one).answer(call.host)
        return spoilt(one, usual, request_id=call.request_id)

    return _logged(sim, respond)


def _about(sim: Simulator) -> Callable[..., Any]:
    async def endpoint(request: Request) -> Response:
        return PlainTextResponse(ABOUT.format(url=request.base_url, note=sim.note))

    return endpoint


def _no_such_address(sim: Simulator) -> Callable[..., Any]:
    async def respond(call: Call) -> ASGIApp:
        return refused(Refusal("NotFound"), request_id=call.request_id)

    return _logged(sim, respond)


def _no_such_method(sim: Simulator) -> Callable[..., Any]:
    async def respond(call: Call) -> ASGIApp:
        words = f"Request method '{call.method}' is not supported."
        return refused(Refusal("InvalidParameter", words), request_id=call.request_id)

    return _logged(sim, respond)
