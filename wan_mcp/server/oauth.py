"""Access tokens that an OAuth issuer signed: this server is a resource server and nothing more.

Sources: RFC 9068 (JWT access tokens), RFC 8725 (what to check of a JWT, and why the algorithms are named here
and not taken from the token), https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization
"""

import logging
from typing import Any, cast

import jwt
from mcp.server.auth.provider import AccessToken

from wan_mcp.adapters.jwks import Jwks
from wan_mcp.domain.errors import Unavailable

logger = logging.getLogger(__name__)

_ALGORITHMS = {"RS256": "RSA", "ES256": "EC"}
"""What may sign, and the kind of key it takes: a secret shared with callers would let each be the issuer."""
_CLOCKS_APART = 30
"""Seconds by which the issuer's clock and ours may differ."""
_LONGEST_TOKEN = 16_384
_LONGEST_SUBJECT = 255
"""OpenID Connect Core §2 allows no more."""

Claims = dict[str, Any]


class Issuer:
    """One issuer, whose tokens for one audience are believed."""

    def __init__(self, issuer: str, *, audience: str, keys: Jwks) -> None:
        self.url = issuer
        self._audience = audience
        self._keys = keys

    async def vouches_for(self, token: str) -> AccessToken | None:
        """Say whose token this is, or nothing where any part of it is not as it must be."""
        if len(token) > _LONGEST_TOKEN:
            return None
        try:
            key = await self._key_of(jwt.get_unverified_header(token))
            claims = None if key is None else self._claims(token, key)
        except Unavailable as error:
            logger.warning("%s", error)
            return None
        except jwt.PyJWTError as error:
            logger.info("A token was turned away (%s)", type(error).__name__)
            return None
        return None if claims is None else _access(token, claims)

    async def _key_of(self, header: Claims) -> jwt.PyJWK | None:
        """The key's own word on what it is for counts, not only the token's."""
        algorithm = str(header.get("alg"))
        kind = _ALGORITHMS.get(algorithm)
        key = await self._keys.key(header.get("kid")) if kind else None
        if key is None or key.get("kty") != kind or key.get("use", "sig") != "sig":
            return None
        return jwt.PyJWK(key, algorithm=algorithm) if key.get("alg", algorithm) == algorithm else None

    def _claims(self, token: str, key: jwt.PyJWK) -> Claims:
        return jwt.decode(
            token,
            key,
            algorithms=list(_ALGORITHMS),
            issuer=self.url,
            audience=self._audience,
            leeway=_CLOCKS_APART,
            options={"require": ["exp", "iss", "aud", "sub"], "enforce_minimum_key_length": True},
        )


def _access(token: str, claims: Claims) -> AccessToken | None:
    subject = claims["sub"]
    if not subject or len(subject) > _LONGEST_SUBJECT or not subject.isprintable():
        return None
    return AccessToken(
        token=token,
        client_id=str(claims.get("client_id") or claims.get("azp") or subject),
        subject=f"oauth:{subject}",  # a name of the tokens file has no colon, so nobody is taken for another
        scopes=_scopes(claims),
        expires_at=int(claims["exp"]) + _CLOCKS_APART,
        claims={"iss": claims["iss"]},
    )


def _scopes(claims: Claims) -> list[str]:
    """RFC 8693 writes `scope` as words in one string; some issuers write `scp`, or a list."""
    told = claims.get("scope") or claims.get("scp") or ""
    if isinstance(told, str):
        return told.split()
    return [str(scope) for scope in cast("list[object]", told)] if isinstance(told, list) else []
