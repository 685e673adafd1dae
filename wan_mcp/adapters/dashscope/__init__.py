"""DashScope's HTTP API: submit, look, cancel, find. What an answer means for money is decided here, once.

The wire models are private: what leaves this package is `RemoteTask` and `ListedTask`, or an error of
`domain.errors`.
"""

from wan_mcp.adapters.dashscope.client import DashScope
from wan_mcp.adapters.dashscope.quoting import quote_remote

__all__ = ["DashScope", "quote_remote"]
