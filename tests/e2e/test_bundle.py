"""The MCP bundle, by the official packer: the manifest is valid, and what is packed is a server that runs.

`npx` fetches the packer at its first run. What is not tried here is `uv` fetching the dependencies: the
unpacked server runs in this environment, which has them.
"""

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
PACKER = "@anthropic-ai/mcpb@2.1.2"

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(shutil.which("npx") is None, reason="npx is not installed; it comes with Node.js"),
]


def _mcpb(*words: str) -> str:
    done = subprocess.run(
        ["npx", "--yes", PACKER, *words], cwd=ROOT, capture_output=True, check=False, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle, packed and unpacked again."""
    folder = tmp_path_factory.mktemp("bundle")
    packed = folder / "wan-mcp.mcpb"
    _mcpb("pack", ".", str(packed))
    _mcpb("unpack", str(packed), str(folder / "unpacked"))
    return folder / "unpacked"


@pytest.fixture
def manifest(bundle: Path) -> dict[str, Any]:
    """The manifest inside."""
    return json.loads((bundle / "manifest.json").read_text("utf-8"))


def test_the_manifest_is_valid() -> None:
    """A host refuses a bundle whose manifest is not."""
    assert "passes" in _mcpb("validate", "manifest.json")


def test_the_bundle_holds_what_uv_needs_and_nothing_else(bundle: Path) -> None:
    """Tests, pins and pages would be dead weight on every machine; without the readme it cannot be built."""
    wanted = {"LICENSE", "README.md", "icon.png", "manifest.json", "pyproject.toml", "wan_mcp"}
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


async def test_the_unpacked_server_offers_the_tools_of_its_manifest(
    bundle: Path, manifest: dict[str, Any], tmp_path: Path
) -> None:
    """What a person is shown before installing is what a model is given afterwards."""
    chosen = dict.fromkeys(manifest["server"]["mcp_config"]["env"], "")
    [command, *arguments] = manifest["server"]["mcp_config"]["args"][-2:]
    assert command == "wan-mcp"
    server = StdioServerParameters(
        command=sys.executable,
        args=["-P", "-m", "wan_mcp", *arguments],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PYTHONPATH": str(bundle),
            "PYTHONDONTWRITEBYTECODE": "1",
            **chosen,
            "WAN_MCP_LEDGER": str(tmp_path / "ledger.db"),
        },
        cwd=tmp_path,
    )
    async with Client(stdio_client(server)) as client:
        tools = (await client.list_tools()).tools
        price = await client.call_tool("estimate_cost", {})
    assert [tool.name for tool in tools] == [tool["name"] for tool in manifest["tools"]]
    assert manifest["version"] == __version__
    assert price.is_error is not True
