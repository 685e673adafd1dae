"""Ctrl-C between the things that a command does: it ends the command, and that it came is not forgotten.

Python raises KeyboardInterrupt wherever it is, and only writes it down where that is a finalizer or a callback of an
import's. A command that begins with a third of a second of imports would go on then, and spend.
"""

import signal
from types import FrameType


class _CtrlC:
    has_come = False

    def comes(self, number: int, frame: FrameType | None) -> None:
        self.has_come = True
        raise KeyboardInterrupt


_ctrl_c = _CtrlC()


def listen() -> None:
    """Have it raise KeyboardInterrupt from now on, and be remembered."""
    signal.signal(signal.SIGINT, _ctrl_c.comes)


def raise_what_was_lost() -> None:
    """Raise KeyboardInterrupt again where it came, and the command goes on all the same."""
    if _ctrl_c.has_come:
        raise KeyboardInterrupt


def end_listening() -> None:
    """The command has ended, and so will the process: what comes now could only spoil its exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
