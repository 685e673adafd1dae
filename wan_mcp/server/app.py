"""The server: a name, three sentences for the model, and the tools."""

from mcp.server import MCPServer

from wan_mcp import __version__
from wan_mcp.server.tools import Service, build_tools

INSTRUCTIONS = (
    "wan-mcp makes videos with sound from text (Alibaba Wan 2.5, 5 or 10 s). "
    "Call estimate_cost for the price, create_video (PAID; it answers at once with a task_id), then get_video_task "
    "until the file is saved, which takes 1-5 minutes. "
    "Every video costs money: make one at a time unless asked for more, never repeat create_video because an answer "
    "was slow or lost (look into list_video_tasks instead), and pass max_cost only when the person agreed to the price."
)


def build_server(service: Service) -> MCPServer[object]:
    """Build the MCP server over a service; `service` is awaited by the first tool that needs it."""
    return MCPServer(
        "wan-mcp",
        title="Wan video",
        version=__version__,
        instructions=INSTRUCTIONS,
        tools=build_tools(service),
        log_level="WARNING",
    )
