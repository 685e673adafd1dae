"""langchain-mcp-adapters: what a LangChain model gets of each call is the ToolMessage."""
# pyright: basic, reportMissingImports=none, reportAttributeAccessIssue=none, reportOptionalMemberAccess=none

import asyncio
import os
import sys

from langchain_mcp_adapters.callbacks import Callbacks
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools
from mcp.types import ElicitResult
from story import as_seen, report, story, tell

progress: list = []
asked: list = []


async def on_progress(done, total, message, context):
    progress.append([done, total, message])


async def on_elicitation(context, params, where):
    asked.append(params.message)
    return ElicitResult(action="accept", content={"agree": True})


async def main(*server: str) -> None:
    if server[0].startswith("http"):
        connection = {"transport": "http", "url": server[0]}
    else:
        connection = {"transport": "stdio", "command": server[0], "args": [*server[1:]], "env": {**os.environ}}
    callbacks = Callbacks(on_progress=on_progress, on_elicitation=on_elicitation)
    client = MultiServerMCPClient({"wan": connection}, callbacks=callbacks)
    async with client.session("wan", auto_initialize=False) as session:
        era = (await session.initialize()).protocolVersion
        tools = {tool.name: tool for tool in await load_mcp_tools(session, callbacks=callbacks, server_name="wan")}
        telling = story()
        call, saw = tell(telling)
        while call:
            name, arguments = call
            message = await tools[name].ainvoke({"type": "tool_call", "id": "1", "name": name, "args": arguments})
            call, saw = tell(telling, as_seen(message.content))
    report("langchain-mcp-adapters", eras={"usual": era}, tools=[*tools], saw=saw, progress=progress, asked=asked)


asyncio.run(main(*sys.argv[1:]))
