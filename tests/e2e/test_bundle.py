"""The MCP bundle, by `make bundle`: the official packer takes it, and what is unpacked runs as a host would run it.

`npx` fetches the packer, and `uv` the dependencies, as on a person's machine. Where there is no `uv`, the bundle is
installed into an environment of its own with this project's pins.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters, stdio_client

from wan_mcp import __version__

ROOT = Path(__file__).parent.parent.parent
AS_STARTED = dict(os.environ)
"""With proxies and certificates, which no other test is to see."""
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(shutil.which("npx") is None, reason="npx is not installed; it comes with Node.js"),
]


def _done(*words: str, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        words, cwd=cwd, env=env or AS_STARTED, capture_output=True, check=False, text=True, timeout=500
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle, validated, packed and unpacked again; a bundle is a zip archive."""
    folder = tmp_path_factory.mktemp("bundle")
    assert "Manifest schema validation passes" in _done("make", "bundle", f"DIST={folder}")
    packed = folder / f"wan-mcp-{__version__}.mcpb"
    assert {path.name for path in folder.iterdir()} == {packed.name, "server.json"}
    [package] = json.loads((folder / "server.json").read_text("utf-8"))["packages"]
    assert package["identifier"].endswith(f"/{packed.name}")
    assert package["fileSha256"] == hashlib.sha256(packed.read_bytes()).hexdigest()
    shutil.unpack_archive(packed, folder / "unpacked", format="zip")
    return folder / "unpacked"


@pytest.fixture
def manifest(bundle: Path) -> dict[str, Any]:
    """The manifest inside."""
    return json.loads((bundle / "manifest.json").read_text("utf-8"))


def test_the_bundle_holds_what_uv_needs_and_nothing_else(bundle: Path) -> None:
    """Tests, pins and pages would be dead weight on every machine; without the readme it cannot be built."""
    wanted = {"LICENSE", "README.md", "icon.png", "manifest.json", "mcpb-resources", "pyproject.toml", "wan_mcp"}
    assert {path.name for path in bundle.iterdir()} == wanted


def test_the_bundle_holds_every_file_of_the_package(bundle: Path) -> None:
    """A file that is left out is missed only when somebody wants it."""
    assert _files(bundle / "wan_mcp") == _files(ROOT / "wan_mcp")


def _files(package: Path) -> set[str]:
    return {
        path.relative_to(package).as_posix()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_entry_point_is_in_the_bundle(bundle: Path, manifest: dict[str, Any]) -> None:
    """A host looks for it before it starts anything."""
    assert (bundle / manifest["server"]["entry_point"]).is_file()


@pytest.fixture
def command(bundle: Path, manifest: dict[str, Any], tmp_path: Path) -> list[str]:
    """How a host starts it, the words of the server left off."""
    here = shutil.copytree(bundle, tmp_path / "bundle")
    started = [manifest["server"]["mcp_config"]["command"], *manifest["server"]["mcp_config"]["args"]]
    uv = shutil.which("uv", path=PATH)
    if uv is not None:
        words = [word.replace("${__dirname}", str(here)) for word in started]
        assert (words[0], words[-1]) == ("uv", "serve")
        return [uv, *words[1:-1]]
    python = str(tmp_path / "venv" / "bin" / "python")
    _done(sys.executable, "-m", "venv", str(tmp_path / "venv"))
    _done(python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", "requirements/run.txt")
    _done(python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", str(here))
    return [str(tmp_path / "venv" / "bin" / "wan-mcp")]


async def test_the_unpacked_server_offers_the_tools_of_its_manifest(
    command: list[str], manifest: dict[str, Any], tmp_path: Path
) -> None:
    """What a person is shown before installing is what a model is given afterwards."""
    chosen = dict.fromkeys(manifest["server"]["mcp_config"]["env"], "")
    env = {**AS_STARTED, "HOME": str(tmp_path), **chosen, "WAN_MCP_LEDGER": str(tmp_path / "ledger.db")}
    env.pop("VIRTUAL_ENV", None)
    env.pop("PYTHONPATH", None)
    assert _done(*command, "--version", cwd=tmp_path, env=env) == f"wan-mcp {__version__}\n"

    server = StdioServerParameters(command=command[0], args=[*command[1:], "serve"], env=env, cwd=tmp_path)
    async with Client(stdio_client(server)) as client:
        tools = (await client.list_tools()).tools
        price = await client.call_tool("estimate_cost", {})
    assert [tool.name for tool in tools] == [tool["name"] for tool in manifest["tools"]]
    assert manifest["version"] == __version__
    assert price.is_error is not True
