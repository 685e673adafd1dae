"""Real processes over stdio: the main job from end to end, two of them, and waiting for another try."""

import signal
from pathlib import Path

import pytest

from tests.commands import Person
from tests.conftest import KEY
from tests.doors import until
from tests.raw import raw_server
from tests.test_stdio import ends_at_once, environment, finished, simulator, url
from wan_mcp.simulator import Simulator

__all__ = ["environment", "simulator", "url"]  # fixtures

pytestmark = pytest.mark.anyio

TOOLS = [
    *("create_video", "get_video_task", "estimate_cost", "list_video_tasks", "cancel_video_task", "preview_video"),
    *("create_film", "get_film", "retake", "cancel_film"),
]


async def test_the_main_job_over_stdio(
    environment: dict[str, str], simulator: Simulator, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """`wan-mcp` alone is a stdio server; every line on stdout is the protocol's, and the log keeps its secrets."""
    async with raw_server({**environment, "WAN_MCP_LOG_LEVEL": "DEBUG"}) as client:
        told = await client.hello()
        tools = await client.request("tools/list")
        created = await client.call("create_video", prompt="a very private prompt")
        task = await finished(client, created["task_id"])
        assert await client.hang_up() == 0
    assert told["serverInfo"]["name"] == "wan-mcp"
    assert "create_video" in told["instructions"]
    assert [tool["name"] for tool in tools["tools"]] == TOOLS
    assert Path(str(task["file"])).read_bytes()[4:8] == b"ftyp"
    assert len(simulator.accepted) == 1

    log = capfd.readouterr().err
    assert created["task_id"] in log
    assert all(secret not in log for secret in (KEY, "Signature=", "a very private prompt"))
    assert KEY.encode() not in (tmp_path / "ledger" / "ledger.db").read_bytes()


async def test_two_servers_on_one_ledger_see_each_others_tasks(
    environment: dict[str, str], simulator: Simulator
) -> None:
    """Claude Desktop and Cursor, each with its own process."""
    async with raw_server(environment) as one, raw_server(environment) as two:
        await one.hello()
        await two.hello()
        created = await one.call("create_video", prompt="a cat")
        seen = await finished(two, created["task_id"])
        repeated = await two.call("create_video", prompt="another cat")
        assert repeated["task_id"] != created["task_id"]
        await finished(one, repeated["task_id"])

    assert seen["status"] == "SUCCEEDED"
    assert len(simulator.accepted) == 2


async def test_the_key_and_links_are_in_no_log_whatever_goes_wrong(
    environment: dict[str, str], tmp_path: Path, capfd: pytest.CaptureFixture[str], simulator: Simulator
) -> None:
    """Logs are pasted into bug reports, even at DEBUG."""
    simulator.mishap(on="query", kind="refuse", code="InvalidApiKey", message=f"bad key {KEY}")
    simulator.mishap(on="download", kind="reset")
    async with raw_server({**environment, "WAN_MCP_LOG_LEVEL": "DEBUG"}) as client:
        await client.hello()
        created = await client.call("create_video", prompt="a very private prompt")
        await finished(client, created["task_id"])
        await client.hang_up()

    log = capfd.readouterr().err
    assert created["task_id"] in log
    assert KEY not in log
    assert "Signature=" not in log
    assert "a very private prompt" not in log
    assert KEY.encode() not in (tmp_path / "ledger" / "ledger.db").read_bytes()


async def test_a_submission_that_hangs_does_not_keep_the_process_and_is_found_again(
    environment: dict[str, str], simulator: Simulator, capfd: pytest.CaptureFixture[str]
) -> None:
    """A host that has closed stdin waits a few seconds; the next start learns the truth, and pays once."""
    simulator.mishap(on="create", kind="hang", accept=True)
    async with raw_server(environment) as client:
        await client.hello()
        await client.begin("tools/call", name="create_video", arguments={"prompt": "a cat"})
        await until(lambda: bool(simulator.accepted))
        assert await client.hang_up() == 0
    assert "A submission is still on its way" in capfd.readouterr().err

    again = await Person(environment).reads("create", "a cat", "--no-wait")
    assert again["status"] in ("SUBMITTING", "UNCERTAIN", "PENDING", "RUNNING")
    assert len(simulator.accepted) == 1


async def test_a_supervisor_ends_it_at_once(environment: dict[str, str]) -> None:
    """Its signal is no error."""
    await ends_at_once(environment, signal.SIGTERM, 0)


async def test_bad_settings_are_told_by_the_tools_and_not_by_a_dead_process(environment: dict[str, str]) -> None:
    """A host shows "disconnected" for a server that exits, and no word of why."""
    async with raw_server({**environment, "WAN_MCP_BUDGET_PER_DAY": "much", "WAN_MCP_REGION": "mars"}) as client:
        await client.hello()
        result = await client.request("tools/call", name="list_video_tasks", arguments={})

    assert result["isError"]
    told = result["content"][0]["text"]
    assert "WAN_MCP_BUDGET_PER_DAY" in told
    assert "WAN_MCP_REGION" in told
