"""`wan-mcp install`: write this server into a client's configuration, after showing the change and asking.

The server's own entry is all that changes. Where the client has a place of its own for secrets, the API key is
not written; where it has none, the key is written after saying so, and shown nowhere.
"""

import difflib
import json
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn, cast

import click
import platformdirs
from platformdirs.api import PlatformDirsABC
from rich.text import Text

from wan_mcp.cli.jsonfile import Changed, JsonFile, NotJson, append, parse, put
from wan_mcp.cli.pages import printable
from wan_mcp.cli.terminal import Terminal
from wan_mcp.domain.errors import Declined, NeedsConsent
from wan_mcp.domain.language import later, said, say, sentences
from wan_mcp.service.clock import Clock
from wan_mcp.settings import Settings

KEY = "DASHSCOPE_API_KEY"
PLACEHOLDER = "sk-..."
"""Stands for the key wherever a configuration is shown for copying."""
SIMULATED = "sk-simulated"

_INPUT = {"id": "dashscope_key", "type": "promptString", "description": "DashScope API key", "password": True}
"""How VS Code is told to ask for the key."""
_HTTP_ONLY = ("tokens_file", "allowed_hosts", "allowed_origins", "oauth_issuer", "oauth_audience", "oauth_jwks_url")
_OF_UVX = re.compile(r"(archive|environments)-v\d+")
"""Environments that uvx makes in its cache, where the next `uv cache clean` finds them."""

_SECRET_NAMED = re.compile(
    r'("[^"]*(?:key|token|secret|passw|auth|credential)[^"]*"\s*:\s*)"(?!\$\{)(?:\\.|[^"\\])*"', re.IGNORECASE
)
_SECRET_LOOKING = re.compile(r"\b(?:sk|pk|ghp|gho|github_pat|xox[a-z])[-_][\w-]{6,}|(?<=Bearer )[^\s\"]+")
_MASK = "********"
_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


