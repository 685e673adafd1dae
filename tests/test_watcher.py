"""The watch over every open task: faults are ridden out, queues served, restarts survived, files brought home."""

import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.conftest import HandClock, made, opened
from tests.making import a_request, pass_time
from tests.standin import saying, standing_in
from wan_mcp.domain.errors import SubmissionUncertain
from wan_mcp.domain.task import Status, VideoTask
from wan_mcp.service import watcher
from wan_mcp.service.composition import open_service
from wan_mcp.service.videos import Videos
from wan_mcp.settings import Settings
from wan_mcp.simulator import Simulator

pytestmark = pytest.mark.anyio


async def created(videos: Videos, prompt: str = "a cat", **more: object) -> VideoTask:
    """A task just made."""
    return (await videos.create(a_request(prompt, **more), agreed=True)).task


async def latest(videos: Videos, task: VideoTask) -> VideoTask:
    """The same task as it stands now."""
    return (await videos.get(task.id)).task


# Sending


@asynccontextmanager
async def nothing_more_can_be_written(ledger: Path) -> AsyncGenerator[Callable[[], Awaitable[None]]]:
    """A disk that is full once a task is reserved, until the yielded function is called."""
    with closing(sqlite3.connect(ledger, isolation_level=None)) as db:
        db.execute("CREATE TRIGGER full BEFORE INSERT ON entries WHEN NEW.version > 0 BEGIN SELECT json('{'); END")

        async def make_room() -> None:
            db.execute("DROP TRIGGER IF EXISTS full")

        yield make_room
        await make_room()


async def test_what_dashscope_said_is_written_once_there_is_room_for_it(
    videos: Videos, settings: Settings, clock: HandClock, simulator: Simulator
) -> None:
    """A disk that is full for a second costs nobody a paid task."""
    async with nothing_more_can_be_written(settings.ledger) as make_room:
        clock.while_asleep = make_room
        task = await created(videos)

    assert (await latest(videos, task)).dashscope_task_id == simulator.accepted[0].id


async def test_what_could_not_be_written_down_is_found_again_and_not_sent_again(
    videos: Videos, settings: Settings, clock: HandClock, simulator: Simulator
) -> None:
    """The caller gets DashScope's own id, which is nowhere else now, and is told not to create it again."""
    async with nothing_more_can_be_written(settings.ledger):
        with pytest.raises(SubmissionUncertain, match="could not be written down") as failure:
            await created(videos)
    [remote] = simulator.accepted
    assert remote.id in failure.value.what
    assert failure.value.money_moved == "maybe"

    await pass_time(videos, clock, minutes=20)

    [report] = await videos.newest(status=None, limit=5)
    assert (report.task.status, report.task.dashscope_task_id) == (Status.SUCCEEDED, remote.id)
    assert len(simulator.accepted) == 1


# Looking

TRANSIENT: list[dict[str, Any]] = [
    {"kind": "throttle"},
    {"kind": "throttle", "retry_after": 3},
    {"kind": "refuse", "code": "InternalError"},
    {"kind": "refuse", "code": "ModelUnavailable", "status": 503},
    {"kind": "garbage"},
    {"kind": "half"},
    {"kind": "empty"},
    {"kind": "html", "status": 502},
    {"kind": "drop"},
    {"kind": "refuse", "code": "InvalidApiKey"},
    {"kind": "refuse", "code": "Throttling", "status": 200},
]


@pytest.mark.parametrize("mishap", TRANSIENT, ids=str)
async def test_a_look_that_fails_is_just_tried_later(
    videos: Videos, simulator: Simulator, clock: HandClock, mishap: dict[str, Any]
) -> None:
    """The id stays, and nobody gets an error for it."""
    task = await created(videos)
    simulator.mishap(on="query", times=2, **mishap)

    clock.turn(30)
    await videos.watcher.turn()
    report = await videos.get(task.id)
    assert report.task.status is Status.PENDING
    assert report.trouble is not None
    await pass_time(videos, clock, minutes=8)

    assert (await latest(videos, task)).status is Status.SUCCEEDED


