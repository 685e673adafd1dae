"""The resources: the models, the money of the day, each task, each video. All are views of what the tools show."""

import json
import re
from collections.abc import Callable
from typing import Any

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.server.mcpserver.resources import FunctionResource

from wan_mcp.domain.catalogue import MODELS
from wan_mcp.domain.errors import NoVideo, UnknownTask, WanError
from wan_mcp.domain.film import FILM
from wan_mcp.domain.language import say, sentences
from wan_mcp.domain.task import Status
from wan_mcp.server import film_views, links, money_views, views
from wan_mcp.server.callers import caller
from wan_mcp.server.preview_views import USUAL_FRAMES
from wan_mcp.server.previews import JPEG
from wan_mcp.server.worded import Service
from wan_mcp.service.report import FilmReport, Preview, Report

JSON = "application/json"
LARGEST_BLOB = 5_000_000
"""Bytes of a video that is handed over whole. Base64 makes a third more of it: 5 MB are one message of 6.7 MB, which
cost a tenth of a second and 25 MB of memory on the developers' machine, and the host has to hold it too."""

PART = 4_500_000
"""Bytes of a part of what is larger: a multiple of three, so that the base64 texts of all parts make one text."""
MOST_PARTS = 14
"""The card holds all of them at once, and base64 of them: 63 MB, some twelve shots in 720P."""


def add_resources(server: MCPServer[Any], service: Service) -> None:
    """Publish them."""
    server.add_resource(
        FunctionResource(
            uri=links.MODELS,
            name="models",
            title="Models",
            description="The models: sizes, lengths, limits, prices per region, usual times.",
            mime_type=JSON,
            fn=_models,
        )
    )
    server.resource(
        links.MODEL, name="model", title="Model", description="One model: sizes, limits, prices.", mime_type=JSON
    )(_model)
    _add_ledger(server, service)
    _add_tasks(server, service)
    _add_films(server, service)
    _add_videos(server, service)


async def _models() -> str:
    return _json([views.model(row) for row in MODELS.values()])


async def _model(model: str) -> str:
    if model not in MODELS:
        raise ResourceNotFoundError(
            say("There is no model {model!r}; there are: {models}.", model=model[:80], models=", ".join(MODELS))
        )
    return _json(views.model(MODELS[model]))


def _add_ledger(server: MCPServer[Any], service: Service) -> None:
    async def today() -> str:
        try:
            videos = await service()
            return _json(
                money_views.today(await videos.spending.account(caller=caller()), await videos.today(caller=caller()))
            )
        except WanError as error:
            raise ResourceError(error.words) from error

    server.add_resource(
        FunctionResource(
            uri=links.LEDGER_TODAY,
            name="today",
            title="Today's ledger",
            description="What is held, charged and left today, and how many tasks have which status.",
            mime_type=JSON,
            fn=today,
        )
    )


def _add_tasks(server: MCPServer[Any], service: Service) -> None:
    async def task(task_id: str) -> str:
        report = await _report(service, task_id)
        videos = await service()
        return _json(views.whole(report, await videos.history(report)))

    server.resource(
        links.TASK,
        name="task",
        title="Video task",
        description="One task in full: the request, cost, file, and when it came to each status.",
        mime_type=JSON,
    )(task)


def _add_films(server: MCPServer[Any], service: Service) -> None:
    async def film(film_id: str) -> str:
        return _json(film_views.whole(await _film(service, film_id)))

    server.resource(
        links.FILM,
        name="film",
        title="Film",
        description="One film in full: each shot with its prompt, takes, costs and files.",
        mime_type=JSON,
    )(film)


async def _film(service: Service, film_id: str) -> FilmReport:
    try:
        return await (await service()).films.get(film_id, caller=caller())
    except UnknownTask as error:
        raise ResourceNotFoundError(error.words) from error
    except WanError as error:
        raise ResourceError(error.words) from error


