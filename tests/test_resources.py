"""The resources, their templates and what is offered while an address is typed, in both eras of the protocol."""

import json
import os
from base64 import b64decode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.types import (
    BlobResourceContents,
    PromptReference,
    ResourceLink,
    ResourceTemplateReference,
    TextResourceContents,
)

from tests.conftest import HandClock, made, opened
from tests.making import CAT, a_request, pass_time
from tests.test_server import CARD, Connect, connect, data, era
from wan_mcp.domain.catalogue import REGIONS, WAN25_T2V
from wan_mcp.domain.errors import LedgerUnusable
from wan_mcp.server.app import build_server
from wan_mcp.server.resources import LARGEST_BLOB, MOST_PARTS, PART
from wan_mcp.service.videos import Videos
from wan_mcp.simulator import Simulator

pytestmark = pytest.mark.anyio

__all__ = ["connect", "era"]  # fixtures

NOT_FOUND = -32602


async def read(client: Client, uri: str) -> Any:
    """The JSON of a resource."""
    [contents] = (await client.read_resource(uri)).contents
    assert isinstance(contents, TextResourceContents)
    assert contents.mime_type == "application/json"
    return json.loads(contents.text)


async def blob(client: Client, uri: str) -> str:
    """The base64 text of a resource."""
    [contents] = (await client.read_resource(uri)).contents
    assert isinstance(contents, BlobResourceContents)
    return contents.blob


async def saved_task(client: Client, videos: Videos, clock: HandClock) -> str:
    """The id of a video that is at home."""
    task_id = data(await client.call_tool("create_video", CARD))["task_id"]
    await pass_time(videos, clock, minutes=3)
    return task_id


async def test_everything_that_can_be_read_is_published(connect: Connect) -> None:
    """With a title, a description and a media type, so that a host can show it to a person."""
    async with connect() as client:
        listed = (await client.list_resources()).resources
        templates = (await client.list_resource_templates()).resource_templates

    assert [str(resource.uri) for resource in listed] == [
        "ui://wan-mcp/player.html",
        "wan://models",
        "wan://ledger/today",
    ]
    assert [template.uri_template for template in templates] == [
        "wan://models/{model}",
        "wan://tasks/{task_id}",
        "wan://films/{film_id}",
        "wan://videos/{task_id}",
        "wan://videos/{task_id}/parts/{part}",
        "wan://videos/{task_id}/preview",
    ]
    assert all(one.title and one.description and one.mime_type for one in (*listed, *templates))


# Models


async def test_the_models_are_told_with_limits_and_prices() -> None:
    """The catalogue, without opening anything."""

    async def service() -> Videos:
        raise AssertionError("the catalogue needs no service")

    async with Client(build_server(service)) as client:
        [model] = await read(client, "wan://models")
        same = await read(client, f"wan://models/{WAN25_T2V.id}")

    assert same == model
    assert model["prompt_longest"] == 1500
    assert [size for sizes in model["sizes"].values() for size in sizes] == list(WAN25_T2V.all_sizes)
    assert {price["region"]: price["currency"] for price in model["prices"]} == {
        region.id: region.currency for region in REGIONS.values()
    }
    assert model["prices"][0]["price_per_second"] == {"480P": 0.3, "720P": 0.6, "1080P": 1}


async def test_an_unknown_model_is_said_to_be_unknown(connect: Connect) -> None:
    """By the names that there are."""
    async with connect() as client:
        with pytest.raises(MCPError, match=WAN25_T2V.id) as failure:
            await client.read_resource("wan://models/wan9")

    assert failure.value.code == NOT_FOUND


# Money


