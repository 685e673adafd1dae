"""Several callers on one account: each has its own view, its own cap, and no way to learn of the others."""

from collections.abc import AsyncGenerator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp.types import CallToolResult, TextContent

from tests.commands import run
from tests.conftest import HandClock, made, opened
from tests.doors import at, client_of, tokens_file
from tests.making import a_request, pass_time
from wan_mcp.adapters.tokens import digest, new_token, owner_of, read_tokens, token_entry
from wan_mcp.domain.caller import Rights
from wan_mcp.domain.errors import BadSettings, OverBudget, UnknownTask
from wan_mcp.domain.money import Money
from wan_mcp.domain.task import Status
from wan_mcp.service.videos import Videos
from wan_mcp.settings import Settings
from wan_mcp.simulator import Simulator

pytestmark = pytest.mark.anyio


def cny(amount: str) -> Money:
    """An amount in yuan."""
    return Money(Decimal(amount), "CNY")


RIGHTS = {
    "alice": Rights(per_day=cny("6"), per_task=cny("3")),
    "bob": Rights(),
    "carol": Rights(may_adopt=True),
}


@pytest.fixture
async def videos(settings: Settings, clock: HandClock) -> AsyncGenerator[Videos]:
    """The service with three callers beside the local person; a video of 5 s in 720P costs 3 CNY."""
    async with opened(settings, clock, rights=RIGHTS) as service:
        yield service


# Views


@pytest.mark.parametrize("stranger", ["bob", "carol", "oauth:alice", "local"])
async def test_a_task_of_one_caller_is_unknown_to_every_other(videos: Videos, stranger: str) -> None:
    """By our id and by DashScope's, in the very words of a task that never was; also to who may adopt."""
    task = (await videos.create(a_request(), agreed=False, caller="alice")).task
    assert task.dashscope_task_id is not None

    never_was = "vid_" + "x" * 22
    for name in (task.id, task.dashscope_task_id):
        told = [
            await _unknown(videos, wanted, stranger, act) for wanted in (name, never_was) for act in ("get", "cancel")
        ]
        assert {words.replace(name, "…").replace(never_was, "…") for words in told} == {told[0].replace(name, "…")}
    assert await videos.newest(status=None, limit=10, caller=stranger) == []
    assert (await videos.get(task.id, caller="alice")).task.status is Status.PENDING


async def _unknown(videos: Videos, task_id: str, caller: str, act: str) -> str:
    with pytest.raises(UnknownTask) as told:
        await (videos.get if act == "get" else videos.cancel)(task_id, caller=caller)
    return told.value.words


async def test_the_same_request_of_two_callers_is_two_tasks(videos: Videos, simulator: Simulator) -> None:
    """Each of them asked for a video, and gets one; only one's own repetition is one's own task."""
    alice = await videos.create(a_request(), agreed=False, caller="alice")
    bob = await videos.create(a_request(), agreed=False, caller="bob")
    again = await videos.create(a_request(), agreed=False, caller="bob")

    assert bob.task.id != alice.task.id
    assert again.task.id == bob.task.id
    assert (bob.is_known_request, again.is_known_request) == (False, True)
    assert len(simulator.accepted) == 2


@pytest.mark.parametrize(("caller", "may"), [("carol", True), ("local", True), ("alice", False), ("oauth:x", False)])
async def test_only_who_may_adopt_fetches_what_was_made_elsewhere(
    videos: Videos, simulator: Simulator, caller: str, may: bool
) -> None:
    """It shows a prompt and a video that somebody made with the same key; whoever may not, does not even ask."""
    elsewhere = simulator.foreign_task(prompt="a secret").id
    if may:
        assert (await videos.get(elsewhere, caller=caller)).task.caller == caller
        return
    simulator.requests.clear()
    with pytest.raises(UnknownTask):
        await videos.get(elsewhere, caller=caller)
    assert simulator.requests == []


# Budgets


async def test_a_caller_is_held_to_its_own_cap_of_the_day(videos: Videos, clock: HandClock) -> None:
    """Held and charged both count, and only its own; the person's budget has plenty left."""
    await videos.create(a_request("other"), agreed=False, caller="bob")
    for prompt in ("one", "two"):
        await videos.create(a_request(prompt), agreed=False, caller="alice")
    await pass_time(videos, clock, minutes=5)
    with pytest.raises(OverBudget) as told:
        await videos.create(a_request("three"), agreed=False, caller="alice")

    assert "alice's own 6.00 CNY a day" in told.value.words
    assert "6.00 CNY charged" in told.value.words
    assert "WAN_MCP_TOKENS_FILE" in told.value.next_step
    await videos.create(a_request("three"), agreed=False, caller="bob")


async def test_a_caller_is_held_to_its_own_cap_on_one_video(videos: Videos) -> None:
    """Whatever it agrees to."""
    with pytest.raises(OverBudget) as told:
        await videos.create(a_request(duration=10), agreed=True, caller="alice")
    assert "one video of alice's may cost 3.00 CNY at most" in told.value.words


