"""The player's card as a host gets it: what it may load, how big it is, what is said in it, and who is told what.

What it does in a real browser stands in tests/e2e/test_player.py.
"""

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from mcp.types import CallToolResult, ResourceLink

from tests.conftest import HandClock, made, opened
from tests.making import CAT, a_request, pass_time
from tests.test_server import CARD, Connect, connect, data, era, text
from wan_mcp.adapters.downloads import Downloads
from wan_mcp.domain.errors import BadSettings, DownloadFailed, LedgerUnusable
from wan_mcp.domain.film import FilmStatus
from wan_mcp.domain.task import Status
from wan_mcp.server.app import build_server
from wan_mcp.server.links import PLAYER
from wan_mcp.server.player import BUCKETS, FILE, FOR_THE_CARD, page
from wan_mcp.service.videos import Videos

pytestmark = pytest.mark.anyio

__all__ = ["connect", "era"]  # fixtures

LONG = CAT + "，" + "月光" * 100


def html() -> str:
    """The card as it lies in the package."""
    return FILE.read_text("utf-8")


async def the_card(client: Client) -> tuple[str, dict[str, Any]]:
    """The page, and what the host is asked for with it."""
    [contents] = (await client.read_resource(PLAYER)).contents
    told = contents.model_dump(mode="json", by_alias=True)
    assert told["mimeType"] == APP_MIME_TYPE
    return told["text"], told["_meta"]["ui"]


# The page


def test_the_card_is_small_and_one_file() -> None:
    """A host loads it into every conversation; nothing in it is fetched from anywhere."""
    card = html()
    assert len(card.encode()) <= 25_000
    assert not re.search(
        r"\b(src|href)\s*=\s*[\"']|@import|\burl\(|\bimport\s*\(|\bfetch\(|XMLHttpRequest|WebSocket", card
    )
    assert not re.search(r"https?://", card)


def test_the_card_writes_text_and_never_markup() -> None:
    """Prompts and errors are other people's words."""
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\(|new Function|\bon\w+=[\"']", html()
    )


def test_the_cards_own_policy_lets_in_its_own_script_and_style_and_the_videos() -> None:
    """A host allows scripts from wherever it allows videos; OSS buckets are anybody's."""
    card = page(html(), BUCKETS)
    found = re.search(r'Content-Security-Policy" content="([^"]+)"', card)
    assert found
    policy = {name: sources for name, *sources in (rule.split() for rule in found[1].split("; "))}
    assert policy == {
        "default-src": ["'none'"],
        "script-src": [_hash(card, "script")],
        "style-src": [_hash(card, "style")],
        "media-src": [BUCKETS, "data:", "blob:"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }
    assert card.index("Content-Security-Policy") < card.index("<style>")
    assert not re.search(r"\bstyle=|VERSION|POLICY", card)


def _hash(card: str, element: str) -> str:
    [text] = re.findall(rf"<{element}>(.*?)</{element}>", card, re.DOTALL)
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@pytest.mark.parametrize(
    ("host", "is_a_bucket"),
    [("dashscope-result-sh.oss-accelerate.aliyuncs.com", True), ("a.b.aliyuncs.com", True), ("aliyuncs.com", False)],
)
def test_the_card_plays_from_where_files_are_downloaded(tmp_path: Path, host: str, is_a_bucket: bool) -> None:
    """One rule, told twice: to the browser and to the client."""
    start, end = BUCKETS.split("*")
    assert (f"https://{host}".startswith(start) and f".{host}".removeprefix(".").endswith(end)) is is_a_bucket
    try:
        assert Downloads(tmp_path).checked(f"https://{host}/a.mp4")
    except DownloadFailed:
        assert not is_a_bucket


def words() -> dict[str, tuple[str, str]]:
    """What the card says, in English and Chinese."""
    [block] = re.findall(r"^const WORDS = \{.*?\n(.*?)^\};$", html(), re.DOTALL | re.MULTILINE)
    return {name: (one, other) for name, one, other in re.findall(r'(\w+): \["([^"]*)", "([^"]*)"\]', block)}


def test_the_card_says_everything_in_both_languages() -> None:
    """The same sentences with the same places to fill in."""
    assert len(words()) > 50
    for name, (english, chinese) in words().items():
        assert sorted(re.findall(r"\{\w+\}", english)) == sorted(re.findall(r"\{\w+\}", chinese)), name
        assert re.search(r"[\u4e00-\u9fff]", chinese), name
        assert not re.search(r"[\u4e00-\u9fff]", english), name


def test_the_card_has_a_word_for_every_status_and_no_word_too_many() -> None:
    """A status without one would be an empty card."""
    script = html().partition("const $ =")[2]
    used = set(re.findall(r'"(\w+)"', script)) | set(re.findall(r'say\(\w+ \? "(\w+)" : "(\w+)"', script))
    computed = {status.value for status in (*Status, *FilmStatus)} - {"RENDERING"} | {"held", "charged", "free"}
    assert computed <= words().keys()
    assert words().keys() - computed <= used
    assert set(re.findall(r'\bsay\("(\w+)"', script)) <= words().keys()


# What a host gets


async def test_the_tools_that_tell_of_a_video_or_a_film_name_the_card(connect: Connect) -> None:
    """In both eras, declared or not: a list must not vary by connection, and a host that knows no cards ignores it."""
    async with connect() as client:
        named = {tool.name: (tool.meta or {}).get("ui") for tool in (await client.list_tools()).tools}
    assert {name for name, card in named.items() if card == {"resourceUri": PLAYER}} == {
        "create_video",
        "get_video_task",
        "create_film",
        "get_film",
        "retake",
    }


async def test_a_simulator_on_this_machine_is_all_that_its_card_may_load_from(connect: Connect, url: str) -> None:
    """The exception for plain http is no part of the card that plays real videos."""
    async with connect() as client:
        card, wishes = await the_card(client)
    assert wishes == {"csp": {"resourceDomains": [url]}, "prefersBorder": True}
    assert f"media-src {url} data: blob:;" in card
    assert BUCKETS not in card


async def _without_settings() -> Videos:
    raise BadSettings("WAN_MCP_REGION is not one of them.")


@pytest.mark.parametrize("address", ["https://dashscope.aliyuncs.com/api/v1", None])
async def test_the_card_of_the_real_service_loads_from_its_buckets_only(
    clock: HandClock, address: str | None, tmp_path: Path
) -> None:
    """Also where the settings cannot be used: the card is what shows the error then."""
    real = made("", tmp_path, DASHSCOPE_HTTP_BASE_URL=address)
    async with opened(real, clock) as videos:

        async def service() -> Videos:
            return videos

        async with Client(build_server(service if address else _without_settings)) as client:
            card, wishes = await the_card(client)
    assert wishes["csp"] == {"resourceDomains": ["https://*.aliyuncs.com"]}
    assert "http://" not in card


def shows_cards() -> Any:
    """A client of a host that shows cards."""
    return advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})


