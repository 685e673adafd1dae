"""What callers are shown, in text and as structured content: two tellings of the same `Report`.

Some hosts show a model only the text, some only the structured content, so each says everything: the id, the
status, the file, the link and when it dies, the cost, the next step. Absent rather than null.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from wan_mcp.domain.advice import advice
from wan_mcp.domain.catalogue import REGIONS, SOURCES, Model, Quote, Region
from wan_mcp.domain.errors import WanError
from wan_mcp.domain.language import said, say, sentences
from wan_mcp.domain.task import MoneyState, Status, VideoTask
from wan_mcp.service.report import Report

_PROMPT_SHOWN = 60
_END_OF_DASHSCOPES_PATIENCE = timedelta(hours=3)
_POLL, _POLL_SOONEST, _POLL_LATEST = 15, 2, 30


def number(amount: Decimal) -> int | float:
    """A JSON number: whole where it is whole."""
    return int(amount) if amount == int(amount) else float(amount)


def rfc3339(at: datetime) -> str:
    """RFC 3339 in UTC, whole seconds."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def cut(text: str, longest: int = _PROMPT_SHOWN) -> str:
    """The first words on one line."""
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def seconds(span: timedelta) -> int:
    """Whole seconds."""
    return round(span.total_seconds())


def structured(report: Report) -> dict[str, Any]:
    """One task as data; the names are the same in every tool, resource and `--json`."""
    task = report.task
    shown: dict[str, Any] = {
        "task_id": task.id,
        "dashscope_task_id": task.dashscope_task_id,
        "status": task.status.value,
        "prompt": cut(task.request.prompt),
        "model": task.request.model,
        "size": task.request.size,
        "duration": task.request.duration,
        "seed": task.request.seed,
        "cost": {"amount": number(task.cost.amount), "currency": task.cost.currency, "state": task.money_state},
        "asked_at": rfc3339(report.asked_at),
        "elapsed_seconds": seconds(report.elapsed),
        "usual_seconds": seconds(report.usual) if task.is_open else None,
        "queue_place": report.place,
        "film_id": task.film_id,
        "shot": task.shot,
        "file": task.file,
        "video_url": task.video_url,
        "expires_at": rfc3339(task.expires_at) if task.video_url and task.expires_at else None,
        "error": problem(task),
        "remark": said(task.remark) if task.remark else None,
        "last_try": report.trouble,
        "next_step": next_words(report),
        "next_poll_seconds": None if task.is_settled else next_poll(report),
    }
    return {name: value for name, value in shown.items() if value not in (None, "")}


def problem(task: VideoTask) -> dict[str, str] | None:
    """Why it ended badly, or why its file is not here."""
    if task.problem is None:
        return None
    return {"code": task.problem.code, "message": task.problem.words, "money_moved": task.problem.money_moved}


def text(report: Report) -> str:
    """One task in words: what it is, what it costs, what to do next."""
    trouble = say("Last try: {trouble}", trouble=report.trouble) if report.trouble else ""
    remark = said(report.task.remark) if report.task.remark else ""
    return sentences(_state(report), remark, _cost(report.task), trouble, next_words(report))


def line(report: Report) -> str:
    """One task on one line of a list."""
    task = report.task
    where = task.file or task.video_url or (task.problem.code if task.problem else "")
    words = [task.id, task.status, video_words(task), cost_words(task)]
    return " | ".join(part for part in (*words, where, cut(task.request.prompt, 40)) if part)


def video_words(task: VideoTask) -> str:
    """Size and length."""
    return say("{size} {duration} s", size=task.request.size, duration=task.request.duration)


def cost_words(task: VideoTask) -> str:
    """A price and where it stands."""
    return f"{task.cost} {money_word(task.money_state)}"


def money_word(state: MoneyState) -> str:
    """Where money stands, for a reader."""
    match state:
        case "held":
            return say("held")
        case "charged":
            return say("charged")
        case "free":
            return say("not charged")


