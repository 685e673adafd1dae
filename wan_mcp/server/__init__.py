"""The MCP face: no decisions, only words in and words out."""
