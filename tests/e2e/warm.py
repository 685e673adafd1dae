"""What the fork server does once, so that no fork has to: it takes longer than most of them live."""

from pathlib import Path

import anyio

from wan_mcp.adapters.dashscope import DashScope
from wan_mcp.adapters.downloads import Downloads

DashScope(api_root="http://127.0.0.1/api/v1", key="sk-warm", is_local=True)
Downloads(Path(), from_loopback=True)
anyio.run(anyio.sleep, 0)
