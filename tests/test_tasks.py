"""The tasks extension on the ledger: a client that declares it gets a durable task from `create_video`."""

import sqlite3
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, closing
from datetime import datetime
from typing import Any, ClassVar, Literal

import anyio
import anyio.lowlevel
import httpx
import pytest
from mcp import Client, MCPError
from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim, advertise
from mcp.types import CallToolResult, ElicitRequestParams, ElicitResult, Request, RequestParams, Result
from pydantic import ConfigDict
from pydantic.alias_generators import to_camel

from tests.conftest import HandClock, opened
from tests.e2e.conformance.profile import profile
from tests.making import CAT, pass_time
from tests.test_server import CARD, DEAR, data, text
from wan_mcp.domain.errors import LedgerUnusable
from wan_mcp.server.app import build_server
from wan_mcp.server.tasks import TASKS
from wan_mcp.service.videos import Videos
from wan_mcp.settings import Settings
from wan_mcp.simulator import Simulator

pytestmark = pytest.mark.anyio

UNKNOWN, UNDECLARED, MISMATCH = -32602, -32021, -32020


class Shown(Result):
    """What every task shows over the wire."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="allow")

    task_id: str
    status: str
    created_at: datetime
    last_updated_at: datetime
    ttl_ms: int | None
    poll_interval_ms: int
    status_message: str = ""


class Created(Shown):
    """A task in place of a result."""

    result_type: Literal["task"] = "task"


class Task(Shown):
    """A task that was asked for."""

    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    input_requests: dict[str, Any] | None = None


class OfTask(RequestParams):
    """What the three methods are asked with."""

    task_id: str
    input_responses: dict[str, Any] | None = None


class TaskRequest(Request[OfTask, str]):
    """One of the three."""

    name_param: ClassVar[str | None] = "taskId"
    method: str
    params: OfTask


async def _not_waited_for(_task: Created, _ctx: ClaimContext) -> CallToolResult:
    raise AssertionError("these tests look at the task itself")


class Declares(ClientExtension):
    """A client that knows tasks."""

    identifier = TASKS

    def claims(self) -> list[ResultClaim[Any]]:
        return [ResultClaim(result_type="task", model=Created, resolve=_not_waited_for)]


@asynccontextmanager
async def connected(
    videos: Videos, *, extensions: Sequence[ClientExtension] | None = None, **options: Any
) -> AsyncGenerator[Client]:
    """A client that declares tasks, if not something else."""

    async def service() -> Videos:
        return videos

    declared = [Declares()] if extensions is None else extensions
    async with Client(build_server(service), extensions=declared, **options) as client:
        yield client


@pytest.fixture
async def client(videos: Videos) -> AsyncGenerator[Client]:
    """A client that declares tasks."""
    async with connected(videos) as client:
        yield client


async def create(client: Client, **arguments: Any) -> Result:
    """Call `create_video` and return whatever comes."""
    return await client.session.call_tool("create_video", arguments or CARD, allow_claimed=True)


async def created(client: Client, **arguments: Any) -> Created:
    """A task just made."""
    task = await create(client, **arguments)
    assert isinstance(task, Created), task
    return task


async def ask(client: Client, method: str, task_id: str, **more: Any) -> Task:
    """Ask about a task."""
    return await client.session.send_request(TaskRequest(method=method, params=OfTask(task_id=task_id, **more)), Task)


async def tell(client: Client, method: str, task_id: str, **more: Any) -> Result:
    """Tell the server something about a task; it only acknowledges."""
    return await client.session.send_request(TaskRequest(method=method, params=OfTask(task_id=task_id, **more)), Result)


async def get(client: Client, task_id: str) -> Task:
    """Ask how it is."""
    return await ask(client, "tasks/get", task_id)


# Getting one


async def test_a_client_that_declares_tasks_gets_one_from_create_video(client: Client, videos: Videos) -> None:
    """The handle is our own id, and the ledger has it before the client does."""
    task = await created(client)

    assert task.task_id == (await videos.newest(status=None, limit=1))[0].task.id
    assert (task.status, task.status_message) == ("working", "PENDING 0 s of usually 90 s")
    assert (task.ttl_ms, task.poll_interval_ms) == (None, 30000)
    assert task.created_at.tzinfo is not None


async def test_nobody_else_gets_one(videos: Videos) -> None:
    """The specification forbids it: such a client could not read the answer."""
    others: list[dict[str, Any]] = [
        {"extensions": []},
        {"extensions": [advertise("com.example/other")]},
        {"mode": "legacy"},
    ]
    for options in others:
        async with connected(videos, **options) as client:
            assert data(await client.call_tool("create_video", CARD))["status"] == "PENDING"


async def test_a_queued_task_is_one(client: Client, simulator: Simulator) -> None:
    """Nothing was sent yet, and the handle is good all the same."""
    simulator.mishap(on="create", kind="throttle")
    task = await created(client)

    assert (task.status, task.status_message) == ("working", "QUEUED with us at place 1")


async def test_a_task_whose_answer_was_lost_is_one(client: Client, simulator: Simulator) -> None:
    """This client too is told in words not to pay again."""
    simulator.mishap(on="create", kind="drop", accept=True)
    task = await created(client)

    assert task.status == "working"
    assert task.status_message == "UNCERTAIN: the answer was lost; do not create it again"


async def test_a_tool_error_stays_one(client: Client, simulator: Simulator) -> None:
    """No task exists."""
    result = await create(client, prompt="")

    assert isinstance(result, CallToolResult)
    assert result.is_error
    assert simulator.requests == []


async def test_the_person_is_asked_before_there_is_a_task(videos: Videos) -> None:
    """All questions come first, so a task never waits for input."""
    asked: list[str] = []

    async def person(_context: object, question: ElicitRequestParams) -> ElicitResult:
        asked.append(question.message)
        return ElicitResult(action="accept", content={"agree": True})

    polled: list[Created] = []

    class Waits(Declares):
        def claims(self) -> list[ResultClaim[Any]]:
            async def resolve(task: Created, _ctx: ClaimContext) -> CallToolResult:
                polled.append(task)
                return CallToolResult(content=[])

            return [ResultClaim(result_type="task", model=Created, resolve=resolve)]

    async with connected(videos, extensions=[Waits()], elicitation_callback=person) as client:
        await client.call_tool("create_video", DEAR)

    assert (len(asked), len(polled)) == (1, 1)


async def test_the_other_tools_answer_as_ever(client: Client) -> None:
    """They are over at once."""
    task = await created(client)
    result = await client.call_tool("get_video_task", {"task_id": task.task_id, "wait_seconds": 0})

    assert data(result)["status"] == "PENDING"


# Following one


async def test_a_task_is_followed_to_its_file(client: Client, videos: Videos, clock: HandClock) -> None:
    """The message moves with time, and the result is what `get_video_task` says."""
    task_id = (await created(client)).task_id
    messages: list[str] = []
    for _ in range(8):
        messages.append((await get(client, task_id)).status_message)
        await pass_time(videos, clock, minutes=0.25, step=15)
    ended = await get(client, task_id)
    told = await client.call_tool("get_video_task", {"task_id": task_id})

    assert messages[:2] == ["PENDING 0 s of usually 90 s", "PENDING 15 s of usually 90 s"]
    assert len(set(messages)) >= 4
    assert (ended.status, ended.status_message) == ("completed", "SUCCEEDED, the file is saved")
    result = CallToolResult.model_validate(ended.result)
    assert (result.content, result.structured_content) == (told.content, told.structured_content)
    assert not result.is_error
    assert ended.last_updated_at > ended.created_at


async def test_a_task_that_is_not_saved_yet_still_works(
    client: Client, videos: Videos, clock: HandClock, simulator: Simulator
) -> None:
    """What was paid for is there when the file is; a disk or a bucket that fails is told meanwhile."""
    simulator.mishap(on="download", kind="refuse", times=1)
    task_id = (await created(client)).task_id
    await pass_time(videos, clock, minutes=2)
    task = await get(client, task_id)
    for _ in range(9):
        if task.status != "working":
            break
        assert task.status_message.startswith("SUCCEEDED, saving the file")
        await pass_time(videos, clock, minutes=0.5)
        task = await get(client, task_id)

    assert task.status == "completed"


async def test_a_video_that_failed_is_a_completed_task_with_a_tool_error(
    client: Client, videos: Videos, clock: HandClock, simulator: Simulator
) -> None:
    """The specification keeps `failed` for JSON-RPC errors."""
    simulator.mishap(on="create", kind="fail", code="DataInspectionFailed")
    task_id = (await created(client)).task_id
    await pass_time(videos, clock, minutes=3)
    task = await get(client, task_id)
    result = CallToolResult.model_validate(task.result)

    assert (task.status, task.error, result.is_error) == ("completed", None, True)
    assert task.status_message.startswith("FAILED: ")
    assert "Reword the prompt" in text(result)


async def test_a_task_survives_the_server(settings: Settings, clock: HandClock) -> None:
    """Another process, the same ledger, the same id."""
    async with opened(settings, clock) as videos, connected(videos) as client:
        task = await created(client)
    async with opened(settings, clock) as videos, connected(videos) as client:
        found = await get(client, task.task_id)
        await pass_time(videos, clock, minutes=3)
        ended = await get(client, task.task_id)

    assert (found.status, found.created_at) == ("working", task.created_at)
    assert ended.status == "completed"


async def test_input_that_nobody_asked_for_is_ignored(client: Client) -> None:
    """As the specification wants it."""
    task_id = (await created(client)).task_id

    await tell(client, "tasks/update", task_id, input_responses={"x": {"action": "accept"}})
    assert (await get(client, task_id)).status == "working"


# Ending one


@pytest.mark.parametrize("queued", [True, False])
async def test_a_task_that_has_not_started_is_cancelled(client: Client, simulator: Simulator, queued: bool) -> None:
    """With us, or at DashScope."""
    if queued:
        simulator.mishap(on="create", kind="throttle")
    task_id = (await created(client)).task_id
    await tell(client, "tasks/cancel", task_id)
    task = await get(client, task_id)

    assert task.status == "cancelled"
    assert task.status_message.startswith("CANCELED")
    assert task.result is None


async def test_a_task_that_runs_goes_on_and_says_that_it_is_too_late(
    client: Client, videos: Videos, clock: HandClock
) -> None:
    """Cancelling is a request; money that is spent is not denied."""
    task_id = (await created(client)).task_id
    await pass_time(videos, clock, minutes=0.5)
    await tell(client, "tasks/cancel", task_id)
    late = await get(client, task_id)
    await pass_time(videos, clock, minutes=3)
    await tell(client, "tasks/cancel", task_id)
    ended = await get(client, task_id)

    assert late.status == "working"
    assert late.status_message.startswith("RUNNING 30 s of usually 90 s. Not cancelled: ")
    assert "already being rendered" in late.status_message
    assert (ended.status, ended.status_message) == ("completed", "SUCCEEDED, the file is saved")


async def test_a_film_that_could_not_be_called_off_says_why(
    client: Client, videos: Videos, settings: Settings, clock: HandClock
) -> None:
    """As a video does, until it has ended."""
    script = {"title": "A film", "shots": [{"prompt": "a cat"}]}
    film = await client.session.call_tool("create_film", script, allow_claimed=True)
    assert isinstance(film, Created)
    film_id = film.task_id
    with closing(sqlite3.connect(settings.ledger, isolation_level=None)) as db:
        db.execute(
            "CREATE TRIGGER busy BEFORE INSERT ON films BEGIN SELECT RAISE(ABORT, 'somebody else was faster'); END"
        )
        await tell(client, "tasks/cancel", film_id)
        db.execute("DROP TRIGGER busy")
    goes_on = await get(client, film_id)
    await tell(client, "tasks/cancel", film_id)
    ended = await get(client, film_id)

    assert goes_on.status == "working"
    assert "Not cancelled: " in goes_on.status_message
    assert ended.status == "cancelled"
    assert "Not cancelled" not in ended.status_message


# Mistakes


@pytest.mark.parametrize("method", ["tasks/get", "tasks/update", "tasks/cancel"])
async def test_an_unknown_task_is_said_to_be_unknown(client: Client, simulator: Simulator, method: str) -> None:
    """By a code; and DashScope is not asked, nor is one of its tasks adopted by reading."""
    for task_id in ("vid_nothere", "0385dc79-5ff8-4d82-bcb6-7a3b4a2b6d10", ""):
        with pytest.raises(MCPError) as failure:
            await tell(client, method, task_id)
        assert failure.value.code == UNKNOWN
    assert simulator.requests == []


@pytest.mark.parametrize("method", ["tasks/get", "tasks/update", "tasks/cancel"])
async def test_a_client_that_did_not_declare_tasks_is_told_what_to_declare(videos: Videos, method: str) -> None:
    """Each request declares anew, so the same id works with one client and not with another."""
    async with connected(videos) as client:
        task_id = (await created(client)).task_id
    async with connected(videos, extensions=[]) as client:
        with pytest.raises(MCPError) as failure:
            await tell(client, method, task_id)

    assert failure.value.code == UNDECLARED
    assert failure.value.data == {"requiredCapabilities": {"extensions": {TASKS: {}}}}


async def test_the_older_era_has_no_such_methods(videos: Videos) -> None:
    """Its tasks were another, unfinished thing."""
    async with connected(videos, mode="legacy") as client:
        with pytest.raises(MCPError) as failure:
            await get(client, "vid_nothere")

    assert failure.value.code == -32601


@pytest.mark.parametrize("name", ["another", "same", None])
async def test_a_header_that_names_another_task_is_refused(videos: Videos, name: str | None) -> None:
    """Proxies route by it. A missing one is tolerated: a client that people use sends none."""
    task_id = "vid_" + "a" * 22

    async def service() -> Videos:
        return videos

    server = build_server(service)
    headers = {
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tasks/get",
    }
    if name is not None:
        headers["mcp-name"] = task_id if name == "same" else "vid_another"
    meta: dict[str, Any] = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {"extensions": {TASKS: {}}},
        "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "0"},
    }
    asked: dict[str, Any] = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tasks/get",
        "params": {"taskId": task_id, "_meta": meta},
    }
    app = server.streamable_http_app()
    async with (
        server.session_manager.run(),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8000", verify=False) as http,
    ):
        answer = (await http.post("/mcp", json=asked, headers=headers)).json()

    assert answer["error"]["code"] == (MISMATCH if name == "another" else UNKNOWN)


async def test_a_ledger_that_cannot_be_read_is_an_internal_error_in_words() -> None:
    """The client can show them."""

    async def service() -> Videos:
        raise LedgerUnusable("The disk is full.", next_step="Make room.")

    async with Client(build_server(service), extensions=[Declares()]) as client:
        with pytest.raises(MCPError, match=r"The disk is full\. No money moved\. Make room\.") as failure:
            await get(client, "vid_a")

    assert failure.value.code == -32603


async def test_a_task_whose_ledger_fails_at_once_is_told_as_a_result(settings: Settings, clock: HandClock) -> None:
    """It is paid for: better the tool's own words than an error."""
    async with opened(settings, clock) as videos:
        asked: list[None] = []

        async def service() -> Videos:
            asked.append(None)
            if len(asked) == 3:  # after the question of consent and the tool itself
                raise LedgerUnusable("The disk is full.")
            return videos

        async with Client(build_server(service), extensions=[Declares()]) as client:
            result = await create(client)

    assert isinstance(result, CallToolResult)
    assert data(result)["status"] == "PENDING"


