"""What a model reads is a product: every tool, and a typical answer of each, stands in tests/snapshots/.

After a deliberate change: `.venv/bin/python -m pytest tests/test_words.py --renew-snapshots`, then read the diff.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.types import ResourceLink, Tool

from tests.conftest import HandClock
from tests.making import pass_time
from tests.test_server import CARD, DEAR, data, text
from wan_mcp.server.app import INSTRUCTIONS, build_server
from wan_mcp.service.videos import Videos
from wan_mcp.simulator import Simulator

pytestmark = pytest.mark.anyio

SNAPSHOTS = Path(__file__).parent / "snapshots"
WHOLE_LIST = 1300
"""Tokens that the tool list may cost a conversation (characters/4 of the JSON), but for films."""
FILMS = 800
"""Tokens of the four tools for films."""
ONE_ANSWER = 150
"""Tokens of a typical answer, its text and its data together."""
LINKS = 75
"""Tokens of its links; most hosts show a model only their names and addresses."""


async def the_tools() -> list[Tool]:
    """The published list."""

    async def service() -> Videos:
        raise AssertionError("listing tools opens nothing")

    async with Client(build_server(service)) as client:
        return (await client.list_tools()).tools


def tokens(thing: object) -> int:
    """Characters/4 of the compact JSON."""
    return -(-len(json.dumps(thing, ensure_ascii=False, separators=(",", ":"))) // 4)


def same(name: str, now: object, *, renew: bool) -> None:
    """Compare with the snapshot, or write it."""
    path = SNAPSHOTS / f"{name}.json"
    words = json.dumps(now, ensure_ascii=False, indent=1) + "\n"
    if renew:
        path.write_text(words, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == words, f"{path.name} has changed; see this file's first lines"


@pytest.fixture
def renew(request: pytest.FixtureRequest) -> bool:
    """Are snapshots to be written anew?"""
    return bool(request.config.getoption("--renew-snapshots"))


async def test_every_tool_is_published_as_reviewed(renew: bool) -> None:
    """A schema is a promise to every client."""
    tools = await the_tools()
    for tool in tools:
        same(tool.name, tool.model_dump(mode="json", by_alias=True, exclude_none=True), renew=renew)
    assert {path.stem for path in SNAPSHOTS.glob("*.json")} - {"answers", "prompts"} == {tool.name for tool in tools}


async def test_the_tool_list_is_small() -> None:
    """Every conversation pays for it."""
    listed = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in await the_tools()]
    films = [tool for tool in listed if "film_id" in json.dumps(tool)]
    assert len(films) == 4
    assert tokens({"tools": films}) <= FILMS
    assert tokens({"tools": [tool for tool in listed if tool not in films]}) <= WHOLE_LIST


async def test_every_tool_is_fit_for_every_host() -> None:
    """Hints are explicit, titles are there, schemas are closed, flat, and free of what some hosts refuse."""
    for tool in await the_tools():
        hints = tool.annotations
        assert hints is not None
        assert tool.title
        assert None not in (
            hints.read_only_hint,
            hints.destructive_hint,
            hints.idempotent_hint,
            hints.open_world_hint,
        )
        assert not (hints.read_only_hint and hints.destructive_hint)
        schema = json.dumps(tool.input_schema)
        assert tool.input_schema["additionalProperties"] is False
        assert not re.search(r'"(anyOf|oneOf|allOf|\$ref|\$defs|title)": ["\[]|"\$defs"', schema)
        assert len(tool.description or "") < 500


def test_the_instructions_are_three_sentences() -> None:
    """With tool search on, they are all that a model sees first."""
    assert len(re.findall(r"[.!?](?:\s|$)", INSTRUCTIONS)) == 3
    assert all(tool in INSTRUCTIONS for tool in ("estimate_cost", "create_video", "get_video_task"))


async def test_typical_answers_read_as_reviewed(
    videos: Videos, simulator: Simulator, clock: HandClock, tmp_path: Path, renew: bool
) -> None:
    """Text and data of the main job and of the errors that models meet most."""

    async def service() -> Videos:
        return videos

    answers: dict[str, Any] = {}
    async with Client(build_server(service)) as client:

        async def keep(name: str, tool: str, **arguments: Any) -> dict[str, Any]:
            clock.turn(1)
            result = await client.call_tool(tool, arguments)
            answers[name] = {"text": text(result), "data": data(result)}
            if linked := [block for block in result.content if isinstance(block, ResourceLink)]:
                links = [link.model_dump(mode="json", by_alias=True, exclude_none=True) for link in linked]
                answers[name]["links"] = links
                assert tokens(links) <= LINKS
            return data(result)

        await keep("estimate", "estimate_cost", size="1280*720", duration=5)
        task_id = (await keep("created", "create_video", **CARD))["task_id"]
        await keep("created again", "create_video", **CARD)
        await keep("pending", "get_video_task", task_id=task_id, wait_seconds=0)
        await keep("too dear", "create_video", **DEAR)
        await keep("wrong", "create_video", prompt="", size="720P", second=5)
        simulator.mishap(on="create", kind="drop", accept=True)
        await keep("uncertain", "create_video", prompt="lost")
        simulator.mishap(on="create", kind="refuse", code="Arrearage")
        await keep("refused", "create_video", prompt="refused")
        simulator.mishap(on="create", kind="throttle")
        queued = await keep("queued", "create_video", prompt="queued")
        await keep("cancelled", "cancel_video_task", task_id=queued["task_id"])
        await pass_time(videos, clock, minutes=3)
        await keep("saved", "get_video_task", task_id=task_id)
        await keep("too late", "cancel_video_task", task_id=task_id)
        await keep("unknown", "get_video_task", task_id="vid_nothere")
        await keep("list", "list_video_tasks", limit=2)

    told = json.dumps(answers, ensure_ascii=False)
    same("answers", json.loads(_without_chance(told, tmp_path)), renew=renew)
    for name in ("created", "pending"):
        assert tokens({"text": answers[name]["text"], "data": answers[name]["data"]}) <= ONE_ANSWER


def _without_chance(told: str, folder: Path) -> str:
    """Replace what differs from run to run."""
    told = told.replace(str(folder), "…")
    told = re.sub(r"vid_[\w-]{22}", "vid_0123456789abcdefghijkl", told)
    told = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "7d0c1f5e-52a1-4f0b-9c3e-6a1b2c3d4e5f", told)
    told = re.sub(r" [\w-]{6}\.mp4", " 012345.mp4", told)
    return re.sub(r"http://127\.0\.0\.1:\d+/bucket/[^\" ]*", "https://bucket/video.mp4?Expires=…&Signature=…", told)
