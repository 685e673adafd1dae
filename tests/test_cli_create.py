"""`wan-mcp create`: the price first, the person's word where it is wanted, the file at the end."""

import sys
from datetime import timedelta
from pathlib import Path

import click
import pytest

from tests.commands import Person, a_pipe, a_terminal, environment, in_a_terminal, interrupted, screen, talk
from tests.conftest import HandClock
from tests.making import CAT, a_request
from wan_mcp.cli.order import end, until_settled
from wan_mcp.domain.task import Status
from wan_mcp.service.videos import Videos
from wan_mcp.simulator import Simulator

pytestmark = pytest.mark.anyio

DEAR = ("--size", "1920*1080", "--duration", "10")
"""10.00 CNY: above the threshold at which the person is asked."""


@pytest.fixture
def simulator() -> Simulator:
    """DashScope in real time, since commands are; a task takes a third of a second."""
    return Simulator(media="clip", run_delay=0.1, run_time=0.2)


@pytest.fixture
def person(url: str, tmp_path: Path) -> Person:
    """Somebody with a simulator, a ledger and a folder."""
    return Person(environment(url, tmp_path))


async def test_a_prompt_becomes_a_saved_file(person: Person, tmp_path: Path) -> None:
    """The main job: the price before, path, size and cost after."""
    result = await person.types("create", CAT)

    [file] = (tmp_path / "videos").glob("*.mp4")
    assert result.exit_code == 0
    assert "720P: 0.60 CNY/s × 5 s = 3.00 CNY (simulated: nothing is paid)" in result.stderr
    assert result.stdout.startswith(f"SUCCEEDED  {CAT}\n")
    assert f"file      {file}\n" in result.stdout
    assert "cost      3.00 CNY charged\n" in result.stdout
    assert "video     1280*720, 5 s, " in result.stdout


async def test_nothing_but_plain_lines_goes_into_a_pipe(person: Person) -> None:
    """Bars and colours are for eyes; in a log they are noise."""
    result = await person.types("create", CAT)

    assert "\x1b" not in result.output
    assert "━" not in result.output


async def test_as_data_it_is_what_the_tool_answers(person: Person) -> None:
    """One task has one shape at every door."""
    made = await person.reads("create", CAT, "--seed", "7", "--no-prompt-extend")

    assert made == await person.reads("show", made["task_id"])
    assert made["status"] == "SUCCEEDED"
    assert made["cost"] == {"amount": 3, "currency": "CNY", "state": "charged"}
    assert made["seed"] == 7


async def test_every_option_reaches_dashscope(person: Person, simulator: Simulator) -> None:
    """What is typed is what is ordered."""
    await person.types(
        "create", CAT, "--negative-prompt", "低质量", "--size", "832x480", "--duration", "10", "--seed", "3",
        "--audio-url", "https://example.com/a.mp3", "--no-prompt-extend", "--watermark", "--no-wait",
    )  # fmt: skip

    [task] = simulator.accepted
    order = task.order
    assert (order.prompt, order.negative_prompt, order.size, order.duration) == (CAT, "低质量", "832*480", 10)
    assert (order.seed, order.audio_url) == (3, "https://example.com/a.mp3")
    assert (order.prompt_extend, order.watermark) == (False, True)


async def test_it_refuses_what_the_tool_refuses_in_its_words(person: Person, simulator: Simulator) -> None:
    """All problems of a call at once, and nothing is sent."""
    result = await person.types("create", "x" * 1501, "--duration", "7", "--seed", "-1", "--size", "16:9")

    assert result.exit_code == 1
    assert "prompt has 1501 characters and at most 1500 are allowed" in result.stderr
    assert "duration must be 5 or 10 (a number), not 7." in result.stderr
    assert "seed must be a whole number from 0 to 2147483647, not -1." in result.stderr
    assert "for 16:9: 832*480, 1280*720, 1920*1080" in result.stderr
    assert simulator.accepted == []


