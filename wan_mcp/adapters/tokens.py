"""The file of those who may call over HTTP: names, hashes of their tokens, and what each of them may.

A token is 256 random bits, so its plain SHA-256 gives nothing away: there is no dictionary to try, which is
what slow password hashes are for. The token itself is nowhere but with its owner.
"""

import hashlib
import hmac
import logging
import os
import re
import secrets
import stat
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from wan_mcp.domain.caller import LOCAL, Rights
from wan_mcp.domain.errors import BadSettings
from wan_mcp.domain.language import say
from wan_mcp.domain.money import Money

logger = logging.getLogger(__name__)

PREFIX = "wan_"
"""What every token begins with, so that secret scanners and people know it for what it is."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NOT_FOR_OTHERS = stat.S_IWGRP | stat.S_IROTH | stat.S_IWOTH
"""A group may read it: that is how containers hand secrets over."""


@dataclass(frozen=True, kw_only=True)
class Token:
    """One entry."""

    name: str
    sha256: str
    rights: Rights
    may_measure: bool = False
    """May it read /metrics?"""


def _caller_name(name: str) -> str:
    if not _NAME.fullmatch(name) or name == LOCAL:
        raise ValueError(say("must be letters, digits, dots and dashes, at most 64, and not {local!r}", local=LOCAL))
    return name


def _hash(text: str) -> str:
    if not _SHA256.fullmatch(text.lower()):
        raise ValueError(say("must be the 64 hexadecimal digits that `wan-mcp token` prints"))
    return text.lower()


def _amount(value: object) -> Decimal:
    # As text, or as a whole number: 0.1 in TOML is a binary fraction.
    try:
        amount = Decimal(value) if isinstance(value, str | int) and not isinstance(value, bool) else Decimal("NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount.is_signed() or amount >= 10**12 or amount != round(amount, 6):
        raise ValueError(say('must be an amount in quotes, such as "20" or "2.50"'))
    return amount


_Amount = Annotated[Decimal, BeforeValidator(_amount)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, AfterValidator(_caller_name)]
    sha256: Annotated[str, AfterValidator(_hash)]
    budget_per_day: _Amount | None = None
    budget_per_task: _Amount | None = None
    adopt: bool = False
    metrics: bool = False

    def token(self, currency: str) -> Token:
        rights = Rights(
            per_task=None if self.budget_per_task is None else Money(self.budget_per_task, currency),
            per_day=None if self.budget_per_day is None else Money(self.budget_per_day, currency),
            may_adopt=self.adopt,
        )
        return Token(name=self.name, sha256=self.sha256, rights=rights, may_measure=self.metrics)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    token: list[_Entry] = Field(default_factory=list[_Entry])


def new_token() -> str:
    """Make a token of 256 random bits."""
    return f"{PREFIX}{secrets.token_urlsafe(32)}"


def token_entry(name: str, token: str) -> str:
    """Write the entry of a token as TOML; the token cannot be had back from it.

    Raises:
        BadSettings: nobody can be called that.
    """
    try:
        return f'[[token]]\nname = "{_caller_name(name)}"\nsha256 = "{digest(token)}"\n'
    except ValueError as error:
        raise BadSettings(
            say("The name {name!r} {error}.", name=name[:80], error=error), next_step=say("Choose another name.")
        ) from None


def digest(token: str) -> str:
    """Return what the file holds of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def owner_of(token: str, tokens: Sequence[Token]) -> Token | None:
    """Find whose token this is. Every entry is compared, each in constant time: the time tells nothing."""
    presented, owner = digest(token), None
    for entry in tokens:
        if hmac.compare_digest(entry.sha256, presented):
            owner = entry
    return owner


def read_tokens(path: Path, *, currency: str) -> list[Token]:
    """Read the file; amounts are in the region's currency.

    Raises:
        BadSettings: it cannot be read, others can read it, or something in it is wrong; every problem at once.
    """
    try:
        text = _private_text(path)
        entries = _File.model_validate(tomllib.loads(text)).token
    except OSError as error:
        raise _unusable(path, say("it cannot be read ({reason})", reason=error.strerror or error)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _unusable(path, say("it is not TOML ({error})", error=error)) from None
    except ValidationError as error:
        raise _unusable(path, "; ".join(_problems(error))) from None
    for field in ("name", "sha256"):
        _refuse_twins(path, field, [str(getattr(entry, field)) for entry in entries])
    return [entry.token(currency) for entry in entries]


class TokensFile:
    """The file as it is now: read again once it has changed, so that nobody has to restart to take a token back.

    What cannot be used changes nothing: the tokens of before are good until the file is mended. One that is empty or
    gone lets nobody in.
    """

    def __init__(self, path: Path, *, currency: str) -> None:
        """Read it a first time.

        Raises:
            BadSettings: as `read_tokens`.
        """
        self._path = path
        self._currency = currency
        self._seen = _stamp(path)
        self._tokens = read_tokens(path, currency=currency)
        if not self._tokens:
            raise _unusable(path, say("it names no token"))

    @property
    def tokens(self) -> Sequence[Token]:
        """Whoever may call at this moment."""
        stamp = _stamp(self._path)
        if stamp != self._seen:
            self._seen = stamp  # first: a mistake is told once, and what is written meanwhile is read next time
            if not stamp:
                logger.warning("%s is gone: nobody is let in.", self._path)
                self._tokens = list[Token]()
                return self._tokens
            try:
                self._tokens = read_tokens(self._path, currency=self._currency)
            except BadSettings as error:
                logger.warning("%s The tokens of before are good until then.", error)
        return self._tokens


def _stamp(path: Path) -> tuple[int, ...]:
    """What differs once a file was changed, replaced, or given other rights."""
    try:
        told = path.stat()
    except OSError:
        return ()
    return (told.st_mtime_ns, told.st_ctime_ns, told.st_size, told.st_ino)


def _private_text(path: Path) -> str:
    with path.open("rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if os.name != "nt" and mode & _NOT_FOR_OTHERS:
            raise _unusable(
                path,
                say("others on this machine can read or change it (mode {mode:o}); chmod 600 mends that", mode=mode),
            )
        return file.read().decode()


def _problems(error: ValidationError) -> list[str]:
    return [
        f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg'].removeprefix('Value error, ')}"
        for problem in error.errors(include_input=False, include_url=False)
    ]


def _refuse_twins(path: Path, field: str, values: list[str]) -> None:
    twins = sorted({value for value in values if values.count(value) > 1})
    if twins:
        raise _unusable(path, say("more than one token has the {field} {twins}", field=field, twins=", ".join(twins)))


def _unusable(path: Path, why: str) -> BadSettings:
    return BadSettings(
        say("WAN_MCP_TOKENS_FILE {path} cannot be used: {why}.", path=path, why=why),
        next_step=say("`wan-mcp token NAME` prints an entry as it must be."),
    )
