"""An OAuth issuer's public keys: found by its metadata, kept for a while, fetched again when a new one is used.

Sources: RFC 8414 §3 and OpenID Connect Discovery §4 (the two places of the metadata), RFC 7517 (the keys).
"""

import logging
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import anyio
import httpx
from pydantic import BaseModel, ValidationError

from wan_mcp.adapters.web import web_client
from wan_mcp.domain.errors import Unavailable
from wan_mcp.domain.language import say

logger = logging.getLogger(__name__)

_TIMEOUT = httpx.Timeout(5.0)
_WHOLE_FETCH = 10.0
_FRESH = 600.0
"""Seconds for which keys are believed; an issuer that takes one back is heard after that."""
_PAUSE = 10.0
"""Seconds between two fetches at least: whoever invents key ids must not make us hammer the issuer."""

Key = dict[str, Any]


class _Metadata(BaseModel):
    issuer: str
    jwks_uri: str


class _Keys(BaseModel):
    keys: list[Key]


class Jwks:
    """The keys of one issuer. Make it inside the event loop that uses it."""

    def __init__(self, issuer: str, *, url: str | None = None, is_local: bool = False, pause: float = _PAUSE) -> None:
        """`url` is where the keys are, where known. `is_local`: the issuer is this machine, so keys may be too."""
        self._pause = pause
        self._issuer = issuer
        self._url = url
        self._is_local = is_local
        self._http = web_client(is_local=is_local, timeout=_TIMEOUT)
        self._keys: list[Key] = []
        self._fetched_at = self._tried_at = float("-inf")
        self._one_at_a_time = anyio.Lock()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def key(self, key_id: str | None) -> Key | None:
        """Return the key of that id; the only key there is, where a token names none.

        Raises:
            Unavailable: there are no keys here, and the issuer does not give any.
        """
        found = self._known(key_id)
        if found is not None and anyio.current_time() - self._fetched_at < _FRESH:
            return found
        try:
            await self._renew()
        except Unavailable as error:
            if found is None:
                raise
            logger.warning("%s The keys of before are believed meanwhile.", error)
        return self._known(key_id)

    def _known(self, key_id: str | None) -> Key | None:
        if key_id is None:
            return self._keys[0] if len(self._keys) == 1 else None
        return next((key for key in self._keys if key.get("kid") == key_id), None)

    async def _renew(self) -> None:
        async with self._one_at_a_time:
            if anyio.current_time() - self._tried_at < self._pause:
                return
            self._tried_at = anyio.current_time()
            try:
                with anyio.fail_after(_WHOLE_FETCH):
                    self._keys = await self._fetch()
            except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValidationError) as error:
                raise Unavailable(
                    say("The keys of {issuer} cannot be had ({kind}).", issuer=self._issuer, kind=type(error).__name__)
                ) from error
            self._fetched_at = anyio.current_time()

    async def _fetch(self) -> list[Key]:
        self._url = self._url or await self._discovered()
        return _Keys.model_validate_json(await self._read(self._url)).keys

    async def _discovered(self) -> str:
        for place in _places(self._issuer):
            try:
                metadata = _Metadata.model_validate_json(await self._read(place))
            except (httpx.HTTPStatusError, ValidationError) as error:
                logger.info("No metadata at %s (%s)", place, type(error).__name__)
                continue
            # RFC 8414 §3.3: metadata of another issuer must not be used.
            if metadata.issuer == self._issuer and self._may_hold_keys(metadata.jwks_uri):
                return metadata.jwks_uri
        raise Unavailable(
            say("{issuer} does not say where its keys are; WAN_MCP_OAUTH_JWKS_URL can.", issuer=self._issuer)
        )

    def _may_hold_keys(self, url: str) -> bool:
        return url.startswith("https://") or (self._is_local and url.startswith("http://"))

    async def _read(self, url: str) -> bytes:
        response = await self._http.get(url, headers={"Accept": "application/json"})
        response.raise_for_status()
        return response.content


def _places(issuer: str) -> tuple[str, str]:
    """Where metadata is looked for: RFC 8414 puts the well-known part before the issuer's path, OpenID behind it."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    return (
        urlunsplit((parts.scheme, parts.netloc, f"/.well-known/oauth-authorization-server{path}", "", "")),
        urlunsplit((parts.scheme, parts.netloc, f"{path}/.well-known/openid-configuration", "", "")),
    )