async def test_the_ledger_of_the_day_tells_money_and_tasks(connect: Connect, simulator: Simulator) -> None:
    """The same budget that the tools tell."""
    async with connect() as client:
        await client.call_tool("create_video", CARD)
        simulator.mishap(on="create", kind="refuse", code="Arrearage")
        await client.call_tool("create_video", {"prompt": "refused"})
        told = await read(client, "wan://ledger/today")
        listed = data(await client.call_tool("list_video_tasks", {}))

    assert told == {"budget": listed["budget"], "tasks": {"PENDING": 1, "FAILED": 1}}
    assert told["budget"]["held"] == 3


async def test_yesterdays_tasks_count_only_while_they_are_open(
    connect: Connect, videos: Videos, clock: HandClock, simulator: Simulator
) -> None:
    """What holds money today belongs to today."""
    async with connect() as client:
        await saved_task(client, videos, clock)
        simulator.mishap(on="create", kind="drop", accept=True)
        simulator.mishap(on="list", kind="refuse", code="InternalError", times=1000)
        await client.call_tool("create_video", {"prompt": "lost"})
        clock.turn(86400)
        assert (await read(client, "wan://ledger/today"))["tasks"] == {"UNCERTAIN": 1}


# Tasks


async def test_a_task_is_told_in_full(connect: Connect, videos: Videos, clock: HandClock) -> None:
    """What the tools say, the whole request, and when it came to each status."""
    prompt = CAT * 20
    async with connect() as client:
        task_id = data(await client.call_tool("create_video", {"prompt": prompt, "negative_prompt": "低质量"}))[
            "task_id"
        ]
        await pass_time(videos, clock, minutes=3)
        told = await read(client, f"wan://tasks/{task_id}")
        shown = data(await client.call_tool("get_video_task", {"task_id": task_id}))

    assert (told["prompt"], told["negative_prompt"], told["prompt_extend"]) == (prompt, "低质量", True)
    assert {name: told[name] for name in shown if name != "prompt"} == {
        name: value for name, value in shown.items() if name != "prompt"
    }
    assert [step["status"] for step in told["history"]] == ["SUBMITTING", "PENDING", "RUNNING", "SUCCEEDED"]
    times = [datetime.fromisoformat(step["at"]) for step in told["history"]]
    assert times == sorted(times)
    assert times[0].tzinfo == UTC
    assert told["file_bytes"] == Path(told["file"]).stat().st_size


@pytest.mark.parametrize("what", ["tasks", "videos"])
@pytest.mark.parametrize("task_id", ["vid_nothere", "0385dc79-5ff8-4d82-bcb6-7a3b4a2b6d10", "%2e%2e"])
async def test_an_unknown_task_is_said_to_be_unknown(
    connect: Connect, simulator: Simulator, what: str, task_id: str
) -> None:
    """DashScope is not asked: reading a resource adopts nothing."""
    async with connect() as client:
        with pytest.raises(MCPError) as failure:
            await client.read_resource(f"wan://{what}/{task_id}")

    assert failure.value.code == NOT_FOUND
    assert simulator.requests == []


@pytest.mark.parametrize("uri", ["wan://tasks/vid_a", "wan://ledger/today"])
async def test_a_ledger_that_cannot_be_read_is_told_in_words(era: Any, uri: str) -> None:
    """As the tools tell it."""

    async def service() -> Videos:
        raise LedgerUnusable("The disk is full.", next_step="Make room.")

    async with Client(build_server(service), mode=era) as client:
        with pytest.raises(MCPError, match=r"The disk is full\. No money moved\. Make room\."):
            await client.read_resource(uri)


# Videos


async def test_a_saved_video_is_handed_over(connect: Connect, videos: Videos, clock: HandClock) -> None:
    """A small one whole, as MP4."""
    async with connect() as client:
        task_id = await saved_task(client, videos, clock)
        [contents] = (await client.read_resource(f"wan://videos/{task_id}")).contents
        file = data(await client.call_tool("get_video_task", {"task_id": task_id}))["file"]

    assert isinstance(contents, BlobResourceContents)
    assert contents.mime_type == "video/mp4"
    assert b64decode(contents.blob) == Path(file).read_bytes()


