"""A client that listens hears of a task's change, in both eras, and nothing has to be alive for it."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import anyio
import pytest
from anyio.streams.memory import MemoryObjectReceiveStream
from mcp import Client, MCPError
from mcp.client.extension import advertise
from mcp.server.connection import Connection
from mcp.server.session import ServerSession
from mcp.server.subscriptions import ResourceUpdated, ToolsListChanged
from mcp.shared.dispatcher import DispatchContext
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher
from mcp.shared.message import SessionMessage
from mcp.shared.transport_context import TransportContext
from mcp.types import (
    ClientCapabilities,
    EmptyResult,
    Implementation,
    InitializeRequestParams,
    JSONRPCNotification,
    Request,
    RequestParams,
    ResourceUpdatedNotification,
    SubscribeRequest,
    SubscribeRequestParams,
    TextResourceContents,
    UnsubscribeRequest,
    UnsubscribeRequestParams,
)

from tests.conftest import HandClock, opened
from tests.doors import at, client_of, tokens_file, until
from tests.e2e.conformance.profile import profile
from tests.making import a_request, pass_time
from tests.test_server import data
from wan_mcp.domain.errors import LedgerUnusable
from wan_mcp.domain.task import VideoTask
from wan_mcp.server.app import build_server
from wan_mcp.server.subscriptions import Subscribers
from wan_mcp.server.tasks import TASKS
from wan_mcp.service.videos import Videos
from wan_mcp.settings import Settings

pytestmark = pytest.mark.anyio

SOON = 5


async def made_task(videos: Videos, prompt: str = "a cat") -> VideoTask:
    """A task that no client asked for here."""
    return (await videos.create(a_request(prompt), agreed=True)).task


def uri(task: VideoTask) -> str:
    """Where it is read."""
    return f"wan://tasks/{task.id}"


@asynccontextmanager
async def connected(videos: Videos, **options: Any) -> AsyncGenerator[Client]:
    """A client of a server over this service."""

    async def service() -> Videos:
        return videos

    async with Client(build_server(service), **options) as client:
        yield client


# The present era


async def test_a_listener_hears_of_every_change(videos: Videos, clock: HandClock) -> None:
    """RUNNING, SUCCEEDED, saved: each time there is something new to read."""
    task = await made_task(videos)
    async with connected(videos) as client, client.listen(resource_subscriptions=[uri(task)]) as news:
        for status in ("RUNNING", "SUCCEEDED"):
            clock.turn(35)
            await videos.watcher.turn()
            with anyio.fail_after(SOON):
                assert await anext(news) == ResourceUpdated(uri(task))
            [contents] = (await client.read_resource(uri(task))).contents
            assert isinstance(contents, TextResourceContents)
            assert json.loads(contents.text)["status"] == status


async def test_a_listener_hears_of_nobody_elses_task(videos: Videos, clock: HandClock) -> None:
    """Only of what it asked for."""
    mine, other = await made_task(videos, "mine"), await made_task(videos, "other")
    async with connected(videos) as client, client.listen(resource_subscriptions=[uri(mine)]) as news:
        await videos.cancel(other.id)
        await videos.cancel(mine.id)
        with anyio.fail_after(SOON):
            assert await anext(news) == ResourceUpdated(uri(mine))


async def test_what_another_process_did_is_heard_too(settings: Settings, clock: HandClock) -> None:
    """Claude Desktop and a terminal, each with its own process, on one ledger."""
    async with opened(settings, clock) as one, opened(settings, clock) as two:
        task = await made_task(two)
        await one.watcher.turn()
        async with connected(one) as client, client.listen(resource_subscriptions=[uri(task)]) as news:
            await two.cancel(task.id)
            await one.watcher.turn()
            with anyio.fail_after(SOON):
                assert await anext(news)


async def test_a_listener_survives_a_ledger_that_cannot_be_opened() -> None:
    """The tools say what is wrong; listening is not refused for it."""

    async def service() -> Videos:
        raise LedgerUnusable("The disk is full.")

    async with (
        Client(build_server(service)) as client,
        client.listen(resource_subscriptions=["wan://tasks/vid_a"]) as news,
    ):
        assert news.honored.resource_subscriptions == ["wan://tasks/vid_a"]


async def test_who_listens_no_more_costs_nothing(videos: Videos, clock: HandClock) -> None:
    """Changes are told to nobody then, and nobody waits for it."""
    task = await made_task(videos)
    async with connected(videos) as client, client.listen(resource_subscriptions=[uri(task)]):
        pass
    await pass_time(videos, clock, minutes=3)
    assert (await videos.get(task.id)).task.file


class _Filter(RequestParams):
    notifications: Any


def _listen(wish: Any) -> Request[_Filter, str]:
    return Request[_Filter, str](method="subscriptions/listen", params=_Filter(notifications=wish))


async def test_task_notifications_want_the_extension_declared(videos: Videos) -> None:
    """The tasks extension demands this answer of every server."""
    wanted = _listen({"taskIds": ["vid_a"]})
    async with connected(videos) as client:
        with pytest.raises(MCPError) as failure:
            await client.session.send_request(wanted, EmptyResult)
    assert failure.value.code == -32021
    async with connected(videos, extensions=[advertise(TASKS)]) as client:
        with anyio.move_on_after(0.2) as listening:
            await client.session.send_request(wanted, EmptyResult)
    assert listening.cancelled_caught


# The older era


@asynccontextmanager
async def older(videos: Videos) -> AsyncGenerator[tuple[Client, list[str]]]:
    """A client of the older era, and what it was told."""
    heard: list[str] = []

    async def note(message: object) -> None:
        if isinstance(message, ResourceUpdatedNotification):
            heard.append(str(message.params.uri))

    async with connected(videos, mode="legacy", message_handler=note) as client:
        yield client, heard


@asynccontextmanager
async def older_at(url: str, **options: Any) -> AsyncGenerator[tuple[Client, list[str]]]:
    """The same over HTTP."""
    heard: list[str] = []

    async def note(message: object) -> None:
        if isinstance(message, ResourceUpdatedNotification):
            heard.append(str(message.params.uri))

    async with client_of(url, mode="legacy", message_handler=note, **options) as client:
        yield client, heard


async def subscribe(client: Client, uri: str) -> None:
    """Ask to be told."""
    request = SubscribeRequest(params=SubscribeRequestParams(uri=uri))
    await client.session.send_request(request, EmptyResult)


async def unsubscribe(client: Client, uri: str) -> None:
    """Ask to be told no more."""
    request = UnsubscribeRequest(params=UnsubscribeRequestParams(uri=uri))
    await client.session.send_request(request, EmptyResult)


async def test_a_subscriber_of_the_older_era_hears_of_a_change(videos: Videos) -> None:
    """Hosts of that era have no other way; the handshake says that there is this one."""
    mine, other = await made_task(videos, "mine"), await made_task(videos, "other")
    async with older(videos) as (client, heard):
        assert client.server_capabilities.resources
        assert client.server_capabilities.resources.subscribe
        await subscribe(client, uri(mine))
        await videos.cancel(other.id)
        await videos.cancel(mine.id)
        await until(lambda: bool(heard))

    assert set(heard) == {uri(mine)}


@asynccontextmanager
async def a_session() -> AsyncGenerator[tuple[ServerSession, MemoryObjectReceiveStream[SessionMessage]]]:
    """The SDK's session of a client of the older era, and the end of the wire at which that client reads."""
    to_client, wire = anyio.create_memory_object_stream[SessionMessage](0)
    from_client, inbound = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    async with to_client, wire, from_client, inbound:
        dispatcher = JSONRPCDispatcher[TransportContext](inbound, to_client)
        connection = Connection.for_loop(dispatcher)
        connection.client_params = InitializeRequestParams(
            protocol_version="2025-06-18",
            capabilities=ClientCapabilities(),
            client_info=Implementation(name="older", version="1"),
        )
        yield ServerSession(cast(DispatchContext[Any], dispatcher), connection), wire


