"""Everything that can be made to go wrong with a call or a task, and what a caller then sees."""

import json
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest

from tests.test_simulator import ASYNC, CREATE, KEY, NOBODY, TASKS, Desk, at_desk, body, simulator
from wan_mcp.simulator import KINDS, Mishap
from wan_mcp.simulator.errors import CODES

pytestmark = pytest.mark.anyio


@pytest.fixture
async def desk() -> AsyncGenerator[Desk]:
    async with at_desk(simulator()) as one:
        yield one


async def post(desk: Desk, **changes: Any) -> httpx.Response:
    """A creation, whatever comes of it."""
    return await desk.client.post(CREATE, headers=ASYNC, json=body(**changes))


@pytest.mark.parametrize("code", CODES)
async def test_every_code_of_the_table_can_be_played(desk: Desk, code: str) -> None:
    """error-code: with its own status and words, and no task made."""
    desk.sim.mishap(kind="refuse", code=code)
    answer = await post(desk)

    assert answer.status_code == CODES[code].status
    assert answer.json() == {
        "code": code,
        "message": CODES[code].message,
        "request_id": answer.headers["x-request-id"],
    }
    assert desk.sim.accepted == []


async def test_a_refusal_can_come_with_status_200(desk: Desk) -> None:
    """The gateway has been seen to do so; a client must look at the body."""
    desk.sim.mishap(kind="refuse", code="Arrearage", status=200, message="Pay.")
    answer = await post(desk)

    assert (answer.status_code, answer.json()["code"], answer.json()["message"]) == (200, "Arrearage", "Pay.")


async def test_throttling_tells_when_to_come_back_only_if_it_is_to(desk: Desk) -> None:
    """The service is not known to send Retry-After, and a client must do without."""
    desk.sim.mishap(kind="throttle")
    desk.sim.mishap(kind="throttle", code="Throttling.BurstRate", retry_after=3)
    first, second = await post(desk), await post(desk)

    assert (first.status_code, first.json()["code"]) == (429, "Throttling.RateQuota")
    assert (second.status_code, second.json()["code"]) == (429, "Throttling.BurstRate")
    assert ("retry-after" in first.headers, second.headers["retry-after"]) == (False, "3")


@pytest.mark.parametrize("accept", [False, True])
async def test_a_dropped_connection_may_hide_a_task(desk: Desk, accept: bool) -> None:
    """The caller sees the same; only the account knows whether it will be charged."""
    desk.sim.mishap(kind="drop", accept=accept)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        await post(desk)

    assert len(desk.sim.accepted) == accept


@pytest.mark.parametrize("accept", [False, True])
async def test_a_hanging_service_keeps_a_caller_until_it_leaves(desk: Desk, accept: bool) -> None:
    """A read timeout says nothing about whether a task was made."""
    desk.sim.mishap(kind="hang", accept=accept)
    with pytest.raises(httpx.ReadTimeout):
        await desk.client.post(CREATE, headers=ASYNC, json=body(), timeout=httpx.Timeout(5, read=0.05))

    assert len(desk.sim.accepted) == accept


async def test_a_hanging_service_drops_the_connection_in_the_end(desk: Desk) -> None:
    """After the wished seconds, nothing having been done."""
    desk.sim.mishap(kind="hang", seconds=0.01)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        await post(desk)

    assert desk.sim.accepted == []


@pytest.mark.parametrize("mishap", [{"kind": "delay"}, {"kind": "hang", "accept": True}])
async def test_an_answer_may_only_be_late(desk: Desk, mishap: dict[str, Any]) -> None:
    """Late is not lost."""
    desk.sim.mishap(**mishap, seconds=0.01)
    answer = await post(desk)

    assert answer.json()["output"]["task_id"] == desk.sim.accepted[0].id


@pytest.mark.parametrize("accept", [False, True])
@pytest.mark.parametrize(
    ("mishap", "status"),
    [
        ({"kind": "garbage"}, 200),
        ({"kind": "garbage", "status": 500}, 500),
        ({"kind": "html"}, 502),
        ({"kind": "html", "status": 504}, 504),
        ({"kind": "half"}, 200),
    ],
)
async def test_an_answer_that_cannot_be_read_may_hide_a_task(
    desk: Desk, mishap: dict[str, Any], status: int, accept: bool
) -> None:
    """Noise, a load balancer's page, or half of the truth."""
    desk.sim.mishap(**mishap, accept=accept)
    answer = await post(desk)

    assert answer.status_code == status
    with pytest.raises(ValueError):  # noqa: PT011  # UnicodeDecodeError or JSONDecodeError
        answer.json()
    assert len(desk.sim.accepted) == accept


async def test_an_answer_may_be_empty(desk: Desk) -> None:
    """Readable, and says nothing."""
    desk.sim.mishap(kind="empty", accept=True)

    assert ((await post(desk)).json(), len(desk.sim.accepted)) == ({}, 1)


