"""What `wan-mcp install` writes, started as its client would."""

import os
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters, stdio_client

from tests.test_cli_install import home, installed, written

__all__ = ["home"]  # a fixture


@pytest.mark.anyio
async def test_what_is_written_starts_a_server(home: Path) -> None:
    """A client runs it in folders of its own, with little more in the environment than what is written."""
    installed("cursor", "--simulator", "http://127.0.0.1:8090", "--env", f"WAN_MCP_LEDGER={home / 'ledger.db'}")
    made = written("cursor")
    (home / "click.py").write_text("raise SystemExit('not ours')\n")

    env = {"HOME": str(home), "PATH": os.environ["PATH"], **made["env"]}
    server = StdioServerParameters(command=made["command"], args=made["args"], env=env, cwd=home)
    async with Client(stdio_client(server)) as connected:
        tools = (await connected.list_tools()).tools
    assert "create_video" in {tool.name for tool in tools}
