"""The end of the questions is not the end of the answers: who pipes one in, or hangs up, is told all the same."""

import json
import os
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import anyio
import pytest
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCNotification, JSONRPCRequest, JSONRPCResponse

from tests.making import a_request
from tests.test_pipes import ends
from wan_mcp.server import app, unanswered
from wan_mcp.server.app import build_server
from wan_mcp.server.opening import Opening
from wan_mcp.server.pipes import Incoming, Outgoing
from wan_mcp.server.unanswered import Answers, Questions, Unanswered
from wan_mcp.service.videos import Videos

pytestmark = pytest.mark.anyio

Asked = JSONRPCRequest | JSONRPCNotification


def request(number: int, method: str = "tools/list") -> JSONRPCRequest:
    """A question."""
    return JSONRPCRequest(jsonrpc="2.0", id=number, method=method)


def given_up(number: int) -> JSONRPCNotification:
    """The word that nobody wants its answer any more."""
    return JSONRPCNotification(jsonrpc="2.0", method="notifications/cancelled", params={"requestId": number})


class Client:
    """A client at both streams."""

    def __init__(self) -> None:
        self._asking, asked = anyio.create_memory_object_stream[SessionMessage | Exception](9)
        answering, self._answered = anyio.create_memory_object_stream[SessionMessage](9)
        noted = Unanswered()
        self.ends = 0
        self.questions = Questions(asked, noted, self._note_the_end)
        self.answers = Answers(answering, noted)

    def _note_the_end(self) -> None:
        self.ends += 1

    async def asks(self, *messages: Asked) -> None:
        """Ask all of these, and nothing more; the server reads them all."""
        for message in messages:
            await self._asking.send(SessionMessage(message))
        await self._asking.send(ValueError("a line that cannot be read"))
        self._asking.close()
        for _ in (*messages, None):
            await self.questions.receive()

    async def is_answered(self, number: int) -> None:
        """The server answers."""
        await self.answers.send(SessionMessage(JSONRPCResponse(jsonrpc="2.0", id=number, result={})))

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        async with self.questions, self.answers, self._answered:
            pass


async def read_to_the_end(questions: Questions, done: anyio.Event) -> None:
    """What the SDK does."""
    assert [message async for message in questions] == []
    done.set()


async def test_the_questions_end_once_each_is_answered() -> None:
    """Not before, and the end of the input is told once, however often it is asked for."""
    async with Client() as client, anyio.create_task_group() as server:
        done = anyio.Event()
        await client.asks(request(1), request(2))
        server.start_soon(read_to_the_end, client.questions, done)
        await anyio.wait_all_tasks_blocked()
        assert client.ends == 1
        await client.is_answered(2)
        await client.answers.send(SessionMessage(given_up(2)))  # no answer
        await anyio.wait_all_tasks_blocked()
        assert not done.is_set()
        await client.is_answered(1)
        with anyio.fail_after(5):
            await done.wait()
            await read_to_the_end(client.questions, done)
        assert client.ends == 1


@pytest.mark.parametrize("asked", [[], [request(1), given_up(1)], [request(1, "subscriptions/listen")], [given_up(7)]])
async def test_what_has_no_answer_is_not_waited_for(asked: list[Asked]) -> None:
    """What was given up, and what never ends: the host has gone home."""
    async with Client() as client:
        await client.asks(*asked)
        with anyio.fail_after(5):
            await read_to_the_end(client.questions, anyio.Event())


async def test_an_answer_that_does_not_come_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host has five seconds for our end."""
    monkeypatch.setattr(unanswered, "LAST_ANSWERS", 0)
    async with Client() as client:
        await client.asks(request(1))
        with anyio.fail_after(5):
            await read_to_the_end(client.questions, anyio.Event())


HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "pipe", "version": "0"}}


async def answers_to(
    videos: Videos, monkeypatch: pytest.MonkeyPatch, *, is_open: bool, **asked: dict[str, Any]
) -> dict[str, Any]:
    """Call these tools, and nothing more; the service is opened after the last word only, unless it `is_open`."""
    may_open = anyio.Event()
    if is_open:
        may_open.set()

    @asynccontextmanager
    async def opener() -> AsyncGenerator[Videos]:
        await may_open.wait()
        yield videos

    calls = [{"name": name, "arguments": arguments} for name, arguments in asked.items()]
    questions = [("initialize", HELLO), *(("tools/call", call) for call in calls)]
    lines = [
        json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        for number, (method, params) in enumerate(questions)
    ]
    with ends("pipe") as (asked_at, asking), ends("pipe") as (told, telling):
        opening = Opening(opener)

        @contextmanager
        def these() -> Generator[tuple[Incoming, Outgoing]]:
            outgoing = Outgoing(telling)
            yield Incoming(asked_at, outgoing), outgoing

        def at_the_end() -> None:
            opening.hurry()
            may_open.set()

        monkeypatch.setattr(app, "standard_pipes", these)
        async with anyio.create_task_group() as background:
            background.start_soon(opening.run)
            if is_open:
                await opening()
            os.write(asking, "\n".join(lines).encode())
            os.close(asking)
            await build_server(opening).run_stdio_async(at_the_end=at_the_end)
            background.cancel_scope.cancel()
        os.close(telling)
        with os.fdopen(os.dup(told), encoding="utf-8") as page:
            answers = [json.loads(line) for line in page]
    by_id = {answer["id"]: answer["result"] for answer in answers if "id" in answer}
    return {name: by_id[number]["structuredContent"] for number, name in enumerate(asked, 1)}


@pytest.mark.parametrize("is_open", [True, False])
async def test_questions_from_a_pipe_are_answered_though_the_service_is_not_open_yet(
    videos: Videos, monkeypatch: pytest.MonkeyPatch, is_open: bool
) -> None:
    """`printf ... | wan-mcp`; and who waits for a task is told how it stands, since nobody stays to hear its end."""
    task = (await videos.create(a_request(), agreed=False)).task
    told = await answers_to(
        videos,
        monkeypatch,
        is_open=is_open,
        estimate_cost={},
        get_video_task={"task_id": task.id, "wait_seconds": 45},
        list_video_tasks={},
        create_video={"prompt": "a dog"},
    )

    assert told["estimate_cost"]["amount"] == 3
    assert told["get_video_task"]["status"] == told["create_video"]["status"] == "PENDING"
    assert task.id in {one["task_id"] for one in told["list_video_tasks"]["tasks"]}