async def test_a_network_dead_for_ten_minutes_loses_nothing(
    videos: Videos, simulator: Simulator, clock: HandClock
) -> None:
    """A laptop in a train must not lose a paid task; looks keep a growing distance meanwhile."""
    task = await created(videos)
    simulator.mishap(on="query", kind="drop", times=None)
    before = len(simulator.requests)
    await pass_time(videos, clock, minutes=10)
    tried = len(simulator.requests) - before
    simulator.script.clear()

    await pass_time(videos, clock, minutes=4)

    assert tried < 10
    assert (await latest(videos, task)).file is not None


async def test_unknown_ends_the_watch_and_keeps_the_money_held(
    videos: Videos, simulator: Simulator, clock: HandClock
) -> None:
    """Peers poll an expired task for ever; we would rather refuse a video than spend twice."""
    task = await created(videos)
    simulator.mishap(on="query", kind="unknown", times=None)
    await pass_time(videos, clock, minutes=2)
    asked = len(simulator.requests)
    await pass_time(videos, clock, minutes=5)

    task = await latest(videos, task)
    assert task.status is Status.UNKNOWN
    assert task.money_state == "held"
    assert len(simulator.requests) == asked


async def test_a_failed_task_costs_nothing_and_tells_dashscopes_reason(
    videos: Videos, simulator: Simulator, clock: HandClock
) -> None:
    """Only successful seconds are billed."""
    simulator.mishap(on="create", kind="fail", code="DataInspectionFailed")
    task = await created(videos)
    await pass_time(videos, clock, minutes=3)

    task = await latest(videos, task)
    assert task.status is Status.FAILED
    assert task.problem is not None
    assert task.problem.code == "DataInspectionFailed"
    assert task.money_state == "free"


async def test_a_failure_without_a_reason_names_the_request(
    videos: Videos, simulator: Simulator, clock: HandClock
) -> None:
    """Some failed tasks carry neither code nor message; the request id is what Alibaba's support asks for."""
    simulator.mishap(on="create", kind="fail", code=None)
    task = await created(videos)
    await pass_time(videos, clock, minutes=3)

    task = await latest(videos, task)
    assert task.problem is not None
    assert "request" in task.problem.message


async def test_a_task_that_nobody_ends_is_given_up_after_a_day(
    videos: Videos, simulator: Simulator, clock: HandClock
) -> None:
    """DashScope forgets; a watch without an end would hold a place and money for ever."""
    task = await created(videos)
    simulator.mishap(on="query", kind="drop", times=None)
    await pass_time(videos, clock, minutes=29 * 60, step=1800)

    assert (await latest(videos, task)).status is Status.UNKNOWN


# When to look


async def followed(videos: Videos, clock: HandClock, prompt: str) -> list[float]:
    """Make a video, turn the clock from look to look until its end is known, and say when the looks were."""
    task = await created(videos, prompt)
    began, looks = clock.now(), list[float]()
    while (until := videos.attending.until_next_look(task)) is not None:
        clock.turn(until.total_seconds())
        looks.append((clock.now() - began).total_seconds())
        await videos.watcher.turn()
        task = await latest(videos, task)
    return looks


async def test_looks_lie_where_an_end_is_likely_and_better_with_every_video(
    url: str, tmp_path: Path, clock: HandClock
) -> None:
    """The simulator's videos take 68 seconds; the catalogue says 90."""
    async with opened(made(url, tmp_path, WAN_MCP_POLL_INTERVAL=None), clock) as videos:
        first = await followed(videos, clock, "the first")
        *_, last = [await followed(videos, clock, f"another {number}") for number in range(6)]

    assert first[0] == last[0] == 12
    assert 68 <= last[-1] < 68 + 5
    assert 68 <= first[-1] < 68 + 15


async def test_a_person_may_set_the_gap_between_two_looks(videos: Videos, clock: HandClock) -> None:
    """For a proxy that counts, or a service that is faster than any prior."""
    assert await followed(videos, clock, "a cat") == [30, 60, 90]


async def test_after_a_restart_not_all_looks_are_begun_at_once(
    settings: Settings, clock: HandClock, simulator: Simulator
) -> None:
    """Thousands may be due in one moment; they would all lie in memory, waiting for their turn to ask."""
    async with opened(settings, clock) as videos:
        for number in range(5):
            await created(videos, f"take {number}")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(watcher, "_LOOKS_AT_ONCE", 2)
            before = len(simulator.requests)
            clock.turn(30)
            await videos.watcher.turn()
            assert len(simulator.requests) - before == 2
            await videos.watcher.turn()
            await videos.watcher.turn()

    assert len(simulator.requests) - before == 5


