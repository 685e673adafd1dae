"""What people install: the one-click links, the container's recipe. What takes a build or a start is in e2e."""

import base64
import json
import re
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from tests.commands import run
from tests.test_in_step import READMES, ROOT
from wan_mcp.cli.install import CLIENTS, KEY, PLACEHOLDER, entry
from wan_mcp.settings import Settings

# One click


def _links(readme: str) -> list[str]:
    block = re.search(r"<!-- links -->\n(.*?)<!-- /links -->", (ROOT / readme).read_text("utf-8"), re.DOTALL)
    assert block is not None
    return re.findall(r"\]\((\S+?)\)[,.;、；。 ]", block[1])


def _blocks(readme: str) -> list[dict[str, Any]]:
    return [
        json.loads(text) for text in re.findall(r"```json\n(.*?)```", (ROOT / readme).read_text("utf-8"), re.DOTALL)
    ]


@pytest.mark.parametrize("readme", READMES)
def test_one_click_installs_what_is_written_beside_it(readme: str) -> None:
    """Who clicks and who copies have the same server; and `wan-mcp install` would write it so too."""
    in_code, by_code, in_cursor, by_cursor = sorted(_links(readme), key=_place)
    cursors, codes, _ = _blocks(readme)

    told: dict[str, Any] = json.loads(unquote(in_code.removeprefix("vscode:mcp/install?")))
    assert {"inputs": told.pop("inputs"), "servers": {told.pop("name"): told}} == codes
    assert parse_qs(urlsplit(by_code).query) == {"url": [in_code]}

    query = parse_qs(urlsplit(in_cursor).query)
    assert {"mcpServers": {query["name"][0]: json.loads(base64.b64decode(query["config"][0]))}} == cursors
    assert urlsplit(by_cursor).query == urlsplit(in_cursor).query

    code, cursor = CLIENTS["vscode"], CLIENTS["cursor"]
    assert codes == code.block("wan", entry(code, {KEY: code.key or ""}, uvx=True))
    assert cursors == cursor.block("wan", entry(cursor, {KEY: PLACEHOLDER}, uvx=True))


def _place(link: str) -> int:
    starts = ("vscode:", "https://vscode.dev/", "cursor:", "https://cursor.com/")
    return next(place for place, start in enumerate(starts) if link.startswith(start))


# The container. There is no Docker where this runs: its recipe is read; e2e runs its command as it stands.


def recipe() -> list[tuple[str, str]]:
    """Every instruction with what follows it."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def last(word: str) -> str:
    return [rest for name, rest in recipe() if name == word][-1]


def set_environment() -> dict[str, str]:
    return dict(setting.split("=", 1) for setting in shlex.split(last("ENV")))


def test_the_container_runs_as_a_user_without_rights() -> None:
    """What breaks out of the server is nobody; nothing that needs root comes after."""
    words = [word for word, _ in recipe()]
    assert last("USER") == "wan"
    assert "RUN" not in words[words.index("USER") :]
    assert "COPY" not in words[words.index("USER") :]


def test_the_container_installs_pinned_packages_only() -> None:
    """What was tested is what runs; a package that is not the one of the hash is refused."""
    installs = [rest for word, rest in recipe() if word == "RUN" and "pip install" in rest]
    assert len(installs) == 2
    assert "--require-hashes -r requirements/run.txt" in installs[0]
    assert "--no-deps --no-build-isolation" in installs[1]


def test_the_container_is_given_the_files_it_copies_and_no_other() -> None:
    """A `.dockerignore` that hides one breaks the build; one that hides nothing sends keys along."""
    ignored = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if not line.startswith("#")]
    given = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copies = [shlex.split(rest) for word, rest in recipe() if word == "COPY" and "--from" not in rest]
    copied = {source for words in copies for source in words[:-1]}
    assert ignored[0] == "*"
    assert copied == given
    assert all((ROOT / source).exists() for source in copied)


def test_the_containers_settings_are_settings_and_lie_in_its_volumes() -> None:
    """The ledger is the record of money: it must not go with the container."""
    environment = {name: value for name, value in set_environment().items() if name.startswith("WAN_MCP_")}
    volumes = [Path(volume) for volume in json.loads(last("VOLUME"))]
    assert set(environment) <= {field.alias for field in Settings.model_fields.values()}
    assert Path(environment["WAN_MCP_LEDGER"]).parent in volumes
    assert Path(environment["WAN_MCP_OUTPUT_DIR"]) in volumes


def test_the_container_does_not_start_without_tokens() -> None:
    """Whoever calls spends money; the container listens on every address it has."""
    ended = run(*json.loads(last("CMD")), env={"WAN_MCP_TOKENS_FILE": "/nowhere/tokens.toml"})
    assert ended.exit_code == 1
    assert "/nowhere/tokens.toml" in "".join(ended.stderr.split())
    assert "Traceback" not in ended.stderr
