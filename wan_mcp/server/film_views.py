"""What callers are shown of films, in text and as structured content: two tellings of the same `FilmReport`.

A model asks for a film many times while it is made, so sixty shots are told in a line: which numbers have which
status. Each shot in full stands in the film's resource.
"""

from collections.abc import Sequence
from typing import Any

from wan_mcp.domain.catalogue import Quote
from wan_mcp.domain.film import FilmStatus, Order, Shot
from wan_mcp.domain.language import say, sentences
from wan_mcp.domain.task import Problem, VideoTask
from wan_mcp.server.views import cut, number, rfc3339, seconds, size_words
from wan_mcp.service.report import FilmReport

F = FilmStatus
_FILTERS = ("DataInspectionFailed", "IPInfringementSuspect", "CustomRoleBlocked")


def structured(report: FilmReport) -> dict[str, Any]:
    """One film as data; the names are the same in every tool, resource and `--json`."""
    film = report.film
    is_over = report.is_settled
    shown: dict[str, Any] = {
        "film_id": film.id,
        "title": cut(film.script.title),
        "status": report.status.value,
        "size": film.script.shots[0].size,
        "shots": _by_status(report.shots),
        "duration": film.script.seconds,
        "cost": {
            "amount": number((report.held + report.charged).amount),
            "currency": film.unit_price.currency,
            "held": number(report.held.amount),
            "charged": number(report.charged.amount),
        },
        "attention": [_attention(shot) for shot in report.attention],
        "elapsed_seconds": seconds(report.elapsed),
        "usual_seconds": None if is_over else seconds(report.usual),
        "file": film.file if is_over else None,
        "error": _problem(film.problem) if film.problem else None,
        "next_step": next_words(report),
        "next_poll_seconds": None if is_over else max(1, min(15, seconds(report.next_look))),
    }
    return {name: value for name, value in shown.items() if value not in (None, "", [])}


def _by_status(shots: Sequence[Shot]) -> dict[str, str]:
    numbers: dict[str, list[int]] = {}
    for shot in shots:
        numbers.setdefault(shot.newest.status.value, []).append(shot.number)
    return {status: spans(some) for status, some in numbers.items()}


def spans(numbers: Sequence[int]) -> str:
    """Numbers as a person writes them: 1-4, 7."""
    runs: list[list[int]] = []
    for one in numbers:
        if runs and one == runs[-1][-1] + 1:
            runs[-1].append(one)
        else:
            runs.append([one])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def _attention(shot: Shot) -> dict[str, Any]:
    task = shot.newest
    told = _problem(task.problem) if task.problem else {}
    return {"shot": shot.number, "task_id": task.id, "status": task.status.value, **told}


def _problem(problem: Problem) -> dict[str, str]:
    return {"code": problem.code, "message": problem.words, "money_moved": problem.money_moved}


def text(report: FilmReport) -> str:
    """One film in words: what it is doing, what it costs, what to do next."""
    trouble = say("Last try: {trouble}", trouble=report.trouble) if report.trouble else ""
    return sentences(_state(report), *_attention_words(report), _cost(report), trouble, next_words(report))


def line(report: FilmReport) -> str:
    """One film on one line of a list."""
    film = report.film
    what = say("film of {shots} shots, {seconds} s", shots=len(report.shots), seconds=film.script.seconds)
    cost = f"{report.held + report.charged}"
    words = [film.id, report.status, what, cost, film.file if report.is_settled else "", cut(film.script.title, 40)]
    return " | ".join(part for part in words if part)


def _state(report: FilmReport) -> str:
    told = _told(report)
    if not report.is_known_request:
        return told
    return say("The same is already under way, so nothing new was ordered: {told}", told=told)


def _told(report: FilmReport) -> str:
    film, count = report.film, len(report.shots)
    match report.status:
        case F.RENDERING if film.canceled_at is not None:
            moving = [shot.number for shot in report.shots if shot.newest.is_open]
            return say(
                "{film} is cancelled; shots {shots} had started and are made.", film=film.id, shots=spans(moving)
            )
        case F.RENDERING:
            return say(
                "{film} (“{title}”, {count} shots, {seconds} s) is RENDERING: {saved} of {count} shots are saved, "
                "after {elapsed} s of usually {usual} s ({shots}).",
                film=film.id,
                title=cut(film.script.title, 40),
                count=count,
                seconds=film.script.seconds,
                saved=report.saved,
                elapsed=seconds(report.elapsed),
                usual=seconds(report.usual),
                shots="; ".join(f"{status} {numbers}" for status, numbers in _by_status(report.shots).items()),
            )
        case F.JOINING:
            return say(
                "{film}: all {count} shots are saved and are being joined into one file.", film=film.id, count=count
            )
        case F.ATTENTION if film.problem is not None:
            return say(
                "{film} needs you: all {count} shots are saved, and could not be joined. {why}",
                film=film.id,
                count=count,
                why=film.problem.words,
            )
        case F.ATTENTION:
            return say(
                "{film} needs you: {saved} of {count} shots are saved.", film=film.id, saved=report.saved, count=count
            )
        case F.SUCCEEDED:
            facts = say(
                "{count} shots, {seconds} s, {size}",
                count=count,
                seconds=f"{film.seconds or 0:.1f}",
                size=size_words(film.file_bytes or 0),
            )
            return sentences(
                say("{film} SUCCEEDED. File: {file} ({facts}).", film=film.id, file=film.file, facts=facts),
                *film.remarks,
            )
        case F.CANCELED:
            return say(
                "{film} is CANCELED; {saved} of {count} shots were made and are kept.",
                film=film.id,
                saved=report.saved,
                count=count,
            )