async def test_a_caller_is_told_to_ask_again_when_more_is_known(videos: Videos, clock: HandClock) -> None:
    """Sooner than our own next look, nobody here can say anything new."""
    task = await created(videos)
    assert videos.attending.until_next_look(task) == timedelta(seconds=30)
    clock.turn(20)
    assert videos.attending.until_next_look(task) == timedelta(seconds=10)

    await pass_time(videos, clock, minutes=3)
    assert videos.attending.until_next_look(await latest(videos, task)) is None


# The queue


async def test_what_exceeds_the_limits_waits_with_us_and_is_sent_in_turn(
    videos: Videos, simulator: Simulator, clock: HandClock
) -> None:
    """A burst is never an error: five run, five a second are sent, the rest waits its turn."""
    tasks = [await created(videos, f"take {number}") for number in range(12)]

    assert [task.status for task in tasks] == [Status.PENDING] * 5 + [Status.QUEUED] * 7
    assert (await videos.get(tasks[5].id)).place == 1
    assert (await videos.get(tasks[11].id)).place == 7
    for _ in range(40):
        clock.turn(30)
        await videos.watcher.turn()
        running = [t for t in simulator.accepted if simulator.status(t.id) in ("PENDING", "RUNNING")]
        assert len(running) <= 5

    ended = [await latest(videos, task) for task in tasks]
    assert [task.status for task in ended] == [Status.SUCCEEDED] * 12
    assert not any(call.status == 429 for call in simulator.requests)
    order = [task.order.prompt for task in simulator.accepted]
    assert order == [f"take {number}" for number in range(12)]


async def test_before_the_end_what_is_being_sent_is_waited_for_and_nothing_more_is_sent(
    videos: Videos, simulator: Simulator, clock: HandClock
) -> None:
    """Whoever asked for it: a stop that waited for callers only would leave a film's shot half paid."""
    for number in range(7):
        await created(videos, f"a cat {number}")
    clock.turn(200)
    at_rest = anyio.Event()
    with videos.sending.submitting():
        async with anyio.create_task_group() as stop:

            async def rest() -> None:
                await videos.sending.at_rest()
                at_rest.set()

            stop.start_soon(rest)
            await anyio.wait_all_tasks_blocked()
            assert videos.sending.is_submitting
            assert not at_rest.is_set()
            stop.cancel_scope.cancel()
    await videos.sending.at_rest()
    await pass_time(videos, clock, minutes=8)
    assert len(simulator.accepted) == 5
    assert len(await videos.newest(status=Status.QUEUED, limit=9)) == 2


async def test_a_rate_limit_of_dashscope_becomes_a_place_in_the_queue(
    videos: Videos, simulator: Simulator, clock: HandClock
) -> None:
    """Other programs on the account use up its limits too."""
    simulator.mishap(on="create", kind="throttle", times=3)

    task = await created(videos)
    assert task.status is Status.QUEUED
    assert task.money_state == "held"
    await pass_time(videos, clock, minutes=6)

    assert (await latest(videos, task)).status is Status.SUCCEEDED
    assert simulator.accepted_for("a cat") == 1


async def test_a_queued_task_is_cancelled_for_nothing_and_never_sent(
    videos: Videos, simulator: Simulator, clock: HandClock
) -> None:
    """What waits with us has cost nothing yet."""
    tasks = [await created(videos, f"take {number}") for number in range(6)]

    report = await videos.cancel(tasks[5].id)
    await pass_time(videos, clock, minutes=6)

    assert report.task.status is Status.CANCELED
    assert simulator.accepted_for("take 5") == 0


async def test_a_queued_task_that_dashscope_refuses_fails_and_frees_its_money(
    videos: Videos, simulator: Simulator, clock: HandClock
) -> None:
    """Nobody waits on the call any more, so the record must say it."""
    tasks = [await created(videos, f"take {number}") for number in range(6)]
    simulator.mishap(on="create", kind="refuse", code="Arrearage")
    await pass_time(videos, clock, minutes=4)

    task = await latest(videos, tasks[5])
    assert task.status is Status.FAILED
    assert task.problem is not None
    assert task.problem.code == "Arrearage"


