"""The simulated service, call by call, against its public pages.

Pages named below are of help.aliyun.com/zh/model-studio.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from wan_mcp.simulator import Simulator, serving

pytestmark = pytest.mark.anyio

T0 = datetime(2026, 11, 22, 2, 15, 2, 118_000, UTC)
CREATE = "/api/v1/services/aigc/video-generation/video-synthesis"
TASKS = "/api/v1/tasks"
KEY = {"Authorization": "Bearer sk-test"}
ASYNC = {**KEY, "X-DashScope-Async": "enable"}
MODEL = "wan2.5-t2v-preview"
NOBODY = "00000000-0000-4000-8000-000000000000"


def body(prompt: str | None = "一只小猫在月光下奔跑", model: str = MODEL, **parameters: Any) -> dict[str, Any]:
    """A creation's body."""
    return {"model": model, "input": {} if prompt is None else {"prompt": prompt}, "parameters": parameters}


class Desk:
    """A simulator that is served, and a client that speaks to it."""

    def __init__(self, sim: Simulator, client: httpx.AsyncClient) -> None:
        self.sim = sim
        self.client = client

    async def create(self, **changes: Any) -> str:
        """Make a task; its id."""
        answer = await self.client.post(CREATE, headers=ASYNC, json=body(**changes))
        assert answer.status_code == 200, answer.text
        return answer.json()["output"]["task_id"]

    async def query(self, task_id: str) -> dict[str, Any]:
        """The answer to a query."""
        answer = await self.client.get(f"{TASKS}/{task_id}", headers=KEY)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def status(self, task_id: str) -> str:
        """The status a query tells."""
        return (await self.query(task_id))["output"]["task_status"]

    async def listed(self, **query: Any) -> dict[str, Any]:
        """The answer to a list call."""
        answer = await self.client.get(TASKS, headers=KEY, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


def simulator(**options: Any) -> Simulator:
    """A simulator whose clock stands still until it is turned, and which lets everything in."""
    defaults: dict[str, Any] = {"media": "clip", "run_time": 60, "submit_rate": None, "query_rate": None}
    return Simulator(now=lambda: T0, **defaults | options)


@asynccontextmanager
async def at_desk(sim: Simulator) -> AsyncGenerator[Desk]:
    """Serve a simulator and speak to it."""
    # Nothing here is encrypted, and reading the machine's certificates takes longer than most tests.
    async with serving(sim) as url, httpx.AsyncClient(base_url=url, verify=False) as client:
        yield Desk(sim, client)


@pytest.fixture
async def desk() -> AsyncGenerator[Desk]:
    async with at_desk(simulator()) as one:
        yield one


async def refusal(client: httpx.AsyncClient, headers: dict[str, str], content: Any) -> tuple[int, str]:
    """Status and code of a creation that is refused."""
    kind: dict[str, Any] = {"content": content} if isinstance(content, str) else {"json": content}
    answer = await client.post(CREATE, headers=headers, **kind)
    return answer.status_code, answer.json()["code"]


# Create: legacy-wan-text-to-video-api-reference.


async def test_a_creation_is_answered_with_a_pending_task_and_a_request_id(desk: Desk) -> None:
    """The shape that every client reads first; the id stands in the header as well."""
    answer = await desk.client.post(CREATE, headers=ASYNC, json=body())

    assert answer.json() == {
        "request_id": answer.headers["x-request-id"],
        "output": {"task_status": "PENDING", "task_id": desk.sim.accepted[0].id},
    }


@pytest.mark.parametrize(
    ("headers", "content", "expected"),
    [
        ({"X-DashScope-Async": "enable"}, body(), (401, "InvalidApiKey")),
        ({**ASYNC, "Authorization": "Bearer nonsense"}, body(), (401, "InvalidApiKey")),
        ({**ASYNC, "Authorization": "Bearer sk-sp-plan"}, body(), (401, "InvalidApiKey")),
        (KEY, body(), (403, "AccessDenied")),
        ({**ASYNC, "Content-Type": "text/plain"}, "{}", (400, "BadRequest.IllegalInput")),
        ({**ASYNC, "Content-Type": "application/json"}, "{not json", (400, "BadRequest.IllegalInput")),
        (ASYNC, ["a", "list"], (400, "BadRequest.IllegalInput")),
        (ASYNC, {"input": {"prompt": "x"}}, (400, "BadRequest.EmptyModel")),
        (ASYNC, {"model": MODEL}, (400, "BadRequest.EmptyInput")),
        (ASYNC, {"model": MODEL, "input": {}, "parameters": 3}, (400, "BadRequest.EmptyParameters")),
        (ASYNC, body(model="wan9-t2v"), (400, "InvalidParameter")),
    ],
)
async def test_what_the_gateway_sees_is_refused_at_once(
    desk: Desk, headers: dict[str, str], content: Any, expected: tuple[int, str]
) -> None:
    """error-code: these cost nothing and make no task."""
    assert await refusal(desk.client, headers, content) == expected
    assert desk.sim.accepted == []


async def test_only_the_given_keys_are_good_when_some_are_given() -> None:
    """A test of a wrong key needs a right one."""
    async with at_desk(simulator(api_keys={"sk-right"})) as desk:
        right = await desk.client.get(TASKS, headers={"Authorization": "Bearer sk-right"})
        wrong = await desk.client.get(TASKS, headers=KEY)

    assert (right.status_code, wrong.status_code) == (200, 401)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"prompt": None}, "Field required: input.prompt"),
        ({"prompt": 5}, "valid string: input.prompt"),
        ({"size": "1280x720"}, "The size is not match"),
        ({"size": "480P"}, "The size is not match"),
        ({"duration": 7}, "duration"),
        ({"duration": "5"}, "duration"),
        ({"seed": -1}, "seed"),
        ({"seed": 2147483648}, "seed"),
        ({"watermark": "yes"}, "watermark"),
        ({"prompt_extend": 1}, "prompt_extend"),
    ],
)
async def test_a_bad_parameter_is_told_only_by_the_failed_task(desk: Desk, changes: dict[str, Any], words: str) -> None:
    """The service accepts, and fails a moment later; measured, and the page's only FAILED example."""
    task_id = await desk.create(**changes)
    desk.sim.advance(1)
    output = (await desk.query(task_id))["output"]

    assert (output["task_status"], output["code"]) == ("FAILED", "InvalidParameter")
    assert words in output["message"]


