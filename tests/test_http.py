"""The HTTP door: who finds it, how it stops with calls in flight, and what a client that hangs up leaves behind."""

import json
import logging
import signal
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import product
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from anyio.abc import SocketStream, TaskStatus
from mcp import MCPError
from mcp.server.subscriptions import ResourceUpdated
from mcp.types import CallToolResult, ElicitResult

from tests.commands import Person, environment
from tests.conftest import made
from tests.doors import a_door, at, client_of, http_server, tokens_file, until
from tests.raw import PATIENCE
from wan_mcp.domain.errors import BadSettings
from wan_mcp.server.http import serving
from wan_mcp.settings import Settings
from wan_mcp.simulator import Simulator
from wan_mcp.simulator import serving as simulating

pytestmark = pytest.mark.anyio

MODERN = "2026-07-28"
SHOTS = [{"prompt": "A fox wakes."}, {"prompt": "The fox runs."}]
CREATIONS: dict[str, dict[str, Any]] = {
    "create_video": {"prompt": "a cat"},
    "create_film": {"title": "The fox", "shots": SHOTS, "size": "832*480"},
}
"""What submits, at once or from the queue."""


@pytest.fixture
def simulator() -> Simulator:
    """DashScope in real time, as another process must see it; a task takes long enough to be waited for."""
    return Simulator(media="clip", run_delay=0.1, run_time=30)


@pytest.fixture
async def url(simulator: Simulator) -> AsyncGenerator[str]:
    """Where it listens."""
    async with simulating(simulator) as address:
        yield address


@pytest.fixture
def env(url: str, tmp_path: Path) -> dict[str, str]:
    """What a person would set."""
    return environment(url, tmp_path)


def call(tool: str, *, progress: bool = False, **arguments: Any) -> dict[str, Any]:
    """The body of a modern call."""
    meta: dict[str, Any] = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params = {"name": tool, "arguments": arguments, "_meta": meta | ({"progressToken": 1} if progress else {})}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


def headers(tool: str, **more: str) -> dict[str, str]:
    """Its headers."""
    return {
        "accept": "application/json, text/event-stream",
        "content-type": "application/json",
        "mcp-protocol-version": MODERN,
        "mcp-method": "tools/call",
        "mcp-name": tool,
        **more,
    }


@asynccontextmanager
async def in_the_middle_of(url: str, tool: str, **arguments: Any) -> AsyncGenerator[SocketStream]:
    """A client that is nobody's library: it has sent a whole call, and may hang up."""
    address = httpx.URL(url)
    body = json.dumps(call(tool, progress=True, **arguments)).encode()
    lines = [f"{name}: {value}" for name, value in headers(tool, host=address.netloc.decode()).items()]
    head = "\r\n".join([f"POST {address.path} HTTP/1.1", *lines, f"content-length: {len(body)}", "", ""])
    assert address.port is not None
    async with await anyio.connect_tcp(address.host, address.port) as stream:
        await stream.send(head.encode() + body)
        yield stream


def waits_are(url: str, count: int) -> Callable[[], Awaitable[bool]]:
    """Does /metrics say that so many callers wait for a task?"""

    async def asked() -> bool:
        async with httpx.AsyncClient(trust_env=False, verify=False) as http:
            page = (await http.get(f"{url.rpartition('/')[0]}/metrics")).text
        return f"\nwan_mcp_open_waits {count}\n" in page

    return asked


# Who finds it


@pytest.mark.parametrize(
    "opened",
    [
        {"host": "0.0.0.0"},
        {"host": "::"},
        {"host": "192.168.1.7"},
        {"host": "video.example.com"},
        {"host": "127.0.0.1", "public_url": "https://video.example.com"},
    ],
    ids=str,
)
async def test_beyond_this_machine_it_does_not_start_without_callers(
    opened: dict[str, Any], settings: Settings
) -> None:
    """Whoever calls spends the person's money, so nobody may call unasked."""
    with pytest.raises(BadSettings, match="Without tokens or OAuth it does not start") as told:
        async with serving(a_door(**opened), settings):
            raise AssertionError("it listens")
    assert ("--public-url https" if "public_url" in opened else "--host") in told.value.what
    assert "WAN_MCP_TOKENS_FILE" in told.value.next_step