async def heard_on(wire: MemoryObjectReceiveStream[SessionMessage], count: int) -> list[str]:
    """The addresses in so many notifications."""
    with anyio.fail_after(SOON):
        messages = [(await wire.receive()).message for _ in range(count)]
    return [
        message.params["uri"] for message in messages if isinstance(message, JSONRPCNotification) and message.params
    ]


def patient(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Wait so long for a client that does not read."""
    monkeypatch.setattr("wan_mcp.server.subscriptions._PATIENCE", seconds)


async def test_a_client_that_does_not_read_holds_up_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """One laptop that sleeps would cost every other client five seconds for each change."""
    patient(monkeypatch, 600)
    uris = [f"wan://tasks/vid_{number}" for number in range(20)]
    async with a_session() as (stuck, unread), a_session() as (reading, wire), anyio.create_task_group() as telling:
        subscribers = Subscribers(telling)
        for uri in uris:
            subscribers.add(uri, stuck)
            subscribers.add(uri, reading)
        for uri in [*uris, uris[0]]:
            subscribers.heard(ResourceUpdated(uri))

        assert await heard_on(wire, 20) == uris, "each once, in their order"
        subscribers.heard(ResourceUpdated(uris[3]))
        assert await heard_on(wire, 1) == [uris[3]], "who has heard all is told what comes later"
        assert await heard_on(unread, 20) == uris, "who reads at last has missed nothing, within its time"
        telling.cancel_scope.cancel()


async def test_a_client_that_did_not_read_in_time_hears_what_comes_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is passed over for one word, and not given up."""
    first, later = "wan://tasks/vid_first", "wan://tasks/vid_later"
    async with a_session() as (session, wire), anyio.create_task_group() as telling:
        subscribers = Subscribers(telling)
        for uri, seconds in ((first, 0), (later, 600)):
            patient(monkeypatch, seconds)
            subscribers.add(uri, session)
            subscribers.heard(ResourceUpdated(uri))
            await anyio.wait_all_tasks_blocked()
        assert await heard_on(wire, 1) == [later]
        telling.cancel_scope.cancel()


async def test_news_for_a_client_that_does_not_read_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What finds no room is lost, and the next change says the same."""
    patient(monkeypatch, 600)
    monkeypatch.setattr("wan_mcp.server.subscriptions._MOST", 2)
    a, b, c, d = (f"wan://tasks/vid_{name}" for name in "abcd")
    async with a_session() as (session, wire), anyio.create_task_group() as telling:
        subscribers = Subscribers(telling)
        for uri in (a, b):
            subscribers.add(uri, session)
            subscribers.heard(ResourceUpdated(uri))
        await anyio.wait_all_tasks_blocked()  # a is on the wire
        for uri in (c, d):
            subscribers.add(uri, session)
            subscribers.heard(ResourceUpdated(uri))
        assert await heard_on(wire, 3) == [a, b, c]
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(anyio.WouldBlock):
            wire.receive_nowait()
        telling.cancel_scope.cancel()


async def test_who_unsubscribed_hears_no_more(settings: Settings) -> None:
    """One client's word counts for that client only, though both are at one server."""
    async with (
        at(settings) as url,
        older_at(url) as (leaving, unheard),
        older_at(url) as (staying, heard),
    ):
        created = await staying.call_tool("create_video", {"prompt": "a cat"})
        task_uri = f"wan://tasks/{data(created)['task_id']}"
        await subscribe(leaving, task_uri)
        await subscribe(staying, task_uri)
        await unsubscribe(leaving, task_uri)
        await staying.call_tool("cancel_video_task", {"task_id": data(created)["task_id"]})
        await until(lambda: bool(heard))

    assert set(heard) == {task_uri}
    assert unheard == []


async def test_nobody_hears_of_another_callers_task(settings: Settings, tmp_path: Path) -> None:
    """Who knows the id of a task that is not theirs learns nothing by it, in either era."""
    file, tokens = tokens_file(tmp_path, ann="", bob="")
    guarded = settings.model_copy(update={"tokens_file": file})
    async with (
        at(guarded) as url,
        client_of(url, token=tokens["ann"]) as ann,
        client_of(url, token=tokens["bob"]) as bob,
        older_at(url, token=tokens["bob"]) as (older_bob, heard),
    ):
        task_id = data(await ann.call_tool("create_video", {"prompt": "a cat"}))["task_id"]
        uris = [f"wan://tasks/{task_id}", "wan://models"]
        await subscribe(older_bob, uris[0])
        async with (
            ann.listen(resource_subscriptions=uris) as to_ann,
            bob.listen(resource_subscriptions=uris) as to_bob,
        ):
            await ann.call_tool("cancel_video_task", {"task_id": task_id})
            with anyio.fail_after(SOON):
                assert await anext(to_ann) == ResourceUpdated(uris[0])
            assert to_bob.honored.resource_subscriptions == ["wan://models"]

    assert heard == []


async def test_an_old_subscription_gives_way_to_a_new_one(videos: Videos, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody tells us when a client of that era is gone, and memory is not without end."""
    monkeypatch.setattr("wan_mcp.server.subscriptions._MOST", 8)
    oldest, newest = await made_task(videos, "oldest"), await made_task(videos, "newest")
    async with older(videos) as (client, heard):
        await subscribe(client, uri(oldest))
        for number in range(7):
            await subscribe(client, f"wan://nothing/{number}")
        await subscribe(client, uri(newest))
        await videos.cancel(oldest.id)
        await videos.cancel(newest.id)
        await until(lambda: bool(heard))

    assert set(heard) == {uri(newest)}


async def test_one_callers_many_subscriptions_push_out_nobody_elses(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each caller has so many for itself."""
    monkeypatch.setattr("wan_mcp.server.subscriptions._MOST", 2)
    file, tokens = tokens_file(tmp_path, ann="", bob="")
    async with (
        at(settings.model_copy(update={"tokens_file": file})) as url,
        older_at(url, token=tokens["ann"]) as (ann, heard),
        older_at(url, token=tokens["bob"]) as (bob, _),
    ):
        created = await ann.call_tool("create_video", {"prompt": "a cat"})
        task_uri = f"wan://tasks/{data(created)['task_id']}"
        await subscribe(ann, task_uri)
        for number in range(5):
            await subscribe(bob, f"wan://nothing/{number}")
        await ann.call_tool("cancel_video_task", {"task_id": data(created)["task_id"]})
        await until(lambda: bool(heard))

    assert set(heard) == {task_uri}


async def test_a_change_of_the_tools_is_told_to_those_who_asked() -> None:
    """Ours never change while they are served; the bus carries the SDK's own events all the same."""
    async with profile() as server, Client(server) as client, client.listen(tools_list_changed=True) as news:
        async with Client(server, mode="legacy") as other:
            await other.call_tool("test_trigger_tool_change", {})
        with anyio.fail_after(SOON):
            assert await anext(news) == ToolsListChanged()


@pytest.mark.parametrize("wrong", [{"resourceSubscriptions": "wan://models"}, {"resourceSubscriptions": [1]}, "all"])
async def test_a_wish_that_cannot_be_read_is_the_clients_error(videos: Videos, wrong: Any) -> None:
    """And not a subscription to something else."""
    async with connected(videos) as client:
        with pytest.raises(MCPError) as failure:
            await client.session.send_request(_listen(wrong), EmptyResult)

    assert failure.value.code == -32602


async def test_subscribing_needs_an_address(videos: Videos) -> None:
    """As any request needs its parameters."""
    wanted = Request[RequestParams, str](method="resources/subscribe", params=RequestParams())
    async with older(videos) as (client, _):
        with pytest.raises(MCPError) as failure:
            await client.session.send_request(wanted, EmptyResult)

    assert failure.value.code == -32602


async def test_the_present_era_has_no_such_request(videos: Videos) -> None:
    """It was taken out; `subscriptions/listen` is in its place."""
    async with connected(videos) as client:
        with pytest.raises(MCPError) as failure:
            await subscribe(client, "wan://tasks/vid_a")

    assert failure.value.code == -32601


async def test_lists_may_be_kept_for_a_while_by_anybody(videos: Videos) -> None:
    """They change with a release only; what is read of a task may not be kept."""
    task = await made_task(videos)
    async with connected(videos) as client:
        lists = [
            await client.list_tools(),
            await client.list_prompts(),
            await client.list_resources(),
            await client.list_resource_templates(),
        ]
        contents = await client.read_resource(uri(task))

    assert {(one.ttl_ms, one.cache_scope) for one in lists} == {(300_000, "public")}
    assert (contents.ttl_ms, contents.cache_scope) == (0, "private")


async def test_a_folder_that_is_gone_stops_no_news(videos: Videos, clock: HandClock, tmp_path: Path) -> None:
    """News is told before anybody reads."""
    task = await made_task(videos)
    async with connected(videos) as client, client.listen(resource_subscriptions=[uri(task)]) as news:
        (tmp_path / "videos").write_text("not a folder")
        await pass_time(videos, clock, minutes=2)
        with anyio.fail_after(SOON):
            assert await anext(news)
