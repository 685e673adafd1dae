"""A thin server that has everything the suite asks for: our server class, our tasks extension and our subscriptions,
over the suite's own tools, prompts and resources."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from mcp.server.mcpserver.prompts import Prompt
from mcp.server.mcpserver.tools import Tool
from mcp.types import Completion, SetLevelRequestParams

from tests.e2e.conformance import fixtures
from tests.e2e.conformance.jobs import JobBook, job_tools
from tests.e2e.conformance.questions import QUESTION_TOOLS, test_input_required_result_prompt
from wan_mcp.domain.errors import LedgerUnusable
from wan_mcp.server.app import CACHE, WanServer
from wan_mcp.server.subscriptions import News, Subscriptions, subscribers_of
from wan_mcp.server.tasks import Tasks
from wan_mcp.service.videos import Videos


@asynccontextmanager
async def profile() -> AsyncGenerator[WanServer]:
    """Build it; its jobs end with this."""
    async with anyio.create_task_group() as running:
        yield _profile(JobBook(running))
        running.cancel_scope.cancel()


def _profile(book: JobBook) -> WanServer:
    jobs = job_tools(book)
    news = News(_no_service)
    server = WanServer(
        "wan-mcp-profile",
        version="0",
        tools=[
            *fixtures.fixture_tools(),
            *(Tool.from_function(tool, structured_output=False) for tool in (*jobs, *QUESTION_TOOLS)),
        ],
        extensions=[Tasks(book, tools=frozenset(job.__name__ for job in jobs))],  # pyright: ignore[reportAttributeAccessIssue]  # functions
        log_level="CRITICAL",
        cache_hints=CACHE,
        subscriptions=news,
        lifespan=subscribers_of(news),
        middleware=[Subscriptions(news)],
    )
    fixtures.add_resources(server)
    for prompt in (*fixtures.FIXTURE_PROMPTS, test_input_required_result_prompt):
        server.add_prompt(Prompt.from_function(prompt))
    server.completion()(_complete)
    # The one fixture that MCPServer has no door for: its makers keep logging for clients of the older era only.
    server._lowlevel_server.add_request_handler("logging/setLevel", SetLevelRequestParams, fixtures.set_level)  # pyright: ignore[reportPrivateUsage]
    return server


async def _complete(*_asked: Any) -> Completion:
    return Completion(values=[])


async def _no_service() -> Videos:
    raise LedgerUnusable("There is no ledger here.")
