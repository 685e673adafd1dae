"""The player in a real browser: the official bridge as the host, our server behind it, the simulator behind that.

Every state is photographed into build/screenshots, for people to look at.
"""

import re
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import made
from tests.doors import at, until
from tests.e2e.browser import Browser, browser
from tests.making import CAT
from wan_mcp.server import resources
from wan_mcp.simulator import Simulator, serving

pytestmark = pytest.mark.anyio

SHOTS = Path(__file__).parents[2] / "build" / "screenshots"
KITE = (
    "A red kite over a winter beach at dusk. Slow aerial shot, the string glinting; a child in a yellow coat runs "
    "below, footprints in wet sand. Wind, distant waves, no music."
)
ERAS = {"modern": "2026-07-28", "legacy": "2025-11-25"}
LIGHT = {"theme": "light", "locale": "en-GB"}

Open = Callable[..., AbstractAsyncContextManager[Any]]


@pytest.fixture(scope="module")
async def chromium() -> AsyncGenerator[Browser]:
    """One for all tests: it takes seconds to start."""
    async with browser() as started:
        yield started


@pytest.fixture
def simulator() -> Simulator:
    """DashScope in real time, which the tests turn on: a task waits, and runs, until they do."""
    return Simulator(media="draw", run_delay=1000, run_time=1000)


@pytest.fixture
async def server(simulator: Simulator, tmp_path: Path) -> AsyncGenerator[str]:
    """Our server over HTTP, looking often: the pace that it gives the card is the shortest, 2 seconds."""
    async with (
        serving(simulator) as url,
        at(made(url, tmp_path, WAN_MCP_POLL_INTERVAL=0.3, WAN_MCP_CONFIRM_ABOVE="none")) as door,
    ):
        yield door


@pytest.fixture
def card(chromium: Browser, server: str) -> Open:
    """Open a card by calling a tool as a host does."""

    @asynccontextmanager
    async def opened(tool: str = "create_video", **more: Any) -> AsyncGenerator[Any]:
        context = {**LIGHT, **more.pop("context", {})}
        wanted = {"server": server, "era": "modern", "apps": True, "tool": tool, "context": context, **more}
        try:
            yield await chromium.do("open", **wanted)
        finally:
            await chromium.do("close")

    return opened


async def photograph(chromium: Browser, name: str) -> None:
    """Into a folder for people."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    await chromium.do("shoot", file=str(SHOTS / f"{name}.png"))


def polls(seen: dict[str, Any]) -> int:
    """How often the card has asked."""
    return sum(call["name"] in ("get_video_task", "get_film") for call in seen["tools"])


async def a_saved_video(chromium: Browser, simulator: Simulator, card: Open, home: Path) -> str:
    """Order one, and wait for its file rather than for the card, which asks less often; the task's id."""
    async with card(args={"prompt": KITE}) as told:
        await chromium.until("about to start")
        simulator.advance(2001)
        await until(lambda: bool(list(home.glob("videos/*.mp4"))))
    return told["result"]["structuredContent"]["task_id"]


# The main thing


@pytest.mark.parametrize("era", ERAS)
async def test_a_video_is_ordered_made_and_played(
    chromium: Browser, simulator: Simulator, card: Open, era: str
) -> None:
    """In both eras, in a sandbox with the strictest policy that the specification allows."""
    async with card(era=era, args={"prompt": KITE, "seed": 7}) as told:
        pending = await chromium.until("about to start")
        await photograph(chromium, f"{era}-1-pending")
        simulator.advance(1001)
        running = await chromium.until("Being made")
        await photograph(chromium, f"{era}-2-running")
        simulator.advance(1000)
        ready = await chromium.until("Saved at", shows_video=True)
        played = await chromium.do("play", seconds=0.5)
        after = await chromium.do("look")
        await photograph(chromium, f"{era}-3-playing")

    assert told["version"] == ERAS[era]
    assert told["mime"] == "text/html;profile=mcp-app"
    for text in (KITE, "CN¥3.00 set aside", "CN¥97.00 of CN¥100.00 left today", "1280 × 720", "seed 7", "usually 1:30"):
        assert text in pending["text"]
    assert pending["buttons"] == ["Cancel"]
    assert (running["buttons"], running["video"]) == ([], False)
    assert "CN¥3.00 charged" in ready["text"]
    assert ready["buttons"] == ["Another take · CN¥3.00", "Save", "Open link", "Copy path", "Full screen"]
    assert (ready["video"]["from"], ready["video"]["width"], ready["video"]["height"]) == ("http", 1280, 720)
    assert ready["video"]["duration"] == pytest.approx(5, abs=0.2)
    assert ready["video"]["paused"], "nothing starts to play, and to sound, by itself"
    assert played > 0.5
    assert after["complaints"] == []
    assert len(after["heard"]["context"]) == 1, "the model is told of the end, once"
    assert after["heard"]["sizes"][-1] > 300
    assert len(after["heard"]["sizes"]) < 20, "a card that changes its own size for ever"


