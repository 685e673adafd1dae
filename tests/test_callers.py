"""Several callers on one account: each has its own view, its own cap, and no way to learn of the others."""

import json
import os
from collections.abc import AsyncGenerator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import MCPError
from mcp.types import CallToolResult, TextContent, TextResourceContents

from tests.commands import run
from tests.conftest import HandClock, made, opened
from tests.doors import at, client_of, tokens_file
from tests.making import a_request, pass_time
from tests.test_server import text
from wan_mcp.adapters.tokens import TokensFile, digest, new_token, owner_of, read_tokens, token_entry
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
    async with opened(settings, clock, rights=RIGHTS.get) as service:
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
    rich = Rights(per_day=cny("1000"), per_task=cny("1000"))
    async with opened(settings, clock, rights={"rich": rich}.get) as videos:
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


async def test_who_has_no_cap_of_its_own_has_the_one_of_all_callers(settings: Settings, clock: HandClock) -> None:
    """Whoever an OAuth issuer vouches for has no entry in any file; a cap that is there goes before."""
    capped = settings.model_copy(update={"caller_per_day": Decimal("3")})
    async with opened(capped, clock, rights=RIGHTS.get) as videos:
        for caller in ("oauth:dora", "bob"):
            await videos.create(a_request("one"), agreed=False, caller=caller)
            with pytest.raises(OverBudget) as refused:
                await videos.create(a_request("two"), agreed=False, caller=caller)
            assert "WAN_MCP_CALLER_BUDGET_PER_DAY" in refused.value.words
            assert (await videos.spending.account(caller=caller)).left == cny("0")
        for prompt in ("one", "two"):
            await videos.create(a_request(prompt), agreed=False, caller="alice")
        await videos.create(a_request("one"), agreed=False)
        assert (await videos.spending.account()).budget.per_day == settings.budget.per_day


@pytest.mark.parametrize("lifted", [None, Decimal("Infinity")])
async def test_without_that_cap_only_the_persons_budget_binds(settings: Settings, lifted: Decimal | None) -> None:
    """`none` lifts it, as it does every other."""
    assert settings.model_copy(update={"caller_per_day": lifted}).caller_budget_per_day is None


async def test_the_person_at_the_terminal_can_look_after_everybodys_tasks(videos: Videos) -> None:
    """The account is theirs, and so is the bill: what a caller left behind must not be out of their reach."""
    hers = (await videos.create(a_request("hers"), agreed=False, caller="alice")).task
    mine = (await videos.create(a_request("mine"), agreed=False)).task

    everybodys = await videos.newest(status=None, limit=9, caller=None)
    assert {report.task.id for report in everybodys} == {hers.id, mine.id}
    assert [report.task.id for report in await videos.newest(status=None, limit=9)] == [mine.id]
    assert (await videos.get(hers.id, caller=None)).task.caller == "alice"
    assert (await videos.wait(hers.id, seconds=0, caller=None)).task.id == hers.id
    assert (await videos.cancel(hers.id, caller=None)).task.status is Status.CANCELED
    canceled = await videos.newest(status=Status.CANCELED, limit=9, caller=None)
    assert [report.task.id for report in canceled] == [hers.id]


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


def test_a_file_that_has_changed_is_read_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A token is taken back when the file is saved, not when somebody thinks of a restart."""
    path, _ = tokens_file(tmp_path, alice="", bob="")
    file = TokensFile(path, currency="CNY")
    assert [token.name for token in file.tokens] == ["alice", "bob"]

    tokens_file(tmp_path, bob='budget_per_day = "5"')
    assert [(token.name, token.rights) for token in file.tokens] == [("bob", Rights(per_day=cny("5")))]

    path.write_text("[[token]]\nname = 'carol'\n")
    assert [token.name for token in file.tokens] == ["bob"], "a mistake lets nobody in, and nobody out"
    assert [token.name for token in file.tokens] == ["bob"]
    [told] = caplog.messages
    assert "sha256" in told
    assert "of before" in told

    tokens_file(tmp_path, carol="")
    assert [token.name for token in file.tokens] == ["carol"]
    path.write_text("")
    assert file.tokens == [], "the last token is taken back, too"
    tokens_file(tmp_path, carol="")
    assert [token.name for token in file.tokens] == ["carol"]
    path.unlink()
    assert file.tokens == []
    assert "is gone" in caplog.messages[-1]
    with pytest.raises(BadSettings, match="cannot be read"):
        TokensFile(path, currency="CNY")
    path.touch(mode=0o600)
    with pytest.raises(BadSettings, match="it names no token"):
        TokensFile(path, currency="CNY")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
def test_a_file_that_others_may_read_now_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Its content is the same; whoever looks at its time of change alone would not see it."""
    path, _ = tokens_file(tmp_path, alice="")
    file = TokensFile(path, currency="CNY")
    path.chmod(0o644)
    assert [token.name for token in file.tokens] == ["alice"]
    assert "others on this machine" in caplog.messages[0]


async def test_a_token_that_was_taken_back_lets_nobody_in(settings: Settings, tmp_path: Path) -> None:
    """At once, on a server that runs; and the caps of those who stay are the new ones."""
    path, tokens = tokens_file(tmp_path, alice="", bob="")
    entries = path.read_text().split("\n[[")
    async with at(settings.model_copy(update={"tokens_file": path})) as url:
        async with client_of(url, token=tokens["bob"]) as bob:
            assert (await bob.call_tool("estimate_cost", {})).is_error is not True
            path.write_text(entries[0] + '\nbudget_per_day = "1"\n')
            headers = {"Authorization": f"Bearer {tokens['bob']}"}
            async with httpx.AsyncClient(headers=headers, verify=False) as http:
                assert (await http.post(url, json={})).status_code == 401
        async with client_of(url, token=tokens["alice"]) as alice:
            refused = await alice.call_tool("create_video", {"prompt": "a cat"})
    assert "alice's own 1.00 CNY a day" in text(refused)


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
        [told] = (await alice.read_resource(f"wan://tasks/{task_id}")).contents
        for uri in (f"wan://tasks/{task_id}", f"wan://videos/{task_id}"):
            with pytest.raises(MCPError, match="There is no task"):
                await bob.read_resource(uri)

    assert isinstance(told, TextResourceContents)
    assert "history" in json.loads(told.text), "how it came about is shown to whom it is shown"
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
        httpx.AsyncClient(
            headers={"authorization": f"Bearer {token}"} if token else {}, trust_env=False, verify=False
        ) as http,
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
    async with (
        at(made(url, tmp_path, WAN_MCP_TOKENS_FILE=path)) as place,
        httpx.AsyncClient(trust_env=False, verify=False) as http,
    ):
        bearers = {name: {**accept, "authorization": f"Bearer {token}"} for name, token in tokens.items()}
        begun = await http.post(place, json=hello, headers=bearers["alice"])
        session = {"mcp-session-id": begun.headers["mcp-session-id"], "mcp-protocol-version": "2025-11-25"}
        listing = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        stolen = await http.post(place, json=listing, headers=bearers["bob"] | session)
        own = await http.post(place, json=listing, headers=bearers["alice"] | session)
    assert (begun.status_code, stolen.status_code, own.status_code) == (200, 404, 200)
