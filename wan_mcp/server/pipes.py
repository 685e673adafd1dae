"""stdin and stdout where they are pipes, as every host has them: read and written by the event loop itself.

The SDK hands each line to a thread and waits for it, three times a call, and that takes longer than most answers;
its thread also holds stdin for as long as the process lives. Nothing here can block the loop: no more is written at
once than a pipe that is ready takes whole (PIPE_BUF: https://pubs.opengroup.org/onlinepubs/9799919799/functions/poll.html),
so a host that does not read holds up nothing but its own answers.
"""

import math
import os
import select
import stat
import sys
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager

import anyio

_AT_ONCE = 1 << 16
_LAST_ROOM = 4.0
"""Seconds after the end of the input in which a host may still read; answers come for most of that time."""


class Incoming:
    """The lines of a pipe."""

    def __init__(self, fd: int, other: "Outgoing") -> None:
        """`other` is told when nothing more comes."""
        self._fd = fd
        self._other = other

    async def __aiter__(self) -> AsyncIterator[str]:
        """Yield line by line until the other side closes; what has no end then is a line, too."""
        begun = bytearray()
        while True:
            await anyio.wait_readable(self._fd)
            chunk = os.read(self._fd, _AT_ONCE)
            *ended, rest = chunk.split(b"\n")
            for line in ended:
                yield (begun + line).decode("utf-8", "replace")
                begun.clear()
            begun += rest
            if not chunk:
                self._other.finish()
                break
        if begun:
            yield begun.decode("utf-8", "replace")


class Outgoing:
    """The pipe the other way."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._ready = select.poll()
        self._ready.register(fd, select.POLLOUT)
        self._room = anyio.CancelScope()
        self._deadline = math.inf

    def finish(self) -> None:
        """Wait for room no longer than a moment from now on."""
        self._deadline = self._room.deadline = anyio.current_time() + _LAST_ROOM

    async def write(self, text: str) -> int:
        """Write all of it.

        Raises:
            BrokenPipeError, ConnectionResetError: nobody reads any more.
        """
        left = memoryview(text.encode())
        while left:
            if not self._ready.poll(0):
                await self._wait_for_room()
            left = left[os.write(self._fd, left[: select.PIPE_BUF]) :]
        return len(text)

    async def flush(self) -> None:
        """Nothing is held back."""

    async def _wait_for_room(self) -> None:
        with anyio.CancelScope(deadline=self._deadline) as self._room:
            await anyio.wait_writable(self._fd)
        if self._room.cancelled_caught:
            raise BrokenPipeError("the host has closed its end, and does not read")


@contextmanager
def standard_pipes() -> Generator[tuple[Incoming, Outgoing] | None]:
    """Claim stdin and stdout of this process: print() and programs that are started miss the wire until the end.

    `None` where they are no pipes (a file, a terminal, Windows): the SDK's own way is good for all of them.
    """
    if sys.platform == "win32" or not all(_is_pipe(fd) for fd in (0, 1)):
        yield None
        return
    import fcntl

    private = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3) for fd in (0, 1)]
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    try:
        outgoing = Outgoing(private[1])
        yield Incoming(private[0], outgoing), outgoing
    finally:
        for fd in (0, 1):
            os.dup2(private[fd], fd)


def _is_pipe(fd: int) -> bool:
    try:
        mode = os.fstat(fd).st_mode
    except OSError:  # closed
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)  # hosts that run on Node have sockets for pipes