async def test_a_strict_service_refuses_a_bad_parameter_at_once() -> None:
    """Nobody promises when a fault is told, so clients are tested for both."""
    async with at_desk(simulator(validation="strict")) as desk:
        assert await refusal(desk.client, ASYNC, body(size="480P")) == (400, "InvalidParameter")


async def test_unknown_keys_are_ignored(desk: Desk) -> None:
    """The official SDK always sends `input.extend_prompt`."""
    sent = body(size="832*480", brightness=3)
    sent["input"]["extend_prompt"] = True
    answer = await desk.client.post(CREATE, headers=ASYNC, json=sent)
    desk.sim.advance(1000)

    assert await desk.status(answer.json()["output"]["task_id"]) == "SUCCEEDED"


async def test_what_is_left_out_takes_the_dearest_default(desk: Desk) -> None:
    """A forgotten size is billed as 1080P: the trap a client must know."""
    await desk.create()
    order = desk.sim.accepted[0].order

    assert (order.size, order.duration, order.prompt_extend, order.watermark) == ("1920*1080", 5, True, False)


async def test_prompts_are_cut_without_a_word(desk: Desk) -> None:
    """1500 and 500 characters; the rest is dropped, not refused."""
    sent = body("猫" * 1600)
    sent["input"]["negative_prompt"] = "糊" * 600
    await desk.client.post(CREATE, headers=ASYNC, json=sent)
    order = desk.sim.accepted[0].order

    assert (len(order.prompt), len(order.negative_prompt)) == (1500, 500)


# The life of a task: manage-asynchronous-tasks.


async def test_a_task_waits_runs_and_succeeds_by_the_clock_alone(desk: Desk) -> None:
    """PENDING for 8 s, RUNNING for the wished 60: nothing happens while nobody turns the clock."""
    task_id = await desk.create()
    seen = [await desk.status(task_id)]
    for seconds in (7.9, 0.2, 59.8, 0.2):
        desk.sim.advance(seconds)
        seen.append(await desk.status(task_id))

    assert seen == ["PENDING", "PENDING", "RUNNING", "RUNNING", "SUCCEEDED"]


