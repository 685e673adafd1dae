"""Videos from text with Alibaba's Wan 2.5, for any MCP client.

`open_service(Settings.read())` is the service without a protocol around it; `build_server(service)` puts the
MCP face before it. Both are imported when they are first named: a host waits for the start of the server.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wan_mcp.server.app import build_server
    from wan_mcp.service.composition import open_service
    from wan_mcp.settings import Settings

__all__ = ["Settings", "__version__", "build_server", "open_service"]

__version__ = "0.1.0"

_HOMES = {
    "Settings": "wan_mcp.settings",
    "build_server": "wan_mcp.server.app",
    "open_service": "wan_mcp.service.composition",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
