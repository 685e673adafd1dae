"""`wan-mcp install`: a client's configuration, which holds other people's servers and keys."""

import json
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import Result
from hypothesis import given, settings
from hypothesis import strategies as st
from platformdirs.api import PlatformDirsABC
from platformdirs.macos import MacOS
from platformdirs.unix import Unix
from platformdirs.windows import Windows

from tests.commands import a_terminal, run, talk
from tests.conftest import KEY
from tests.rights import as_nobody
from wan_mcp.cli.commands import program
from wan_mcp.cli.install import CLIENTS, is_of_uvx, usual_place
from wan_mcp.cli.jsonfile import append, parse, put
from wan_mcp.cli.terminal import Terminal

OTHERS_KEY = "sk-of-somebody-else-0123456789"
KNOWN = """{
    "globalShortcut": "Ctrl+Space",
    "mcpServers": {
        "notes": {"command": "notes", "args": ["--verbose",  "x"], "env": {"NOTES_TOKEN": "%s"}}
    },
    "scale": 1.50
}
""" % OTHERS_KEY  # fmt: skip  # noqa: UP031 - braces are what it is made of


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home and a project folder of the test's own."""
    home = tmp_path / "home"
    (home / "project").mkdir(parents=True)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.chdir(home / "project")
    return home


def configuration(client: str) -> Path:
    """The client's file, with nothing in it yet but the folder around it."""
    path = usual_place(client)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def installed(client: str, *words: str, **env: str) -> Result:
    """Install without being asked, with a key in the environment."""
    result = run("install", client, "--yes", *words, env={"DASHSCOPE_API_KEY": KEY, **env})
    assert result.exit_code == 0, result.output
    return result


def written(client: str, name: str = "wan") -> dict[str, Any]:
    """The entry that stands in the client's file."""
    return json.loads(usual_place(client).read_text("utf-8"))[CLIENTS[client].section][name]


def backups(path: Path) -> list[Path]:
    """What is kept beside a file."""
    return sorted(path.parent.glob(f"{path.name}.*.bak"))


# Where, and what


def test_the_command_line_offers_the_clients_there_are() -> None:
    """The command knows the names without importing what writes for them."""
    [choice] = [option.type for option in program.commands["install"].params if option.name == "client"]
    assert isinstance(choice, click.Choice)
    assert list(choice.choices) == list(CLIENTS)


def test_each_client_has_its_file_where_it_looks_for_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Claude Desktop and VS Code are Electron programs, whose folder differs by system; the others' does not."""
    monkeypatch.setenv("WIN_PD_OVERRIDE_APPDATA", "C:\\Roaming")
    systems: list[tuple[PlatformDirsABC, Path]] = [
        (Unix(), home / ".config"),
        (MacOS(), home / "Library" / "Application Support"),
        (Windows(roaming=True, appauthor=False), Path("C:\\Roaming")),
    ]
    for system, folder in systems:
        assert usual_place("claude-desktop", system) == folder / "Claude" / "claude_desktop_config.json"
        assert usual_place("vscode", system) == folder / "Code" / "User" / "mcp.json"
    assert usual_place("cursor") == home / ".cursor" / "mcp.json"
    assert usual_place("claude-code") == home / "project" / ".mcp.json"


def test_uvx_is_written_where_it_is_asked_for_or_this_environment_will_not_stay() -> None:
    """What uvx makes for one run lies in its cache, and is gone after the next cleaning."""
    installed("cursor", "--uvx")

    assert written("cursor")["command"] == "uvx"
    assert is_of_uvx("/somewhere/uv/archive-v0/cUG3jsMDiYTdt5Gs")
    assert is_of_uvx("/somewhere/uv/environments-v2/wan-mcp-1")
    assert not is_of_uvx("/somewhere/archive-v0.d/.venv")


def test_vs_code_is_given_the_shape_it_wants_and_asks_for_the_key_itself() -> None:
    """It keeps what it asked for with its secrets, so that the key never stands in a file."""
    result = installed("vscode")

    assert written("vscode")["type"] == "stdio"
    assert written("vscode")["env"]["DASHSCOPE_API_KEY"] == "${input:dashscope_key}"
    inputs = json.loads(usual_place("vscode").read_text("utf-8"))["inputs"]
    assert [(asked["id"], asked["password"]) for asked in inputs] == [("dashscope_key", True)]
    assert "VS Code asks for it" in result.stderr


