"""Completions: what a person who fills in a prompt or an address is offered."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from mcp.server import MCPServer
from mcp.types import (
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
)

from wan_mcp.domain.catalogue import MODELS, WAN25_T2V
from wan_mcp.domain.errors import WanError
from wan_mcp.server.callers import caller
from wan_mcp.server.tools import Service

if TYPE_CHECKING:  # importing the service costs more than the server's whole start may
    from wan_mcp.service.films import Films
    from wan_mcp.service.videos import Videos

_MOST = 100
"""The protocol allows no more."""


def add_completions(server: MCPServer[Any], service: Service) -> None:
    """Publish them."""

    @server.completion()
    async def complete(  # pyright: ignore[reportUnusedFunction]  # the decorator keeps it
        _ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        _context: CompletionContext | None,
    ) -> Completion | None:
        match argument.name:
            case "task_id":
                return await _ids(service, argument.value, lambda videos: videos)
            case "film_id":
                return await _ids(service, argument.value, lambda videos: videos.films)
            case "size":
                return _beginning(argument.value.replace("x", "*"), WAN25_T2V.all_sizes)
            case "model":
                return _beginning(argument.value, MODELS)
            case _:
                return None


async def _ids(service: Service, prefix: str, of: Callable[["Videos"], "Videos | Films"]) -> Completion:
    try:
        ids = await of(await service()).ids(prefix, limit=_MOST + 1, caller=caller())
    except WanError:  # the tools say it in words; here there is nothing to offer
        ids = []
    return Completion(values=ids[:_MOST], has_more=len(ids) > _MOST)


def _beginning(prefix: str, words: Iterable[str]) -> Completion:
    return Completion(values=[word for word in words if word.startswith(prefix)])
