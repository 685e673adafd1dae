"""One piece of work on video files, in a process of its own: an order comes in by stdin, its outcome leaves by stdout.

A decoder is a large program in C, and files may be broken or made to break it. Here it can hang, crash or fill its
memory, and what is lost is this process: the server goes on watching what was paid for. It holds no key, and it ends
with whoever started it.
"""

import base64
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from wan_mcp.domain.language import later

Order = Mapping[str, Any]
_MEMORY = 4 << 30
"""Bytes of address space: libraries and threads claim much of it and fill little."""
_CPU_SECONDS = 3600


def main() -> None:
    """Do what the first line of stdin says."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who waits for us, and who ends us
    _bound()
    order = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    from wan_mcp.adapters.media.reading import Unusable

    try:
        _tell(done=_WORK[order["work"]](order))
    except Unusable as error:
        _tell(unusable=error.template, values=error.values)
    except MemoryError:
        _tell(unusable=later("It needs more memory than a video may take."), values={})
    os._exit(0)  # all is told, and to take the libraries down again takes a tenth of a second


def _bound() -> None:
    """Set limits where the system has them, before anything is read."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))


def _end_with_the_parent() -> None:
    """Its end of stdin closes when it dies, however it dies."""
    sys.stdin.read()
    os._exit(1)


def _tell(**news: Any) -> None:
    sys.stdout.write(json.dumps(news) + "\n")
    sys.stdout.flush()


def _join(order: Order) -> dict[str, Any]:
    from wan_mcp.adapters.media.joining import Wanted, join

    wanted = Wanted(
        shots=tuple(Path(shot) for shot in order["shots"]),
        titles=tuple(order["titles"]),
        crossfade=order["crossfade"],
        title_card=order["title_card"],
        metadata=order["metadata"],
    )
    made = join(wanted, Path(order["part"]), _Progress())
    return {
        "seconds": made.seconds,
        "is_copied": made.is_copied,
        "chapters": made.chapters,
        "remarks": made.remarks,
        "peak_bytes": _peak(),
    }


def _sheet(order: Order) -> dict[str, Any]:
    from wan_mcp.adapters.media.frames import sheet
    from wan_mcp.adapters.media.order import Strip

    strips = [Strip(path=Path(path), count=count, label=label) for path, count, label in order["strips"]]
    made = sheet(strips)
    return {**vars(made), "jpeg": base64.b64encode(made.jpeg).decode()}


def _poster(order: Order) -> dict[str, Any]:
    from wan_mcp.adapters.media.frames import poster

    return {"jpeg": base64.b64encode(poster(Path(order["path"]))).decode()}


def _stamp(order: Order) -> dict[str, Any]:
    from wan_mcp.adapters.media.reading import Unusable
    from wan_mcp.adapters.media.stamping import stamp

    stamp(Path(order["source"]), Path(order["target"]), order["metadata"])
    try:
        return _poster({"path": order["target"]})
    except Unusable:
        return {"jpeg": None}


def _peak() -> int | None:
    """The most memory that this process had; `None` where the system does not say."""
    with suppress(ImportError):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return None


class _Progress:
    """Tells a hundredth at a time."""

    def __init__(self) -> None:
        self._told = 0

    def __call__(self, share: float) -> None:
        if (now := int(share * 100)) > self._told:
            self._told = now
            _tell(share=now / 100)


_WORK: dict[str, Callable[[Order], dict[str, Any]]] = {
    "join": _join,
    "poster": _poster,
    "sheet": _sheet,
    "stamp": _stamp,
}

if __name__ == "__main__":
    main()
