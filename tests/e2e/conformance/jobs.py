"""Jobs that the suite's `tasks-*` scenarios start: a second book of tasks behind our tasks extension."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import anyio
from anyio.abc import TaskGroup
from mcp import MCPError
from mcp.server.mcpserver import Context
from mcp.types import INTERNAL_ERROR, CallToolResult, InputRequiredResult, TextContent

from tests.e2e.conformance.questions import content_of, form, name_form
from wan_mcp.domain.errors import UnknownTask
from wan_mcp.server.tasks import TASKS, TaskState, undeclared

LONGEST_SYNCHRONOUS = 2.0


@dataclass
class Job:
    """One job under way, or over."""

    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    status: Literal["working", "input_required", "completed", "failed", "cancelled"] = "working"
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    result: CallToolResult | None = None
    error: dict[str, Any] | None = None
    questions: dict[str, Any] = field(default_factory=dict[str, Any])
    answers: dict[str, Any] = field(default_factory=dict[str, Any])
    answered: anyio.Event = field(default_factory=anyio.Event)

    async def ask(self, **questions: Any) -> dict[str, Any]:
        """Wait until the client has answered all of them."""
        self.questions = {f"{name}-{secrets.token_hex(4)}": question for name, question in questions.items()}
        self.status = "input_required"
        await self.answered.wait()
        self.status = "working"
        return self.answers

    def state(self) -> TaskState:
        """What the extension is to show."""
        return TaskState(
            id=self.id,
            status=self.status,
            created_at=self.created_at,
            updated_at=datetime.now(UTC),
            poll_seconds=0.2,
            result=self.result,
            error=self.error,
            input_requests=dict(self.questions) if self.status == "input_required" else None,
        )


Work = Callable[[Job], Awaitable[CallToolResult]]


class JobBook:
    """All jobs of this server."""

    def __init__(self, running: TaskGroup) -> None:
        self._running = running
        self._jobs: dict[str, Job] = {}

    def start(self, work: Work) -> CallToolResult:
        """Begin a job, and return what its tool answers: the handle, which the extension shows as a task."""
        job = Job()
        self._jobs[job.id] = job
        self._running.start_soon(self._run, job, work)
        return CallToolResult(content=[], structured_content={"task_id": job.id})

    async def _run(self, job: Job, work: Work) -> None:
        with job.scope:
            try:
                job.result = await work(job)
                job.status = "completed"
            except MCPError as error:
                job.error = {"code": error.code, "message": error.message}
                job.status = "failed"
        if job.scope.cancelled_caught:
            job.status = "cancelled"

    def _find(self, task_id: str) -> Job:
        if task_id not in self._jobs:
            raise UnknownTask(f"There is no job {task_id[:80]!r}.")
        return self._jobs[task_id]

    async def get(self, task_id: str) -> TaskState:
        """Show one."""
        return self._find(task_id).state()

    async def cancel(self, task_id: str) -> None:
        """End one."""
        self._find(task_id).scope.cancel()

    async def answer(self, task_id: str, responses: Mapping[str, Any]) -> None:
        """Take the answers to questions that are open; more may be open after it."""
        job = self._find(task_id)
        for key in responses.keys() & job.questions.keys():
            del job.questions[key]
            job.answers[key] = responses[key]
        if job.status == "input_required" and not job.questions:
            job.answered.set()


def said(text: str, *, is_error: bool = False) -> CallToolResult:
    """Words as a result."""
    return CallToolResult(content=[TextContent(type="text", text=text)], is_error=is_error)


def declares_tasks(ctx: Context[Any, Any]) -> bool:
    """Has this client declared the extension?"""
    capabilities = ctx.client_capabilities
    return bool(capabilities and TASKS in (capabilities.extensions or {}))


def job_tools(book: JobBook) -> list[Callable[..., Awaitable[CallToolResult | InputRequiredResult]]]:
    """The tools that start jobs."""

    async def greet(name: str) -> CallToolResult:
        """Is over at once."""
        return said(f"Hello, {name}!")

    async def slow_compute(ctx: Context[Any, Any], seconds: float = 0, label: str = "") -> CallToolResult:
        """Takes its time."""

        async def work(_job: Job) -> CallToolResult:
            await anyio.sleep(seconds)
            return said(f"computed {label}")

        if seconds and declares_tasks(ctx):
            return book.start(work)
        await anyio.sleep(min(seconds, LONGEST_SYNCHRONOUS))
        return said(f"computed {label}")

    async def failing_job(ctx: Context[Any, Any]) -> CallToolResult:
        """Fails as tools fail; only for clients that know tasks."""

        async def work(_job: Job) -> CallToolResult:
            await anyio.sleep(1)
            return said("the job failed", is_error=True)

        if not declares_tasks(ctx):
            raise undeclared()
        return book.start(work)

    async def protocol_error_job() -> CallToolResult:
        """Fails as requests fail."""

        async def work(_job: Job) -> CallToolResult:
            raise MCPError(INTERNAL_ERROR, "the job broke")

        return book.start(work)

    async def confirm_delete(filename: str = "") -> CallToolResult:
        """Asks one question on the way."""

        async def work(job: Job) -> CallToolResult:
            return said(f"answered: {await job.ask(confirm=form(f'Delete {filename}?', confirm='boolean'))}")

        return book.start(work)

    async def multi_input() -> CallToolResult:
        """Asks two at once."""

        async def work(job: Job) -> CallToolResult:
            answers = await job.ask(name=form("Name?", name="string"), sure=form("Sure?", sure="boolean"))
            return said(f"answered: {answers}")

        return book.start(work)

    async def test_tool_with_task(ctx: Context[Any, Any]) -> CallToolResult | InputRequiredResult:
        """Asks first, and becomes a task then."""
        name = content_of(ctx, "user_name", "name")
        if name is None:
            return InputRequiredResult(input_requests={"user_name": name_form("What is your name?")})

        async def work(_job: Job) -> CallToolResult:
            return said(f"Hello, {name}!")

        return book.start(work)

    return [greet, slow_compute, failing_job, protocol_error_job, confirm_delete, multi_input, test_tool_with_task]