async def test_without_a_key_it_says_where_to_get_one(person: Person) -> None:
    """The first thing that a newcomer meets."""
    result = await person.types("create", CAT, env={"DASHSCOPE_API_KEY": ""})

    assert result.exit_code == 1
    assert "No DashScope API key is set." in result.stderr
    assert "wan-mcp demo" in result.stderr


async def test_above_the_threshold_the_person_is_asked(person: Person) -> None:
    """Nobody is surprised by the bill."""
    terminal = a_terminal()
    result = await person.types("create", CAT, *DEAR, terminal=terminal, answer="y\n")

    assert result.exit_code == 0
    assert "Create this video for 10.00 CNY" in talk(terminal)
    assert "[y/N]:" in talk(terminal)
    assert "SUCCEEDED" in screen(terminal)


async def test_what_is_neither_yes_nor_no_is_asked_again(person: Person) -> None:
    """A slip of the finger spends nothing, and cancels nothing."""
    terminal = a_terminal()
    result = await person.types("create", CAT, *DEAR, "--no-wait", terminal=terminal, answer="maybe\nYES\n")

    assert result.exit_code == 0
    assert "Yes or no? [y/N]:" in talk(terminal)


@pytest.mark.skipif(sys.platform == "win32", reason="pty is of the Unixes")
async def test_ctrl_c_at_the_question_sends_nothing(person: Person, simulator: Simulator) -> None:
    """In a real terminal, where Ctrl-C is a key."""
    async with in_a_terminal("create", CAT, *DEAR, env=person.env) as (terminal, process):
        await terminal.shows("[y/N]:")
        terminal.press("\x03")

    assert process.returncode == 130
    assert "Traceback" not in terminal.written
    assert "Nothing was sent. No money moved." in terminal.written
    assert simulator.accepted == []


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
async def test_a_no_is_a_no_and_so_is_enter(person: Person, simulator: Simulator, answer: str) -> None:
    """Money is spent on a clear yes only."""
    terminal = a_terminal()
    result = await person.types("create", CAT, *DEAR, terminal=terminal, answer=answer)

    assert result.exit_code == 1
    assert "You did not agree to 10.00 CNY. Nothing was sent." in talk(terminal)
    assert simulator.accepted == []


async def test_where_nobody_can_be_asked_it_says_how_to_agree(person: Person, simulator: Simulator) -> None:
    """A script must not spend what a person was to be asked about, nor hang on a question."""
    result = await person.types("create", CAT, *DEAR)

    assert result.exit_code == 1
    assert "--max-cost 10.00, or with --yes" in result.stderr
    assert simulator.accepted == []


@pytest.mark.parametrize("agreement", [("--yes",), ("--max-cost", "10")])
async def test_one_can_agree_beforehand(person: Person, agreement: tuple[str, ...]) -> None:
    """`max_cost` means the same as in the tool."""
    result = await person.types("create", CAT, *DEAR, *agreement, "--no-wait")

    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("words", "env", "told"),
    [
        (("--max-cost", "2.99"), {}, "more than the --max-cost of 2.99 CNY"),
        (("--yes",), {"WAN_MCP_BUDGET_PER_TASK": "1"}, "one video may cost 1.00 CNY at most"),
        (("--yes",), {"WAN_MCP_BUDGET_PER_DAY": "2"}, "today's budget of 2.00 CNY has 2.00 CNY left"),
    ],
)
async def test_no_option_exceeds_what_the_person_allows(
    person: Person, simulator: Simulator, words: tuple[str, ...], env: dict[str, str], told: str
) -> None:
    """The budget is the person's, and `--yes` answers a question, not a budget."""
    result = await person.types("create", CAT, *words, env=env)

    assert result.exit_code == 1
    assert told in result.stderr
    assert simulator.accepted == []


async def test_a_video_that_fails_is_told_with_its_reason(person: Person, simulator: Simulator) -> None:
    """Scripts see it by the exit code, people by DashScope's own words and what to do."""
    simulator.mishap(kind="fail", code="DataInspectionFailed")
    result = await person.types("create", CAT)

    assert result.exit_code == 1
    assert "FAILED" in result.stdout
    assert "problem   DataInspectionFailed: " in result.stdout
    assert "cost      3.00 CNY not charged" in result.stdout
    assert "Reword the prompt" in result.stdout


