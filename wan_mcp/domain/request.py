"""What a caller wants, parsed once. A `VideoRequest` that exists is one that the catalogue accepts."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from urllib.parse import urlsplit

from wan_mcp.domain.arguments import Arguments, show
from wan_mcp.domain.catalogue import MODELS, Model, Region
from wan_mcp.domain.language import say
from wan_mcp.domain.money import Money

REQUEST_ARGUMENTS = (
    "prompt",
    "negative_prompt",
    "audio_url",
    "size",
    "duration",
    "prompt_extend",
    "watermark",
    "seed",
)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the operator allows of what the model could do. `None` is everything."""

    resolutions: tuple[str, ...] | None = None
    max_duration: int | None = None

    def cheapest(self, model: Model, region: Region) -> Money:
        """The price of the cheapest single request that they leave."""
        tiers = self.tiers(model)
        prices = [model.quote(region=region, resolution=tier, duration=min(model.durations)).amount for tier in tiers]
        return min(prices, key=lambda price: price.amount)

    def tiers(self, model: Model) -> list[str]:
        """The resolutions that they leave."""
        return [tier for tier in model.sizes if self.resolutions is None or tier in self.resolutions]


@dataclass(frozen=True, kw_only=True)
class VideoRequest:
    """One video, as the model of that name accepts it."""

    model: str
    prompt: str
    negative_prompt: str | None = None
    audio_url: str | None = None
    size: str
    duration: int
    prompt_extend: bool = True
    watermark: bool = False
    seed: int | None = None

    @property
    def resolution(self) -> str:
        """The tier that the size is billed as."""
        return MODELS[self.model].resolution(self.size)

    @cached_property
    def fingerprint(self) -> str:
        """The same for two requests exactly when they ask for the same video."""
        canonical = json.dumps({field.name: getattr(self, field.name) for field in fields(self)}, sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def parse_request(arguments: Arguments, model: Model, limits: Limits) -> VideoRequest:
    """Read a whole request out of `arguments`.

    Raises:
        InvalidRequest: with every problem of the call at once, those found before included.
    """
    prompt = arguments.text("prompt", longest=model.prompt_max, required=True)
    request = VideoRequest(
        model=model.id,
        prompt=prompt or "",
        negative_prompt=arguments.text("negative_prompt", longest=model.negative_prompt_max),
        audio_url=_audio_url(arguments),
        size=parse_size(arguments, model, limits),
        duration=parse_duration(arguments, model, limits),
        prompt_extend=arguments.flag("prompt_extend", default=True),
        watermark=arguments.flag("watermark", default=False),
        seed=arguments.integer("seed", low=0, high=model.seed_max),
    )
    arguments.finish()
    return request


def parse_size(arguments: Arguments, model: Model, limits: Limits) -> str:
    """Read `size`, also written with x or ×; a tier or a ratio is refused with the sizes that fit."""
    sizes = _allowed_sizes(model, limits)
    if not arguments.given("size"):
        return model.default_size if model.default_size in sizes else sizes[0]
    raw = arguments.raw("size")
    size = _normal_size(raw) if isinstance(raw, str) else ""
    if size in sizes:
        return size
    if size in model.all_sizes:
        arguments.problem(
            say(
                "size {size} is {tier}, which the operator does not allow; {sizes}.",
                size=size,
                tier=model.resolution(size),
                sizes=_any_of(sizes),
            ),
            "size",
        )
    else:
        arguments.problem(
            say(
                "size must be width*height, not {value}; {sizes}.",
                value=show(raw),
                sizes=_fitting(raw, model, sizes),
            ),
            "size",
        )
    return sizes[0]


def parse_duration(arguments: Arguments, model: Model, limits: Limits) -> int:
    """Read `duration`, one of the model's lengths in seconds that the operator allows."""
    allowed = [n for n in model.durations if limits.max_duration is None or n <= limits.max_duration]
    default = model.default_duration if model.default_duration in allowed else allowed[0]
    return arguments.choice("duration", allowed) or default


def parse_resolution(arguments: Arguments, model: Model, limits: Limits) -> str | None:
    """Read `resolution`, one of the model's tiers that the operator allows."""
    return arguments.word("resolution", limits.tiers(model))


def _allowed_sizes(model: Model, limits: Limits) -> list[str]:
    return [size for tier in limits.tiers(model) for size in model.sizes[tier]]


def _normal_size(text: str) -> str:
    sides = re.fullmatch(r"\s*(\d+)\s*[x×X✕*]\s*(\d+)\s*", text)
    return f"{sides[1]}*{sides[2]}" if sides else ""


def _any_of(sizes: list[str]) -> str:
    return say("allowed: {sizes}", sizes=", ".join(sizes))


def _sizes_for(wish: str, sizes: list[str]) -> str:
    return say("for {wish}: {sizes}", wish=wish, sizes=", ".join(sizes))


def _fitting(raw: object, model: Model, sizes: list[str]) -> str:
    """Name the sizes that somebody who wrote `720P` or `16:9` most likely meant."""
    text = raw.strip().upper() if isinstance(raw, str) else ""
    tier = next((tier for tier in model.sizes if text in (tier, tier.removesuffix("P"))), None)
    if tier:
        fitting = [size for size in sizes if size in model.sizes[tier]]
        return _sizes_for(tier, fitting) if fitting else _any_of(sizes)
    ratio = re.fullmatch(r"([1-9]\d{0,3})\s*[:/]\s*([1-9]\d{0,3})", text)
    if ratio:
        fitting = [size for size in sizes if _is_ratio(size, int(ratio[1]) / int(ratio[2]))]
        return _sizes_for(text, fitting) if fitting else _any_of(sizes)
    return _any_of(sizes)


def _is_ratio(size: str, ratio: float) -> bool:
    width, _, height = size.partition("*")
    # DashScope's "4:3" is 1088*832, 2 % off: sizes are multiples of 16.
    return abs(int(width) / int(height) - ratio) / ratio < 0.03


_LONGEST_ADDRESS = 8000
"""DashScope names no limit. RFC 9110 §4.1: senders and recipients should support this many, and may refuse more."""


def _audio_url(arguments: Arguments) -> str | None:
    url = arguments.text("audio_url")
    if url is None:
        return None
    if len(url) > _LONGEST_ADDRESS:
        arguments.problem(
            say(
                "audio_url has {length} characters and at most {longest} are allowed.",
                length=len(url),
                longest=_LONGEST_ADDRESS,
            ),
            "audio_url",
        )
        return None
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname or (parts.scheme == "oss" and parts.netloc)
    except ValueError:
        parts, host = None, None
    if parts is None or parts.scheme not in ("http", "https", "oss") or not host or re.search(r"\s", url.strip()):
        arguments.problem(
            say("audio_url must be an http://, https:// or oss:// address, not {value}.", value=show(url)),
            "audio_url",
        )
        return None
    if not _may_be_audio(parts.path):
        arguments.problem(
            say(
                "audio_url must lead to a .wav or .mp3 file (3 to 30 seconds, at most 15 MB), "
                "and its path ends in {ending}.",
                ending=show(_ending(parts.path)),
            ),
            "audio_url",
        )
        return None
    return url.strip()


def _ending(path: str) -> str:
    name = path.rsplit("/", 1)[-1]
    return "." + name.rsplit(".", 1)[-1].lower() if "." in name else ""


def _may_be_audio(path: str) -> bool:
    """A path without an ending may be anything; one that shows another type is not audio."""
    return _ending(path) in ("", ".wav", ".mp3")


def request_arguments(raw: Mapping[str, object], *also: str) -> Arguments:
    """Begin to read a call that describes a video, with further arguments `also` known."""
    return Arguments(raw, known=(*REQUEST_ARGUMENTS, *also))
