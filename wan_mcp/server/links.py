"""The addresses of our resources, and the links to them that results carry."""

from pathlib import PurePath

from mcp.types import ResourceLink

from wan_mcp.domain.film import FILM as FILM_ID
from wan_mcp.service.report import FilmReport, Report

MODELS = "wan://models"
MODEL = "wan://models/{model}"
LEDGER_TODAY = "wan://ledger/today"
TASK = "wan://tasks/{task_id}"
VIDEO = "wan://videos/{task_id}"
VIDEO_PART = "wan://videos/{task_id}/parts/{part}"
PREVIEW = "wan://videos/{task_id}/preview"
FILM = "wan://films/{film_id}"
PLAYER = "ui://wan-mcp/player.html"


def task_uri(task_id: str) -> str:
    """Where one task, or one film, can be read."""
    if task_id.startswith(FILM_ID):
        return film_uri(task_id)
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


def film_uri(film_id: str) -> str:
    """Where one film can be read."""
    return FILM.format(film_id=film_id)


def film_links(report: FilmReport) -> list[ResourceLink]:
    """The film, and its file once joined."""
    film = report.film
    of_film = ResourceLink(type="resource_link", uri=film_uri(film.id), name="film")
    if not film.file or not report.is_settled:
        return [of_film]
    of_video = ResourceLink(
        type="resource_link",
        uri=VIDEO.format(task_id=film.id),
        name=PurePath(film.file).name,
        mime_type="video/mp4",
        size=film.file_bytes,
    )
    return [of_film, of_video]
