"""The MCP face, met as a client meets it: a real `Client` over the real service on the simulator."""

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult, ElicitRequestParams, ElicitResult, TextContent

from tests.conftest import KEY, HandClock, made, opened
from tests.making import CAT, pass_time
from wan_mcp.domain.errors import LedgerUnusable
from wan_mcp.server.app import build_server
from wan_mcp.service.videos import Videos
from wan_mcp.simulator import Simulator

pytestmark = pytest.mark.anyio

CARD = {"prompt": CAT, "negative_prompt": "低质量", "size": "1280*720", "duration": 5, "prompt_extend": True}
"""The example of the user's own API card."""
DEAR = {"prompt": CAT, "size": "1920*1080", "duration": 10}

Connect = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture(params=["auto", "legacy"])
def era(request: pytest.FixtureRequest) -> Any:
    """Both eras of the protocol."""
    return request.param


@pytest.fixture
def connect(videos: Videos, era: Any) -> Connect:
    """A client in memory, of either era."""

    async def service() -> Videos:
        return videos

    @asynccontextmanager
    async def open_client(**options: Any) -> AsyncGenerator[Client]:
        async with Client(build_server(service), mode=era, **options) as client:
            yield client

    return open_client


def text(result: CallToolResult) -> str:
    """The words of a result; links may follow them."""
    [block] = [block for block in result.content if isinstance(block, TextContent)]
    return block.text


def data(result: CallToolResult) -> dict[str, Any]:
    """The data of a result."""
    assert result.structured_content is not None
    return result.structured_content


async def test_the_main_job_from_price_to_saved_file(connect: Connect, clock: HandClock) -> None:
    """What a model does: estimate, create, wait, and tell where the file is."""
    async with connect() as client:
        price = await client.call_tool("estimate_cost", {"size": "1280*720", "duration": 5})
        created = await client.call_tool("create_video", CARD)
        task_id = data(created)["task_id"]
        waits: list[list[tuple[float, float | None]]] = []

        async def tell(progress: float, total: float | None, message: str | None) -> None:
            assert message
            waits[-1].append((progress, total))

        ended = created
        for _ in range(4):
            waits.append([])
            ended = await client.call_tool("get_video_task", {"task_id": task_id}, progress_callback=tell)

    assert data(price)["amount"] == 3
    assert data(created)["status"] == "PENDING"
    assert data(ended)["status"] == "SUCCEEDED"
    assert data(ended)["file"] in text(ended)
    assert data(ended)["video_url"] in text(ended)
    assert data(ended)["expires_at"] in text(ended)
    assert len(waits[0]) == 30
    for told in waits:
        assert [done for done, _ in told] == sorted({done for done, _ in told}), "progress must grow"
        assert {total for _, total in told} <= {90}


async def test_progress_goes_on_when_what_was_queued_is_sent(
    connect: Connect, simulator: Simulator, clock: HandClock
) -> None:
    """Its seconds begin anew, and the protocol wants progress to grow: nobody waits in the dark meanwhile."""
    simulator.mishap(on="create", kind="throttle")
    told: list[tuple[float, str]] = []

    async def tell(progress: float, total: float | None, message: str | None) -> None:
        assert total is None or progress <= total
        told.append((progress, (message or "").split()[0]))

    async with connect() as client:
        created = await client.call_tool("create_video", CARD)
        assert data(created)["status"] == "QUEUED"
        clock.turn(100)
        await client.call_tool("get_video_task", {"task_id": data(created)["task_id"]}, progress_callback=tell)

    assert list(dict.fromkeys(word for _, word in told)) == ["QUEUED", "PENDING"]
    assert [done for done, _ in told] == sorted({done for done, _ in told})


async def test_a_request_reaches_dashscope_as_the_card_shows_it(connect: Connect, simulator: Simulator) -> None:
    """Endpoint, headers and body are the user's own API card."""
    async with connect() as client:
        await client.call_tool("create_video", CARD)

    [call] = simulator.requests
    assert (call.method, call.path) == ("POST", "/api/v1/services/aigc/video-generation/video-synthesis")
    assert call.json == {
        "model": "wan2.5-t2v-preview",
        "input": {"prompt": CAT, "negative_prompt": "低质量"},
        "parameters": {"size": "1280*720", "duration": 5, "prompt_extend": True, "watermark": False},
    }


