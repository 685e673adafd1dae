"""`wan-mcp doctor`: a line for each check, what to do about what is wrong, and never the key."""

import socket
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.commands import Person, a_terminal, environment, screen
from tests.conftest import KEY
from tests.tasks import a_task
from wan_mcp.adapters.ledger import Ledger
from wan_mcp.cli import doctor
from wan_mcp.domain.task import Status
from wan_mcp.simulator import Simulator

pytestmark = pytest.mark.anyio


@pytest.fixture
def simulator() -> Simulator:
    """A DashScope that knows one key."""
    return Simulator(media="clip", api_keys=[KEY], run_delay=60)


@pytest.fixture
def person(url: str, tmp_path: Path) -> Person:
    """Somebody with a simulator, a ledger and a folder."""
    return Person(environment(url, tmp_path))


async def found(person: Person, check: str, **env: str) -> dict[str, Any]:
    """What the doctor says of one check; `problem`s only with the exit code for them."""
    person = Person({**person.env, **env})
    findings = await person.reads("doctor")
    result = await person.types("doctor")
    states = [finding["state"] for finding in findings["checks"]]
    assert findings["ok"] is ("problem" not in states)
    assert result.exit_code == int("problem" in states)
    assert env.get("DASHSCOPE_API_KEY") or KEY not in result.output
    [finding] = [finding for finding in findings["checks"] if finding["check"] == check]
    assert f"{finding['state']:<7}  {check:<8}  {finding['found'].split()[0]}" in result.stdout
    return finding


async def test_where_all_is_well_it_says_so_line_by_line(person: Person, simulator: Simulator) -> None:
    """One free call tries the key; nothing is created."""
    result = await person.types("doctor")

    states = [line.split()[:2] for line in result.stdout.splitlines()]
    checks = ["versions", "media", "settings", "region", "key", "ledger", "tasks", "videos", "disk"]
    assert states == [["ok", check] for check in checks]
    assert result.exit_code == 0
    assert [call.method for call in simulator.requests] == ["GET"]


async def test_it_fits_a_terminal_and_never_shows_the_key(person: Person) -> None:
    """People paste this into bug reports."""
    terminal = a_terminal()
    await person.types("doctor", terminal=terminal)

    assert KEY not in screen(terminal)
    assert f"It ends in {KEY[-4:]}." in screen(terminal)
    assert "\x1b[32mok" in screen(terminal)


async def test_a_missing_key_is_a_problem_with_a_way_out(person: Person) -> None:
    """It works without one, and says what to do."""
    finding = await found(person, "key", DASHSCOPE_API_KEY="")

    assert finding["state"] == "problem"
    assert "DASHSCOPE_API_KEY" in finding["advice"]


async def test_a_key_that_dashscope_refuses_is_a_problem(person: Person) -> None:
    """A key of another region looks like a bad one, and the advice says so."""
    finding = await found(person, "key", DASHSCOPE_API_KEY="sk-of-another-region")

    assert finding["state"] == "problem"
    assert "InvalidApiKey" in finding["found"]
    assert "WAN_MCP_REGION" in finding["advice"]


async def test_who_asks_is_spoken_to_and_not_of(person: Person) -> None:
    """A model is told what the person can do; here the person reads."""
    key = await found(person, "key", DASHSCOPE_API_KEY="")
    settings = await found(person, "settings", WAN_MCP_REGION="mars")

    assert key["advice"].startswith("You can create one")
    assert settings["advice"].startswith("You must mend these")


async def test_the_doctor_does_not_send_to_the_doctor(person: Person, tmp_path: Path) -> None:
    """Whoever reads this of a ledger that cannot be used is there already."""
    (tmp_path / "torn.db").write_bytes(b"no ledger" * 1000)
    ledger = await found(person, "ledger", WAN_MCP_LEDGER=str(tmp_path / "torn.db"))

    assert ledger["state"] == "problem"
    assert ledger["advice"] == "Without it nothing is sent. Check the disk, the file's rights, or WAN_MCP_LEDGER."


async def test_a_simulator_that_is_gone_is_asked_after(person: Person, tmp_path: Path) -> None:
    """No network is to be checked on the way to this machine."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there
        gone = Person({**person.env, **environment(f"http://127.0.0.1:{taken.getsockname()[1]}", tmp_path)})
        finding = await found(gone, "key")
        created = await gone.types("create", "a cat", "--yes")

    assert finding["state"] == "problem"
    assert "is `wan-mcp simulate` running on that port?" in finding["advice"]
    assert "is `wan-mcp simulate` running on that port?" in " ".join(created.stderr.split())
    assert "network" not in created.stderr


async def test_a_paid_video_that_nobody_fetches_is_a_problem(person: Person, tmp_path: Path) -> None:
    """A day after its end it is lost, and the money with it."""
    now = datetime.now(UTC)
    ledger = Ledger(tmp_path / "apart" / "tasks.db")
    await ledger.open()
    account = urlsplit(person.env["DASHSCOPE_HTTP_BASE_URL"]).netloc
    lying = a_task(Status.SUCCEEDED, at=now - timedelta(hours=2), account=account, expires_at=now + timedelta(hours=3))
    await ledger.adopt(lying, owner="somebody who is gone")
    await ledger.close()
    finding = await found(person, "saving", WAN_MCP_LEDGER=str(ledger.path))

    assert finding["state"] == "problem"
    assert f"wan-mcp show {lying.id} --wait 300" in finding["found"]


async def test_a_short_key_is_not_given_away_by_its_end(url: str, tmp_path: Path, simulator: Simulator) -> None:
    """Four of twelve characters are too many."""
    simulator.settings = type(simulator.settings)(api_keys=["sk-simulated"])
    person = Person(environment(url, tmp_path, DASHSCOPE_API_KEY="sk-simulated"))

    assert (await found(person, "key"))["found"] == "DashScope accepts it."


async def test_a_host_that_is_not_there_is_a_problem(person: Person) -> None:
    """The network, or an address with a slip in it."""
    finding = await found(person, "key", DASHSCOPE_HTTP_BASE_URL="http://127.0.0.1:9/api/v1")

    assert finding["state"] == "problem"
    assert "did not answer" in finding["found"]


async def test_settings_that_cannot_be_used_are_a_problem(person: Person) -> None:
    """Each by the variable's name; what depends on them is not tried."""
    finding = await found(person, "settings", WAN_MCP_BUDGET_PER_DAY="plenty")

    assert finding["state"] == "problem"
    assert "WAN_MCP_BUDGET_PER_DAY" in finding["found"]


