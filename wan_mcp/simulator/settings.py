"""What can be changed about the simulated service.

Every default is the service's own value, as its public pages give it
(help.aliyun.com/zh/model-studio: rate-limit, legacy-wan-text-to-video-api-reference,
manage-asynchronous-tasks, get-temporary-file-url).
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

__all__ = ["Media", "Settings", "Validation"]

Validation = Literal["async", "strict"]
"""When a bad parameter is found: in the finished task (as the service does), or at once."""

Media = Literal["auto", "draw", "clip"]
"""Draw a video for each task, serve one packaged clip, or draw where the libraries are there."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The knobs of a simulator. Seconds are seconds of its own clock."""

    run_delay: float = 8.0
    """From the submission to RUNNING, while fewer than `running_limit` tasks run."""

    run_time: float | None = None
    """From RUNNING to the end; None takes 60 to 300 s, by size and length."""

    seed: int = 0
    """What the spread of the running times is drawn from."""

    running_limit: int | None = None
    """Tasks of one model that run at once; None takes the model's own (5)."""

    queue_limit: int = 500
    """Tasks of one model that may wait."""

    submit_rate: float | Literal["model"] | None = "model"
    """Submissions a second of one model: a number, the model's own (5), or None for no limit."""

    query_rate: float | None = 20
    """Queries, list calls and cancellations a second, each counted alone; None lifts it."""

    policy_rate: float | None = 100
    """Upload policies a second."""

    validation: Validation = "async"
    media: Media = "auto"

    api_keys: Collection[str] | None = None
    """The keys that are good; None lets in anything of the form `sk-...`."""

    speed: float = 1.0
    """Seconds of the simulated clock in one second of `now`."""

    task_lifetime: timedelta = timedelta(hours=24)
    """How long after its submission a task can be asked for; then it is UNKNOWN."""

    link_lifetime: timedelta = timedelta(hours=24)
    """How long after its end a task's video can be fetched."""

    task_timeout: timedelta = timedelta(hours=3)
    """After this a task that will not end is FAILED with InternalError.Timeout."""

    upload_lifetime: timedelta = timedelta(hours=48)
    policy_lifetime: timedelta = timedelta(seconds=300)

    region: str = "cn-beijing"
