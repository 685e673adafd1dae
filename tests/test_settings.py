"""The environment becomes settings, or every mistake in it is named; and the key stays where it is."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import KEY
from wan_mcp.domain.errors import BadSettings
from wan_mcp.domain.money import Money
from wan_mcp.settings import Settings

NAMES = sorted(str(field.alias) for field in Settings.model_fields.values())


@pytest.fixture(autouse=True)
def no_key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `.env` or a config of the machine is not read."""
    monkeypatch.chdir(tmp_path)


def read(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Settings:
    """The settings of this environment."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Settings.read()


def refusal(monkeypatch: pytest.MonkeyPatch, **environment: str) -> str:
    """What is said of this environment."""
    with pytest.raises(BadSettings) as raised:
        read(monkeypatch, **environment)
    return raised.value.words


def cny(amount: str) -> Money:
    """An amount in yuan."""
    return Money(Decimal(amount), "CNY")


def test_without_any_setting_everything_has_a_safe_value(tmp_path: Path) -> None:
    """It starts without a key, and no default can surprise on a bill."""
    settings = Settings.read()

    assert settings.key is None
    assert settings.workspace is None
    assert settings.api_root == "https://dashscope.aliyuncs.com/api/v1"
    assert settings.account == "dashscope.aliyuncs.com"
    assert not settings.is_local
    assert settings.ledger == tmp_path / "home" / "data" / "wan-mcp" / "ledger.db"
    assert settings.output_dir == tmp_path / "home" / "Videos" / "wan"
    assert settings.budget.per_task == cny("10")
    assert settings.budget.per_day == cny("100")
    assert settings.budget.confirm_above == cny("5")
    assert (settings.limits.resolutions, settings.limits.max_duration) == (None, None)
    assert settings.log_level == "WARNING"
    assert settings.poll_interval is None


def test_singapore_has_its_own_host_currency_and_caps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Region, host and money go together."""
    settings = read(monkeypatch, WAN_MCP_REGION="ap-southeast-1")

    assert settings.api_root == "https://dashscope-intl.aliyuncs.com/api/v1"
    assert settings.account == "dashscope-intl.aliyuncs.com"
    assert settings.budget.per_task == Money(Decimal("1.5"), "USD")
    assert settings.budget.per_day == Money(Decimal(15), "USD")
    assert settings.budget.confirm_above == Money(Decimal("0.75"), "USD")


def test_every_variable_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By the names that the README has."""
    settings = read(
        monkeypatch,
        DASHSCOPE_API_KEY=f" {KEY}\n",
        DASHSCOPE_HTTP_BASE_URL="https://ws.example.com/compat/api/v1/",
        DASHSCOPE_WORKSPACE=" ws-1 ",
        WAN_MCP_REGION="cn-beijing",
        WAN_MCP_LEDGER=str(tmp_path / "l.db"),
        WAN_MCP_OUTPUT_DIR="~/films",
        WAN_MCP_BUDGET_PER_TASK="2.50",
        WAN_MCP_BUDGET_PER_DAY="20",
        WAN_MCP_CONFIRM_ABOVE="0",
        WAN_MCP_ALLOW_RESOLUTIONS="480p, 720P,",
        WAN_MCP_MAX_DURATION="5",
        WAN_MCP_POLL_INTERVAL="2.5",
        WAN_MCP_LOG_LEVEL="DEBUG",
    )

    assert settings.key == KEY
    assert settings.api_root == "https://ws.example.com/compat/api/v1"
    assert settings.account == "ws.example.com"
    assert settings.workspace == "ws-1"
    assert settings.ledger == tmp_path / "l.db"
    assert settings.output_dir == tmp_path / "home" / "films"
    assert settings.budget.per_task == cny("2.5")
    assert settings.budget.per_day == cny("20")
    assert settings.budget.confirm_above == cny("0")
    assert settings.limits.resolutions == ("480P", "720P")
    assert settings.limits.max_duration == 5
    assert settings.poll_interval == 2.5
    assert settings.log_level == "DEBUG"


@pytest.mark.parametrize("value", ["", " ", "\t\n", "${user_config.x}", "x${user_config.api_key}y", "${}"])
@pytest.mark.parametrize("name", NAMES)
def test_what_a_host_did_not_fill_in_counts_as_unset(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """Claude Desktop passes `${user_config.x}` on where its person left a field empty."""
    assert read(monkeypatch, **{name: value}) == Settings.read()
    monkeypatch.delenv(name)
    assert Settings.read() == read(monkeypatch, **{name: value})


BAD = [
    ("DASHSCOPE_API_KEY", "sk-with space"),
    ("DASHSCOPE_API_KEY", "sk-ключ"),
    ("DASHSCOPE_API_KEY", "sk-a\nX-Evil: 1"),
    ("DASHSCOPE_WORKSPACE", "ws 1"),
    ("DASHSCOPE_WORKSPACE", "ws-1\r\nX-Evil: 1"),
    ("DASHSCOPE_WORKSPACE", "工作"),
    ("DASHSCOPE_HTTP_BASE_URL", "http://dashscope.aliyuncs.com/api/v1"),
    ("DASHSCOPE_HTTP_BASE_URL", "http://127.0.0.1.evil.com/api/v1"),
    ("DASHSCOPE_HTTP_BASE_URL", "http://10.0.0.1/api/v1"),
    ("DASHSCOPE_HTTP_BASE_URL", "http://0.0.0.0:8000/api/v1"),
    ("DASHSCOPE_HTTP_BASE_URL", "ftp://example.com/api/v1"),
    ("DASHSCOPE_HTTP_BASE_URL", "dashscope.aliyuncs.com/api/v1"),
    ("DASHSCOPE_HTTP_BASE_URL", "https://user@example.com/api/v1"),
    ("DASHSCOPE_HTTP_BASE_URL", "https://:word@example.com/api/v1"),
    ("DASHSCOPE_HTTP_BASE_URL", "https://example.com/api/v1?x=1"),
    ("DASHSCOPE_HTTP_BASE_URL", "https://example.com/api/v1?"),
    ("DASHSCOPE_HTTP_BASE_URL", "https://example.com/api/v1#x"),
    ("DASHSCOPE_HTTP_BASE_URL", "https://example.com"),
    ("DASHSCOPE_HTTP_BASE_URL", "https://example.com/compatible-mode/v1"),
    ("DASHSCOPE_HTTP_BASE_URL", "https:///api/v1"),
    ("DASHSCOPE_HTTP_BASE_URL", "https://exa mple.com/api/v1"),
    ("DASHSCOPE_HTTP_BASE_URL", "https://example.com\\.evil.com/api/v1"),
    ("DASHSCOPE_HTTP_BASE_URL", "https://example.com:port/api/v1"),
    ("DASHSCOPE_HTTP_BASE_URL", "https://example.com:99999/api/v1"),
    ("DASHSCOPE_HTTP_BASE_URL", "https://[bad/api/v1"),
    ("WAN_MCP_REGION", "us-east-1"),
    ("WAN_MCP_REGION", "beijing"),
    ("WAN_MCP_LEDGER", "postgresql://user:word@host/db"),
    ("WAN_MCP_LEDGER", "postgresql+psycopg://host/db"),
    ("WAN_MCP_LEDGER", "sqlite:///tasks.db"),
    ("WAN_MCP_LEDGER", "~nobody-of-that-name/tasks.db"),
    ("WAN_MCP_OUTPUT_DIR", "s3://bucket/videos"),
    *(
        (name, value)
        for name in ("WAN_MCP_BUDGET_PER_TASK", "WAN_MCP_BUDGET_PER_DAY", "WAN_MCP_CONFIRM_ABOVE")
        for value in ("-1", "-0", "ten", "10 CNY", "1,50", "nan", "inf", "-inf", "1e400", "1e12", "0.0000001", "0x10")
    ),
    ("WAN_MCP_ALLOW_RESOLUTIONS", "4K"),
    ("WAN_MCP_ALLOW_RESOLUTIONS", "480P;720P"),
    ("WAN_MCP_ALLOW_RESOLUTIONS", ","),
    ("WAN_MCP_MAX_DURATION", "4"),
    ("WAN_MCP_MAX_DURATION", "-5"),
    ("WAN_MCP_MAX_DURATION", "five"),
    ("WAN_MCP_MAX_DURATION", "5.5"),
    ("WAN_MCP_POLL_INTERVAL", "0"),
    ("WAN_MCP_POLL_INTERVAL", "301"),
    ("WAN_MCP_POLL_INTERVAL", "nan"),
    ("WAN_MCP_POLL_INTERVAL", "often"),
    ("WAN_MCP_LOG_LEVEL", "LOUD"),
    ("WAN_MCP_TOKENS_FILE", "~nobody-of-that-name/tokens"),
    ("WAN_MCP_ALLOWED_HOSTS", "https://video.example.com"),
    ("WAN_MCP_ALLOWED_HOSTS", "video.example.com, ви.део"),
    ("WAN_MCP_ALLOWED_ORIGINS", "chat.example.com"),
    ("WAN_MCP_ALLOWED_ORIGINS", "https://chat.example.com/path"),
    ("WAN_MCP_ALLOWED_ORIGINS", "*"),
    ("WAN_MCP_OAUTH_ISSUER", "http://login.example.com"),
    ("WAN_MCP_OAUTH_ISSUER", "https://user:word@login.example.com"),
    ("WAN_MCP_OAUTH_ISSUER", "https://login.example.com#x"),
    ("WAN_MCP_OAUTH_ISSUER", "https:///realm"),
    ("WAN_MCP_OAUTH_ISSUER", "https://login.example.com:99999"),
    ("WAN_MCP_OAUTH_ISSUER", "https://login.example.com:0/realm"),
    ("WAN_MCP_OAUTH_JWKS_URL", "https://login.example.com:https/keys"),
    ("WAN_MCP_CALLER_BUDGET_PER_DAY", "-1"),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_value_that_cannot_be_used_is_refused_by_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """A wrong cap that is ignored would be no cap, and a key sent to a wrong host would be lost."""
    words = refusal(monkeypatch, **{name: value})

    assert words.startswith(f"The settings of wan-mcp cannot be used: {name}: ")
    assert "No money moved." in words
    assert "pydantic" not in words
    assert "word" not in words.replace("password", ""), "what somebody typed may be a secret"


def test_who_may_call_over_http_is_read_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody but this machine, until somebody says otherwise."""
    settings = read(
        monkeypatch,
        WAN_MCP_TOKENS_FILE="~/tokens",
        WAN_MCP_ALLOWED_HOSTS="Video.example.com, 127.0.0.1:8000,",
        WAN_MCP_ALLOWED_ORIGINS="https://chat.example.com/, http://[::1]:3000",
        WAN_MCP_OAUTH_ISSUER=" https://login.example.com/realm ",
        WAN_MCP_OAUTH_AUDIENCE="wan",
        WAN_MCP_OAUTH_JWKS_URL="https://login.example.com/keys",
    )

    assert settings.tokens_file == tmp_path / "home" / "tokens"
    assert settings.allowed_hosts == ("video.example.com", "127.0.0.1:8000")
    assert settings.allowed_origins == ("https://chat.example.com", "http://[::1]:3000")
    assert settings.oauth_issuer == "https://login.example.com/realm"
    assert settings.oauth_audience == "wan"
    assert settings.oauth_jwks_url == "https://login.example.com/keys"
    assert not settings.is_issuer_local


def test_the_keys_of_an_issuer_are_as_safe_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys fetched in the open could be anybody's, and would let anybody in."""
    keys = "http://127.0.0.1:9000/keys"
    assert "need WAN_MCP_OAUTH_ISSUER" in refusal(monkeypatch, WAN_MCP_OAUTH_JWKS_URL=keys)
    assert "must be https://" in refusal(monkeypatch, WAN_MCP_OAUTH_ISSUER="https://login.example.com")

    settings = read(monkeypatch, WAN_MCP_OAUTH_ISSUER="http://127.0.0.1:9000")

    assert settings.is_issuer_local
    assert settings.oauth_jwks_url == keys


def test_an_audience_alone_is_half_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever set it believes that tokens are checked."""
    assert "need WAN_MCP_OAUTH_ISSUER" in refusal(monkeypatch, WAN_MCP_OAUTH_AUDIENCE="wan")


def test_all_bad_values_are_named_at_once_and_none_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person restarts their client once, not three times; and a key with a typing error is still a key."""
    words = refusal(
        monkeypatch,
        DASHSCOPE_API_KEY="sk-secret secret",
        WAN_MCP_REGION="mars",
        WAN_MCP_BUDGET_PER_DAY="lots",
        WAN_MCP_MAX_DURATION="1",
    )

    for name in ("DASHSCOPE_API_KEY", "WAN_MCP_REGION", "WAN_MCP_BUDGET_PER_DAY", "WAN_MCP_MAX_DURATION"):
        assert name in words
    assert "secret" not in words
    assert "must be an amount such as 10 or 2.50, or none" in words


def test_the_cause_of_a_refusal_does_not_show_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A traceback prints causes as well."""
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-secret secret")
    with pytest.raises(BadSettings) as raised:
        Settings.read()

    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


def test_the_key_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings end up in logs and bug reports."""
    settings = read(monkeypatch, DASHSCOPE_API_KEY=KEY)

    assert KEY not in repr(settings)
    assert KEY not in str(settings)
    assert KEY not in f"{settings.budget!r} {settings.limits!r} {settings.account}"


@pytest.mark.parametrize(
    ("url", "account"),
    [
        ("http://127.0.0.1:8080/api/v1", "127.0.0.1:8080"),
        ("http://localhost:8080/api/v1", "localhost:8080"),
        ("http://LOCALHOST/api/v1", "localhost"),
        ("http://[::1]:8080/api/v1", "[::1]:8080"),
        ("https://127.0.0.1/api/v1", "127.0.0.1"),
        ("http://127.8.8.8/api/v1", "127.8.8.8"),
    ],
)
def test_the_simulator_may_listen_anywhere_on_this_machine(
    monkeypatch: pytest.MonkeyPatch, url: str, account: str
) -> None:
    """Only there is http allowed, and are links to this machine followed."""
    settings = read(monkeypatch, DASHSCOPE_HTTP_BASE_URL=url)

    assert settings.is_local
    assert settings.api_root == url
    assert settings.account == account


@pytest.mark.parametrize(
    "url",
    [
        "https://dashscope.aliyuncs.com/api/v1",
        "https://DashScope.Aliyuncs.com/api/v1/",
        "https://dashscope.aliyuncs.com:443/api/v1",
    ],
)
def test_one_account_has_one_name_however_its_host_is_written(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Its budget is counted under that name: another spelling would open a second one."""
    assert read(monkeypatch, DASHSCOPE_HTTP_BASE_URL=url).account == "dashscope.aliyuncs.com"


@pytest.mark.parametrize("none", ["none", "None", " NONE "])
def test_none_lifts_a_cap(monkeypatch: pytest.MonkeyPatch, none: str) -> None:
    """The person's own word; the threshold for asking stays where it was."""
    settings = read(monkeypatch, WAN_MCP_BUDGET_PER_TASK=none, WAN_MCP_BUDGET_PER_DAY=none)

    assert settings.budget.per_task is None
    assert settings.budget.per_day is None
    assert settings.budget.confirm_above == cny("5")


def test_none_as_a_threshold_never_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person who runs it in a script has agreed beforehand."""
    budget = read(monkeypatch, WAN_MCP_CONFIRM_ABOVE="none").budget

    assert budget.confirm_above is None
    assert not budget.asks_for(cny("999999"))


def test_a_lower_cap_lowers_the_threshold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of what one video may cost."""
    assert read(monkeypatch, WAN_MCP_BUDGET_PER_TASK="3").budget.confirm_above == cny("1.5")


@pytest.mark.parametrize(
    ("value", "amount"), [("0", "0"), ("2.50", "2.5"), ("1e2", "100"), ("0.000001", "0.000001"), ("999999999999", None)]
)
def test_an_amount_is_read_exactly(monkeypatch: pytest.MonkeyPatch, value: str, amount: str | None) -> None:
    """And every amount that is accepted can be shown."""
    cap = read(monkeypatch, WAN_MCP_BUDGET_PER_DAY=value).budget.per_day

    assert cap == cny(amount or value)
    assert str(cap)


def test_zero_is_a_cap_and_not_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may be spent today."""
    assert read(monkeypatch, WAN_MCP_BUDGET_PER_DAY="0").budget.per_day == cny("0")


def test_settings_do_not_change_while_a_server_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A budget that could be raised from within would be none."""
    settings = read(monkeypatch, WAN_MCP_BUDGET_PER_DAY="1")

    with pytest.raises(ValueError, match="frozen"):
        settings.budget_per_day = Decimal(1000)
    assert settings.budget.per_day == cny("1")


def test_only_the_longest_length_is_narrowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """7 allows what is up to 7; the model's own lengths decide what that is."""
    assert read(monkeypatch, WAN_MCP_MAX_DURATION="7").limits.max_duration == 7


def test_given_by_name_a_list_of_tiers_is_taken_as_it_is() -> None:
    """Code that embeds the server has a tuple, not a line of text."""
    given: dict[str, Any] = {"WAN_MCP_ALLOW_RESOLUTIONS": ("480P",)}
    settings = Settings(**given)

    assert settings.limits.resolutions == ("480P",)
    assert settings.model.id == "wan2.5-t2v-preview"


def test_a_path_is_whole_wherever_the_host_starts_the_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hosts start servers in folders of their own; a relative path is of the moment it is read."""
    assert read(monkeypatch, WAN_MCP_LEDGER="l.db").ledger == tmp_path / "l.db"
    assert read(monkeypatch, WAN_MCP_LEDGER="file:x").ledger == tmp_path / "file:x"
