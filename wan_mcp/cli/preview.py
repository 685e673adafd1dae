"""`wan-mcp preview`: the frames of a saved video as one image beside it."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from wan_mcp.adapters.beside import lay
from wan_mcp.cli.pages import in_commands
from wan_mcp.cli.program import Command, json_option
from wan_mcp.cli.session import visit
from wan_mcp.cli.terminal import Terminal
from wan_mcp.domain.errors import VideoUnusable
from wan_mcp.domain.film import FILM
from wan_mcp.domain.language import say
from wan_mcp.server.preview_views import MOST_FRAMES, USUAL_FRAMES, film_view, view
from wan_mcp.service.videos import Videos


@click.command(cls=Command)
@click.argument("task_id")
@click.option(
    "--frames", type=click.IntRange(1, MOST_FRAMES), metavar="COUNT",
    help="How many.  [default: 4, or 1 of each shot of a film]",
)  # fmt: skip
@click.option("--open", "opens", is_flag=True, help="Show it, too.")
@json_option()
@click.pass_obj
def preview(terminal: Terminal, task_id: str, frames: int | None, opens: bool) -> None:
    """Write frames of a saved video into one image beside it.

    TASK_ID may be that of a film: then its shots are shown. The image is named after the video, with the word
    `frames`; it is written anew each time. Wants the extra `media`.
    """
    image, jpeg, shown = visit(partial(_of_film if task_id.startswith(FILM) else _of_video, task_id, frames))
    try:
        lay(image, jpeg)
    except OSError as error:
        words = say("{file} cannot be written: {reason}.", file=image, reason=error.strerror or error)
        raise VideoUnusable(words) from error
    if terminal.as_json:
        terminal.data({**shown, "next_step": in_commands(shown["next_step"]), "image": str(image)})
    else:
        terminal.line(str(image))
    if opens:
        click.launch(str(image))


async def _of_video(task_id: str, frames: int | None, videos: Videos) -> tuple[Path, bytes, dict[str, Any]]:
    made = await videos.preview(task_id, frames=frames or USUAL_FRAMES)
    video = Path(made.report.task.file or "")
    return video.with_name(f"{video.stem} frames.jpg"), made.sheet.jpeg, view(made)[1]


async def _of_film(film_id: str, frames: int | None, videos: Videos) -> tuple[Path, bytes, dict[str, Any]]:
    made = await videos.preview_film(film_id, frames=frames or 1)
    folder = videos.settings.output_dir / made.report.film.name
    return folder.with_name(f"{folder.name} frames.jpg"), made.sheet.jpeg, film_view(made)[1]
