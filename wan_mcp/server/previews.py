"""`preview_video`: the frames of a saved video as one image, for a model that cannot watch it."""

import base64
from typing import Any

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult, ImageContent

from wan_mcp.domain.arguments import Arguments
from wan_mcp.domain.language import say, sentences
from wan_mcp.server import views
from wan_mcp.server.callers import caller
from wan_mcp.server.worded import Raw, Service, integer, reading, text, told, tool
from wan_mcp.service.report import Preview

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


def preview(service: Service) -> Tool:
    """Make the tool over `service`."""

    async def preview_video(arguments: Raw) -> CallToolResult:
        videos = await service()
        read = Arguments(arguments, known=("task_id", "frames"))
        task_id = read.text("task_id", longest=100, required=True)
        frames = read.integer("frames", low=1, high=MOST_FRAMES) or USUAL_FRAMES
        read.finish()
        made = await videos.preview(task_id or "", frames=frames, caller=caller())
        image = ImageContent(type="image", data=base64.b64encode(made.sheet.jpeg).decode(), mime_type=JPEG)
        return told(*view(made), image)

    return tool(
        preview_video,
        title="Preview video",
        description="See a saved video: frames with their times in one image, to check it against the prompt. Free.",
        properties={
            "task_id": text("From create_video."),
            "frames": integer("", low=1, high=MOST_FRAMES, default=USUAL_FRAMES),
        },
        required=["task_id"],
        annotations=reading(open_world=False),
    )
