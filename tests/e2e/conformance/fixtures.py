"""The plain tools, prompts and resources that the suite's scenarios look for, each as its scenario describes it."""

import json
from base64 import b64encode
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp.server.mcpserver.tools import Tool
from mcp.shared.message import ServerMessageMetadata
from mcp.types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    AudioContent,
    CallToolResult,
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    EmbeddedResource,
    EmptyResult,
    ImageContent,
    SamplingMessage,
    SetLevelRequestParams,
    TextContent,
    TextResourceContents,
)

Ctx = Context[Any, Any]

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108020000009077"
    "53de0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)
"""One red pixel."""
WAV = (
    b"RIFF"
    + (36).to_bytes(4, "little")
    + b"WAVEfmt "
    + bytes.fromhex("1000000001000100401f0000803e0000020010006461746100000000")
)
"""Silence of no length."""


def _text(text: str) -> TextContent:
    return TextContent(type="text", text=text)


def _image() -> ImageContent:
    return ImageContent(type="image", data=b64encode(PNG).decode(), mime_type="image/png")


def _embedded(uri: str, text: str, mime_type: str = "text/plain") -> EmbeddedResource:
    contents = TextResourceContents(uri=uri, mime_type=mime_type, text=text)
    return EmbeddedResource(type="resource", resource=contents)


def _result(*content: Any) -> CallToolResult:
    return CallToolResult(content=list(content))


# What is only read


async def test_simple_text() -> CallToolResult:
    """Text."""
    return _result(_text("This is a simple text response for testing."))


async def test_image_content() -> CallToolResult:
    """A picture."""
    return _result(_image())


async def test_audio_content() -> CallToolResult:
    """A sound."""
    return _result(AudioContent(type="audio", data=b64encode(WAV).decode(), mime_type="audio/wav"))


async def test_embedded_resource() -> CallToolResult:
    """A resource inside the result."""
    return _result(_embedded("test://embedded-resource", "This is an embedded resource content."))


async def test_multiple_content_types() -> CallToolResult:
    """Some of everything."""
    inside = _embedded("test://mixed-content-resource", '{"test":"data","value":123}', "application/json")
    return _result(_text("Multiple content types test:"), _image(), inside)


async def test_error_handling() -> CallToolResult:
    """A tool error."""
    raise ToolError("This tool intentionally returns an error for testing")


# What happens meanwhile


async def test_tool_with_logging(ctx: Ctx) -> CallToolResult:
    """Three lines of log; they are gone from the protocol in 2027."""
    for line in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await ctx.info(line)  # pyright: ignore[reportDeprecated]  # older clients still have it
        await anyio.sleep(0.05)
    return _result(_text("logged"))


async def test_logging_tool(ctx: Ctx) -> CallToolResult:
    """Logs, though nobody may have asked for it."""
    return await test_tool_with_logging(ctx)


async def test_tool_with_progress(ctx: Ctx) -> CallToolResult:
    """Three words of progress."""
    for done in (0, 50, 100):
        await ctx.report_progress(done, 100)
        await anyio.sleep(0.05)
    return _result(_text("done"))


async def test_trigger_tool_change(ctx: Ctx) -> CallToolResult:
    """The list of tools is said to have changed."""
    await ctx.notify_tools_changed()
    return _result(_text("told"))


async def test_trigger_prompt_change(ctx: Ctx) -> CallToolResult:
    """The list of prompts is said to have changed."""
    await ctx.notify_prompts_changed()
    return _result(_text("told"))


# What asks the client, in the older era


async def test_sampling(prompt: str, ctx: Ctx) -> CallToolResult:
    """Its model."""
    message = SamplingMessage(role="user", content=_text(prompt))
    request = CreateMessageRequest(params=CreateMessageRequestParams(messages=[message], max_tokens=100))
    answer = await ctx.session.send_request(request, CreateMessageResult, metadata=_on_this_stream(ctx))
    return _result(_text(f"LLM response: {answer.content.text if answer.content.type == 'text' else ''}"))


async def test_elicitation(message: str, ctx: Ctx) -> CallToolResult:
    """Its person."""
    return await _elicited(ctx, message, required=["username", "email"], username=_STRING, email=_STRING)