async def test_a_small_caller_is_not_starved_by_a_large_one(
    videos: Videos, simulator: Simulator, clock: HandClock
) -> None:
    """A film of many shots does not shut out a neighbour."""
    for number in range(20):
        await videos.create(a_request(f"film {number}"), agreed=True, caller="studio")
    for number in range(3):
        await videos.create(a_request(f"card {number}"), agreed=True, caller="neighbour")
    await pass_time(videos, clock, minutes=25)

    order = [task.order.prompt for task in simulator.accepted]
    assert len(order) == 23
    assert max(order.index(f"card {number}") for number in range(3)) < 12


async def test_a_queue_that_cannot_reach_dashscope_waits(
    videos: Videos, simulator: Simulator, clock: HandClock, tmp_path: Path
) -> None:
    """What was queued is wanted still when the network is back."""
    tasks = [await created(videos, f"take {number}") for number in range(6)]
    simulator.mishap(on="create", kind="throttle", times=4)
    await pass_time(videos, clock, minutes=12)

    assert (await latest(videos, tasks[5])).status is Status.SUCCEEDED


# Restarts


async def test_open_tasks_are_watched_again_after_a_restart(
    settings: Settings, clock: HandClock, simulator: Simulator
) -> None:
    """Nothing paid for is lost when a laptop is closed."""
    async with opened(settings, clock) as videos:
        task = await created(videos)
    clock.turn(600)

    async with opened(settings, clock) as videos:
        await videos.watcher.turn()
        await videos.watcher.turn()
        ended = await latest(videos, task)

    assert ended.status is Status.SUCCEEDED
    assert ended.file is not None
    assert len(simulator.accepted) == 1


async def test_a_finished_video_is_saved_after_a_restart(
    settings: Settings, clock: HandClock, simulator: Simulator
) -> None:
    """The link lives for a day, whoever was there when it came."""
    async with opened(settings, clock) as videos:
        task = await created(videos)
        simulator.mishap(on="download", kind="reset", keep=0.2)
        await pass_time(videos, clock, minutes=3, step=60)
        assert (await latest(videos, task)).file is None

    async with opened(settings, clock) as videos:
        await videos.watcher.turn()
        assert (await latest(videos, task)).file is not None


async def test_a_queue_found_an_hour_later_is_released(
    settings: Settings, clock: HandClock, simulator: Simulator
) -> None:
    """Nobody wants yesterday's video charged today."""
    async with opened(settings, clock) as videos:
        tasks = [await created(videos, f"take {number}") for number in range(7)]
    clock.turn(3700)

    async with opened(settings, clock) as videos:
        await pass_time(videos, clock, minutes=5)
        task = await latest(videos, tasks[6])

    assert task.status is Status.CANCELED
    assert task.problem is not None
    assert task.problem.code == "ReleasedFromQueue"
    assert len(simulator.accepted) == 5


async def test_a_queue_found_soon_after_a_restart_is_served(
    settings: Settings, clock: HandClock, simulator: Simulator
) -> None:
    """A restart of the host is nothing that a caller should notice."""
    async with opened(settings, clock) as videos:
        for number in range(7):
            await created(videos, f"take {number}")
    clock.turn(1200)

    async with opened(settings, clock) as videos:
        await pass_time(videos, clock, minutes=5)

    assert len(simulator.accepted) == 7


async def test_a_queue_that_was_attended_for_hours_is_not_released(
    settings: Settings, clock: HandClock, simulator: Simulator
) -> None:
    """A long film waits long, and somebody is there."""
    simulator.mishap(on="create", kind="throttle", times=None)
    async with opened(settings, clock) as videos:
        task = await created(videos)
        await pass_time(videos, clock, minutes=150, step=120)
        simulator.script.clear()
        await pass_time(videos, clock, minutes=5)
        assert (await latest(videos, task)).status is Status.SUCCEEDED


