"""The one model's row against the user's API card, number by number."""

from decimal import Decimal

import pytest

from wan_mcp.domain.catalogue import MODELS, REGIONS, WAN25_T2V
from wan_mcp.domain.money import Money

BEIJING, SINGAPORE = REGIONS["cn-beijing"], REGIONS["ap-southeast-1"]


def test_the_card_is_what_the_row_says() -> None:
    """The card wins over every other source; a limit off by one is a video paid for and not wanted."""
    assert WAN25_T2V.id == "wan2.5-t2v-preview"
    assert MODELS == {"wan2.5-t2v-preview": WAN25_T2V}
    assert WAN25_T2V.prompt_max == 1500
    assert WAN25_T2V.negative_prompt_max == 500
    assert WAN25_T2V.seed_max == 2147483647
    assert WAN25_T2V.durations == (5, 10)
    assert WAN25_T2V.default_duration == 5
    assert tuple(WAN25_T2V.sizes) == ("480P", "720P", "1080P")


def test_a_video_of_no_stated_size_is_not_the_dearest() -> None:
    """DashScope's own default is 1080P, which costs more than three times a 480P."""
    assert WAN25_T2V.resolution(WAN25_T2V.default_size) == "720P"


def test_every_size_has_a_tier_of_about_its_pixels() -> None:
    """A size filed under the wrong tier would be quoted at the wrong price."""
    pixels = {"480P": 832 * 480, "720P": 1280 * 720, "1080P": 1920 * 1080}

    assert len(WAN25_T2V.all_sizes) == len(set(WAN25_T2V.all_sizes)) == 13
    for size in WAN25_T2V.all_sizes:
        width, height = (int(side) for side in size.split("*"))
        assert abs(width * height / pixels[WAN25_T2V.resolution(size)] - 1) < 0.03, size


@pytest.mark.parametrize(
    ("resolution", "duration", "beijing", "singapore"),
    [
        ("480P", 5, "1.50", "0.25"),
        ("480P", 10, "3.00", "0.50"),
        ("720P", 5, "3.00", "0.50"),
        ("720P", 10, "6.00", "1.00"),
        ("1080P", 5, "5.00", "0.75"),
        ("1080P", 10, "10.00", "1.50"),
    ],
)
def test_every_kind_of_video_has_its_price(resolution: str, duration: int, beijing: str, singapore: str) -> None:
    """The card: 0.3, 0.6 and 1 yuan a second; Singapore by its own page, in dollars."""
    for region, amount in ((BEIJING, beijing), (SINGAPORE, singapore)):
        quote = WAN25_T2V.quote(region=region, resolution=resolution, duration=duration)
        assert quote.amount == Money(Decimal(amount), region.currency)


def test_a_quote_shows_its_arithmetic() -> None:
    """A person agrees to a sum; how it came about must be there to check."""
    one = WAN25_T2V.quote(region=BEIJING, resolution="720P", duration=5)
    three = WAN25_T2V.quote(region=SINGAPORE, resolution="480P", duration=10, count=3)

    assert one.basis == "720P: 0.60 CNY/s × 5 s = 3.00 CNY"
    assert three.basis == "480P: 0.05 USD/s × 10 s × 3 = 1.50 USD"
    assert three.amount.micros == 1_500_000


def test_the_dearest_request_is_what_a_cap_is_by_default() -> None:
    """A default cap below it would refuse what the model can do; one above it caps nothing."""
    assert WAN25_T2V.dearest(BEIJING) == Money(Decimal(10), "CNY")
    assert WAN25_T2V.dearest(SINGAPORE) == Money(Decimal("1.5"), "USD")


def test_region_host_and_currency_are_held_together() -> None:
    """A key of one region at the other's host looks like a bad key."""
    assert (BEIJING.api_root, BEIJING.currency) == ("https://dashscope.aliyuncs.com/api/v1", "CNY")
    assert (SINGAPORE.api_root, SINGAPORE.currency) == ("https://dashscope-intl.aliyuncs.com/api/v1", "USD")
    assert (BEIJING.free_seconds, SINGAPORE.free_seconds) == (50, 0)


def test_there_is_a_usual_time_for_every_kind() -> None:
    """Whoever waits is told of how long; the card says one to five minutes."""
    kinds = {(tier, duration) for tier in WAN25_T2V.sizes for duration in WAN25_T2V.durations}

    assert set(WAN25_T2V.usual_seconds) == kinds
    assert all(60 <= seconds <= 300 for seconds in WAN25_T2V.usual_seconds.values())


def test_every_region_has_a_price_for_every_tier() -> None:
    """A missing price would be found out in the middle of a call that spends."""
    assert all(set(WAN25_T2V.prices[region]) == set(WAN25_T2V.sizes) for region in REGIONS)
