"""Opening the service when it is first wanted, or a moment after start: not before the first answer.

A host waits for `tools/list`, and the service brings httpx, SQLite and pydantic-settings with it. What goes
wrong while opening is told by every tool that needs the service, and tried again by the next, or after a while.
"""

import logging
import math
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

import anyio

from wan_mcp.domain.errors import BadSettings, Unforeseen, WanError
from wan_mcp.domain.language import say

if TYPE_CHECKING:  # the import is what is to be put off
    from wan_mcp.service.videos import Videos

logger = logging.getLogger(__name__)

_A_MOMENT = 1.0
"""Seconds after which it is opened unasked: open tasks of an earlier run want to be watched."""

_A_WHILE = 60.0
"""Seconds after which what could not be opened, or broke down, is tried again unasked, for the same reason."""


class Opening:
    """The service of this process, opened in the background by `run`."""

    def __init__(self, opener: Callable[[], "AbstractAsyncContextManager[Videos]"]) -> None:
        self._opener = opener
        self._wanted = anyio.Event()
        self._outcome: Videos | WanError | None = None
        self._answered = anyio.Event()
        self._is_in_a_hurry = False

    async def run(self) -> None:
        """Open, and keep open for ever."""
        with anyio.move_on_after(_A_MOMENT):
            await self._wanted.wait()
        while True:
            pause = _A_WHILE
            try:
                async with self._opener() as videos:
                    self._answer(videos)
                    await anyio.sleep_forever()
            except WanError as error:
                logger.error("%s", error.words)
                if isinstance(error, BadSettings):
                    pause = math.inf  # they stay as they are
                self._wanted = anyio.Event()
                self._answer(error)
            except Exception as error:  # the top of this process's work: nobody may be left waiting for an answer
                logger.exception("The service failed in a way nobody foresaw")
                self._wanted = anyio.Event()
                self._answer(_unforeseen(error))
            with anyio.move_on_after(pause):
                await self._wanted.wait()

    async def __call__(self) -> "Videos":
        """Return the service, opened now if it is not yet.

        Raises:
            WanError: it cannot be opened.
        """
        if isinstance(self._outcome, WanError):
            self._outcome, self._answered = None, anyio.Event()
        self._wanted.set()
        await self._answered.wait()
        if self._outcome is None or isinstance(self._outcome, WanError):
            raise self._outcome or RuntimeError("the service answered with nothing")
        return self._outcome

    def hurry(self) -> None:
        """Answer whoever waits for a task or a film as it stands: nobody listens for long any more."""
        self._is_in_a_hurry = True
        if self._outcome is not None and not isinstance(self._outcome, WanError):
            self._outcome.attending.end_waits()

    async def at_rest(self) -> None:
        """Send nothing more from the queue, and return once no submission is on its way."""
        if self._outcome is not None and not isinstance(self._outcome, WanError):
            await self._outcome.sending.at_rest()

    @property
    def is_submitting(self) -> bool:
        """Is a submission on its way, whoever asked for it?"""
        outcome = self._outcome
        return outcome is not None and not isinstance(outcome, WanError) and outcome.sending.is_submitting

    def _answer(self, outcome: "Videos | WanError") -> None:
        self._outcome = outcome
        if self._is_in_a_hurry:
            self.hurry()
        self._answered.set()


def _unforeseen(error: Exception) -> Unforeseen:
    return Unforeseen(
        say("wan-mcp cannot work: {kind}; its log on stderr says more.", kind=type(error).__name__),
        next_step=say("The person can run `wan-mcp doctor`, or start the server again."),
    )