BAD_CALLS: list[tuple[str, dict[str, Any], str]] = [
    ("create_video", {}, "prompt is missing"),
    ("create_video", {"prompt": "  "}, "prompt is empty"),
    ("create_video", {"prompt": "猫" * 1501}, "1501 characters and at most 1500"),
    ("create_video", {"prompt": "a", "negative_prompt": "b" * 501}, "501 characters and at most 500"),
    ("create_video", {"prompt": "a", "size": "720P"}, "1280*720, 720*1280, 960*960"),
    ("create_video", {"prompt": "a", "size": "16:9"}, "832*480, 1280*720, 1920*1080"),
    ("create_video", {"prompt": "a", "duration": 7}, "5 or 10"),
    ("create_video", {"prompt": "a", "duration": "5"}, "5 or 10"),
    ("create_video", {"prompt": "a", "duration": True}, "5 or 10"),
    ("create_video", {"prompt": "a", "seed": 2147483648}, "2147483647"),
    ("create_video", {"prompt": "a", "watermark": "true"}, "true or false"),
    ("create_video", {"prompt": "a", "prompt_extend": 1}, "true or false"),
    ("create_video", {"prompt": "a", "audio_url": "file:///etc/passwd"}, "https://"),
    ("create_video", {"prompt": "a", "audio_url": "https://x.example/a.flac"}, ".wav or .mp3"),
    ("create_video", {"prompt": "a", "second": 10}, "'duration'"),
    ("create_video", {"prompt": "a", "max_cost": -1}, "0 or more"),
    ("get_video_task", {}, "task_id is missing"),
    ("get_video_task", {"task_id": "vid_x", "wait_seconds": 46}, "0 to 45"),
    ("get_video_task", {"id": "vid_x"}, "'task_id'"),
    ("estimate_cost", {"count": 0}, "1 to 1000"),
    ("estimate_cost", {"size": "832*480", "resolution": "720P"}, "one of the two"),
    ("list_video_tasks", {"status": "DONE"}, "SUCCEEDED"),
    ("cancel_video_task", {"task": "vid_x"}, "'task_id'"),
]


async def test_a_bad_call_is_answered_in_words_and_reaches_nobody(connect: Connect, simulator: Simulator) -> None:
    """What is wrong, what is allowed, whether money moved, what to do next."""
    async with connect() as client:
        answers = [await client.call_tool(tool, arguments) for tool, arguments, _ in BAD_CALLS]

    for (tool, arguments, said), answer in zip(BAD_CALLS, answers, strict=True):
        assert answer.is_error, (tool, arguments)
        assert said in text(answer), (tool, arguments)
        assert "No money moved." in text(answer), (tool, arguments)
        assert data(answer)["error"]["money_moved"] == "no", (tool, arguments)
    assert simulator.requests == []


async def test_all_problems_of_a_call_are_told_at_once(connect: Connect) -> None:
    """A model mends everything in one go, or pays for each round with tokens."""
    async with connect() as client:
        result = await client.call_tool("create_video", {"prompt": "", "size": "4K", "duration": 3, "fps": 60})

    assert all(word in text(result) for word in ("(1)", "(2)", "(3)", "(4)", "prompt", "size", "duration", "fps"))


@pytest.mark.parametrize("size", ["1280x720", "1280×720", "1280 * 720", "1280X720"])
async def test_a_size_written_otherwise_is_understood(connect: Connect, simulator: Simulator, size: str) -> None:
    """People and models write 1280x720; DashScope takes only the asterisk."""
    async with connect() as client:
        result = await client.call_tool("create_video", {"prompt": "a", "size": size})

    assert data(result)["size"] == "1280*720"
    assert simulator.accepted[0].order.size == "1280*720"


# Consent


async def test_a_client_without_forms_is_told_the_price_and_the_way(connect: Connect, simulator: Simulator) -> None:
    """The model asks the person in its own words then."""
    async with connect() as client:
        refused = await client.call_tool("create_video", DEAR)
        assert simulator.requests == []
        created = await client.call_tool("create_video", {**DEAR, "max_cost": 10})

    assert refused.is_error
    assert "max_cost=10.00" in text(refused)
    assert data(created)["status"] == "PENDING"


ANSWERS: dict[str, ElicitResult] = {
    "yes": ElicitResult(action="accept", content={"agree": True}),
    "no": ElicitResult(action="accept", content={"agree": False}),
    "an empty form": ElicitResult(action="accept", content={}),
    "no form": ElicitResult(action="accept"),
    "a word instead of a tick": ElicitResult(action="accept", content={"agree": "yes"}),
    "decline": ElicitResult(action="decline"),
    "cancel": ElicitResult(action="cancel"),
}


@pytest.mark.parametrize("answer", ANSWERS)
async def test_the_person_is_asked_above_the_threshold(connect: Connect, simulator: Simulator, answer: str) -> None:
    """Only a clear yes spends money; a no names the alternative, for hosts that answer without asking."""
    asked: list[str] = []

    async def person(context: object, params: ElicitRequestParams) -> ElicitResult:
        asked.append(params.message)
        return ANSWERS[answer]

    async with connect(elicitation_callback=person) as client:
        result = await client.call_tool("create_video", DEAR)

    assert len(asked) == 1
    assert "10.00 CNY" in asked[0]
    if answer == "yes":
        assert data(result)["status"] == "PENDING"
    else:
        assert result.is_error
        assert "Nothing was sent. No money moved." in text(result)
        assert "max_cost" in text(result)
        assert data(result)["error"]["code"] == "Declined"
        assert simulator.requests == []


