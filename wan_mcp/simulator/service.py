"""The four calls about tasks: create, query, cancel, list.

Source: help.aliyun.com/zh/model-studio/legacy-wan-text-to-video-api-reference and
/manage-asynchronous-tasks.
"""

from datetime import datetime, timedelta
from math import ceil
from typing import Any

from .bucket import link
from .calls import Call
from .checks import Asked, asked, fault, order
from .clock import BEIJING, wall
from .errors import CANCEL_REFUSED, Refusal
from .models import MODELS, tier_of
from .simulator import Simulator
from .tasks import Status, Task
from .uploads import upload_fault

__all__ = ["cancel", "check_key", "create", "list_tasks", "query"]

DAY = timedelta(days=1)
PLAN_KEY = "sk-sp-"
GOOD_KEYS = ("sk-", "st-")
OWNER = "1000000000000001"


def check_key(sim: Simulator, call: Call) -> None:
    """Let in who has a key; keys of a subscription plan belong to another host."""
    given = call.header("authorization")
    if given is None:
        raise Refusal("InvalidApiKey", "No API-key provided.")
    scheme, _, key = given.partition(" ")
    known = sim.settings.api_keys
    is_good = key.startswith(GOOD_KEYS) and not key.startswith(PLAN_KEY) if known is None else key in known
    if scheme.lower() != "bearer" or not is_good:
        raise Refusal("InvalidApiKey")


def create(sim: Simulator, call: Call) -> dict[str, Any]:
    """Make a task. Only what the gateway itself sees is refused here; the rest fails in the task."""
    if call.header("x-dashscope-async") != "enable":
        raise Refusal("AccessDenied", "current user api does not support synchronous calls.")
    what = asked(call)
    sim.let_in_submission(what.model)
    _check_resolve_header(what, call)
    found = fault(what) or upload_fault(sim, what)
    if found is not None and sim.settings.validation == "strict":
        raise found
    made = order(what, seed=sim.some_seed())
    task = sim.accept(made, request_id=call.request_id, fault=found)
    return {"output": {"task_status": Status.PENDING, "task_id": task.id}}


def query(sim: Simulator, call: Call) -> dict[str, Any]:
    """Tell how a task is doing. An id nobody knows is UNKNOWN, not an error."""
    if call.header("x-dashscope-async") is not None:
        raise Refusal("AccessDenied", "current user api does not support asynchronous calls.")
    sim.let_in("query", sim.settings.query_rate)
    task_id = call.task_id or ""
    status = sim.status(task_id)
    if status is Status.UNKNOWN:
        return {"output": {"task_id": task_id, "task_status": status}}
    task = sim.tasks[task_id]
    answer: dict[str, Any] = {"output": _output(sim, task, call)}
    if status is Status.SUCCEEDED:
        answer["usage"] = _usage(task)
    return answer


def cancel(sim: Simulator, call: Call) -> dict[str, Any]:
    """Cancel a task that still waits."""
    sim.let_in("cancel", sim.settings.query_rate)
    task = sim.tasks.get(call.task_id or "")
    if task is None or not sim.board.cancel(task, at=sim.clock.now()):
        raise Refusal("UnsupportedOperation", CANCEL_REFUSED)
    return {}


def list_tasks(sim: Simulator, call: Call) -> dict[str, Any]:
    """The tasks of a window of at most a day, newest first."""
    sim.let_in("list", sim.settings.query_rate)
    found = [task for task in _listed(sim, call) if _is_asked_for(sim, task, call)]
    found.sort(key=lambda task: task.created_at, reverse=True)
    page, size = _count(call, "page_no", 1), _count(call, "page_size", 10)
    rows = [_row(sim, task) for task in found[(page - 1) * size : page * size]]
    # The service says `data`; the second generation of its own SDK reads `tasks`.
    return {
        "total": len(found),
        "total_page": ceil(len(found) / size),
        "page_no": page,
        "page_size": size,
        "data": rows,
        "tasks": rows,
    }


def _check_resolve_header(what: Asked, call: Call) -> None:
    audio = what.input.get("audio_url")
    is_ours = isinstance(audio, str) and audio.startswith("oss://")
    if is_ours and call.header("x-dashscope-ossresourceresolve") != "enable":
        raise Refusal(
            "InvalidParameter", "url error, please check url！ The oss:// url cannot be resolved."
        )  # the service's own punctuation


