"""The host's pipes: lines come whole, answers leave whole, and nobody who does not read holds up the rest."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from wan_mcp.server import pipes
from wan_mcp.server.pipes import Incoming, Outgoing

pytestmark = pytest.mark.anyio

PING = b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n'
PONG: dict[str, object] = {"jsonrpc": "2.0", "id": 1, "result": {}}
LONG = "月" * 100_000
"""More than a pipe holds, and of characters that are cut where a chunk ends."""


@contextmanager
def ends(kind: str) -> Generator[tuple[int, int]]:
    """Where one reads, and where another writes."""
    reading, writing = os.pipe() if kind == "pipe" else (end.detach() for end in socket.socketpair())
    try:
        yield reading, writing
    finally:
        for fd in (reading, writing):
            with suppress(OSError):  # closed by the test
                os.close(fd)


@pytest.mark.parametrize("kind", ["pipe", "socket"])
async def test_lines_arrive_as_they_were_written(kind: str) -> None:
    """Short ones together, long ones in pieces, and the last one without an end."""
    with ends(kind) as (reading, writing):
        sent = ["{}\n", "", "a\n", f"{LONG}\n", "the last"]
        received = list[str]()

        async def write() -> None:
            outgoing = Outgoing(writing)
            for text in sent:
                assert await outgoing.write(text) == len(text)
                await outgoing.flush()
            os.close(writing)

        async with anyio.create_task_group() as both:
            both.start_soon(write)
            async for line in Incoming(reading, Outgoing(writing)):
                received.append(line)

        assert received == ["{}", "a", LONG, "the last"]


async def test_what_is_no_text_is_still_a_line() -> None:
    """The SDK answers that it cannot be read."""
    with ends("pipe") as (reading, writing):
        incoming = Incoming(reading, Outgoing(writing))
        os.write(writing, b"\xff\xfe\n")
        os.close(writing)

        assert [line async for line in incoming] == ["\ufffd\ufffd"]


@pytest.mark.parametrize("kind", ["pipe", "socket"])
async def test_a_host_that_does_not_read_holds_up_nothing_else(kind: str) -> None:
    """The loop goes on; what was begun goes on once there is room."""
    with ends(kind) as (reading, writing):
        is_written = anyio.Event()
        received = list[str]()

        async def write() -> None:
            await Outgoing(writing).write(f"{LONG * 10}\n")
            is_written.set()
            os.close(writing)

        async with anyio.create_task_group() as both:
            both.start_soon(write)
            await anyio.wait_all_tasks_blocked()
            assert not is_written.is_set()
            async for line in Incoming(reading, Outgoing(writing)):
                received.append(line)

        assert is_written.is_set()
        assert received == [LONG * 10]


@pytest.mark.parametrize("kind", ["pipe", "socket"])
async def test_a_host_that_is_gone_is_an_error(kind: str) -> None:
    """Of the kind by which the server knows that there is nobody left."""
    with ends(kind) as (reading, writing):
        os.close(reading)

        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            await Outgoing(writing).write("a\n")


async def test_a_host_that_is_done_and_does_not_read_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or the server would live on for nobody, and keep its tasks from others."""
    monkeypatch.setattr(pipes, "_LAST_ROOM", 0.01)
    with ends("pipe") as (_, writing), ends("pipe") as (questions, asking):
        outgoing = Outgoing(writing)

        async def ask_and_go() -> None:
            os.close(asking)
            assert [line async for line in Incoming(questions, outgoing)] == []

        async with anyio.create_task_group() as both:
            both.start_soon(ask_and_go)
            with pytest.raises(BrokenPipeError, match="does not read"):
                await outgoing.write(LONG)


def answered(stdin: int, stdout: int) -> int:
    """Start the server on these, and return its exit code."""
    command = [sys.executable, "-m", "wan_mcp"]
    return subprocess.run(command, stdin=stdin, stdout=stdout, timeout=60, check=False).returncode


async def test_sockets_for_pipes_are_served() -> None:
    """As hosts have them that run on Node."""
    ours, its = socket.socketpair()
    with ours, its:
        ours.sendall(PING)
        ours.shutdown(socket.SHUT_WR)

        assert await anyio.to_thread.run_sync(answered, its.fileno(), its.fileno()) == 0
        ours.settimeout(1)
        assert json.loads(ours.recv(4096)) == PONG


async def test_files_for_pipes_are_served(tmp_path: Path) -> None:
    """As a shell has them: `wan-mcp <questions >answers`."""
    questions, answers = tmp_path / "questions", tmp_path / "answers"
    questions.write_bytes(PING)
    with questions.open("rb") as stdin, answers.open("wb") as stdout:
        assert await anyio.to_thread.run_sync(answered, stdin.fileno(), stdout.fileno()) == 0

    assert json.loads(answers.read_text("utf-8")) == PONG