async def test_a_large_video_is_told_by_its_path_and_link(connect: Connect, videos: Videos, clock: HandClock) -> None:
    """Megabytes in one message are more than many a host can hold."""
    async with connect() as client:
        task_id = await saved_task(client, videos, clock)
        shown = data(await client.call_tool("get_video_task", {"task_id": task_id}))
        Path(shown["file"]).write_bytes(bytes(LARGEST_BLOB + 1))
        told = await read(client, f"wan://videos/{task_id}")

    assert told["why"] == "It is larger than 5 MB."
    for name in ("task_id", "file", "video_url", "expires_at"):
        assert told[name] == shown[name]


async def test_the_parts_of_a_large_video_are_the_file(connect: Connect, videos: Videos, clock: HandClock) -> None:
    """The card puts their base64 texts one after another: only lengths that are multiples of three allow that."""
    assert PART % 3 == 0
    content = bytes(range(250)) * (2 * PART // 250) + b"the end"
    async with connect() as client:
        task_id = await saved_task(client, videos, clock)
        path = Path((await read(client, f"wan://tasks/{task_id}"))["file"])
        path.write_bytes(content)
        told = await read(client, f"wan://videos/{task_id}")
        texts = [await blob(client, f"wan://videos/{task_id}/parts/{n + 1}") for n in range(told["parts"])]
        for odd in ("0", "4", "15", "99", "one"):
            with pytest.raises(MCPError, match="no part"):
                await blob(client, f"wan://videos/{task_id}/parts/{odd}")
        path.unlink()
        with pytest.raises(MCPError, match="cannot be read"):
            await blob(client, f"wan://videos/{task_id}/parts/1")

    assert told["parts"] == 3
    assert b64decode("".join(texts)) == content


async def test_a_video_of_very_many_parts_is_told_by_its_path_alone(
    connect: Connect, videos: Videos, clock: HandClock
) -> None:
    """Whoever plays it holds all of it in memory."""
    async with connect() as client:
        task_id = await saved_task(client, videos, clock)
        path = Path((await read(client, f"wan://tasks/{task_id}"))["file"])
        os.truncate(path, MOST_PARTS * PART + 1)
        told = await read(client, f"wan://videos/{task_id}")

    assert told["why"] == "It is larger than 63 MB."
    assert "parts" not in told


async def test_what_is_not_saved_has_no_parts(connect: Connect, videos: Videos) -> None:
    """Nor has a film that is not joined."""
    async with connect() as client:
        task_id = data(await client.call_tool("create_video", CARD))["task_id"]
        film = {"title": "A kite", "shots": [{"prompt": "a kite"}, {"prompt": "a beach"}], "max_cost": 100}
        film_id = data(await client.call_tool("create_film", film))["film_id"]
        for one in (task_id, film_id):
            with pytest.raises(MCPError, match="no file of"):
                await blob(client, f"wan://videos/{one}/parts/1")


async def test_a_video_that_was_moved_away_is_told_by_its_link(
    connect: Connect, videos: Videos, clock: HandClock
) -> None:
    """The person's folder is theirs to tidy."""
    async with connect() as client:
        task_id = await saved_task(client, videos, clock)
        Path((await read(client, f"wan://tasks/{task_id}"))["file"]).unlink()
        told = await read(client, f"wan://videos/{task_id}")

    assert told["why"] == "The file cannot be read: No such file or directory."
    assert told["video_url"].startswith("http")


async def test_a_video_that_is_not_saved_yet_is_told_by_its_link(
    connect: Connect, videos: Videos, clock: HandClock, simulator: Simulator
) -> None:
    """It is paid for and can be seen already."""
    simulator.mishap(on="download", kind="reset", times=50)
    async with connect() as client:
        task_id = data(await client.call_tool("create_video", CARD))["task_id"]
        await pass_time(videos, clock, minutes=2)
        told = await read(client, f"wan://videos/{task_id}")

    assert "file" not in told
    assert told["video_url"].startswith("http")
    assert "being saved" in told["why"]


async def test_a_video_that_there_is_none_of_is_said_so(connect: Connect) -> None:
    """With the next step."""
    async with connect() as client:
        task_id = data(await client.call_tool("create_video", CARD))["task_id"]
        with pytest.raises(
            MCPError, match=r"is PENDING, so there is no video of it\. Next: call get_video_task"
        ) as failure:
            await client.read_resource(f"wan://videos/{task_id}")

    assert failure.value.code == NOT_FOUND


# Links


async def test_results_link_to_what_can_be_read(connect: Connect, videos: Videos, clock: HandClock) -> None:
    """A host can follow them without a word from the model."""
    async with connect() as client:
        created = await client.call_tool("create_video", CARD)
        task_id = data(created)["task_id"]
        await pass_time(videos, clock, minutes=3)
        ended = await client.call_tool("get_video_task", {"task_id": task_id})
        links = [block for block in ended.content if isinstance(block, ResourceLink)]
        for link in links:
            assert (await client.read_resource(link.uri)).contents

    assert [block.uri for block in created.content if isinstance(block, ResourceLink)] == [f"wan://tasks/{task_id}"]
    video = links[1]
    file = Path(data(ended)["file"])
    assert (video.name, video.mime_type, video.size) == (file.name, "video/mp4", file.stat().st_size)


# Completions


async def offered(client: Client, name: str, value: str, uri: str = "wan://tasks/{task_id}") -> list[str]:
    """What is offered for one argument of a template."""
    reference = ResourceTemplateReference(type="ref/resource", uri=uri)
    return (await client.complete(reference, {"name": name, "value": value})).completion.values


async def test_task_ids_are_offered_newest_first(connect: Connect, clock: HandClock) -> None:
    """By what was typed of them."""
    async with connect() as client:
        ids: list[str] = []
        for n in range(3):
            clock.turn(1)
            ids.insert(0, data(await client.call_tool("create_video", {"prompt": f"cat {n}"}))["task_id"])
        assert await offered(client, "task_id", "") == ids
        assert await offered(client, "task_id", ids[1][:12]) == [ids[1]]
        assert await offered(client, "task_id", "nothing") == []


async def test_more_ids_than_can_be_offered_are_said_to_be_more(url: str, tmp_path: Path, clock: HandClock) -> None:
    """The protocol allows a hundred."""
    settings = made(url, tmp_path, WAN_MCP_BUDGET_PER_DAY="none")
    async with opened(settings, clock) as videos:

        async def service() -> Videos:
            return videos

        async with Client(build_server(service)) as client:
            for n in range(101):
                await videos.create(a_request(f"cat {n}"), agreed=True)
            reference = ResourceTemplateReference(type="ref/resource", uri="wan://tasks/{task_id}")
            completion = (await client.complete(reference, {"name": "task_id", "value": "vid_"})).completion

    assert (len(completion.values), completion.has_more) == (100, True)


async def test_models_and_sizes_are_offered(connect: Connect) -> None:
    """A size also where it is typed with an x."""
    shots = PromptReference(type="ref/prompt", name="film_script")
    async with connect() as client:
        assert await offered(client, "model", "wan2", "wan://models/{model}") == [WAN25_T2V.id]
        sizes = (await client.complete(shots, {"name": "size", "value": "1280x"})).completion.values
        nothing = (await client.complete(shots, {"name": "script", "value": "a"})).completion.values

    assert (sizes, nothing) == (["1280*720"], [])


async def test_nothing_is_offered_where_the_ledger_cannot_be_read(era: Any) -> None:
    """A person who types must not be stopped by it."""

    async def service() -> Videos:
        raise LedgerUnusable("The disk is full.")

    async with Client(build_server(service), mode=era) as client:
        assert await offered(client, "task_id", "vid_") == []
