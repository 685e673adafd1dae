"""What people and models read of films: in every state, in words, in a list, and in a terminal."""

import io
import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from rich.console import Console

from tests.commands import a_pipe, screen
from tests.films import FILTERED, PASSING, a_film, a_script, brought_to, failed, saved, takes
from tests.tasks import T0
from tests.test_cli_pages import a_report
from wan_mcp.cli.film_pages import film_card
from wan_mcp.cli.progress import Meter
from wan_mcp.cli.tables import table
from wan_mcp.domain.catalogue import REGIONS, WAN25_T2V
from wan_mcp.domain.chinese import CHINESE
from wan_mcp.domain.film import Film, film_status, shots_of
from wan_mcp.domain.money import Budget, Money, Standing
from wan_mcp.domain.task import ANSWER_LOST, CANCELED_WITH_US, Problem, Status, VideoTask
from wan_mcp.server import film_views, list_views, money_views
from wan_mcp.service.report import Account, FilmReport

S = Status
SOON = T0 + timedelta(minutes=1)
LONG_AFTER = T0 + timedelta(days=2)


def pending(take: VideoTask) -> VideoTask:
    """DashScope has it."""
    return brought_to(take, S.SUBMITTING, S.PENDING, at=T0)


def fetched(take: VideoTask) -> VideoTask:
    """Rendered, and being saved."""
    url = "https://bucket.oss-cn-beijing.aliyuncs.com/v.mp4"
    return brought_to(take, S.SUBMITTING, S.PENDING, S.SUCCEEDED, video_url=url)


def uncertain(take: VideoTask) -> VideoTask:
    """Its answer was lost."""
    return brought_to(take, S.SUBMITTING, S.UNCERTAIN, problem=ANSWER_LOST)


def queued(take: VideoTask) -> VideoTask:
    """As it was ordered."""
    return take


def canceled(take: VideoTask) -> VideoTask:
    """Called off with us."""
    return take.to(S.CANCELED, T0, problem=CANCELED_WITH_US)


def told(film: Film, some: list[VideoTask], *, at: Any = SOON, seconds: float = 60) -> FilmReport:
    """What is known of a film with these takes."""
    shots = shots_of(film, some)
    return FilmReport(
        film=film,
        shots=shots,
        status=film_status(film, shots, at),
        moving=tuple(shot for shot in shots if shot.is_moving(at)),
        attention=() if film.canceled_at else tuple(shot for shot in shots if shot.needs_attention(at)),
        elapsed=timedelta(seconds=seconds),
        usual=timedelta(seconds=90),
        next_look=timedelta(seconds=2),
    )


def of(*states: Callable[[VideoTask], VideoTask], film: Film | None = None, **more: Any) -> FilmReport:
    """A film whose three shots are in these states."""
    film = film or a_film()
    return told(film, [state(take) for state, take in zip(states, takes(film), strict=True)], **more)


def joined(**facts: Any) -> FilmReport:
    """A film whose file is at home."""
    film = a_film(**{k: v for k, v in facts.items() if k == "script"})
    some = [saved(take) for take in takes(film)]
    usual: dict[str, Any] = {"file": "/videos/fox.mp4", "file_bytes": 2_000_000, "seconds": 20.02}
    done = film.to(SOON, cut=tuple(take.id for take in some), is_unfinished=False, **(usual | facts))
    return told(done, some)


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (of(queued, queued, queued), "0 of 3 shots saved, 3 waiting"),
        (of(pending, fetched, queued), "0 of 3 shots saved, 1 rendering, 1 waiting, 1 being saved"),
        (of(fetched, fetched, fetched), "0 of 3 shots saved, 3 being saved"),
        (of(saved, uncertain, failed), "1 of 3 shots saved, 1 uncertain"),
        (of(saved, saved, saved), "3 shots saved, joining"),
        (of(saved, failed, saved), "ATTENTION: 2 of 3 shots saved"),
        (joined(), "SUCCEEDED: 3 of 3 shots saved"),
    ],
)
def test_progress_says_what_every_shot_is_doing(report: FilmReport, words: str) -> None:
    """Between rendering and saving nothing seemed to go on at all."""
    assert film_views.progress_words(report) == words


ALONE = a_film(a_script(shots=[{"prompt": "A fox wakes in the snow."}]))
"""A film of one shot."""


