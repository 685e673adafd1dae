"""The real client on the simulator, a real ledger file, a clock turned by hand, and an audit after every test."""

import gc
import ipaddress
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from tests.audit import audit
from wan_mcp.domain.language import speak
from wan_mcp.service.clock import Clock
from wan_mcp.service.composition import open_service
from wan_mcp.service.videos import Videos
from wan_mcp.settings import Settings
from wan_mcp.simulator import Simulator, serving

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
"""Noon in Beijing, far from midnight in most places."""
KEY = "sk-0123456789abcdef0123456789abcdef"

gc.disable()  # while hundreds of modules are imported: none of that is garbage

_LOOPBACK = ("127.", "::1", "localhost")


def _refuse_the_network(event: str, arguments: tuple[Any, ...]) -> None:
    """No test can reach the network, and none can spend."""
    if event == "socket.connect" or (event == "socket.getaddrinfo" and not _is_number(arguments[0])):
        address: object = arguments[1] if event == "socket.connect" else arguments[0]
        host = address[0] if isinstance(address, tuple) else address  # pyright: ignore[reportUnknownVariableType]  # an audit event carries what the caller gave
        if isinstance(host, bytes):
            host = host.decode()
        if isinstance(host, str) and host and not host.startswith((*_LOOPBACK, "/")):
            raise RuntimeError(f"a test wanted to reach {host}")


def _is_number(host: object) -> bool:
    """Nobody is asked what the address of an address is."""
    try:
        return bool(ipaddress.ip_address(str(host)))
    except ValueError:
        return False


sys.addaudithook(_refuse_the_network)


class HandClock(Clock):
    """A clock that goes only when it is turned, or when somebody sleeps by it."""

    def __init__(self) -> None:
        self.time = NOON
        self.while_asleep: Callable[[], Awaitable[None]] | None = None
        """What the rest of the world does while somebody sleeps."""

    def now(self) -> datetime:
        return self.time

    def turn(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.time += timedelta(seconds=seconds)

    def ticks(self) -> float:
        return self.now().timestamp()

    async def hold(self, seconds: float) -> None:
        self.turn(seconds)
        await anyio.lowlevel.checkpoint()

    async def sleep(self, seconds: float) -> None:
        self.turn(seconds)
        with anyio.CancelScope(shield=True):
            if self.while_asleep is not None:
                await self.while_asleep()
        await anyio.lowlevel.checkpoint()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The MCP SDK runs on asyncio."""
    return "asyncio"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the machine's own settings, home, language or proxies reaches a test."""
    import os

    for name in list(os.environ):
        if name.startswith(("WAN_MCP_", "DASHSCOPE_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home" / "data"))


@pytest.fixture
def chinese() -> Generator[None]:
    """Speak Chinese for one test."""
    speak("zh")
    yield
    speak("en")


@pytest.fixture
def clock() -> HandClock:
    """Noon, until somebody turns it."""
    return HandClock()


@pytest.fixture
def simulator(clock: HandClock) -> Simulator:
    """DashScope, in the same time as the test. Its videos are a packaged clip: drawing takes a second."""
    return Simulator(now=clock.now, media="clip", run_delay=8, run_time=60)


@pytest.fixture(scope="session")
def short_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a second of video: what is joined by the dozen is encoded by the dozen."""
    from tests.movies import make_movie

    return make_movie(tmp_path_factory.mktemp("clip") / "short.mp4", seconds=0.5, signal_at=0.1, sound=0.5)


@pytest.fixture
async def url(simulator: Simulator) -> AsyncGenerator[str]:
    """Where the simulator listens."""
    async with serving(simulator) as address:
        yield address


@pytest.fixture
def settings(url: str, tmp_path: Path) -> Settings:
    """Settings that lead to the simulator."""
    return made(url, tmp_path)


def made(url: str, folder: Path, **more: Any) -> Settings:
    """Settings for a simulator and a folder; `more` by the names of the environment."""
    values: Mapping[str, Any] = {
        "DASHSCOPE_API_KEY": KEY,
        "DASHSCOPE_HTTP_BASE_URL": f"{url}/api/v1",
        "WAN_MCP_LEDGER": folder / "ledger" / "ledger.db",
        "WAN_MCP_OUTPUT_DIR": folder / "videos",
        "WAN_MCP_POLL_INTERVAL": 30,
        **more,
    }
    return Settings(**values)


@asynccontextmanager
async def opened(
    settings: Settings, clock: HandClock, *, stamping: bool = False, **more: Any
) -> AsyncGenerator[Videos]:
    """The service in time turned by hand: the watcher takes a turn whenever somebody sleeps."""
    async with open_service(settings, clock=clock, watching=False, stamping=stamping, **more) as videos:
        clock.while_asleep = videos.watcher.turn
        yield videos
        clock.while_asleep = None


@pytest.fixture
async def videos(settings: Settings, clock: HandClock) -> AsyncGenerator[Videos]:
    """The service, opened."""
    async with opened(settings, clock) as service:
        yield service


@pytest.fixture(autouse=True)
def the_ledger_is_audited(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[None]:
    """After every test that had a ledger, every cent is accounted for."""
    simulator: Simulator | None = request.getfixturevalue("simulator") if "simulator" in request.fixturenames else None
    yield
    audit(list(tmp_path.rglob("ledger.db")), simulator)


def pytest_configure() -> None:
    """How long an example takes is the machine's business, not a property of ours."""
    import hypothesis

    hypothesis.settings.register_profile("in no hurry", deadline=None)
    hypothesis.settings.load_profile("in no hurry")


def pytest_collection_finish() -> None:
    """What is there now stays to the end, and need never be searched for garbage."""
    gc.freeze()
    gc.enable()


def pytest_addoption(parser: pytest.Parser) -> None:
    """How a deliberate change of words is taken over."""
    parser.addoption("--renew-snapshots", action="store_true", help="write tests/snapshots/ anew")
