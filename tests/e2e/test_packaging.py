"""What people install, built and started: the wheel, the container's command."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.doors import http_server, tokens_file
from tests.test_in_step import ROOT
from tests.test_packaging import last, set_environment
from wan_mcp import __version__


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


@pytest.mark.anyio
async def test_the_containers_command_serves_and_its_health_check_can_tell(tmp_path: Path) -> None:
    """On all addresses, with tokens; the check fails where nobody listens."""
    tokens, _ = tokens_file(tmp_path, alice="")
    environment = {
        "WAN_MCP_TOKENS_FILE": str(tokens),
        "WAN_MCP_LEDGER": str(tmp_path / "ledger.db"),
        "WAN_MCP_OUTPUT_DIR": str(tmp_path),
    }
    assert set(environment) == {name for name in set_environment() if name.startswith("WAN_MCP_")}
    assert json.loads(last("ENTRYPOINT")) == ["wan-mcp"]
    serve, *options, port, number = json.loads(last("CMD"))
    assert (serve, port, number) == ("serve", "--port", last("EXPOSE"))

    async with http_server(environment, *options) as server:
        assert _is_healthy(str(urlsplit(server.url).port))
    assert not _is_healthy(str(urlsplit(server.url).port))


def _is_healthy(port: str) -> bool:
    python, *words = json.loads(last("HEALTHCHECK").partition("CMD ")[2])
    assert python == "python"
    command = [word.replace(last("EXPOSE"), port) for word in words]
    return subprocess.run([sys.executable, *command], capture_output=True, check=False, timeout=10).returncode == 0
