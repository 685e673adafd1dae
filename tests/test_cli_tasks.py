"""`wan-mcp tasks`, `show`, `cancel` and `settle`: what the ledger has, and what a person may do about it."""

import io
import json
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from rich.cells import cell_len
from rich.console import Console

from tests.commands import Person, a_terminal, environment, in_a_terminal, interrupted, screen, talk
from tests.making import CAT
from tests.tasks import a_task
from tests.test_cli_pages import a_report
from tests.test_cli_usage import ACCOUNT
from wan_mcp.adapters.ledger import Ledger
from wan_mcp.cli.board import Board
from wan_mcp.domain.task import Problem, Status
from wan_mcp.simulator import Simulator

pytestmark = pytest.mark.anyio


@pytest.fixture
def simulator() -> Simulator:
    """DashScope in real time, since commands are; a task takes a third of a second."""
    return Simulator(media="clip", run_delay=0.1, run_time=0.2)


@pytest.fixture
def person(url: str, tmp_path: Path) -> Person:
    """Somebody with a simulator, a ledger and a folder."""
    return Person(environment(url, tmp_path))


async def started(person: Person, prompt: str = CAT, *words: str) -> Any:
    """Create a task and leave it."""
    return await person.reads("create", prompt, *words, "--no-wait")


async def uncertain(person: Person, simulator: Simulator, *, accept: bool) -> Any:
    """Create a task whose answer is lost."""
    simulator.mishap(kind="drop", accept=accept)
    task = await started(person)
    assert task["status"] == "UNCERTAIN"
    return task


# tasks


async def test_tasks_are_a_line_each_in_a_pipe(person: Person) -> None:
    """Lines are what grep and awk read; nothing is cut to the width of a terminal."""
    task = await started(person)
    result = await person.types("tasks")

    first, last = result.stdout.splitlines()
    assert first.startswith(f"{task['task_id']} | PENDING | 1280*720 5 s | 3.00 CNY held")
    assert last.startswith("Budget: 97.00 of 100.00 CNY left today")


async def test_tasks_are_a_table_of_eighty_columns_on_a_terminal(person: Person) -> None:
    """A Chinese character takes two cells; the columns stay where they are."""
    await started(person, CAT * 5)
    await started(person, "A red fox runs through fresh snow at dawn, the camera follows low and close")
    terminal = a_terminal()
    await person.types("tasks", terminal=terminal)

    lines = re.sub(r"\x1b\[[0-9;]*m", "", screen(terminal)).splitlines()
    costs = [line for line in lines if line.rstrip().endswith("3.00 CNY")]
    assert all(cell_len(line.rstrip()) <= 80 for line in lines)
    assert len({cell_len(line.rstrip()) for line in costs}) == 1
    assert len(costs) == 2
    assert "\x1b[36mPENDING" in screen(terminal)


async def test_tasks_can_be_narrowed(person: Person) -> None:
    """As the tool's `status` and `limit`."""
    await person.types("create", "a cat")
    await started(person, "a dog")

    assert [task["prompt"] for task in (await person.reads("tasks", "--limit", "1"))["tasks"]] == ["a dog"]
    assert [task["prompt"] for task in (await person.reads("tasks", "--status", "succeeded"))["tasks"]] == ["a cat"]


async def test_a_status_that_does_not_exist_is_refused_with_those_that_do(person: Person) -> None:
    """In the tool's words."""
    result = await person.types("tasks", "--status", "DONE")

    assert result.exit_code == 1
    assert "status must be one of QUEUED, SUBMITTING" in result.stderr


async def test_an_empty_ledger_says_how_to_begin(person: Person) -> None:
    """An empty table would say nothing."""
    terminal = a_terminal()
    await person.types("tasks", terminal=terminal)

    assert "No tasks yet." in screen(terminal)


async def test_a_prompt_cannot_steer_the_terminal(person: Person) -> None:
    """Models write prompts; an escape sequence in one must not recolour, retitle or rewrite what a person reads."""
    await started(person, "a cat\x1b]0;owned\x07\x1b[2J\u202e tac a")
    terminal = a_terminal()
    await person.types("tasks", terminal=terminal)
    listed = await person.types("tasks")
    [task] = (await person.reads("tasks"))["tasks"]
    shown = await person.types("show", task["task_id"])

    for told in (screen(terminal), listed.stdout, shown.stdout):
        assert not {"\x1b]", "\x1b[2J", "\x07", "\u202e"} & set(re.findall(r"\x1b\[2J|\x1b\]|\x07|\u202e", told))


