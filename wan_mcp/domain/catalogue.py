"""The models: what each accepts, what it costs where, and how long it usually takes.

Limits and Beijing prices are the user's API card of `wan2.5-t2v-preview`; Singapore prices, rate limits and
the size table are the official pages named in `SOURCES`. A new model is one more row here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from wan_mcp.domain.language import say
from wan_mcp.domain.money import Money

SOURCES = {
    "api": "https://help.aliyun.com/zh/model-studio/text-to-video-api-reference",
    "prices": "https://help.aliyun.com/zh/model-studio/model-pricing",
    "limits": "https://help.aliyun.com/zh/model-studio/rate-limit",
}


@dataclass(frozen=True, kw_only=True)
class Region:
    """Where an account lives. A key of one region is worth nothing in another."""

    id: str
    api_root: str
    currency: str
    free_seconds: int
    """Granted once per model after activation. DashScope does not tell how much of it is left."""


REGIONS: Mapping[str, Region] = MappingProxyType(
    {
        region.id: region
        for region in (
            Region(
                id="cn-beijing",
                api_root="https://dashscope.aliyuncs.com/api/v1",
                currency="CNY",
                free_seconds=50,
            ),
            Region(
                id="ap-southeast-1",
                api_root="https://dashscope-intl.aliyuncs.com/api/v1",
                currency="USD",
                free_seconds=0,
            ),
        )
    }
)


@dataclass(frozen=True, kw_only=True)
class Quote:
    """A price and the arithmetic behind it."""

    unit_price: Money
    """For one second of video."""
    seconds: int
    count: int
    resolution: str

    @property
    def amount(self) -> Money:
        """Price per second × seconds × count."""
        return self.unit_price * self.seconds * self.count

    @property
    def basis(self) -> str:
        """The arithmetic, for a reader."""
        times = f" × {self.count}" if self.count != 1 else ""
        return say(
            "{tier}: {price}/s × {seconds} s{times} = {amount}",
            tier=self.resolution,
            price=self.unit_price,
            seconds=self.seconds,
            times=times,
            amount=self.amount,
        )


@dataclass(frozen=True, kw_only=True)
class Model:
    """One Wan model."""

    id: str
    prompt_max: int
    negative_prompt_max: int
    seed_max: int
    sizes: Mapping[str, tuple[str, ...]]
    """Resolution tier -> the `width*height` values that DashScope accepts for it."""
    durations: tuple[int, ...]
    default_size: str
    """Ours. DashScope's own default is 1080P, the dearest, so we always send one."""
    default_duration: int
    prices: Mapping[str, Mapping[str, Decimal]]
    """Region -> resolution tier -> price of one second, in the region's currency."""
    prices_of: str
    """The date of the price page that was read."""
    usual_seconds: Mapping[tuple[str, int], int]
    """(tier, duration) -> how long a task usually takes, before the ledger knows better."""
    running_limit: int = 5
    """Tasks that DashScope runs at once for one account."""
    submissions_per_second: int = 5
    queries_per_second: int = 20

    @property
    def all_sizes(self) -> tuple[str, ...]:
        """Every accepted size, cheapest tier first."""
        return tuple(size for sizes in self.sizes.values() for size in sizes)

    def resolution(self, size: str) -> str:
        """Return the tier that `size` is billed as."""
        return next(tier for tier, sizes in self.sizes.items() if size in sizes)

    def quote(self, *, region: Region, resolution: str, duration: int, count: int = 1) -> Quote:
        """Price `count` videos of one kind."""
        unit = Money(self.prices[region.id][resolution], region.currency)
        return Quote(unit_price=unit, seconds=duration, count=count, resolution=resolution)

    def dearest(self, region: Region) -> Money:
        """The price of the dearest single request: what a per-task cap is by default."""
        return Money(max(self.prices[region.id].values()) * max(self.durations), region.currency)


WAN25_T2V = Model(
    id="wan2.5-t2v-preview",
    prompt_max=1500,
    negative_prompt_max=500,
    seed_max=2147483647,
    sizes=MappingProxyType(
        {
            "480P": ("832*480", "480*832", "624*624"),
            "720P": ("1280*720", "720*1280", "960*960", "1088*832", "832*1088"),
            "1080P": ("1920*1080", "1080*1920", "1440*1440", "1632*1248", "1248*1632"),
        }
    ),
    durations=(5, 10),
    default_size="1280*720",
    default_duration=5,
    prices=MappingProxyType(
        {
            "cn-beijing": {"480P": Decimal("0.3"), "720P": Decimal("0.6"), "1080P": Decimal("1")},
            "ap-southeast-1": {"480P": Decimal("0.05"), "720P": Decimal("0.10"), "1080P": Decimal("0.15")},
        }
    ),
    prices_of="2026-10",
    # "1 to 5 minutes" is all that the documentation says; single measured runs lie inside it.
    usual_seconds=MappingProxyType(
        {
            ("480P", 5): 75,
            ("720P", 5): 90,
            ("1080P", 5): 150,
            ("480P", 10): 150,
            ("720P", 10): 240,
            ("1080P", 10): 300,
        }
    ),
)

MODELS: Mapping[str, Model] = MappingProxyType({model.id: model for model in (WAN25_T2V,)})
