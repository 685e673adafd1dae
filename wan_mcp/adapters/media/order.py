"""What both sides of video work speak of, without anything that has to be installed."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Strip:
    """So many pictures of one video, evenly spread; `label` stands before their times."""

    path: Path
    count: int
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A contact sheet, and what is on it."""

    jpeg: bytes
    width: int
    height: int
    columns: int
    seconds: tuple[float, ...]
    """How long each video is."""
    times: tuple[tuple[float, ...], ...]
    """Of each video, the moments that are shown, in seconds."""
