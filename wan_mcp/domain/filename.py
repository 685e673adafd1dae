"""A name that people can read: the date, the first words of the prompt, a short id. Never a path."""

import re
import unicodedata
from datetime import datetime

from wan_mcp.domain.task import VideoTask

_WORDS = 40
_BYTES = 120  # file systems count bytes, and a Chinese character has three


def file_name(task: VideoTask, local_date: datetime) -> str:
    """Return the name under which the video of `task` is saved; of a shot, within the film's own folder."""
    words = _first_words(task.request.prompt)
    if task.shot is None:
        return _named(f"{local_date:%Y-%m-%d}", words, _short(task.id)) + ".mp4"
    take = f"take {task.take}" if task.take > 1 else ""
    return _named(f"Shot {task.shot:02}", take, words, _short(task.id)) + ".mp4"


def film_name(title: str, film_id: str, local_date: datetime) -> str:
    """Return the name of a film's folder, and of the joined file beside it (`.mp4` added)."""
    return _named(f"{local_date:%Y-%m-%d}", _first_words(title), _short(film_id))


def _named(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def _short(id: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", id.partition("_")[2])[:6]


def _first_words(text: str) -> str:
    return _words(text)[:_WORDS].encode()[:_BYTES].decode(errors="ignore").strip()


def _words(prompt: str) -> str:
    """Keep letters, digits and the marks on them, which Hindi and Thai are full of. Everything else goes, and
    with it separators, dots, controls and direction marks."""
    kept = "".join(sign if unicodedata.category(sign)[0] in "LMN" else " " for sign in prompt)
    return " ".join(word for word in kept.split() if any(sign.isalnum() for sign in word))