async def test_a_finished_task_tells_times_prompts_usage_and_a_link(desk: Desk) -> None:
    """Every documented field, and times for Beijing wherever this machine is."""
    task_id = await desk.create(size="1280*720", duration=10)
    desk.sim.advance(500)
    answer = await desk.query(task_id)
    output = answer["output"]

    assert output.pop("video_url").startswith(f"{desk.client.base_url}/bucket/".replace("//bucket", "/bucket"))
    assert output.pop("actual_prompt").startswith("一只小猫")
    assert output == {
        "task_id": task_id,
        "task_status": "SUCCEEDED",
        "submit_time": "2026-11-22 10:15:02.118",
        "scheduled_time": "2026-11-22 10:15:10.118",
        "end_time": "2026-11-22 10:16:10.118",
        "orig_prompt": "一只小猫在月光下奔跑",
    }
    assert answer["usage"] == {
        "duration": 10,
        "size": "1280*720",
        "output_video_duration": 10,
        "input_video_duration": 0,
        "SR": 720,
        "video_count": 1,
    }


async def test_the_rewritten_prompt_is_shown_only_when_one_was_asked_for(desk: Desk) -> None:
    """`actual_prompt` belongs to `prompt_extend`."""
    task_id = await desk.create(prompt_extend=False)
    desk.sim.advance(500)

    assert "actual_prompt" not in (await desk.query(task_id))["output"]


async def test_the_link_is_the_same_at_each_query(desk: Desk) -> None:
    """A link that changed would look like another video."""
    task_id = await desk.create()
    desk.sim.advance(500)
    first = (await desk.query(task_id))["output"]["video_url"]
    desk.sim.advance(500)

    assert (await desk.query(task_id))["output"]["video_url"] == first


async def test_five_tasks_run_and_the_sixth_waits_for_a_place(desk: Desk) -> None:
    """rate-limit: five at once; later ones are accepted and stay PENDING, in order."""
    ids = [await desk.create() for _ in range(7)]
    desk.sim.advance(30)
    during = [await desk.status(task_id) for task_id in ids]
    desk.sim.advance(40)
    after = [await desk.status(task_id) for task_id in ids]

    assert during == ["RUNNING"] * 5 + ["PENDING"] * 2
    assert after == ["SUCCEEDED"] * 5 + ["RUNNING"] * 2


async def test_a_task_that_was_waiting_starts_when_the_place_became_free(desk: Desk) -> None:
    """Nobody looked in between, and still the times are those of a service that never sleeps."""
    ids = [await desk.create() for _ in range(6)]
    desk.sim.advance(1000)

    assert (await desk.query(ids[5]))["output"]["scheduled_time"] == "2026-11-22 10:16:10.118"


async def test_the_usual_running_time_grows_with_size_and_length() -> None:
    """1 to 5 minutes, as the page says; the same for the same seed."""

    def times() -> list[timedelta]:
        usual = simulator(run_time=None)
        orders: list[dict[str, Any]] = [
            {"size": "832*480"},
            {"size": "1920*1080"},
            {"size": "1920*1080", "duration": 10},
        ]
        return [usual.foreign_task(prompt="x", **order).fate.run for order in orders]

    first = times()

    assert first == times()
    assert first[0] < first[1] < first[2]
    assert all(timedelta(seconds=60) <= one <= timedelta(seconds=300) for one in first)


async def test_an_id_nobody_knows_is_unknown_and_not_an_error(desk: Desk) -> None:
    """200, whether it never was, is not an id at all, or is another account's."""
    answer = await desk.query(NOBODY)

    assert answer["output"] == {"task_id": NOBODY, "task_status": "UNKNOWN"}
    assert await desk.status("nonsense") == "UNKNOWN"


async def test_a_task_is_unknown_after_a_day(desk: Desk) -> None:
    """The safe reading: 24 hours from the submission."""
    task_id = await desk.create()
    desk.sim.advance(24 * 3600)
    before = await desk.status(task_id)
    desk.sim.advance(1)

    assert (before, await desk.status(task_id)) == ("SUCCEEDED", "UNKNOWN")