async def test_a_video_that_nobody_fetched_is_warned_of(person: Person, tmp_path: Path) -> None:
    """Its link dies a day after its end, and this command is where a person looks."""
    now = datetime.now(UTC)
    ledger = Ledger(tmp_path / "apart" / "tasks.db")
    await ledger.open()
    asked, dies = now - timedelta(hours=2), now + timedelta(hours=3, minutes=29, seconds=50)
    account = urlsplit(person.env["DASHSCOPE_HTTP_BASE_URL"]).netloc
    lying = a_task(Status.SUCCEEDED, at=asked, account=account, expires_at=dies)
    await ledger.adopt(lying, owner="somebody who is gone")
    await ledger.close()
    result = await person.types("tasks", env={"WAN_MCP_LEDGER": str(ledger.path)})

    assert "1 paid video is not saved yet, and its link dies in 3 h 29 min." in " ".join(result.stderr.split())


# tasks --watch


async def test_into_a_pipe_each_change_is_a_line_until_all_have_ended(person: Person) -> None:
    """`wan-mcp tasks --watch` in a script waits for everything that is open."""
    done = await person.reads("create", "a cat")
    task = await started(person)
    result = await person.types("tasks", "--watch")

    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert lines[0].startswith(f"{done['task_id']} | SUCCEEDED | ")
    assert lines[1].startswith(f"{task['task_id']} | PENDING | ")
    assert lines[-1].startswith(f"{task['task_id']} | SUCCEEDED | ")
    assert ".mp4 | " in lines[-1]


async def test_as_data_each_change_is_an_object_on_a_line(person: Person) -> None:
    """A program reads them one by one, while they come."""
    task = await started(person)
    result = await person.types("tasks", "--watch", "--json")

    *_, last = (json.loads(line) for line in result.stdout.splitlines())
    assert last == await person.reads("show", task["task_id"])


@pytest.mark.skipif(sys.platform == "win32", reason="pty is of the Unixes")
async def test_on_a_terminal_the_table_is_kept_up_to_date_until_ctrl_c(person: Person, simulator: Simulator) -> None:
    """It has the screen for itself, bears a change of its size, and leaves the last table behind."""
    simulator.mishap(kind="stuck_running", forever=True)
    task = await started(person)
    async with in_a_terminal("tasks", "--watch", env=person.env) as (terminal, process):
        await terminal.shows("RUNNING")
        terminal.resize(50, 20)
        await terminal.shows("Ctrl-C ends the watching")
        terminal.press("\x03")

    _, table = terminal.written.rsplit("\x1b[?1049l", 1)  # back from the other screen
    assert process.returncode == 130
    assert task["task_id"] in table
    assert "Stopped watching. Open tasks go on" in table


@pytest.mark.parametrize("rows", [3, 12, 40])
def test_the_board_has_as_many_tasks_as_the_screen_is_high(rows: int) -> None:
    """The newest stay in sight; what is too much would push them out."""
    board = Board()
    console = Console(file=io.StringIO(), width=80, height=rows)
    assert console.render_lines(board, pad=False) == []
    board.show([a_report(Status.RUNNING, id=f"vid_{n}") for n in range(9)], ACCOUNT)
    lines = ["".join(segment.text for segment in line) for line in console.render_lines(board)]

    assert len(lines) <= max(rows, 7)
    assert any("vid_0" in line for line in lines)
    assert "Ctrl-C ends" in lines[-1]
    board.show([], ACCOUNT)
    assert any("No tasks yet." in line.text for line in console.render(board))


# show