async def test_it_asks_at_the_servers_pace_and_not_when_it_is_over(
    chromium: Browser, simulator: Simulator, card: Open
) -> None:
    """`next_poll_seconds` is 2 here, the shortest there is; and never again after the end."""
    async with card(args={"prompt": KITE}):
        first = await chromium.until("0:01")
        later = await chromium.until("0:07")
        simulator.advance(2001)
        ended = await chromium.until("Saved at")
        await chromium.until("link works for 24 h")
        await chromium.do("wait", seconds=2.5)
        after = await chromium.do("look")
    assert 1 <= polls(later) - polls(first) <= 4
    assert polls(after) == polls(ended)


async def test_hidden_it_asks_nothing_and_shown_again_it_asks_at_once(chromium: Browser, card: Open) -> None:
    """A card in a tab that nobody sees costs nobody anything."""
    async with card(args={"prompt": KITE}):
        await chromium.until("about to start")
        await chromium.do("hide", hidden=True)
        await chromium.do("wait", seconds=0.5)
        hidden = await chromium.do("look")
        await chromium.do("wait", seconds=2.5)
        still = await chromium.do("look")
        await chromium.do("hide", hidden=False)
        await chromium.do("wait", seconds=0.5)
        shown = await chromium.do("look")
    assert polls(still) == polls(hidden)
    assert polls(shown) > polls(still)


async def test_torn_down_it_answers_and_asks_nothing_more(chromium: Browser, card: Open) -> None:
    """The host waits for the answer, and the card may outlive it for a moment."""
    async with card(args={"prompt": KITE}):
        await chromium.until("about to start")
        assert await chromium.do("tear_down") == {}
        before = await chromium.do("look")
        await chromium.do("wait", seconds=2.5)
        after = await chromium.do("look")
    assert polls(after) == polls(before)


# Other ends


async def test_a_failure_is_told_in_words_with_what_to_do(chromium: Browser, simulator: Simulator, card: Open) -> None:
    """And that it cost nothing."""
    simulator.mishap(on="create", kind="fail", code="DataInspectionFailed", after=1)
    async with card(args={"prompt": KITE}):
        simulator.advance(2001)
        seen = await chromium.until("could not be made")
        await photograph(chromium, "failed")
    assert "Reword the prompt" in seen["text"]
    assert "Nothing was charged" in seen["text"]
    assert (seen["mood"], seen["video"], seen["buttons"]) == ("bad", False, [])


@pytest.mark.parametrize("era", ERAS)
async def test_it_is_cancelled_while_it_waits(chromium: Browser, simulator: Simulator, card: Open, era: str) -> None:
    """By the tool that a model would call."""
    async with card(era=era, args={"prompt": KITE}):
        await chromium.until("about to start")
        await chromium.do("press", name="Cancel")
        seen = await chromium.until("Cancelled")
        await photograph(chromium, "cancelled")
    assert "Nothing was charged" in seen["text"]
    assert [task.status(simulator.clock.now()) for task in simulator.accepted] == ["CANCELED"]