async def test_a_proxys_name_makes_it_public_too(url: str, tmp_path: Path) -> None:
    """A proxy on this machine brings the world to loopback."""
    settings = made(url, tmp_path, WAN_MCP_ALLOWED_HOSTS="video.example.com")
    with pytest.raises(BadSettings, match="With WAN_MCP_ALLOWED_HOSTS others"):
        async with serving(a_door(), settings):
            raise AssertionError("it listens")


@pytest.mark.parametrize(("words", "said"), [
    (["--host", "0.0.0.0"], "Without tokens or OAuth it does not start"),
    (["--host", "198.51.100.7"], "does not start"),
    (["--public-url", "video.example.com"], "is not a URL such as https://video.example.com"),
])  # fmt: skip
async def test_what_cannot_be_served_is_told_in_words(words: list[str], said: str, env: dict[str, str]) -> None:
    """A person started it, and reads what to do."""
    result = await Person(env).types("serve", "--transport", "streamable-http", *words)
    assert result.exit_code == 1
    assert said in " ".join(result.stderr.split())


async def test_an_address_that_is_not_this_machines_is_told_in_words(env: dict[str, str], tmp_path: Path) -> None:
    """With callers named, it may listen beyond loopback, where it can."""
    path, _ = tokens_file(tmp_path, alice="")
    words = ["serve", "--transport", "sse", "--host", "203.0.113.5"]
    result = await Person(env).types(*words, env={"WAN_MCP_TOKENS_FILE": str(path)})
    assert result.exit_code == 1
    assert "Nobody can listen on 203.0.113.5 port 8765" in result.stderr


