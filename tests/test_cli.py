"""The command line as a whole: its help, its errors, its start."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import run
from wan_mcp import __version__
from wan_mcp.cli import main
from wan_mcp.cli.commands import program
from wan_mcp.settings import Settings

COMMANDS = (
    "demo", "install", "doctor", "create", "film", "retake", "show", "preview", "tasks", "cancel", "settle", "estimate",
    "usage", "serve", "token", "simulate",
)  # fmt: skip


def test_the_help_shows_the_commands_in_the_order_in_which_a_newcomer_meets_them() -> None:
    """Somebody without a key tries the demo first; simulating DashScope is for developers."""
    told = run("--help").stdout

    places = [told.index(f"\n  {name} ") for name in COMMANDS]
    assert places == sorted(places)
    assert set(COMMANDS) == set(program.commands)


def test_the_help_says_what_a_script_learns() -> None:
    """A script that takes 3 for a failure would pay twice."""
    told = " ".join(run("--help").stdout.split())

    assert "3 The task goes on, held or paid for. Do not create it again" in told
    assert "130 Ctrl-C" in told


def test_the_help_names_every_environment_variable_with_its_meaning() -> None:
    """It is generated from `Settings`, so that the two cannot drift apart."""
    told = " ".join(run("--help").stdout.split())

    for field in Settings.model_fields.values():
        assert f"{field.alias} {(field.description or '').split(';')[0].split('-')[0]}" in told


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_that_fits_eighty_columns(command: str) -> None:
    """A terminal of the old size must not break lines for us."""
    result = run(command, "--help")

    assert result.exit_code == 0
    assert all(len(line) <= 80 for line in result.stdout.splitlines())
    assert "..." not in run("--help").stdout.replace("[ARGS]...", "")


def test_ctrl_c_in_the_first_moment_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who types it at once has only mistyped something; imports take a third of a second."""

    def interrupted() -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "argv", ["wan-mcp", "tasks"])
    monkeypatch.setattr("wan_mcp.settings.language", interrupted)
    handler = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(SystemExit) as end:
            main()
    finally:
        signal.signal(signal.SIGINT, handler)

    assert end.value.code == 130


def test_the_version_is_told() -> None:
    """Bug reports begin with it."""
    assert run("--version").stdout == f"wan-mcp {__version__}\n"


@pytest.mark.parametrize(
    "words",
    [
        ["paint"],
        ["create"],
        ["create", "a cat", "--duration", "five"],
        ["create", "a cat", "--second", "5"],
        ["estimate", "--size", "1280*720", "--resolution", "720P"],
        ["tasks", "--limit", "0"],
        ["usage", "--days", "0"],
        ["settle", "vid_x"],
        ["settle", "vid_x", "--is", "abc", "--never-arrived"],
        ["serve", "--transport", "carrier-pigeon"],
    ],
)
def test_what_cannot_be_read_is_a_usage_error(words: list[str]) -> None:
    """Scripts tell a mistyped command (2) from one that could not be done (1)."""
    result = run(*words)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Usage: wan-mcp" in result.stderr


@pytest.mark.parametrize(
    "words", [["tasks"], ["estimate"], ["create", "a cat"], ["show", "vid_x"], ["cancel", "vid_x"]]
)
def test_bad_settings_are_told_by_name(words: list[str]) -> None:
    """The person who set them reads this; no traceback helps them."""
    result = run(*words, env={"WAN_MCP_REGION": "mars"})

    assert result.exit_code == 1
    assert result.stdout == ""
    assert "WAN_MCP_REGION" in result.stderr
    assert "No money moved." in result.stderr


@pytest.mark.parametrize("words", [["token", "a b"], ["install", "cursor"], ["serve", "--transport", "sse"]])
def test_money_is_not_spoken_of_where_it_has_no_place(words: list[str], tmp_path: Path) -> None:
    """Who makes a token asks nobody for money; "No money moved" would only make them think of it."""
    env = {"HOME": str(tmp_path), "WAN_MCP_TOKENS_FILE": str(tmp_path / "nowhere")}
    result = run(*words, env=env)

    assert result.exit_code == 1
    assert result.stderr
    assert "No money moved" not in result.stderr


def test_an_error_is_data_too_where_data_is_asked_for() -> None:
    """A script reads stdout; the words on stderr are for the person who looks for the reason."""
    result = run("show", "vid_nobody", "--json")

    assert result.exit_code == 1
    error = json.loads(result.stdout)["error"]
    assert (error["code"], error["money_moved"]) == ("UnknownTask", "no")
    assert error["message"].startswith("There is no task 'vid_nobody'")
    assert result.stderr.startswith("There is no task 'vid_nobody'")


def test_estimating_needs_neither_key_nor_network() -> None:
    """Who thinks about a key wants to know the price first."""
    result = run("estimate", "--resolution", "1080p", "--duration", "10", "--count", "3")

    assert result.exit_code == 0
    assert result.stdout.startswith("30.00 CNY\n")
    assert "1080P: 1.00 CNY/s × 10 s × 3 = 30.00 CNY" in result.stdout
    assert "100.00 of 100.00 CNY left today" in result.stdout


def test_an_estimate_as_data_is_the_tools_own() -> None:
    """One price has one shape, whichever door it is asked at."""
    told = json.loads(run("estimate", "--size", "832x480", "--json").stdout)

    assert told["amount"] == 1.5
    assert told["basis"] == "480P: 0.30 CNY/s × 5 s = 1.50 CNY"
    assert told["budget"]["left_today"] == 100


def test_an_estimate_refuses_what_the_tool_refuses_in_its_words() -> None:
    """Every problem at once, with what is allowed."""
    result = run("estimate", "--size", "720P", "--duration", "7")

    assert result.exit_code == 1
    assert "for 720P: 1280*720, 720*1280" in result.stderr
    assert "duration must be 5 or 10 (a number), not 7." in result.stderr


def test_hosts_may_start_it_by_its_name() -> None:
    """The script does what `python -m wan_mcp` does, by which all other tests start it."""
    script = Path(sys.executable).with_name("wan-mcp")
    told = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)

    assert told.stdout == f"wan-mcp {__version__}\n"


@pytest.mark.parametrize("words", [[], ["serve", "--transport", "stdio"]])
def test_serve_ends_with_its_input_and_writes_nothing_of_its_own(words: list[str]) -> None:
    """stdout is the protocol's; a host that closes stdin wants the process gone."""
    command = [sys.executable, "-m", "wan_mcp", *words]
    ended = subprocess.run(command, input="", capture_output=True, text=True, timeout=20, check=False)

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


@pytest.mark.skipif(sys.platform == "win32", reason="pty is of the Unixes")
def test_a_person_who_starts_the_server_by_hand_is_told_what_it_is() -> None:
    """A program that says nothing and reads the keyboard looks as if it hung."""
    import pty

    keyboard, typed = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "wan_mcp"], stdin=typed, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        told = [process.stderr.readline(), process.stderr.readline()]
        process.terminate()
    os.close(keyboard)
    os.close(typed)

    assert told[0].startswith("wan-mcp serves MCP on stdin and stdout")
    assert told[1] == "For a person: wan-mcp --help\n"