async def test_a_queue_goes_on_when_the_clock_is_set_back(
    settings: Settings, clock: HandClock, simulator: Simulator
) -> None:
    """A pause until what is now far away would end in the release of all that waited for it."""
    simulator.mishap(on="create", kind="throttle", retry_after=3)
    async with opened(settings, clock) as videos:
        task = await created(videos)
        clock.turn(-8 * 3600)
        await pass_time(videos, clock, minutes=1)

        assert (await latest(videos, task)).status is not Status.QUEUED
    assert len(simulator.accepted) == 1


async def test_a_queue_of_yesterday_that_is_ours_and_unknown_is_released(
    settings: Settings, clock: HandClock, simulator: Simulator
) -> None:
    """As one is whose taking over broke off in the middle: it must not look as if it had just been asked for."""
    async with opened(settings, clock) as videos:
        tasks = [await created(videos, f"take {number}") for number in range(7)]
    clock.turn(20 * 3600)

    async with opened(settings, clock) as videos:
        ledger, owner = videos.watcher._ledger, videos.watcher._owner  # pyright: ignore[reportPrivateUsage]
        news = await ledger.unsettled_since(settings.account, None)
        assert news is not None
        await ledger.take_over(news[1], owner=owner.id)
        await videos.watcher.turn()

        assert (await latest(videos, tasks[6])).status is Status.CANCELED
    assert len(simulator.accepted) == 5


async def test_two_servers_on_one_ledger_do_not_send_twice(
    settings: Settings, clock: HandClock, simulator: Simulator
) -> None:
    """Claude Desktop, Cursor and a terminal each start their own server on the same file."""
    async with opened(settings, clock) as one, opened(settings, clock) as two:
        tasks = [await created(one if number % 2 else two, f"take {number}") for number in range(8)]
        for _ in range(20):
            clock.turn(30)
            await one.watcher.turn()
            await two.watcher.turn()
        ended = [await latest(one, task) for task in tasks]

    assert {task.status for task in ended} == {Status.SUCCEEDED}
    assert len(simulator.accepted) == 8
    assert len({task.file for task in ended}) == 8


async def test_what_another_process_cancelled_is_watched_no_longer(
    settings: Settings, clock: HandClock, simulator: Simulator
) -> None:
    """Else its place in the queue would be asked for again and again."""
    async with opened(settings, clock) as watches, opened(settings, clock) as cancels:
        tasks = [await created(watches, f"take {number}") for number in range(6)]
        await watches.watcher.turn()
        await cancels.cancel(tasks[5].id)
        await watches.watcher.turn()

        assert watches.attending.open_count == 5


async def test_one_server_takes_over_what_another_left(
    settings: Settings, clock: HandClock, simulator: Simulator
) -> None:
    """The host that started a task may be closed while another stays open."""
    async with opened(settings, clock) as stays:
        async with opened(settings, clock) as leaves:
            task = await created(leaves)
        await pass_time(stays, clock, minutes=3)
        assert (await latest(stays, task)).file is not None


# Downloads

BROKEN: list[dict[str, Any]] = [
    {"kind": "reset", "keep": 0.4},
    {"kind": "truncate", "keep": 0.4},
    {"kind": "xml_200"},
    {"kind": "wrong_type", "content_type": "text/html"},
    {"kind": "tiny"},
    {"kind": "html", "status": 503},
    {"kind": "redirect", "to": "https://evil.example/x.mp4"},
]


@pytest.mark.parametrize("mishap", BROKEN, ids=lambda m: str(m["kind"]))
async def test_a_broken_download_is_tried_again_and_never_named_a_video(
    videos: Videos, simulator: Simulator, clock: HandClock, tmp_path: Path, mishap: dict[str, Any]
) -> None:
    """Peers stored error pages as mp4."""
    task = await created(videos)
    simulator.mishap(on="download", times=2, **mishap)
    await pass_time(videos, clock, minutes=1.5)
    for _ in range(2):
        clock.turn(1)
        await videos.watcher.turn()
        assert not list((tmp_path / "videos").glob("*.mp4"))
        clock.turn(10)
    await pass_time(videos, clock, minutes=2, step=10)

    task = await latest(videos, task)
    assert task.file is not None
    assert Path(task.file).read_bytes()[4:8] == b"ftyp"
    assert [path.name for path in (tmp_path / "videos").glob("*[!n]")] == [Path(task.file).name]


