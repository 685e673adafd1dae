"""What every tool of ours is: a small closed schema, arguments as they came, errors that reach a model as our words."""

import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult, ContentBlock, TextContent, ToolAnnotations

from wan_mcp.domain.arguments import show
from wan_mcp.domain.catalogue import Model
from wan_mcp.domain.errors import Declined, InvalidRequest, Unforeseen, WanError
from wan_mcp.domain.language import say
from wan_mcp.server import views
from wan_mcp.service.report import FilmReport, Report

if TYPE_CHECKING:  # importing the service costs more than the server's whole start may
    from wan_mcp.service.videos import Videos

logger = logging.getLogger(__name__)

LONGEST_WAIT, USUAL_WAIT = 45, 30
"""Seconds for which one call waits at the most, and unless it is told otherwise."""

Service = Callable[[], Awaitable["Videos"]]
Raw = dict[str, Any]
Schema = dict[str, Any]
One = TypeVar("One", Report, FilmReport)


class WordedTool(Tool):
    """A tool that takes its arguments as they came, and whose errors reach the model as our words."""

    async def run(self, arguments: Raw, context: "Context[Any, Any]", convert_result: bool = False) -> Any:
        """Run it; the one place where an error becomes words."""
        try:
            return await super().run({"arguments": arguments}, context, convert_result)
        except UnexpectedToolError as failure:
            match failure.__cause__:
                case WanError() as error:
                    return _failed(*views.error(error))
                case cause:
                    incident = secrets.token_hex(4)
                    logger.error("Incident %s in %s", incident, self.name, exc_info=cause)
                    return _failed(*views.error(_unforeseen(incident)))
        except ToolError as failure:  # the SDK's own, and only about the question that comes before everything
            logger.warning("%s: %s", self.name, failure)
            return _failed(*views.error(_unreadable()))


def no_such_tool(name: str, names: Sequence[str]) -> CallToolResult:
    """Say which tools there are."""
    error = InvalidRequest(
        [say("There is no tool {name}.", name=show(name))],
        next_step=say("Call one of these: {names}.", names=", ".join(names)),
    )
    return _failed(*views.error(error))


def _unforeseen(incident: str) -> Unforeseen:
    return Unforeseen(
        say(
            "wan-mcp failed in a way nobody foresaw (incident {incident}; its log on stderr says more).",
            incident=incident,
        ),
        next_step=say("Call list_video_tasks to see what there is before repeating a paid call."),
    )


def _unreadable() -> Declined:
    return Declined(
        say("The client's answer to the question about the price cannot be read. Nothing was sent."),
        next_step=say("Ask the person in words; once they agree, say so with max_cost."),
    )


def _failed(text: str, shown: Raw) -> CallToolResult:
    return CallToolResult(
        content=[TextContent(type="text", text=text)], structured_content=shown or None, is_error=True
    )


def told(text: str, shown: Raw, *more: ContentBlock) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=text), *more], structured_content=shown)


def text(description: str, *, longest: int | None = None) -> Schema:
    limits = {"minLength": 1, "maxLength": longest} if longest else {}
    return {"type": "string", **limits, "description": description}


def one_of(description: str, words: tuple[str, ...], *, default: str | None = None) -> Schema:
    return _described({"type": "string", "enum": list(words)}, description, default)


def integer(description: str, *, low: int, high: int, default: int | None = None) -> Schema:
    return _described({"type": "integer", "minimum": low, "maximum": high}, description, default)


def durations(model: Model, description: str) -> Schema:
    return {
        "type": "integer",
        "enum": list(model.durations),
        "default": model.default_duration,
        "description": description,
    }


def number(description: str) -> Schema:
    return {"type": "number", "minimum": 0, "description": description}


def flag(description: str, *, default: bool) -> Schema:
    return _described({"type": "boolean"}, description, default)


def _described(schema: Schema, description: str, default: object) -> Schema:
    named = schema | ({"description": description} if description else {})
    return named | ({"default": default} if default is not None else {})


def reading(*, open_world: bool) -> ToolAnnotations:
    return ToolAnnotations(
        read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=open_world
    )


def tool(
    run: Callable[..., Awaitable[CallToolResult]],
    *,
    title: str,
    description: str,
    properties: Schema,
    annotations: ToolAnnotations,
    required: list[str] | None = None,
    card: str | None = None,
) -> Tool:
    made = WordedTool.from_function(
        run,
        title=title,
        description=description,
        annotations=annotations,
        structured_output=False,
        # Listed for every client, since a list may not vary by connection; who knows no cards passes it over.
        meta={"ui": {"resourceUri": card}} if card else None,
    )
    made.parameters = {
        "type": "object",
        "properties": properties,
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }
    return made


def progress(ctx: Context[Any, Any], words: Callable[[One], str]) -> Callable[[One], Awaitable[None]]:
    """Honest progress: the seconds so far, of the usual ones while they are not exceeded."""
    last = -1.0

    async def tell(report: One) -> None:
        nonlocal last
        done, usual = round(report.elapsed.total_seconds(), 1), round(report.usual.total_seconds(), 1)
        if done <= last:  # the protocol demands that it grows, and what was QUEUED begins anew once it is sent
            done, usual = round(last + 0.1, 1), -1.0
        last = done
        await ctx.report_progress(done, usual if done <= usual else None, words(report))

    return tell