@dataclass(frozen=True, kw_only=True)
class Client:
    """An MCP client: where its configuration is, and how it wants it."""

    title: str
    section: str
    """Under which name it has its servers."""
    asks_type: bool = False
    """Does it want to be told that it is `stdio`?"""
    key: str | None = None
    """What to write for the key, where the client can get the key itself."""
    about_key: str = ""
    """What a person must know then."""
    afterwards: str

    def block(self, name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
        """The whole configuration of a client that has no other server."""
        inputs: dict[str, Any] = {"inputs": [_INPUT]} if _asks_for_the_key(entry) else {}
        return {**inputs, self.section: {name: entry}}


CLIENTS = {
    "claude-desktop": Client(
        title="Claude Desktop", section="mcpServers", afterwards=later("Quit Claude Desktop and start it again.")
    ),
    "claude-code": Client(
        title="Claude Code",
        section="mcpServers",
        key=f"${{{KEY}:-}}",
        about_key=later(
            "The key is not written, since a project's file is shared: Claude Code takes DASHSCOPE_API_KEY from where "
            "it is started."
        ),
        afterwards=later("Start Claude Code in this folder; it asks once whether you trust the server."),
    ),
    "cursor": Client(
        title="Cursor",
        section="mcpServers",
        afterwards=later("Cursor shows it under Settings, MCP; switch it on there."),
    ),
    "vscode": Client(
        title="VS Code",
        section="servers",
        asks_type=True,
        key=f"${{input:{_INPUT['id']}}}",
        about_key=later(
            "The key is not written: VS Code asks for it at the first start, and keeps it with its secrets."
        ),
        afterwards=later("Start it in VS Code: “MCP: List Servers”."),
    ),
}


def usual_place(client: str, folders: PlatformDirsABC | None = None) -> Path:
    """Where this client keeps its configuration: in the user's, for Claude Code in the present folder."""
    configurations = (folders or platformdirs.PlatformDirs(roaming=True, appauthor=False)).user_config_path
    places = {
        "claude-desktop": configurations / "Claude" / "claude_desktop_config.json",
        "claude-code": Path.cwd() / ".mcp.json",
        "cursor": Path.home() / ".cursor" / "mcp.json",
        "vscode": configurations / "Code" / "User" / "mcp.json",
    }
    return places[client]


def entry(client: Client, env: Mapping[str, str], *, uvx: bool = False) -> dict[str, Any]:
    """How the client is to start the server."""
    if uvx:
        start: dict[str, Any] = {"command": "uvx", "args": ["wan-mcp"]}
    else:
        # -P: hosts start servers in folders of the person's, whose modules must not be taken for ours.
        start = {"command": sys.executable, "args": ["-P", "-m", "wan_mcp", "serve"]}
    return {**({"type": "stdio"} if client.asks_type else {}), **start, "env": dict(env)}


def is_of_uvx(prefix: str) -> bool:
    """Is this an environment of uvx's, which will not stay?"""
    return any(_OF_UVX.fullmatch(part) for part in Path(prefix).parts)


# What is written there


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a person wants to have installed."""

    client: Client
    path: Path
    name: str
    env: Mapping[str, str]
    """What is set for the server, the key included where there is one."""
    is_key_given: bool
    """Was the key given for this, so that it is to be written?"""
    has_key: bool
    """Is there to be a key at all?"""
    uvx: bool

    def block(self) -> str:
        """The configuration for copying; the key is not in it."""
        key = PLACEHOLDER if self.is_key_given or self.client.key is None else self.client.key
        if self.env.get(KEY) == SIMULATED:
            key = SIMULATED
        env = {**({KEY: key} if self.has_key else {}), **{n: value for n, value in self.env.items() if n != KEY}}
        return json.dumps(self.client.block(self.name, entry(self.client, env, uvx=self.uvx)), indent=2)


def wish(
    client: str,
    *,
    path: Path | None,
    name: str,
    given: Mapping[str, str],
    simulator: str | None,
    has_key: bool,
    uvx: bool,
) -> Wish:
    """Gather what is set in this environment and what was given for this.

    Raises:
        BadSettings: the server could not use it.
    """
    env = _set_here(Settings.read())
    if simulator is not None:
        root = simulator.rstrip("/").removesuffix("/api/v1")
        env |= {KEY: SIMULATED, "DASHSCOPE_HTTP_BASE_URL": f"{root}/api/v1"}
    env |= given
    if not has_key:
        env.pop(KEY, None)
    Settings.read(env)
    return Wish(
        client=CLIENTS[client],
        path=path or usual_place(client),
        name=name,
        env=env,
        is_key_given=KEY in given or env.get(KEY) == SIMULATED,
        has_key=has_key,
        uvx=uvx or is_of_uvx(sys.prefix),
    )


def read_env(words: Iterable[str]) -> dict[str, str]:
    """Read `NAME=VALUE` words.

    Raises:
        click.UsageError: one is none; or it sets what there is not, which would leave a budget at its default.
    """
    known = {field.alias for field in Settings.model_fields.values()}
    env: dict[str, str] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or not name.strip():
            raise click.UsageError(say("--env wants NAME=VALUE."))  # the word may be a key: it is not repeated
        if name.startswith(("WAN_MCP_", "DASHSCOPE_")) and name not in known:
            raise click.UsageError(say("--env: there is no setting {name}; `wan-mcp --help` lists them.", name=name))
        env[name] = value
    return env


def _set_here(settings: Settings) -> dict[str, str]:
    """What this environment sets, so that the server will be as `wan-mcp` is here: region, budgets, folders."""
    return {
        field.alias or name: _as_set(getattr(settings, name))
        for name, field in Settings.model_fields.items()
        if name in settings.model_fields_set and name not in _HTTP_ONLY
    }


def _as_set(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(cast("tuple[str, ...]", value))
    return "none" if isinstance(value, Decimal) and not value.is_finite() else str(value)


# Installing it


def install(wanted: Wish, terminal: Terminal, *, is_agreed: bool) -> None:
    """Show the change, ask, and write it.

    Raises:
        NeedsConsent: nobody is there to be asked.
        Declined: the person does not want it.
        click.ClickException: the file is not one that can be changed safely.
    """
    path, client = wanted.path, wanted.client
    try:
        file = JsonFile.read(path)
        text = file.text
        former = parse(text)
    except OSError as error:
        raise click.ClickException(
            say("{path} cannot be read: {reason}.", path=path, reason=error.strerror or error)
        ) from error
    except NotJson as error:
        _refuse(wanted, terminal, error)
    if not isinstance(former.get(client.section, {}), dict) or not isinstance(former.get("inputs", []), list):
        _refuse(wanted, terminal, NotJson(say("“{name}” is not as expected", name=client.section), is_commented=False))
    servers: dict[str, Any] = former.get(client.section, {})
    inputs: list[Any] = former.get("inputs", [])
    server: Any = servers.get(wanted.name)
    there = cast("dict[str, Any]", server) if isinstance(server, dict) else {}
    made = _made(wanted, terminal, there, asks=terminal.can_ask and not is_agreed)
    changed = text if made == server else put(text, [client.section, wanted.name], made)
    expected = {**former, client.section: {**servers, wanted.name: made}}
    if _asks_for_the_key(made) and not any(_is_ours(item) for item in inputs):
        changed = append(changed, "inputs", _INPUT)
        expected["inputs"] = [*inputs, _INPUT]
    assert parse(changed) == expected, "only what is ours changes"
    if changed == text:
        terminal.say(
            say("{client} has it already so, as “{name}” in {path}.", client=client.title, name=wanted.name, path=path)
        )
        _tell(terminal, wanted, is_changed=False)
        return
    _show(terminal, path, text, changed, is_new=file.data is None)
    _say_about_the_key(terminal, wanted, made)
    if not path.parent.is_dir():
        words = say("{folder} is not there yet: is {client} installed here?", folder=path.parent, client=client.title)
        terminal.say(words, style="yellow")
    if not is_agreed:
        _ask(terminal, path)
    try:
        kept = file.replace(changed, now=Clock().now(), is_secret=_has_secret(made))
    except Changed:
        raise click.ClickException(
            say("{path} was changed meanwhile; nothing was written. Run it again.", path=path)
        ) from None
    except OSError as error:
        raise click.ClickException(
            say("{path} cannot be written: {reason}.", path=path, reason=error.strerror or error)
        ) from error
    what_it_was = say("What it was is kept in {name} beside it.", name=kept.name) if kept else ""
    terminal.say(sentences(say("Written: {path}.", path=path), what_it_was))
    terminal.say(said(client.afterwards))
    _tell(terminal, wanted, is_changed=True, kept=kept)


def _tell(terminal: Terminal, wanted: Wish, *, is_changed: bool, kept: Path | None = None) -> None:
    """As data what a person was told."""
    if terminal.as_json:
        done = {"client": wanted.client.title, "file": str(wanted.path), "name": wanted.name, "changed": is_changed}
        next_step = {"next_step": said(wanted.client.afterwards)} if is_changed else {}
        terminal.data({**done, **({"kept": str(kept)} if kept else {}), **next_step})


def _made(wanted: Wish, terminal: Terminal, there: Mapping[str, Any], *, asks: bool) -> dict[str, Any]:
    """The entry: what is there (switches of the client's, settings made by hand), and what is wanted on top."""
    if "url" in there:  # a server elsewhere, and not this one
        there = {}
    before: dict[str, Any] = there["env"] if isinstance(there.get("env"), dict) else {}
    if before.get(KEY) == SIMULATED and wanted.env.get(KEY) != SIMULATED:
        before = {name: value for name, value in before.items() if name not in (KEY, "DASHSCOPE_HTTP_BASE_URL")}
    env = {**before, **wanted.env}
    if not wanted.has_key:
        env.pop(KEY, None)
    elif not wanted.is_key_given:
        key = _key(wanted, terminal, before.get(KEY), asks=asks)
        env = {**({KEY: key} if key else {}), **{name: value for name, value in env.items() if name != KEY}}
    return {**there, **entry(wanted.client, env, uvx=wanted.uvx)}


def _key(wanted: Wish, terminal: Terminal, there: str | None, *, asks: bool) -> str | None:
    """What is written for the key: the client's own way to it, the one that is set here, there, or now."""
    if wanted.client.key:
        return there or wanted.client.key
    key = wanted.env.get(KEY) or there
    if key or not asks:
        return key
    words = say("DashScope API key (not shown; Enter leaves it out)")
    typed: str = click.prompt(words, default="", show_default=False, hide_input=True, err=True)
    if typed:
        Settings.read({**wanted.env, KEY: typed})
    return typed.strip()


def _say_about_the_key(terminal: Terminal, wanted: Wish, made: Mapping[str, Any]) -> None:
    key = made["env"].get(KEY)
    if _has_secret(made):
        words = say(
            "The key is stored in {path} in plain text: who can read that file can spend with it.", path=wanted.path
        )
        terminal.say(words, style="yellow")
    elif key == wanted.client.key and key:
        terminal.say(said(wanted.client.about_key))
    elif not key:
        terminal.say(
            say(
                "Without a key prices can be asked for and nothing can be spent. "
                "DASHSCOPE_API_KEY in its “env” sets one."
            )
        )


def _has_secret(made: Mapping[str, Any]) -> bool:
    key = str(made["env"].get(KEY) or "")
    return bool(key) and key != SIMULATED and not key.startswith("${")


def _asks_for_the_key(made: Mapping[str, Any]) -> bool:
    return made["env"].get(KEY) == CLIENTS["vscode"].key


def _is_ours(item: object) -> bool:
    return isinstance(item, dict) and cast("dict[str, object]", item).get("id") == _INPUT["id"]


def _ask(terminal: Terminal, path: Path) -> None:
    if not terminal.can_ask:
        raise NeedsConsent(
            say(
                "{path} is changed by a person's word, and there is no terminal to ask on. Nothing was written.",
                path=path,
            ),
            next_step=say("Run it again with --yes."),
        )
    with terminal.stoppable(say("Nothing was written.")):
        is_agreed = terminal.ask(say("Write this?"))
    if not is_agreed:
        raise Declined(say("Nothing was written."))


def _refuse(wanted: Wish, terminal: Terminal, problem: NotJson) -> NoReturn:
    """Leave the file alone, and give what a person can paste into it."""
    if not terminal.as_json:
        terminal.line(wanted.block())
    if problem.is_commented:
        why = say("{path} has comments or last commas, which would be lost; it is left as it is.", path=wanted.path)
    else:
        why = say(
            "{path} is not the JSON that it should be ({problem}); it is left as it is.",
            path=wanted.path,
            problem=printable(str(problem)),
        )
    by_hand = (
        say("Put what --print prints into it by hand.")
        if terminal.as_json
        else say("Put the block above into it by hand.")
    )
    raise click.ClickException(sentences(why, by_hand))


# Showing the change


def _show(terminal: Terminal, path: Path, former: str, changed: str, *, is_new: bool) -> None:
    for line in difference(path, former, changed, is_new=is_new):
        terminal.talk.print(Text(line, style=_COLOURS.get(line[:1], "")), soft_wrap=True)


def difference(path: Path, former: str, changed: str, *, is_new: bool) -> Iterable[str]:
    """The change as a unified diff, without the secrets of anybody."""
    lines = difflib.unified_diff(
        former.splitlines(),
        changed.splitlines(),
        fromfile=say("nothing") if is_new else str(path),
        tofile=str(path),
        lineterm="",
    )
    for line in lines:
        masked = _SECRET_LOOKING.sub(_MASK, _SECRET_NAMED.sub(rf'\1"{_MASK}"', line))
        yield printable(masked.expandtabs(4))
