"""DashScope on your desk: the video service simulated faithfully, mishaps included, free of charge.

It imports nothing of wan_mcp, so that it cannot share a misunderstanding with our client: it is
written from the service's public pages alone.
"""

from .mishaps import KINDS, Mishap
from .server import serve_forever, serving
from .settings import Settings
from .simulator import Simulator
from .tasks import Status, Task

__all__ = ["KINDS", "Mishap", "Settings", "Simulator", "Status", "Task", "serve_forever", "serving"]
