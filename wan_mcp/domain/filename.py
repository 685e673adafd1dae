"""A name that people can read: the date, the first words of the prompt, a short id. Never a path."""

import re
import unicodedata
from datetime import datetime

from wan_mcp.domain.task import VideoTask

_WORDS = 40
_BYTES = 120  # file systems count bytes, and a Chinese character has three


def file_name(task: VideoTask, local_date: datetime) -> str:
    """Return the name under which the video of `task` is saved."""
    short_id = re.sub(r"[^A-Za-z0-9]", "", task.id.removeprefix("vid_"))[:6]
    words = _words(task.request.prompt)[:_WORDS].encode()[:_BYTES].decode(errors="ignore").strip()
    return " ".join(part for part in (f"{local_date:%Y-%m-%d}", words, short_id) if part) + ".mp4"


def _words(prompt: str) -> str:
    """Keep letters, digits and the marks on them, which Hindi and Thai are full of. Everything else goes, and
    with it separators, dots, controls and direction marks."""
    kept = "".join(sign if unicodedata.category(sign)[0] in "LMN" else " " for sign in prompt)
    return " ".join(word for word in kept.split() if any(sign.isalnum() for sign in word))
