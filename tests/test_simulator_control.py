"""The simulator's own endpoints, and how it is started and stopped."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest

from tests.test_simulator import CREATE, KEY, TASKS, Desk, at_desk, simulator
from wan_mcp.simulator import Simulator, serving

pytestmark = pytest.mark.anyio


@pytest.fixture
async def desk() -> AsyncGenerator[Desk]:
    async with at_desk(simulator()) as one:
        yield one


async def control(desk: Desk, method: str, path: str, **content: Any) -> dict[str, Any]:
    """What one of the simulator's own endpoints answers."""
    answer = await desk.client.request(method, f"/_sim/{path}", json=content if method == "POST" else None)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_front_page_says_what_this_is(desk: Desk) -> None:
    """Nobody should take it for the service."""
    page = (await desk.client.get("/")).text

    assert "simulator" in page
    assert "packaged clip" in page


async def test_the_clock_can_be_read_and_turned(desk: Desk) -> None:
    """From a shell, without Python."""
    task_id = await desk.create()
    turned = await control(desk, "POST", "clock", advance=100)

    assert turned == await control(desk, "GET", "clock")
    assert turned == {"now": "2026-11-22T02:16:42.118000+00:00", "advanced": 100, "speed": 1.0}
    assert await desk.status(task_id) == "SUCCEEDED"


async def test_the_tasks_are_shown_with_how_often_each_prompt_was_accepted(desk: Desk) -> None:
    """The question behind it: was anything paid for twice?"""
    for prompt in ("猫", "猫", "狗"):
        await desk.create(prompt=prompt, size="832*480")
    foreign = await control(desk, "POST", "foreign", prompt="猫", seconds_ago=60)
    shown = await control(desk, "GET", "tasks")

    assert shown["accepted"] == {"猫": 2, "狗": 1}
    assert [task["is_foreign"] for task in shown["tasks"]] == [False, False, False, True]
    assert foreign["created_at"] == "2026-11-22T02:14:02.118000+00:00"
    assert {"task_id", "status", "prompt", "size", "duration"} <= set(shown["tasks"][0])


async def test_a_foreign_task_can_be_made_at_a_given_time(desk: Desk) -> None:
    """With its zone written out."""
    made = await control(desk, "POST", "foreign", prompt="x", created_at="2026-11-22T10:00:00+08:00", duration=10)

    assert (made["created_at"], made["duration"]) == ("2026-11-22T10:00:00+08:00", 10)


async def test_the_requests_are_shown_without_the_key(desk: Desk) -> None:
    """Somebody may have tried the simulator with a real one."""
    await desk.client.get(TASKS, headers={"Authorization": "Bearer sk-0123456789abcdef"})
    (seen,) = (await control(desk, "GET", "requests"))["requests"]

    assert ["authorization", "Bearer sk-...cdef"] in seen["headers"]
    assert (seen["method"], seen["path"]) == ("GET", TASKS)


async def test_mishaps_can_be_written_read_and_struck(desk: Desk) -> None:
    """The same repertoire as in Python."""
    first = await control(desk, "POST", "mishaps", kind="throttle", on="create", times=2, retry_after=1)
    await control(desk, "POST", "mishaps", kind="drop", on="query", times=None)
    await desk.client.post(CREATE)
    shown = await control(desk, "GET", "mishaps")

    assert [(one["kind"], one["left"], one["happened"]) for one in shown["mishaps"]] == [
        ("throttle", 1, 1),
        ("drop", None, 0),
    ]
    assert shown["kinds"]["throttle"]["options"] == ["code", "message", "retry_after"]
    assert await control(desk, "DELETE", f"mishaps?id={first['id']}") == {"struck": 1}
    assert await control(desk, "DELETE", "mishaps") == {"struck": 1}


async def test_reset_forgets_everything(desk: Desk) -> None:
    """One simulator, many trials."""
    await desk.create()
    desk.sim.mishap(kind="drop", times=None)
    await control(desk, "POST", "clock", advance=100)
    clock = await control(desk, "POST", "reset")
    await desk.create()

    assert clock["advanced"] == 0
    assert (len(desk.sim.accepted), len(desk.sim.requests)) == (1, 1)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("clock", {"advance": "a day"}),
        ("clock", {"advance": -1}),
        ("clock", {}),
        ("mishaps", {}),
        ("mishaps", {"kind": "earthquake"}),
        ("mishaps", {"kind": "drop", "speed": 3}),
        ("mishaps", {"kind": "fail", "task_id": "nobody"}),
        ("foreign", {}),
        ("foreign", {"prompt": "x", "colour": "red"}),
        ("foreign", {"prompt": "x", "created_at": "noon"}),
        ("clock", ["not", "an", "object"]),
    ],
)
async def test_a_control_request_that_makes_no_sense_is_explained(desk: Desk, path: str, content: Any) -> None:
    """In JSON, with 400: a typing error must not pass for a trial."""
    answer = await desk.client.post(f"/_sim/{path}", json=content)

    assert answer.status_code == 400
    assert answer.json()["error"]


async def test_a_control_request_that_is_no_json_is_explained(desk: Desk) -> None:
    """The shell's quoting goes wrong easily."""
    answer = await desk.client.post("/_sim/clock", content="{advance: 3}")

    assert (answer.status_code, bool(answer.json()["error"])) == (400, True)


# Starting and stopping.


async def test_a_server_stops_at_once_whoever_hangs_on_it() -> None:
    """An open connection and a hanging call keep nobody."""
    sim = simulator()
    sim.mishap(kind="hang", on="list")
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group, at_desk(sim) as desk:
            await desk.client.get("/")
            group.start_soon(_is_cut_off, str(desk.client.base_url))
            while not any(call.path == TASKS for call in sim.requests):
                await anyio.lowlevel.checkpoint()


async def _is_cut_off(url: str) -> None:
    async with httpx.AsyncClient(verify=False, timeout=30) as client:
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            await client.get(url + TASKS, headers=KEY)


async def test_one_simulator_can_be_served_again() -> None:
    """The account outlives its server, as the real one does."""
    sim = simulator()
    async with at_desk(sim) as desk:
        task_id = await desk.create()
    async with at_desk(sim) as desk:
        assert await desk.status(task_id) == "PENDING"


async def test_a_taken_port_is_an_error() -> None:
    """Not a silent second choice."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="address"):
            async with serving(simulator(), port=taken.getsockname()[1]):
                raise AssertionError("unreachable")


def test_options_that_do_not_exist_are_refused() -> None:
    """A misspelt option would be a default nobody wanted."""
    with pytest.raises(TypeError):
        Simulator(run_tine=3)


FOREVER = """
from wan_mcp.simulator import Simulator, serve_forever
serve_forever(Simulator(media="clip"), host="127.0.0.1", port=0, on_ready=lambda url: print(url, flush=True))
print("ended", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals there")
@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
async def test_serving_for_ever_ends_when_told(told: signal.Signals) -> None:
    """Cleanly, within two seconds, with a connection open."""
    command = [sys.executable, "-c", FOREVER]
    async with await anyio.open_process(command, stderr=subprocess.STDOUT, env=dict(os.environ)) as process:
        assert process.stdout is not None
        url = (await process.stdout.receive()).decode().strip()
        async with httpx.AsyncClient(verify=False) as client:
            assert (await client.get(url)).status_code == 200
            process.send_signal(told)
            with anyio.fail_after(2):
                said = b"".join([chunk async for chunk in process.stdout])
                await process.wait()

    assert (said.strip(), process.returncode) == (b"ended", 0)
