"""A JSON file of somebody else's, changed in one place: every other byte stays as it is.

Parsing and writing it anew would break lines elsewhere and lose whatever the parser does not keep. So the text
is only read by the parser, and what changes is put in at its place, in the file's own indentation and line ends.
"""

import json
import os
import re
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from wan_mcp.domain.language import say

_BOM = "\ufeff"
_TWO_SPACES = "  "

_COMMENT = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_LAST_COMMA = re.compile(r'("(?:\\.|[^"\\])*")|,(?=\s*[}\]])')


class NotJson(ValueError):
    """The text is not a JSON object. `is_commented`: it would be one without its comments and last commas."""

    def __init__(self, reason: str, *, is_commented: bool) -> None:
        super().__init__(reason)
        self.is_commented = is_commented


class Changed(Exception):
    """Somebody else has written the file since it was read."""


def parse(text: str) -> dict[str, Any]:
    """Read an object; nothing at all counts as an empty one.

    Raises:
        NotJson: it is something else.
    """
    if not text.strip():
        return {}
    try:
        return _object(text)
    except ValueError as error:
        try:
            _object(_LAST_COMMA.sub(r"\1", _COMMENT.sub(r"\1", text)))
        except ValueError:
            raise NotJson(str(error), is_commented=False) from None
        raise NotJson(str(error), is_commented=True) from None


def _object(text: str) -> dict[str, Any]:
    read = _DECODER.decode(text)
    if not isinstance(read, dict):
        raise ValueError(say("it is no JSON object"))
    return cast("dict[str, Any]", read)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


# Changing a text. It has been parsed before, so that nothing here has to doubt it.


def put(text: str, names: Sequence[str], value: object) -> str:
    """Return the text with `value` under these names, one inside the other; objects that are missing are made."""
    text = text if text.strip() else "{}\n"
    begins, ends = _next(text, 0), len(text)
    for depth, name in enumerate(names):
        found = {item.name: item for item in _items(text, begins)}.get(name)
        if found is None:
            for missing in reversed(names[depth + 1 :]):
                value = {missing: value}
            return _add(text, begins, value, name=name)
        begins, ends = found.value_begins, found.ends
    return text[:begins] + _written(value, text, _indentation(text, begins)) + text[ends:]


def append(text: str, name: str, value: object) -> str:
    """Return the text with `value` as the last of the list of this name; the list is made if it is missing."""
    there = [item for item in _items(text, _next(text, 0)) if item.name == name] if text.strip() else []
    return _add(text, there[-1].value_begins, value) if there else put(text, [name], [value])


@dataclass(frozen=True)
class _Item:
    """A member of an object or an element of a list: its name, and where it stands in the text."""

    name: str | None
    begins: int
    value_begins: int
    ends: int


def _items(text: str, begins: int) -> Iterator[_Item]:
    at = _next(text, begins + 1)
    while text[at] not in "}]":
        start, name = at, None
        if text[begins] == "{":
            name, at = _DECODER.raw_decode(text, at)
            at = _next(text, _next(text, at) + 1)
        _, ends = _DECODER.raw_decode(text, at)
        yield _Item(name, start, at, ends)
        at = _next(text, ends)
        if text[at] == ",":
            at = _next(text, at + 1)


def _next(text: str, at: int) -> int:
    """Skip white space."""
    while text[at] in " \t\r\n":
        at += 1
    return at


def _add(text: str, begins: int, value: object, *, name: str | None = None) -> str:
    """Return the text with one more item at the end of the object or list that begins there."""
    label = "" if name is None else f"{json.dumps(name, ensure_ascii=False)}: "
    items = list(_items(text, begins))
    if items:
        lead = text[begins + 1 : items[0].begins]
        own_line = "\n" in lead
        indent = _indentation(text, items[0].begins) if own_line else None
        between = f",{_newline(text)}{indent}" if own_line else ", "
        ends = items[-1].ends
        return text[:ends] + between + label + _written(value, text, indent) + text[ends:]
    closes = _next(text, begins + 1)
    if not _has_lines(text):
        return text[: begins + 1] + label + _written(value, text, None) + text[closes:]
    outer, newline = _indentation(text, begins), _newline(text)
    indent = outer + _unit(text)
    inside = f"{newline}{indent}{label}{_written(value, text, indent)}{newline}{outer}"
    return text[: begins + 1] + inside + text[closes:]


def _written(value: object, text: str, indent: str | None) -> str:
    """`value` as this text would have it: in lines that begin at `indent`, or all in one."""
    if indent is None or not _has_lines(text):
        return json.dumps(value, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False, indent=_unit(text)).replace("\n", _newline(text) + indent)


def _has_lines(text: str) -> bool:
    """Is it laid out in lines? One without any content will be."""
    return "\n" in text.strip() or not re.search(r"\w", text)


def _indentation(text: str, at: int) -> str:
    """With what the line begins in which this stands."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _unit(text: str) -> str:
    """By how much the file indents."""
    found = re.search(r"\n([ \t]+)\S", text)
    return found[1] if found else _TWO_SPACES


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


# Files


@dataclass(frozen=True)
class JsonFile:
    """A file as it was when it was read."""

    path: Path
    data: bytes | None
    """`None` where there was none."""

    @classmethod
    def read(cls, path: Path) -> "JsonFile":
        """Read it.

        Raises:
            OSError: it is there and cannot be read.
        """
        try:
            return cls(path, path.read_bytes())
        except FileNotFoundError:
            return cls(path, None)

    @property
    def text(self) -> str:
        """What it says, without the mark that some editors put before it.

        Raises:
            NotJson: it is not text.
        """
        try:
            return (self.data or b"").decode("utf-8").removeprefix(_BOM)
        except UnicodeDecodeError as error:
            raise NotJson(str(error), is_commented=False) from None

    def replace(self, text: str, *, now: datetime, is_secret: bool) -> Path | None:
        """Write it anew in one step, whole or not at all; return where the former one is kept.

        Where it `is_secret`, nobody else may read it from now on.

        Raises:
            Changed: it is not what it was when it was read.
            OSError: it cannot be written.
        """
        mark = _BOM if (self.data or b"").startswith(_BOM.encode()) else ""
        target = self.path.resolve()  # a link to it stays a link
        target.parent.mkdir(parents=True, exist_ok=True)
        kept = self._keep(now) if self.data is not None else None
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write((mark + text).encode("utf-8"))
                file.flush()
                os.fsync(file.fileno())
            mode = 0o644 if self.data is None else stat.S_IMODE(target.stat().st_mode)
            Path(temporary).chmod(mode & 0o700 if is_secret else mode)
            if JsonFile.read(self.path).data != self.data:
                raise Changed
            Path(temporary).replace(target)
        except BaseException:
            for leftover in (Path(temporary), kept):
                if leftover is not None:
                    with suppress(OSError):
                        leftover.unlink()
            raise
        return kept

    def _keep(self, now: datetime) -> Path:
        """Copy what was read beside it, under a name that says when; it may hold keys, so nobody else reads it."""
        kept = self.path.with_name(f"{self.path.name}.{now:%Y%m%d-%H%M%S-%f}.bak")
        handle = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(self.data or b"")
        return kept
