"""Films through the tools: what a model is told, and that every door tells the same."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.types import ElicitRequestParams, ElicitResult, ImageContent, ResourceLink, ResourceTemplateReference

from tests.conftest import HandClock
from tests.films import FOX, shots
from tests.test_films import pass_time, seen, simulator
from tests.test_server import data, text
from wan_mcp.domain.errors import LedgerUnusable
from wan_mcp.server import film_views
from wan_mcp.server.app import build_server
from wan_mcp.server.film_views import spans
from wan_mcp.server.tasks import TASKS, VideoTasks
from wan_mcp.service.videos import Videos
from wan_mcp.simulator import Simulator

__all__ = ["simulator"]  # a fixture

pytestmark = pytest.mark.anyio

SMALL: dict[str, Any] = {"title": "Small", "shots": shots(3), "size": "832*480", "max_cost": 4.5}


@asynccontextmanager
async def client_of(videos: Videos, **options: Any) -> AsyncGenerator[Client]:
    """A client in memory."""

    async def service() -> Videos:
        return videos

    async with Client(build_server(service), **options) as client:
        yield client


async def test_a_film_from_price_to_file_is_told_as_one_thing(videos: Videos, clock: HandClock) -> None:
    """What a model needs next stands in every answer, in text and in data."""
    async with client_of(videos) as client:
        priced = data(await client.call_tool("estimate_cost", {"size": "832*480", "shots": [5, 5, 5]}))
        assert (priced["amount"], priced["seconds"], priced["shots"]) == (4.5, 15, 3)
        assert "count" not in priced
        both = await client.call_tool("estimate_cost", {"shots": [5, 5], "count": 2, "duration": 5})
        assert "shots says it all: leave out duration. (2) shots says it all: leave out count." in text(both)
        created = await client.call_tool("create_film", SMALL)
        film_id = data(created)["film_id"]
        assert data(created)["shot_numbers"] == {"QUEUED": "1-3"}
        assert "(shot 1-3 QUEUED)" in text(created)
        assert data(created)["cost"] == {"amount": 4.5, "currency": "CNY", "held": 4.5, "charged": 0}
        assert film_id in text(created)
        assert "get_film" in text(created)
        again = await client.call_tool("create_film", SMALL)
        assert data(again)["film_id"] == film_id
        assert text(again).startswith("The same is already under way")

        await pass_time(videos, clock, minutes=3)

        done = await client.call_tool("get_film", {"film_id": film_id, "wait_seconds": 0})
        assert data(done)["status"] == "SUCCEEDED"
        assert data(done)["file"] in text(done)
        assert [str(block.uri) for block in done.content if isinstance(block, ResourceLink)] == [
            f"wan://films/{film_id}",
            f"wan://videos/{film_id}",
        ]
        [read] = (await client.read_resource(f"wan://videos/{film_id}")).contents
        assert read.mime_type == "video/mp4"

        seen = await client.call_tool("preview_video", {"task_id": film_id})
        assert [shot["shot"] for shot in data(seen)["shots"]] == [1, 2, 3]
        assert [len(shot["times"]) for shot in data(seen)["shots"]] == [1, 1, 1]
        assert "3 of 3 shots" in text(seen)
        assert all(f"({number}) “" in text(seen) for number in (1, 2, 3))
        [image] = [block for block in seen.content if isinstance(block, ImageContent)]
        assert image.mime_type == "image/jpeg"
        more = await client.call_tool("preview_video", {"task_id": film_id, "frames": 12})
        assert [len(shot["times"]) for shot in data(more)["shots"]] == [12, 12, 12]


async def test_a_film_of_which_nothing_is_saved_cannot_be_seen(videos: Videos) -> None:
    """And its id says what it is where a task is wanted."""
    async with client_of(videos) as client:
        film_id = data(await client.call_tool("create_film", SMALL))["film_id"]
        seen = await client.call_tool("preview_video", {"task_id": film_id})
        assert seen.is_error
        assert text(seen) == f"No shot of {film_id} is saved yet. No money moved. Call get_film with it."


async def test_every_door_tells_the_same_of_a_film(videos: Videos, clock: HandClock) -> None:
    """The tool, the list, the resource, the MCP task and the ledger are views of one thing."""
    film_id = data_id = ""
    async with client_of(videos) as client:
        film_id = data(await client.call_tool("create_film", SMALL))["film_id"]
        for minutes in (0.5, 3):
            await pass_time(videos, clock, minutes=minutes)
            tool = data(await client.call_tool("get_film", {"film_id": film_id, "wait_seconds": 0}))
            listed = data(await client.call_tool("list_video_tasks", {}))
            assert listed["tasks"] == []
            assert listed["films"][0].items() <= tool.items()
            assert data(await client.call_tool("list_video_tasks", {"status": tool["status"]})) == listed
            [read] = (await client.read_resource(f"wan://films/{film_id}")).contents
            whole = json.loads(read.text)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownArgumentType, reportUnknownMemberType]
            told = {name: value for name, value in tool.items() if name not in ("shots", "title")}
            assert told.items() <= whole.items()
            takes = [take for shot in whole["shots"] for take in shot["takes"]]
            assert sum(take["cost"]["amount"] for take in takes) == tool["cost"]["amount"]
            assert listed["budget"]["held"] == tool["cost"]["held"]
            assert listed["budget"]["charged_today"] == tool["cost"]["charged"]
            for take in takes:
                one = data(await client.call_tool("get_video_task", {"task_id": take["task_id"], "wait_seconds": 0}))
                data_id = one["film_id"]
                assert (one["status"], one["film_id"]) == (take["status"], film_id)
    book = VideoTasks(lambda: _itself(videos))
    assert (await book.get(film_id)).status == "completed"
    assert data_id == film_id


async def _itself(videos: Videos) -> Videos:
    return videos


async def test_one_question_is_asked_for_the_whole_film(videos: Videos, simulator: Simulator) -> None:
    """And a no orders nothing."""
    asked: list[str] = []

    async def person(context: object, params: ElicitRequestParams) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="accept", content={"agree": len(asked) > 1})

    async with client_of(videos, elicitation_callback=person) as client:
        no = await client.call_tool("create_film", FOX)
        assert no.is_error
        assert "did not agree" in text(no)
        assert "then call create_film again with max_cost=12.00" in text(no), "they may change their mind in words"
        yes = await client.call_tool("create_film", FOX)
    assert not yes.is_error
    assert asked == ["Make the film “The fox”, 3 shots, for 12.00 CNY (720P: 0.60 CNY/s × 20 s = 12.00 CNY)?"] * 2


async def test_a_client_without_forms_is_told_the_price_of_the_film_and_the_way(videos: Videos) -> None:
    """The person agrees in words, and max_cost says so."""
    async with client_of(videos) as client:
        told = await client.call_tool("create_film", FOX)
        assert told.is_error
        assert "create_film again with max_cost=12.00" in text(told)
        wrong = await client.call_tool("create_film", {"title": "x", "shots": [{"prompt": ""}], "sise": "1"})
        assert "Shot 1: prompt is empty" in text(wrong)
        assert "did you mean 'size'?" in text(wrong)
        misplaced = {"title": "x", "seed": 1, "text": "y", "shots": [{"prompt": "x", "resolution": "4K", "titel": ""}]}
        wrong = await client.call_tool("create_film", misplaced)
        assert "seed belongs in a shot" in text(wrong)
        assert "prompt belongs in a shot" in text(wrong)
        assert "Shot 1: size holds for the whole film: give it beside shots." in text(wrong)
        assert "did you mean" not in text(wrong)


async def test_a_shot_that_needs_somebody_is_told_with_the_way_on(
    videos: Videos, clock: HandClock, simulator: Simulator
) -> None:
    """Which shot, why, and what to call."""
    simulator.mishap(on="create", kind="fail", code="DataInspectionFailed")
    async with client_of(videos) as client:
        film_id = data(await client.call_tool("create_film", SMALL))["film_id"]
        await pass_time(videos, clock, minutes=3)
        told = await client.call_tool("get_film", {"film_id": film_id, "wait_seconds": 0})
        [needs] = data(told)["attention"]
        assert (data(told)["status"], needs["status"], needs["code"]) == ("ATTENTION", "FAILED", "DataInspectionFailed")
        assert "retake with the shot's number and another prompt" in text(told)
        assert (await VideoTasks(lambda: _itself(videos)).get(film_id)).result is not None

        wrong = await client.call_tool("retake", {"film_id": film_id, "prompt": "milder"})
        assert "name it by shot" in text(wrong)
        again = await client.call_tool("retake", {"film_id": film_id, "shot": needs["shot"], "prompt": "milder"})
        assert data(again)["status"] == "RENDERING"
        await pass_time(videos, clock, minutes=3)
        done = data(await client.call_tool("get_film", {"film_id": film_id}))
        assert done["status"] == "SUCCEEDED"
        preview = await client.call_tool("get_video_task", {"task_id": film_id})
        assert "get_film" in text(preview)


async def test_a_film_is_cancelled_by_the_tool_and_as_an_mcp_task(videos: Videos, clock: HandClock) -> None:
    """What has not started is free."""
    book = VideoTasks(lambda: _itself(videos))
    async with client_of(videos) as client:
        film_id = data(await client.call_tool("create_film", SMALL))["film_id"]
        told = await client.call_tool("cancel_film", {"film_id": film_id})
        assert data(told)["status"] == "CANCELED"
        assert data(told)["cost"]["amount"] == 0
        assert (await client.call_tool("cancel_film", {"film_id": film_id})).is_error
        assert (await book.get(film_id)).status == "cancelled"
        await book.cancel(film_id)
        other = data(await client.call_tool("create_film", SMALL | {"title": "Other"}))["film_id"]
        assert (await book.get(other)).status == "working"
        await book.cancel(other)
        assert (await book.get(other)).status == "cancelled"
        with pytest.raises(MCPError):
            await client.read_resource(f"wan://videos/{film_id}")
        with pytest.raises(MCPError):
            await client.read_resource("wan://films/film_nothere")


async def test_the_ids_of_films_are_offered(videos: Videos) -> None:
    """To who fills in the address of one; where there is no ledger, nothing is."""
    film = ResourceTemplateReference(type="ref/resource", uri="wan://films/{film_id}")

    async def nowhere() -> Videos:
        raise LedgerUnusable("It cannot be read.")

    async with client_of(videos) as client:
        film_id = data(await client.call_tool("create_film", SMALL))["film_id"]
        typed = await client.complete(film, {"name": "film_id", "value": film_id[:9]})
        other = await client.complete(film, {"name": "film_id", "value": "film_nothing_like_it"})
    async with Client(build_server(nowhere)) as client:
        none = await client.complete(film, {"name": "film_id", "value": ""})
    assert [one.completion.values for one in (typed, other, none)] == [[film_id], [], []]


async def test_a_price_that_would_be_refused_says_so(videos: Videos) -> None:
    """Before a model promises something to its person."""

    async def estimated(**arguments: Any) -> str:
        async with client_of(videos) as client:
            result = await client.call_tool("estimate_cost", arguments)
        assert text(result).endswith(data(result).get("hurdle", "today)."))
        return data(result).get("hurdle", "")

    assert await estimated() == ""
    assert await estimated(resolution="1080P", duration=10) == (
        "The person must agree first: it costs more than 5.00 CNY."
    )
    assert await estimated(count=40) == "It would be refused: only 100.00 CNY are left today."
    assert await estimated(resolution="1080P", shots=[10] * 11) == (
        "It would be refused: only 100.00 CNY are left today."
    )
    assert await estimated(resolution="480P", shots=[10] * 2) == (
        "The person must agree first: it costs more than 5.00 CNY."
    )


async def test_a_film_without_shots_is_told_what_is_missing(videos: Videos) -> None:
    """“Not None” is Python, and no model's language."""
    async with client_of(videos) as client:
        told = await client.call_tool("create_film", {"title": "x"})
        assert "shots is missing: a list of 1 to 60 shots." in text(told)
        dear = await client.call_tool("create_film", FOX | {"max_cost": 5.0})
        assert "This costs 12.00 CNY, more than the max_cost of 5.00 CNY." in text(dear)


