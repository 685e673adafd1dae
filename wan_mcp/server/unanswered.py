"""What a client has asked over stdin and stdout and has no answer to yet, so that the end of its questions is not the
end of our answers. The SDK would cancel every call at the end of stdin, and say nothing.
"""

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

import anyio
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCError, JSONRPCNotification, JSONRPCRequest, JSONRPCResponse, RequestId

if TYPE_CHECKING:  # their module is the SDK's own affair
    from mcp.shared._stream_protocols import ReadStream, WriteStream

LAST_ANSWERS = 3.5
"""Seconds after the last question: a host waits for our end, and five seconds are all that it has to."""
_ENDLESS = "subscriptions/listen"


class Unanswered:
    """The open requests of one client."""

    def __init__(self) -> None:
        self._ids: set[RequestId] = set()
        self._all_answered = anyio.Event()

    def note_asked(self, message: SessionMessage | Exception) -> None:
        """Take note of what the client sent. What has no end and what it gave up are not waited for."""
        match message:
            case SessionMessage(message=JSONRPCRequest(id=number, method=method)) if method != _ENDLESS:
                self._ids.add(number)
            case SessionMessage(message=JSONRPCNotification(method="notifications/cancelled", params=params)):
                self._drop((params or {}).get("requestId"))
            case _:
                pass

    def note_answered(self, message: SessionMessage) -> None:
        """Take note of what the client was sent."""
        if isinstance(message.message, JSONRPCResponse | JSONRPCError):
            self._drop(message.message.id)

    async def all_answered(self) -> None:
        """Return once there is no open request left."""
        while self._ids:
            self._all_answered = anyio.Event()
            await self._all_answered.wait()

    def _drop(self, number: RequestId | None) -> None:
        if number is not None:
            self._ids.discard(number)
        if not self._ids:
            self._all_answered.set()


class Questions:
    """What comes from a client; it ends once everything is answered, or `LAST_ANSWERS` after its last message."""

    def __init__(
        self, inner: "ReadStream[SessionMessage | Exception]", unanswered: Unanswered, at_the_end: Callable[[], None]
    ) -> None:
        """`at_the_end` is called when the last message has come."""
        self._inner = inner
        self._unanswered = unanswered
        self._at_the_end = at_the_end
        self._has_ended = False

    async def receive(self) -> SessionMessage | Exception:
        """Return the next message.

        Raises:
            EndOfStream: there is none any more.
        """
        try:
            message = await self._inner.receive()
        except anyio.EndOfStream:
            if not self._has_ended:  # the SDK may ask again
                self._has_ended = True
                self._at_the_end()
            with anyio.move_on_after(LAST_ANSWERS):
                await self._unanswered.all_answered()
            raise
        self._unanswered.note_asked(message)
        return message

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def aclose(self) -> None:
        """Take no more."""
        await self._inner.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        await self.aclose()


class Answers:
    """What goes to a client."""

    def __init__(self, inner: "WriteStream[SessionMessage]", unanswered: Unanswered) -> None:
        self._inner = inner
        self._unanswered = unanswered

    async def send(self, item: SessionMessage, /) -> None:
        """Send one message."""
        await self._inner.send(item)
        self._unanswered.note_answered(item)

    async def aclose(self) -> None:
        """Send no more."""
        await self._inner.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        await self.aclose()
