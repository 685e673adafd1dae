"""The calls that are open: each is answered before a server over HTTP stops, and none holds it up."""

from typing import Any

import anyio
from mcp import MCPError
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.types import INTERNAL_ERROR

from wan_mcp.domain.language import say


class Calls:
    """A middleware that knows them.

    What is left to the SDK's sessions of the older era is cancelled when their streams are gone already: it waits a
    second for each answer that nobody takes, says so in the log, and a call that asks the person holds it up for good.
    """

    def __init__(self) -> None:
        self._open: set[anyio.CancelScope] = set()
        self._all_ended = anyio.Event()

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Answer one; a call that came to no end in time is told so."""
        with anyio.CancelScope() as until_we_stop:
            self._open.add(until_we_stop)
            try:
                return await call_next(ctx)
            finally:
                self._open.discard(until_we_stop)
                if not self._open:
                    self._all_ended.set()
        raise MCPError(
            INTERNAL_ERROR, say("wan-mcp is stopping. Once it is back, list_video_tasks shows what came of this call.")
        )

    async def end(self, *, grace: float) -> None:
        """Let those that are about to end do so for `grace` seconds, cancel the rest, and see them to their end."""
        await self._end_within(grace)
        for call in self._open:
            call.cancel()
        await self._end_within(grace)

    async def _end_within(self, seconds: float) -> None:
        with anyio.move_on_after(seconds):
            while self._open:
                self._all_ended = anyio.Event()
                await self._all_ended.wait()