async def test_the_persons_caps_hold_on_top_and_tell_nothing_of_others(
    url: str, tmp_path: Path, clock: HandClock
) -> None:
    """A token cannot allow more than the person does; and what others have spent is not told in refusing."""
    settings = made(url, tmp_path, WAN_MCP_BUDGET_PER_DAY="7", WAN_MCP_BUDGET_PER_TASK="4")
    async with opened(settings, clock, rights={"rich": Rights(per_day=cny("1000"), per_task=cny("1000"))}) as videos:
        with pytest.raises(OverBudget, match=r"one video may cost 4\.00 CNY at most"):
            await videos.create(a_request(duration=10), agreed=True, caller="rich")
        await videos.create(a_request("one"), agreed=True, caller="local")
        await videos.create(a_request("two"), agreed=True, caller="rich")
        with pytest.raises(OverBudget) as told:
            await videos.create(a_request("three"), agreed=True, caller="rich")
    assert "the account's budget, which all callers share" in told.value.words
    assert told.value.words.count("CNY") == 1, "its own price, and no other figure"


async def test_each_is_shown_its_own_figures_and_the_person_all(videos: Videos) -> None:
    """The person pays for all of them; a caller must not see what the others spend."""
    await videos.create(a_request("one"), agreed=False, caller="alice")
    await videos.create(a_request("two"), agreed=False, caller="bob")

    alice, bob, stranger, person = [
        await videos.spending.account(caller=name) for name in ("alice", "bob", "oauth:x", "local")
    ]
    assert (alice.standing.held, alice.left, alice.budget.per_day) == (cny("3"), cny("3"), cny("6"))
    assert (bob.standing.held, bob.left, bob.budget.per_day) == (cny("3"), None, None)
    assert (stranger.standing.held, stranger.left) == (cny("0"), None)
    assert person.standing.held == cny("6")
    assert person.left is not None


# The tokens file


def test_a_token_is_found_by_its_hash_and_by_nothing_else(tmp_path: Path) -> None:
    """The file holds no token, so that who reads it cannot call."""
    path, tokens = tokens_file(tmp_path, alice='budget_per_day = "20"\nbudget_per_task = 5', bob="adopt = true")
    entries = read_tokens(path, currency="CNY")

    assert [entry.name for entry in entries] == ["alice", "bob"]
    assert entries[0].rights == Rights(per_day=cny("20"), per_task=cny("5"))
    assert entries[1].rights == Rights(may_adopt=True)
    for name, token in tokens.items():
        owner = owner_of(token, entries)
        assert owner is not None
        assert owner.name == name
        assert token not in path.read_text()
        assert owner_of(digest(token), entries) is None
    assert owner_of(new_token(), entries) is None
    assert owner_of("", entries) is None


SHA = "0" * 64
BAD_FILES = [
    ("[[token]", "is not TOML"),
    ("", "token: Field required"),
    (f'[[token]]\nname = "a"\nsha256 = "{SHA[1:]}"', "64 hexadecimal digits"),
    (f'[[token]]\nname = "local"\nsha256 = "{SHA}"', "not 'local'"),
    (f'[[token]]\nname = "oauth:me"\nsha256 = "{SHA}"', "letters, digits"),
    (f'[[token]]\nname = "a"\nsha256 = "{SHA}"\nbudget_per_day = 0.1', "an amount in quotes"),
    (f'[[token]]\nname = "a"\nsha256 = "{SHA}"\nbudget_per_day = "-1"', "an amount in quotes"),
    (f'[[token]]\nname = "a"\nsha256 = "{SHA}"\nbudget_per_day = "lots"', "an amount in quotes"),
    (f'[[token]]\nname = "a"\nsha256 = "{SHA}"\nbudget = "5"', "budget: Extra inputs"),
    (f'[[token]]\nname = "a"\nsha256 = "{SHA}"\nadopt = "yes"', "adopt: Input should be a valid boolean"),
    (f'[[token]]\nname = "a"\nsha256 = "{SHA}"\n[[token]]\nname = "a"\nsha256 = "{"1" * 64}"', "the name a"),
    (f'[[token]]\nname = "a"\nsha256 = "{SHA}"\n[[token]]\nname = "b"\nsha256 = "{SHA}"', "the sha256 000"),
]


@pytest.mark.parametrize(("text", "said"), BAD_FILES)
def test_a_tokens_file_with_a_mistake_is_refused_in_words(tmp_path: Path, text: str, said: str) -> None:
    """A budget that was misspelt must not be no budget."""
    path = tmp_path / "tokens.toml"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(BadSettings) as told:
        read_tokens(path, currency="CNY")
    assert said in told.value.words
    assert "WAN_MCP_TOKENS_FILE" in told.value.words


@pytest.mark.parametrize(("mode", "is_private"), [(0o600, True), (0o640, True), (0o644, False), (0o620, False)])
def test_others_must_neither_read_nor_change_it(tmp_path: Path, mode: int, is_private: bool) -> None:
    """Who can write into it lets himself in. A group may read: that is how containers hand secrets over."""
    path, _ = tokens_file(tmp_path, alice="")
    path.chmod(mode)
    if is_private:
        assert read_tokens(path, currency="CNY")
        return
    with pytest.raises(BadSettings, match="others on this machine can read or change it"):
        read_tokens(path, currency="CNY")


