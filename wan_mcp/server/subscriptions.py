"""Telling clients that a task has changed: `subscriptions/listen`, and in the older era `resources/subscribe`.

The watcher's news goes straight to whoever listens; nothing here polls, and nothing is kept alive by it. `MCPServer`
serves no `resources/subscribe` of its own, though hosts of the older era (VS Code, the Inspector) ask for it, and
its `subscriptions/listen` knows no `notifications/tasks`, which the tasks extension adds.
Sources: https://modelcontextprotocol.io/specification/2026-07-28/basic/utilities/subscriptions and
.../2025-11-25/server/resources#subscriptions; of the extension, `tasks.py` names it.
"""

import logging
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, cast

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup
from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.session import ServerSession
from mcp.server.subscriptions import ResourceUpdated, ServerEvent
from mcp.types import (
    INVALID_PARAMS,
    EmptyResult,
    Notification,
    RequestId,
    ResourceUpdatedNotification,
    ServerNotification,
    SubscribeRequestParams,
    SubscriptionsAcknowledgedNotification,
)

from wan_mcp.domain.errors import UnknownTask, WanError
from wan_mcp.domain.film import FILM
from wan_mcp.server.callers import caller
from wan_mcp.server.links import film_uri, task_uri
from wan_mcp.server.tasks import TaskBook, declares_tasks, detailed, undeclared

if TYPE_CHECKING:  # the service is imported when it is opened
    from wan_mcp.service.videos import Videos

logger = logging.getLogger(__name__)

_PATIENCE = 5.0
"""Seconds that a client may take to read one notification before it is passed over."""
_MOST = 1024
"""Subscriptions of the older era that are remembered of one caller; nobody says when such a client is gone."""

Context = ServerRequestContext[Any, Any]
Listener = Callable[[ServerEvent], None]


