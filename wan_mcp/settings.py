"""The environment -> frozen `Settings`, by pydantic-settings. The only reader of the environment.

Importing this costs what pydantic-settings costs, so a server does it after its first answer. An empty value,
and a placeholder that a host did not fill in (`${user_config.api_key}`), count as unset.
"""

import ipaddress
import locale
import os
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast
from urllib.parse import urlsplit

import platformdirs
from pydantic import Field, PlainValidator, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from wan_mcp.domain.catalogue import REGIONS, WAN25_T2V, Model, Region
from wan_mcp.domain.errors import BadSettings
from wan_mcp.domain.language import Language, say
from wan_mcp.domain.money import Budget, Money
from wan_mcp.domain.request import Limits

_NO_CAP = Decimal("Infinity")
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_ORIGIN = re.compile(r"https?://[\w.-]+(:\d{1,5})?|https?://\[[0-9a-fA-F:]+\](:\d{1,5})?", re.ASCII)


def _cap(value: object) -> Decimal | None:
    """An amount of the region's currency; `none` lifts the cap."""
    if value is None or (isinstance(value, str) and value.strip().lower() == "none"):
        return None if value is None else _NO_CAP
    try:
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        amount = Decimal("NaN")
    # Micros are what the ledger counts in; more than a million millions nobody means.
    if not amount.is_finite() or amount.is_signed() or amount >= 10**12 or amount != round(amount, 6):
        raise ValueError(say("must be an amount such as 10 or 2.50, or none"))
    return amount


_Cap = Annotated[Decimal | None, PlainValidator(_cap)]


def is_loopback(host: str | None) -> bool:
    """Does this name or address lead to this machine only?"""
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def language() -> Language:
    """What is spoken from the first word on, before `Settings` are read, and where they cannot be used."""
    match os.environ.get("WAN_MCP_LANG"):  # noqa: TID251 - this is settings.py
        case "en" | "zh" as chosen:
            return chosen
        case _:
            return _language_of_the_locale()


def _language_of_the_locale() -> Language:
    """By POSIX's variables in their order; on Windows, which has none of them, by the system's own word."""
    told = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))  # noqa: TID251 - this is settings.py
    word = next(filter(None, told), None) or locale.setlocale(locale.LC_CTYPE)
    return "zh" if word.startswith(("zh", "Chinese")) else "en"


