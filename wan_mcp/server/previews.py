"""`preview_video`: the frames of a saved video as one image, for a model that cannot watch it."""

import base64
from typing import TYPE_CHECKING, Any

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult, ImageContent

from wan_mcp.domain.arguments import Arguments
from wan_mcp.domain.film import FILM
from wan_mcp.domain.language import say, sentences
from wan_mcp.server import views
from wan_mcp.server.callers import caller
from wan_mcp.server.worded import Raw, Service, integer, reading, text, told, tool
from wan_mcp.service.report import FilmPreview, Preview

if TYPE_CHECKING:  # looking into videos is not imported before a video is looked into
    from wan_mcp.adapters.media.order import Sheet

JPEG = "image/jpeg"
USUAL_FRAMES = 4
MOST_FRAMES = 12


def view(made: Preview) -> tuple[str, dict[str, Any]]:
    """Which frames are on the sheet, and what they are to be compared with."""
    task, sheet = made.report.task, made.sheet
    [length], [times] = sheet.seconds, sheet.times
    next_step = say("Compare them with the prompt. Another take is paid again: create_video with another seed.")
    shown = {
        "task_id": task.id,
        "file": task.file,
        "prompt": task.request.prompt,
        "seconds": round(length, 2),
        "times": [round(moment, 2) for moment in times],
        "next_step": next_step,
    }
    words = say(
        "{count} frames of {task} ({size}, {seconds} s), in reading order at {times} s. Prompt: “{prompt}”.",
        count=len(times),
        task=task.id,
        size=task.request.size,
        seconds=f"{length:.1f}",
        times=", ".join(f"{moment:.1f}" for moment in times),
        prompt=views.cut(task.request.prompt, 300),
    )
    return sentences(words, next_step), shown


def film_view(made: FilmPreview) -> tuple[str, dict[str, Any]]:
    """Which shots are on the sheet, and what they are to be compared with."""
    film, sheet = made.report.film, made.sheet
    shots = [
        {
            "shot": shot.number,
            "task_id": shot.chosen.id if shot.chosen else None,
            "times": [round(moment, 2) for moment in times],
            "prompt": views.cut(film.script.own_prompt(shot.number)),
        }
        for shot, times in zip(made.shots, sheet.times, strict=True)
    ]
    next_step = say("Compare them with the prompts; retake a shot that came out badly (paid again).")
    shown = {"film_id": film.id, "title": views.cut(film.script.title), "shots": shots, "next_step": next_step}
    words = say(
        "{count} of {all} shots of {film}, in reading order, each cell with the number of its shot and its time.",
        count=len(shots),
        all=len(made.report.shots),
        film=film.id,
    )
    prompts = " ".join(f"({shot['shot']}) “{shot['prompt']}”" for shot in shots)
    return sentences(words, prompts, next_step), shown


def preview(service: Service) -> Tool:
    """Make the tool over `service`."""

    async def preview_video(arguments: Raw) -> CallToolResult:
        videos = await service()
        read = Arguments(arguments, known=("task_id", "frames"))
        task_id = read.text("task_id", longest=100, required=True)
        frames = read.integer("frames", low=1, high=MOST_FRAMES)
        read.finish()
        if task_id and task_id.strip().startswith(FILM):
            film = await videos.preview_film(task_id, frames=frames or 1, caller=caller())
            return told(*film_view(film), _image(film.sheet))
        made = await videos.preview(task_id or "", frames=frames or USUAL_FRAMES, caller=caller())
        return told(*view(made), _image(made.sheet))

    return tool(
        preview_video,
        title="Preview video",
        description="See a saved video: frames with their times in one image, to check it against the prompt. Free.",
        properties={
            "task_id": text("Or a film's id: its shots."),
            "frames": integer("", low=1, high=MOST_FRAMES, default=USUAL_FRAMES),
        },
        required=["task_id"],
        annotations=reading(open_world=False),
    )


def _image(sheet: "Sheet") -> ImageContent:
    return ImageContent(type="image", data=base64.b64encode(sheet.jpeg).decode(), mime_type=JPEG)