async def test_a_dead_link_is_told_and_the_watch_ends(videos: Videos, simulator: Simulator, clock: HandClock) -> None:
    """The video is paid for and lost: nobody may be left waiting for it."""
    task = await created(videos)
    simulator.mishap(on="download", kind="expired", times=None)
    await pass_time(videos, clock, minutes=3)

    task = await latest(videos, task)
    assert task.status is Status.SUCCEEDED
    assert task.money_state == "charged"
    assert task.problem is not None
    assert task.problem.code == "LinkExpired"
    assert task.is_settled


async def test_a_dead_link_is_asked_for_once_more(tmp_path: Path, clock: HandClock, short_clip: Path) -> None:
    """Should DashScope sign a link anew, the video comes home by it."""
    expired = b"<Error><Code>AccessDenied</Code><Message>Request has expired.</Message></Error>"
    async with standing_in(
        saying({"output": {"task_id": "remote-1", "task_status": "PENDING"}}), saying(b"", 404)
    ) as stand_in:
        links = [f"{stand_in.url}/video.mp4?Expires={number}" for number in (1, 2)]
        ended = [{"task_id": "remote-1", "task_status": "SUCCEEDED", "video_url": link} for link in links]
        stand_in.answers[1:] = [
            saying({"output": ended[0]}),
            saying(expired, 403, content_type="application/xml"),
            saying({"output": ended[1]}),
            saying(short_clip.read_bytes(), content_type="video/mp4"),
        ]
        async with opened(made(stand_in.url, tmp_path), clock) as videos:
            task = await created(videos)
            for _ in range(4):
                clock.turn(60)
                await videos.watcher.turn()
            task = await latest(videos, task)

    assert [request.split()[1] for request in stand_in.requests[2:]] == [
        "/video.mp4?Expires=1",
        "/api/v1/tasks/remote-1",
        "/video.mp4?Expires=2",
    ]
    assert task.file is not None
    assert Path(task.file).read_bytes() == short_clip.read_bytes()


async def test_no_key_still_saves_what_is_paid_for(
    url: str, tmp_path: Path, clock: HandClock, simulator: Simulator
) -> None:
    """A link needs no key, and a key may be taken out of the settings."""
    async with opened(made(url, tmp_path), clock) as videos:
        task = await created(videos)
        simulator.mishap(on="download", kind="reset", keep=0.1)
        await pass_time(videos, clock, minutes=3, step=60)

    async with opened(made(url, tmp_path, DASHSCOPE_API_KEY=None), clock) as videos:
        await videos.watcher.turn()
        assert (await latest(videos, task)).file is not None


class TurnedClock(HandClock):
    """A clock by which whoever sleeps wakes once it was turned so far."""

    def __init__(self) -> None:
        super().__init__()
        self.turned = anyio.Event()

    def turn(self, seconds: float) -> None:
        super().turn(seconds)
        self.turned.set()
        self.turned = anyio.Event()

    async def sleep(self, seconds: float) -> None:
        until = self.now() + timedelta(seconds=seconds)
        while self.now() < until:
            await self.turned.wait()


async def test_a_loop_at_rest_is_woken_by_what_is_due_before_its_next_round(
    settings: Settings, simulator: Simulator
) -> None:
    """It planned to rest for a round of five seconds; the queue goes on a second after a refusal for now."""
    clock, known = TurnedClock(), anyio.Event()
    simulator.mishap(on="create", kind="throttle", times=1)
    async with open_service(settings, clock=clock, stamping=False) as videos:
        await anyio.wait_all_tasks_blocked()  # the loop is at rest
        task = await created(videos)
        assert task.status is Status.QUEUED

        videos.attending.changes.listen(lambda _: known.set())
        await anyio.wait_all_tasks_blocked()  # and again, for a shorter time
        clock.turn(1.3)
        with anyio.fail_after(10):
            while (await latest(videos, task)).status is Status.QUEUED:
                await known.wait()
                known = anyio.Event()


async def test_the_loop_sleeps_until_the_next_step(videos: Videos, clock: HandClock) -> None:
    """A server with nothing to do must cost nothing."""
    await created(videos)
    before = clock.now()
    await videos.attending.wait_for_news(5)

    assert clock.now() - before == timedelta(seconds=5)