@pytest.mark.parametrize(
    ("report", "words", "translated"),
    [
        (of(pending, film=ALONE), "is RENDERING: 0 of 1 shot saved, after", "已保存 0/1 个镜头"),
        (of(saved, film=ALONE), "1 shot saved, now being joined into one file.", "：1 个镜头均已保存，"),
        (of(failed, film=ALONE), "needs you: 0 of 1 shot saved.", "已保存 0/1 个镜头。"),
        (
            of(saved, film=ALONE.to(SOON, cut=(takes(ALONE)[0].id,), problem=PASSING)),
            "needs you: 1 shot saved, but not joined. Something went wrong.",
            "：1 个镜头均已保存，但无法合成。",
        ),
        (
            of(canceled, film=ALONE.to(SOON, canceled_at=SOON, is_unfinished=False)),
            "is CANCELED; made and kept: 0 of 1 shot.",
            "已生成并保留 0/1 个镜头。",
        ),
    ],
)
def test_a_film_of_one_shot_is_told_as_one(
    report: FilmReport, words: str, translated: str, request: pytest.FixtureRequest
) -> None:
    """“All 1 shots” is no sentence, and each has another in the other language."""
    told_now = [film_views.text(report), film_views.progress_words(report), film_views.line(report), card(report)]
    assert words in told_now[0]
    assert not any("1 shots" in text for text in told_now)
    request.getfixturevalue("chinese")
    assert translated in film_views.text(report)


def test_what_can_be_one_has_words_for_one() -> None:
    """A number before a word in the plural is wrong for one, unless that has a template of its own."""
    counting = re.compile(r"\{(?!most\})\w+\} (paid )?(shot|task|video|film|frame|candidate)s\b")
    counted = {f"1 {match[1] or ''}{match[2]}" for words in CHINESE if (match := counting.search(words))}
    assert counted
    for one in counted:
        assert any(words.startswith(one) for words in CHINESE), one


def test_a_shot_that_is_made_anew_is_not_told_as_saved() -> None:
    """Else a film would be RENDERING with all of its shots saved."""
    film = a_film()
    some = [saved(take) for take in takes(film)]
    report = told(film, [*some, pending(film.take(2, id="vid_anew", at=T0, count=2))])

    assert film_views.progress_words(report) == "2 of 3 shots saved, 1 rendering"
    assert "is RENDERING: 2 of 3 shots saved, after 60 s of usually 90 s" in film_views.text(report)


def test_a_shot_in_doubt_is_told_in_words() -> None:
    """Who reads UNCERTAIN alone orders it again, and pays twice."""
    looked_for = film_views.text(of(saved, uncertain, pending))
    assert (
        "Shot 2: UNCERTAIN (SubmissionUncertain: “The request was sent and its answer was lost.”). It may have been "
        "charged, and is looked for at DashScope; do not order it again." in looked_for
    )
    report = of(saved, uncertain, saved, at=LONG_AFTER)
    told_now = film_views.text(report)
    task_id = report.shots[1].newest.id
    assert f"It may have been charged; a person settles it with `wan-mcp settle {task_id}`." in told_now
    assert told_now.endswith("Once that is settled, call retake with this film_id for what is missing.")


def test_troubles_that_are_alike_are_told_once() -> None:
    """Sixty shots with an overdue bill are one sentence, not sixty; and nothing stands in empty brackets."""
    overdue = Problem(code="Arrearage", message="Access denied.")
    report = of(lambda take: failed(take, overdue), saved, lambda take: failed(take, overdue))
    assert "Shot 1, 3: FAILED (Arrearage: “Access denied.”)." in film_views.text(report)
    assert "()" not in film_views.text(of(saved, saved, lambda take: brought_to(take, S.CANCELED)))


def test_a_film_called_off_says_what_is_made_all_the_same() -> None:
    """What had started is paid for, and its caller must not think otherwise."""
    film = a_film().to(SOON, canceled_at=SOON, is_unfinished=False)
    report = of(pending, canceled, canceled, film=film)
    assert film_views.text(report).startswith(
        f"{film.id} is called off. What had started is made, paid and kept: shot 1."
    )
    assert film_views.next_words(report) == "Call get_film with this film_id to see what becomes of it."
    assert "called off; what had started is made, paid and kept" in card(report)
    assert "Run `wan-mcp film` with this film_id" in card(report)


def test_the_length_that_is_paid_and_the_length_that_plays_are_told_apart() -> None:
    """A cross-fade makes a film shorter than the sum of its shots, and a title card longer."""
    assert "(3 shots, 20 s, 2.0 MB)" in film_views.text(joined())
    faded = joined(script=a_script(crossfade=1), seconds=18.04)
    assert "(3 shots, 20 s, plays 18.0 s, 2.0 MB)" in film_views.text(faded)
    shown = film_views.structured(faded)
    assert (shown["duration"], shown["plays_seconds"]) == (20, 18.0)


def test_a_film_that_takes_longer_than_usual_is_told_so() -> None:
    """“After 100 s of usually 90 s” is no sentence."""
    assert "after 100 s, longer than the usual 90 s" in film_views.text(of(pending, queued, queued, seconds=100))


def test_what_a_film_costs_leaves_out_what_is_nothing() -> None:
    """In a list there is room for what counts."""
    assert film_views.cost_words(of(saved, pending, failed)) == "6.00 CNY held, 3.00 CNY charged"
    assert film_views.cost_words(joined()) == "12.00 CNY charged"
    assert film_views.cost_words(of(failed, failed, failed)) == "0.00 CNY not charged"