def next_words(report: Report) -> str:
    """What the caller does next."""
    task = report.task
    match task.status:
        case Status.SUCCEEDED if task.file:
            return say("Tell the user where the file is.")
        case Status.SUCCEEDED if report.to_be_mended:
            return report.to_be_mended
        case Status.SUCCEEDED if task.is_to_be_saved:
            return say("The file is being saved; call get_video_task with this task_id.")
        case Status.SUCCEEDED:
            return say("The video is paid for, and its file is not here; another one must be created.")
        case Status.FAILED:
            return advice(task.problem.code) if task.problem else ""
        case Status.CANCELED:
            return advice(task.problem.code) if task.problem and task.problem.code == "ReleasedFromQueue" else ""
        case Status.UNKNOWN | Status.UNCERTAIN if report.is_for_a_person:
            return say(
                "Only a person can settle it now, in Alibaba's console and with `wan-mcp settle {task}`.", task=task.id
            )
        case Status.UNCERTAIN:
            return say(
                "Do not create it again: it is looked for at DashScope. "
                "In a minute, call get_video_task with this task_id."
            )
        case _:
            return say("Next: call get_video_task with this task_id.")


def _state(report: Report) -> str:
    told = _told(report)
    if not report.is_known_request:
        return told
    return say(
        "The same request is still open, so nothing new was created (another seed makes another take): {told}",
        told=told,
    )


def _told(report: Report) -> str:
    task, elapsed, usual = report.task, seconds(report.elapsed), seconds(report.usual)
    match task.status:
        case Status.QUEUED:
            return say(
                "{task} is QUEUED with us at place {place}; nothing was sent yet. "
                "It is usually sent within {turn} s and then takes {usual} s.",
                task=task.id,
                place=report.place,
                turn=seconds(report.usual_turn),
                usual=usual,
            )
        case Status.SUBMITTING:
            return say("{task} is being submitted.", task=task.id)
        case Status.UNCERTAIN:
            why = task.problem.words if task.problem else ""
            return say("{task} is UNCERTAIN: {why} It may have been charged.", task=task.id, why=why)
        case Status.PENDING | Status.RUNNING if report.elapsed > _END_OF_DASHSCOPES_PATIENCE:
            return say(
                "{task} is {status} for {minutes} min: stuck. DashScope ends a task after 3 hours.",
                task=task.id,
                status=task.status,
                minutes=elapsed // 60,
            )
        case Status.PENDING | Status.RUNNING:
            since = say(" for {elapsed} s", elapsed=elapsed) if elapsed else ""
            return say(
                "{task} is {status} at DashScope{since}; such a video usually takes {usual} s.",
                task=task.id,
                status=task.status,
                since=since,
                usual=usual,
            )
        case Status.SUCCEEDED:
            return sentences(say("{task} SUCCEEDED.", task=task.id), _video(task))
        case Status.FAILED if task.problem:
            why = task.problem.words
            return say("{task} FAILED ({code}): “{why}”", task=task.id, code=task.problem.code, why=why)
        case Status.FAILED:
            return say("{task} FAILED.", task=task.id)
        case Status.CANCELED | Status.UNKNOWN if task.problem:
            return say("{task} is {status}: {why}", task=task.id, status=task.status, why=task.problem.words)
        case Status.CANCELED | Status.UNKNOWN:
            return say("{task} is {status}.", task=task.id, status=task.status)


def _video(task: VideoTask) -> str:
    facts = say("{size}, {duration} s", size=task.request.size, duration=task.request.duration)
    if task.file:
        size = size_words(task.file_bytes or 0)
        file = say("File: {file} ({facts}, {size}).", file=task.file, facts=facts, size=size)
    else:
        file = say("Video: {facts}.", facts=facts)
    lost = task.problem.words if task.problem else ""
    return sentences(file, lost, _link(task))


def _link(task: VideoTask) -> str:
    if not task.video_url or not task.expires_at:
        return ""
    return say("Link until {end}: {link}", end=rfc3339(task.expires_at), link=task.video_url)


def _cost(task: VideoTask) -> str:
    match task.money_state:
        case "held":
            return say("{cost} held.", cost=task.cost)
        case "charged":
            return say("{cost} charged.", cost=task.cost)
        case "free":
            return say("Nothing was charged.")


def next_poll(report: Report) -> int:
    """In how many seconds it is worth asking again: once we know more, and before a reader thinks us dead."""
    if report.next_look is None:
        return _POLL
    return max(_POLL_SOONEST, min(_POLL_LATEST, seconds(report.next_look) + 1))


def size_words(size: int) -> str:
    """A file size for a reader."""
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.0f} kB"


# Errors


