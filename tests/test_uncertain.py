"""When the answer to a submission is lost: one POST, plain words, and the truth found out later."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.conftest import HandClock, made, opened
from tests.making import CAT, a_request, pass_time
from wan_mcp.domain.caller import Rights
from wan_mcp.domain.errors import SubmissionUncertain, TooLate, UnknownTask
from wan_mcp.domain.task import Status
from wan_mcp.server import views
from wan_mcp.service.videos import Videos
from wan_mcp.settings import Settings
from wan_mcp.simulator import Simulator, serving

pytestmark = pytest.mark.anyio

LOST_ANSWERS: list[dict[str, Any]] = [
    {"kind": "drop"},
    {"kind": "html", "status": 502},
    {"kind": "html", "status": 504},
    {"kind": "html", "status": 200},
    {"kind": "empty"},
    {"kind": "half"},
    {"kind": "garbage"},
    {"kind": "refuse", "code": "InternalError", "status": 500},
    {"kind": "refuse", "code": "ModelUnavailable", "status": 503},
]


def posts(simulator: Simulator) -> int:
    """How many creations were sent."""
    return sum(call.method == "POST" for call in simulator.requests)


@pytest.mark.parametrize("mishap", LOST_ANSWERS, ids=lambda m: f"{m['kind']}-{m.get('status', '')}")
async def test_a_task_whose_answer_was_lost_is_never_sent_again(
    videos: Videos, simulator: Simulator, clock: HandClock, mishap: dict[str, Any]
) -> None:
    """DashScope has no idempotency key: a second POST is a second bill."""
    simulator.mishap(on="create", accept=True, **mishap)

    task = (await videos.create(a_request(), agreed=False)).task
    assert task.status is Status.UNCERTAIN
    assert task.money_state == "held"
    await pass_time(videos, clock, minutes=5)

    task = (await videos.get(task.id)).task
    assert posts(simulator) == 1
    assert task.status is Status.SUCCEEDED
    assert task.file is not None
    assert Path(task.file).exists()
    assert task.money_state == "charged"


@pytest.mark.parametrize("mishap", LOST_ANSWERS, ids=lambda m: f"{m['kind']}-{m.get('status', '')}")
async def test_what_never_arrived_is_released_after_the_list_was_read_twice(
    videos: Videos, simulator: Simulator, clock: HandClock, mishap: dict[str, Any]
) -> None:
    """No reservation may hold money for ever, and nobody has measured how far the list lags."""
    simulator.mishap(on="create", accept=False, **mishap)
    task = (await videos.create(a_request(), agreed=False)).task

    await pass_time(videos, clock, minutes=10)
    assert (await videos.get(task.id)).task.status is Status.UNCERTAIN
    await pass_time(videos, clock, minutes=10)

    task = (await videos.get(task.id)).task
    assert task.status is Status.FAILED
    assert task.problem is not None
    assert task.problem.code == "NeverArrived"
    assert task.money_state == "free"
    assert posts(simulator) == 1


async def test_a_list_that_lags_does_not_release_a_task_that_runs(
    videos: Videos, simulator: Simulator, clock: HandClock
) -> None:
    """The first silence of the list proves nothing."""
    simulator.mishap(on="create", kind="list_lag", seconds=300)
    simulator.mishap(on="create", kind="drop", accept=True)
    task = (await videos.create(a_request(), agreed=False)).task

    await pass_time(videos, clock, minutes=20)

    assert (await videos.get(task.id)).task.status is Status.SUCCEEDED


async def test_a_foreign_task_with_another_prompt_is_given_back(
    videos: Videos, simulator: Simulator, clock: HandClock
) -> None:
    """Another program on the account created its own task in the same window; ours never arrived."""
    simulator.mishap(on="create", kind="drop", accept=False)
    task = (await videos.create(a_request(), agreed=False)).task
    simulator.foreign_task(prompt="somebody else's")

    await pass_time(videos, clock, minutes=40)

    task = (await videos.get(task.id)).task
    assert task.status is Status.FAILED
    assert task.dashscope_task_id is None
    assert task.file is None


async def test_a_foreign_task_that_fails_releases_no_money_of_ours(
    videos: Videos, simulator: Simulator, clock: HandClock
) -> None:
    """It never shows whose it was; ours runs meanwhile, and the list did not show it yet."""
    simulator.mishap(on="create", kind="list_lag", seconds=240)
    simulator.mishap(on="create", kind="drop", accept=True)
    task = (await videos.create(a_request(), agreed=False)).task
    foreign = simulator.foreign_task(prompt="somebody else's")
    foreign.fate = replace(foreign.fate, failure=("InternalError", "It broke."))

    await pass_time(videos, clock, minutes=3)
    doubtful = await videos.get(task.id)
    assert (doubtful.task.status, doubtful.task.money_state) == (Status.UNCERTAIN, "held")
    assert [entry.dashscope_task_id for entry in await videos.history(doubtful)].count(foreign.id) > 0, "it was taken"
    await pass_time(videos, clock, minutes=20)

    task = (await videos.get(task.id)).task
    assert (task.status, task.money_state) == (Status.SUCCEEDED, "charged")
    assert task.dashscope_task_id == simulator.accepted[0].id


async def test_one_that_failed_is_ours_when_the_list_has_no_other(
    videos: Videos, simulator: Simulator, clock: HandClock
) -> None:
    """Held for ever would be wrong too."""
    simulator.mishap(on="create", kind="fail", code="InternalError", message="It broke.", after=30)
    simulator.mishap(on="create", kind="drop", accept=True)
    task = (await videos.create(a_request(), agreed=False)).task

    await pass_time(videos, clock, minutes=20)

    task = (await videos.get(task.id)).task
    assert (task.status, task.money_state) == (Status.FAILED, "free")
    assert task.dashscope_task_id == simulator.accepted[0].id


async def test_ours_is_found_among_foreign_tasks_by_its_prompt(
    videos: Videos, simulator: Simulator, clock: HandClock
) -> None:
    """The list names no prompt, but a query does."""
    for number in range(3):
        simulator.foreign_task(prompt=f"foreign {number}")
    simulator.mishap(on="create", kind="drop", accept=True)
    task = (await videos.create(a_request(), agreed=False)).task
    simulator.foreign_task(prompt="one more")

    await pass_time(videos, clock, minutes=10)

    task = (await videos.get(task.id)).task
    assert task.status is Status.SUCCEEDED
    assert task.dashscope_task_id == simulator.accepted[0].id


async def test_several_candidates_wait_for_a_person(videos: Videos, simulator: Simulator, clock: HandClock) -> None:
    """Twins cannot be told apart by their prompt; a wrong adoption would lose one of them."""
    simulator.mishap(on="create", kind="drop", accept=True)
    task = (await videos.create(a_request(), agreed=False)).task
    twin = simulator.foreign_task(prompt=CAT)

    await pass_time(videos, clock, minutes=30)

    task = (await videos.get(task.id)).task
    assert task.status is Status.UNCERTAIN
    assert task.problem is not None
    assert task.problem.code == "SeveralCandidates"
    assert twin.id in task.problem.message

    ours = simulator.accepted[0].id
    settled = (await videos.settle(task.id, remote_id=ours)).task
    assert settled.status is Status.SUCCEEDED
    await pass_time(videos, clock, minutes=1)
    assert (await videos.get(task.id)).task.file is not None


async def test_of_many_candidates_the_first_are_named(videos: Videos, simulator: Simulator, clock: HandClock) -> None:
    """The words stand in every list and every answer about the task: a busy account must not fill them with ids."""
    simulator.mishap(on="create", kind="drop", accept=True)
    task = (await videos.create(a_request(), agreed=False)).task
    ids = sorted([simulator.accepted[0].id, *(simulator.foreign_task(prompt=CAT).id for _ in range(7))])

    await pass_time(videos, clock, minutes=30)

    problem = (await videos.get(task.id)).task.problem
    assert problem is not None
    assert problem.message == f"The answer was lost; at DashScope it may be: {', '.join(ids[:5])} and 3 more."


async def test_a_person_can_say_that_it_never_came_to_be(
    videos: Videos, simulator: Simulator, clock: HandClock
) -> None:
    """What only a person knows ends here, and the money is free again."""
    simulator.mishap(on="create", kind="drop", accept=False)
    task = (await videos.create(a_request(), agreed=False)).task

    settled = (await videos.settle(task.id, remote_id=None)).task

    assert settled.status is Status.FAILED
    assert settled.problem is not None
    assert settled.problem.code == "SettledByPerson"
    assert (await videos.spending.account()).standing.held.amount == 0


async def test_only_what_is_in_doubt_can_be_settled(videos: Videos) -> None:
    """A task that is being watched has an end of its own."""
    task = (await videos.create(a_request(), agreed=False)).task

    with pytest.raises(TooLate):
        await videos.settle(task.id, remote_id=None)


async def test_settling_with_a_task_that_dashscope_does_not_know_changes_nothing(
    videos: Videos, simulator: Simulator
) -> None:
    """A typing error must not close a paid task."""
    simulator.mishap(on="create", kind="drop", accept=True)
    task = (await videos.create(a_request(), agreed=False)).task

    with pytest.raises(UnknownTask):
        await videos.settle(task.id, remote_id="00000000-0000-4000-8000-000000000000")

    assert (await videos.get(task.id)).task.status is Status.UNCERTAIN


async def test_two_lost_answers_in_one_window_are_told_apart(
    videos: Videos, simulator: Simulator, clock: HandClock
) -> None:
    """One arrived and one did not: each waits for proof rather than take the other's."""
    simulator.mishap(on="create", kind="drop", accept=False, prompt_contains="first")
    simulator.mishap(on="create", kind="drop", accept=True, prompt_contains="second")
    first = (await videos.create(a_request("the first"), agreed=False)).task
    second = (await videos.create(a_request("the second"), agreed=False)).task

    await pass_time(videos, clock, minutes=60)

    assert (await videos.get(first.id)).task.status is Status.FAILED
    assert (await videos.get(second.id)).task.status is Status.SUCCEEDED


