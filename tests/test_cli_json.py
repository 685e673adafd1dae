"""`--json`: every command has it, its stdout is data alone, and so is what goes wrong."""

import json
import signal
import sys
from pathlib import Path
from typing import Any

import anyio
import click
import pytest

from tests.commands import a_terminal, environment, run, screen, talk
from wan_mcp.cli.commands import program

pytestmark = pytest.mark.anyio

WITHOUT: dict[str, str] = {}
"""Commands that have no --json, each with its reason. There is none."""


def commands(group: click.Group, *, before: str = "") -> dict[str, click.Command]:
    """Every command of the tree, by all of its words."""
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found |= commands(command, before=f"{before}{name} ")
        else:
            found[f"{before}{name}"] = command
    return found


def test_every_command_can_speak_to_a_program() -> None:
    """Whoever scripts one of them scripts the next."""
    silent = {
        name
        for name, command in commands(program).items()
        if not any("--json" in parameter.opts for parameter in command.params)
    }
    assert silent == set(WITHOUT)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["create", "--json"], "MissingParameter", "PROMPT"),
        (["paint", "--json"], "UsageError", "paint"),
        (["--colour", "create", "--json"], "NoSuchOption", "--colour"),
        (["create", "a cat", "--duration", "five", "--json"], "BadParameter", "five"),
        (["estimate", "--json", "--size", "1280*720", "--resolution", "720P"], "UsageError", "either"),
        (["serve", "--json"], "UsageError", "stdout carries MCP"),
    ],
)
def test_a_command_that_cannot_be_read_says_so_as_data(words: list[str], code: str, told: str) -> None:
    """One object on stdout, with the exit code and the words on stderr that there are without it."""
    result = run(*words)

    error = json.loads(result.stdout)["error"]
    assert result.exit_code == 2
    assert error["code"].endswith(code) or code == "UsageError"
    assert told in error["message"]
    assert error["money_moved"] == "no"
    assert told in result.stderr


def test_what_looks_like_the_option_and_is_a_word_is_no_option() -> None:
    """After -- everything is an argument."""
    result = run("show", "--", "vid_x", "--json")

    assert result.exit_code == 2
    assert result.stdout == ""


def test_a_token_as_data_is_the_token_with_its_entry() -> None:
    """Nobody has to cut it out of a sentence."""
    made = json.loads(run("token", "alice", "--json").stdout)

    assert made["name"] == "alice"
    assert made["token"]
    assert "alice" in made["entry"]
    assert made["token"] not in made["entry"], "which holds only its hash"


def test_an_installation_as_data_says_what_was_written_where(tmp_path: Path) -> None:
    """A set-up script goes on from there; the second time nothing changes, and what was is kept."""
    file = tmp_path / "mcp.json"
    words = ["install", "cursor", "--file", str(file), "--yes", "--no-key", "--json"]

    first, second = json.loads(run(*words).stdout), json.loads(run(*words).stdout)
    changed = json.loads(run(*words, "--env", "WAN_MCP_REGION=ap-southeast-1").stdout)

    assert first.pop("next_step")
    assert first == {"client": "Cursor", "file": str(file), "name": "wan", "changed": True}
    assert second == {**first, "changed": False}
    assert Path(changed["kept"]).is_file()


def test_an_installation_that_is_refused_is_one_object_too(tmp_path: Path) -> None:
    """A file with comments is left alone; the block for copying would be a second object."""
    file = tmp_path / "mcp.json"
    file.write_text('{"mcpServers": {} /* mine */}')
    result = run("install", "cursor", "--file", str(file), "--yes", "--no-key", "--json")

    assert result.exit_code == 1
    assert "--print" in json.loads(result.stdout)["error"]["message"]


def test_without_a_way_to_ask_an_installation_is_refused_as_data(tmp_path: Path) -> None:
    """Its words come from our own errors."""
    result = run("install", "cursor", "--file", str(tmp_path / "mcp.json"), "--no-key", "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"]["code"] == "NeedsConsent"


async def a_ready_line(*words: str, env: dict[str, str] | None = None) -> tuple[Any, int | None, str]:
    """Start a server, read one line of its stdout, end it; the line, the exit code and what else was on stdout."""
    command = [sys.executable, "-m", "wan_mcp", *words]
    with anyio.fail_after(30):
        async with await anyio.open_process(command, env=env) as process:
            assert process.stdout is not None
            told = b""
            while not told.endswith(b"\n"):
                told += await process.stdout.receive()
            process.send_signal(signal.SIGTERM)
            rest = b"".join([chunk async for chunk in process.stdout])
            await process.wait()
    return json.loads(told), process.returncode, rest.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="signals are of the Unixes")
async def test_a_simulator_says_as_data_where_it_listens(tmp_path: Path) -> None:
    """A script that takes a free port has to learn which."""
    ready, code, rest = await a_ready_line("simulate", "--port", "0", "--json")

    assert ready["env"]["DASHSCOPE_HTTP_BASE_URL"] == f"{ready['url']}/api/v1"
    assert ready["note"]
    assert (code, rest) == (0, "")


@pytest.mark.skipif(sys.platform == "win32", reason="signals are of the Unixes")
async def test_a_server_over_http_says_as_data_where_it_listens(tmp_path: Path) -> None:
    """As the simulator; the log stays on stderr."""
    env = environment("http://127.0.0.1:1", tmp_path)
    ready, code, rest = await a_ready_line("serve", "--transport", "streamable-http", "--port", "0", "--json", env=env)

    assert ready["transport"] == "streamable-http"
    assert ready["url"].startswith("http://127.0.0.1:")
    assert (code, rest) == (0, "")


def test_what_ctrl_c_leaves_is_words_for_a_person_and_data_for_a_program() -> None:
    """The same words for both."""
    person, script = a_terminal(), a_terminal()
    script.as_json = True
    for terminal in (person, script):
        terminal.tell_stop("Stopped.")

    assert (screen(person), talk(person)) == ("", "Stopped.\n")
    assert json.loads(screen(script)) == {"error": {"code": "Interrupted", "message": "Stopped.", "money_moved": "no"}}
    assert talk(script) == "Stopped.\n"
