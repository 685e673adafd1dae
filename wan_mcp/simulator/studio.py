"""Where the videos come from: drawn when the libraries are there, else one packaged clip.

Drawing happens in a worker thread, once for each shot, when it is first asked for.
"""

import threading
from collections import OrderedDict
from functools import partial
from importlib.resources import files
from importlib.util import find_spec

import anyio
from anyio import to_thread

from .settings import Media
from .shot import Shot

__all__ = ["Studio"]

KEPT_BYTES = 96 * 1024 * 1024
CLIP_NOTE = "every video is the same packaged clip; install the extra 'media' to have each one drawn"


class Studio:
    """Makes films, and keeps the latest."""

    def __init__(self, media: Media) -> None:
        self.draws = media == "draw" or (media == "auto" and _can_draw())
        self.clip = files(__name__.rpartition(".")[0]) / "media" / "clip.mp4"
        """What is served where nothing is drawn."""
        self._films: OrderedDict[Shot, bytes] = OrderedDict()
        self._locks: dict[Shot, anyio.Lock] = {}
        self._closing = threading.Event()

    @property
    def note(self) -> str:
        """What is special about these videos, in a sentence."""
        return "every video is drawn for its prompt" if self.draws else CLIP_NOTE

    @property
    def header_note(self) -> str | None:
        """What a download says of itself, when it is not what was asked for."""
        return None if self.draws else CLIP_NOTE

    async def film(self, shot: Shot) -> bytes:
        """The video of a shot."""
        if not self.draws:
            return self.clip.read_bytes()
        async with self._locks.setdefault(shot, anyio.Lock()):
            if shot not in self._films:
                from .movie import render  # needs the extra: imported when it is used

                self._keep(shot, await to_thread.run_sync(partial(render, shot, stop=self._closing)))
            self._films.move_to_end(shot)
            return self._films[shot]

    def open(self) -> None:
        """Be ready to draw, in whatever event loop is running now."""
        self._closing.clear()
        self._locks.clear()

    def close(self) -> None:
        """Let a film in the making be abandoned, so that a server can stop at once."""
        self._closing.set()

    def _keep(self, shot: Shot, film: bytes) -> None:
        self._films[shot] = film
        while sum(map(len, self._films.values())) > KEPT_BYTES and len(self._films) > 1:
            gone, _ = self._films.popitem(last=False)
            self._locks.pop(gone, None)


def _can_draw() -> bool:
    return find_spec("av") is not None and find_spec("PIL") is not None