def _output(sim: Simulator, task: Task, call: Call) -> dict[str, Any]:
    at = sim.clock.now()
    status = task.status(at)
    shown: dict[str, Any] = {"task_id": task.id, "task_status": status, "submit_time": wall(task.created_at)}
    if task.started_at is not None:
        shown["scheduled_time"] = wall(task.started_at)
    if task.over_at is not None and task.over_at <= at:
        shown["end_time"] = wall(task.over_at)
    if status is Status.SUCCEEDED:
        shown |= _prompts(task) | {"video_url": link(sim, task, scheme=call.scheme, host=call.host)}
    if status is Status.FAILED and task.failure is not None:
        code, message = task.failure
        shown |= ({} if code is None else {"code": code}) | ({} if message is None else {"message": message})
    return shown


def _prompts(task: Task) -> dict[str, str]:
    shown = {"orig_prompt": task.order.prompt}
    if task.order.prompt_extend and MODELS[task.order.model].shows_actual_prompt:
        shown["actual_prompt"] = f"{task.order.prompt} 电影质感,光影柔和,细节丰富,镜头缓慢推进。"
    return shown


def _usage(task: Task) -> dict[str, Any]:
    seconds = task.order.duration
    return {
        "duration": seconds,
        "size": task.order.size,
        "output_video_duration": seconds,
        "input_video_duration": 0,
        "SR": tier_of(task.order.size),
        "video_count": 1,
    }


def _listed(sim: Simulator, call: Call) -> list[Task]:
    begin, end = _window(sim, call)
    now = sim.clock.now()
    return [
        task
        for task in sim.tasks.values()
        if begin <= task.created_at <= end and now >= task.created_at + task.fate.list_lag
    ]


def _window(sim: Simulator, call: Call) -> tuple[datetime, datetime]:
    """One end alone means a day from there; none means the last day."""
    begin, end = _stamp(call, "start_time"), _stamp(call, "end_time")
    # The end names a second, and that whole second is meant.
    end = end if end is None else end + timedelta(milliseconds=999)
    if begin is None:
        end = end or sim.clock.now()
        return end - DAY, end
    end = end or begin + DAY
    if end - begin > DAY + timedelta(seconds=1):
        raise Refusal("InvalidParameter", "The time range between start_time and end_time must not exceed 24 hours.")
    return begin, end


def _stamp(call: Call, name: str) -> datetime | None:
    given = call.query.get(name)
    if not given:
        return None
    try:
        return datetime.strptime(given, "%Y%m%d%H%M%S").replace(tzinfo=BEIJING)
    except ValueError:
        raise Refusal("InvalidParameter", f"{name} must be of the form YYYYMMDDhhmmss.") from None


def _is_asked_for(sim: Simulator, task: Task, call: Call) -> bool:
    row = _row(sim, task)
    names = ("task_id", "model_name", "status", "api_key_id", "region")
    return all(call.query.get(name, "") in ("", row[name]) for name in names)


def _count(call: Call, name: str, default: int) -> int:
    given = call.query.get(name, str(default))
    if not given.isdecimal() or int(given) < 1:
        raise Refusal("InvalidParameter", f"{name} must be a whole number from 1.")
    return int(given)


def _row(sim: Simulator, task: Task) -> dict[str, Any]:
    at = sim.clock.now()
    row: dict[str, Any] = {
        "api_key_id": "150001",
        "caller_parent_id": OWNER,
        "caller_uid": OWNER,
        "gmt_create": _epoch(task.created_at),
        "region": sim.settings.region,
        "request_id": task.request_id,
        "status": task.status(at),
        "task_id": task.id,
        "user_api_unique_key": f"apikey:v1:aigc:video-generation:video-synthesis:{task.order.model}",
        "model_name": task.order.model,
    }
    if task.started_at is not None:
        row["start_time"] = _epoch(task.started_at)
    if task.over_at is not None and task.over_at <= at:
        row["end_time"] = _epoch(task.over_at)
    return row


def _epoch(at: datetime) -> int:
    return int(at.timestamp() * 1000)