async def test_elicitation_sep1034_defaults(ctx: Ctx) -> CallToolResult:
    """Its person, with answers filled in."""
    return await _elicited(
        ctx,
        "Please look at the defaults",
        name={"type": "string", "default": "John Doe"},
        age={"type": "integer", "default": 30},
        score={"type": "number", "default": 95.5},
        status={"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        verified={"type": "boolean", "default": True},
    )


async def test_elicitation_sep1330_enums(ctx: Ctx) -> CallToolResult:
    """Its person, who chooses in five ways."""
    plain = ["option1", "option2", "option3"]
    titled = [{"const": f"value{n}", "title": f"{nth} Option"} for n, nth in enumerate(("First", "Second", "Third"), 1)]
    return await _elicited(
        ctx,
        "Please choose",
        untitledSingle={"type": "string", "enum": plain},
        titledSingle={"type": "string", "oneOf": titled},
        legacyEnum={
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        untitledMulti={"type": "array", "items": {"type": "string", "enum": plain}},
        titledMulti={"type": "array", "items": {"anyOf": titled}},
    )


_STRING = {"type": "string"}


async def _elicited(ctx: Ctx, message: str, *, required: list[str] | None = None, **properties: Any) -> CallToolResult:
    schema = {"type": "object", "properties": properties, "required": required or []}
    request = ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))
    answer = await ctx.session.send_request(request, ElicitResult, metadata=_on_this_stream(ctx))
    return _result(_text(f"Elicitation completed: action={answer.action}, content={json.dumps(answer.content)}"))


def _on_this_stream(ctx: Ctx) -> ServerMessageMetadata:
    return ServerMessageMetadata(related_request_id=ctx.request_id)


async def test_missing_capability(ctx: Ctx) -> CallToolResult:
    """Cannot do without the client's model."""
    able = ctx.client_capabilities
    if able is None or able.sampling is None:
        needed: dict[str, Any] = {"requiredCapabilities": {"sampling": {}}}
        raise MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, "Missing required client capability", needed)
    return _result(_text("it can"))


# Schemas


async def json_schema_2020_12_tool(arguments: dict[str, Any]) -> CallToolResult:
    """Tool with JSON Schema 2020-12 features"""
    return _result(_text(json.dumps(arguments)))


async def test_headers(region: str) -> CallToolResult:
    """One argument stands in a header too."""
    return _result(_text(region))


_SCHEMA_2020_12: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": _STRING, "city": _STRING},
        }
    },
    "properties": {
        "name": _STRING,
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": _STRING,
        "email": _STRING,
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}

_PLAIN: list[Callable[..., Awaitable[CallToolResult]]] = [
    test_simple_text,
    test_image_content,
    test_audio_content,
    test_embedded_resource,
    test_multiple_content_types,
    test_error_handling,
    test_tool_with_logging,
    test_logging_tool,
    test_tool_with_progress,
    test_trigger_tool_change,
    test_trigger_prompt_change,
    test_sampling,
    test_elicitation,
    test_elicitation_sep1034_defaults,
    test_elicitation_sep1330_enums,
    test_missing_capability,
]


def fixture_tools() -> list[Tool]:
    """All of them."""
    of_schema = Tool.from_function(json_schema_2020_12_tool, structured_output=False)
    of_schema.parameters = _SCHEMA_2020_12
    with_header = Tool.from_function(test_headers, structured_output=False)
    with_header.parameters = {
        "type": "object",
        "properties": {"region": {"type": "string", "x-mcp-header": "Region"}},
    }
    return [*(Tool.from_function(tool, structured_output=False) for tool in _PLAIN), of_schema, with_header]


# Resources and prompts


def add_resources(server: MCPServer[Any]) -> None:
    """One of text, one of bytes, one of a template."""

    @server.resource("test://static-text", name="text", description="Text.")
    async def text() -> str:  # pyright: ignore[reportUnusedFunction]  # the decorator keeps it
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", name="binary", description="Bytes.", mime_type="image/png")
    async def binary() -> bytes:  # pyright: ignore[reportUnusedFunction]  # the decorator keeps it
        return PNG

    @server.resource("test://template/{id}/data", name="template", mime_type="application/json")
    async def template(id: str) -> str:  # pyright: ignore[reportUnusedFunction]  # the decorator keeps it
        return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


async def test_simple_prompt() -> str:
    """No arguments."""
    return "This is a simple prompt for testing."


async def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
    """Two arguments."""
    return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"


async def test_prompt_with_embedded_resource(resourceUri: str) -> list[UserMessage]:
    """A resource inside."""
    inside = _embedded(resourceUri, "Embedded resource content for testing.")
    return [UserMessage(inside), UserMessage("Please process the embedded resource above.")]


async def test_prompt_with_image() -> list[UserMessage]:
    """A picture inside."""
    return [UserMessage(_image()), UserMessage("Please analyze the image above.")]


FIXTURE_PROMPTS: list[Callable[..., Awaitable[Any]]] = [
    test_simple_prompt,
    test_prompt_with_arguments,
    test_prompt_with_embedded_resource,
    test_prompt_with_image,
]


async def set_level(_ctx: object, _params: SetLevelRequestParams) -> EmptyResult:
    """How much the older era wants to hear."""
    return EmptyResult()