def test_the_questions_of_other_servers_stay_in_vs_code() -> None:
    """They are one list; ours is put at its end, once."""
    other = {"id": "other", "type": "promptString"}
    configuration("vscode").write_text(json.dumps({"inputs": [other], "servers": {}}, indent="\t"), "utf-8")

    installed("vscode")
    installed("vscode", "--name", "another")

    inputs = json.loads(usual_place("vscode").read_text("utf-8"))["inputs"]
    assert [asked["id"] for asked in inputs] == ["other", "dashscope_key"]


def test_the_key_is_never_put_into_the_file_that_a_project_shares() -> None:
    """`.mcp.json` is made to be committed; Claude Code fills the name in, or nothing."""
    result = installed("claude-code")

    assert written("claude-code")["env"] == {"DASHSCOPE_API_KEY": "${DASHSCOPE_API_KEY:-}"}
    assert KEY not in usual_place("claude-code").read_text("utf-8")
    assert "a project's file is shared" in result.stderr


def test_what_is_set_here_is_set_there() -> None:
    """A budget of the shell's that silently did not hold in the host would be a surprise on the bill."""
    installed(
        "cursor",
        "--env", "WAN_MCP_LOG_LEVEL=INFO",
        WAN_MCP_REGION="ap-southeast-1", WAN_MCP_BUDGET_PER_TASK="2.50", WAN_MCP_BUDGET_PER_DAY="none",
        WAN_MCP_ALLOW_RESOLUTIONS="480p, 720P", WAN_MCP_ALLOWED_HOSTS="video.example.com",
    )  # fmt: skip

    assert written("cursor")["env"] == {
        "DASHSCOPE_API_KEY": KEY,
        "WAN_MCP_REGION": "ap-southeast-1",
        "WAN_MCP_BUDGET_PER_TASK": "2.50",
        "WAN_MCP_BUDGET_PER_DAY": "none",
        "WAN_MCP_ALLOW_RESOLUTIONS": "480P,720P",
        "WAN_MCP_LOG_LEVEL": "INFO",
    }


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--env", "WAN_MCP_BUDGET=3"], "no setting WAN_MCP_BUDGET"),
        (["--env", KEY], "NAME=VALUE"),
        (["--name", "wan mcp"], "letters, digits"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(words: list[str], why: str) -> None:
    """A budget that is misspelt would hold nowhere; and what was typed in the wrong place may be a key."""
    result = run("install", "cursor", *words)

    assert result.exit_code == 2
    assert why in result.stderr
    assert KEY not in result.output


@pytest.mark.parametrize("words", [["--env", "WAN_MCP_REGION=mars"], ["--simulator", "http://example.com"]])
def test_what_the_server_could_not_use_is_not_written(words: list[str]) -> None:
    """It would be found out only in the client, which shows no reason."""
    result = run("install", "cursor", "--yes", *words)

    assert result.exit_code == 1
    assert "cannot be used" in result.stderr
    assert not usual_place("cursor").exists()


# The key


def test_the_key_is_never_shown_and_where_it_is_stored_is_said() -> None:
    """A diff is read over shoulders; a file in plain text is what the person must know of."""
    result = installed("claude-desktop")

    assert written("claude-desktop")["env"]["DASHSCOPE_API_KEY"] == KEY
    assert KEY not in result.output
    assert "in plain text" in result.stderr


def test_a_key_that_is_replaced_is_not_shown_either() -> None:
    """The line that goes shows as much as the line that comes."""
    installed("cursor")
    result = installed("cursor", DASHSCOPE_API_KEY="sk-fedcba9876543210")

    assert written("cursor")["env"]["DASHSCOPE_API_KEY"] == "sk-fedcba9876543210"
    assert KEY not in result.output
    assert "sk-fedcba" not in result.output
    assert result.stderr.count('"DASHSCOPE_API_KEY": "********"') == 2


def test_the_keys_of_other_servers_are_not_shown() -> None:
    """They stand in the lines around the change."""
    configuration("cursor").write_text(KNOWN, "utf-8")
    result = run("install", "cursor", "--yes", "--no-key")

    assert '"notes": {"command": "notes"' in result.stderr
    assert OTHERS_KEY not in result.output


def test_a_person_is_asked_for_the_key_where_none_is_set() -> None:
    """Most people have none in their shell."""
    terminal = a_terminal()
    run("install", "cursor", terminal=terminal, answer=f"{KEY}\ny\n")

    assert written("cursor")["env"] == {"DASHSCOPE_API_KEY": KEY}
    assert KEY not in talk(terminal)


def test_a_key_that_can_be_none_is_refused_at_once() -> None:
    """Something else was in the clipboard."""
    result = run("install", "cursor", terminal=a_terminal(), answer="two words\n")

    assert result.exit_code == 1
    assert not usual_place("cursor").exists()


@pytest.mark.parametrize("words", [["--no-key"], []])
def test_without_a_key_it_can_still_be_installed(words: list[str]) -> None:
    """Prices cost nothing, and the key can come later."""
    terminal = a_terminal()
    run("install", "cursor", *words, terminal=terminal, answer="y\n" if words else "\ny\n")

    assert written("cursor")["env"] == {}
    assert "nothing can be spent" in talk(terminal)


def test_a_key_that_is_there_already_is_kept() -> None:
    """The second time nobody wants to look for it again."""
    installed("cursor")
    result = run("install", "cursor", "--yes", "--env", "WAN_MCP_REGION=ap-southeast-1")

    assert written("cursor")["env"] == {"DASHSCOPE_API_KEY": KEY, "WAN_MCP_REGION": "ap-southeast-1"}
    assert KEY not in result.output


def test_a_real_key_does_not_go_to_the_simulator_that_was_there_before() -> None:
    """Who has tried it goes on to the real service with the same command."""
    installed("cursor", "--simulator", "http://127.0.0.1:8090/")
    assert written("cursor")["env"]["DASHSCOPE_HTTP_BASE_URL"] == "http://127.0.0.1:8090/api/v1"

    installed("cursor")

    assert written("cursor")["env"] == {"DASHSCOPE_API_KEY": KEY}


# The file


def test_nothing_else_in_the_file_changes() -> None:
    """Order, indentation and numbers are somebody's; what is not ours stays to the byte."""
    path = configuration("claude-desktop")
    path.write_text(KNOWN, "utf-8")

    installed("claude-desktop")

    before, after = KNOWN.splitlines(), path.read_text("utf-8").splitlines()
    assert after[:3] == before[:3]
    assert after[3].startswith(before[3])
    assert after[-3:] == before[-3:]
    assert path.read_text("utf-8").endswith("}\n")


@pytest.mark.parametrize(
    ("text", "newline", "unit"),
    [
        ('{\r\n\t"mcpServers": {}\r\n}', "\r\n", "\t"),
        ('{\n   "mcpServers": {\n      "a": {}\n   }\n}\n', "\n", "   "),
        ("\ufeff{}\n", "\n", "  "),
        ("", "\n", "  "),
    ],
)
def test_it_is_written_in_the_files_own_hand(text: str, newline: str, unit: str) -> None:
    """Line ends, tabs, the mark that Windows puts before text: whoever reads it may depend on each."""
    path = configuration("cursor")
    path.write_bytes(text.encode())

    installed("cursor")

    after = path.read_bytes().decode()
    assert after.startswith("\ufeff") == text.startswith("\ufeff")
    lines = after.split(newline)
    assert f'{unit * 2}"wan": {{' in lines
    assert f'{unit * 3}"env": {{' in lines
    assert ("\r" in after) == ("\r" in newline)


def test_a_file_in_one_line_stays_in_one_line() -> None:
    """Some programs write them so."""
    path = configuration("cursor")
    path.write_text('{"mcpServers": {"a": {"command": "a"}}}', "utf-8")

    installed("cursor")

    assert path.read_text("utf-8").startswith('{"mcpServers": {"a": {"command": "a"}, "wan": {"command": ')
    assert "\n" not in path.read_text("utf-8")


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_OBJECTS = st.dictionaries(st.text() | st.sampled_from(["b", "wan"]), _VALUES, max_size=4)


@settings(max_examples=50)
@given(
    document=_OBJECTS,
    servers=st.none() | _OBJECTS,
    asked=st.none() | st.lists(_VALUES, max_size=3),
    layout=st.tuples(
        st.sampled_from([None, 0, 1, 4, "\t"]), st.sampled_from(["\n", "\r\n"]), st.sampled_from([" , ", ","])
    ),
)
def test_whatever_the_file_says_only_our_entry_changes(
    document: dict[str, Any],
    servers: dict[str, Any] | None,
    asked: list[Any] | None,
    layout: tuple[int | str | None, str, str],
) -> None:
    """Braces in strings, escapes, empty objects: all of JSON may stand in it, in any layout."""
    document = {name: value for name, value in document.items() if name not in ("b", "list")}
    document |= {} if servers is None else {"b": servers}
    document |= {} if asked is None else {"list": asked}
    indent, newline, comma = layout
    text = json.dumps(document, indent=indent, separators=(comma, ": "), ensure_ascii=False).replace("\n", newline)

    changed = append(put(text, ["b", "wan"], {"env": {"{": "]"}}), "list", {"id": 1})

    expected = {**document, "b": {**(servers or {}), "wan": {"env": {"{": "]"}}}, "list": [*(asked or []), {"id": 1}]}
    assert parse(changed) == expected
    assert list(parse(changed)) == list(expected)


def test_installing_it_twice_changes_nothing() -> None:
    """A person who is not sure runs it again."""
    path = configuration("cursor")
    path.write_text(KNOWN, "utf-8")
    installed("cursor")
    before = path.read_bytes()

    result = installed("cursor")

    assert "has it already so" in result.stderr
    assert path.read_bytes() == before
    assert len(backups(path)) == 1


def test_what_a_person_added_to_the_entry_stays() -> None:
    """A budget set there by hand holds on; and clients keep switches of their own in it."""
    installed("cursor")
    path = usual_place("cursor")
    settings = json.loads(path.read_text("utf-8"))
    settings["mcpServers"]["wan"] |= {"disabled": True, "command": "gone"}
    settings["mcpServers"]["wan"]["env"]["WAN_MCP_BUDGET_PER_DAY"] = "5"
    path.write_text(json.dumps(settings), "utf-8")

    installed("cursor")

    assert written("cursor")["disabled"] is True
    assert written("cursor")["command"] == sys.executable
    assert written("cursor")["env"]["WAN_MCP_BUDGET_PER_DAY"] == "5"


def test_a_server_elsewhere_of_the_same_name_is_replaced_whole() -> None:
    """An address and a command in one entry would be two servers."""
    entry = {"type": "http", "url": "https://video.example.com/mcp", "headers": {"Authorization": "Bearer abcdefgh"}}
    configuration("cursor").write_text(json.dumps({"mcpServers": {"wan": entry}}), "utf-8")

    result = installed("cursor")

    assert set(written("cursor")) == {"command", "args", "env"}
    assert "abcdefgh" not in result.output


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
@pytest.mark.parametrize(("client", "mode"), [("cursor", 0o600), ("claude-code", 0o644)])
def test_what_it_was_is_kept_and_nobody_else_can_read_a_key(client: str, mode: int) -> None:
    """The way back is one copy away; and a file without a secret stays as open as it was."""
    path = configuration(client)
    path.write_text(KNOWN, "utf-8")
    path.chmod(0o644)

    installed(client)

    [kept] = backups(path)
    assert kept.read_text("utf-8") == KNOWN
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert {entry.name for entry in path.parent.iterdir()} == {path.name, kept.name}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
@pytest.mark.parametrize(("client", "mode"), [("cursor", 0o600), ("claude-code", 0o644)])
def test_a_new_file_is_as_open_as_what_is_in_it_allows(client: str, mode: int) -> None:
    """A key is for one pair of eyes; a project's file is for all who share the project."""
    result = installed(client)

    assert stat.S_IMODE(usual_place(client).stat().st_mode) == mode
    assert ("is Cursor installed here?" in result.stderr) == (client == "cursor")


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_to_the_file_stays_a_link(home: Path) -> None:
    """Many keep their configuration in a repository and link to it."""
    real = home / "dotfiles.json"
    real.write_text(KNOWN, "utf-8")
    configuration("cursor").symlink_to(real)

    installed("cursor")

    assert usual_place("cursor").is_symlink()
    assert "wan" in json.loads(real.read_text("utf-8"))["mcpServers"]


def test_another_file_can_be_named(home: Path) -> None:
    """Portable installations and the one from the Windows store keep it elsewhere."""
    installed("claude-desktop", "--file", str(home / "elsewhere" / "config.json"))

    assert "wan" in json.loads((home / "elsewhere" / "config.json").read_text("utf-8"))["mcpServers"]
    assert not usual_place("claude-desktop").exists()


# Refusals


@pytest.mark.parametrize(
    "text",
    [
        '{\n  // mine\n  "servers": {}\n}',
        '{"servers": {} /* "mine" */}',
        '{"servers": {"a": {"url": "https://example.com//x"},},}',
        '{"servers": {}, // ours\n}',
    ],
)
def test_comments_are_not_destroyed(text: str) -> None:
    """VS Code allows them; no parser of ours would keep them. The person gets what to paste."""
    configuration("vscode").write_text(text, "utf-8")

    result = run("install", "vscode", "--yes", env={"DASHSCOPE_API_KEY": KEY})

    assert result.exit_code == 1
    assert "has comments or last commas" in result.stderr
    assert json.loads(result.stdout)["servers"]["wan"]["env"] == {"DASHSCOPE_API_KEY": "${input:dashscope_key}"}
    assert usual_place("vscode").read_text("utf-8") == text
    assert backups(usual_place("vscode")) == []


@pytest.mark.parametrize(
    "data",
    [b'{"mcpServers": ', b"[]", b'{"mcpServers": []}', b'{"mcpServers": null}', b'{"scale": NaN}', b'{"a": "\xff"}'],
)
def test_a_file_that_is_not_as_it_should_be_is_left_alone(data: bytes) -> None:
    """Whatever it was to be, putting it right is not ours; and the key is not shown in its place."""
    path = configuration("claude-desktop")
    path.write_bytes(data)

    result = run("install", "claude-desktop", "--yes", env={"DASHSCOPE_API_KEY": KEY})

    assert result.exit_code == 1
    assert "it is left as it is" in result.stderr
    assert json.loads(result.stdout)["mcpServers"]["wan"]["env"] == {"DASHSCOPE_API_KEY": "sk-..."}
    assert path.read_bytes() == data


def test_nothing_is_written_before_the_person_agrees() -> None:
    """The question comes after the change has been shown; Enter means no."""
    terminal = a_terminal()
    result = run("install", "cursor", "--no-key", terminal=terminal, answer="\n")

    assert result.exit_code == 1
    assert '+    "wan": {' in talk(terminal)
    assert "Nothing was written" in talk(terminal)
    assert not usual_place("cursor").exists()


def test_nothing_is_written_where_nobody_can_be_asked() -> None:
    """A script has to say that it means it."""
    result = run("install", "cursor")

    assert result.exit_code == 1
    assert "Run it again with --yes." in result.stderr
    assert not usual_place("cursor").exists()


class SlowReader(Terminal):
    """A person who reads the question for so long that the client writes its file meanwhile."""

    def ask(self, question: str) -> bool:
        """Agree, in the end."""
        usual_place("cursor").write_text('{"new": 1}', "utf-8")
        return super().ask(question)


def test_what_somebody_else_wrote_meanwhile_is_not_lost() -> None:
    """Clients write these files too; what is shown is no longer what would be changed."""
    path = configuration("cursor")
    path.write_text(KNOWN, "utf-8")
    plain = a_terminal()

    result = run(
        "install", "cursor", "--no-key",
        terminal=SlowReader(out=plain.out, talk=plain.talk, can_ask=True), answer="y\n",
    )  # fmt: skip

    assert result.exit_code == 1
    assert "was changed meanwhile; nothing was written" in result.stderr
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert path.read_text("utf-8") == '{"new": 1}'


def _not_to_be_read(path: Path) -> None:
    path.chmod(0)


def _not_to_be_written(path: Path) -> None:
    path.parent.chmod(0o500)


@pytest.mark.skipif(sys.platform == "win32", reason="rights are of the Unixes")
@pytest.mark.parametrize(
    ("forbid", "why"), [(_not_to_be_read, "cannot be read"), (_not_to_be_written, "cannot be written")]
)
def test_a_file_without_the_right_to_it_is_told(forbid: Callable[[Path], None], why: str) -> None:
    """It says which file, and nothing is half done."""
    with as_nobody() as folder:
        path = folder / "mcp.json"
        path.write_text("{}", "utf-8")
        forbid(path)
        result = run("install", "cursor", "--yes", "--file", str(path))

        assert result.exit_code == 1
        assert f"{path} {why}: Permission denied." in result.stderr


# Printing


def test_printing_shows_the_block_and_touches_nothing() -> None:
    """For whoever would rather paste it: all of it, and the key as a word to be replaced."""
    result = run("install", "cursor", "--print", "--uvx", env={"DASHSCOPE_API_KEY": KEY})

    env = {"DASHSCOPE_API_KEY": "sk-..."}
    assert json.loads(result.stdout) == {"mcpServers": {"wan": {"command": "uvx", "args": ["wan-mcp"], "env": env}}}
    assert not usual_place("cursor").exists()


def test_what_is_printed_for_the_simulator_can_be_pasted_as_it_is() -> None:
    """There is no secret in it."""
    result = run("install", "vscode", "--print", "--simulator", "http://127.0.0.1:8090")

    block = json.loads(result.stdout)
    assert list(block) == ["servers"]
    assert block["servers"]["wan"]["env"] == {
        "DASHSCOPE_API_KEY": "sk-simulated",
        "DASHSCOPE_HTTP_BASE_URL": "http://127.0.0.1:8090/api/v1",
    }
