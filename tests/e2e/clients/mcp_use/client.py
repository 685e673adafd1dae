"""mcp-use: what its agent's model gets of each call is what the adapter's tool returns."""
# pyright: basic, reportMissingImports=none, reportAttributeAccessIssue=none, reportOptionalMemberAccess=none

import asyncio
import os
import sys

from mcp import ClientSession
from mcp.types import ElicitResult
from mcp_use import MCPClient
from mcp_use.agents.adapters.langchain_adapter import LangChainAdapter
from story import as_seen, report, story, tell

progress: list = []
asked: list = []
eras: list = []
initialize = ClientSession.initialize


async def initialize_and_tell(self):
    """The client keeps no record of the version that was negotiated."""
    told = await initialize(self)
    eras.append(told.protocolVersion)
    return told


ClientSession.initialize = initialize_and_tell


async def on_message(message):
    """The only door to notifications that this client has."""
    note = getattr(message, "root", None)
    if getattr(note, "method", "") == "notifications/progress":
        progress.append([note.params.progress, note.params.total, note.params.message])


async def on_elicitation(context, params):
    asked.append(params.message)
    return ElicitResult(action="accept", content={"agree": True})


async def main(*server: str) -> None:
    if server[0].startswith("http"):
        place = {"url": server[0]}
    else:
        place = {"command": server[0], "args": [*server[1:]], "env": {**os.environ}}
    client = MCPClient({"mcpServers": {"wan": place}}, elicitation_callback=on_elicitation, message_handler=on_message)
    try:
        await client.create_session("wan")
        adapter = LangChainAdapter()
        await adapter.create_all(client)
        tools = {tool.name: tool for tool in adapter.tools}
        telling = story()
        call, saw = tell(telling)
        while call:
            name, arguments = call
            call, saw = tell(telling, as_seen(await tools[name].ainvoke(arguments)))
        report(
            "mcp-use",
            eras={"usual": eras[-1]},
            tools=[*tools],
            saw=saw,
            progress=progress,
            asked=asked,
        )
    finally:
        await client.close_all_sessions()


asyncio.run(main(*sys.argv[1:]))