async def test_too_late_to_cancel_is_said(chromium: Browser, simulator: Simulator, card: Open) -> None:
    """It had started a moment before; the video goes on."""
    async with card(args={"prompt": KITE}):
        await chromium.until("about to start")
        await chromium.do("hide", hidden=True)
        simulator.advance(1001)
        await chromium.do("press", name="Cancel")
        await chromium.until("cancels only what has not started")
        await chromium.do("hide", hidden=False)
        seen = await chromium.until("Being made")
    assert "cancels only what has not started" in seen["text"]
    assert "Cancel" not in seen["buttons"]


async def test_an_order_that_is_not_accepted_says_why(chromium: Browser, card: Open) -> None:
    """The same words that the model reads."""
    async with card(args={"prompt": ""}):
        seen = await chromium.until("No video was ordered")
        await photograph(chromium, "refused")
    assert "prompt is empty" in seen["text"]
    assert "Nothing was charged" in seen["text"]


async def test_a_lost_answer_is_told_without_alarm_or_promise(
    chromium: Browser, simulator: Simulator, card: Open
) -> None:
    """The money stays set aside, and nothing is ordered again."""
    simulator.mishap(on="create", kind="drop", accept=True)
    async with card(args={"prompt": KITE}):
        seen = await chromium.until("The answer was lost")
        await photograph(chromium, "uncertain")
    assert "CN¥3.00 set aside" in seen["text"]
    assert seen["buttons"] == []


async def test_in_our_queue_it_shows_its_place(chromium: Browser, simulator: Simulator, card: Open) -> None:
    """And can be given up for nothing."""
    simulator.mishap(on="create", kind="throttle", times=None)
    async with card(args={"prompt": KITE}):
        seen = await chromium.until("place 1 in our queue")
        await photograph(chromium, "queued")
        assert seen["buttons"] == ["Cancel"]
        await chromium.do("press", name="Cancel")
        await chromium.until("Cancelled")


async def test_a_call_that_the_person_stops_leaves_no_false_hope(chromium: Browser, card: Open) -> None:
    """What was sent is not taken back by it."""
    async with card("get_video_task", args={"task_id": "vid_nothere"}):
        await chromium.until("did not work")
        await chromium.do("cancelled")
        seen = await chromium.do("look")
    assert "list of videos" in seen["text"] or "did not work" in seen["text"]


# Where the video comes from


async def test_a_dead_link_is_replaced_by_the_saved_file(
    chromium: Browser, simulator: Simulator, card: Open, tmp_path: Path
) -> None:
    """Handed over by the host: the card itself reaches nothing but the bucket."""
    task_id = await a_saved_video(chromium, simulator, card, tmp_path)
    simulator.mishap(on="download", kind="expired", times=None)
    async with card("get_video_task", args={"task_id": task_id}):
        seen = await chromium.until("Saved at", shows_video=True)
        await chromium.do("play", seconds=0.3)
    assert (seen["video"]["from"], seen["video"]["width"]) == ("data", 1280)
    assert seen["video"]["duration"] == pytest.approx(5, abs=0.2)


async def test_a_link_past_its_time_is_not_even_tried(
    chromium: Browser, simulator: Simulator, card: Open, tmp_path: Path
) -> None:
    """It is counted down, then it is gone, and so is the button that opens it. A host keeps results for years."""
    task = {"task_id": await a_saved_video(chromium, simulator, card, tmp_path)}
    soon = datetime.now(UTC) + timedelta(seconds=8)
    can: dict[str, Any] = {"can": {"openLinks": {}, "serverResources": {}, "downloadFile": {}}}
    async with card("get_video_task", args=task, changed={"expires_at": soon.isoformat()}, **can):
        await chromium.until("link works for")
        counted = await chromium.until("link expired")
    async with card("get_video_task", args=task, changed={"expires_at": (soon - timedelta(days=2)).isoformat()}, **can):
        seen = await chromium.until("link expired", shows_video=True)
        await photograph(chromium, "link-expired")
    assert "Open link" not in counted["buttons"]
    assert "Open link" not in seen["buttons"]
    assert "Save" in seen["buttons"]
    assert seen["video"]["from"] == "data"
    assert seen["complaints"] == []


