"""Which process watches a task: an OS lock on a file of its own, for as long as the process lives.

A lease in time would lapse while a laptop sleeps, and its task would be sent again by another process
(36 times in one of nine measured runs); the kernel's lock ends exactly when its holder does.
"""

import os
import secrets
import sys
from pathlib import Path
from typing import BinaryIO

if sys.platform == "win32":  # pragma: no cover - not run on the machines that build this
    import msvcrt

    def _try_lock(file: BinaryIO) -> bool:
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try_lock(file: BinaryIO) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


class Owner:
    """This process, as others see it: a locked file in `folder`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self.id = f"{os.getpid()}-{secrets.token_hex(6)}"
        self._file = self._path(self.id).open("wb")
        if not _try_lock(self._file):  # pragma: no cover - the name is random
            raise OSError(f"the lock file {self._file.name} is taken")

    def lives(self, owner_id: str) -> bool:
        """Does the process of that id still run? A file that is gone or can be locked says no."""
        if owner_id == self.id:
            return True
        try:
            with self._path(owner_id).open("rb+") as file:
                return not _try_lock(file)
        except FileNotFoundError:
            return False

    def sweep(self) -> None:
        """Remove the files of processes that are gone."""
        for path in self._folder.glob("*.lock"):
            if not self.lives(path.stem):
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go; from now on others may take over what this process watched."""
        self._path(self.id).unlink(missing_ok=True)
        self._file.close()

    def _path(self, owner_id: str) -> Path:
        return self._folder / f"{owner_id}.lock"
