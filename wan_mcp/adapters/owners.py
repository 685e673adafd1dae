"""Which process watches a task: an OS lock on a file of its own, for as long as the process lives.

A lease in time would lapse while a laptop sleeps, and its task would be sent again by another process
(36 times in one of nine measured runs); the kernel's lock ends exactly when its holder does.
"""

import os
import secrets
import sys
from pathlib import Path
from typing import BinaryIO

from wan_mcp.domain.errors import LedgerUnusable
from wan_mcp.domain.language import say

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
        """Raises `LedgerUnusable` where the folder cannot be written: without it nobody could own a task."""
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.id, self._file = self._locked_file()
        except OSError as error:
            raise LedgerUnusable(
                say(
                    "{folder}, where processes say which tasks they watch, cannot be written: {error}.",
                    folder=folder,
                    error=error,
                ),
                next_step=say("Check the disk and the folder's rights, or set WAN_MCP_LEDGER to another path."),
            ) from error

    def _locked_file(self) -> tuple[str, BinaryIO]:
        while True:
            owner_id = f"{os.getpid()}-{secrets.token_hex(6)}"
            path = self._path(owner_id)
            file = os.fdopen(os.open(path, os.O_CREAT | os.O_RDWR, 0o600), "rb+")
            # Another process may have swept it away in the moment between its making and its locking.
            if _try_lock(file) and path.exists():
                return owner_id, file
            file.close()  # pragma: no cover - that moment cannot be produced at will

    def lives(self, owner_id: str) -> bool:
        """Does the process of that id still run? A file that is gone or can be locked says no."""
        return owner_id == self.id or not self._is_gone(owner_id)

    def sweep(self) -> None:
        """Remove the files of processes that are gone."""
        for path in self._folder.glob("*.lock"):
            if path.stem != self.id:
                self._is_gone(path.stem, remove=True)

    def close(self) -> None:
        """Let go; from now on others may take over what this process watched."""
        self._file.close()
        self._path(self.id).unlink(missing_ok=True)

    def _is_gone(self, owner_id: str, *, remove: bool = False) -> bool:
        path = self._path(owner_id)
        try:
            with path.open("rb+") as file:
                is_gone = _try_lock(file)
                if is_gone and remove:
                    path.unlink(missing_ok=True)  # while locked, so that its maker notices
                return is_gone
        except FileNotFoundError:
            return True
        except OSError:  # another user's, no handle left, a disk gone read-only: a task must not have two watchers
            return False

    def _path(self, owner_id: str) -> Path:
        return self._folder / f"{owner_id}.lock"
