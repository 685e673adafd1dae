"""What callers are shown of films, in text and as structured content: two tellings of the same `FilmReport`.

A model asks for a film many times while it is made, so sixty shots are told in a line: which numbers have which
status. Each shot in full stands in the film's resource.
"""

from collections.abc import Sequence
from typing import Any

from wan_mcp.domain.catalogue import Quote
from wan_mcp.domain.film import FilmStatus, Order, Shot
from wan_mcp.domain.language import say, sentences
from wan_mcp.domain.money import Money
from wan_mcp.domain.task import MoneyState, Problem, Status, VideoTask
from wan_mcp.server.views import cut, money_word, number, rfc3339, seconds, size_words
from wan_mcp.service.report import FilmReport

F = FilmStatus
_HEARD = 0.5
"""Seconds by which a film must differ from the sum of its shots for that to be told."""
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
        "shot_numbers": _by_status(report.shots),
        "duration": film.script.seconds,
        "cost": {
            "amount": number((report.held + report.charged).amount),
            "currency": film.unit_price.currency,
            "held": number(report.held.amount),
            "charged": number(report.charged.amount),
        },
        "attention": [_attention(shot) for shot in report.attention],
        "asked_at": rfc3339(report.asked_at),
        "elapsed_seconds": seconds(report.elapsed),
        "usual_seconds": None if is_over else seconds(report.usual),
        "plays_seconds": round(film.seconds, 1) if is_over and film.seconds else None,
        "file": film.file if is_over else None,
        "error": _problem(film.problem) if film.problem else None,
        "last_try": report.trouble,
        "next_step": next_words(report),
        "next_poll_seconds": None if is_over else next_poll(report),
    }
    return {name: value for name, value in shown.items() if value not in (None, "", [])}


def _by_status(shots: Sequence[Shot]) -> dict[str, str]:
    numbers: dict[str, list[int]] = {}
    for shot in shots:
        numbers.setdefault(shot.standing.status.value, []).append(shot.number)
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
    return sentences(_state(report), *attention_words(report), _cost(report), trouble, next_words(report))


def line(report: FilmReport) -> str:
    """One film on one line of a list."""
    film = report.film
    what = say("film of {shots}, {seconds} s", shots=shots_words(len(report.shots)), seconds=film.script.seconds)
    file = film.file if report.is_settled else ""
    words = [film.id, report.status, what, cost_words(report), file, cut(film.script.title, 40)]
    return " | ".join(part for part in words if part)


def shots_words(count: int) -> str:
    """So many shots."""
    return say("1 shot") if count == 1 else say("{count} shots", count=count)


def cost_words(report: FilmReport) -> str:
    """What a film costs so far and where that stands; a part that is nothing is left out."""
    if not report.held.amount and not report.charged.amount:
        return f"{report.held} {money_word('free')}"
    parts: list[tuple[Money, MoneyState]] = [(report.held, "held"), (report.charged, "charged")]
    return say(", ").join(f"{amount} {money_word(state)}" for amount, state in parts if amount.amount)


def _state(report: FilmReport) -> str:
    told = sentences(called_off_words(report), _told(report))
    if not report.is_known_request:
        return told
    return say("The same is already under way, so nothing new was ordered: {told}", told=told)


def called_off_words(report: FilmReport) -> str:
    """What became of a retake that was called off before anything of it was made, if that was the last word."""
    off = report.called_off
    if not off or not report.film.file or report.status is F.RENDERING:
        return ""
    return say(
        "The retake of shot {shots} is called off, and its {cost} given back.",
        shots=spans([shot.number for shot in off]),
        cost=sum((shot.newest.cost for shot in off), start=report.film.unit_price * 0),
    )


def _told(report: FilmReport) -> str:
    film, shots = report.film, shots_words(len(report.shots))
    match report.status:
        case F.RENDERING if film.canceled_at is not None and film.file:
            return say(
                "The retake of {film} is called off. What had started is made, paid and joined: shot {shots}.",
                film=film.id,
                shots=spans([shot.number for shot in report.moving]),
            )
        case F.RENDERING if film.canceled_at is not None:
            return say(
                "{film} is called off. What had started is made, paid and kept: shot {shots}.",
                film=film.id,
                shots=spans([shot.number for shot in report.moving]),
            )
        case F.RENDERING:
            return say(
                "{film} (“{title}”, {seconds} s) is RENDERING: {saved} of {shots} saved, {time} ({states}).",
                film=film.id,
                title=cut(film.script.title, 40),
                seconds=film.script.seconds,
                saved=report.saved,
                shots=shots,
                time=time_words(report),
                states=say("; ").join(
                    say("shot {numbers} {status}", numbers=numbers, status=status)
                    for status, numbers in _by_status(report.shots).items()
                ),
            )
        case F.JOINING:
            return say("{film}: {shots} saved, now being joined into one file.", film=film.id, shots=shots)
        case F.ATTENTION if film.problem is not None:
            return say(
                "{film} needs you: {shots} saved, but not joined. {why}",
                film=film.id,
                shots=shots,
                why=film.problem.words,
            )
        case F.ATTENTION:
            return say("{film} needs you: {saved} of {shots} saved.", film=film.id, saved=report.saved, shots=shots)
        case F.SUCCEEDED:
            file = say("{film} SUCCEEDED. File: {file} ({facts}).", film=film.id, file=film.file, facts=facts(report))
            return sentences(file, *film.remarks)
        case F.CANCELED:
            return say(
                "{film} is CANCELED; made and kept: {saved} of {shots}.", film=film.id, saved=report.saved, shots=shots
            )