async def test_a_large_file_is_loaded_part_by_part_when_somebody_wants_it(
    chromium: Browser, simulator: Simulator, card: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A joined film has no link, and 20 MB are not loaded for whoever only scrolls by."""
    monkeypatch.setattr(resources, "LARGEST_BLOB", 1000)
    monkeypatch.setattr(resources, "PART", 90_000)
    task_id = await a_saved_video(chromium, simulator, card, tmp_path)
    simulator.mishap(on="download", kind="expired", times=None)
    async with card("get_video_task", args={"task_id": task_id}):
        seen = await chromium.until("Load and play")
        await photograph(chromium, "large")
        await chromium.do("press", name="Load and play")
        loaded = await chromium.until("Saved at", shows_video=True)
        await chromium.do("play", seconds=0.3)
    assert seen["video"] is False
    assert "cannot" not in seen["text"]
    assert (loaded["video"]["from"], loaded["video"]["width"]) == ("data", 1280)
    assert loaded["calls"].count("resources/read") > 3
    assert not any("Load" in name for name in loaded["buttons"])


async def test_a_file_too_large_to_hand_over_is_told_by_its_place(
    chromium: Browser, simulator: Simulator, card: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Words, not an empty screen, and the path at a press."""
    monkeypatch.setattr(resources, "LARGEST_BLOB", 1000)
    monkeypatch.setattr(resources, "MOST_PARTS", 0)
    task_id = await a_saved_video(chromium, simulator, card, tmp_path)
    simulator.mishap(on="download", kind="expired", times=None)
    async with card("get_video_task", args={"task_id": task_id}):
        await chromium.until("cannot be played here")
        seen = await chromium.until("larger than")
        await chromium.do("press", name="Copy path")
        copied = await chromium.until("Copied.")
        await photograph(chromium, "too-large")
    assert ".mp4" in seen["text"]
    assert seen["video"] is False
    assert copied["complaints"] == seen["complaints"]


# Films


def a_film(count: int, **more: Any) -> dict[str, Any]:
    """The arguments of a film, small and cheap."""
    shots = [{"prompt": f"Shot {number} of a kite over the beach"} for number in range(1, count + 1)]
    return {"title": "The kite", "size": "832*480", "shots": shots, **more}


@pytest.mark.parametrize("era", ERAS)
async def test_a_film_fills_its_strip_and_is_played(
    chromium: Browser, simulator: Simulator, card: Open, era: str
) -> None:
    """Shot by shot, then as one file, which the host hands over: a film has no link."""
    async with card("create_film", era=era, args=a_film(2)):
        moving = await chromium.until("shots: 0 of 2")
        await until(lambda: len(simulator.accepted) == 2)
        tree = await chromium.do("tree")
        await photograph(chromium, f"{era}-film-1-made")
        simulator.advance(2001)
        done = await chromium.until("Saved at", shows_video=True)
        played = await chromium.do("play", seconds=0.3)
        after = await chromium.do("look")
        await photograph(chromium, f"{era}-film-2-playing")
    for text in ("The kite", "CN¥3.00 set aside", "CN¥97.00 of CN¥100.00 left today", "832 × 480", "10 s"):
        assert text in moving["text"]
    assert moving["buttons"] == ["Cancel"]
    assert re.search(r'"role":"image"[^{}]*"name":"Shot 1: [^"]*Shot 1 of a kite over the beach"', tree)
    assert done["status"] == "Ready · shots: 2 of 2"
    assert "CN¥3.00 charged" in done["text"]
    assert done["buttons"] == ["Save", "Copy path", "Full screen"]
    assert done["video"]["from"] == "data"
    assert done["video"]["duration"] == pytest.approx(10, abs=0.5)
    assert played > 0.3
    assert after["complaints"] == []
    assert len(after["heard"]["context"]) == 1, "the model is told of the end, once"


async def test_a_film_says_which_shot_needs_somebody_and_why(
    chromium: Browser, simulator: Simulator, card: Open
) -> None:
    """The others are made meanwhile, and paid for."""
    simulator.mishap(on="create", kind="fail", code="DataInspectionFailed")
    async with card("create_film", args=a_film(2)) as told:
        await until(lambda: len(simulator.accepted) == 2)
        await chromium.until("shots: 0 of 2")
        simulator.advance(2001)
        seen = await chromium.until("Something is missing")
        await photograph(chromium, "film-attention")
    film = {"film_id": told["result"]["structuredContent"]["film_id"]}
    async with card("get_film", args=film, context={"theme": "dark", "locale": "zh-CN"}, apps=False):
        chinese = await chromium.until("影片尚不完整")
        await photograph(chromium, "film-attention-chinese")
    assert "shots: 1 of 2" in seen["text"]
    assert re.search(r"Shot [12]: The video could not be made ·", seen["text"])
    assert "retake with the shot's number and another prompt" in seen["text"]
    assert "CN¥1.50 charged" in seen["text"]
    assert (seen["mood"], seen["video"], seen["buttons"]) == ("bad", False, [])
    assert "2 个镜头已完成 1 个" in chinese["text"]
    assert chinese["wide"] is False


@pytest.mark.parametrize(("width", "dark"), [(320, False), (320, True), (640, True), (640, False)])
async def test_a_film_of_sixty_shots_fits_and_is_cancelled(
    chromium: Browser, card: Open, width: int, dark: bool
) -> None:
    """What waits is given up for nothing."""
    context = {"theme": "dark" if dark else "light"}
    async with card("create_film", args=a_film(60), width=width, dark=dark, context=context):
        seen = await chromium.until("shots: 0 of 60")
        await chromium.do("wait", seconds=1)
        await photograph(chromium, f"film-60-{width}-{context['theme']}")
        await chromium.do("press", name="Cancel")
        ended = await chromium.until("Cancelled")
        await photograph(chromium, f"film-60-{width}-{context['theme']}-cancelled")
    assert seen["wide"] is False
    assert ended["buttons"] == []
    assert "Nothing was charged" in ended["text"]
    assert ended["complaints"] == []


# What the person can do


async def test_every_button_asks_the_host(chromium: Browser, simulator: Simulator, card: Open, tmp_path: Path) -> None:
    """The card does nothing by itself: a sandboxed page may not."""
    task_id = await a_saved_video(chromium, simulator, card, tmp_path)
    async with card("get_video_task", args={"task_id": task_id}):
        await chromium.until("Saved at", shows_video=True)
        for name in ("Another take", "Save", "Open link", "Full screen"):
            await chromium.do("press", name=name)
            await chromium.do("wait", seconds=0.2)
        seen = await chromium.do("look")
    heard = seen["heard"]
    assert len(heard["messages"]) == 1
    assert task_id in heard["messages"][0]
    assert "another seed" in heard["messages"][0]
    assert "CN¥3.00" in heard["messages"][0]
    assert heard["downloads"][0]["uri"] == f"wan://videos/{task_id}"
    assert heard["downloads"][0]["mimeType"] == "video/mp4"
    assert ".mp4?" in heard["links"][0]
    assert heard["modes"] == ["fullscreen"]
    assert "Asked in the chat" in seen["buttons"]
    assert "Leave full screen" in seen["buttons"]


async def test_the_keyboard_reaches_everything_and_the_screen_reader_hears_it(chromium: Browser, card: Open) -> None:
    """In the order of reading; the news is told politely, the clock is not."""
    async with card(args={"prompt": KITE}):
        await chromium.until("about to start")
        await chromium.do("focus")
        assert await chromium.do("keys", keys=["Tab"]) == ["cancel"]
        await photograph(chromium, "focus")
        tree = await chromium.do("tree")
        await chromium.do("keys", keys=["Enter"])
        await chromium.until("Cancelled")
    for role, name in {"button": "Cancel", "progressbar": "Time passed of the usual time"}.items():
        assert re.search(rf'"role":"{role}"[^{{}}]*"name":"{name}"', tree), name
    assert re.search(r'"role":"status"[^{}]*(\{[^{}]*)?"name":"Accepted, about to start"', tree)


# Hosts


async def test_it_speaks_chinese_and_turns_dark_with_its_host(chromium: Browser, card: Open) -> None:
    """At once, when the host says so; with the host's own colours where it has them."""
    async with card(args={"prompt": CAT}, context={"theme": "light", "locale": "zh-CN"}):
        chinese = await chromium.until("已受理，即将开始")
        await photograph(chromium, "chinese")
        mine = {"variables": {"--color-background-primary": "rgb(20, 30, 40)"}}
        await chromium.do("host", context={"theme": "dark", "locale": "en-US", "styles": mine})
        dark = await chromium.until("about to start")
        await photograph(chromium, "dark")
    assert (chinese["lang"], chinese["scheme"]) == ("zh-CN", "light")
    assert "已预留 ¥3.00" in chinese["text"]
    assert chinese["buttons"] == ["取消"]
    assert (dark["lang"], dark["scheme"], dark["paper"]) == ("en", "dark", "rgb(20, 30, 40)")


@pytest.mark.parametrize("width", [320, 480, 640, 800])
@pytest.mark.parametrize("size", ["1280*720", "720*1280"])
async def test_it_fits_where_it_is_put(chromium: Browser, card: Open, width: int, size: str) -> None:
    """Nothing sticks out at the side, whatever the words and the picture."""
    prompt = f"{KITE} {'Donaudampfschifffahrtsgesellschaft' * 3} {CAT * 5}"
    async with card(args={"prompt": prompt, "size": size}, width=width):
        seen = await chromium.until("about to start")
        await photograph(chromium, f"{width}-{size.replace('*', 'x')}")
    assert seen["wide"] is False
    assert "Show all" in seen["buttons"]


async def test_a_host_that_lets_the_card_do_nothing_still_shows_what_is_known(chromium: Browser, card: Open) -> None:
    """Buttons that cannot work are not there, and the card says who knows more."""
    async with card(args={"prompt": KITE}, can={}):
        seen = await chromium.until("Ask in the chat how it is doing")
        await photograph(chromium, "a-host-that-can-nothing")
    assert KITE in seen["text"]
    assert seen["buttons"] == []
    assert polls(seen) == 0


@pytest.mark.parametrize("era", ERAS)
async def test_a_host_that_does_not_declare_cards_and_shows_them_all_the_same(
    chromium: Browser, simulator: Simulator, card: Open, era: str
) -> None:
    """Some do. What every client is told is enough for the card; only the budget is missing."""
    async with card(args={"prompt": KITE}, apps=False, era=era) as told:
        seen = await chromium.until("about to start")
        simulator.advance(2001)
        ready = await chromium.until("Saved at")
    assert "wan-mcp/player" not in told["result"].get("_meta", {})
    assert KITE in seen["text"]
    assert "left today" not in seen["text"]
    assert "CN¥3.00 charged" in ready["text"]


async def test_a_card_made_of_an_old_result_asks_at_once(chromium: Browser, simulator: Simulator, card: Open) -> None:
    """A host shows an old conversation with the results of then."""
    async with card(args={"prompt": KITE}) as told:
        await chromium.until("about to start")
        simulator.advance(2001)
        await chromium.until("Saved at")
        await chromium.do("result", result=told["result"])
        seen = await chromium.until("Saved at")
    assert seen["complaints"] == []


async def test_a_server_that_is_gone_is_told_and_waited_for(
    chromium: Browser, simulator: Simulator, tmp_path: Path
) -> None:
    """The last that was known stays on the screen."""
    async with serving(simulator) as url:
        async with at(made(url, tmp_path / "gone", WAN_MCP_POLL_INTERVAL=0.3)) as door:
            await chromium.do(
                "open", server=door, era="legacy", apps=True, tool="create_video", args={"prompt": KITE}, context=LIGHT
            )
            await chromium.until("about to start")
        seen = await chromium.until("No answer from the server")
        await chromium.do("close")
    assert KITE in seen["text"]
