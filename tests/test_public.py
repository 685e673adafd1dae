"""The door of the package: what is in it, and what it does not drag in."""

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


_HEAVY = {
    "httpx",
    "sqlite3",
    "pydantic_settings",
    "platformdirs",
    "aiolimiter",
    "wan_mcp.simulator",
    "av",
    "PIL",
    "yaml",
}


def test_nothing_heavy_is_imported_before_the_first_answer() -> None:
    """A host waits for `tools/list`; each of these costs it tens of milliseconds."""
    program = "import sys, wan_mcp.cli, wan_mcp.server.transports; print(*sys.modules)"
    imported = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert set(imported.split()) & _HEAVY == set()