async def test_a_port_that_is_taken_is_told_in_words(env: dict[str, str]) -> None:
    """The commonest reason of all."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = await Person(env).types("serve", "--transport", "sse", "--port", port)
    assert result.exit_code == 1
    assert f"127.0.0.1 port {port}" in result.stderr
    assert "Another --port may be free." in result.stderr


NAMES: list[tuple[dict[str, str], int]] = [
    ({}, 200),
    ({"host": "LOCALHOST:1"}, 200),
    ({"host": "[::1]"}, 200),
    ({"host": "evil.example"}, 421),
    ({"host": "127.0.0.1.evil.example"}, 421),
    ({"host": "127.0.0.1:80@evil.example"}, 421),
    ({"host": "127.0.0.1:x"}, 421),
    ({"host": "video.example.com"}, 421),
    ({"origin": "http://localhost:6274"}, 200),
    ({"origin": "https://evil.example"}, 403),
    ({"origin": "http://localhost.evil.example"}, 403),
    ({"origin": "null"}, 403),
]


@pytest.mark.parametrize("path", ["/mcp", "/metrics"])
async def test_only_our_names_and_pages_are_answered(settings: Settings, path: str) -> None:
    """DNS rebinding: a page in a browser makes any name lead to 127.0.0.1."""
    async with at(settings) as url, httpx.AsyncClient(trust_env=False, verify=False) as http:
        for told, status in NAMES:
            if path == "/metrics":
                answer = await http.get(url.replace("/mcp", path), headers=told)
            else:
                more = headers("estimate_cost", **told)
                answer = await http.post(url, headers=more, json=call("estimate_cost"))
            assert answer.status_code == status, (told, answer.text)


async def test_behind_a_name_that_name_is_answered(url: str, tmp_path: Path) -> None:
    """A deployment: a proxy, a public URL, a page that may call, and tokens."""
    path, tokens = tokens_file(tmp_path, alice="")
    settings = made(
        url, tmp_path, WAN_MCP_TOKENS_FILE=path, WAN_MCP_ALLOWED_HOSTS="video.internal:8443",
        WAN_MCP_ALLOWED_ORIGINS="https://chat.example.com/",
    )  # fmt: skip
    port = a_free_port()
    door = {"port": port, "public_url": "https://Video.example.com"}
    bearer = {"authorization": f"Bearer {tokens['alice']}"}
    async with serving(a_door(**door), settings) as public, httpx.AsyncClient(trust_env=False, verify=False) as http:
        assert public == "https://Video.example.com/mcp"
        for told, status in [
            ({"host": "video.example.com"}, 200),
            ({"host": "video.internal:8443", "origin": "https://chat.example.com"}, 200),
            ({"host": "video.internal"}, 421),
            ({"host": "video.example.com", "origin": "https://video.example.com"}, 200),
            ({"host": "video.example.com", "origin": "http://chat.example.com"}, 403),
        ]:
            more = headers("estimate_cost", **bearer, **told)
            answer = await http.post(f"http://127.0.0.1:{port}/mcp", headers=more, json=call("estimate_cost"))
            assert answer.status_code == status, (told, answer.text)


@pytest.mark.parametrize("transport", ["streamable-http", "sse"])
async def test_a_body_that_is_too_long_is_not_read(settings: Settings, transport: Any) -> None:
    """A prompt has 1500 characters; a megabyte is an attack or a mistake."""
    async with at(settings, transport=transport) as url, httpx.AsyncClient(trust_env=False, verify=False) as http:
        place = url if transport == "streamable-http" else url.replace("/sse", "/messages/")
        answer = await http.post(place, headers=headers("create_video"), content=b" " * ((1 << 20) + 1))
    assert answer.status_code == 413


def a_free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


# How it stops


async def test_a_signal_ends_it_with_a_client_of_each_era_connected(env: dict[str, str]) -> None:
    """The session of an older client never ends by itself, nor does a subscription."""
    await ends_with_clients_connected(env, "streamable-http", signal.SIGTERM, 0)


async def test_who_listens_is_told_that_it_is_over(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    """A stream that only breaks off looks like a failure, and every client that listens would report one."""
    told: list[str] = []

    async def listen(url: str, *, task_status: TaskStatus[None]) -> None:
        async with client_of(url) as client, client.listen(resource_subscriptions=["wan://tasks/vid_x"]) as news:
            task_status.started()
            told.extend([event.uri async for event in news if isinstance(event, ResourceUpdated)])
            told.append("over")

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as clients, serving(a_door(), settings) as url:
            await clients.start(listen, url)
            await clients.start(listen, url)

    assert told == ["over", "over"]
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


EVERY_WAY = list(product(["streamable-http", "sse"], ["auto", "legacy"]))


def warnings_of_ours(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the server's side has to complain of; the client's finds nobody to say goodbye to."""
    records = [record for record in caplog.records if not record.name.startswith("mcp.client")]
    return [record.getMessage() for record in records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize(("transport", "era"), EVERY_WAY)
async def test_who_waits_is_answered_when_it_stops(
    settings: Settings, caplog: pytest.LogCaptureFixture, transport: Any, era: Any
) -> None:
    """A model that hears nothing makes another video; and a stop by the book leaves no warning in the log."""
    told: list[CallToolResult] = []

    async def wait(url: str) -> None:
        async with client_of(url, mode=era) as client:
            created = await client.call_tool("create_video", {"prompt": "a cat"})
            assert created.structured_content is not None
            waiting = {"task_id": created.structured_content["task_id"], "wait_seconds": 45}
            told.append(await client.call_tool("get_video_task", waiting))

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as clients, serving(a_door(transport=transport), settings) as url:
            clients.start_soon(wait, url)
            await until(waits_are(url, 1))

    [answer] = told
    assert answer.structured_content is not None
    assert answer.structured_content["next_step"].startswith("Next: call get_video_task")
    assert warnings_of_ours(caplog) == []


@pytest.mark.parametrize("transport", ["streamable-http", "sse"])
async def test_a_question_to_the_person_does_not_hold_up_a_stop(
    url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, transport: Any, simulator: Simulator
) -> None:
    """In the older era the call stays open while they think; it ends with words, and nothing is sent."""
    asked = anyio.Event()
    told: list[str] = []

    async def think(_context: object, _question: object) -> ElicitResult:
        asked.set()
        await anyio.sleep_forever()
        raise AssertionError

    async def order(place: str) -> None:
        async with client_of(place, mode="legacy", elicitation_callback=think) as client:
            with pytest.raises(MCPError) as failure:
                await client.call_tool("create_video", {"prompt": "a cat"})
            told.append(failure.value.message)

    careful = made(url, tmp_path, WAN_MCP_CONFIRM_ABOVE=0)
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as clients, serving(a_door(transport=transport), careful) as place:
            clients.start_soon(order, place)
            await asked.wait()

    assert told == ["wan-mcp is stopping. Once it is back, list_video_tasks shows what came of this call."]
    assert simulator.accepted == []
    assert warnings_of_ours(caplog) == []


async def ends_with_clients_connected(env: dict[str, str], transport: str, number: signal.Signals, code: int) -> None:
    """A signal ends it by itself, with the exit code that a supervisor expects."""
    async with http_server(env, "--transport", transport) as server, anyio.create_task_group() as clients:
        clients.start_soon(_stay, server.url, "auto")
        clients.start_soon(_stay, server.url, "legacy")
        await until(waits_are(server.url, 2))
        if transport == "streamable-http":
            await clients.start(_listen, server.url)
        server.signal(number)
        left, _ = await server.ended()
        assert (left, b"Traceback" in server.stderr) == (code, False), server.stderr.decode()
        assert b"did not stop" not in server.stderr, "it ended by itself, however slow the machine was"
        assert b"still on its way" not in server.stderr, "nothing was being sent"
        clients.cancel_scope.cancel()


async def _stay(url: str, mode: str) -> None:
    """Wait for a task until the server goes away."""
    try:
        async with client_of(url, mode=mode) as client:
            created = await client.call_tool("create_video", {"prompt": f"a cat, {mode}"})
            assert created.structured_content is not None
            waiting = {"task_id": created.structured_content["task_id"], "wait_seconds": 45}
            await client.call_tool("get_video_task", waiting)
    except (Exception, BaseExceptionGroup):  # noqa: BLE001 - however its library tells that the server is gone
        return


async def _listen(url: str, *, task_status: TaskStatus[None]) -> None:
    """Hold a subscription, as Claude Code always does; the SDK's own way of stopping waits for it for ever."""
    async with client_of(url) as client, client.listen(resource_subscriptions=["wan://tasks/vid_x"]):
        task_status.started()
        await anyio.sleep_forever()


async def test_a_submission_in_flight_is_recorded_and_answered_before_it_stops(
    env: dict[str, str], simulator: Simulator
) -> None:
    """It is paid for, and who asked still hears of it."""
    simulator.mishap(on="create", kind="delay", seconds=1)
    async with (
        http_server(env, "--transport", "streamable-http") as server,
        in_the_middle_of(server.url, "create_video", prompt="a cat") as stream,
    ):
        await until(lambda: bool(simulator.requests))
        server.signal(signal.SIGTERM)
        with anyio.fail_after(5):
            answer = b"".join([chunk async for chunk in stream])
        code, _ = await server.ended()
    assert code == 0
    assert b'"status":"PENDING"' in answer, answer
    [task] = (await Person(env).reads("tasks"))["tasks"]
    assert task["dashscope_task_id"] == simulator.accepted[0].id


async def test_a_shot_in_flight_is_recorded_before_it_stops(env: dict[str, str], simulator: Simulator) -> None:
    """Nobody waits for its submission, and it is paid for all the same."""
    simulator.mishap(on="create", kind="delay", seconds=1)
    async with (
        http_server(env, "--transport", "streamable-http") as server,
        in_the_middle_of(server.url, "create_film", **CREATIONS["create_film"]),
    ):
        await until(lambda: bool(simulator.requests))
        server.signal(signal.SIGTERM)
        code, _ = await server.ended()
    assert code == 0
    [film] = (await Person(env).reads("tasks"))["films"]
    shots = film["shot_numbers"]
    assert shots.keys() <= {"PENDING", "RUNNING", "QUEUED"}, "it is known what became of each"
    assert (shots.get("QUEUED") is None) == (len(simulator.accepted) == 2)


async def test_a_submission_that_hangs_does_not_hold_it_up_and_is_found_again(
    env: dict[str, str], simulator: Simulator
) -> None:
    """Five seconds are what an operator's supervisor waits for; the next start learns the truth, and pays once."""
    simulator.mishap(on="create", kind="hang", accept=True)
    async with (
        http_server(env, "--transport", "streamable-http") as server,
        in_the_middle_of(server.url, "create_video", prompt="a cat"),
    ):
        await until(lambda: bool(simulator.accepted))
        server.signal(signal.SIGTERM)
        code, seconds = await server.ended()
    assert (code, b"Traceback" in server.stderr) == (0, False), server.stderr.decode()
    assert seconds < 5

    again = await Person(env).reads("create", "a cat", "--no-wait")
    assert again["status"] in ("SUBMITTING", "UNCERTAIN", "PENDING", "RUNNING")
    assert len(simulator.accepted) == 1


@pytest.mark.parametrize("tool", CREATIONS)
async def test_a_second_signal_speaks_of_a_submission_on_its_way(
    env: dict[str, str], simulator: Simulator, tool: str
) -> None:
    """Who asks twice does not want to wait, and has to hear what is left behind; a film's shot is money, too."""
    simulator.mishap(on="create", kind="hang", accept=True)
    async with (
        http_server(env, "--transport", "streamable-http") as server,
        in_the_middle_of(server.url, tool, **CREATIONS[tool]),
    ):
        await until(lambda: bool(simulator.accepted))
        server.signal(signal.SIGTERM)
        await until(stopping(server.url))
        server.signal(signal.SIGTERM)
        code, _ = await server.ended()
    assert code == 0
    assert b"A submission is still on its way" in server.stderr, server.stderr.decode()
    assert b"did not stop" not in server.stderr


def stopping(url: str) -> Callable[[], Awaitable[bool]]:
    """Does it say that it takes no more?"""

    async def asked() -> bool:
        async with httpx.AsyncClient(trust_env=False, verify=False) as http:
            return (await http.get(f"{url.rpartition('/')[0]}/healthz")).status_code == 503

    return asked


# What a client that hangs up leaves behind


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("transport", ["streamable-http", "sse"])
async def test_hanging_up_during_a_creation_loses_nothing_and_pays_once(
    settings: Settings, simulator: Simulator, transport: Any, mode: str
) -> None:
    """A closed stream cancels the call in the present protocol; what was sent reaches the ledger all the same."""
    simulator.mishap(on="create", kind="delay", seconds=0.5)
    async with at(settings, transport=transport) as url:
        async with anyio.create_task_group() as leaving:

            async def create() -> None:
                async with client_of(url, mode=mode) as client:
                    await client.call_tool("create_video", {"prompt": "a cat"})
                    raise AssertionError("it was answered")

            leaving.start_soon(create)
            await until(lambda: bool(simulator.requests))
            leaving.cancel_scope.cancel()
        async with client_of(url, mode=mode) as client:
            again = await client.call_tool("create_video", {"prompt": "a cat"})
            listed = await client.call_tool("list_video_tasks", {})

    assert again.structured_content is not None
    assert listed.structured_content is not None
    assert [task["task_id"] for task in listed.structured_content["tasks"]] == [again.structured_content["task_id"]]
    assert len(simulator.accepted) == 1


async def test_a_socket_closed_during_a_creation_loses_nothing_and_pays_once(
    settings: Settings, simulator: Simulator
) -> None:
    """No library says good-bye here: the connection is just gone."""
    simulator.mishap(on="create", kind="delay", seconds=0.5)
    async with at(settings) as url:
        async with in_the_middle_of(url, "create_video", prompt="a cat"):
            await until(lambda: bool(simulator.requests))
        async with client_of(url) as client:
            again = await client.call_tool("create_video", {"prompt": "a cat"})
            assert again.structured_content is not None
            sought = {"task_id": again.structured_content["task_id"], "wait_seconds": 2}
            found = await client.call_tool("get_video_task", sought)
    assert found.structured_content is not None
    assert found.structured_content["dashscope_task_id"] == simulator.accepted[0].id
    assert len(simulator.accepted) == 1


async def test_a_socket_closed_during_a_wait_ends_the_wait(settings: Settings) -> None:
    """Nobody reads the ledger every second for a client that is gone."""
    async with at(settings) as url:
        async with client_of(url) as client:
            created = await client.call_tool("create_video", {"prompt": "a cat"})
        assert created.structured_content is not None
        task_id = created.structured_content["task_id"]
        async with in_the_middle_of(url, "get_video_task", task_id=task_id, wait_seconds=45) as stream:
            assert b"200 OK" in await stream.receive()
            assert await waits_are(url, 1)()
        await until(waits_are(url, 0))
