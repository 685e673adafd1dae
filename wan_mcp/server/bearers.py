"""Whoever comes over HTTP with a token: one of the tokens file, or one that the OAuth issuer signed.

Says who it is (`AccessToken.subject` is the caller's name), or nothing; the SDK's middleware answers 401 then.
"""

from collections.abc import Sequence

from mcp.server.auth.provider import AccessToken, TokenVerifier

from wan_mcp.adapters.tokens import PREFIX, Token, TokensFile, owner_of
from wan_mcp.domain.caller import Rights
from wan_mcp.server.oauth import Issuer

SCOPE = "video"
"""What a token must allow. Those of the tokens file allow it by being there."""


class Bearers(TokenVerifier):
    """Everybody who may call."""

    def __init__(self, *, file: TokensFile | None = None, issuer: Issuer | None = None) -> None:
        self._file = file
        self.issuer = issuer

    @property
    def _tokens(self) -> Sequence[Token]:
        return self._file.tokens if self._file else ()

    def rights(self, caller: str) -> Rights | None:
        """What this caller may; nothing is said of one who has no entry in the file."""
        return next((token.rights for token in self._tokens if token.name == caller), None)

    def may_measure(self, caller: str) -> bool:
        """May this caller read /metrics, where everybody's spending is summed up?"""
        return any(token.name == caller and token.may_measure for token in self._tokens)

    async def verify_token(self, token: str) -> AccessToken | None:
        """Say whose token this is, if it is anybody's."""
        if not token.startswith(PREFIX):
            return await self.issuer.vouches_for(token) if self.issuer else None
        owner = owner_of(token, self._tokens)
        if owner is None:
            return None
        return AccessToken(token=token, client_id=owner.name, subject=owner.name, scopes=[SCOPE])