async def test_the_same_request_while_in_doubt_returns_the_first_task(videos: Videos, simulator: Simulator) -> None:
    """A model that reads of a lost answer will call again, whatever it is told."""
    simulator.mishap(on="create", kind="drop", accept=True)
    first = await videos.create(a_request(), agreed=False)
    again = await videos.create(a_request(), agreed=False)

    assert again.task.id == first.task.id
    assert again.is_known_request
    assert posts(simulator) == 1


async def test_a_search_that_cannot_read_the_list_proves_nothing(
    videos: Videos, simulator: Simulator, clock: HandClock
) -> None:
    """An outage of the list must not release a task that may run."""
    simulator.mishap(on="list", kind="html", status=503, times=None)
    simulator.mishap(on="create", kind="drop", accept=True)
    task = (await videos.create(a_request(), agreed=False)).task

    await pass_time(videos, clock, minutes=60)

    assert (await videos.get(task.id)).task.status is Status.UNCERTAIN


@pytest.mark.parametrize("ahead", [timedelta(minutes=-30), timedelta(minutes=30)])
async def test_a_lost_task_is_found_though_the_clocks_differ(
    clock: HandClock, tmp_path: Path, ahead: timedelta
) -> None:
    """A machine whose clock is off would else look in the wrong window, release the money, and pay twice."""
    elsewhere = Simulator(now=lambda: clock.now() + ahead, media="clip", run_delay=8, run_time=60)
    async with serving(elsewhere) as url, opened(made(url, tmp_path), clock) as videos:
        elsewhere.mishap(on="create", kind="drop", accept=True)
        task = (await videos.create(a_request(), agreed=False)).task
        await pass_time(videos, clock, minutes=10)

        report = await videos.get(task.id)
        assert report.task.status is Status.SUCCEEDED
        assert report.elapsed == timedelta(seconds=68)


