"""The player: the card in which hosts with MCP Apps (`io.modelcontextprotocol/ui`) show a video, from order to playing.

The card is `player.html`, read when a host asks for it. It sees what the tools' results say, and what is added to
them here for clients that declare the extension; everybody else is told the same in text.
Source: https://github.com/modelcontextprotocol/ext-apps/blob/main/specification/2026-01-26/apps.mdx (SEP-1865)
"""

import base64
import hashlib
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio
from mcp.server.apps import APP_MIME_TYPE, Apps, client_supports_apps
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver.resources import FunctionResource
from mcp.types import CallToolRequestParams, CallToolResult

from wan_mcp import __version__
from wan_mcp.domain.errors import WanError
from wan_mcp.server import links, money_views, views
from wan_mcp.server.callers import caller
from wan_mcp.server.worded import Service

if TYPE_CHECKING:  # importing the service costs more than the server's whole start may
    from wan_mcp.service.videos import Videos

logger = logging.getLogger(__name__)

BUCKETS = "https://*.aliyuncs.com"
"""Where DashScope keeps results: in buckets of several names and regions, all of this domain, as in `downloads`."""
FOR_THE_CARD = "wan-mcp/player"
"""The key in `_meta` of a result under which the card finds what a model need not read."""

FILE = Path(__file__).with_name("player.html")
"""Read when it is asked for."""


class Player(Apps):
    """The extension: the card, and what results carry for it. The tools name the card themselves."""

    def __init__(self, service: Service) -> None:
        super().__init__()
        self._service = service
        self._card = FunctionResource(
            uri=links.PLAYER,
            name="player",
            title="Video player",
            description="The card in which a host shows a video while it is made, and plays it.",
            mime_type=APP_MIME_TYPE,
            meta=_wishes(BUCKETS),
            fn=self._read,
        )
        self.add_resource(self._card)

    async def _read(self) -> str:
        """The page; what it may load stands in it and, for the host, beside it."""
        source = await self._source()
        self._card.meta = _wishes(source)
        return page(await anyio.Path(FILE).read_text(encoding="utf-8"), source)

    async def _source(self) -> str:
        """Where videos come from: the buckets, or a simulator on this machine and nothing else."""
        try:
            settings = (await self._service()).settings
        except WanError:  # every tool says so in words, and the card shows them
            return BUCKETS
        root = urlsplit(settings.api_root)
        return f"{root.scheme}://{root.netloc}" if settings.is_local else BUCKETS

    async def intercept_tool_call(
        self, params: CallToolRequestParams, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        """Add to a result that tells of a video or a film what was asked for, and where the budget stands."""
        result = await call_next(ctx)
        if not isinstance(result, CallToolResult) or not client_supports_apps(ctx):
            return result
        shown: dict[str, Any] = result.structured_content or {}
        if not shown.keys() & {"task_id", "film_id"}:
            return result
        try:
            videos = await self._service()
            asked = await (_of_video if "task_id" in shown else _of_film)(videos, shown)
            account = await videos.spending.account(caller=caller())
        except WanError as error:
            logger.warning("%s", error)
            return result  # which says all that is needed
        told = asked | {"budget": money_views.budget(account)}
        return result.model_copy(update={"meta": {**(result.meta or {}), FOR_THE_CARD: told}})


async def _of_video(videos: "Videos", shown: dict[str, Any]) -> dict[str, Any]:
    """The whole prompt. A shot is a video too, though its result names the film."""
    return {"prompt": (await videos.get(shown["task_id"], caller=caller())).task.request.prompt}


async def _of_film(videos: "Videos", shown: dict[str, Any]) -> dict[str, Any]:
    """The whole title, and the beginning of each shot's prompt: sixty are sent with every look."""
    script = (await videos.films.get(shown["film_id"], caller=caller())).film.script
    numbers = range(1, len(script.shots) + 1)
    return {"prompt": script.title, "shots": [views.cut(script.own_prompt(number), 80) for number in numbers]}


def _wishes(source: str) -> dict[str, Any]:
    """What the host is asked for: media from `source`, and a frame around the card."""
    return {"ui": {"csp": {"resourceDomains": [source]}, "prefersBorder": True}}


def page(html: str, source: str) -> str:
    """Return the card with its version and its own policy filled in.

    A host's policy allows scripts and styles from wherever it allows videos; this one allows the page's own only.
    """
    html = html.replace("VERSION", __version__)
    policy = (
        f"default-src 'none'; script-src {_own(html, 'script')}; style-src {_own(html, 'style')}; "
        f"media-src {source} data: blob:; base-uri 'none'; form-action 'none'"
    )
    return html.replace("POLICY", policy)


def _own(html: str, element: str) -> str:
    """The source expression for the one such element of the page: https://www.w3.org/TR/CSP3/#grammardef-hash-source"""
    [text] = re.findall(rf"<{element}>(.*?)</{element}>", html, re.DOTALL)
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
