"""Videos from text with Alibaba's Wan 2.5, for any MCP client."""

__version__ = "0.1.0"
