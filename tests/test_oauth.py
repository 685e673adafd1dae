"""Tokens that an OAuth issuer signed: everything about them is checked, and the issuer is asked sparingly."""

import base64
import hmac
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.conftest import made
from tests.doors import a_door, at, client_of, tokens_file
from tests.issuer import AUDIENCE, EC_KEY, OTHER_RSA_KEY, RSA_KEY, Issuer, issuing, jwk
from wan_mcp.adapters.jwks import Jwks
from wan_mcp.domain.errors import BadSettings, Unavailable
from wan_mcp.server.http import serving
from wan_mcp.server.oauth import Issuer as TrustedIssuer
from wan_mcp.settings import Settings

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)


@pytest.fixture
async def issuer() -> AsyncGenerator[Issuer]:
    """An issuer on this machine."""
    async with issuing() as one:
        yield one


@pytest.fixture
def settings(url: str, tmp_path: Path, issuer: Issuer) -> Settings:
    """A server that believes it."""
    return made(url, tmp_path, WAN_MCP_OAUTH_ISSUER=issuer.url, WAN_MCP_OAUTH_AUDIENCE=AUDIENCE)


@pytest.fixture
async def trusted(issuer: Issuer) -> AsyncGenerator[TrustedIssuer]:
    """What the server makes of it."""
    keys = Jwks(issuer.url, is_local=True, pause=0)
    yield TrustedIssuer(issuer.url, audience=AUDIENCE, keys=keys)
    await keys.aclose()


async def test_a_caller_whom_the_issuer_vouches_for_makes_a_video(settings: Settings, issuer: Issuer) -> None:
    """Its name is the issuer's subject, and cannot be one of the tokens file."""
    async with at(settings) as url, client_of(url, token=issuer.token()) as client:
        created = await client.call_tool("create_video", {"prompt": "a cat"})
        listed = await client.call_tool("list_video_tasks", {})
    assert created.structured_content is not None
    assert listed.structured_content is not None
    assert len(listed.structured_content["tasks"]) == 1
    from wan_mcp.service.composition import open_service

    async with open_service(settings, watching=False) as videos:
        assert len(await videos.newest(status=None, limit=5, caller="oauth:alice")) == 1
        assert await videos.newest(status=None, limit=5, caller="alice") == []


async def test_who_has_no_token_is_told_where_to_get_one(settings: Settings, issuer: Issuer) -> None:
    """RFC 9728: the 401 names the metadata, and the metadata names the issuer."""
    async with serving(a_door(), settings) as url, httpx.AsyncClient(trust_env=False, verify=False) as http:
        refused = await http.post(url, json={})
        place = refused.headers["www-authenticate"].partition('resource_metadata="')[2].partition('"')[0]
        metadata = (await http.get(place)).json()
    assert refused.status_code == 401
    assert metadata["resource"] == url
    assert metadata["authorization_servers"] == [issuer.url]
    assert metadata["scopes_supported"] == ["video"]


async def test_a_token_without_the_scope_is_good_for_nothing_here(settings: Settings, issuer: Issuer) -> None:
    """Somebody who may read mail may not spend money on videos."""
    async with at(settings) as url, httpx.AsyncClient(trust_env=False, verify=False) as http:
        answer = await http.post(url, json={}, headers={"authorization": f"Bearer {issuer.token(scope='mail')}"})
    assert answer.status_code == 403
    assert "insufficient_scope" in answer.headers["www-authenticate"]


async def test_both_kinds_of_tokens_are_good_side_by_side(url: str, tmp_path: Path, issuer: Issuer) -> None:
    """People come through the issuer, a script has a token of the file."""
    path, tokens = tokens_file(tmp_path, script="")
    settings = made(
        url, tmp_path, WAN_MCP_TOKENS_FILE=path, WAN_MCP_OAUTH_ISSUER=issuer.url, WAN_MCP_OAUTH_AUDIENCE=AUDIENCE
    )
    async with at(settings) as place:
        for token in (tokens["script"], issuer.token()):
            async with client_of(place, token=token) as client:
                assert not (await client.call_tool("list_video_tasks", {})).is_error


async def test_without_an_audience_of_its_own_a_token_must_name_the_servers_url(
    url: str, tmp_path: Path, issuer: Issuer
) -> None:
    """RFC 8707: a token for another server of the same issuer must not be good here."""
    async with at(made(url, tmp_path, WAN_MCP_OAUTH_ISSUER=issuer.url)) as place:
        async with httpx.AsyncClient(trust_env=False, verify=False) as http:
            other = await http.post(place, json={}, headers={"authorization": f"Bearer {issuer.token()}"})
        async with client_of(place, token=issuer.token(aud=place)) as client:
            assert not (await client.call_tool("list_video_tasks", {})).is_error
    assert other.status_code == 401


GOOD: list[dict[str, Any]] = [
    {},
    {"key": EC_KEY, "algorithm": "ES256", "kid": "ec"},
    {"aud": ["elsewhere", AUDIENCE]},
    {"nbf": -HOUR},
    {"exp": timedelta(seconds=-10)},
    {"scope": None, "scp": ["video"]},
]


@pytest.mark.parametrize("claims", GOOD, ids="-".join)
async def test_a_good_token_is_believed(trusted: TrustedIssuer, issuer: Issuer, claims: dict[str, Any]) -> None:
    """Both algorithms, several audiences, clocks that differ by seconds."""
    access = await trusted.vouches_for(issuer.token(**claims))
    assert access is not None
    assert access.subject == "oauth:alice"
    assert "video" in access.scopes


