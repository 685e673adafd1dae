"""The door of the package: what is in it, and what it does not drag in."""

import os
import subprocess
import sys

import pytest

import wan_mcp


def test_the_public_names_are_these() -> None:
    """An addition is a promise, so it is made here on purpose."""
    assert sorted(wan_mcp.__all__) == ["Settings", "__version__", "build_server", "open_service"]
    assert all(getattr(wan_mcp, name) for name in wan_mcp.__all__)


def test_a_name_that_is_not_there_is_said_to_be_missing() -> None:
    """As with any module."""
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = wan_mcp.nothing  # pyright: ignore[reportAttributeAccessIssue]  # that is the point


_FOR_A_HOST = (
    "wan_mcp.cli, wan_mcp.server.transports",
    {
        *("httpx", "sqlite3", "pydantic_settings", "platformdirs", "av", "PIL", "yaml", "rich"),
        *("wan_mcp.simulator", "wan_mcp.settings"),
    },
)
_IN_A_TERMINAL = "wan_mcp.cli.commands", {"mcp", "starlette", "uvicorn", "av", "PIL", "wan_mcp.simulator"}


@pytest.mark.parametrize(("modules", "heavy"), [_FOR_A_HOST, _IN_A_TERMINAL])
def test_nothing_heavy_is_imported_before_the_first_answer(modules: str, heavy: set[str]) -> None:
    """A host waits for `tools/list`, a person for the prompt to come back; the SDK alone takes half a second."""
    program = f"import sys, {modules}; print(*sys.modules)"
    # What measures coverage keeps it in SQLite.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    command = [sys.executable, "-c", program]
    imported = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    assert set(imported.split()) & heavy == set()
