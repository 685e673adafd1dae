"""Small files beside a video: each is whole or not there, and its owner's alone."""

import os
from contextlib import suppress
from pathlib import Path


def lay(path: Path, content: bytes) -> None:
    """Write a file, or replace it, in one step.

    Raises:
        OSError: it cannot be written, and what was there is as it was.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
