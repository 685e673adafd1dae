"""fastmcp's client, with its tasks."""
# pyright: basic, reportMissingImports=none, reportAttributeAccessIssue=none, reportOptionalMemberAccess=none

import asyncio
import os
import sys

from fastmcp import Client
from fastmcp.client.transports import StdioTransport
from fastmcp_tasks import call_tool_task
from story import as_seen, report, story, tell

progress: list = []
asked: list = []
task: dict = {}


async def on_progress(done, total, message):
    progress.append([done, total, message])


async def on_question(message, response_type, params, context):
    asked.append(message)
    return response_type(agree=True)


def seen(result) -> str:
    """This client has no model: its program gets both."""
    return as_seen({"text": [part.model_dump() for part in result.content], "data": result.structured_content})


async def main(*server: str) -> None:
    place = server[0] if server[0].startswith("http") else StdioTransport(server[0], [*server[1:]], env={**os.environ})
    async with Client(place, progress_handler=on_progress, elicitation_handler=on_question) as client:
        tools = [tool.name for tool in await client.list_tools()]
        telling = story()
        call, saw = tell(telling)
        while call:
            name, arguments = call
            if name == "create_video" and not task:
                # Which cannot ask its person anything; call_tool can, and waits for the end of the task.
                handle = await call_tool_task(client, name, arguments)
                status = await handle.status()
                task.update(status=status.status, message=status.status_message)
                shown = as_seen(handle.create_result.model_dump())
            else:
                shown = seen(await client.call_tool(name, arguments, raise_on_error=False))
            call, saw = tell(telling, shown)
            if name == "get_video_task":
                task["result"] = seen(await handle.result())
        report(
            "fastmcp",
            eras={"usual": client.protocol_version},
            tools=tools,
            saw=saw,
            progress=progress,
            asked=asked,
            task=task,
        )


asyncio.run(main(*sys.argv[1:]))
