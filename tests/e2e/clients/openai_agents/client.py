"""openai-agents: a scripted model inside a real agent, so that what it is sent is what a model reads."""
# pyright: basic, reportMissingImports=none, reportAttributeAccessIssue=none, reportOptionalMemberAccess=none

import asyncio
import json
import os
import sys

from agents import Agent, ModelResponse, RunConfig, Runner, Usage
from agents.mcp import MCPServerStdio, MCPServerStreamableHttp
from agents.models.interface import Model
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText
from story import as_seen, report, story, tell

told: dict = {}


class Script(Model):
    """Makes the calls of the story."""

    def __init__(self):
        self.story = story()

    async def get_response(self, system_instructions, input, model_settings, tools, *rest, **more):
        told["tools"] = [tool.name for tool in tools]
        last = input[-1] if isinstance(input, list) else {}
        call, saw = tell(self.story, as_seen(last["output"]) if "output" in last else None)
        if call:
            name, arguments = call
            said = ResponseFunctionToolCall(
                type="function_call", call_id=f"call_{len(input)}", name=name, arguments=json.dumps(arguments)
            )
        else:
            told["saw"] = saw
            text = ResponseOutputText(type="output_text", text="Done.", annotations=[])
            said = ResponseOutputMessage(id="1", type="message", role="assistant", status="completed", content=[text])
        return ModelResponse(output=[said], usage=Usage(), response_id=None)

    def stream_response(self, *rest, **more):
        raise NotImplementedError


async def main(*server: str) -> None:
    if server[0].startswith("http"):
        place = MCPServerStreamableHttp({"url": server[0]}, client_session_timeout_seconds=60)
    else:
        params = {"command": server[0], "args": [*server[1:]], "env": {**os.environ}}
        place = MCPServerStdio(params, client_session_timeout_seconds=60)
    async with place:
        agent = Agent(name="tester", model=Script(), mcp_servers=[place])
        await Runner.run(agent, "Make a video.", max_turns=20, run_config=RunConfig(tracing_disabled=True))
        report("openai-agents", eras={"usual": place.session.protocol_version}, **told)


asyncio.run(main(*sys.argv[1:]))
