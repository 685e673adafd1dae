"""Where HTTP clients find the server, and by which names: loopback only, unless callers are asked who they are."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from wan_mcp.domain.errors import BadSettings
from wan_mcp.domain.language import say
from wan_mcp.settings import Settings, is_loopback

Transport = Literal["streamable-http", "sse"]
PATHS: dict[Transport, str] = {"streamable-http": "/mcp", "sse": "/sse"}

Name = tuple[str, int | None]
"""A host name and its port; `None` is any port."""
Origin = tuple[str, str, int | None]
"""A scheme, a host name and its port; `None` is any port."""

_OURSELVES = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, kw_only=True)
class Door:
    """What the command line says about it."""

    transport: Transport
    host: str
    port: int
    public_url: str | None = None
    """Under what URL the world reaches it, where a proxy stands before it; without the path of the endpoint."""

    @property
    def path(self) -> str:
        """Where MCP is spoken."""
        return PATHS[self.transport]


@dataclass(frozen=True, kw_only=True)
class Names:
    """The `Host` and `Origin` headers that are answered.

    A page in a person's browser can make any name lead to 127.0.0.1 and then call what listens there; it cannot
    choose these two headers. https://modelcontextprotocol.io/specification/2026-07-28/basic/transports
    """

    hosts: frozenset[Name]
    origins: frozenset[Origin]

    def know_host(self, header: str | None) -> bool:
        """Is this server meant?"""
        name, port = _host(header or "")
        return bool(name) and bool({(name, port), (name, None)} & self.hosts)

    def know_origin(self, header: str | None) -> bool:
        """May a page of this origin call? Whatever is not a browser sends none."""
        if header is None:
            return True
        scheme, name, port = _origin(header)
        return bool({(scheme, name, port), (scheme, name, None)} & self.origins)


def names_of(door: Door, settings: Settings, *, port: int) -> Names:
    """Gather every name under which the server may be reached."""
    public = [urlsplit(door.public_url).netloc] if door.public_url else []
    bound = [] if door.host in ("0.0.0.0", "::") else [_netloc(door.host, port)]  # noqa: S104 - to be told apart
    ours: set[Name] = {(name, None) for name in _OURSELVES}
    pages: set[Origin] = {("http", name, None) for name in _OURSELVES}
    own_page = [door.public_url] if door.public_url else []
    return Names(
        hosts=frozenset(ours | {_host(name) for name in (*settings.allowed_hosts, *public, *bound)}),
        origins=frozenset(pages | {_origin(origin) for origin in (*settings.allowed_origins, *own_page)}),
    )


def is_public(door: Door, settings: Settings) -> bool:
    """Can others than this machine's users get at it: by its address, or through a proxy that has a name?"""
    named = [_host(name)[0] for name in settings.allowed_hosts]
    return not all(is_loopback(host) for host in (door.host, *named, *_public_host(door)))


def refuse_an_open_door(door: Door, settings: Settings) -> None:
    """Everybody who gets in spends the person's money.

    Raises:
        BadSettings: others could call, and nobody would ask them who they are; or `--public-url` is no such thing.
    """
    if door.public_url is not None and not _is_url(door.public_url):
        raise BadSettings(
            say(
                "--public-url {url!r} is not a URL such as https://video.example.com.",
                url=door.public_url[:80],
            ),
            next_step=say("Give it without the path {path} and without a query.", path=door.path),
        )
    if is_public(door, settings) and settings.tokens_file is None and settings.oauth_issuer is None:
        raise BadSettings(
            say(
                "With {setting} others than this machine could call, and whoever calls spends your money. "
                "Without tokens or OAuth it does not start.",
                setting=_what_opens(door),
            ),
            next_step=say(
                "Set WAN_MCP_TOKENS_FILE (`wan-mcp token NAME` makes an entry) or "
                "WAN_MCP_OAUTH_ISSUER; or serve on 127.0.0.1, without --public-url and "
                "WAN_MCP_ALLOWED_HOSTS."
            ),
        )


def _what_opens(door: Door) -> str:
    """Which word of the person's brings others here."""
    if not is_loopback(door.host):
        return f"--host {door.host}"
    if not all(map(is_loopback, _public_host(door))):
        return f"--public-url {door.public_url}"
    return "WAN_MCP_ALLOWED_HOSTS"


def url_of(door: Door, *, port: int) -> str:
    """Return the URL of the endpoint, as clients are to write it."""
    return (door.public_url or f"http://{_netloc(door.host, port)}").rstrip("/") + door.path


def _netloc(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _public_host(door: Door) -> Iterable[str | None]:
    return [urlsplit(door.public_url).hostname] if door.public_url else []


def _is_url(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(_host(parts.netloc)[0]) and not (parts.query or parts.fragment)


def _host(header: str) -> Name:
    """Read `name:port`, `name` or `[::1]:port`; what cannot be read has no name, which nobody knows."""
    try:
        parts = urlsplit(f"//{header}")
        is_plain = parts.netloc == header and parts.username is None
        return (parts.hostname or "", parts.port) if is_plain else ("", None)
    except ValueError:
        return ("", None)


def _origin(header: str) -> Origin:
    scheme, _, rest = header.partition("://")
    return (scheme.lower(), *_host(rest.partition("/")[0]))