class Settings(BaseSettings):
    """Everything that a person can set. `README.md` has the table; a test keeps the two in step."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, case_sensitive=True, extra="ignore")

    key: str | None = Field(
        None, alias="DASHSCOPE_API_KEY", repr=False, description="The DashScope API key of the region."
    )
    base_url: str | None = Field(
        None,
        alias="DASHSCOPE_HTTP_BASE_URL",
        description="The API root, `/api/v1` included; https, or http on this machine.",
    )
    workspace: str | None = Field(
        None, alias="DASHSCOPE_WORKSPACE", description="A Model Studio workspace; sent as X-DashScope-WorkSpace."
    )
    region_id: Literal["cn-beijing", "ap-southeast-1"] = Field(
        "cn-beijing", alias="WAN_MCP_REGION", description="Where the key's account lives: Beijing or Singapore."
    )
    ledger: Path = Field(
        default_factory=lambda: platformdirs.user_data_path("wan-mcp") / "ledger.db",
        alias="WAN_MCP_LEDGER",
        description="The file that records every task and every cent.",
    )
    output_dir: Path = Field(
        default_factory=lambda: Path(platformdirs.user_videos_dir()) / "wan",
        alias="WAN_MCP_OUTPUT_DIR",
        description="Where videos are saved.",
    )
    budget_per_task: _Cap = Field(
        None,
        alias="WAN_MCP_BUDGET_PER_TASK",
        description="No single video may cost more. `none` lifts the cap.",
    )
    budget_per_day: _Cap = Field(
        None,
        alias="WAN_MCP_BUDGET_PER_DAY",
        description="Held and charged in one calendar day may not be more. `none` lifts the cap.",
    )
    caller_per_day: _Cap = Field(
        None,
        alias="WAN_MCP_CALLER_BUDGET_PER_DAY",
        description="Over HTTP, what a caller without a `budget_per_day` of its own may spend in one calendar day.",
    )
    confirm_above: _Cap = Field(
        None, alias="WAN_MCP_CONFIRM_ABOVE", description="The person is asked above this price; 0 asks always."
    )
    allow_resolutions: Annotated[tuple[str, ...] | None, NoDecode] = Field(
        None, alias="WAN_MCP_ALLOW_RESOLUTIONS", description="The tiers that may be asked for, as in `480P,720P`."
    )
    max_duration: int | None = Field(
        None, alias="WAN_MCP_MAX_DURATION", description="The longest video that may be asked for, in seconds."
    )
    poll_interval: float | None = Field(
        None,
        alias="WAN_MCP_POLL_INTERVAL",
        ge=0.2,
        le=300,
        description="Seconds between two looks at a task.",
    )
    tokens_file: Path | None = Field(
        None,
        alias="WAN_MCP_TOKENS_FILE",
        description="A TOML file of those who may call over HTTP (`wan-mcp token NAME` makes an entry).",
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        alias="WAN_MCP_ALLOWED_HOSTS",
        description="The names under which HTTP clients reach this server, as in `video.example.com`; "
        "on this machine's own names it always answers.",
    )
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        alias="WAN_MCP_ALLOWED_ORIGINS",
        description="The web pages that may call over HTTP, as in `https://chat.example.com`.",
    )
    oauth_issuer: str | None = Field(
        None,
        alias="WAN_MCP_OAUTH_ISSUER",
        description="The OAuth authorization server whose access tokens let callers in over HTTP.",
    )
    oauth_audience: str | None = Field(
        None,
        alias="WAN_MCP_OAUTH_AUDIENCE",
        description="The audience that those tokens must name; the server's own public URL where unset.",
    )
    oauth_jwks_url: str | None = Field(
        None,
        alias="WAN_MCP_OAUTH_JWKS_URL",
        description="Where the issuer's public keys are; its metadata says so where unset.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "WARNING", alias="WAN_MCP_LOG_LEVEL", description="How much is told on stderr."
    )
    language: Language = Field(
        default_factory=_language_of_the_locale,
        alias="WAN_MCP_LANG",
        description="The language of messages for people: English or Chinese.",
    )

    @classmethod
    def read(cls, given: Mapping[str, str] | None = None) -> Self:
        """Read the environment; what is `given`, by the names of its variables, goes before it.

        Raises:
            BadSettings: with every problem, each by the variable's name.
        """
        values: dict[str, Any] = {**(given or {})}
        try:
            return cls(**values)
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(str(part) for part in problem['loc']) or 'settings'}: {_problem(problem)}"
                for problem in error.errors(include_input=False, include_url=False)
            )
            raise BadSettings(
                say("The settings of wan-mcp cannot be used: {problems}.", problems=problems),
                next_step=say("The person must mend these environment variables and start the server again."),
            ) from None

    @model_validator(mode="before")
    @classmethod
    def _drop_placeholders(cls, values: dict[str, object]) -> dict[str, object]:
        return {name: value for name, value in values.items() if not _is_unset(value)}

    @field_validator("key", "workspace")
    @classmethod
    def _fits_a_header(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not _VISIBLE.fullmatch(value.strip()):
            raise ValueError(say("must be plain letters, digits and signs, without spaces"))
        return value.strip()

    @field_validator("base_url")
    @classmethod
    def _root_is_safe(cls, url: str | None) -> str | None:
        if url is None:
            return None
        url = url.strip()
        parts = urlsplit(url)
        safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))
        is_plain = _VISIBLE.fullmatch(url) and not any(sign in url for sign in "@?#\\") and parts.port != 0
        if not safe or not parts.hostname or not is_plain:
            raise ValueError(say("must be https:// (or http:// on this machine), without user name or query"))
        if not parts.path.rstrip("/").endswith("/api/v1"):
            raise ValueError(say("must end in /api/v1"))
        return url.rstrip("/")

    @field_validator("oauth_issuer", "oauth_jwks_url")
    @classmethod
    def _issuer_is_safe(cls, url: str | None) -> str | None:
        if url is None:
            return None
        url = url.strip()
        parts = urlsplit(url)
        safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))
        is_plain = _VISIBLE.fullmatch(url) and "@" not in parts.netloc and not parts.fragment and parts.port != 0
        if not safe or not parts.hostname or not is_plain:
            raise ValueError(say("must be https:// (or http:// on this machine), without user name"))
        return url

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _host_names(cls, value: object) -> object:
        names = tuple(name.lower() for name in _listed(value))
        if any("/" in name or not _VISIBLE.fullmatch(name) for name in names):
            raise ValueError(say("must be host names, with a port where it is not the usual one, separated by commas"))
        return names

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _origin_names(cls, value: object) -> object:
        origins = tuple(origin.rstrip("/") for origin in _listed(value))
        if any(not _ORIGIN.fullmatch(origin) for origin in origins):
            raise ValueError(say("must be origins such as https://chat.example.com, separated by commas"))
        return origins

    @model_validator(mode="after")
    def _keys_of_a_far_issuer_are_far(self) -> Self:
        if self.oauth_issuer is None:
            if self.oauth_audience or self.oauth_jwks_url:
                raise ValueError(say("WAN_MCP_OAUTH_AUDIENCE and WAN_MCP_OAUTH_JWKS_URL need WAN_MCP_OAUTH_ISSUER"))
        elif self.oauth_jwks_url and self.oauth_jwks_url.startswith("http:") and not self.is_issuer_local:
            raise ValueError(say("WAN_MCP_OAUTH_JWKS_URL must be https:// where the issuer is not on this machine"))
        return self

    @field_validator("allow_resolutions", mode="before")
    @classmethod
    def _tiers(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        tiers = tuple(tier.strip().upper() for tier in value.split(",") if tier.strip())
        if not tiers or any(tier not in WAN25_T2V.sizes for tier in tiers):
            raise ValueError(say("must be some of {tiers}, separated by commas", tiers=", ".join(WAN25_T2V.sizes)))
        return tiers

    @field_validator("max_duration")
    @classmethod
    def _some_length_is_left(cls, value: int | None) -> int | None:
        if value is not None and value < min(WAN25_T2V.durations):
            raise ValueError(say("must be at least {low}", low=min(WAN25_T2V.durations)))
        return value

    @field_validator("tokens_file")
    @classmethod
    def _where_tokens_are(cls, path: Path | None) -> Path | None:
        try:
            return path and path.expanduser().absolute()
        except RuntimeError:
            raise ValueError(say("names the home of a user who is not here")) from None

    @field_validator("ledger", "output_dir")
    @classmethod
    def _at_home(cls, path: Path) -> Path:
        if re.match(r"[A-Za-z][\w+.-]+:/", str(path)):
            raise ValueError(say("must be a file path; PostgreSQL is not supported yet"))
        try:
            return path.expanduser().absolute()
        except RuntimeError:
            raise ValueError(say("names the home of a user who is not here")) from None

    @property
    def region(self) -> Region:
        """Host, currency and free quota of the region."""
        return REGIONS[self.region_id]

    @property
    def model(self) -> Model:
        """The one model there is."""
        return WAN25_T2V

    @property
    def api_root(self) -> str:
        """Where the key is sent, and nowhere else."""
        return self.base_url or self.region.api_root

    @property
    def is_local(self) -> bool:
        """Is the service on this machine: the simulator, not DashScope?"""
        return is_loopback(urlsplit(self.api_root).hostname)

    @property
    def is_issuer_local(self) -> bool:
        """Is the OAuth issuer on this machine, as in a test? Only then may its keys come from here."""
        return is_loopback(urlsplit(self.oauth_issuer or "").hostname)

    @property
    def account(self) -> str:
        """What the ledger files tasks under: the API host that bills them."""
        return urlsplit(self.api_root).netloc.lower().removesuffix(":443")

    @property
    def limits(self) -> Limits:
        """What the operator allows."""
        return Limits(resolutions=self.allow_resolutions, max_duration=self.max_duration)

    @property
    def caller_budget_per_day(self) -> Money | None:
        """What a caller over HTTP may spend in a day where nothing else is said of it."""
        cap = self.caller_per_day
        return Money(cap, self.region.currency) if cap is not None and cap.is_finite() else None

    @property
    def budget(self) -> Budget:
        """What the person allows: by default the dearest single request, ten a day, asked above half of one."""
        currency = self.region.currency
        dearest = self.model.dearest(self.region).amount
        per_task = dearest if self.budget_per_task is None else self.budget_per_task
        per_day = dearest * 10 if self.budget_per_day is None else self.budget_per_day
        half = (per_task if per_task.is_finite() else dearest) / 2
        confirm = half if self.confirm_above is None else self.confirm_above
        return Budget(
            per_task=Money(per_task, currency) if per_task.is_finite() else None,
            per_day=Money(per_day, currency) if per_day.is_finite() else None,
            confirm_above=Money(confirm, currency) if confirm.is_finite() else None,
            cheapest=self.limits.cheapest(self.model, self.region),
        )


def _problem(problem: ErrorDetails) -> str:
    """One finding of pydantic's in our words: ours are passed on as they are, and its own are for programmers."""
    context = problem.get("ctx", {})
    match problem["type"]:
        case "literal_error":
            return say("must be one of {words}", words=", ".join(re.findall(r"'([^']+)'", context["expected"])))
        case "greater_than_equal":
            return say("must be at least {low}", low=context["ge"])
        case "less_than_equal":
            return say("must be at most {high}", high=context["le"])
        case "int_parsing":
            return say("must be a whole number")
        case "float_parsing" | "finite_number":
            return say("must be a number")
        case _:
            return problem["msg"].removeprefix("Value error, ")


def _listed(value: object) -> list[str]:
    words = value.split(",") if isinstance(value, str) else cast("tuple[object, ...]", value)
    return [word for part in words if (word := str(part).strip())]


def _is_unset(value: object) -> bool:
    return isinstance(value, str) and (not value.strip() or re.search(r"\$\{[^}]*\}", value) is not None)


def environment_without_secrets() -> dict[str, str]:
    """What a worker process gets: this process's environment without the key, or anything else that is ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("DASHSCOPE_", "WAN_MCP_"))}  # noqa: TID251 - here it is read
