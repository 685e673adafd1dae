"""`notifications/tasks`: a client of the tasks extension listens, and need not ask."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, MCPError
from mcp.client.extension import ClientExtension, NotificationBinding
from mcp.server.subscriptions import ResourceUpdated
from mcp.types import EmptyResult, Request, RequestParams, SubscriptionsAcknowledgedNotification
from pydantic import BaseModel, ConfigDict

from tests.conftest import HandClock
from tests.doors import at, client_of, tokens_file, until
from tests.e2e.conformance.profile import profile
from tests.making import a_request, pass_time
from tests.test_server import data
from wan_mcp.domain.errors import LedgerUnusable
from wan_mcp.server.app import build_server
from wan_mcp.server.tasks import TASKS
from wan_mcp.service.videos import Videos
from wan_mcp.settings import Settings

pytestmark = pytest.mark.anyio


class Told(BaseModel):
    """The parameters of one notification, whatever they are."""

    model_config = ConfigDict(extra="allow")

    @property
    def wire(self) -> dict[str, Any]:
        """As they came, without what the stream is marked with."""
        return {name: value for name, value in (self.model_extra or {}).items() if name != "_meta"}


class Ear(ClientExtension):
    """A client that knows tasks, and keeps what it is told."""

    identifier = TASKS

    def __init__(self) -> None:
        self.heard: list[Told] = []
        self.honored: dict[str, Any] | None = None

    def notifications(self) -> list[NotificationBinding[Any]]:
        return [NotificationBinding(method="notifications/tasks", params_type=Told, handler=self._note)]

    async def _note(self, told: Told) -> None:
        self.heard.append(told)

    async def see(self, message: object) -> None:
        """Note what was agreed to."""
        if isinstance(message, SubscriptionsAcknowledgedNotification):
            self.honored = message.params.notifications.model_dump(by_alias=True, exclude_none=True)

    @property
    def statuses(self) -> list[str]:
        """What was told, in a word each."""
        return [told.wire["status"] for told in self.heard]


class _Filter(RequestParams):
    notifications: Any


class _OfTask(RequestParams):
    taskId: str


@asynccontextmanager
async def listening(client: Client, ear: Ear, **wish: Any) -> AsyncGenerator[None]:
    """Listen until this ends."""
    wanted = Request[_Filter, str](method="subscriptions/listen", params=_Filter(notifications=wish))
    async with anyio.create_task_group() as stream:
        stream.start_soon(client.session.send_request, wanted, EmptyResult)
        await until(lambda: ear.honored is not None)
        yield
        stream.cancel_scope.cancel()


@asynccontextmanager
async def connected(videos: Videos) -> AsyncGenerator[tuple[Client, Ear]]:
    """A client of a server over this service, and its ear."""

    async def service() -> Videos:
        return videos

    ear = Ear()
    async with Client(build_server(service), extensions=[ear], message_handler=ear.see) as client:
        yield client, ear


async def got(client: Client, task_id: str) -> dict[str, Any]:
    """What `tasks/get` says."""
    answer = await client.session.send_request(
        Request[_OfTask, str](method="tasks/get", params=_OfTask(taskId=task_id)), Told
    )
    return {name: value for name, value in answer.wire.items() if name != "resultType"}


async def test_a_listener_is_told_the_task_itself_at_every_change(videos: Videos, clock: HandClock) -> None:
    """SEP-2663: each notification is what `tasks/get` would have returned at that moment, so nobody has to ask."""
    task_id = (await videos.create(a_request(), agreed=True)).task.id
    async with connected(videos) as (client, ear), listening(client, ear, taskIds=[task_id, task_id]):
        assert ear.honored == {"taskIds": [task_id]}
        await until(lambda: ear.statuses == ["working"])  # as it stands: it may have ended before anybody listened
        assert ear.heard[0].wire == await got(client, task_id)

        clock.turn(35)
        await videos.watcher.turn()
        await until(lambda: len(ear.heard) == 2)
        assert "RUNNING" in ear.heard[1].wire["statusMessage"]

        await pass_time(videos, clock, minutes=3)
        await until(lambda: ear.statuses[-1] == "completed")
        assert ear.heard[-1].wire == await got(client, task_id)
        assert ear.heard[-1].wire["result"]["structuredContent"]["status"] == "SUCCEEDED"


async def test_every_word_names_the_stream_it_is_for(videos: Videos) -> None:
    """A client with two streams on one connection tells them apart by nothing else."""
    task_id = (await videos.create(a_request(), agreed=True)).task.id
    async with connected(videos) as (client, ear), listening(client, ear, taskIds=[task_id]):
        await until(lambda: bool(ear.heard))
        meta = (ear.heard[0].model_extra or {})["_meta"]
        assert meta["io.modelcontextprotocol/subscriptionId"]


async def test_who_listens_to_tasks_and_resources_hears_of_each_as_asked(videos: Videos) -> None:
    """A resource that was not asked for as such may not be told of, though it is the same task's."""
    one, other = [(await videos.create(a_request(prompt), agreed=True)).task.id for prompt in ("one", "other")]
    async with connected(videos) as (client, ear):
        uri = f"wan://tasks/{one}"
        async with (
            client.listen(resource_subscriptions=[uri]) as news,
            listening(client, ear, taskIds=[one, other], resourceSubscriptions=[uri], toolsListChanged=True),
        ):
            assert ear.honored == {
                "taskIds": [one, other],
                "resourceSubscriptions": [uri],
                "toolsListChanged": True,
            }
            await until(lambda: len(ear.heard) == 2)
            await videos.cancel(other)
            await until(lambda: len(ear.heard) == 3)
            await videos.cancel(one)
            await until(lambda: len(ear.heard) == 4)
            assert await anext(news) == ResourceUpdated(uri)
    assert [(told.wire["taskId"], told.wire["status"]) for told in ear.heard[2:]] == [
        (other, "cancelled"),
        (one, "cancelled"),
    ]


