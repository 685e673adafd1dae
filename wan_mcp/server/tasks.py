"""The tasks extension `io.modelcontextprotocol/tasks` (SEP-2663): a client that declares it gets, from
`create_video`, a durable task instead of a result, and asks for it until it ends.

`Tasks` is the wire and knows no videos. `VideoTasks` is the ledger seen as such tasks: every id is one of ours, so
a task outlives this process. Nothing is stored here that a restart must not lose.
Source: https://modelcontextprotocol.github.io/ext-tasks/specification/2026-07-28/tasks.html
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from mcp import MCPError
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.extension import Extension, MethodBinding
from mcp.shared.inbound import decode_header_value
from mcp.types import (
    HEADER_MISMATCH,
    INTERNAL_ERROR,
    INVALID_PARAMS,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    CallToolRequestParams,
    CallToolResult,
    RequestParams,
)
from pydantic import Field

from wan_mcp.domain.errors import UnknownTask, WanError
from wan_mcp.domain.film import FILM, FilmStatus
from wan_mcp.domain.language import say
from wan_mcp.domain.task import Status
from wan_mcp.server import film_views, views
from wan_mcp.server.callers import caller
from wan_mcp.server.film_tools import shown as film_shown
from wan_mcp.server.tools import Service, shown
from wan_mcp.service.report import FilmReport, Report

logger = logging.getLogger(__name__)

TASKS = "io.modelcontextprotocol/tasks"
_DEFINED_FOR = frozenset({"2026-07-28"})
"""The protocol's versions that have the extension; older ones had another, never finished one."""

Context = ServerRequestContext[Any, Any]
Wire = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class TaskState:
    """One task as the extension knows it."""

    id: str
    status: Literal["working", "input_required", "completed", "failed", "cancelled"]
    created_at: datetime
    updated_at: datetime
    poll_seconds: float
    message: str = ""
    result: CallToolResult | None = None
    """Of a completed task; a tool's own error is one too."""
    error: Wire | None = None
    """Of a failed task: the JSON-RPC error that ended it."""
    input_requests: Wire | None = None
    """Of a task that waits for its client's answers."""


class TaskBook(Protocol):
    """Where tasks are kept: the ledger, or the jobs of the conformance suite's fixtures."""

    async def get(self, task_id: str) -> TaskState:
        """Return a task of the present caller, or raise `UnknownTask`."""
        ...

    async def cancel(self, task_id: str) -> None:
        """End a task if that is still possible."""
        ...

    async def answer(self, task_id: str, responses: Mapping[str, Any]) -> None:
        """Take a client's answers; what nobody asked for is ignored."""
        ...


class _OfTask(RequestParams):
    task_id: str


class _Answers(_OfTask):
    input_responses: dict[str, Any] = Field(default_factory=dict[str, Any])


def declares_tasks(ctx: Context) -> bool:
    """Has this request's client declared the extension? It says so anew with every request."""
    capabilities = ctx.session.client_capabilities
    extensions = capabilities.extensions if capabilities else None
    return ctx.protocol_version in _DEFINED_FOR and TASKS in (extensions or {})


def undeclared() -> MCPError:
    """What a client hears that uses the extension without having declared it."""
    return MCPError(
        MISSING_REQUIRED_CLIENT_CAPABILITY,
        "Missing required client capability",
        {"requiredCapabilities": {"extensions": {TASKS: {}}}},
    )


class Tasks(Extension):
    """The extension over a book of tasks. `tools` are those whose results name a task of it."""

    identifier = TASKS

    def __init__(self, book: TaskBook, *, tools: frozenset[str]) -> None:
        self._book = book
        self._tools = tools

    def methods(self) -> Sequence[MethodBinding]:
        """Serve get, update and cancel."""
        return [
            MethodBinding("tasks/get", _OfTask, self._get, _DEFINED_FOR),
            MethodBinding("tasks/update", _Answers, self._update, _DEFINED_FOR),
            MethodBinding("tasks/cancel", _OfTask, self._cancel, _DEFINED_FOR),
        ]

    async def intercept_tool_call(
        self, params: CallToolRequestParams, ctx: Context, call_next: CallNext
    ) -> HandlerResult:
        """Let the tool do all of its work, then show its task instead of its result.

        A tool error and a question to the person pass through: no task exists then.
        """
        result = await call_next(ctx)
        if params.name not in self._tools or not declares_tasks(ctx):
            return result
        if not isinstance(result, CallToolResult) or result.is_error:
            return result
        told: Wire = result.structured_content or {}
        task_id = told.get("task_id") or told.get("film_id")
        if task_id is None:
            return result
        try:
            task = await self._book.get(task_id)
        except WanError as error:
            logger.warning("%s", error)
            return result  # which says all there is to say
        return _wire(task, "task") if task.status in ("working", "input_required") else result

    async def _get(self, ctx: Context, params: _OfTask) -> HandlerResult:
        return _wire(await self._load(ctx, params.task_id), "complete")

    async def _update(self, ctx: Context, params: _Answers) -> HandlerResult:
        await self._load(ctx, params.task_id)
        await self._book.answer(params.task_id, params.input_responses)
        return {}

    async def _cancel(self, ctx: Context, params: _OfTask) -> HandlerResult:
        await self._load(ctx, params.task_id)
        await self._book.cancel(params.task_id)
        return {}

    async def _load(self, ctx: Context, task_id: str) -> TaskState:
        if not declares_tasks(ctx):
            raise undeclared()
        _refuse_another_name(ctx, task_id)
        try:
            return await self._book.get(task_id)
        except UnknownTask as error:
            raise MCPError(INVALID_PARAMS, error.words) from error
        except WanError as error:
            raise MCPError(INTERNAL_ERROR, error.words) from error


