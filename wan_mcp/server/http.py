"""Serving over HTTP: listen, and stop within five seconds with nothing lost.

Uvicorn alone waits for every open request, and `subscriptions/listen` never ends; told to be quick, it cancels
tasks in a way that no shield of ours survives. So the requests are ended here, before it is told to stop.
"""

import errno
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from functools import partial

import anyio
import uvicorn

from wan_mcp.adapters.jwks import Jwks
from wan_mcp.adapters.tokens import TokensFile
from wan_mcp.domain.errors import BadSettings
from wan_mcp.domain.language import say
from wan_mcp.server.bearers import Bearers
from wan_mcp.server.calls import Calls
from wan_mcp.server.door import Door, is_public, names_of, refuse_an_open_door, url_of
from wan_mcp.server.endpoints import build_app
from wan_mcp.server.oauth import Issuer
from wan_mcp.server.opening import Opening
from wan_mcp.server.requests import NamesOnly, OpenRequests
from wan_mcp.server.transports import STILL_SUBMITTING, log_to_stderr
from wan_mcp.service.composition import open_service
from wan_mcp.settings import Settings

logger = logging.getLogger(__name__)

_TO_END = 1.0
"""Seconds for calls that are about to end, and again for what is cancelled."""
_TO_ANSWER = 0.5
"""Seconds for answers that are ready."""
_LAST_MOMENT = 4.0
"""Seconds for submissions that are on their way; one that takes longer is found again at the next start."""


def serve_http(door: Door, settings: Settings, *, on_ready: Callable[[str], None]) -> None:
    """Serve until a signal comes; `on_ready` is called with the URL. Does not return.

    Raises:
        BadSettings: it may not or cannot listen there, or the callers cannot be told apart.
    """
    log_to_stderr(settings.log_level)
    logger.setLevel(min(logging.INFO, logging.getLogger().level))  # where it listens is always told
    code = anyio.run(_serve_until_told, door, settings, on_ready)
    os._exit(code)  # a thread or a client that hangs must not hold it up


async def _serve_until_told(door: Door, settings: Settings, on_ready: Callable[[str], None]) -> int:
    with _told_to_stop() as told:
        async with _served(door, settings) as (url, opening):
            logger.info("MCP is served at %s", url)
            on_ready(url)
            code = 0 if await told() == signal.SIGTERM else 130
            _end_at_the_latest(code, opening)
    return code


@contextmanager
def _told_to_stop() -> Generator[Callable[[], Awaitable[int | None]]]:
    """Heard from before the first request on: whoever reads the URL may already say that it is enough."""
    # Windows has no such receiver, and only a main thread gets signals: there KeyboardInterrupt comes by itself.
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        yield anyio.sleep_forever
        return
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        yield aiter(signals).__anext__


def _end_at_the_latest(code: int, opening: Opening) -> None:
    def leave(*_: object) -> None:
        if opening.is_submitting:
            logger.warning(STILL_SUBMITTING)
        os._exit(code)

    def give_up() -> None:
        logger.warning("It did not stop within %g seconds", _LAST_MOMENT)
        leave()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, leave)  # who asks twice does not want to wait
    watchdog = threading.Timer(_LAST_MOMENT, give_up)
    watchdog.daemon = True
    watchdog.start()


@asynccontextmanager
async def serving(door: Door, settings: Settings) -> AsyncGenerator[str]:
    """Serve in the running loop; yields the URL of the endpoint, with the port that was free where it was 0.

    On leaving, every submission that is on its way is seen to its end; `serve_http` has not so much patience.

    Raises:
        BadSettings: as `serve_http`.
    """
    async with _served(door, settings) as (url, _):
        yield url


@asynccontextmanager
async def _served(door: Door, settings: Settings) -> AsyncGenerator[tuple[str, Opening]]:
    refuse_an_open_door(door, settings)
    file = TokensFile(settings.tokens_file, currency=settings.region.currency) if settings.tokens_file else None
    with _listening(door) as listener:
        port = listener.getsockname()[1]
        url = url_of(door, port=port)
        async with _issuer(settings, url) as issuer:
            bearers = Bearers(file=file, issuer=issuer)
            asked = bearers if file or issuer else None
            opening = Opening(partial(open_service, settings, rights=bearers.rights))
            calls, is_for_others = Calls(), is_public(door, settings)
            app, mcp = build_app(opening, door, bearers=asked, resource=url, is_public=is_for_others, calls=calls)
            requests = OpenRequests(NamesOnly(app, names_of(door, settings, port=port)))
            async with anyio.create_task_group() as background:
                background.start_soon(opening.run)
                server = _Uvicorn(requests, listener)
                background.start_soon(server.run_until_stopped)
                await server.is_listening.wait()
                try:
                    yield url, opening
                finally:
                    # What ends first needs nothing of what ends later: a submission needs the ledger to the end.
                    with anyio.CancelScope(shield=True):
                        requests.close()
                        opening.hurry()
                        mcp.end_subscriptions()  # who listens is told, and need not guess why the stream ends
                        await opening.at_rest()
                        await calls.end(grace=_TO_END)
                        await opening.at_rest()  # of a call that was still waiting for the service, above
                        await requests.end(grace=_TO_ANSWER)
                        server.should_exit = True
                        await server.has_stopped.wait()
                    background.cancel_scope.cancel()


class _Uvicorn(uvicorn.Server):
    """Uvicorn, which says when it listens and when it has stopped, and leaves signals alone."""

    def __init__(self, app: OpenRequests, listener: socket.socket) -> None:
        super().__init__(
            uvicorn.Config(
                app, log_config=None, access_log=False, server_header=False, ws="none", timeout_graceful_shutdown=1
            )
        )
        self.is_listening = anyio.Event()
        self.has_stopped = anyio.Event()
        self._listener = listener

    async def run_until_stopped(self) -> None:
        """Serve until `should_exit`."""
        try:
            await self.serve([self._listener])
        finally:
            self.is_listening.set()
            self.has_stopped.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        self.is_listening.set()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Signals are `serve_http`'s."""
        yield


@contextmanager
def _listening(door: Door) -> Generator[socket.socket]:
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            door.host, door.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise _cannot_listen(door, error) from error
    with socket.socket(family, kind) as listener:
        try:
            if sys.platform != "win32":  # there it would let two servers share a port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen()
        except OSError as error:
            raise _cannot_listen(door, error) from error
        yield listener


def _cannot_listen(door: Door, error: OSError) -> BadSettings:
    is_taken = error.errno == errno.EADDRINUSE
    return BadSettings(
        say(
            "Nobody can listen on {host} port {port}: {reason}.",
            host=door.host,
            port=door.port,
            reason=error.strerror or error,
        ),
        next_step=say("Another --port may be free.") if is_taken else say("Check --host and --port."),
    )


@asynccontextmanager
async def _issuer(settings: Settings, url: str) -> AsyncGenerator[Issuer | None]:
    if settings.oauth_issuer is None:
        yield None
        return
    keys = Jwks(settings.oauth_issuer, url=settings.oauth_jwks_url, is_local=settings.is_issuer_local)
    try:
        yield Issuer(settings.oauth_issuer, audience=settings.oauth_audience or url, keys=keys)
    finally:
        with anyio.CancelScope(shield=True):
            await keys.aclose()
