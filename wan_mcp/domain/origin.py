"""Where a video comes from: what is written into its file, and the whole of it in the JSON beside it."""

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from wan_mcp.domain.task import VideoTask

_TITLE = 60
_UNKNOWN_SEED = "chosen by DashScope, which does not tell it"
"""What is known of the seed where none was given: no answer of DashScope's has one."""


def metadata(task: VideoTask) -> dict[str, str]:
    """Return what stands in the file, by MP4's own names, which players show."""
    request = task.request
    words = " ".join(request.prompt.split())
    facts = [
        request.model,
        f"{request.size}, {request.duration} s",
        f"seed {_UNKNOWN_SEED if request.seed is None else request.seed}",
        task.id,
        f"DashScope {task.dashscope_task_id}" if task.dashscope_task_id else "",
    ]
    return {
        "title": words if len(words) <= _TITLE else words[: _TITLE - 1] + "…",
        "description": request.prompt,
        "comment": "; ".join(fact for fact in facts if fact),
        "date": f"{task.asked_at:%Y-%m-%dT%H:%M:%SZ}",
    }


def sidecar(task: VideoTask) -> dict[str, Any]:
    """Return everything about a saved video, under the names that the tools have for it.

    Without its link, which is a key to the video while it lives and worth nothing after; and without the query of
    the caller's own, which may be signed, too.
    """
    request, amount = task.request, task.cost.amount
    told: dict[str, Any] = {
        "task_id": task.id,
        "dashscope_task_id": task.dashscope_task_id,
        "status": task.status.value,
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "audio_url": _without_query(request.audio_url) if request.audio_url else None,
        "actual_prompt": task.actual_prompt,
        "model": request.model,
        "size": request.size,
        "duration": request.duration,
        "seed": request.seed,
        "seed_note": _UNKNOWN_SEED if request.seed is None else None,
        "prompt_extend": request.prompt_extend,
        "watermark": request.watermark,
        "cost": {
            "amount": int(amount) if amount == int(amount) else float(amount),
            "currency": task.cost.currency,
            "state": task.money_state,
        },
        "file": task.file,
        "file_bytes": task.file_bytes,
        "asked_at": f"{task.asked_at:%Y-%m-%dT%H:%M:%SZ}",
    }
    return {name: value for name, value in told.items() if value is not None}


def _without_query(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