async def test_a_proxy_that_cannot_be_used_is_a_problem_of_the_network(person: Person) -> None:
    """The ledger has nothing to do with it."""
    far = {"DASHSCOPE_HTTP_BASE_URL": "https://dashscope.aliyuncs.com/api/v1", "HTTPS_PROXY": "socks://127.0.0.1:9"}
    finding = await found(person, "network", **far)
    assert finding["state"] == "problem"
    assert "HTTPS_PROXY" in finding["advice"]


async def test_the_region_that_bills_is_named(person: Person) -> None:
    """The costliest mix-up: a simulator's address left in the environment, or the other way round."""
    assert "a simulator, nothing is paid" in (await found(person, "region"))["found"]


async def test_a_file_that_is_no_ledger_is_a_problem(person: Person, tmp_path: Path) -> None:
    """It is left as it is, and another path is the way out."""
    notes = tmp_path / "notes.txt"
    notes.write_text("buy milk\n" * 200)
    finding = await found(person, "ledger", WAN_MCP_LEDGER=str(notes))

    assert finding["state"] == "problem"
    assert "WAN_MCP_LEDGER" in finding["advice"]
    assert notes.read_text() == "buy milk\n" * 200


async def test_a_damaged_ledger_is_a_problem(person: Person, tmp_path: Path) -> None:
    """A backup is worth more while it is young."""
    ledger = tmp_path / "damaged.db"  # not the name that the audit looks for
    person = Person({**person.env, "WAN_MCP_LEDGER": str(ledger)})
    await person.types("create", "a cat", "--no-wait")
    with closing(sqlite3.connect(ledger, isolation_level=None)) as db:
        db.execute("PRAGMA writable_schema = 1")
        db.execute("UPDATE sqlite_master SET sql = replace(sql, 'rank INTEGER', 'rank INTEGER CHECK (rank > 9)')")
    finding = await found(person, "ledger")

    assert finding["state"] == "problem"
    assert "is damaged: CHECK constraint failed in heads" in finding["found"]
    assert "Keep a copy" in finding["advice"]


async def test_a_missing_extra_is_worth_a_note(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the simulator's pictures need it; nothing is wrong."""
    monkeypatch.setitem(sys.modules, "av", None)
    finding = await found(person, "media")

    assert finding["state"] == "note"
    assert "(av missing)" in finding["found"]


async def test_a_place_beside_the_ledger_that_cannot_be_used_is_a_problem(person: Person, tmp_path: Path) -> None:
    """Each process keeps a lock file there; without it no task could be watched."""
    (tmp_path / "other.db.owners").write_text("in the way")
    finding = await found(person, "ledger", WAN_MCP_LEDGER=str(tmp_path / "other.db"))

    assert finding["state"] == "problem"
    assert "other.db" in finding["found"]


async def test_unsettled_tasks_are_counted(person: Person, simulator: Simulator) -> None:
    """They are looked after by a server or `wan-mcp tasks --watch`, and only then."""
    await person.types("create", "a cat", "--no-wait")
    assert (await found(person, "tasks"))[
        "found"
    ] == "1 unsettled: looked after by a server or `wan-mcp tasks --watch`."

    simulator.mishap(kind="drop")
    await person.types("create", "a dog", "--no-wait")
    finding = await found(person, "tasks")
    assert finding["state"] == "note"
    assert "2 unsettled, 1 with the answer lost" in finding["found"]


async def test_a_folder_that_cannot_be_written_is_a_problem(person: Person, tmp_path: Path) -> None:
    """A paid video would have no place to go to."""
    (tmp_path / "file").write_text("not a folder")
    finding = await found(person, "videos", WAN_MCP_OUTPUT_DIR=str(tmp_path / "file" / "videos"))

    assert finding["state"] == "problem"
    assert "WAN_MCP_OUTPUT_DIR" in finding["advice"]


async def test_a_folder_that_is_not_there_yet_is_not_made_by_looking(person: Person, tmp_path: Path) -> None:
    """Whoever examines leaves no traces."""
    finding = await found(person, "videos")

    assert finding["found"].endswith("can be written, made when it is needed.")
    assert not (tmp_path / "videos").exists()


async def test_a_full_disk_is_a_problem(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """A video that does not fit waits at DashScope for a day, and is gone then."""
    monkeypatch.setattr(doctor, "_LITTLE_DISK", 1 << 60)
    finding = await found(person, "disk")

    assert finding["state"] == "problem"
    assert "Free some space" in finding["advice"]
