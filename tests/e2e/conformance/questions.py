"""Tools and a prompt that ask before they answer: the suite's `input-required-result-*` scenarios (SEP-2322)."""

from collections.abc import Awaitable, Callable
from typing import Any

from mcp.server.mcpserver import Context
from mcp.types import (
    CallToolResult,
    CreateMessageRequest,
    CreateMessageRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    InputRequests,
    InputRequiredResult,
    ListRootsRequest,
    SamplingMessage,
    TextContent,
)

Ctx = Context[Any, Any]
Answer = CallToolResult | InputRequiredResult


def form(message: str, **properties: str) -> dict[str, Any]:
    """A question with these fields, each by its JSON type, as it stands on the wire."""
    schema = {
        "type": "object",
        "properties": {name: {"type": kind} for name, kind in properties.items()},
        "required": list(properties),
    }
    return {
        "method": "elicitation/create",
        "params": {"mode": "form", "message": message, "requestedSchema": schema},
    }


def _elicit(message: str, **properties: str) -> ElicitRequest:
    params = form(message, **properties)["params"]
    return ElicitRequest(params=ElicitRequestFormParams.model_validate(params))


def name_form(message: str) -> ElicitRequest:
    """A question for a name."""
    return _elicit(message, name="string")


def _sample(text: str) -> CreateMessageRequest:
    message = SamplingMessage(role="user", content=TextContent(type="text", text=text))
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=[message], max_tokens=100))


def _said(text: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=text)])


def _ask(requests: InputRequests, state: str | None = None) -> InputRequiredResult:
    return InputRequiredResult(input_requests=requests, request_state=state)


def _answer(ctx: Ctx, name: str) -> Any:
    return (ctx.input_responses or {}).get(name)


def content_of(ctx: Ctx, name: str, field: str) -> Any:
    """One field of a form; `None` where the form did not come, or is none."""
    content: dict[str, Any] = getattr(_answer(ctx, name), "content", None) or {}
    return content.get(field)


async def test_input_required_result_elicitation(ctx: Ctx) -> Answer:
    """Asks for a name, as often as none comes."""
    name = content_of(ctx, "user_name", "name")
    return _said(f"Hello, {name}!") if name else _ask({"user_name": name_form("What is your name?")})


async def test_input_required_result_sampling(ctx: Ctx) -> Answer:
    """Asks the client's model."""
    answer = _answer(ctx, "capital_question")
    if answer is None:
        return _ask({"capital_question": _sample("What is the capital of France?")})
    return _said(f"It said: {answer.content.text}")


async def test_input_required_result_list_roots(ctx: Ctx) -> Answer:
    """Asks for the client's folders."""
    answer = _answer(ctx, "client_roots")
    if answer is None:
        return _ask({"client_roots": ListRootsRequest()})
    return _said(f"Roots: {', '.join(str(root.uri) for root in answer.roots)}")


async def test_input_required_result_request_state(ctx: Ctx) -> Answer:
    """Remembers by what the client hands back."""
    if _answer(ctx, "confirm") is None:
        return _ask({"confirm": _elicit("Please confirm", ok="boolean")}, "asked")
    return _said("state-ok" if ctx.request_state == "asked" else "state-lost")


async def test_input_required_result_tampered_state(ctx: Ctx) -> Answer:
    """The SDK seals what is handed out, so what was changed never arrives here."""
    return await test_input_required_result_request_state(ctx)


async def test_input_required_result_multiple_inputs(ctx: Ctx) -> Answer:
    """Asks for three things at once."""
    if {"user_name", "greeting", "client_roots"} <= (ctx.input_responses or {}).keys():
        return _said("all three came")
    return _ask(
        {
            "user_name": name_form("What is your name?"),
            "greeting": _sample("Generate a greeting"),
            "client_roots": ListRootsRequest(),
        },
        "asked",
    )


async def test_input_required_result_multi_round(ctx: Ctx) -> Answer:
    """Asks, and asks again."""
    if ctx.request_state == "second" and (color := content_of(ctx, "step2", "color")):
        return _said(f"Likes {color}.")
    if ctx.request_state == "first" and content_of(ctx, "step1", "name"):
        return _ask({"step2": _elicit("Step 2: What is your favorite color?", color="string")}, "second")
    return _ask({"step1": name_form("Step 1: What is your name?")}, "first")


async def test_input_required_result_capabilities(ctx: Ctx) -> Answer:
    """Asks only for what the client can do."""
    able = ctx.client_capabilities
    requests: InputRequests = {}
    if able is not None and able.sampling is not None:
        requests["greeting"] = _sample("Generate a greeting")
    if able is not None and able.elicitation is not None:
        requests["user_name"] = name_form("What is your name?")
    return _ask(requests) if requests and not ctx.input_responses else _said("nothing to ask for")


async def test_streaming_elicitation(ctx: Ctx) -> Answer:
    """The same question, looked at as a stream."""
    return await test_input_required_result_elicitation(ctx)


async def test_input_required_result_prompt(ctx: Ctx) -> str | InputRequiredResult:
    """A prompt that asks."""
    context = content_of(ctx, "user_context", "context")
    if context is None:
        return _ask({"user_context": _elicit("What context should the prompt use?", context="string")})
    return f"Use this context: {context}"


QUESTION_TOOLS: list[Callable[..., Awaitable[Answer]]] = [
    test_input_required_result_elicitation,
    test_input_required_result_sampling,
    test_input_required_result_list_roots,
    test_input_required_result_request_state,
    test_input_required_result_tampered_state,
    test_input_required_result_multiple_inputs,
    test_input_required_result_multi_round,
    test_input_required_result_capabilities,
    test_streaming_elicitation,
]