BAD: list[dict[str, Any]] = [
    {"exp": -HOUR},
    {"exp": None},
    {"nbf": HOUR},
    {"iss": "https://evil.example"},
    {"iss": None},
    {"aud": "https://elsewhere.example"},
    {"aud": None},
    {"sub": None},
    {"sub": ""},
    {"sub": "a" * 256},
    {"sub": "a\nb"},
    {"key": OTHER_RSA_KEY},
    {"kid": "another"},
    {"kid": None},
    {"algorithm": "RS512"},
    {"algorithm": "PS256"},
    {"key": EC_KEY, "algorithm": "ES256", "kid": "rsa"},
    {"key": RSA_KEY, "kid": "ec"},
]


@pytest.mark.parametrize("claims", BAD, ids="-".join)
async def test_a_token_with_one_thing_wrong_is_turned_away(
    trusted: TrustedIssuer, issuer: Issuer, claims: dict[str, Any]
) -> None:
    """RFC 8725 and RFC 9068 §4 name each of these."""
    assert await trusted.vouches_for(issuer.token(**claims)) is None


async def test_a_token_signed_with_the_public_key_as_a_secret_is_turned_away(
    trusted: TrustedIssuer, issuer: Issuer
) -> None:
    """The oldest trick: HS256, with what everybody can read as the secret; and no signature at all."""
    public = RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head, claims, _ = issuer.token().split(".")
    hs256 = _segment(b'{"alg":"HS256","kid":"rsa","typ":"JWT"}')
    forged = f"{hs256}.{claims}.{_segment(hmac.digest(public, f'{hs256}.{claims}'.encode(), 'sha256'))}"
    unsigned = issuer.token(key=None, algorithm="none")
    for token in (forged, unsigned, f"{head}.{claims}.", f"{head}.{claims}.AAAA", "a.b.c", "é", "x" * 20_000):
        assert await trusted.vouches_for(token) is None


def _segment(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


@pytest.mark.parametrize("more", [{"use": "enc"}, {"alg": "RS512"}, {"kty": "oct", "k": "AAAA"}, {"n": "!"}], ids=str)
async def test_a_key_that_is_for_something_else_is_not_used(
    trusted: TrustedIssuer, issuer: Issuer, more: dict[str, str]
) -> None:
    """What the issuer says of its key counts."""
    issuer.keys = [{**jwk(RSA_KEY, kid="rsa"), **more}]
    assert await trusted.vouches_for(issuer.token()) is None


async def test_keys_are_fetched_once_and_again_when_a_new_one_is_used(trusted: TrustedIssuer, issuer: Issuer) -> None:
    """Issuers change their keys, and a call must not cost a call to the issuer."""
    for _ in range(3):
        assert await trusted.vouches_for(issuer.token())
    assert issuer.asked.count("/keys") == 1
    issuer.keys = [jwk(OTHER_RSA_KEY, kid="new")]
    assert await trusted.vouches_for(issuer.token(key=OTHER_RSA_KEY, kid="new"))
    assert await trusted.vouches_for(issuer.token()) is None, "the old key is gone"


async def test_invented_key_ids_do_not_make_us_hammer_the_issuer(issuer: Issuer) -> None:
    """Anybody can send a token with any key id."""
    keys = Jwks(issuer.url, is_local=True)
    trusted = TrustedIssuer(issuer.url, audience=AUDIENCE, keys=keys)
    for number in range(5):
        assert await trusted.vouches_for(issuer.token(kid=f"{number}")) is None
    assert issuer.asked.count("/keys") == 1
    await keys.aclose()


@pytest.mark.parametrize(
    "metadata", [{"issuer": "https://evil.example"}, {"jwks_uri": "ftp://x"}, {"jwks_uri": None}], ids=str
)
async def test_metadata_of_somebody_else_is_not_believed(issuer: Issuer, metadata: dict[str, Any]) -> None:
    """RFC 8414 §3.3."""
    issuer.metadata = metadata
    keys = Jwks(issuer.url, is_local=True)
    with pytest.raises(Unavailable, match="does not say where its keys are"):
        await keys.key("rsa")
    await keys.aclose()


async def test_a_far_issuer_may_not_point_at_this_machine(issuer: Issuer) -> None:
    """Its metadata would make us call whatever listens here."""
    keys = Jwks(issuer.url, is_local=False)
    with pytest.raises(Unavailable):
        await keys.key("rsa")
    await keys.aclose()


async def test_an_issuer_that_is_away_lets_nobody_in_and_breaks_nothing(issuer: Issuer) -> None:
    """Keys that are known are believed meanwhile; nobody else can be checked."""
    keys = Jwks("http://127.0.0.1:9", is_local=True)
    assert await TrustedIssuer("http://127.0.0.1:9", audience=AUDIENCE, keys=keys).vouches_for(issuer.token()) is None
    await keys.aclose()


BAD_SETTINGS = [
    {"WAN_MCP_OAUTH_ISSUER": "http://issuer.example.com"},
    {"WAN_MCP_OAUTH_ISSUER": "https://user@issuer.example.com"},
    {"WAN_MCP_OAUTH_ISSUER": "https://issuer.example.com", "WAN_MCP_OAUTH_JWKS_URL": "http://127.0.0.1:1/keys"},
    {"WAN_MCP_OAUTH_AUDIENCE": "https://video.example.com"},
    {"WAN_MCP_ALLOWED_HOSTS": "https://video.example.com"},
    {"WAN_MCP_ALLOWED_ORIGINS": "chat.example.com"},
    {"WAN_MCP_ALLOWED_ORIGINS": "https://*.example.com"},
]


@pytest.mark.parametrize("environment", BAD_SETTINGS, ids=str)
def test_settings_that_would_open_a_hole_are_refused(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    """Keys that come over a wire that anybody can change let anybody in."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BadSettings, match="cannot be used"):
        Settings.read()
