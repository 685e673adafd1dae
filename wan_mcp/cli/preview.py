"""`wan-mcp preview`: the frames of a saved video as one image beside it."""

from pathlib import Path

import click

from wan_mcp.cli.program import json_option
from wan_mcp.cli.session import visit
from wan_mcp.cli.terminal import Terminal
from wan_mcp.domain.errors import VideoUnusable
from wan_mcp.domain.language import say
from wan_mcp.server.previews import view

_MOST = 12


@click.command()
@click.argument("task_id")
@click.option("--frames", type=click.IntRange(1, _MOST), default=4, show_default=True, help="How many.")
@click.option("--open", "opens", is_flag=True, help="Show it, too.")
@json_option()
@click.pass_obj
def preview(terminal: Terminal, task_id: str, frames: int, opens: bool) -> None:
    """Write frames of a saved video into one image beside it.

    The image is named after the video, with the word `frames`; it is written anew each time. Wants the extra `media`.
    """
    made = visit(lambda videos: videos.preview(task_id, frames=frames))
    video = Path(made.report.task.file or "")
    image = video.with_name(f"{video.stem} frames.jpg")
    try:
        image.write_bytes(made.sheet.jpeg)
    except OSError as error:
        words = say("{file} cannot be written: {reason}.", file=image, reason=error.strerror or error)
        raise VideoUnusable(words) from error
    if terminal.as_json:
        terminal.data({**view(made)[1], "image": str(image)})
    else:
        terminal.line(str(image))
    if opens:
        click.launch(str(image))