def test_tasks_and_films_stand_in_one_list() -> None:
    """Each on its line and among its like; the terminal and the tool tell the same."""
    early, late = a_report(S.RUNNING, asked_at=T0 - timedelta(hours=1)), a_report(S.RUNNING, asked_at=SOON)
    film = of(queued, queued, queued)
    money = film.held
    budget = Budget(per_task=None, per_day=None, confirm_above=None)
    account = Account(budget=budget, standing=Standing(held=money, charged_today=money * 0), currency="CNY")

    lines, shown = list_views.listing([late, film, early], account)
    assert [line.split(" | ")[0] for line in lines.splitlines()[:3]] == [late.task.id, film.film.id, early.task.id]
    assert f"{film.film.id} | RENDERING | film of 3 shots, 20 s | 12.00 CNY held | The fox" in lines
    assert lines.endswith("Budget: no daily cap (12.00 CNY held, 0.00 CNY charged today).")
    assert [task["asked_at"] for task in shown["tasks"]] == ["2026-11-23T04:01:00Z", "2026-11-23T03:00:00Z"]
    assert [one["asked_at"] for one in shown["films"]] == ["2026-11-23T04:00:00Z"]

    terminal = a_pipe()
    terminal.event(film)
    terminal.list([], account)
    assert "No tasks." in screen(terminal)
    for width in (40, 80):
        console = Console(file=io.StringIO(), width=width)
        console.print(table([late, film, joined(), of(saved, failed, uncertain)], width))
        assert isinstance(console.file, io.StringIO)
        assert "RENDERING" in console.file.getvalue()
        assert all(len(line) <= width for line in console.file.getvalue().splitlines())
        assert "12.00 CNY" in console.file.getvalue()


@pytest.mark.parametrize(
    ("shots", "hurdle"),
    [
        ([], "It would be refused: one video may cost 5.00 CNY at most."),
        ([5] * 4, None),
        ([10, 10], "It would be refused: one"),
    ],
)
def test_the_cap_on_one_video_holds_for_each_shot_of_a_film(shots: list[int], hurdle: str | None) -> None:
    """Twenty seconds are no video, and a film of four shots is none that is too dear."""
    region = REGIONS["cn-beijing"]
    quote = WAN25_T2V.quote(region=region, resolution="720P", duration=20)
    cny = quote.amount
    budget = Budget(per_task=Money(Decimal(5), "CNY"), per_day=None, confirm_above=None)
    account = Account(budget=budget, standing=Standing(held=cny * 0, charged_today=cny * 0), currency="CNY")
    words, shown = money_views.estimate(quote, region, account, shots=shots)
    assert shown.get("hurdle", "")[: len(hurdle or "")] == (hurdle or "")
    assert ("refused" in words) is bool(hurdle)


def card(report: FilmReport) -> str:
    """What a terminal's pipe gets of it."""
    console = Console(file=io.StringIO(), highlight=False, markup=False)
    film_card(console, report)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_card_has_commands_where_a_model_has_tools() -> None:
    """Nobody can call a tool in a shell."""
    film = a_film()
    assert f"`wan-mcp film {film.id}` waits for it" in card(of(queued, queued, queued))
    assert "Run `wan-mcp retake` with the shot's number and another prompt" in card(of(saved, failed, saved))
    assert f"`wan-mcp preview {film.id}` shows the shots" in card(joined(remarks=("A remark.",)))
    assert "A remark." in card(joined(remarks=("A remark.",)))
    broken = told(
        film.to(SOON, cut=tuple(take.id for take in takes(film)), problem=PASSING),
        [saved(take) for take in takes(film)],
    )
    assert "Something went wrong." in card(broken)
    assert "Once it is put right, run `wan-mcp retake`" in card(broken)


def test_an_older_take_in_the_file_is_told() -> None:
    """The retake failed, and the film plays all the same."""
    film = a_film()
    some = [saved(take) for take in takes(film)]
    done = film.to(SOON, cut=tuple(take.id for take in some), file="/fox.mp4", file_bytes=1, seconds=20.0)
    report = told(done, [*some, failed(film.take(2, id="vid_anew", at=T0, count=2), FILTERED)])
    assert "The file has the older take of it. Call retake with the shot's number" in film_views.text(report)


def test_a_bar_fills_with_the_shots_that_are_saved() -> None:
    """Nobody waits in the dark, also for an hour."""
    console = Console(file=io.StringIO(), width=100)
    console.print(Meter(of(saved, pending, queued)))
    assert isinstance(console.file, io.StringIO)
    assert "1:00 of usually 1:30 · 1 of 3 shots saved, 1 rendering, 1 waiting" in console.file.getvalue()
    assert "━" in console.file.getvalue()