@pytest.mark.parametrize(
    ("on", "method", "path"),
    [
        ("query", "GET", f"{TASKS}/{NOBODY}"),
        ("cancel", "POST", f"{TASKS}/{NOBODY}/cancel"),
        ("list", "GET", TASKS),
        ("policy", "GET", "/api/v1/uploads?action=getPolicy&model=wan2.5-t2v-preview"),
        ("upload", "POST", "/upload-bucket"),
        ("download", "GET", "/bucket/x.mp4"),
    ],
)
async def test_every_call_can_meet_a_mishap(desk: Desk, on: str, method: str, path: str) -> None:
    """A poll that fails must not lose a task either."""
    desk.sim.mishap(kind="html", on=on, status=503)
    desk.sim.mishap(kind="refuse", on=on, code="InternalError", status=500)
    desk.sim.mishap(kind="drop", on=on)
    codes = [(await desk.client.request(method, path, headers=KEY)).status_code for _ in range(2)]

    assert codes == [503, 500]
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        await desk.client.request(method, path, headers=KEY)


async def test_mishaps_happen_in_order_so_many_times_and_then_no_more(desk: Desk) -> None:
    """A script is read from the top; `pass` lets one through on purpose."""
    desk.sim.mishap(kind="throttle", times=2)
    desk.sim.mishap(kind="pass")
    desk.sim.mishap(kind="html", times=1)
    codes = [(await post(desk)).status_code for _ in range(5)]

    assert codes == [429, 429, 200, 502, 200]


async def test_a_mishap_can_happen_for_ever(desk: Desk) -> None:
    """Until it is struck."""
    desk.sim.mishap(kind="html", times=None)

    assert {(await post(desk)).status_code for _ in range(4)} == {502}
    assert desk.sim.script.clear() == 1
    assert (await post(desk)).status_code == 200


async def test_a_mishap_can_be_kept_for_one_prompt_or_one_task(desk: Desk) -> None:
    """So that two tasks in one test do not steal each other's."""
    desk.sim.mishap(kind="html", prompt_contains="狗")
    cat, dog = await post(desk, prompt="一只猫"), await post(desk, prompt="一只狗")
    second = await desk.create(prompt="一只狗")
    desk.sim.mishap(kind="unknown", on="query", task_id=second)
    desk.sim.mishap(kind="refuse", on="query", prompt_contains="猫", code="InternalError")
    cat_id = cat.json()["output"]["task_id"]

    assert (cat.status_code, dog.status_code) == (200, 502)
    assert (await desk.client.get(f"{TASKS}/{cat_id}", headers=KEY)).status_code == 500
    assert [await desk.status(second), await desk.status(second)] == ["UNKNOWN", "PENDING"]


# Fates: what is decided about a task that is accepted.


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"code": "InternalError", "message": CODES["InternalError"].message}),
        (
            {"code": "DataInspectionFailed"},
            {"code": "DataInspectionFailed", "message": CODES["DataInspectionFailed"].message},
        ),
        ({"code": "InternalError.Algo", "message": "boo"}, {"code": "InternalError.Algo", "message": "boo"}),
        ({"code": None}, {}),
    ],
)
async def test_a_task_can_fail_with_or_without_saying_why(
    desk: Desk, options: dict[str, Any], expected: dict[str, str]
) -> None:
    """Tasks that failed with neither code nor message have been seen."""
    desk.sim.mishap(kind="fail", after=3, **options)
    task_id = await desk.create()
    desk.sim.advance(10)
    during = await desk.status(task_id)
    desk.sim.advance(2)
    answer = await desk.query(task_id)

    assert (during, answer["output"]["task_status"]) == ("RUNNING", "FAILED")
    assert {key: answer["output"][key] for key in ("code", "message") if key in answer["output"]} == expected
    assert "usage" not in answer


@pytest.mark.parametrize(("kind", "status"), [("stuck_running", "RUNNING"), ("stuck_pending", "PENDING")])
async def test_a_stuck_task_is_ended_after_three_hours(desk: Desk, kind: str, status: str) -> None:
    """The service's own limit, told as InternalError.Timeout."""
    desk.sim.mishap(kind=kind)
    task_id = await desk.create()
    desk.sim.advance(3 * 3600 - 1)
    before = await desk.status(task_id)
    desk.sim.advance(1)
    output = (await desk.query(task_id))["output"]

    assert (before, output["task_status"], output["code"]) == (status, "FAILED", "InternalError.Timeout")


@pytest.mark.parametrize(("kind", "status"), [("stuck_running", "RUNNING"), ("stuck_pending", "PENDING")])
async def test_a_stuck_task_can_be_stuck_for_ever(desk: Desk, kind: str, status: str) -> None:
    """So long as it can be asked for at all."""
    desk.sim.mishap(kind=kind, forever=True)
    task_id = await desk.create()
    desk.sim.advance(23 * 3600)

    assert await desk.status(task_id) == status