def _refuse_another_name(ctx: Context, task_id: str) -> None:
    """Over HTTP, proxies route by the header `Mcp-Name`: it may not name another task than the body does.

    The SDK checks it for methods of the core only. A missing one is tolerated: fastmcp-tasks 4.1 sends none.
    """
    name = ctx.request.headers.get("mcp-name") if ctx.request is not None else None
    if name is not None and decode_header_value(name) != task_id:
        raise MCPError(HEADER_MISMATCH, "The header Mcp-Name and params.taskId name different tasks")


def _wire(task: TaskState, result_type: Literal["task", "complete"]) -> Wire:
    told = _plain(task) if result_type == "task" else detailed(task)
    return {"resultType": result_type, **told}


def detailed(task: TaskState) -> Wire:
    """A task with its outcome: what `tasks/get` answers and `notifications/tasks` tells."""
    return _plain(task) | _outcome(task)


def _plain(task: TaskState) -> Wire:
    wire: Wire = {
        "taskId": task.id,
        "status": task.status,
        "createdAt": _iso(task.created_at),
        "lastUpdatedAt": _iso(task.updated_at),
        "ttlMs": None,  # nothing is ever removed from a ledger
        "pollIntervalMs": round(task.poll_seconds * 1000),
    }
    if task.message:
        wire["statusMessage"] = task.message
    return wire


def _outcome(task: TaskState) -> Wire:
    if task.result is not None:
        return {"result": task.result.model_dump(by_alias=True, mode="json", exclude_none=True)}
    if task.error is not None:
        return {"error": task.error}
    return {"inputRequests": task.input_requests} if task.input_requests else {}


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


class VideoTasks:
    """The ledger as a book of tasks."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._cancels: dict[str, str] = {}
        """What an attempt to cancel came to, where it came to nothing; told while the task goes on."""

    async def get(self, task_id: str) -> TaskState:
        """Return one of the caller's tasks, by our own id only: reading must adopt nothing."""
        report = await self._report(task_id)
        if _is_settled(report):
            self._cancels.pop(task_id, None)
        cancel = self._cancels.get(task_id)
        return _state(report, cancel) if isinstance(report, Report) else _film_state(report, cancel)

    async def cancel(self, task_id: str) -> None:
        """Cancel it while nothing of it has started; otherwise it goes on, and says so."""
        if _is_settled(await self._report(task_id)):
            return
        videos = await self._service()
        cancel = videos.films.cancel if task_id.startswith(FILM) else videos.cancel
        try:
            await cancel(task_id, caller=caller())
        except WanError as error:
            logger.info("%s: %s", task_id, error)
            self._cancels[task_id] = error.what

    async def answer(self, task_id: str, responses: Mapping[str, Any]) -> None:
        """Ignore them: everything is asked before a task exists."""

    async def _report(self, task_id: str) -> Report | FilmReport:
        if not task_id.startswith(("vid_", FILM)):
            raise UnknownTask(say("There is no task {task_id!r} here; create_video names them.", task_id=task_id[:80]))
        videos = await self._service()
        if task_id.startswith(FILM):
            return await videos.films.get(task_id, caller=caller())
        return await videos.get(task_id, caller=caller())


def _is_settled(report: Report | FilmReport) -> bool:
    return report.task.is_settled if isinstance(report, Report) else report.is_settled


def _progress(words: str, cancel: str | None) -> str:
    return say("{progress}. Not cancelled: {why}", progress=words, why=cancel) if cancel else words


def _state(report: Report, cancel: str | None) -> TaskState:
    task = report.task
    status, result = _ended(report)
    return TaskState(
        id=task.id,
        status=status,
        created_at=task.asked_at,
        updated_at=task.since,
        poll_seconds=views.next_poll(report),
        message=_progress(views.progress_words(report), cancel),
        result=result,
    )


def _ended(report: Report) -> tuple[Literal["working", "completed", "cancelled"], CallToolResult | None]:
    """Never `failed`: the specification keeps that for JSON-RPC errors, and a video that DashScope could not
    make is a tool's error. So is one that was paid for and lost: it ended, and there is no video.
    """
    task = report.task
    if not task.is_settled:
        return "working", None
    if task.status is Status.CANCELED:
        return "cancelled", None
    result = shown(report)
    return "completed", result if task.is_saved else result.model_copy(update={"is_error": True})


def _film_state(report: FilmReport, cancel: str | None) -> TaskState:
    """A film is one task. One that needs its caller has ended for this protocol: it goes on by a tool call only."""
    film = report.film
    status: Literal["working", "completed", "cancelled"] = "working"
    result = None
    if report.status is FilmStatus.CANCELED:
        status = "cancelled"
    elif report.is_settled:
        told = film_shown(report)
        is_made = report.status is FilmStatus.SUCCEEDED
        status, result = "completed", told if is_made else told.model_copy(update={"is_error": True})
    return TaskState(
        id=film.id,
        status=status,
        created_at=film.asked_at,
        updated_at=max(film.since, *(take.since for shot in report.shots for take in shot.takes)),
        poll_seconds=film_views.next_poll(report),
        message=_progress(film_views.progress_words(report), cancel),
        result=result,
    )


def video_tasks(book: VideoTasks) -> Tasks:
    """The extension over the ledger."""
    return Tasks(book, tools=frozenset({"create_video", "create_film"}))