async def test_a_price_for_lengths_that_no_shot_has_is_refused(videos: Videos) -> None:
    """Five or ten seconds each."""
    async with client_of(videos) as client:
        for wrong in ([], [7], "5", [5] * 61):
            told = await client.call_tool("estimate_cost", {"shots": wrong})
            assert "list of 1 to 60 durations, each 5 or 10" in text(told)


async def test_a_waiting_film_tells_its_progress(videos: Videos, clock: HandClock) -> None:
    """In seconds, which grow, and in shots."""
    told: list[str] = []

    async def tell(progress: float, total: float | None, message: str | None) -> None:
        told.append(message or "")

    async with client_of(videos) as client:
        film_id = data(await client.call_tool("create_film", SMALL))["film_id"]
        await client.call_tool("get_film", {"film_id": film_id, "wait_seconds": 20}, progress_callback=tell)
    assert told[0] == "0 of 3 shots saved, 3 waiting"
    assert told[-1].startswith("0 of 3 shots saved, 3 rendering")


async def test_sixty_shots_are_told_in_few_words(videos: Videos) -> None:
    """A model asks many times while they are made."""
    big = {"title": "Big", "shots": shots(60), "size": "832*480", "max_cost": 90}
    async with client_of(videos) as client:
        told = await client.call_tool("create_film", big)
    assert len(json.dumps(data(told))) + len(text(told)) < 1200
    assert spans([1, 2, 3, 5, 7, 8]) == "1-3, 5, 7-8"


async def test_a_film_that_is_joining_or_gone_wrong_is_told_in_words(videos: Videos, clock: HandClock) -> None:
    """Every state has a sentence, and a next step."""
    async with client_of(videos) as client:
        film_id = data(await client.call_tool("create_film", SMALL))["film_id"]
        for _ in range(12):
            clock.turn(15)
            for _ in range(3):
                await videos.watcher.turn()
        report = await videos.films.get(film_id)
        assert "being joined" in film_views.text(report)
        assert film_views.progress_words(report) == "3 shots saved, joining"
        await videos.films.joiner.turn()
        report = await seen(videos, report)
        assert film_views.progress_words(report) == "SUCCEEDED: 3 of 3 shots saved"
        assert film_views.line(report).startswith(f"{film_id} | SUCCEEDED | film of 3 shots, 15 s | 4.50 CNY")
    assert TASKS
