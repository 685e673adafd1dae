"""How the HTTP door stops, where the fast suite has seen its like."""

import signal
import sqlite3
from contextlib import closing
from typing import Any

import anyio
import httpx
import pytest

from tests.conftest import HandClock, opened
from tests.doors import a_door, client_of, http_server, until
from tests.test_http import call, ends_with_clients_connected, env, headers, simulator, url
from wan_mcp.domain.task import Status
from wan_mcp.server.http import serving
from wan_mcp.settings import Settings
from wan_mcp.simulator import Simulator

__all__ = ["env", "simulator", "url"]  # fixtures

pytestmark = pytest.mark.anyio


async def test_ctrl_c_ends_it_with_a_client_of_each_era_connected_by_sse(env: dict[str, str]) -> None:
    """The SSE stream of a client never ends by itself."""
    await ends_with_clients_connected(env, "sse", signal.SIGINT, 130)


async def test_a_signal_at_the_first_moment_ends_it_as_any_other(env: dict[str, str]) -> None:
    """A supervisor that changes its mind gets the exit code that it expects."""
    async with http_server(env, "--transport", "sse") as server:
        server.signal(signal.SIGTERM)
        code, seconds = await server.ended()
    assert (code, b"Traceback" in server.stderr) == (0, False), server.stderr.decode()
    assert seconds < 2


async def test_a_second_signal_speaks_of_no_submission_where_none_is_on_its_way(env: dict[str, str]) -> None:
    """Who asks twice is not to be frightened about money."""
    async with http_server(env, "--transport", "streamable-http") as server:
        server.signal(signal.SIGTERM)
        server.signal(signal.SIGTERM)
        code, _ = await server.ended()
    assert code == 0
    assert b"A submission is still on its way" not in server.stderr, server.stderr.decode()
    assert b"did not stop" not in server.stderr


async def test_what_waits_for_the_ledger_is_sent_and_answered_before_it_stops(
    settings: Settings, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process holds the ledger, the server is told to stop, and only then a creation is let in."""
    async with opened(settings, HandClock()):
        pass  # a ledger that there is
    monkeypatch.setattr("wan_mcp.server.http._TO_END", 3)  # a busy machine takes its time to let it in
    simulator.mishap(on="create", kind="delay", seconds=8)
    answers: list[dict[str, Any]] = []

    async def order(place: str) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
            answer = await http.post(place, json=call("create_video", prompt="a cat"), headers=headers("create_video"))
        answers.append(answer.json()["result"]["structuredContent"])

    async def let_it_in(other: sqlite3.Connection, place: str) -> None:
        async def is_stopping() -> bool:
            async with httpx.AsyncClient(trust_env=False) as http:
                return (await http.get(place.replace("/mcp", "/healthz"))).status_code == 503

        await until(is_stopping)
        other.execute("ROLLBACK")

    with closing(sqlite3.connect(f"{settings.ledger}.lock", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        async with anyio.create_task_group() as clients, serving(a_door(), settings) as place:
            clients.start_soon(order, place)
            async with client_of(place) as client:
                await client.list_tools()  # answered after the creation was read
            clients.start_soon(let_it_in, other, place)

    [told] = answers
    assert told["status"] == "PENDING"
    async with opened(settings, HandClock()) as videos:
        assert (await videos.get(told["task_id"])).task.status is Status.PENDING
    assert len(simulator.accepted) == 1
