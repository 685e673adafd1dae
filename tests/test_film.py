"""What a film is doing is read off its takes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.films import FILTERED, PASSING, a_film, brought_to, failed, saved, takes
from tests.tasks import T0
from wan_mcp.domain.film import Film, FilmStatus, Join, film_next, film_status, second_try, shots_of
from wan_mcp.domain.task import ANSWER_LOST, LINK_DEAD, SETTLED_BY_PERSON, Problem, Status, VideoTask

S, F = Status, FilmStatus
LATER = T0 + timedelta(hours=30)


def status(film: Film, *attempts: VideoTask) -> FilmStatus:
    """What the film is doing."""
    return film_status(film, shots_of(film, attempts), T0)


def needed(film: Film, *attempts: VideoTask, may_join: bool = True) -> Join | None:
    """What the film needs."""
    return film_next(film, shots_of(film, attempts), T0, may_join=may_join)


def test_a_film_is_rendering_while_any_shot_goes_on_by_itself() -> None:
    """Queued, rendered, or on its way home."""
    film = a_film()
    one, two, three = takes(film)
    home = saved(two)
    on_its_way = replace(home, file=None)
    assert status(film, one, two, three) is F.RENDERING
    assert status(film, saved(one), on_its_way, saved(three)) is F.RENDERING
    assert status(film, failed(one), home, three) is F.RENDERING
    assert needed(film, saved(one), on_its_way, saved(three)) is None


def test_a_film_whose_shots_are_all_at_home_is_joined_once() -> None:
    """In order, and until the file is there."""
    film = a_film()
    cut = [saved(take) for take in takes(film)]
    join = needed(film, *reversed(cut))
    assert join is not None
    assert join.cut == tuple(cut)
    assert status(film, *cut) is F.JOINING
    assert join.ids == tuple(take.id for take in cut)
    made = film.to(T0, cut=join.ids, file="/videos/film.mp4")
    assert (status(made, *cut), needed(made, *cut), made.version) == (F.SUCCEEDED, None, 1)


def test_a_shot_that_failed_for_good_waits_for_the_caller() -> None:
    """A content filter will not change its mind."""
    film = a_film()
    one, two, three = takes(film)
    attempts = [saved(one), failed(two), saved(three)]
    shot = shots_of(film, attempts)[1]
    assert status(film, *attempts) is F.ATTENTION
    assert shot.needs_attention(T0)
    assert shot.is_missing(T0)
    assert needed(film, *attempts) is None


def test_the_newest_take_that_succeeded_is_the_one_in_the_film() -> None:
    """Also where a later one came to nothing: what was good before is good still."""
    film = a_film()
    cut = [saved(take) for take in takes(film)]
    joined = film.to(T0, cut=tuple(take.id for take in cut), file="/videos/film.mp4")
    again = film.take(2, id="vid_again", at=T0, count=2)
    assert status(joined, *cut, again) is F.RENDERING
    assert status(joined, *cut, saved(again)) is F.JOINING
    assert status(joined, *cut, failed(again)) is F.SUCCEEDED
    shot = shots_of(joined, [*cut, failed(again)])[1]
    assert (shot.chosen, shot.needs_attention(T0), shot.is_missing(T0)) == (cut[1], True, False)


def test_a_video_that_was_lost_with_its_link_is_missing() -> None:
    """It was paid for, and there is nothing to join."""
    film = a_film()
    lost = Problem(code=LINK_DEAD, message="gone", money_moved="yes")
    attempts = [saved(take) for take in takes(film)]
    attempts[0] = replace(attempts[0], file=None, problem=lost)
    assert status(film, *attempts) is F.ATTENTION


def test_a_shot_that_only_a_person_can_settle_does_not_keep_a_film_rendering_for_ever() -> None:
    """Nothing that can be looked up will say more."""
    film = a_film()
    attempts = [saved(take) for take in takes(film)]
    attempts[0] = brought_to(takes(film)[0], S.SUBMITTING, S.UNCERTAIN, problem=ANSWER_LOST)
    shots = shots_of(film, attempts)
    assert film_status(film, shots, T0) is F.RENDERING
    assert film_status(film, shots, LATER) is F.ATTENTION


def test_a_cancelled_film_is_over_once_nothing_of_it_runs() -> None:
    """What had started is made, paid for and kept."""
    film = a_film(canceled_at=T0)
    one, two, three = takes(film)
    ended = [saved(one), two.to(S.CANCELED, T0), three.to(S.CANCELED, T0)]
    assert status(film, one, *ended[1:]) is F.RENDERING
    assert status(film, *ended) is F.CANCELED
    assert needed(film, *(saved(take) for take in takes(film))) is None


def test_what_could_not_be_joined_is_not_tried_for_ever() -> None:
    """A shot's file that is gone does not come back; an extra that was missing may be there now."""
    film = a_film()
    cut = [saved(take) for take in takes(film)]
    ids = tuple(take.id for take in cut)
    broken = film.to(T0, cut=ids, problem=Problem(code="VideoUnusable", message="gone"))
    without = film.to(T0, cut=ids, problem=Problem(code="MediaMissing", message="extra"))
    assert status(broken, *cut) is F.ATTENTION
    assert needed(broken, *cut) is None
    assert needed(without, *cut, may_join=False) is None
    assert needed(film, *cut, may_join=False) == Join(tuple(cut))
    assert needed(without, *cut) == Join(tuple(cut))


def test_a_shot_that_failed_for_a_passing_reason_is_tried_once_more() -> None:
    """Within the price agreed, and under an id that nobody can reserve twice."""
    shot = takes(a_film())[1]
    again = second_try(failed(shot, PASSING))
    assert again is not None
    assert (again.shot, again.take, again.cost, again.request) == (2, 2, shot.cost, shot.request)
    assert again.id != shot.id
    assert again == second_try(failed(shot, PASSING))
    assert second_try(failed(again, PASSING)) is None


def test_a_shot_that_nobody_looked_after_or_that_a_person_settled_is_not_bought_again() -> None:
    """Nobody wants yesterday's shot charged today, nor the one that they have just given up."""
    shot = takes(a_film())[1]
    pending = brought_to(shot, S.SUBMITTING, S.PENDING, at=T0, sent_at=T0)
    assert second_try(pending.to(S.FAILED, T0 + timedelta(minutes=59), problem=PASSING)) is not None
    assert second_try(pending.to(S.FAILED, T0 + timedelta(minutes=61), problem=PASSING)) is None
    assert second_try(failed(shot, SETTLED_BY_PERSON)) is None


@pytest.mark.parametrize(
    "code", ["DataInspectionFailed", "InvalidParameter", "Arrearage", "InvalidApiKey", "NobodyKnows"]
)
def test_what_speaks_against_the_request_or_the_account_is_not_tried_again(code: str) -> None:
    """It would fail again, or cost again."""
    shot = takes(a_film())[0]
    assert second_try(failed(shot, Problem(code=code, message=""))) is None


def test_a_single_task_is_never_tried_again_by_itself() -> None:
    """Only a film's price was agreed for a whole."""
    single = replace(takes(a_film())[0], film_id=None)
    assert second_try(failed(single, PASSING)) is None
    assert second_try(takes(a_film())[0]) is None
    assert second_try(failed(takes(a_film())[0], FILTERED)) is None


def test_the_price_of_a_film_is_the_sum_of_its_shots() -> None:
    """20 seconds at 0.60."""
    film = a_film()
    assert str(film.price) == "12.00 CNY"
    assert sum(take.cost.amount for take in takes(film)) == film.price.amount
