"""How the HTTP door stops, where the fast suite has seen its like."""

import signal

import pytest

from tests.doors import http_server
from tests.test_http import ends_with_clients_connected, env, simulator, url

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
