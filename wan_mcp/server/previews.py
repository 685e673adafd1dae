"""`preview_video`: the frames of a saved video as one image, for a model that cannot watch it."""

import base64
from typing import TYPE_CHECKING

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult, ImageContent

from wan_mcp.domain.arguments import Arguments
from wan_mcp.domain.film import FILM
from wan_mcp.server.callers import caller
from wan_mcp.server.preview_views import MOST_FRAMES, USUAL_FRAMES, film_view, view
from wan_mcp.server.worded import Raw, Service, integer, reading, text, told, tool

if TYPE_CHECKING:  # looking into videos is not imported before a video is looked into
    from wan_mcp.adapters.media.order import Sheet

JPEG = "image/jpeg"


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