class SetClock(HandClock):
    """A clock that somebody sets, as a machine's is by whoever travels, or by the network after a start."""

    apart = timedelta(0)

    def now(self) -> datetime:
        return self.time + self.apart

    def ticks(self) -> float:
        return self.time.timestamp()


@pytest.mark.parametrize("hours", [-3, 3])
async def test_a_lost_task_is_found_though_the_clock_was_set_meanwhile(tmp_path: Path, hours: float) -> None:
    """By the new time it was sent at another hour; the list would have nothing of that hour, and we would pay twice."""
    clock = SetClock()
    dashscope = Simulator(now=lambda: clock.time, media="clip", run_delay=8, run_time=60)
    async with serving(dashscope) as url, opened(made(url, tmp_path), clock) as videos:
        await videos.create(a_request("another"), agreed=False)  # its answer tells DashScope's time
        clock.turn(600)
        dashscope.mishap(on="create", kind="drop", accept=True)
        task = (await videos.create(a_request(), agreed=False)).task
        clock.apart = timedelta(hours=hours)
        await pass_time(videos, clock, minutes=240, step=60)

        assert (await videos.get(task.id)).task.status is Status.SUCCEEDED
        assert len(dashscope.accepted) == 2


async def test_two_lost_answers_neither_of_which_arrived_are_both_released(
    videos: Videos, simulator: Simulator, clock: HandClock
) -> None:
    """Each was in doubt about the other, and the money of both would have been held for ever."""
    simulator.mishap(on="create", kind="html", status=502, times=2)
    one = (await videos.create(a_request("the first"), agreed=False)).task
    two = (await videos.create(a_request("the second"), agreed=False)).task

    await pass_time(videos, clock, minutes=20)

    assert [(await videos.get(task.id)).task.status for task in (one, two)] == [Status.FAILED, Status.FAILED]


