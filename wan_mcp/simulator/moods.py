"""What a prompt looks like: a handful of palettes, and the words that call for one of them.

No model reads the prompt here; a word such as 月 or "snow" picks a mood, and without one the
prompt's hash does.
"""

import hashlib
from dataclasses import dataclass
from typing import Literal

__all__ = ["MOODS", "Mood", "fingerprint", "mood_of"]

Motion = Literal["twinkle", "fall", "rise"]


@dataclass(frozen=True, kw_only=True)
class Mood:
    """A palette of hexadecimal colours, and how the small lights in the air move."""

    words: tuple[str, ...]
    sky: tuple[str, str, str]
    """Zenith, middle, horizon."""
    orb: str
    """The moon or the sun."""
    ridges: tuple[str, str, str]
    """Far, middle, near."""
    lights: str
    motion: Motion


MOODS: dict[str, Mood] = {
    "night": Mood(
        words=("月", "夜", "星", "moon", "night", "star", "dream"),
        sky=("#0b1033", "#1f2a68", "#5a5fa8"),
        orb="#fff3d0",
        ridges=("#343f86", "#202a62", "#0d1338"),
        lights="#ffe9b0",
        motion="twinkle",
    ),
    "snow": Mood(
        words=("雪", "冬", "冰", "snow", "winter", "ice"),
        sky=("#6f93b8", "#a9c4da", "#e6eef3"),
        orb="#ffffff",
        ridges=("#b4cadb", "#8eabc4", "#577793"),
        lights="#ffffff",
        motion="fall",
    ),
    "dusk": Mood(
        words=("夕", "黄昏", "日落", "晚霞", "sunset", "dusk", "evening"),
        sky=("#2d1e4f", "#a8466a", "#ffae6b"),
        orb="#ffe3a6",
        ridges=("#8a3a68", "#5a2656", "#2b1436"),
        lights="#ffd08a",
        motion="rise",
    ),
    "dawn": Mood(
        words=("晨", "日出", "春", "花", "dawn", "morning", "sunrise", "spring", "flower"),
        sky=("#5f86c9", "#f2b8c4", "#ffe4c2"),
        orb="#fff8e6",
        ridges=("#c79bb5", "#8d7aa6", "#4d4a7d"),
        lights="#fff0f4",
        motion="fall",
    ),
    "sea": Mood(
        words=("海", "湖", "河", "水", "浪", "sea", "ocean", "lake", "river", "wave", "beach"),
        sky=("#0f4c81", "#3f93b8", "#c6ecec"),
        orb="#fffbe0",
        ridges=("#3f9db5", "#1f7396", "#0b3f63"),
        lights="#dffcff",
        motion="rise",
    ),
    "forest": Mood(
        words=("森", "林", "草", "竹", "树", "forest", "tree", "meadow", "garden", "jungle"),
        sky=("#1d5b56", "#6fae8a", "#eaf2c2"),
        orb="#fdfbd4",
        ridges=("#5c9a7c", "#2f6f5b", "#123c38"),
        lights="#f4ffb8",
        motion="rise",
    ),
    "city": Mood(
        words=("城", "霓虹", "赛博", "雨", "city", "neon", "cyberpunk", "rain", "street", "robot"),
        sky=("#120a2e", "#45166b", "#e0489b"),
        orb="#8df5ff",
        ridges=("#6a2187", "#3a1463", "#160a33"),
        lights="#7df9ff",
        motion="fall",
    ),
    "desert": Mood(
        words=("沙", "山", "秋", "desert", "mountain", "dune", "autumn", "canyon"),
        sky=("#3f7fb0", "#e8c79a", "#ffe2b0"),
        orb="#fff6d8",
        ridges=("#d79a63", "#b06a43", "#6b3a33"),
        lights="#fff0c8",
        motion="rise",
    ),
}


def fingerprint(prompt: str, seed: int) -> int:
    """A number for a prompt and a seed, the same on every machine."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{prompt}".encode()).digest()[:8])


def mood_of(prompt: str, seed: int) -> Mood:
    """The mood with most of its words in the prompt, else any."""
    lower = prompt.lower()
    best = max(MOODS.values(), key=lambda mood: sum(word in lower for word in mood.words))
    if any(word in lower for word in best.words):
        return best
    return list(MOODS.values())[fingerprint(prompt, seed) % len(MOODS)]
