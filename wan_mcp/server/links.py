"""The addresses of our resources, and the links to them that results carry."""

from pathlib import PurePath

from mcp.types import ResourceLink

from wan_mcp.service.report import Report

MODELS = "wan://models"
MODEL = "wan://models/{model}"
LEDGER_TODAY = "wan://ledger/today"
TASK = "wan://tasks/{task_id}"
VIDEO = "wan://videos/{task_id}"
PREVIEW = "wan://videos/{task_id}/preview"
PLAYER = "ui://wan-mcp/player.html"


def task_uri(task_id: str) -> str:
    """Where one task can be read."""
    return TASK.format(task_id=task_id)


def links(report: Report) -> list[ResourceLink]:
    """The task, and its video once saved. Short: a host may show a model all of it."""
    task = report.task
    of_task = ResourceLink(type="resource_link", uri=task_uri(task.id), name="task")
    if not task.file:
        return [of_task]
    of_video = ResourceLink(
        type="resource_link",
        uri=VIDEO.format(task_id=task.id),
        name=PurePath(task.file).name,
        mime_type="video/mp4",
        size=task.file_bytes,
    )
    return [of_task, of_video]
