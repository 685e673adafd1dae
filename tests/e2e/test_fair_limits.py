"""A hundred submissions at once: DashScope's limits are kept, and whoever asks is served, in fair turn."""

import logging
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import anyio
import pytest

from tests.conftest import KEY, made
from tests.e2e.bill import NO_CAPS, most_at_once, newest, the_bill_is_right
from tests.e2e.processes import until
from tests.making import a_request
from tests.raw import RawClient, raw_server
from wan_mcp.domain.task import Status
from wan_mcp.service.composition import open_service
from wan_mcp.service.report import Report
from wan_mcp.simulator import Simulator, serving

pytestmark = pytest.mark.anyio
logger = logging.getLogger(__name__)

AT_ONCE = 5
A_SECOND = 5
"""DashScope's limits on running tasks and on submissions of one account."""
EACH = 50
BIG, SMALL = 40, 5
PATIENCE = 150


@pytest.fixture
def simulator() -> Simulator:
    """DashScope in real time and with its own limits; a task takes half a second."""
    return Simulator(media="clip", run_delay=0.05, run_time=0.4)


@pytest.fixture
async def url(simulator: Simulator) -> AsyncGenerator[str]:
    """Where it listens."""
    async with serving(simulator) as address:
        yield address


async def test_a_hundred_submissions_at_once_from_two_servers(url: str, simulator: Simulator, tmp_path: Path) -> None:
    """No caller gets an error, none is lost, and DashScope never has reason to complain."""
    ledger = tmp_path / "ledger" / "ledger.db"
    environment = {
        "DASHSCOPE_API_KEY": KEY,
        "DASHSCOPE_HTTP_BASE_URL": f"{url}/api/v1",
        "WAN_MCP_LEDGER": str(ledger),
        "WAN_MCP_OUTPUT_DIR": str(tmp_path / "videos"),
        "WAN_MCP_POLL_INTERVAL": "0.2",
        **NO_CAPS,
    }
    async with raw_server(environment) as one, raw_server(environment) as two:
        await one.hello()
        await two.hello()
        async with anyio.create_task_group() as both:
            both.start_soon(submit, one, "one")
            both.start_soon(submit, two, "two")
        last = newest(ledger)[-1]["id"]
        canceled = await one.call("cancel_video_task", task_id=last)
        await until_settled(ledger)

    assert canceled["status"] == "CANCELED"
    the_limits_were_kept(simulator)
    bill = the_bill_is_right(ledger, simulator)
    logger.info("%s, %d at once at most, in %s", bill, most_ours(simulator), duration(simulator))
    assert bill["accepted"] == bill["SUCCEEDED"] == 2 * EACH - 1


async def submit(client: RawClient, name: str) -> None:
    """Ask for fifty videos without waiting for an answer; then read the answers."""
    calls = [
        await client.begin("tools/call", name="create_video", arguments={"prompt": f"{name} {number}"})
        for number in range(EACH)
    ]
    answers = dict[int, bool]()
    with anyio.fail_after(PATIENCE):
        while len(answers) < len(calls):
            message = await client.receive()
            if "id" in message:
                answers[message["id"]] = message["result"].get("isError", False)
    assert not any(answers.values())


async def test_a_small_caller_is_not_starved_by_a_big_one(url: str, simulator: Simulator, tmp_path: Path) -> None:
    """A film of forty shots does not shut out a neighbour who wants five."""
    settings = made(url, tmp_path, WAN_MCP_POLL_INTERVAL=0.2, **NO_CAPS)
    async with open_service(settings) as videos:
        reports = list[Report]()

        async def ask(caller: str, number: int) -> None:
            reports.append(await videos.create(a_request(f"{caller} {number}"), agreed=True, caller=caller))

        async with anyio.create_task_group() as all_at_once:
            for number in range(BIG):
                all_at_once.start_soon(ask, "big", number)
        async with anyio.create_task_group() as all_at_once:
            for number in range(SMALL):
                all_at_once.start_soon(ask, "small", number)
        waiting = [report.task for report in reports if report.task.caller == "big" and report.task.rank > SMALL * 3]
        canceled = (await videos.cancel(waiting[-1].id, caller="big")).task
        await until_settled(settings.ledger)

    assert canceled.status is Status.CANCELED
    assert simulator.accepted_for(canceled.request.prompt) == 0
    the_limits_were_kept(simulator)
    assert the_bill_is_right(settings.ledger, simulator)["SUCCEEDED"] == BIG + SMALL - 1
    order = [task.order.prompt.split()[0] for task in sorted(simulator.accepted, key=lambda task: task.created_at)]
    last_of_small = max(place for place, caller in enumerate(order, 1) if caller == "small")
    logger.info("the last of the small caller's was number %d of %d", last_of_small, len(order))
    # Those that were on their way before it asked, and then in turn with the big one's.
    assert last_of_small <= AT_ONCE + 2 * SMALL + 3


async def until_settled(ledger: Path) -> None:
    """Wait until every task is over and its file at home."""
    await until(lambda: not newest(ledger, "unsettled"), within=PATIENCE, every=0.2)


def the_limits_were_kept(simulator: Simulator) -> None:
    """Assert it of every moment of the run, as DashScope saw it."""
    assert {call.status for call in simulator.requests} == {200}, "DashScope had reason to complain"
    sent = sorted(call.at for call in simulator.requests if call.method == "POST")
    for first, next_but_five in zip(sent, sent[A_SECOND:], strict=False):
        assert next_but_five - first > timedelta(seconds=1), "more than five submissions in one second"
    assert most_ours(simulator) <= AT_ONCE, "more than five tasks at once"


def most_ours(simulator: Simulator) -> int:
    """How many of our tasks DashScope had at the busiest moment."""
    return most_at_once(simulator.accepted, simulator.clock.now())


def duration(simulator: Simulator) -> timedelta:
    """From the first request to the last."""
    return simulator.requests[-1].at - simulator.requests[0].at
