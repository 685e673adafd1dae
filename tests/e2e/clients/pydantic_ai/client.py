"""pydantic-ai: a function model inside a real agent, so that what it is sent is what a model reads."""
# pyright: basic, reportMissingImports=none, reportAttributeAccessIssue=none, reportOptionalMemberAccess=none

import asyncio
import os
import sys

from fastmcp.client.transports import StdioTransport
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import FunctionModel
from story import report, story, tell

progress: list = []
asked: list = []
told: dict = {}
telling = story()


async def on_progress(done, total, message):
    progress.append([done, total, message])


async def on_question(message, response_type, params, context):
    asked.append(message)
    return response_type(agree=True)


def model(messages, info) -> ModelResponse:
    """Make the calls of the story."""
    told["tools"] = [tool.name for tool in info.function_tools]
    last = messages[-1].parts[-1]
    is_answer = last.part_kind in ("tool-return", "retry-prompt")
    answer = (
        (last.model_response_str() if last.part_kind == "tool-return" else last.model_response()) if is_answer else None
    )
    call, saw = tell(telling, answer)
    if call:
        return ModelResponse(parts=[ToolCallPart(call[0], call[1])])
    told["saw"] = saw
    return ModelResponse(parts=[TextPart("Done.")])


async def main(*server: str) -> None:
    place = server[0] if server[0].startswith("http") else StdioTransport(server[0], [*server[1:]], env={**os.environ})
    toolset = MCPToolset(place, progress_handler=on_progress, elicitation_handler=on_question, init_timeout=30)
    async with toolset:
        era = toolset.client.initialize_result.protocolVersion
        await Agent(FunctionModel(model), toolsets=[toolset], retries=3).run("Make a video.")
    report("pydantic-ai-slim", eras={"usual": era}, progress=progress, asked=asked, **told)


asyncio.run(main(*sys.argv[1:]))