async def test_a_task_is_shown_with_all_that_is_known(person: Person, simulator: Simulator) -> None:
    """Both ids, since Alibaba's support asks for theirs."""
    simulator.mishap(kind="stuck_running", forever=True)
    task = await started(person, CAT, "--seed", "7")
    terminal = a_terminal()
    result = await person.types("show", task["task_id"])
    await person.types("show", task["dashscope_task_id"], terminal=terminal)

    lines = dict(line.strip().split(maxsplit=1) for line in result.stdout.splitlines())
    assert lines["task"] == task["task_id"]
    assert lines["DashScope"] == task["dashscope_task_id"]
    assert lines["video"] == "1280*720, 5 s, seed 7"
    assert lines["cost"] == "3.00 CNY held"
    assert lines["time"].endswith("s of usually 90 s")
    assert lines["next"] == f"`wan-mcp show {task['task_id']} --wait 300` waits for it and fetches the file."
    assert task["task_id"] in screen(terminal)


async def test_showing_an_open_task_looks_once(person: Person, simulator: Simulator) -> None:
    """Where no server runs, the ledger would go on saying PENDING for ever."""
    task = await started(person)
    simulator.advance(10)

    assert (await person.reads("show", task["task_id"]))["status"] == "SUCCEEDED"


async def test_a_task_made_elsewhere_is_fetched_by_dashscopes_id(person: Person, simulator: Simulator) -> None:
    """The account may be used by other programs; what they paid for can be saved with this one."""
    foreign = simulator.foreign_task(prompt="a ship")
    task = await person.reads("show", foreign.id, "--wait", "20")

    assert task["status"] == "SUCCEEDED"
    assert task["cost"]["amount"] == 0
    assert Path(task["file"]).exists()


async def test_a_link_is_shown_where_the_file_is_not_at_home(person: Person, simulator: Simulator) -> None:
    """Until it is saved, the link is the only way to the video; and its end is near."""
    simulator.mishap(kind="hang", on="download", times=None)
    task = await started(person)
    simulator.advance(10)
    result = await person.types("show", task["task_id"])

    assert re.search(r"link +http://127.0.0.1:\S+ \(until \d{4}-", result.stdout)


async def test_a_task_that_nobody_knows_is_an_error(person: Person) -> None:
    """With a word on where to look."""
    result = await person.types("show", "vid_nobody")

    assert result.exit_code == 1
    assert "There is no task 'vid_nobody'" in result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals are of the Unixes")
async def test_ctrl_c_ends_the_waiting_only(person: Person, simulator: Simulator) -> None:
    """Looking is free, and so is not looking any more."""
    simulator.mishap(kind="stuck_running", forever=True)
    task = await started(person)
    begun = len(simulator.requests)
    ended = await interrupted(
        "show", task["task_id"], "--wait", "60", env=person.env, when=lambda _: len(simulator.requests) > begun
    )

    assert ended.code == 130
    assert ended.stderr == "Stopped waiting; the task goes on.\n"


@pytest.mark.parametrize(("count", "told"), [(1, "wan-mcp show {id} --wait 300"), (2, "2 tasks should be done by now")])
async def test_what_should_be_done_and_nobody_watches_is_hinted_at(
    person: Person, tmp_path: Path, count: int, told: str
) -> None:
    """The list itself asks DashScope nothing, so it would say PENDING for ever."""
    now = datetime.now(UTC)
    ledger = Ledger(tmp_path / "apart" / "tasks.db")
    await ledger.open()
    account = urlsplit(person.env["DASHSCOPE_HTTP_BASE_URL"]).netloc
    fresh, *late = [
        a_task(
            Status.PENDING, at=now - timedelta(minutes=minutes), account=account, dashscope_task_id=f"remote-{place}"
        )
        for place, minutes in enumerate([0, *[30] * count])
    ]
    for task in (fresh, *late):
        await ledger.adopt(task, owner="somebody who is gone")
    await ledger.close()
    listed = await person.types("tasks", env={"WAN_MCP_LEDGER": str(ledger.path)})

    assert "nobody watches" in listed.stderr
    assert told.format(id=late[0].id) in listed.stderr
    assert fresh.id not in listed.stderr


# cancel


async def test_what_has_not_started_is_cancelled_for_nothing(person: Person, simulator: Simulator) -> None:
    """Also where no server is there to see the end of it."""
    simulator.mishap(kind="stuck_pending", forever=True)
    task = await started(person)
    result = await person.types("cancel", task["task_id"])

    assert result.exit_code == 0
    assert result.stdout.startswith("CANCELED  ")
    assert "3.00 CNY not charged" in result.stdout