class News:
    """The SDK's bus of events, fed with changed tasks by the watcher of whatever service was opened."""

    def __init__(self, service: Callable[[], Awaitable["Videos"]]) -> None:
        self._service = service
        self._listeners: dict[object, Listener] = {}

    async def service(self) -> "Videos":
        """Return the service, and hear its news from now on."""
        videos = await self._service()
        videos.attending.changes.listen(self.changed)
        return videos

    def changed(self, task_id: str) -> None:
        """Tell everybody who listens to this task."""
        self._tell(ResourceUpdated(uri=task_uri(task_id)))

    async def publish(self, event: ServerEvent) -> None:
        """Tell an event of the SDK's own."""
        self._tell(event)
        await anyio.lowlevel.checkpoint()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Tell `listener` every event until the returned function is called."""
        token = object()
        self._listeners[token] = listener
        return lambda: self._listeners.pop(token, None) and None

    def _tell(self, event: ServerEvent) -> None:
        for listener in list(self._listeners.values()):
            listener(event)


class Subscribers:
    """Clients of the older era, each by the tasks that it subscribed to."""

    def __init__(self, telling: TaskGroup) -> None:
        """In `telling` each client is told for itself: one that does not read holds up nobody else."""
        self._telling = telling
        self._sessions = defaultdict[str, dict[tuple[str, int], ServerSession]](dict)
        self._untold: dict[int, dict[str, ServerSession]] = {}
        """Of each client that is being told something: what it is to hear yet, in this order, each once."""

    def add(self, uri: str, session: ServerSession) -> None:
        """Tell this client when `uri` changes."""
        of_caller = self._sessions[caller()]
        of_caller[uri, _client(session)] = session
        if len(of_caller) > _MOST:
            del of_caller[next(iter(of_caller))]

    def remove(self, uri: str, session: ServerSession) -> None:
        """Tell it no more."""
        self._sessions[caller()].pop((uri, _client(session)), None)

    def heard(self, event: ServerEvent) -> None:
        """Have everybody concerned told; a word that finds no room is lost, and the next one says the same."""
        if not isinstance(event, ResourceUpdated):
            return
        told = (one for of_caller in self._sessions.values() for one in of_caller.items())
        for (uri, client), session in told:
            if uri != event.uri:
                continue
            if client not in self._untold:
                self._untold[client] = {uri: session}
                self._telling.start_soon(self._tell, client)
            elif len(self._untold[client]) < _MOST:
                self._untold[client][uri] = session

    async def _tell(self, client: int) -> None:
        """One word after the other."""
        untold = self._untold[client]
        while untold:
            uri = next(iter(untold))
            session = untold.pop(uri)
            with anyio.move_on_after(_PATIENCE):
                await session.send_resource_updated(uri)
        del self._untold[client]


def _client(session: ServerSession) -> int:
    """A session object lives as long as one request; what the client said in its handshake, as long as the client."""
    return id(session.client_params)


def subscribers_of(news: News) -> Callable[[MCPServer[Subscribers]], Any]:
    """A lifespan of the server in which clients of the older era hear the news."""

    @asynccontextmanager
    async def lifespan(_server: MCPServer[Subscribers]) -> AsyncGenerator[Subscribers]:
        async with anyio.create_task_group() as telling:
            subscribers = Subscribers(telling)
            unsubscribe = news.subscribe(subscribers.heard)
            try:
                yield subscribers
            finally:
                unsubscribe()
            telling.cancel_scope.cancel()

    return lifespan


class Subscriptions:
    """The middleware that lets news through to clients of both eras."""

    def __init__(self, news: News, book: TaskBook | None = None) -> None:
        """`book` has the tasks of `notifications/tasks`; without it nobody is told of any."""
        self._news = news
        self._book = book

    async def __call__(self, ctx: Context, call_next: CallNext) -> HandlerResult:
        """Answer what is about subscriptions; everything else passes."""
        match ctx.method:
            case "subscriptions/listen":
                return await call_next(await self._only_what_may_be_read(await self._with_tasks(ctx)))
            case "initialize":
                return _saying_so(await call_next(ctx))
            case "resources/subscribe" if _is_older(ctx):
                if await self._may_be_read(uri := _uri(ctx)):
                    ctx.lifespan_context.add(uri, ctx.session)
                return EmptyResult()
            case "resources/unsubscribe" if _is_older(ctx):
                ctx.lifespan_context.remove(_uri(ctx), ctx.session)
                return EmptyResult()
            case _:
                pass
        return await call_next(ctx)

    async def _with_tasks(self, ctx: Context) -> Context:
        """For the SDK, a client that listens to tasks listens to their resources."""
        asked = _tasks_wanted(ctx)
        if not asked or self._book is None:
            return ctx
        tasks = {task_uri(task_id): task_id for task_id in asked if await self._is_known(task_id)}
        wanted = _wanted(ctx)
        uris: object = wanted.get("resourceSubscriptions") or []
        if not isinstance(uris, list):
            return ctx  # the SDK refuses it
        told = cast(list[object], uris)
        session = _Listening(
            ctx.session, self._book, tasks=tasks, uris=frozenset(uri for uri in told if isinstance(uri, str))
        )
        wanted = {**wanted, "resourceSubscriptions": [*told, *(uri for uri in tasks if uri not in told)]}
        return replace(
            ctx, session=cast(ServerSession, session), params={**(ctx.params or {}), "notifications": wanted}
        )

    async def _is_known(self, task_id: str) -> bool:
        assert self._book is not None
        try:
            await self._book.get(task_id)
        except UnknownTask:
            return False
        except WanError as error:
            logger.warning("%s", error)
        return True

    async def _only_what_may_be_read(self, ctx: Context) -> Context:
        """What is left out is missing in the acknowledgement, which tells the client."""
        wanted = _wanted(ctx)
        uris: object = wanted.get("resourceSubscriptions")
        if not isinstance(uris, list):
            return ctx  # nothing, or what the SDK refuses; so it does with what is no text in the list
        told = cast(list[object], uris)
        readable = [uri for uri in told if not isinstance(uri, str) or await self._may_be_read(uri)]
        wanted = {**wanted, "resourceSubscriptions": readable}
        return replace(ctx, params={**(ctx.params or {}), "notifications": wanted})

    async def _may_be_read(self, uri: str) -> bool:
        """A task's changes are for its caller only; all else never changes, and may be listened to by anybody."""
        try:
            videos = await self._news.service()
            if uri.startswith(task_uri("vid_")):
                await videos.get(uri.removeprefix(task_uri("")), caller=caller())
            elif uri.startswith(film_uri(FILM)):
                await videos.films.get(uri.removeprefix(film_uri("")), caller=caller())
        except UnknownTask:
            return False
        except WanError as error:  # every tool says so in words; once one of them succeeds, the news comes too
            logger.warning("%s", error)
        return True


