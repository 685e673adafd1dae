"""Completions: what a person who fills in a prompt or an address is offered."""

from collections.abc import Iterable
from typing import Any

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
                return await _task_ids(service, argument.value)
            case "film_id":
                return await _film_ids(service, argument.value)
            case "size":
                return _beginning(argument.value.replace("x", "*"), WAN25_T2V.all_sizes)
            case "model":
                return _beginning(argument.value, MODELS)
            case _:
                return None


async def _task_ids(service: Service, prefix: str) -> Completion:
    try:
        videos = await service()
        ids = await videos.ids(prefix, limit=_MOST + 1, caller=caller())
    except WanError:  # the tools say it in words; here there is nothing to offer
        ids = []
    return Completion(values=ids[:_MOST], has_more=len(ids) > _MOST)


async def _film_ids(service: Service, prefix: str) -> Completion:
    try:
        ids = await (await service()).films.ids(prefix, limit=_MOST + 1, caller=caller())
    except WanError:
        ids = []
    return Completion(values=ids[:_MOST], has_more=len(ids) > _MOST)


def _beginning(prefix: str, words: Iterable[str]) -> Completion:
    return Completion(values=[word for word in words if word.startswith(prefix)])