async def test_a_refusal_is_told_in_the_words_of_every_door(person: Person, simulator: Simulator) -> None:
    """What happened, whether money moved, what to do next."""
    simulator.mishap(kind="refuse", code="Arrearage")
    result = await person.types("create", CAT)

    assert result.exit_code == 1
    assert "DashScope refused with Arrearage" in result.stderr
    assert "No money moved." in result.stderr


async def test_without_waiting_it_says_how_to_come_back(person: Person, tmp_path: Path) -> None:
    """Nothing paid for is lost: the next command fetches it."""
    result = await person.types("create", CAT, "--no-wait")
    task = (await person.reads("tasks"))["tasks"][0]["task_id"]

    assert result.exit_code == 0
    assert f"`wan-mcp show {task} --wait 300`" in " ".join(result.stdout.split())
    assert not (tmp_path / "videos").exists()

    shown = await person.types("show", task, "--wait", "20")
    [file] = (tmp_path / "videos").glob("*.mp4")
    assert f"file      {file}\n" in shown.stdout


async def test_the_same_request_while_open_is_not_paid_twice(person: Person, simulator: Simulator) -> None:
    """Whoever lost sight of the first one calls again."""
    simulator.mishap(kind="stuck_running", times=None)
    first = await person.reads("create", CAT, "--no-wait")
    again = await person.types("create", CAT, "--no-wait")

    assert first["task_id"] in again.stdout
    assert "nothing new was created" in again.stderr
    assert len(simulator.accepted) == 1


async def test_trouble_on_the_way_is_told_while_it_lasts(person: Person, simulator: Simulator) -> None:
    """A wait that is longer than usual has a reason, and the person may be able to end it."""
    simulator.mishap(kind="refuse", on="query", code="InvalidApiKey")
    result = await person.types("create", CAT)

    assert result.exit_code == 0
    assert "InvalidApiKey" in result.stderr


async def test_on_a_terminal_a_bar_shows_how_long_it_takes(person: Person, simulator: Simulator) -> None:
    """Nobody waits in the dark."""
    terminal = a_terminal()
    await person.types("create", CAT, terminal=terminal)

    assert "of usually 1:30" in talk(terminal)
    assert "──" in talk(terminal)


async def test_a_terminal_that_cannot_redraw_gets_a_line_for_what_is_new(person: Person) -> None:
    """An editor's shell would show the escapes of a bar instead of the bar."""
    terminal = a_terminal(TERM="dumb")
    await person.types("create", CAT, terminal=terminal)

    assert "PENDING 0:00 of usually 1:30\n" in talk(terminal)
    assert "\x1b" not in talk(terminal)


async def test_who_waits_no_longer_learns_by_the_exit_code_that_it_goes_on(
    person: Person, simulator: Simulator
) -> None:
    """A script that took it for a failure would create it again, and pay again."""
    simulator.mishap(kind="stuck_running", forever=True)
    result = await person.types("create", CAT, "--wait", "0.2")

    [task] = (await person.reads("tasks"))["tasks"]
    assert result.exit_code == 3
    assert f"`wan-mcp show {task['task_id']} --wait 300` waits for it" in result.stdout
    assert (await person.types("show", task["task_id"], "--wait", "0.2")).exit_code == 3
    assert (await person.types("show", task["task_id"])).exit_code == 0


@pytest.mark.parametrize("words", [(), ("--no-wait",)])
async def test_a_lost_answer_is_no_failure(person: Person, simulator: Simulator, words: tuple[str, ...]) -> None:
    """It may have been charged, so the exit code is that of a task that goes on."""
    simulator.mishap(kind="drop", accept=False)
    result = await person.types("create", CAT, *(words or ("--wait", "0.2")))

    assert result.exit_code == 3
    assert "Do not create it again" in result.stdout