def time_words(report: FilmReport) -> str:
    """How long it takes, and usually takes."""
    elapsed, usual = seconds(report.elapsed), seconds(report.usual)
    if elapsed > usual:
        return say("after {elapsed} s, longer than the usual {usual} s", elapsed=elapsed, usual=usual)
    return say("after {elapsed} s of usually {usual} s", elapsed=elapsed, usual=usual)


def facts(report: FilmReport) -> str:
    """Shots and seconds; of a joined file also how long it plays, where that is something else, and its size."""
    film = report.film
    told = [say("{shots}, {seconds} s", shots=shots_words(len(report.shots)), seconds=film.script.seconds)]
    if film.file and report.is_settled:
        plays = film.seconds or 0
        if abs(plays - film.script.seconds) >= _HEARD:
            told.append(say("plays {seconds} s", seconds=f"{plays:.1f}"))
        told.append(size_words(film.file_bytes or 0))
    return say(", ").join(told)


def attention_words(report: FilmReport) -> list[str]:
    """What is in doubt or has gone wrong; alike troubles in one sentence."""
    alike: dict[str, list[int]] = {}
    for shot in report.shots:
        if shot in report.attention or shot.newest.status is Status.UNCERTAIN:
            alike.setdefault(_trouble(shot.newest, is_moving=shot in report.moving), []).append(shot.number)
    return [say("Shot {shots}: {trouble}", shots=spans(numbers), trouble=trouble) for trouble, numbers in alike.items()]


def _trouble(task: VideoTask, *, is_moving: bool) -> str:
    status, problem = task.status, task.problem
    words = say("{status}.", status=status)
    if problem is not None:
        words = say("{status} ({code}: “{why}”).", status=status, code=problem.code, why=problem.words)
    match status:
        case Status.UNCERTAIN if is_moving:
            more = say("It may have been charged, and is looked for at DashScope; do not order it again.")
        case Status.UNCERTAIN | Status.UNKNOWN:
            more = say("It may have been charged; a person settles it with `wan-mcp settle {task}`.", task=task.id)
        case _:
            more = ""
    return sentences(words, more)


def _cost(report: FilmReport) -> str:
    return say("{held} held, {charged} charged.", held=report.held, charged=report.charged)


def next_words(report: FilmReport) -> str:
    """What the caller does next."""
    film = report.film
    match report.status:
        case F.RENDERING if film.canceled_at is not None:
            return say("Call get_film with this film_id to see what becomes of it.")
        case F.RENDERING if report.trouble and report.trouble.for_a_person:
            return report.trouble.for_a_person
        case F.RENDERING | F.JOINING if report.attention:
            return sentences(say("The rest goes on meanwhile."), _retake_words(report))
        case F.RENDERING | F.JOINING:
            return say("Next: call get_film with this film_id.")
        case F.ATTENTION if film.problem is not None:
            return say("Once it is put right, call retake with this film_id alone: joining again costs nothing.")
        case F.ATTENTION:
            return _retake_words(report)
        case F.SUCCEEDED if report.attention:
            return sentences(say("The file has the older take of it."), _retake_words(report))
        case F.SUCCEEDED:
            return say(
                "Look at the shots with preview_video; call retake for one that came out badly; tell the user where "
                "the file is."
            )
        case F.CANCELED:
            return say("To go on with it after all, call retake with this film_id alone.")


def _retake_words(report: FilmReport) -> str:
    newest = [shot.newest for shot in report.attention]
    if any(take.problem is not None and take.problem.code.startswith(_FILTERS) for take in newest):
        return say("Call retake with the shot's number and another prompt (content filters also err).")
    if any(take.status in (Status.UNCERTAIN, Status.UNKNOWN) for take in newest):
        return say("Once that is settled, call retake with this film_id for what is missing.")
    if all(shot.chosen is not None for shot in report.attention):
        return say("Call retake with the shot's number for another take.")
    return say("Call retake with this film_id: without a shot it orders all that are missing, at their price.")


def next_poll(report: FilmReport) -> int:
    """In how many seconds it is worth asking again."""
    return max(1, min(15, seconds(report.next_look)))


def progress_words(report: FilmReport) -> str:
    """One line of progress, the useful part first."""
    words = doing_words(report)
    return f"{report.status}: {words}" if report.is_settled else words


def doing_words(report: FilmReport) -> str:
    """How many shots are saved, and what goes on with the others."""
    shots = shots_words(len(report.shots))
    if report.status is F.JOINING:
        return say("{shots} saved, joining", shots=shots)
    saved = say("{saved} of {shots} saved", saved=report.saved, shots=shots)
    return say(", ").join([saved, *_doing(report)])


def _doing(report: FilmReport) -> list[str]:
    """What goes on with the shots that are still to come; a newest take that is over leaves its shot to an older."""
    takes = [next(take for take in reversed(shot.takes) if not take.is_settled) for shot in report.moving]
    told: list[str] = []
    if queued := sum(take.status is Status.QUEUED for take in takes):
        told.append(say("{count} waiting", count=queued))
    if uncertain := sum(take.status is Status.UNCERTAIN for take in takes):
        told.append(say("{count} uncertain", count=uncertain))
    if saving := sum(take.is_to_be_saved for take in takes):
        told.append(say("{count} being saved", count=saving))
    if rendering := len(takes) - queued - uncertain - saving:
        told.insert(0, say("{count} rendering", count=rendering))
    return told


# Before it is ordered


def question(order: Order, quote: Quote) -> str:
    """What the person is asked before money is spent: once, for all of it."""
    script, takes = order.film.script, order.takes
    if order.film.version == 0:
        return say(
            "Make the film “{title}”, {shots}, for {cost} ({basis})?",
            title=cut(script.title, 80),
            shots=shots_words(len(takes)),
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
        "file_bytes": film.file_bytes,
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
