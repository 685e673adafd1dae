"""`python -m wan_mcp` is `wan-mcp`."""

from wan_mcp.cli import main

if __name__ == "__main__":
    main()
