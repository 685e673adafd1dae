"""What people install: the wheel, the one-click links, the container's recipe."""

import base64
import json
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from tests.commands import run
from tests.doors import http_server, tokens_file
from tests.test_in_step import READMES, ROOT
from wan_mcp import __version__
from wan_mcp.cli.install import CLIENTS, KEY, PLACEHOLDER, entry
from wan_mcp.settings import Settings

# The wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names of the files in a wheel that was built just now."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--wheel-dir", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", str(ROOT), *options], check=True)
    [built] = folder.glob("*.whl")
    assert built.name == f"wan_mcp-{__version__}-py3-none-any.whl"
    return zipfile.ZipFile(built).namelist()


def test_the_wheel_has_every_file_of_the_package_and_nothing_else(wheel: list[str]) -> None:
    """`py.typed` and the simulator's media are missed only by somebody else; tests would be theirs to carry."""
    package = [path for path in (ROOT / "wan_mcp").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    inside = {path.relative_to(ROOT).as_posix() for path in package}
    assert {"wan_mcp/py.typed", "wan_mcp/server/player.html", "wan_mcp/simulator/media/clip.mp4"} <= inside

    about = f"wan_mcp-{__version__}.dist-info/"
    assert {name for name in wheel if not name.startswith(about)} == inside
    assert f"{about}licenses/LICENSE" in wheel


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


# The container. There is no Docker where this runs: its recipe is read, and its command is run as it stands.


def _recipe() -> list[tuple[str, str]]:
    """Every instruction with what follows it."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def _last(word: str) -> str:
    return [rest for name, rest in _recipe() if name == word][-1]


def _environment() -> dict[str, str]:
    return dict(setting.split("=", 1) for setting in shlex.split(_last("ENV")))


def test_the_container_runs_as_a_user_without_rights() -> None:
    """What breaks out of the server is nobody; nothing that needs root comes after."""
    words = [word for word, _ in _recipe()]
    assert _last("USER") == "wan"
    assert "RUN" not in words[words.index("USER") :]
    assert "COPY" not in words[words.index("USER") :]


def test_the_container_installs_pinned_packages_only() -> None:
    """What was tested is what runs; a package that is not the one of the hash is refused."""
    installs = [rest for word, rest in _recipe() if word == "RUN" and "pip install" in rest]
    assert len(installs) == 2
    assert "--require-hashes -r requirements/run.txt" in installs[0]
    assert "--no-deps --no-build-isolation" in installs[1]


def test_the_container_is_given_the_files_it_copies_and_no_other() -> None:
    """A `.dockerignore` that hides one breaks the build; one that hides nothing sends keys along."""
    ignored = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if not line.startswith("#")]
    given = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copies = [shlex.split(rest) for word, rest in _recipe() if word == "COPY" and "--from" not in rest]
    copied = {source for words in copies for source in words[:-1]}
    assert ignored[0] == "*"
    assert copied == given
    assert all((ROOT / source).exists() for source in copied)


def test_the_containers_settings_are_settings_and_lie_in_its_volumes() -> None:
    """The ledger is the record of money: it must not go with the container."""
    environment = {name: value for name, value in _environment().items() if name.startswith("WAN_MCP_")}
    volumes = [Path(volume) for volume in json.loads(_last("VOLUME"))]
    assert set(environment) <= {field.alias for field in Settings.model_fields.values()}
    assert Path(environment["WAN_MCP_LEDGER"]).parent in volumes
    assert Path(environment["WAN_MCP_OUTPUT_DIR"]) in volumes


@pytest.mark.anyio
async def test_the_containers_command_serves_and_its_health_check_can_tell(tmp_path: Path) -> None:
    """On all addresses, with tokens; the check fails where nobody listens."""
    tokens, _ = tokens_file(tmp_path, alice="")
    environment = {
        "WAN_MCP_TOKENS_FILE": str(tokens),
        "WAN_MCP_LEDGER": str(tmp_path / "ledger.db"),
        "WAN_MCP_OUTPUT_DIR": str(tmp_path),
    }
    assert set(environment) == {name for name in _environment() if name.startswith("WAN_MCP_")}
    assert json.loads(_last("ENTRYPOINT")) == ["wan-mcp"]
    serve, *options, port, number = json.loads(_last("CMD"))
    assert (serve, port, number) == ("serve", "--port", _last("EXPOSE"))

    async with http_server(environment, *options) as server:
        assert _is_healthy(str(urlsplit(server.url).port))
    assert not _is_healthy(str(urlsplit(server.url).port))


def _is_healthy(port: str) -> bool:
    python, *words = json.loads(_last("HEALTHCHECK").partition("CMD ")[2])
    assert python == "python"
    command = [word.replace(_last("EXPOSE"), port) for word in words]
    return subprocess.run([sys.executable, *command], capture_output=True, check=False, timeout=10).returncode == 0


def test_the_container_does_not_start_without_tokens() -> None:
    """Whoever calls spends money; the container listens on every address it has."""
    ended = run(*json.loads(_last("CMD")), env={"WAN_MCP_TOKENS_FILE": "/nowhere/tokens.toml"})
    assert ended.exit_code == 1
    assert "/nowhere/tokens.toml" in "".join(ended.stderr.split())
    assert "Traceback" not in ended.stderr
