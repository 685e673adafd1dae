"""Other people's clients do the main job: against the simulator, over stdio and over streamable HTTP.

Each is a small program in `clients/`, run with the client's own libraries, that prints what it saw. What it
saw is the row of `docs/clients.md` that says what people may expect of it.
"""

import json
import os
import re
import sys
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.commands import environment
from tests.doors import http_server
from tests.e2e.installs import node_packages, python_with
from tests.e2e.test_stdio import TOOLS
from wan_mcp.simulator import Simulator, serving

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
CLIENTS = Path(__file__).parent / "clients"
PEERS = {
    "MCP Inspector CLI": "inspector",
    "TypeScript SDK 1": "typescript_1",
    "TypeScript SDK 2": "typescript_2",
    "fastmcp": "fastmcp",
    "langchain-mcp-adapters": "langchain",
    "openai-agents": "openai_agents",
    "pydantic-ai": "pydantic_ai",
    "mcp-use": "mcp_use",
}
DOORS = ["stdio", "HTTP"]
PATIENCE = 150
"""Seconds for one client on a busy machine; the Inspector starts a process for each of its eight calls."""
AT_HOME = {"MCP_USE_ANONYMIZED_TELEMETRY": "false", "OPENAI_AGENTS_DISABLE_TRACING": "1", "DO_NOT_TRACK": "1"}
"""Clients that would tell their makers of every run are asked not to."""


@pytest.fixture(scope="module")
def commands() -> dict[str, list[str]]:
    """What starts each client. Those in Python are installed while npm waits for its downloads."""
    with ThreadPoolExecutor(1) as meanwhile:
        modules = meanwhile.submit(node_packages, CLIENTS / "package.json")
        pythons = {path.parent.name: str(python_with(path)) for path in CLIENTS.glob("*/requirements.txt")}
    node = str(modules.result() / "node" / "bin" / "node")
    started = {name: [python, str(CLIENTS / name / "client.py")] for name, python in pythons.items()}
    return started | {path.parent.name: [node, str(path)] for path in CLIENTS.glob("*/client.cjs")}


@pytest.fixture
def simulator() -> Simulator:
    """DashScope in real time, as another process must see it."""
    return Simulator(media="clip", run_delay=0.2, run_time=2)


@pytest.fixture
async def url(simulator: Simulator) -> AsyncGenerator[str]:
    """Where it listens."""
    async with serving(simulator) as address:
        yield address


@asynccontextmanager
async def server_at(door: str, settings: dict[str, str]) -> AsyncGenerator[list[str]]:
    """What a client is told of the server: a command, or an address."""
    if door == "stdio":
        yield [sys.executable, "-m", "wan_mcp"]
    else:
        async with http_server(settings, "--transport", "streamable-http") as process:
            yield [process.url]


