"""Opening the service late: whoever calls gets an answer, whatever goes wrong."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel
import pytest

from wan_mcp.domain.errors import BadSettings, LedgerUnusable, Unforeseen, WanError
from wan_mcp.server.opening import Opening
from wan_mcp.service.videos import Videos

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("failure", "told"),
    [(LedgerUnusable("The disk is full."), LedgerUnusable), (NameError("a bug"), Unforeseen)],
)
async def test_a_service_that_cannot_be_opened_is_told_and_tried_again(
    failure: Exception, told: type[WanError], videos: Videos
) -> None:
    """A call without an answer is the worst of errors; and a full disk may be emptied."""
    failures = [failure, failure]

    @asynccontextmanager
    async def opener() -> AsyncGenerator[Videos]:
        if failures:
            raise failures.pop()
        yield videos

    opening = Opening(opener)
    async with anyio.create_task_group() as background:
        background.start_soon(opening.run)
        with anyio.fail_after(10):
            for _ in range(2):
                with pytest.raises(told):
                    await opening()
            assert await opening() is videos
        background.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("failure", "opens"),
    [(LedgerUnusable("It is locked."), True), (NameError("a bug"), True), (BadSettings("A proxy is none."), False)],
)
async def test_what_could_not_be_opened_is_tried_again_unasked(
    failure: Exception, opens: bool, videos: Videos, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Open tasks of an earlier run want to be watched, whether or not anybody calls; settings stay as they are."""
    monkeypatch.setattr("wan_mcp.server.opening._A_MOMENT", 0)
    monkeypatch.setattr("wan_mcp.server.opening._A_WHILE", 0)
    failures, opened = [failure], anyio.Event()

    @asynccontextmanager
    async def opener() -> AsyncGenerator[Videos]:
        if failures:
            raise failures.pop()
        opened.set()
        yield videos

    opening = Opening(opener)
    async with anyio.create_task_group() as background:
        background.start_soon(opening.run)
        if not opens:
            with pytest.raises(BadSettings):
                await opening()
            for _ in range(9):
                await anyio.lowlevel.checkpoint()
            assert not opened.is_set()
            assert await opening() is videos
        with anyio.fail_after(10):
            await opened.wait()
        background.cancel_scope.cancel()
