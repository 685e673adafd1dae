"""Running the suite, with the Node that it wants: its verdicts are read from the files it writes."""

import json
import os
import re
import socket
import tomllib
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import uvicorn
from starlette.types import ASGIApp

from tests.e2e.installs import node_packages

HERE = Path(__file__).parent

Verdicts = dict[str, str]
"""`scenario: check` -> SUCCESS, FAILURE, WARNING, SKIPPED or INFO; the worst where a check was made twice."""

_GRAVEST_LAST = ("INFO", "SKIPPED", "SUCCESS", "WARNING", "FAILURE")


def installed() -> Path:
    """Return the folder of the Node packages, installed if they are not the ones asked for."""
    return node_packages(HERE / "package.json")


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncGenerator[str]:
    """Serve an application on a free port; yields the address of its MCP endpoint."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    async with anyio.create_task_group() as serving:
        serving.start_soon(server.serve, [listening])
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"
        server.should_exit = True


async def run(package: str, url: str, folder: Path, *options: str, patience: float = 240) -> Verdicts:
    """Run the suite of one version against `url`; the process is gone after `patience` seconds."""
    modules = installed()
    node, script = modules / "node" / "bin" / "node", modules / package / "dist" / "index.js"
    command = [str(node), str(script), "server", "--url", url, "-o", str(folder), *options]
    with anyio.fail_after(patience):
        await anyio.run_process(command, check=False, env=_environment(), cwd=folder)
    return _verdicts(folder)


def _environment() -> dict[str, str]:
    """Nothing of a proxy: all of this is on loopback."""
    return {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}


def _verdicts(folder: Path) -> Verdicts:
    found: dict[str, list[str]] = defaultdict(list)
    for path in folder.glob("*/checks.json"):
        named = re.fullmatch(r"(?:server-)?(.+?)-\d{4}-\d\d-\d\dT.*", path.parent.name)
        assert named, path
        checks: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        for check in checks:
            found[f"{named[1]}: {check['id']}"].append(check["status"])
    return {check: max(statuses, key=_GRAVEST_LAST.index) for check, statuses in found.items()}


def baseline(revision: str) -> dict[str, str]:
    """Which checks of a revision of the protocol are expected to fail on our server, and for want of what."""
    tables: dict[str, dict[str, str]] = tomllib.loads((HERE / "baseline.toml").read_text(encoding="utf-8"))
    return tables[revision]


def surprises(verdicts: Verdicts, expected: dict[str, str]) -> list[str]:
    """What failed and should not have, and what passed that was expected to fail."""
    failed = {check for check, status in verdicts.items() if status in ("FAILURE", "WARNING")}
    passed = {check for check, status in verdicts.items() if status == "SUCCESS"}
    return [
        *(f"failed: {check}" for check in sorted(failed - expected.keys())),
        *(f"passes now, so take it out of baseline.toml: {check}" for check in sorted(passed & expected.keys())),
    ]


def figures(verdicts: Verdicts) -> str:
    """How many of which."""
    counts = {status: sum(found == status for found in verdicts.values()) for status in reversed(_GRAVEST_LAST)}
    return ", ".join(f"{count} {status}" for status, count in counts.items() if count)