async def test_after_a_day_only_a_person_can_tell_and_is_told_so(
    videos: Videos, simulator: Simulator, clock: HandClock
) -> None:
    """DashScope's list reaches back 24 hours, so nobody looks any more."""
    simulator.mishap(on="list", kind="html", status=503, times=None)
    simulator.mishap(on="create", kind="drop", accept=True)
    task = (await videos.create(a_request(), agreed=False)).task
    await pass_time(videos, clock, minutes=25 * 60, step=3600)
    asked = len(simulator.requests)
    await pass_time(videos, clock, minutes=60)

    report = await videos.get(task.id)
    assert report.is_for_a_person
    assert "wan-mcp settle" in views.text(report)
    assert len(simulator.requests) == asked


async def test_what_is_another_tasks_cannot_settle_this_one(videos: Videos, simulator: Simulator) -> None:
    """One remote task is paid for once and belongs to one of ours."""
    await videos.create(a_request("mine"), agreed=False)
    simulator.mishap(on="create", kind="drop", accept=False)
    lost = (await videos.create(a_request("lost"), agreed=False)).task

    with pytest.raises(TooLate):
        await videos.settle(lost.id, remote_id=simulator.accepted[0].id)


async def test_a_task_that_failed_leaves_no_doubt_to_a_person(
    videos: Videos, simulator: Simulator, clock: HandClock
) -> None:
    """It shows no prompt, so it could be either's; but it cost nothing, and neither is worth holding money for."""
    simulator.mishap(on="create", kind="fail")
    simulator.mishap(on="create", kind="drop", accept=True)
    simulator.mishap(on="create", kind="drop", accept=False)
    for prompt in ("arrived, and failed", "never arrived"):
        await videos.create(a_request(prompt), agreed=False)

    await pass_time(videos, clock, minutes=40)

    ends = [report.task for report in await videos.newest(status=None, limit=5)]
    assert [task.status for task in ends] == [Status.FAILED, Status.FAILED]
    assert sorted(task.problem.code for task in ends if task.problem) == ["InternalError", "NeverArrived"]