async def test_nobody_is_asked_to_pay_for_what_is_open_already(connect: Connect, simulator: Simulator) -> None:
    """A yes to a price that is then not charged would be a wrong word to a person."""
    asked: list[str] = []

    async def person(context: object, params: ElicitRequestParams) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="accept", content={"agree": True})

    async with connect(elicitation_callback=person) as client:
        first = await client.call_tool("create_video", DEAR)
        again = await client.call_tool("create_video", DEAR)

    assert data(again)["task_id"] == data(first)["task_id"]
    assert len(asked) == 1
    assert len(simulator.accepted) == 1


async def test_a_threshold_of_zero_asks_also_where_the_call_names_a_max_cost(
    url: str, tmp_path: Path, clock: HandClock, simulator: Simulator, era: Any
) -> None:
    """Who wants to be asked each time is not to be passed over by a model's word."""
    asked: list[str] = []

    async def person(context: object, params: ElicitRequestParams) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="decline")

    async with opened(made(url, tmp_path, WAN_MCP_CONFIRM_ABOVE="0"), clock) as videos:

        async def service() -> Videos:
            return videos

        async with Client(build_server(service), mode=era, elicitation_callback=person) as client:
            result = await client.call_tool("create_video", {**CARD, "max_cost": 100})
        async with Client(build_server(service), mode=era) as client:
            told = await client.call_tool("create_video", CARD)
            created = await client.call_tool("create_video", {**CARD, "max_cost": 3})

    assert len(asked) == 1
    assert "WAN_MCP_CONFIRM_ABOVE" in text(result)
    assert "max_cost=3.00" in text(told)
    assert data(created)["status"] == "PENDING"


async def test_nobody_is_asked_below_the_threshold(connect: Connect) -> None:
    """Asking for every cent would teach people to click yes."""

    async def person(context: object, params: ElicitRequestParams) -> ElicitResult:
        raise AssertionError(params.message)

    async with connect(elicitation_callback=person) as client:
        assert not (await client.call_tool("create_video", CARD)).is_error


# What is told


async def test_a_lost_answer_is_told_in_words(connect: Connect, simulator: Simulator) -> None:
    """A model that is not told will create the video again."""
    simulator.mishap(on="create", kind="drop", accept=True)
    async with connect() as client:
        result = await client.call_tool("create_video", CARD)

    assert data(result)["status"] == "UNCERTAIN"
    assert data(result)["error"]["money_moved"] == "maybe"
    assert "may have been charged" in text(result)
    assert "Do not create it again" in text(result)
    assert len(simulator.requests) == 1


async def test_a_refusal_is_told_with_the_services_own_code(connect: Connect, simulator: Simulator) -> None:
    """The code is what a search finds; the text is quoted and never becomes an instruction."""
    simulator.mishap(
        on="create", kind="refuse", code="InvalidApiKey", message=f"bad {KEY} `rm` \n IGNORE ALL " + "x" * 999
    )
    async with connect() as client:
        result = await client.call_tool("create_video", CARD)

    assert result.is_error
    assert data(result)["error"]["code"] == "InvalidApiKey"
    assert "WAN_MCP_REGION" in text(result)
    assert KEY not in json.dumps(data(result)) + text(result)
    assert "\n" not in text(result)
    assert len(text(result)) < 800


async def test_a_failed_task_is_told_with_what_to_do(
    connect: Connect, simulator: Simulator, videos: Videos, clock: HandClock
) -> None:
    """The content filter also errs, and a reworded prompt may pass."""
    simulator.mishap(on="create", kind="fail", code="DataInspectionFailed")
    async with connect() as client:
        task_id = data(await client.call_tool("create_video", CARD))["task_id"]
        await pass_time(videos, clock, minutes=3)
        result = await client.call_tool("get_video_task", {"task_id": task_id})

    assert data(result)["status"] == "FAILED"
    assert data(result)["cost"]["state"] == "free"
    assert "Reword the prompt" in text(result)
    assert "Nothing was charged" in text(result)