def _attention_words(report: FilmReport) -> list[str]:
    """Alike troubles in one sentence."""
    alike: dict[tuple[str, str], list[int]] = {}
    for shot in report.attention:
        problem = shot.newest.problem
        why = f"{problem.code}: “{problem.words}”" if problem else ""
        alike.setdefault((shot.newest.status.value, why), []).append(shot.number)
    return [
        say("Shot {shots} is {status} ({why}).", shots=spans(numbers), status=status, why=why)
        for (status, why), numbers in alike.items()
    ]


def _cost(report: FilmReport) -> str:
    return say("{held} held, {charged} charged.", held=report.held, charged=report.charged)


def next_words(report: FilmReport) -> str:
    """What the caller does next."""
    again = report.film.id
    match report.status:
        case F.RENDERING | F.JOINING if report.attention:
            return say("The rest goes on meanwhile. {retake}", retake=_retake_words(report))
        case F.RENDERING | F.JOINING:
            return say("Next: call get_film with this film_id.")
        case F.ATTENTION if report.film.problem is not None:
            return say("Once it is put right, call retake with this film_id alone: joining again costs nothing.")
        case F.ATTENTION:
            return _retake_words(report)
        case F.SUCCEEDED if report.attention:
            return _retake_words(report)
        case F.SUCCEEDED:
            return say(
                "Look at the shots with preview_video; retake one that came out badly; tell the user where the file is."
            )
        case F.CANCELED:
            return say("To go on with {film} after all, call retake with its film_id alone.", film=again)


def _retake_words(report: FilmReport) -> str:
    problems = [shot.newest.problem for shot in report.attention]
    if any(problem is not None and problem.code.startswith(_FILTERS) for problem in problems):
        return say("Call retake with the shot's number and another prompt (content filters also err).")
    if any(
        shot.newest.problem is None or shot.newest.status.value in ("UNCERTAIN", "UNKNOWN") for shot in report.attention
    ):
        return say("A person settles what is in doubt, with `wan-mcp settle`; then call retake.")
    return say("Call retake with this film_id: without a shot it orders all that are missing, at their price.")


def progress_words(report: FilmReport) -> str:
    """One line of progress, the useful part first."""
    count = len(report.shots)
    match report.status:
        case F.RENDERING:
            running = sum(shot.newest.is_open and shot.newest.status.value != "QUEUED" for shot in report.shots)
            return say(
                "{saved} of {count} shots saved, {running} rendering", saved=report.saved, count=count, running=running
            )
        case F.JOINING:
            return say("{count} shots saved, joining them", count=count)
        case F.ATTENTION | F.SUCCEEDED | F.CANCELED:
            return f"{report.status}: {say('{saved} of {count} shots saved', saved=report.saved, count=count)}"


# Before it is ordered


def question(order: Order, quote: Quote) -> str:
    """What the person is asked before money is spent: once, for all of it."""
    script, takes = order.film.script, order.takes
    if order.film.version == 0:
        return say(
            "Make the film “{title}”, {count} shots, for {cost} ({basis})?",
            title=cut(script.title, 80),
            count=len(takes),
            cost=order.cost,
            basis=quote.basis,
        )
    return say(
        "Make shot {shots} of “{title}” anew for {cost}?",
        shots=spans([take.shot or 0 for take in takes]),
        title=cut(script.title, 80),
        cost=order.cost,
    )


# What the resource shows in full


def whole(report: FilmReport) -> dict[str, Any]:
    """Everything about one film: the same names, and each shot with all of its takes."""
    film = report.film
    more: dict[str, Any] = {
        "title": film.script.title,
        "style": film.script.style,
        "crossfade": film.script.crossfade or None,
        "title_card": film.script.title_card or None,
        "asked_at": rfc3339(film.asked_at),
        "file_bytes": film.file_bytes,
        "plays_seconds": film.seconds,
        "shots": [_shot(report, shot) for shot in report.shots],
    }
    return structured(report) | {name: value for name, value in more.items() if value is not None}


def _shot(report: FilmReport, shot: Shot) -> dict[str, Any]:
    chosen = shot.chosen
    shown: dict[str, Any] = {
        "shot": shot.number,
        "prompt": report.film.script.own_prompt(shot.number),
        "duration": shot.request.duration,
        "seed": shot.request.seed,
        "status": shot.newest.status.value,
        "task_id": (chosen or shot.newest).id,
        "file": chosen.file if chosen else None,
        "takes": [_take(take) for take in shot.takes],
    }
    return {name: value for name, value in shown.items() if value is not None}


def _take(take: VideoTask) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "take": take.take,
        "task_id": take.id,
        "status": take.status.value,
        "cost": {"amount": number(take.cost.amount), "currency": take.cost.currency, "state": take.money_state},
        "file": take.file,
        "error": _problem(take.problem) if take.problem else None,
    }
    return {name: value for name, value in shown.items() if value is not None}
