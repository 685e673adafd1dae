"""The story that every client in Python tells, as a model would: it knows only what its client showed it.

It runs in the venvs of the peers, so it imports nothing but the standard library. `story.cjs` is the same for Node.
"""
# ruff: noqa: T201 - what is printed is the report

import json
import re
from collections.abc import Generator
from importlib.metadata import version
from typing import Any

Call = tuple[str, dict[str, Any]]


def story() -> Generator[Call, str, dict[str, str]]:
    """Yield tool calls, take what the model saw of each, return all that it saw."""
    saw: dict[str, str] = {}
    saw["price"] = yield "estimate_cost", {"size": "832*480", "duration": 5}
    saw["created"] = yield "create_video", {"prompt": "a cat on a roof", "size": "832*480", "duration": 5}
    task_id = re.findall(r"vid_[\w-]{22}", saw["created"])[0]
    for _ in range(3):
        saw["fetched"] = yield "get_video_task", {"task_id": task_id, "wait_seconds": 20}
        if "SUCCEEDED" in saw["fetched"]:
            break
    saw["unknown argument"] = yield "estimate_cost", {"size": "832*480", "second": 10}
    saw["dear"] = yield "create_video", {"prompt": "a whale", "size": "1920*1080", "duration": 10}
    return saw


def tell(story: Generator[Call, str, dict[str, str]], saw: str | None = None) -> tuple[Call | None, dict[str, str]]:
    """Go on with a story: the next call, or at its end all that was seen."""
    try:
        return (next(story) if saw is None else story.send(saw)), {}
    except StopIteration as end:
        return None, end.value


def report(package: str, **facts: Any) -> None:
    """Print what was seen."""
    print(json.dumps({"version": version(package), **facts}, default=str))


def as_seen(shown: Any) -> str:
    """What a model reads, whatever its client calls it."""
    return shown if isinstance(shown, str) else json.dumps(shown, default=str)
