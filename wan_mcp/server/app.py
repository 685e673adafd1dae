"""The server: a name, three sentences for the model, and everything that is published under them."""

import sys
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from types import ModuleType
from typing import Any, cast

from mcp.server import MCPServer
from mcp.server.auth.provider import TokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.server.caching import CacheableMethod, CacheHint
from mcp.server.context import ServerMiddleware
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.stdio import stdio_server
from mcp.server.subscriptions import ListenHandler
from mcp.types import CallToolResult, GetPromptResult, InputRequiredResult, Resource, ResourceTemplate

from wan_mcp import __version__
from wan_mcp.server.completions import add_completions
from wan_mcp.server.pipes import standard_pipes
from wan_mcp.server.player import Player
from wan_mcp.server.prompts import add_prompts, refuse_what_it_does_not_take
from wan_mcp.server.resources import JSON, add_resources
from wan_mcp.server.subscriptions import News, Subscribers, Subscriptions, subscribers_of
from wan_mcp.server.tasks import VideoTasks, video_tasks
from wan_mcp.server.tools import Service, build_tools
from wan_mcp.server.unanswered import Answers, Questions, Unanswered
from wan_mcp.server.worded import no_such_tool

INSTRUCTIONS = (
    "wan-mcp makes videos with sound from text (Alibaba Wan 2.5, 5 or 10 s). "
    "Call estimate_cost for the price, create_video (PAID; it answers at once with a task_id), then get_video_task "
    "until the file is saved, which takes 1-5 minutes; create_film and get_film do the same for a film of many shots. "
    "Every video costs money: make one at a time unless asked for more, never repeat create_video because an answer "
    "was slow or lost (look into list_video_tasks instead), and pass max_cost only when the person agreed to the price."
)

_SAME_FOR_ALL = CacheHint(ttl_ms=300_000, scope="public")
"""What is published changes with a release only, and is the same for every caller."""
CACHE: dict[CacheableMethod, CacheHint] = {
    "tools/list": _SAME_FOR_ALL,
    "prompts/list": _SAME_FOR_ALL,
    "resources/list": _SAME_FOR_ALL,
    "resources/templates/list": _SAME_FOR_ALL,
    "server/discover": _SAME_FOR_ALL,
}


class WanServer(MCPServer[Subscribers]):
    """`MCPServer` with some answers put right, and quicker pipes, on which every question is answered."""

    def __init__(
        self, name: str, *, resources: Callable[[MCPServer[Any]], None] = lambda server: None, **options: Any
    ) -> None:
        """`resources` publishes them; that is put off until somebody asks for one: a host waits for `tools/list`."""
        super().__init__(name, **options)
        self._unpublished: Callable[[MCPServer[Any]], None] | None = resources

    def _publish(self) -> None:
        if self._unpublished is not None:
            publish, self._unpublished = self._unpublished, None
            publish(self)

    async def list_resources(self) -> list[Resource]:
        """List those that have one address."""
        self._publish()
        return await super().list_resources()

    async def list_resource_templates(self) -> list[ResourceTemplate]:
        """List those that there are many of."""
        self._publish()
        return await super().list_resource_templates()

    async def run_stdio_async(self, *, at_the_end: Callable[[], None] = lambda: None) -> None:
        """Serve over stdin and stdout of this process; `at_the_end` is called once nothing more is asked, a few
        seconds before this returns where something is unanswered."""
        with standard_pipes() as pipes:
            # All that the SDK asks of its files is what ours do.
            files = cast(tuple[Any, Any], pipes or (None, None))
            async with stdio_server(*files) as (incoming, outgoing):
                unanswered = Unanswered()
                await self._lowlevel_server.run(
                    Questions(incoming, unanswered, at_the_end),
                    Answers(outgoing, unanswered),
                    self._lowlevel_server.create_initialization_options(),
                )

    async def read_resource(
        self, uri: Any, context: Context[Subscribers, Any] | None = None
    ) -> Iterable[ReadResourceContents] | InputRequiredResult:
        """Read a resource; a template has one media type, and a video may be told of in JSON instead."""
        self._publish()
        contents = await super().read_resource(uri, context)
        if isinstance(contents, InputRequiredResult):  # pragma: no cover - none of ours asks anything
            return contents
        return [replace(item, mime_type=JSON) if _is_words_of_a_video(item) else item for item in contents]

    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None, context: Context[Subscribers, Any] | None = None
    ) -> GetPromptResult | InputRequiredResult:
        """Render a prompt; a name or an argument that is wrong is the client's error, not an internal one."""
        refuse_what_it_does_not_take(name, arguments or {}, await self.list_prompts())
        return await super().get_prompt(name, arguments, context)

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Subscribers, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool; of one that there is not the model hears which there are."""
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError:
            names = [tool.name for tool in await self.list_tools()]
            if name in names:  # a tool that is none of ours
                raise
            return no_such_tool(name, names)

    def end_subscriptions(self) -> None:
        """Tell whoever holds a `subscriptions/listen` that it is over, in the protocol's own way: with its result."""
        entry = self._lowlevel_server.get_request_handler("subscriptions/listen")
        if entry is not None and isinstance(entry.handler, ListenHandler):
            entry.handler.close()


def _is_words_of_a_video(item: ReadResourceContents) -> bool:
    return isinstance(item.content, str) and item.mime_type == "video/mp4"


def build_server(
    service: Service,
    *,
    token_verifier: TokenVerifier | None = None,
    auth: AuthSettings | None = None,
    middleware: Sequence[ServerMiddleware[Subscribers]] = (),
) -> WanServer:
    """Build the MCP server over a service; `service` is awaited by the first thing that needs it.

    `token_verifier` and `auth` say who may call over HTTP; `middleware` stands before what is ours.
    """
    news = News(service)
    book = VideoTasks(news.service)
    with _plain_log():
        server = WanServer(
            "wan-mcp",
            resources=partial(add_resources, service=news.service),
            title="Wan video",
            version=__version__,
            instructions=INSTRUCTIONS,
            tools=build_tools(news.service),
            extensions=[video_tasks(book), Player(news.service)],
            log_level="WARNING",
            cache_hints=CACHE,
            subscriptions=news,
            lifespan=subscribers_of(news),
            token_verifier=token_verifier,
            auth=auth,
            middleware=[*middleware, Subscriptions(news, book)],
        )
    add_prompts(server)
    add_completions(server, news.service)
    return server


@contextmanager
def _plain_log() -> Generator[None]:
    """Keep the SDK from importing `rich`, which it does without where there is none: a fortieth of the whole start,
    for the looks of a log that is set up already."""
    drawing = "rich.console"
    if drawing in sys.modules:
        yield
        return
    sys.modules[drawing] = cast(ModuleType, None)  # so an import says that there is no such module
    try:
        yield
    finally:
        del sys.modules[drawing]
