"""The protocol's own conformance suite, in both of its lines, against our server and against the profile server.

`conformance/baseline.toml` names every check that is expected to fail, with its reason. Anything else that fails
fails here, and so does an entry whose check passes.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.conftest import made
from tests.doors import at
from tests.e2e.conformance import suite
from tests.e2e.conformance.profile import profile
from wan_mcp.simulator import Simulator, serving

pytestmark = [
    pytest.mark.anyio,
    # The suite hangs up whenever it has seen enough, which server libraries grumble about.
    pytest.mark.filterwarnings("ignore"),
]

RUNS: dict[str, tuple[str, str, list[str]]] = {
    "0.1.16": ("2025-11-25", "conformance-0.1", []),
    "0.2, 2025-11-25": ("2025-11-25", "conformance-0.2", ["--spec-version", "2025-11-25"]),
    "0.2, 2026-07-28": ("2026-07-28", "conformance-0.2", ["--requirements", "2026-07-28"]),
}
"""Revision of the protocol, version of the suite, options."""

TASK_SCENARIOS = {
    "tasks-lifecycle",
    "tasks-capability-negotiation",
    "tasks-wire-fields",
    "tasks-request-state-removal",
    "tasks-mrtr-input",
    "tasks-request-headers",
    "tasks-dispatch-and-envelope",
    "tasks-required-task-error",
    "tasks-mrtr-composition",
}
"""Those that can be run: the suite skips its tenth, about notifications, itself."""


@asynccontextmanager
async def our_server(folder: Path) -> AsyncGenerator[str]:
    """Ours behind its own HTTP door, over the simulator."""
    async with (
        serving(Simulator(media="clip", run_delay=0.1, run_time=1)) as url,
        at(made(url, folder)) as address,
    ):
        yield address


@asynccontextmanager
async def profile_server() -> AsyncGenerator[str]:
    """Our tasks extension and our subscriptions, with everything the suite looks for."""
    async with profile() as server, suite.served(server.streamable_http_app()) as address:
        yield address


@pytest.fixture(scope="module", autouse=True)
def node_packages() -> None:
    """Installed once; the tests themselves reach loopback only."""
    suite.installed()


async def verdicts_on(url: str, run: str, tmp_path: Path) -> suite.Verdicts:
    """Run the suite, and say how it went."""
    folder = tmp_path / "verdicts"
    folder.mkdir()
    _, package, options = RUNS[run]
    verdicts = await suite.run(package, url, folder, *options)
    print(f"conformance {run}: {suite.figures(verdicts)}")  # noqa: T201 - what a person wants to know of a long run
    assert len(verdicts) > 30, "the suite did not come to its end"
    return verdicts


@pytest.mark.parametrize("run", RUNS)
async def test_our_server_fails_only_for_want_of_fixtures(run: str, tmp_path: Path) -> None:
    """The suite was written by others, so it finds what we did not think of."""
    async with our_server(tmp_path) as url:
        verdicts = await verdicts_on(url, run, tmp_path)

    assert suite.surprises(verdicts, suite.baseline(RUNS[run][0])) == []


@pytest.mark.parametrize("run", RUNS)
async def test_with_the_fixtures_everything_passes(run: str, tmp_path: Path) -> None:
    """So nothing in the baseline hides a fault of ours: tasks, subscriptions and caching are the same code."""
    async with profile_server() as url:
        verdicts = await verdicts_on(url, run, tmp_path)

    assert suite.surprises(verdicts, {}) == []
    passed = {check.partition(": ")[0] for check, status in verdicts.items() if status == "SUCCESS"}
    assert "2026" not in run or passed >= TASK_SCENARIOS