def test_a_file_that_is_not_there_is_told() -> None:
    """A server that nobody may call is of no use, and one that everybody may call of less."""
    with pytest.raises(BadSettings, match="cannot be read"):
        read_tokens(Path("nowhere.toml"), currency="CNY")


def test_the_command_makes_a_token_and_an_entry_without_it(tmp_path: Path) -> None:
    """`wan-mcp token alice >> tokens.toml`: the file gets the hash, and the person sees the token once."""
    made_one = run("token", "alice")
    token = next(line.strip() for line in made_one.stderr.splitlines() if line.strip().startswith("wan_"))
    path = tmp_path / "tokens.toml"
    path.write_text(made_one.stdout + token_entry("bob", new_token()))
    path.chmod(0o600)

    assert token not in made_one.stdout
    owner = owner_of(token, read_tokens(path, currency="CNY"))
    assert owner is not None
    assert owner.name == "alice"
    assert len(token) >= 4 + 43, "256 bits in base 64"
    assert run("token", "local").exit_code == 1


# At the door


def words(result: CallToolResult) -> str:
    """The text of a result."""
    assert isinstance(result.content[0], TextContent)
    return result.content[0].text


@pytest.fixture(params=["auto", "legacy"])
def era(request: pytest.FixtureRequest) -> Any:
    """Both eras of the protocol."""
    return request.param


@pytest.mark.parametrize("transport", ["streamable-http", "sse"])
async def test_a_token_decides_whose_view_it_is(url: str, tmp_path: Path, transport: Any, era: Any) -> None:
    """Tools, resources and completions, at every door and in both eras: who calls is who the token says."""
    path, tokens = tokens_file(tmp_path, alice="", bob='budget_per_day = "9"')
    async with (
        at(made(url, tmp_path, WAN_MCP_TOKENS_FILE=path), transport=transport) as place,
        client_of(place, mode=era, token=tokens["alice"]) as alice,
        client_of(place, mode=era, token=tokens["bob"]) as bob,
    ):
        created = await alice.call_tool("create_video", {"prompt": "a cat"})
        assert created.structured_content is not None
        task_id = created.structured_content["task_id"]
        own = await alice.call_tool("list_video_tasks", {})
        others = await bob.call_tool("list_video_tasks", {})
        sought = await bob.call_tool("get_video_task", {"task_id": task_id, "wait_seconds": 0})
        price = await bob.call_tool("estimate_cost", {})

    assert task_id in words(own)
    assert words(others).startswith("No tasks.")
    assert sought.is_error
    assert "There is no task" in words(sought)
    assert price.structured_content is not None
    assert price.structured_content["budget"] == {
        "held": 0, "charged_today": 0, "left_today": 9, "per_day": 9, "per_task": 10, "confirm_above": 5,
        "currency": "CNY",
    }  # fmt: skip


@pytest.mark.parametrize("transport", ["streamable-http", "sse"])
@pytest.mark.parametrize("token", [None, "wan_wrong", "Basic", "a.b.c"])
async def test_without_a_good_token_nobody_gets_in(url: str, tmp_path: Path, transport: Any, token: str | None) -> None:
    """Also on loopback: once callers are named, everybody must be one of them."""
    path, _ = tokens_file(tmp_path, alice="")
    async with (
        at(made(url, tmp_path, WAN_MCP_TOKENS_FILE=path), transport=transport) as place,
        httpx.AsyncClient(headers={"authorization": f"Bearer {token}"} if token else {}, trust_env=False) as http,
    ):
        answers = [
            await http.get(place) if transport == "sse" else await http.post(place, json={}),
            await http.post(place.replace("/sse", "/messages/"), json={}),
        ]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert all(answer.headers["www-authenticate"].startswith("Bearer ") for answer in answers)


async def test_a_session_belongs_to_the_token_that_began_it(url: str, tmp_path: Path) -> None:
    """An id of a session is no right: in the older era it would carry one caller's rights to another."""
    path, tokens = tokens_file(tmp_path, alice="", bob="")
    hello = {
        "jsonrpc": "2.0", "id": 0, "method": "initialize",
        "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}},
    }  # fmt: skip
    accept = {"accept": "application/json, text/event-stream"}
    async with at(made(url, tmp_path, WAN_MCP_TOKENS_FILE=path)) as place, httpx.AsyncClient(trust_env=False) as http:
        bearers = {name: {**accept, "authorization": f"Bearer {token}"} for name, token in tokens.items()}
        begun = await http.post(place, json=hello, headers=bearers["alice"])
        session = {"mcp-session-id": begun.headers["mcp-session-id"], "mcp-protocol-version": "2025-11-25"}
        listing = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        stolen = await http.post(place, json=listing, headers=bearers["bob"] | session)
        own = await http.post(place, json=listing, headers=bearers["alice"] | session)
    assert (begun.status_code, stolen.status_code, own.status_code) == (200, 404, 200)