class _TaskNotification(Notification[dict[str, Any], Literal["notifications/tasks"]]):
    method: Literal["notifications/tasks"] = "notifications/tasks"
    params: dict[str, Any]


class _Listening:
    """The session that the SDK's listen handler writes to: what it says of a task's resource becomes the task itself.

    Each task is told once at the beginning, too: it may have ended between the client's last look and this moment.
    """

    def __init__(
        self, session: ServerSession, book: TaskBook, *, tasks: Mapping[str, str], uris: frozenset[str]
    ) -> None:
        """`tasks` by their resource; `uris` are the resources that the client asked for as such."""
        self._session = session
        self._book = book
        self._tasks = tasks
        self._uris = uris

    async def send_notification(self, notification: ServerNotification, related_request_id: RequestId) -> None:
        """Say it as the client asked to be told."""
        match notification:
            case SubscriptionsAcknowledgedNotification(params=params):
                honored = [uri for uri in params.notifications.resource_subscriptions or [] if uri in self._uris]
                told = {"resource_subscriptions": honored or None, "taskIds": list(self._tasks.values())}
                params = params.model_copy(update={"notifications": params.notifications.model_copy(update=told)})
                notification = notification.model_copy(update={"params": params})
                await self._session.send_notification(notification, related_request_id)
                for task_id in self._tasks.values():
                    await self._tell(task_id, params.meta, related_request_id)
            case ResourceUpdatedNotification(params=params):
                if params.uri in self._uris:
                    await self._session.send_notification(notification, related_request_id)
                if params.uri in self._tasks:
                    await self._tell(self._tasks[params.uri], params.meta, related_request_id)
            case _:
                await self._session.send_notification(notification, related_request_id)

    async def _tell(self, task_id: str, meta: Mapping[str, Any] | None, related_request_id: RequestId) -> None:
        try:
            task = await self._book.get(task_id)
        except WanError as error:
            logger.warning("%s", error)
            return  # the next change tells all that this one would have
        told = _TaskNotification(params={"_meta": dict(meta or {}), **detailed(task)})
        await self._session.send_notification(cast(ServerNotification, told), related_request_id)


def _tasks_wanted(ctx: Context) -> list[str]:
    """The tasks extension: who wants `notifications/tasks` must declare it."""
    asked: object = _wanted(ctx).get("taskIds")
    if asked and not declares_tasks(ctx):
        raise undeclared()
    if asked is None:
        return []
    if not isinstance(asked, list) or not all(isinstance(task_id, str) for task_id in cast(list[object], asked)):
        raise MCPError(INVALID_PARAMS, "notifications.taskIds must be a list of task ids")
    return list(dict.fromkeys(cast(list[str], asked)))


def _wanted(ctx: Context) -> dict[str, Any]:
    wanted: object = (ctx.params or {}).get("notifications")
    return cast(dict[str, Any], wanted) if isinstance(wanted, dict) else {}


def _is_older(ctx: Context) -> bool:
    return ctx.protocol_version < "2026-07-28"


def _uri(ctx: Context) -> str:
    return SubscribeRequestParams.model_validate(ctx.params or {}, by_name=False).uri


def _saying_so(result: HandlerResult) -> HandlerResult:
    """The SDK derives this flag of the handshake from handlers, and a middleware is none."""
    match result:
        case {"capabilities": {"resources": dict()}}:
            result["capabilities"]["resources"]["subscribe"] = True
        case _:  # pragma: no cover - another shape than the SDK's today is better left alone
            pass
    return result
