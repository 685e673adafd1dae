"""Requests as a caller would write them."""

from tests.conftest import HandClock
from wan_mcp.domain.catalogue import WAN25_T2V
from wan_mcp.domain.request import Limits, VideoRequest, parse_request, request_arguments
from wan_mcp.service.videos import Videos

CAT = "一只小猫在月光下奔跑"
"""The prompt of the user's own API card."""


def a_request(prompt: str = CAT, **more: object) -> VideoRequest:
    """A request that the catalogue accepts."""
    return parse_request(request_arguments({"prompt": prompt, **more}), WAN25_T2V, Limits())


async def pass_time(videos: Videos, clock: HandClock, *, minutes: float, step: float = 30) -> None:
    """Let time pass, the watcher taking its turns."""
    for _ in range(round(minutes * 60 / step)):
        clock.turn(step)
        await videos.watcher.turn()