def _add_videos(server: MCPServer[Any], service: Service) -> None:
    async def video(task_id: str) -> str | bytes:
        if task_id.startswith(FILM):
            return await _joined(await _film(service, task_id))
        return await _video(await _report(service, task_id))

    server.resource(
        links.VIDEO,
        name="video",
        title="Video",
        description=f"The saved MP4 where it is at most {LARGEST_BLOB // 1_000_000} MB, else its path and link (JSON).",
        mime_type="video/mp4",
    )(video)

    async def part_of_video(task_id: str, part: str) -> bytes:
        return await _part(await _path(service, task_id), part)

    server.resource(
        links.VIDEO_PART,
        name="video part",
        title="Part of a video",
        description="One of the `parts` of a saved MP4 that is larger, counted from 1; in order they are the file.",
        mime_type="video/mp4",
    )(part_of_video)

    async def preview(task_id: str) -> bytes:
        return (await _shown(service, task_id)).sheet.jpeg

    server.resource(
        links.PREVIEW,
        name="preview",
        title="Preview",
        description=f"{USUAL_FRAMES} frames of the saved video in one image, each with its time (extra media).",
        mime_type=JPEG,
    )(preview)


async def _shown(service: Service, task_id: str) -> Preview:
    report = await _report(service, task_id)
    try:
        return await (await service()).preview(report.task.id, frames=USUAL_FRAMES, caller=caller())
    except NoVideo as error:
        raise ResourceNotFoundError(error.words) from error
    except WanError as error:
        raise ResourceError(error.words) from error


async def _video(report: Report) -> str | bytes:
    task = report.task
    if task.status is not Status.SUCCEEDED:
        there_is_none = say("{task} is {status}, so there is no video of it.", task=task.id, status=task.status)
        raise ResourceNotFoundError(sentences(there_is_none, views.next_words(report)))
    if not task.file:
        return _json(views.video_elsewhere(task, views.next_words(report)))
    return await _read(task.file, lambda why: views.video_elsewhere(task, why))


async def _joined(report: FilmReport) -> str | bytes:
    file = report.film.file if report.is_settled else None
    if file is None:
        none = say("{film} is {status}, so there is no file of it.", film=report.film.id, status=report.status)
        raise ResourceNotFoundError(sentences(none, film_views.next_words(report)))
    return await _read(file, lambda why: {"film_id": report.film.id, "file": file, "why": why})


async def _read(path: str, elsewhere: Callable[[str], dict[str, Any]]) -> str | bytes:
    """The file, or where it is and why it is not handed over."""
    file = anyio.Path(path)
    try:
        size = (await file.stat()).st_size
        if size <= LARGEST_BLOB:
            return await file.read_bytes()
        parts = -(-size // PART)
        most = LARGEST_BLOB if parts <= MOST_PARTS else MOST_PARTS * PART
        told = elsewhere(say("It is larger than {size} MB.", size=most // 1_000_000))
        return _json({**told, "parts": parts} if parts <= MOST_PARTS else told)
    except OSError as error:
        return _json(elsewhere(say("The file cannot be read: {reason}.", reason=error.strerror)))


async def _path(service: Service, task_id: str) -> str:
    """Where the saved file of a video or a film is."""
    if task_id.startswith(FILM):
        film = await _film(service, task_id)
        path = film.film.file if film.is_settled else None
    else:
        path = (await _report(service, task_id)).task.file
    if path is None:
        raise ResourceNotFoundError(say("There is no file of {task_id} here yet.", task_id=task_id))
    return path


async def _part(path: str, part: str) -> bytes:
    number = int(part) if re.fullmatch(r"[1-9]\d?", part) else MOST_PARTS + 1
    try:
        async with await anyio.open_file(path, "rb") as file:
            await file.seek((number - 1) * PART)
            read = await file.read(PART) if number <= MOST_PARTS else b""
    except OSError as error:
        raise ResourceError(say("The file cannot be read: {reason}.", reason=error.strerror)) from error
    if not read:
        raise ResourceNotFoundError(say("It has no part {part}.", part=part[:20]))
    return read


async def _report(service: Service, task_id: str) -> Report:
    """One of the caller's tasks, by our own id only: reading must adopt nothing."""
    if not task_id.startswith("vid_"):
        raise ResourceNotFoundError(
            say("There is no task {task_id!r} here; list_video_tasks shows them.", task_id=task_id[:80])
        )
    try:
        videos = await service()
        return await videos.get(task_id, caller=caller())
    except UnknownTask as error:
        raise ResourceNotFoundError(error.words) from error
    except WanError as error:
        raise ResourceError(error.words) from error


def _json(thing: object) -> str:
    return json.dumps(thing, ensure_ascii=False, indent=1)