class TestPatience:
    """How long `create` stays, in time turned by hand."""

    @pytest.fixture
    def simulator(self, clock: HandClock) -> Simulator:
        """DashScope in the time of the test."""
        return Simulator(now=clock.now, media="clip", run_delay=8, run_time=60)

    async def test_a_script_is_not_kept_waiting_for_the_second_search(
        self, videos: Videos, simulator: Simulator, clock: HandClock
    ) -> None:
        """A quarter of an hour without a word looks as if it hung; whoever comes back goes on with the search."""
        simulator.mishap(kind="drop", accept=False)
        task = (await videos.create(a_request(), agreed=True)).task
        begun = clock.now()
        report = await until_settled(videos, task.id, a_pipe())

        assert report.task.status is Status.UNCERTAIN
        assert clock.now() - begun < timedelta(minutes=2)

    async def test_a_person_at_a_terminal_may_wait_for_it(self, videos: Videos, simulator: Simulator) -> None:
        """Who looks on sees what is waited for, and has Ctrl-C."""
        simulator.mishap(kind="drop", accept=False)
        terminal = a_terminal()
        task = (await videos.create(a_request(), agreed=True)).task
        report = await until_settled(videos, task.id, terminal)

        assert report.task.problem is not None
        assert report.task.problem.code == "NeverArrived"

    async def test_a_script_is_not_kept_waiting_for_what_is_stuck(
        self, videos: Videos, simulator: Simulator, clock: HandClock
    ) -> None:
        """DashScope itself gives up after three hours only."""
        simulator.mishap(kind="stuck_running", forever=True)
        task = (await videos.create(a_request(), agreed=True)).task
        begun = clock.now()
        report = await until_settled(videos, task.id, a_pipe())

        assert report.task.status is Status.RUNNING
        assert timedelta(minutes=19) < clock.now() - begun < timedelta(minutes=21)

    async def test_a_script_is_not_kept_waiting_for_a_file_that_does_not_come(
        self, videos: Videos, simulator: Simulator, clock: HandClock
    ) -> None:
        """It is told after two minutes that the video is paid for, why it is not here, and how to come back for it."""
        simulator.mishap(on="download", kind="reset", keep=0, times=None)
        task = (await videos.create(a_request(), agreed=True)).task
        terminal = a_pipe()
        report = await until_settled(videos, task.id, terminal)

        assert (report.task.status, report.task.file) == (Status.SUCCEEDED, None)
        assert timedelta(seconds=120) < clock.now() - report.task.since < timedelta(seconds=130)
        terminal.show(report)
        assert "3.00 CNY charged" in screen(terminal)
        assert f"`wan-mcp show {task.id} --wait 300` waits for it and fetches the file." in screen(terminal)
        assert report.trouble
        assert talk(terminal).count(str(report.trouble)) == 1, "what goes wrong is told once, not every second"
        with pytest.raises(click.exceptions.Exit) as ended:
            end(report)
        assert ended.value.exit_code == 3


@pytest.mark.skipif(sys.platform == "win32", reason="signals are of the Unixes")
async def test_ctrl_c_ends_the_waiting_and_not_the_task(person: Person, simulator: Simulator) -> None:
    """It is paid for: the person must learn that it goes on, and how to get it."""
    simulator.mishap(kind="stuck_running", forever=True)
    ended = await interrupted("create", CAT, env=person.env, when=lambda told: "  task " in told)

    [task] = (await person.reads("tasks"))["tasks"]
    assert ended.code == 130
    assert ended.stdout == ""
    assert f"{task['task_id']} goes on at DashScope" in ended.stderr
    assert f"wan-mcp show {task['task_id']} --wait 300" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals are of the Unixes")
async def test_ctrl_c_in_the_middle_of_submitting_does_not_lose_the_task_id(
    person: Person, simulator: Simulator
) -> None:
    """Submit-and-record is shielded, for this door too."""
    simulator.mishap(kind="delay", seconds=0.5)
    ended = await interrupted("create", CAT, env=person.env, when=lambda _: len(simulator.requests) > 0)

    [task] = (await person.reads("tasks"))["tasks"]
    assert ended.code == 130
    assert task["status"] == "PENDING"
    assert task["dashscope_task_id"] == simulator.accepted[0].id
    assert f"{task['task_id']} goes on at DashScope" in ended.stderr
