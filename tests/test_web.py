"""The way out to the network: what the environment says of it, and what is told where it cannot be taken."""

from pathlib import Path

import pytest

from tests.conftest import made
from wan_mcp.adapters import web
from wan_mcp.domain.errors import BadSettings
from wan_mcp.service.composition import open_service

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALL_PROXY", "socks://someone:secret@127.0.0.1:1080"),
        ("HTTPS_PROXY", "http://someone:sec:ret@host:port"),
        ("NO_PROXY", "localhost,[::1]"),
        ("SSL_CERT_FILE", "/nowhere/certificates.pem"),
    ],
)
async def test_a_way_out_that_cannot_be_used_is_a_setting_to_mend(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str
) -> None:
    """And nothing is opened that would stay open; a proxy's password is not repeated."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv(name, value)
    web.certificates.cache_clear()
    settings = made("https://dashscope.aliyuncs.com", tmp_path)

    with pytest.raises(BadSettings) as told:
        async with open_service(settings):
            raise AssertionError("it was opened")

    assert name in told.value.words
    assert "sec" not in told.value.words
    assert not list(tmp_path.rglob("ledger*"))


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1080", "socks5h://someone:secret@127.0.0.1:1080"])
async def test_a_socks_proxy_is_a_way_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, proxy: str) -> None:
    """What many people behind a firewall have set for all their programs."""
    monkeypatch.setenv("ALL_PROXY", proxy)
    async with open_service(made("https://dashscope.aliyuncs.com", tmp_path), watching=False) as videos:
        assert await videos.newest(status=None, limit=1) == []
