"""The text-to-video models that take a `size`, and what each of them accepts.

Source: help.aliyun.com/zh/model-studio/legacy-wan-text-to-video-api-reference (sizes,
lengths, prompt limits) and /rate-limit (tasks at once, submissions a second).
"""

from dataclasses import dataclass

__all__ = ["MODELS", "TIERS", "Model", "tier_of"]

TIERS: dict[int, tuple[str, ...]] = {
    480: ("832*480", "480*832", "624*624"),
    720: ("1280*720", "720*1280", "960*960", "1088*832", "832*1088"),
    1080: ("1920*1080", "1080*1920", "1440*1440", "1632*1248", "1248*1632"),
}
"""The `SR` a size is billed as."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """One model: what it takes, and how much of it an account may have at once."""

    tiers: tuple[int, ...]
    durations: tuple[int, ...]
    default_size: str = "1920*1080"
    prompt_limit: int = 1500
    negative_prompt_limit: int = 500
    has_sound: bool = True
    shows_actual_prompt: bool = True
    running_limit: int = 5
    submit_rate: float = 5

    @property
    def sizes(self) -> tuple[str, ...]:
        """Every `W*H` the model renders."""
        return tuple(size for tier in self.tiers for size in TIERS[tier])


MODELS: dict[str, Model] = {
    "wan2.5-t2v-preview": Model(tiers=(480, 720, 1080), durations=(5, 10)),
    "wan2.6-t2v": Model(tiers=(720, 1080), durations=tuple(range(2, 16)), shows_actual_prompt=False),
    "wan2.2-t2v-plus": Model(
        tiers=(480, 1080), durations=(5,), prompt_limit=800, has_sound=False, running_limit=2, submit_rate=2
    ),
    "wanx2.1-t2v-turbo": Model(
        tiers=(480, 720),
        durations=(5,),
        default_size="1280*720",
        prompt_limit=800,
        has_sound=False,
        running_limit=2,
        submit_rate=2,
    ),
    "wanx2.1-t2v-plus": Model(
        tiers=(720,),
        durations=(5,),
        default_size="1280*720",
        prompt_limit=800,
        has_sound=False,
        running_limit=2,
        submit_rate=2,
    ),
}


def tier_of(size: str) -> int:
    """The billing tier of a size."""
    return next(tier for tier, sizes in TIERS.items() if size in sizes)
