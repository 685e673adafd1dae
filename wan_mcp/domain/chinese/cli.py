"""What `cli/` says."""

CLI: dict[str, str] = {
    # starting
    "wan-mcp serves MCP on stdin and stdout; a host such as Claude Desktop starts it. Ctrl-C ends it.": "wan-mcp 通过标准输入和输出提供 MCP 服务，由 Claude Desktop 等宿主启动。按 Ctrl-C 结束。",
    "For a person: wan-mcp --help": "命令行用法：wan-mcp --help",
    # terminal.py, pages.py
    # program.py
    # commands.py, order.py
    # install.py
    # doctor.py
    # demo.py
}
