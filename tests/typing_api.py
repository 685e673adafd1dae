"""Never run; type-checked: what a program that uses the package may rely on."""

from typing import Any

from mcp.server import MCPServer

from wan_mcp import Settings, __version__, build_server, open_service
from wan_mcp.service.videos import Videos


async def embed() -> str:
    """Serve the tools from a program of one's own."""
    settings: Settings = Settings.read()
    async with open_service(settings) as videos:

        async def service() -> Videos:
            return videos

        server: MCPServer[Any] = build_server(service)
        await server.run_stdio_async()
    return __version__