# The same extension over other tasks than videos


@pytest.fixture
async def jobs() -> AsyncGenerator[Client]:
    """The conformance suite's server, whose jobs ask, fail and break."""
    async with profile() as server, Client(server, extensions=[Declares()]) as client:
        yield client


async def until(client: Client, task_id: str, status: str) -> Task:
    """Ask until it has come so far."""
    with anyio.fail_after(5):
        while (task := await get(client, task_id)).status != status:
            await anyio.lowlevel.checkpoint()
    return task


async def begun(client: Client, tool: str) -> str:
    """The id of a job just begun."""
    job = await client.session.call_tool(tool, {}, allow_claimed=True)
    assert isinstance(job, Created)
    return job.task_id


async def test_a_task_that_asks_goes_on_once_all_is_answered(jobs: Client) -> None:
    """One answer at a time; what is open stands in the task."""
    task_id = await begun(jobs, "multi_input")
    asking = await until(jobs, task_id, "input_required")
    assert asking.input_requests is not None
    first, second = asking.input_requests
    await tell(jobs, "tasks/update", task_id, input_responses={first: {"action": "accept"}})
    assert set((await get(jobs, task_id)).input_requests or ()) == {second}
    await tell(jobs, "tasks/update", task_id, input_responses={second: {"action": "accept"}})

    assert (await until(jobs, task_id, "completed")).result is not None


async def test_a_task_that_breaks_shows_the_error(jobs: Client) -> None:
    """A JSON-RPC error, and no result."""
    task = await until(jobs, await begun(jobs, "protocol_error_job"), "failed")

    assert task.error == {"code": -32603, "message": "the job broke"}
    assert task.result is None


async def test_a_tool_that_made_no_task_just_answers(jobs: Client) -> None:
    """The server decides, call by call."""
    assert text(await jobs.call_tool("greet", {"name": "Ada"})) == "Hello, Ada!"


async def test_one_row_tells_one_story(client: Client, videos: Videos, clock: HandClock) -> None:
    """Tool, task and resource are views of the same row."""
    task_id = (await created(client, prompt=CAT)).task_id
    await pass_time(videos, clock, minutes=3)
    of_tool = data(await client.call_tool("get_video_task", {"task_id": task_id}))
    of_task = (await get(client, task_id)).result
    assert of_task is not None
    assert of_task["structuredContent"] == of_tool