async def report_of(command: list[str], settings: dict[str, str]) -> dict[str, Any]:
    """Run a client, and read what it saw."""
    here = {"PYTHONPATH": str(CLIENTS), "NODE_PATH": str(CLIENTS.parent / ".npm" / CLIENTS.name / "node_modules")}
    with anyio.fail_after(PATIENCE):
        ended = await anyio.run_process(command, env={**os.environ, **AT_HOME, **here, **settings}, check=False)
    assert ended.returncode == 0, ended.stderr.decode()
    return json.loads(ended.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", PEERS)
async def test_a_client_does_the_main_job(
    name: str, commands: dict[str, list[str]], simulator: Simulator, url: str, tmp_path: Path
) -> None:
    """From the price to the saved file, knowing only what the client shows: hosts are built on these libraries.

    At both doors at once, each with a ledger of its own: two processors have time for that.
    """
    reports: dict[str, dict[str, Any]] = {}

    async def visit(door: str) -> None:
        settings = environment(url, tmp_path / door)
        async with server_at(door, settings) as server:
            reports[door] = await report_of([*commands[PEERS[name]], *server], settings)

    async with anyio.create_task_group() as visits:
        for door in DOORS:
            visits.start_soon(visit, door)

    for door in DOORS:
        the_job_is_done(reports[door], tmp_path / door / "videos")
        the_person_was_asked_or_the_model_told_to(reports[door])
        progress_is_ours_and_grows(reports[door])
        assert (door, cells_of(reports[door])) == (door, what_the_page_says()[name])
    bought = sum(2 if report.get("asked") else 1 for report in reports.values())
    assert len(simulator.accepted) == bought


def the_job_is_done(report: dict[str, Any], videos: Path) -> None:
    """The client showed the tools, the price, and a file that is there."""
    saw: dict[str, str] = report["saw"]
    saved = next(path for path in videos.iterdir() if "cat" in path.name and path.suffix == ".mp4")
    assert report["tools"] == TOOLS
    assert "480P: 0.30 CNY/s" in saw["price"]
    assert str(saved) in saw["fetched"]
    assert saved.read_bytes()[4:8] == b"ftyp"


def the_person_was_asked_or_the_model_told_to(report: dict[str, Any]) -> None:
    """Nobody pays 10 CNY unasked, whatever the client can do."""
    dear: str = report["saw"]["dear"]
    if asked := report.get("asked"):
        assert [question.partition(" (")[0] for question in asked] == ["Create this video for 10.00 CNY"]
        assert re.search(r"vid_[\w-]{22}", dear)
    else:
        assert "call create_video again with max_cost=10.00" in dear


def progress_is_ours_and_grows(report: dict[str, Any]) -> None:
    """Where it is shown at all. The TypeScript SDK adds a word of its own about a question."""
    seconds = _seconds_told(report)
    assert seconds == sorted(set(seconds))


def _seconds_told(report: dict[str, Any]) -> list[float]:
    return [done for done, _, words in report.get("progress", []) if "of usually" in words]


def cells_of(report: dict[str, Any]) -> list[str]:
    """The row of the page, as far as a run can tell it."""
    saw: dict[str, str] = report["saw"]
    told = "There is no argument 'second'; did you mean 'duration'?" in saw["unknown argument"]
    return [
        report["version"],
        _era(report["eras"]),
        _yes(len(_seconds_told(report)) >= 2),
        _yes(bool(report.get("asked"))),
        _yes(_is_a_task(report)),
        _channels(saw),
        "told" if told else "dropped unseen",
    ]


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"


def _era(eras: dict[str, str]) -> str:
    usual, asked = eras["usual"], eras.get("asked")
    return f"{usual}; {asked} if asked" if asked else usual


def _is_a_task(report: dict[str, Any]) -> bool:
    """Did `create_video` answer with a task of the extension, which ended with what `get_video_task` says?"""
    if not (task := report.get("task")):
        return False
    assert task["status"] == "working"
    assert "of usually" in task["message"]
    assert task["result"] == report["saw"]["fetched"]
    return True


def _channels(saw: dict[str, str]) -> str:
    """Of a result without links and of one with links: the sentences, the data, or both."""
    price = _channel("Only seconds of successful videos are billed" in saw["price"], "unit_price" in saw["price"])
    video = _channel("1.50 CNY charged." in saw["fetched"], "elapsed_seconds" in saw["fetched"])
    return price if price == video else f"{price}; {video} where there are links"


def _channel(has_text: bool, has_data: bool) -> str:
    return " and ".join(["text"] * has_text + ["structured"] * has_data)


def what_the_page_says() -> dict[str, list[str]]:
    """The table of the page; its doors say yes because these tests pass, and its last cell gives reasons."""
    page = (ROOT / "docs/clients.md").read_text(encoding="utf-8")
    lines = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith(("| client", "| ---"))]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert {(stdio, http) for _, _, stdio, http, *_ in rows} == {("yes", "yes")}
    return {name: [version, *facts] for name, version, _, _, *facts, _ in rows}


def test_the_page_tells_of_every_client_that_is_run() -> None:
    """And of no other."""
    assert list(what_the_page_says()) == list(PEERS)