async def test_what_is_no_task_of_the_caller_is_left_out(settings: Settings, tmp_path: Path) -> None:
    """The acknowledgement says so, and in the same way whether it is another's or nobody's."""
    file, tokens = tokens_file(tmp_path, ann="", bob="")
    ear = Ear()
    async with (
        at(settings.model_copy(update={"tokens_file": file})) as url,
        client_of(url, token=tokens["ann"]) as ann,
        client_of(url, token=tokens["bob"], extensions=[ear], message_handler=ear.see) as bob,
    ):
        hers = data(await ann.call_tool("create_video", {"prompt": "a cat"}))["task_id"]
        async with listening(bob, ear, taskIds=[hers, "vid_nobodys", "0a1b2c3d-remote"]):
            assert ear.honored == {"taskIds": []}
            await ann.call_tool("cancel_video_task", {"task_id": hers})
    assert ear.heard == []


async def test_a_ledger_that_cannot_be_read_costs_a_listener_nothing() -> None:
    """It is told once there is something to tell."""

    async def service() -> Videos:
        raise LedgerUnusable("The disk is full.")

    ear = Ear()
    async with (
        Client(build_server(service), extensions=[ear], message_handler=ear.see) as client,
        listening(client, ear, taskIds=["vid_a"]),
    ):
        assert ear.honored == {"taskIds": ["vid_a"]}
    assert ear.heard == []


async def test_a_server_without_a_book_of_tasks_tells_of_none() -> None:
    """What is missing in the acknowledgement is not to be waited for."""
    ear = Ear()
    async with (
        profile() as server,
        Client(server, extensions=[ear], message_handler=ear.see) as client,
        listening(client, ear, taskIds=["a"], toolsListChanged=True),
    ):
        assert ear.honored == {"toolsListChanged": True}


@pytest.mark.parametrize(
    "wish", [{"taskIds": "vid_a"}, {"taskIds": [1]}, {"taskIds": ["vid_a"], "resourceSubscriptions": 1}]
)
async def test_a_wish_that_cannot_be_read_is_the_clients_error(videos: Videos, wish: Any) -> None:
    """And not a subscription to something else."""
    wanted = Request[_Filter, str](method="subscriptions/listen", params=_Filter(notifications=wish))
    async with connected(videos) as (client, _):
        with pytest.raises(MCPError) as failure:
            await client.session.send_request(wanted, EmptyResult)

    assert failure.value.code == -32602
