"""Requests as a caller would write them."""

from wan_mcp.domain.catalogue import WAN25_T2V
from wan_mcp.domain.request import Limits, VideoRequest, parse_request, request_arguments

CAT = "一只小猫在月光下奔跑"
"""The prompt of the user's own API card."""


def a_request(prompt: str = CAT, **more: object) -> VideoRequest:
    """A request that the catalogue accepts."""
    return parse_request(request_arguments({"prompt": prompt, **more}), WAN25_T2V, Limits())