async def test_a_foreign_task_that_failed_does_not_release_ours(
    videos: Videos, simulator: Simulator, clock: HandClock
) -> None:
    """Alone in a list that lags, it would be taken for ours, whose charge nobody would ever know of."""
    simulator.mishap(on="create", kind="list_lag", seconds=300)
    simulator.mishap(on="create", kind="drop", accept=True)
    task = (await videos.create(a_request(), agreed=False)).task
    foreign = simulator.foreign_task(prompt="somebody else's")
    simulator.mishap(kind="fail", task_id=foreign.id, after=1)

    await pass_time(videos, clock, minutes=40)

    assert (await videos.get(task.id)).task.status is Status.SUCCEEDED


async def test_a_remote_task_that_may_be_ours_is_not_fetched_as_one_made_elsewhere(
    videos: Videos, simulator: Simulator, clock: HandClock
) -> None:
    """Fetched at no cost, it would be nobody's bill, and ours would be said never to have arrived."""
    simulator.mishap(on="create", kind="drop", accept=True)
    task = (await videos.create(a_request(), agreed=False)).task
    [remote] = simulator.accepted

    with pytest.raises(SubmissionUncertain) as told:
        await videos.get(remote.id)
    assert f"wan-mcp settle {task.id} --is {remote.id}" in told.value.words
    await pass_time(videos, clock, minutes=5)

    found = (await videos.get(remote.id)).task
    assert (found.id, found.status, found.money_state) == (task.id, Status.SUCCEEDED, "charged")
    assert (await videos.spending.account()).standing.charged_today == task.cost


async def test_what_cannot_be_ours_is_fetched_while_another_is_in_doubt(
    videos: Videos, simulator: Simulator, clock: HandClock
) -> None:
    """It was made at another time, or shows another prompt."""
    simulator.mishap(on="create", kind="drop", accept=True)
    early = simulator.foreign_task(prompt="made before")
    clock.turn(600)
    await videos.create(a_request(), agreed=False)
    late = simulator.foreign_task(prompt="somebody else's")

    assert (await videos.get(early.id)).task.cost.amount == 0
    with pytest.raises(SubmissionUncertain):
        await videos.get(late.id)
    await pass_time(videos, clock, minutes=5)
    assert (await videos.get(late.id)).task.request.prompt == "somebody else's"


async def test_who_is_in_doubt_is_not_told_to_another_caller(
    settings: Settings, simulator: Simulator, clock: HandClock
) -> None:
    """One caller sees nothing of another's tasks, nor their ids."""
    simulator.mishap(on="create", kind="drop", accept=True)
    async with opened(settings, clock, rights={"carol": Rights(may_adopt=True)}.get) as videos:
        await videos.create(a_request(), agreed=False)
        with pytest.raises(UnknownTask):
            await videos.get(simulator.accepted[0].id, caller="carol")


async def test_what_is_on_its_way_is_not_found_for_another_task(
    videos: Videos, simulator: Simulator, clock: HandClock
) -> None:
    """It stands in DashScope's list before we have its answer; its caller would hear that its id is another's."""
    simulator.mishap(on="create", kind="drop", accept=False)
    lost = (await videos.create(a_request("lost"), agreed=False)).task
    clock.turn(15)
    simulator.mishap(on="create", kind="delay", seconds=0.5)
    tasks: list[str] = []

    async def create() -> None:
        tasks.append((await videos.create(a_request("slow"), agreed=False)).task.id)

    async with anyio.create_task_group() as meanwhile:
        meanwhile.start_soon(create)
        while not simulator.accepted:  # noqa: ASYNC110 - the simulator brings it about
            await anyio.sleep(0.01)
        clock.turn(10)
        await videos.watcher.turn()
        looked_for = (await videos.get(lost.id)).task
        assert (looked_for.status, looked_for.dashscope_task_id) == (Status.UNCERTAIN, None)
        assert not looked_for.is_for_a_person(clock.now()), "the answer will tell"
    slow = (await videos.get(tasks[0])).task
    assert slow.dashscope_task_id == simulator.accepted[0].id
    await pass_time(videos, clock, minutes=40)

    ends = [(await videos.get(task_id)).task.status for task_id in (lost.id, slow.id)]
    assert ends == [Status.FAILED, Status.SUCCEEDED]
