"""Tasks in whatever status, as the ledger would hold them. Imports little: other processes wait for it."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from wan_mcp.domain.catalogue import WAN25_T2V
from wan_mcp.domain.money import Money
from wan_mcp.domain.request import VideoRequest
from wan_mcp.domain.task import OURS, Status, VideoTask

T0 = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
_NUMBERS = count(1)


def a_video(prompt: str) -> VideoRequest:
    """A request for a video of that prompt."""
    model = WAN25_T2V
    return VideoRequest(model=model.id, prompt=prompt, size=model.default_size, duration=model.default_duration)


def a_task(status: Status = Status.QUEUED, *, at: datetime = T0, **facts: Any) -> VideoTask:
    """A task of an account in Beijing, with the facts that its status brings."""
    number = next(_NUMBERS)
    usual: dict[str, Any] = {
        "id": f"vid_{number:022d}",
        "account": "dashscope.aliyuncs.com",
        "request": a_video(f"video {number}"),
        "unit_price": Money(Decimal("0.6"), "CNY"),
        "seconds": 5,
        "asked_at": at,
        "since": at,
    }
    if status is not Status.QUEUED:
        usual["sent_at"] = at
    if status not in OURS:
        usual |= {"dashscope_task_id": f"remote-{number}", "submitted_at": at}
    if status is Status.SUCCEEDED:
        usual |= {"ended_at": at, "video_url": "https://bucket.oss-cn-beijing.aliyuncs.com/v.mp4?Signature=x"}
    return VideoTask(status=status, **(usual | facts))