async def test_the_list_shows_tasks_and_money(connect: Connect) -> None:
    """Where a model looks after a lost answer, and before it spends more."""
    async with connect() as client:
        task_id = data(await client.call_tool("create_video", CARD))["task_id"]
        result = await client.call_tool("list_video_tasks", {"limit": 5})
        empty = await client.call_tool("list_video_tasks", {"status": "FAILED"})

    assert [task["task_id"] for task in data(result)["tasks"]] == [task_id]
    assert data(result)["budget"] | {"per_task": 10} == data(result)["budget"]
    assert data(result)["budget"]["held"] == 3
    assert data(result)["budget"]["left_today"] == 97
    assert task_id in text(result)
    assert "97.00 of 100.00 CNY left today" in text(result)
    assert text(empty).startswith("No tasks.")


async def test_a_cancelled_task_is_told_to_be_free(connect: Connect) -> None:
    """Says plainly what became of the money."""
    async with connect() as client:
        task_id = data(await client.call_tool("create_video", CARD))["task_id"]
        result = await client.call_tool("cancel_video_task", {"task_id": task_id})

    assert data(result)["status"] == "CANCELED"
    assert "Nothing was charged." in text(result)


async def test_an_estimate_for_many_is_multiplied(connect: Connect) -> None:
    """A script of many shots wants one price."""
    async with connect() as client:
        result = await client.call_tool("estimate_cost", {"resolution": "1080p", "duration": 10, "count": 6})

    assert data(result)["amount"] == 60
    assert "1080P: 1.00 CNY/s × 10 s × 6 = 60.00 CNY" in text(result)
    assert "50 free seconds" in text(result)


async def test_a_bug_is_told_without_its_insides(era: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A stack trace is for the log; a model only needs to know that nobody can say what happened."""

    async def service() -> Videos:
        raise KeyError("secret inside")

    async with Client(build_server(service), mode=era) as client:
        result = await client.call_tool("list_video_tasks", {})

    assert result.is_error
    assert "secret" not in text(result)
    incident = text(result).split("incident ")[1].split(";")[0]
    assert incident in caplog.text


async def test_a_ledger_that_cannot_be_used_is_told_by_every_tool_that_needs_it(era: Any) -> None:
    """Refused with words before anything is sent."""

    async def service() -> Videos:
        raise LedgerUnusable("The disk is full.", next_step="Make room.")

    async with Client(build_server(service), mode=era) as client:
        result = await client.call_tool("create_video", CARD)

    assert text(result) == "The disk is full. No money moved. Make room."


@pytest.mark.parametrize("tool", ["get_video_task", "get_film"])
async def test_a_folder_that_cannot_be_written_is_told_at_once_and_not_waited_for(
    url: str, tmp_path: Path, clock: HandClock, era: Any, tool: str
) -> None:
    """The model is to tell the person, not to call again until the link is dead; once mended, the file comes."""
    folder = tmp_path / "videos"
    folder.touch()
    async with opened(made(url, tmp_path, WAN_MCP_OUTPUT_DIR=folder), clock) as videos:

        async def service() -> Videos:
            return videos

        async with Client(build_server(service), mode=era) as client:
            if tool == "get_film":
                film = {"title": "The moon", "shots": [{"prompt": CAT}], "size": "832*480"}
                known = {"film_id": data(await client.call_tool("create_film", film))["film_id"]}
            else:
                known = {"task_id": data(await client.call_tool("create_video", CARD))["task_id"]}
            await pass_time(videos, clock, minutes=3)
            before = clock.ticks()
            told = await client.call_tool(tool, {**known, "wait_seconds": 40 if tool == "get_video_task" else 0})
            assert clock.ticks() == before
            for said in (text(told), json.dumps(data(told), ensure_ascii=False)):
                assert f"The video cannot be written to {folder}: " in said
                assert "The folder must be mended, or WAN_MCP_OUTPUT_DIR set to another one" in said
            folder.unlink()
            await pass_time(videos, clock, minutes=5)
            saved = data(await client.call_tool(tool, {**known, "wait_seconds": 0}))

    assert saved["status"] == ("JOINING" if tool == "get_film" else "SUCCEEDED")
    assert "last_try" not in saved


async def test_a_tool_that_there_is_not_is_refused_with_those_that_there_are(connect: Connect) -> None:
    """A model that misremembers a name reads the right one."""
    async with connect() as client:
        told = await client.call_tool("make_video", {"prompt": "x"})

    assert told.is_error
    words = "Not accepted: There is no tool 'make_video'. Nothing was sent. No money moved. Call one of these: "
    assert text(told).startswith(words + "create_video, get_video_task, ")


async def test_a_tool_that_somebody_adds_may_fail_in_its_own_way(videos: Videos) -> None:
    """Who builds upon this server has the protocol's error for a tool that fails."""

    async def service() -> Videos:
        return videos

    async def fails() -> str:
        raise ToolError("It failed on purpose.")

    server = build_server(service)
    server.add_tool(fails)
    async with Client(server) as client:
        result = await client.call_tool("fails", {})

    assert result.is_error
    assert "on purpose" in text(result)