async def test_a_query_with_the_async_header_is_refused(desk: Desk) -> None:
    """Reusing the creation's headers is the mistake that broke real clients."""
    task_id = await desk.create()
    answer = await desk.client.get(f"{TASKS}/{task_id}", headers=ASYNC)

    assert (answer.status_code, answer.json()["code"]) == (403, "AccessDenied")
    assert "asynchronous calls" in answer.json()["message"]


async def test_a_speedy_clock_makes_minutes_of_seconds() -> None:
    """A demonstration should not take five minutes."""
    real = [T0]
    fast = Simulator(now=lambda: real[0], speed=60, run_time=100)
    task = fast.foreign_task(prompt="x")
    real[0] += timedelta(seconds=2)

    assert fast.status(task.id) == "SUCCEEDED"


# Cancel: manage-asynchronous-tasks.


async def test_a_waiting_task_can_be_cancelled(desk: Desk) -> None:
    """The answer is a bare request id; the task keeps its times and never starts."""
    task_id = await desk.create()
    answer = await desk.client.post(f"{TASKS}/{task_id}/cancel", headers=KEY)
    desk.sim.advance(500)

    assert set(answer.json()) == {"request_id"}
    assert await desk.status(task_id) == "CANCELED"


async def test_a_running_finished_or_unknown_task_cannot_be_cancelled(desk: Desk) -> None:
    """Only PENDING tasks can be."""
    task_id = await desk.create()
    codes: list[tuple[int, str]] = []
    for seconds in (10, 500):
        desk.sim.advance(seconds)
        answer = await desk.client.post(f"{TASKS}/{task_id}/cancel", headers=KEY)
        codes.append((answer.status_code, answer.json()["code"]))
    unknown = await desk.client.post(f"{TASKS}/{NOBODY}/cancel", headers=KEY)

    assert [*codes, (unknown.status_code, unknown.json()["code"])] == [(400, "UnsupportedOperation")] * 3


async def test_a_cancelled_task_frees_its_place_in_the_queue(desk: Desk) -> None:
    """The next in line moves up."""
    ids = [await desk.create() for _ in range(7)]
    desk.sim.advance(30)
    await desk.client.post(f"{TASKS}/{ids[5]}/cancel", headers=KEY)
    desk.sim.advance(40)

    assert await desk.status(ids[6]) == "RUNNING"


# List: manage-asynchronous-tasks.


async def test_the_list_shows_rows_without_prompt_or_link(desk: Desk) -> None:
    """Times in epoch milliseconds, the creating request's id, no end while there is none."""
    created = await desk.client.post(CREATE, headers=ASYNC, json=body())
    desk.sim.advance(10)
    listed = await desk.listed()
    row = listed["data"][0]

    assert row == {
        "api_key_id": "150001",
        "caller_parent_id": "1000000000000001",
        "caller_uid": "1000000000000001",
        "gmt_create": 1795313702118,
        "start_time": 1795313710118,
        "region": "cn-beijing",
        "request_id": created.headers["x-request-id"],
        "status": "RUNNING",
        "task_id": created.json()["output"]["task_id"],
        "user_api_unique_key": f"apikey:v1:aigc:video-generation:video-synthesis:{MODEL}",
        "model_name": MODEL,
    }
    assert {key: listed[key] for key in ("total", "total_page", "page_no", "page_size")} == {
        "total": 1,
        "total_page": 1,
        "page_no": 1,
        "page_size": 10,
    }
    assert listed["tasks"] == listed["data"]


async def test_the_list_comes_in_pages_newest_first(desk: Desk) -> None:
    """Pages neither overlap nor leave anything out."""
    ids: list[str] = []
    for _ in range(5):
        ids.append(await desk.create())
        desk.sim.advance(1)
    pages = [await desk.listed(page_no=page, page_size=2) for page in (1, 2, 3, 4)]

    assert [row["task_id"] for page in pages for row in page["data"]] == ids[::-1]
    assert (pages[0]["total"], pages[0]["total_page"]) == (5, 3)