def error(problem: WanError) -> tuple[str, dict[str, Any]]:
    """What happened, whether money moved, what to do next."""
    told = {"code": problem.code, "message": problem.what, "money_moved": problem.money_moved}
    shown: dict[str, Any] = {"error": told}
    if problem.next_step:
        shown["next_step"] = problem.next_step
    return problem.words, shown


def question(request_prompt: str, quote: Quote) -> str:
    """What the person is asked before money is spent. The same words whenever it is asked."""
    return say(
        "Create this video for {amount} ({basis})? “{prompt}”",
        amount=quote.amount,
        basis=quote.basis,
        prompt=cut(request_prompt, 120),
    )


def progress_words(report: Report) -> str:
    """One line of progress, the useful part first."""
    task, elapsed, usual = report.task, seconds(report.elapsed), seconds(report.usual)
    match task.status:
        case Status.QUEUED:
            return say("QUEUED with us at place {place}", place=report.place)
        case Status.PENDING | Status.RUNNING:
            if elapsed > usual:
                return say("{status} {elapsed} s, longer than usual", status=task.status, elapsed=elapsed)
            return say("{status} {elapsed} s of usually {usual} s", status=task.status, elapsed=elapsed, usual=usual)
        case Status.SUCCEEDED if task.is_to_be_saved and report.trouble:
            return say("SUCCEEDED, saving the file; last try: {trouble}", trouble=cut(report.trouble, 80))
        case Status.SUCCEEDED if task.is_to_be_saved:
            return say("SUCCEEDED, saving the file")
        case Status.SUCCEEDED if task.file:
            return say("SUCCEEDED, the file is saved")
        case Status.UNCERTAIN:
            return say("UNCERTAIN: the answer was lost; do not create it again")
        case _ if task.problem:
            return say("{status}: {why}", status=task.status, why=cut(task.problem.words, 100))
        case _:
            return str(task.status)


# What resources show in full


def whole(report: Report, history: list[VideoTask]) -> dict[str, Any]:
    """Everything about one task: the same names, the request as it was made, and when it came to each status."""
    task, request = report.task, report.task.request
    more: dict[str, Any] = {
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "audio_url": request.audio_url,
        "prompt_extend": request.prompt_extend,
        "watermark": request.watermark,
        "actual_prompt": task.actual_prompt,
        "file_bytes": task.file_bytes,
        "history": _steps(history),
    }
    return structured(report) | {name: value for name, value in more.items() if value is not None}


def _steps(history: list[VideoTask]) -> list[dict[str, str]]:
    """A version that only brought a new fact is no step."""
    steps: list[dict[str, str]] = []
    for version in history:
        step = {"status": version.status.value, "at": rfc3339(version.since)}
        if not steps or steps[-1] != step:
            steps.append(step)
    return steps


def model(row: Model) -> dict[str, Any]:
    """What one model accepts, costs and takes."""
    return {
        "model": row.id,
        "prompt_longest": row.prompt_max,
        "negative_prompt_longest": row.negative_prompt_max,
        "seed_highest": row.seed_max,
        "sizes": {tier: list(sizes) for tier, sizes in row.sizes.items()},
        "size": row.default_size,
        "durations": list(row.durations),
        "duration": row.default_duration,
        "prices": [_prices(row, region) for region in REGIONS.values()],
        "prices_of": row.prices_of,
        "usual_seconds": [
            {"resolution": tier, "duration": duration, "usual_seconds": usual}
            for (tier, duration), usual in row.usual_seconds.items()
        ],
        "sources": dict(SOURCES),
    }


def _prices(row: Model, region: Region) -> dict[str, Any]:
    return {
        "region": region.id,
        "currency": region.currency,
        "price_per_second": {tier: number(price) for tier, price in row.prices[region.id].items()},
        "free_seconds": region.free_seconds,
    }


def video_elsewhere(task: VideoTask, why: str) -> dict[str, Any]:
    """Where a video is that is not handed over itself."""
    shown: dict[str, Any] = {
        "task_id": task.id,
        "file": task.file,
        "file_bytes": task.file_bytes,
        "video_url": task.video_url,
        "expires_at": rfc3339(task.expires_at) if task.video_url and task.expires_at else None,
        "why": why,
    }
    return {name: value for name, value in shown.items() if value is not None}