def for_the_card(result: CallToolResult) -> dict[str, Any] | None:
    """What a result carries for the card alone."""
    return (result.meta or {}).get(FOR_THE_CARD)


async def test_a_host_that_shows_cards_gets_what_only_the_card_needs(connect: Connect) -> None:
    """The whole prompt and the budget; a model has the one already, and asks for the other where it wants it."""
    async with connect(extensions=[shows_cards()]) as client:
        created = await client.call_tool("create_video", {"prompt": LONG})
        seen = await client.call_tool("get_video_task", {"task_id": data(created)["task_id"], "wait_seconds": 0})
    for result in (created, seen):
        told = for_the_card(result)
        assert told
        assert told["prompt"] == LONG
        assert told["budget"]["left_today"] == 97
        assert LONG not in text(result)


async def test_a_film_tells_the_card_its_title_and_how_each_shot_begins(connect: Connect) -> None:
    """The result says which shot is how far; sixty prompts in full would be sent with every look."""
    shots = [{"prompt": LONG}, {"prompt": CAT}]
    film = {"title": "月" * 90, "style": "16 mm.", "shots": shots, "size": "832*480", "max_cost": 3}
    async with connect(extensions=[shows_cards()]) as client:
        created = await client.call_tool("create_film", film)
        seen = await client.call_tool("get_film", {"film_id": data(created)["film_id"], "wait_seconds": 0})
        task_id = data(await client.call_tool("create_video", CARD))["task_id"]
        one = await client.call_tool("get_video_task", {"task_id": task_id, "wait_seconds": 0})
    for result in (created, seen):
        told = for_the_card(result)
        assert told
        assert told["prompt"] == film["title"]
        assert told["shots"] == [LONG[:79] + "…", CAT]
        assert told["budget"]["left_today"] < 100
    assert "shots" not in (for_the_card(one) or {})


@pytest.mark.parametrize("others", [[], [advertise(EXTENSION_ID, {"mimeTypes": ["text/plain"]})]])
async def test_a_host_that_shows_no_cards_is_told_the_same_without_them(connect: Connect, others: list[Any]) -> None:
    """Text and data are complete by themselves."""
    async with connect(extensions=[shows_cards()]) as one, connect(extensions=others) as another:
        created = await one.call_tool("create_video", CARD)
        task = {"task_id": data(created)["task_id"], "wait_seconds": 0}
        with_card = await one.call_tool("get_video_task", task)
        without = await another.call_tool("get_video_task", task)
    assert for_the_card(without) is None
    assert (text(without), data(without)) == (text(with_card), data(with_card))


async def test_results_that_tell_of_no_task_carry_nothing_for_the_card(connect: Connect) -> None:
    """Errors and prices are shown as they are."""
    async with connect(extensions=[shows_cards()]) as client:
        wrong = await client.call_tool("create_video", {"prompt": ""})
        price = await client.call_tool("estimate_cost", {})
    assert wrong.is_error
    assert (for_the_card(wrong), for_the_card(price)) == (None, None)


async def test_a_ledger_that_fails_afterwards_takes_nothing_from_the_result(videos: Videos) -> None:
    """What only adorns an answer may not lose it."""
    task = (await videos.create(a_request(), agreed=True)).task
    answers = [videos]

    async def service() -> Videos:
        if not answers:
            raise LedgerUnusable("The disk is full.")
        return answers.pop()

    async with Client(build_server(service), extensions=[shows_cards()]) as client:
        seen = await client.call_tool("get_video_task", {"task_id": task.id, "wait_seconds": 0})
    assert data(seen)["task_id"] == task.id
    assert for_the_card(seen) is None


async def test_the_video_is_handed_to_the_card_by_its_link_in_the_result(
    connect: Connect, videos: Videos, clock: HandClock
) -> None:
    """The card knows no address of ours: it reads the one that the result names."""
    async with connect(extensions=[shows_cards()]) as client:
        task_id = data(await client.call_tool("create_video", CARD))["task_id"]
        await pass_time(videos, clock, minutes=3)
        ended = await client.call_tool("get_video_task", {"task_id": task_id})
        links = [block for block in ended.content if isinstance(block, ResourceLink)]
        [uri] = [link.uri for link in links if link.mime_type == "video/mp4"]
        [contents] = (await client.read_resource(uri)).contents
    assert contents.mime_type == "video/mp4"
    assert "next_poll_seconds" not in data(ended)