async def test_the_list_can_be_narrowed(desk: Desk) -> None:
    """By status, model and task id, with or without the slash at the end."""
    finished = await desk.create()
    desk.sim.advance(100)
    waiting = await desk.create()
    other = await desk.create(model="wan2.6-t2v")

    async def ids(**query: str) -> set[str]:
        return {row["task_id"] for row in (await desk.listed(**query))["data"]}

    assert await ids(status="SUCCEEDED") == {finished}
    assert await ids(model_name="wan2.6-t2v") == {other}
    assert await ids(task_id=waiting) == {waiting}
    assert await ids(model_name=MODEL, status="PENDING") == {waiting}
    assert (await desk.client.get(f"{TASKS}/", headers=KEY)).json()["total"] == 3


async def test_the_list_looks_at_a_window_of_at_most_a_day(desk: Desk) -> None:
    """None: the last day. One end: a day from there. Both: as said, to the second."""
    at_once = await desk.create()
    desk.sim.advance(3 * 3600)
    later = await desk.create()

    async def ids(**query: str) -> set[str]:
        return {row["task_id"] for row in (await desk.listed(**query))["data"]}

    assert await ids() == {at_once, later}
    assert await ids(start_time="20261122101500", end_time="20261122101502") == {at_once}
    assert await ids(start_time="20261122120000") == {later}
    assert await ids(end_time="20261122120000") == {at_once}
    desk.sim.advance(22 * 3600)
    assert await ids() == {later}


@pytest.mark.parametrize(
    "query",
    [
        {"start_time": "20261120000000", "end_time": "20261122000000"},
        {"start_time": "yesterday"},
        {"page_no": "0"},
        {"page_size": "many"},
    ],
)
async def test_a_list_call_that_makes_no_sense_is_refused(desk: Desk, query: dict[str, str]) -> None:
    """Rather than answered with an empty page that looks like the truth."""
    answer = await desk.client.get(TASKS, headers=KEY, params=query)

    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")


async def test_a_foreign_task_is_listed_and_queried_but_was_not_accepted_from_us(desk: Desk) -> None:
    """Another program on the account: what makes reconciling by the list hard."""
    foreign = desk.sim.foreign_task(prompt="not ours", created_at=T0 - timedelta(minutes=5))
    await desk.create(prompt="ours")

    assert (await desk.listed())["total"] == 2
    assert (await desk.query(foreign.id))["output"]["orig_prompt"] == "not ours"
    assert (desk.sim.accepted_for("ours"), desk.sim.accepted_for("not ours")) == (1, 0)


# Limits: rate-limit.


@pytest.mark.parametrize(
    ("method", "path", "limit"),
    [
        ("POST", CREATE, 5),
        ("GET", f"{TASKS}/{NOBODY}", 20),
        ("GET", TASKS, 20),
        ("POST", f"{TASKS}/x/cancel", 20),
    ],
)
async def test_too_many_requests_in_a_second_are_throttled(method: str, path: str, limit: int) -> None:
    """429 Throttling.RateQuota, each call by its own count; a second later there is room again."""
    limited = Simulator(now=lambda: T0, media="clip")
    content: dict[str, Any] = {"headers": ASYNC, "json": body()} if path == CREATE else {"headers": KEY}

    async with at_desk(limited) as desk:
        codes = [(await desk.client.request(method, path, **content)).status_code for _ in range(limit + 1)]
        throttled = (await desk.client.request(method, path, **content)).json()
        limited.advance(1)
        afterwards = await desk.client.request(method, path, **content)

    assert 429 not in codes[:limit]
    assert (codes[limit], throttled["code"]) == (429, "Throttling.RateQuota")
    assert afterwards.status_code != 429


async def test_a_full_queue_is_refused() -> None:
    """500 may wait; what the service then says is nobody's certain knowledge, but it is a 429."""
    full = simulator(queue_limit=2, running_limit=1)
    async with at_desk(full) as desk:
        for _ in range(2):
            await desk.client.post(CREATE, headers=ASYNC, json=body())

        assert await refusal(desk.client, ASYNC, body()) == (429, "Throttling.RateQuota")


# Addresses.


async def test_an_unknown_address_or_method_is_refused_in_the_services_words(desk: Desk) -> None:
    """A client that mistypes a path must see what it would see."""
    nowhere = await desk.client.get("/api/v1/nowhere", headers=KEY)
    wrong = await desk.client.get(CREATE, headers=KEY)

    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "NotFound")
    assert wrong.json()["message"] == "Request method 'GET' is not supported."