def test_in_the_table_a_cancelled_task_says_why_in_words() -> None:
    """Its code would only say the status again, in English."""
    problem = Problem(code="Canceled", message="It was cancelled before it started.")
    terminal = a_terminal()
    terminal.list([a_report(Status.CANCELED, problem=problem)], ACCOUNT)

    assert "It was cancelled before it started." in screen(terminal)
    assert "Canceled" not in screen(terminal)


async def test_what_is_queued_with_us_is_cancelled_and_never_sent(person: Person, simulator: Simulator) -> None:
    """Opening the ledger to cancel it must not be what sends it."""
    simulator.mishap(kind="throttle")
    task = await started(person)
    assert task["status"] == "QUEUED"
    canceled = await person.reads("cancel", task["task_id"])

    assert canceled["status"] == "CANCELED"
    assert simulator.accepted == []


async def test_what_runs_is_not_cancelled_and_it_says_so(person: Person, simulator: Simulator) -> None:
    """DashScope cancels nothing that it renders."""
    simulator.mishap(kind="stuck_running", forever=True)
    task = await started(person)
    simulator.advance(10)
    await person.types("show", task["task_id"])
    result = await person.types("cancel", task["task_id"])

    assert result.exit_code == 1
    assert "already being rendered" in result.stderr
    assert f"run `wan-mcp show {task['task_id']}` to fetch it" in result.stderr


# settle


async def test_a_task_that_never_arrived_is_settled_by_a_persons_word(person: Person, simulator: Simulator) -> None:
    """What only the console shows, only a person can say; the held money is free then."""
    task = await uncertain(person, simulator, accept=False)
    terminal = a_terminal()
    result = await person.types("settle", task["task_id"], "--never-arrived", terminal=terminal, answer="y\n")

    assert result.exit_code == 0
    question = "Record that it never arrived and frees 3.00 CNY? This cannot be taken back. [y/N]:"
    assert question in " ".join(talk(terminal).split())
    assert screen(terminal).index("UNCERTAIN") < screen(terminal).index("FAILED")
    assert (await person.reads("tasks"))["budget"]["held"] == 0


async def test_a_task_that_did_arrive_is_settled_with_dashscopes_id(person: Person, simulator: Simulator) -> None:
    """Then it goes on like any other, and its file comes home."""
    task = await uncertain(person, simulator, accept=True)
    settled = await person.reads("settle", task["task_id"], "--is", simulator.accepted[0].id, "--yes")
    shown = await person.reads("show", task["task_id"], "--wait", "20")

    assert settled["status"] in ("PENDING", "RUNNING", "SUCCEEDED")
    assert shown["status"] == "SUCCEEDED"
    assert Path(shown["file"]).exists()


async def test_a_person_may_think_again(person: Person, simulator: Simulator) -> None:
    """Freeing money that was spent after all would break the budget's word."""
    task = await uncertain(person, simulator, accept=False)
    terminal = a_terminal()
    result = await person.types("settle", task["task_id"], "--never-arrived", terminal=terminal, answer="n\n")

    assert result.exit_code == 1
    assert "Nothing was recorded." in talk(terminal)
    assert (await person.reads("show", task["task_id"]))["status"] == "UNCERTAIN"


async def test_settling_wants_a_person_or_a_clear_yes(person: Person, simulator: Simulator) -> None:
    """A script that settles unasked says so in its own text."""
    task = await uncertain(person, simulator, accept=False)
    result = await person.types("settle", task["task_id"], "--never-arrived")

    assert result.exit_code == 1
    assert "Run it again with --yes." in result.stderr


async def test_what_is_settled_cannot_be_settled(person: Person, simulator: Simulator) -> None:
    """A word of a person must not overrule what DashScope said."""
    task = await started(person)
    simulator.advance(10)
    await person.types("show", task["task_id"])
    result = await person.types("settle", task["task_id"], "--never-arrived")

    assert result.exit_code == 1
    assert "there is nothing to settle" in result.stderr


async def test_what_was_lost_is_told_with_what_not_to_do(person: Person, simulator: Simulator) -> None:
    """The one moment in which an impatient person would pay twice."""
    task = await uncertain(person, simulator, accept=True)
    result = await person.types("show", task["task_id"])

    assert result.stdout.startswith("UNCERTAIN  ")
    assert "Do not create it again" in result.stdout
    assert "3.00 CNY held" in result.stdout
