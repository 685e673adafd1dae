"""What a video is drawn from; the same shot is the same video."""

from dataclasses import dataclass

__all__ = ["Shot"]


@dataclass(frozen=True, kw_only=True)
class Shot:
    """All that a picture depends on."""

    width: int
    height: int
    seconds: int
    prompt: str
    seed: int
    watermark: bool
    task_id: str
