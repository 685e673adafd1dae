"""The simulator's own endpoints, under /_sim: look inside, turn the clock, write mishaps."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .mishaps import KINDS
from .simulator import Simulator
from .tasks import Task

__all__ = ["control_routes"]

KEY = re.compile(r"(sk-|st-).+(.{4})")
MISHAP_FIELDS = ("kind", "on", "times", "accept", "prompt_contains", "task_id")

Control = Callable[[Simulator, dict[str, Any], Request], object]


def control_routes(sim: Simulator) -> list[Route]:
    """The routes of one simulator."""
    return [
        _route(sim, "/_sim/requests", "GET", _requests),
        _route(sim, "/_sim/tasks", "GET", _tasks),
        _route(sim, "/_sim/clock", "GET", _clock),
        _route(sim, "/_sim/clock", "POST", _advance),
        _route(sim, "/_sim/mishaps", "GET", _mishaps),
        _route(sim, "/_sim/mishaps", "POST", _add_mishap),
        _route(sim, "/_sim/mishaps", "DELETE", _strike),
        _route(sim, "/_sim/foreign", "POST", _foreign),
        _route(sim, "/_sim/reset", "POST", _reset),
    ]


def _route(sim: Simulator, path: str, method: str, control: Control) -> Route:
    async def endpoint(request: Request) -> Response:
        try:
            given = await _body(request) if method == "POST" else {}
            return JSONResponse(control(sim, given, request))
        except (ValueError, TypeError) as error:
            return JSONResponse({"error": str(error)}, 400)

    return Route(path, endpoint, methods=[method])


async def _body(request: Request) -> dict[str, Any]:
    if not await request.body():
        return {}
    body = await request.json()
    if not isinstance(body, dict):
        raise ValueError("the body is a JSON object")
    return cast("dict[str, Any]", body)


def _requests(sim: Simulator, given: dict[str, Any], request: Request) -> object:
    return {
        "requests": [
            {
                "at": call.at.isoformat(),
                "request_id": call.request_id,
                "method": call.method,
                "path": call.path,
                "query": call.query,
                # Someone may have tried the simulator with a real key.
                "headers": [(name, KEY.sub(r"\1...\2", value)) for name, value in call.headers],
                "json": call.json,
                "status": call.status,
            }
            for call in sim.requests
        ]
    }


def _tasks(sim: Simulator, given: dict[str, Any], request: Request) -> object:
    return {
        "tasks": [_shown(sim, task) for task in sim.tasks.values()],
        "accepted": dict(Counter(task.order.prompt for task in sim.accepted)),
    }


def _shown(sim: Simulator, task: Task) -> dict[str, Any]:
    times = {"created_at": task.created_at, "started_at": task.started_at, "over_at": task.over_at}
    return {
        "task_id": task.id,
        "status": sim.status(task.id),
        "is_foreign": task.is_foreign,
        **asdict(task.order),
        **{name: at and at.isoformat() for name, at in times.items()},
    }


def _clock(sim: Simulator, given: dict[str, Any], request: Request) -> object:
    return {
        "now": sim.clock.now().isoformat(),
        "advanced": sim.clock.advanced.total_seconds(),
        "speed": sim.clock.speed,
    }


def _advance(sim: Simulator, given: dict[str, Any], request: Request) -> object:
    seconds = given.get("advance")
    if not isinstance(seconds, int | float):
        raise ValueError('say how far: {"advance": seconds}')
    sim.advance(seconds)
    return _clock(sim, given, request)


def _mishaps(sim: Simulator, given: dict[str, Any], request: Request) -> object:
    kinds = {
        name: {"about": kind.about, "on": sorted(kind.on), "options": sorted(kind.options)}
        for name, kind in KINDS.items()
    }
    return {"mishaps": sim.script.shown(), "kinds": kinds}


def _add_mishap(sim: Simulator, given: dict[str, Any], request: Request) -> object:
    if not isinstance(given.get("kind"), str):
        raise ValueError(f"a mishap has a kind, one of {', '.join(KINDS)}")
    return sim.mishap(**given).shown()


def _strike(sim: Simulator, given: dict[str, Any], request: Request) -> object:
    return {"struck": sim.script.clear(request.query_params.get("id"))}


def _foreign(sim: Simulator, given: dict[str, Any], request: Request) -> object:
    made = dict(given)
    if not isinstance(made.get("prompt"), str):
        raise ValueError("a foreign task has a prompt")
    if "created_at" in made:
        made["created_at"] = datetime.fromisoformat(made["created_at"])
    ago = made.pop("seconds_ago", None)
    if ago is not None:
        made["created_at"] = sim.clock.now() - timedelta(seconds=ago)
    return _shown(sim, sim.foreign_task(**made))


def _reset(sim: Simulator, given: dict[str, Any], request: Request) -> object:
    sim.reset()
    return _clock(sim, given, request)
