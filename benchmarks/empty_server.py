"""The least that the SDK serves: one tool that does nothing. Over stdio, or with a port over HTTP."""

import sys
from typing import Annotated

import anyio
from mcp.server import MCPServer
from pydantic import Field

server = MCPServer("empty", log_level="WARNING")


@server.tool()
async def wait(seconds: Annotated[float, Field(ge=0, le=45)] = 0) -> str:
    """Wait a little."""
    await anyio.sleep(seconds)
    return "Waited."


if __name__ == "__main__":
    if len(sys.argv) > 1:
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
    else:
        server.run("stdio")
