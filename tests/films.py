"""Films in whatever state, as a caller would order them and a ledger would hold them."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.tasks import T0
from wan_mcp.domain.catalogue import WAN25_T2V
from wan_mcp.domain.film import Film
from wan_mcp.domain.money import Money
from wan_mcp.domain.request import Limits
from wan_mcp.domain.script import Script, parse_script, script_arguments
from wan_mcp.domain.task import Problem, Status, VideoTask

FOX: dict[str, Any] = {
    "title": "The fox",
    "style": "Shot on 16 mm film.",
    "shots": [
        {"prompt": "A fox wakes in the snow."},
        {"prompt": "The fox runs.", "duration": 10, "seed": 7},
        {"prompt": "The fox sleeps."},
    ],
}
"""The arguments of a small film."""

FILTERED = Problem(code="DataInspectionFailed", message="Output data may contain inappropriate content.")
PASSING = Problem(code="InternalError", message="Something went wrong.")


def a_script(limits: Limits | None = None, /, **changes: Any) -> Script:
    """A script that the catalogue accepts."""
    return parse_script(script_arguments(FOX | changes), WAN25_T2V, limits or Limits())


def shots(count: int) -> list[dict[str, Any]]:
    """So many shots, each with a prompt of its own."""
    return [{"prompt": f"shot number {number}"} for number in range(1, count + 1)]


def a_film(script: Script | None = None, *, at: datetime = T0, **facts: Any) -> Film:
    """A film of an account in Beijing."""
    usual: dict[str, Any] = {
        "id": "film_0123456789abcdefghijkl",
        "account": "dashscope.aliyuncs.com",
        "script": script or a_script(),
        "unit_price": Money(Decimal("0.6"), "CNY"),
        "name": "2026-11-23 The fox 012345",
        "asked_at": at,
        "since": at,
    }
    return Film(**usual | facts)


def takes(film: Film, *, at: datetime | None = None) -> list[VideoTask]:
    """The first take of each shot, QUEUED."""
    return [
        film.take(number, id=f"vid_{film.id}{number:02}", at=at or film.asked_at)
        for number in range(1, len(film.script.shots) + 1)
    ]


def brought_to(task: VideoTask, *statuses: Status, at: datetime = T0, **facts: Any) -> VideoTask:
    """A task taken by steps of the table; `facts` come with the last."""
    for status in statuses[:-1]:
        task = task.to(status, at)
    return task.to(statuses[-1], at, **facts)


def saved(task: VideoTask) -> VideoTask:
    """A take whose video is at home."""
    url = "https://bucket.oss-cn-beijing.aliyuncs.com/v.mp4"
    done = brought_to(task, Status.SUBMITTING, Status.PENDING, Status.SUCCEEDED, video_url=url)
    return done.to(Status.SUCCEEDED, T0, file=f"/videos/{task.id}.mp4")


def failed(task: VideoTask, problem: Problem = FILTERED) -> VideoTask:
    """A take that brought nothing."""
    return brought_to(task, Status.SUBMITTING, Status.PENDING, Status.FAILED, problem=problem)
