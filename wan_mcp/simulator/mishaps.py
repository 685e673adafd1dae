"""The script of what goes wrong: which request meets which mishap, in order, how many times.

`KINDS` is the whole repertoire. The script only decides; the answers a mishap leads to are in
`answers`, the fates of tasks in `simulator`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args
from uuid import uuid4

__all__ = ["KINDS", "Kind", "Mishap", "On", "Script"]

On = Literal["create", "query", "cancel", "list", "policy", "upload", "download"]
EVERYWHERE: frozenset[str] = frozenset(get_args(On))
API: frozenset[str] = EVERYWHERE - {"upload", "download"}

Options = Mapping[str, tuple[type, ...]]
"""What can be said about a mishap: the names, and the types of their values."""


@dataclass(frozen=True)
class Kind:
    """One sort of mishap: where it can happen, what can be said about it."""

    about: str
    on: frozenset[str]
    options: Options = field(default_factory=dict[str, tuple[type, ...]])
    needs: tuple[str, ...] = ()
    is_fate: bool = False
    """It is decided about the task that the request makes, and the request is answered as usual."""


def _options(**types: type | tuple[type, ...]) -> Options:
    return {name: one if isinstance(one, tuple) else (one,) for name, one in types.items()}


NUMBER = (int, float)
TEXT_OR_NOTHING = (str, type(None))
CREATE, QUERY, DOWNLOAD = frozenset({"create"}), frozenset({"query"}), frozenset({"download"})

KINDS: dict[str, Kind] = {
    "pass": Kind("Nothing: the request is answered as usual.", EVERYWHERE),
    "refuse": Kind(
        "An error body; status and message are the code's own unless given. Status 200 is possible.",
        EVERYWHERE,
        _options(code=str, message=str, status=int, retry_after=NUMBER),
    ),
    "throttle": Kind(
        "429, with Throttling.RateQuota unless another code is given.",
        EVERYWHERE,
        _options(code=str, message=str, retry_after=NUMBER),
    ),
    "hang": Kind(
        "No answer: until the caller leaves, or for some real seconds, then the connection is dropped.",
        EVERYWHERE,
        _options(seconds=NUMBER),
    ),
    "delay": Kind(
        "The usual answer, some real seconds late.", EVERYWHERE, _options(seconds=NUMBER), needs=("seconds",)
    ),
    "drop": Kind("The connection is reset instead of an answer.", EVERYWHERE),
    "garbage": Kind("A body that is no JSON, called JSON.", EVERYWHERE, _options(status=int)),
    "html": Kind("A load balancer's page instead of an answer.", EVERYWHERE, _options(status=int)),
    "empty": Kind("The body {}.", EVERYWHERE, _options(status=int)),
    "half": Kind("The usual JSON, cut in the middle.", EVERYWHERE),
    # Fates: on="create" for the task to come, or with `task_id` for one that is there.
    "fail": Kind(
        "The task ends FAILED, with the code's own message unless one is given; code null: with neither.",
        CREATE,
        _options(code=TEXT_OR_NOTHING, message=TEXT_OR_NOTHING, after=NUMBER),
        is_fate=True,
    ),
    "stuck_running": Kind(
        "The task does not end; after 3 hours it is FAILED with InternalError.Timeout, or never.",
        CREATE,
        _options(forever=bool),
        is_fate=True,
    ),
    "stuck_pending": Kind("The task does not start; the rest as above.", CREATE, _options(forever=bool), is_fate=True),
    "lost": Kind("The task runs, but queries answer UNKNOWN.", CREATE, is_fate=True),
    "list_lag": Kind(
        "The list shows the task only some seconds after its submission.",
        CREATE,
        _options(seconds=NUMBER),
        needs=("seconds",),
        is_fate=True,
    ),
    "unknown": Kind("This query is answered UNKNOWN.", QUERY),
    "expired": Kind("The link is refused as expired: 403, XML.", DOWNLOAD),
    "missing": Kind("The file is gone: 404 NoSuchKey, XML.", DOWNLOAD),
    "truncate": Kind("Content-Length tells more than comes; then a clean close.", DOWNLOAD, _options(keep=NUMBER)),
    "reset": Kind("The connection is reset midway.", DOWNLOAD, _options(keep=NUMBER)),
    "slow": Kind(
        "So many bytes in a real second.",
        DOWNLOAD,
        _options(bytes_per_second=NUMBER),
        needs=("bytes_per_second",),
    ),
    "xml_200": Kind("An XML error page with status 200, called a video.", DOWNLOAD),
    "redirect": Kind("302 to another address.", DOWNLOAD, _options(to=str, status=int), needs=("to",)),
    "wrong_type": Kind("The video, called something else.", DOWNLOAD, _options(content_type=str)),
    "tiny": Kind("A few bytes called a video.", DOWNLOAD),
    "no_range": Kind("Range is ignored: the whole file with 200.", DOWNLOAD),
}


@dataclass(frozen=True, kw_only=True)
class Mishap:
    """One line of the script."""

    kind: str
    on: str
    times: int | None = 1
    """How often it happens; None for every time."""
    accept: bool = False
    """The request has its effect first (a task is made, say); only the answer is spoilt."""
    prompt_contains: str | None = None
    task_id: str | None = None
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    id: str = field(default_factory=lambda: uuid4().hex[:12])

    def __post_init__(self) -> None:
        kind = KINDS.get(self.kind)
        if kind is None:
            raise ValueError(f"no mishap is called {self.kind!r}; there are {', '.join(KINDS)}")
        if self.on not in kind.on:
            raise ValueError(f"{self.kind!r} happens on {' '.join(sorted(kind.on))}, not on {self.on!r}")
        if self.times is not None and self.times < 1:
            raise ValueError("times is a whole number from 1, or nothing for every time")
        for name, value in self.options.items():
            types = kind.options.get(name)
            if types is None or not isinstance(value, types):
                known = ", ".join(kind.options) or "none"
                raise ValueError(f"{self.kind!r} cannot take {name}={value!r}; its options: {known}")
        for name in kind.needs:
            if name not in self.options:
                raise ValueError(f"{self.kind!r} needs {name}")

    @property
    def is_fate(self) -> bool:
        """Whether it is about a task rather than an answer."""
        return KINDS[self.kind].is_fate

    def number(self, name: str, default: float | None = None) -> float | None:
        """A numeric option."""
        value = self.options.get(name)
        return default if value is None else float(value)

    def text(self, name: str, default: str = "") -> str:
        """A text option."""
        return cast("str | None", self.options.get(name)) or default

    def shown(self) -> dict[str, Any]:
        """As the control endpoint shows it."""
        plain = {"id": self.id, "kind": self.kind, "on": self.on, "times": self.times, "accept": self.accept}
        return {**plain, "prompt_contains": self.prompt_contains, "task_id": self.task_id, **self.options}


@dataclass
class _Line:
    mishap: Mishap
    left: int | None
    happened: int = 0

    def matches(self, on: str, *, prompt: str | None, task_id: str | None) -> bool:
        one = self.mishap
        return (
            one.on == on
            and self.left != 0
            and (one.prompt_contains is None or one.prompt_contains in (prompt or ""))
            and (one.task_id is None or one.task_id == task_id)
        )

    def happen(self) -> Mishap:
        self.happened += 1
        if self.left is not None:
            self.left -= 1
        return self.mishap


class Script:
    """Mishaps in the order in which they were written."""

    def __init__(self) -> None:
        self._lines: list[_Line] = []

    def add(self, mishap: Mishap) -> Mishap:
        """Write one more line."""
        self._lines.append(_Line(mishap, mishap.times))
        return mishap

    def next(self, on: str, *, prompt: str | None, task_id: str | None) -> Mishap | None:
        """The first line for this request that is not used up; using it uses it."""
        for line in self._lines:
            if not line.mishap.is_fate and line.matches(on, prompt=prompt, task_id=task_id):
                return line.happen()
        return None

    def fates(self, *, prompt: str | None) -> Iterable[Mishap]:
        """What is decided about a task being made: the first line of each kind."""
        seen: set[str] = set()
        for line in self._lines:
            one = line.mishap
            if one.is_fate and one.kind not in seen and line.matches("create", prompt=prompt, task_id=None):
                seen.add(one.kind)
                yield line.happen()

    def clear(self, id: str | None = None) -> int:
        """Strike one line or all; answers how many."""
        kept = [line for line in self._lines if id is not None and line.mishap.id != id]
        gone = len(self._lines) - len(kept)
        self._lines = kept
        return gone

    def shown(self) -> list[dict[str, Any]]:
        """Every line, with how often it happened and how often it still will."""
        return [{**line.mishap.shown(), "left": line.left, "happened": line.happened} for line in self._lines]
