"""The container's recipe, done by hand: there is no Docker where this runs, so its steps are taken in a folder.

What this cannot show: the base image, the user inside, the volumes.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.doors import READY, tokens_file
from wan_mcp import __version__

ROOT = Path(__file__).parent.parent.parent
AS_STARTED = dict(os.environ)
"""With proxies and certificates, which no other test is to see."""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment that the first stage makes, in a folder instead of in /opt; pip fetches what it lacks."""
    folder = tmp_path_factory.mktemp("image")
    context, made = folder / "src", folder / "wan-mcp"
    stage = (ROOT / "Dockerfile").read_text("utf-8").split("\nFROM ")[1]
    for line in stage.splitlines():
        word, _, rest = line.partition(" ")
        if word == "COPY":
            *sources, target = rest.split()
            for source in sources:
                _copy(ROOT / source, context / (source if target == "./" else target))
        elif word == "RUN":
            command = re.sub(r"(?<!\S)python(?!\S)", sys.executable, rest.replace("/opt/wan-mcp", str(made)))
            context.mkdir(exist_ok=True)
            subprocess.run(command, shell=True, cwd=context, env=AS_STARTED, check=True, timeout=500)
    return made


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def test_the_container_would_serve_with_what_was_installed(image: Path, tmp_path: Path) -> None:
    """Its command, from its environment, with nothing of this one."""
    tokens, _ = tokens_file(tmp_path, alice="")
    env = {
        "PATH": str(image / "bin"),
        "HOME": str(tmp_path),
        "WAN_MCP_LEDGER": str(tmp_path / "ledger.db"),
        "WAN_MCP_OUTPUT_DIR": str(tmp_path),
        "WAN_MCP_TOKENS_FILE": str(tokens),
    }
    told = {word: rest for word, _, rest in (line.partition(" ") for line in _lines())}
    [entry] = json.loads(told["ENTRYPOINT"])
    command = [str(image / "bin" / entry), *json.loads(told["CMD"])[:-1], "0"]
    version = subprocess.run([command[0], "--version"], env=env, capture_output=True, check=True, text=True)
    assert version.stdout == f"wan-mcp {__version__}\n"

    with subprocess.Popen(command, env=env, cwd=tmp_path, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        told_url = next(found for line in process.stderr if (found := READY.search(line)))
        port = told_url[1].decode().rpartition(":")[2].partition("/")[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as answer:
            assert answer.status == 200
        process.terminate()
        assert process.wait(timeout=10) == 0


def _lines() -> list[str]:
    return (ROOT / "Dockerfile").read_text("utf-8").splitlines()
