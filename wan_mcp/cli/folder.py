"""The folder for videos: whether it can be written is found out before anything is paid for."""

import tempfile
from pathlib import Path

from wan_mcp.domain.errors import BadSettings
from wan_mcp.domain.language import say


def where_to_write(folder: Path) -> Path:
    """The folder, or what is there of its parents. Nothing is made that was not there.

    Raises:
        OSError: nothing can be written there.
    """
    there = next(place for place in (folder, *folder.parents) if place.exists())
    with tempfile.TemporaryFile(dir=there):
        return there


def unwritable_words(folder: Path, error: OSError) -> str:
    """Why nothing can be written there."""
    return say("{folder} cannot be written: {reason}.", folder=folder, reason=error.strerror or error)


def mend_words() -> str:
    """What to do about it."""
    return say("Mend it, or set WAN_MCP_OUTPUT_DIR to another folder.")


def refuse_unwritable(folder: Path) -> None:
    """Look before a video is paid for that could not be saved.

    Raises:
        BadSettings: nothing was sent.
    """
    try:
        where_to_write(folder)
    except OSError as error:
        what = say("{why} Nothing was sent.", why=unwritable_words(folder, error))
        raise BadSettings(what, next_step=mend_words()) from error
