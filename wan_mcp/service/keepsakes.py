"""What goes with a saved video."""

from wan_mcp.domain.errors import NoVideo
from wan_mcp.domain.language import say
from wan_mcp.domain.task import Status, VideoTask


def saved_file(task: VideoTask) -> str:
    """Return where the video is.

    Raises:
        NoVideo: it is not here: not yet, or for good.
    """
    if task.file:
        return task.file
    if task.is_open:
        raise NoVideo(
            say("{task} is {status}, so there is no video of it yet.", task=task.id, status=task.status),
            next_step=say("Call get_video_task until its file is saved."),
        )
    if task.is_to_be_saved:
        raise NoVideo(
            say("The file of {task} is still being saved.", task=task.id),
            next_step=say("Call get_video_task until its file is saved."),
        )
    if task.status is Status.SUCCEEDED:
        raise NoVideo(say("The file of {task} could not be saved, and its link is dead.", task=task.id))
    raise NoVideo(say("{task} is {status}, so there is no video of it.", task=task.id, status=task.status))