async def test_a_task_stuck_in_the_queue_can_still_be_cancelled_and_blocks_nobody(desk: Desk) -> None:
    """It is PENDING like any other."""
    desk.sim.mishap(kind="stuck_pending")
    stuck, next_one = await desk.create(), await desk.create()
    desk.sim.advance(30)
    cancelled = await desk.client.post(f"{TASKS}/{stuck}/cancel", headers=KEY)

    assert (cancelled.status_code, await desk.status(next_one)) == (200, "RUNNING")


async def test_a_task_that_is_there_can_be_given_another_fate(desk: Desk) -> None:
    """A running task can still fail, hang or get lost; an ended one cannot."""
    failing, hanging, lost, ended = [await desk.create() for _ in range(4)]
    desk.sim.advance(10)
    desk.sim.mishap(kind="fail", task_id=failing, after=20)
    desk.sim.mishap(kind="stuck_running", task_id=hanging)
    desk.sim.mishap(kind="lost", task_id=lost)
    desk.sim.advance(100)

    assert [await desk.status(one) for one in (failing, hanging, lost, ended)] == [
        "FAILED",
        "RUNNING",
        "UNKNOWN",
        "SUCCEEDED",
    ]
    with pytest.raises(ValueError, match="SUCCEEDED already"):
        desk.sim.mishap(kind="fail", task_id=ended)
    with pytest.raises(ValueError, match="RUNNING already"):
        desk.sim.mishap(kind="stuck_pending", task_id=hanging)
    with pytest.raises(ValueError, match="no task"):
        desk.sim.mishap(kind="lost", task_id=NOBODY)


async def test_a_place_taken_by_a_stuck_task_stays_taken(desk: Desk) -> None:
    """Five stuck tasks stop an account; failing one of them lets the next one in."""
    desk.sim.mishap(kind="stuck_running", times=5)
    ids = [await desk.create() for _ in range(6)]
    desk.sim.advance(1000)
    before = await desk.status(ids[5])
    desk.sim.mishap(kind="fail", task_id=ids[0], after=0)

    assert (before, await desk.status(ids[0]), await desk.status(ids[5])) == ("PENDING", "FAILED", "RUNNING")


async def test_the_list_may_lag(desk: Desk) -> None:
    """Nobody has measured how far; a reconciliation must not conclude too early."""
    desk.sim.mishap(kind="list_lag", seconds=300)
    task_id = await desk.create()
    at_once = (await desk.listed())["total"]
    desk.sim.advance(300)

    assert at_once == 0
    assert [row["task_id"] for row in (await desk.listed())["data"]] == [task_id]


async def test_a_task_can_meet_several_fates_and_its_answer_a_mishap(desk: Desk) -> None:
    """The worst day: accepted, answer lost, late in the list, and failed."""
    desk.sim.mishap(kind="drop", accept=True)
    desk.sim.mishap(kind="list_lag", seconds=60)
    desk.sim.mishap(kind="fail", after=1)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        await post(desk)
    hidden = (await desk.listed())["total"]
    desk.sim.advance(60)

    assert (hidden, (await desk.listed())["data"][0]["status"]) == (0, "FAILED")


# The script itself.


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"kind": "earthquake", "on": "create"}, "no mishap"),
        ({"kind": "unknown", "on": "create"}, "happens on query"),
        ({"kind": "drop", "on": "lunch"}, "not on 'lunch'"),
        ({"kind": "drop", "on": "create", "times": 0}, "times"),
        ({"kind": "drop", "on": "create", "options": {"speed": 3}}, "cannot take speed"),
        ({"kind": "html", "on": "create", "options": {"status": "502"}}, "cannot take status"),
        ({"kind": "delay", "on": "create"}, "needs seconds"),
    ],
)
def test_a_mishap_that_cannot_be_is_refused(line: dict[str, Any], words: str) -> None:
    """A misspelt mishap would be a test that tests nothing."""
    with pytest.raises(ValueError, match=words):
        Mishap(**line)


def test_every_mishap_says_what_it_is() -> None:
    """The control endpoint shows these words to people."""
    assert all(kind.about.endswith(".") and kind.on for kind in KINDS.values())


async def test_the_log_keeps_every_request_as_it_came(desk: Desk) -> None:
    """Mishap or not: a test counts what was really sent, headers included."""
    desk.sim.mishap(kind="drop")
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        await post(desk)
    await desk.listed(page_no=2)
    first, second = desk.sim.requests

    assert (first.status, second.status) == (None, 200)
    assert (first.method, first.path, first.json) == ("POST", CREATE, json.loads(json.dumps(body())))
    assert ("authorization", "Bearer sk-test") in first.headers
    assert (second.path, second.query, second.json) == (TASKS, {"page_no": "2"}, None)
