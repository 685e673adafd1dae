"""A name that people can read: the date, the first words of the prompt, a short id. Never a path."""

import re
from datetime import datetime

from wan_mcp.domain.task import VideoTask

_WORDS = 40
_BYTES = 120  # file systems count bytes, and a Chinese character has three


def file_name(task: VideoTask, local_date: datetime) -> str:
    """Return the name under which the video of `task` is saved."""
    # Everything that is no letter or digit goes, and with it separators, dots, controls and direction marks.
    words = " ".join(re.findall(r"[^\W_]+", task.request.prompt))
    words = words[:_WORDS].encode()[:_BYTES].decode(errors="ignore").strip()
    short_id = re.sub(r"[^A-Za-z0-9]", "", task.id.removeprefix("vid_"))[:6]
    return " ".join(part for part in (f"{local_date:%Y-%m-%d}", words, short_id) if part) + ".mp4"
