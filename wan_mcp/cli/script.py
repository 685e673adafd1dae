"""A film's script on disk, in YAML or JSON: what stands in it, and on which line."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# PyYAML comes without types.

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any, cast

import yaml
from yaml.reader import ReaderError

from wan_mcp.domain.arguments import show
from wan_mcp.domain.errors import InvalidRequest, Mistake
from wan_mcp.domain.language import say


@dataclass(frozen=True)
class Page:
    """A script as it was written."""

    path: str
    told: Mapping[str, object]
    lines: Mapping[tuple[str | int, ...], int] = field(default_factory=dict[tuple[str | int, ...], int])
    """Where each name and each shot begins, by what leads there as in `Mistake.at`; the first line is 1."""

    def placed(self, mistakes: Sequence[Mistake]) -> list[str]:
        """Say each with the line that it is about, from the first line to the last."""
        lines = sorted(((self._line(mistake), mistake) for mistake in mistakes), key=itemgetter(0))
        return [f"{self.path}:{line}: {mistake}" for line, mistake in lines]

    def _line(self, mistake: Mistake) -> int:
        """What is missing has no line: then that of what it is missing from."""
        ways = (mistake.at[:depth] for depth in range(len(mistake.at), 0, -1))
        return next((self.lines[way] for way in ways if way in self.lines), 1)


def read_page(path: str) -> Page:
    """Read a script: YAML, of which JSON is a part.

    Raises:
        InvalidRequest: it cannot be read, with the line where it goes wrong.
    """
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest([say("{file} cannot be read: {reason}.", file=path, reason=_reason(error))]) from error
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        told: object = root and loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        raise InvalidRequest([f"{path}:{_line(error, text)}: {_words(error)}"]) from error
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problem = say("the character {character} is not allowed.", character=f"U+{ord(text[error.position]):04X}")
        raise InvalidRequest([f"{path}:{line}: {problem}"]) from error
    except RecursionError as error:
        raise InvalidRequest([say("{file} is nested too deeply.", file=path)]) from error
    if not isinstance(told, Mapping) or not isinstance(root, yaml.MappingNode):
        raise InvalidRequest([say("{file} must have a title and shots.", file=path)])
    return Page(path, cast(Mapping[str, object], told), _lines(root))


class _Loader(yaml.SafeLoader):
    """Every name is text, as in JSON, and stands once: of two values only one could be made and paid for. What looks
    like a value and is none has a line."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        own = set[str]()
        for name, _ in node.value:
            if not isinstance(name, yaml.ScalarNode):
                raise _mistake(name, say("a name must be text."))
            if name.value in own:
                raise _mistake(name, say("{name} stands here twice.", name=show(name.value)))
            own.add(name.value)
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        self.flatten_mapping(node)
        return {name.value: self.construct_object(value, deep=deep) for name, value in node.value}

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        # What PyYAML lets through of `2026-13-45`, `0x_`, `!!bool maybe`, `!!timestamp soon`.
        except (ValueError, ArithmeticError, LookupError, AttributeError) as error:
            words = say("this looks like a date or a number and is none; put it in quotes if it is text.")
            raise _mistake(node, words) from error


def _mistake(node: yaml.Node, words: str) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(problem=words, problem_mark=node.start_mark)


def _line(error: yaml.MarkedYAMLError, text: str) -> int:
    """Where it goes wrong. What has no end goes wrong where it begins: after the last line nothing can be mended."""
    mark = error.problem_mark
    if error.context_mark and (mark is None or mark.index >= len(text.rstrip())):
        mark = error.context_mark
    return min(mark.line + 1, len(text.splitlines()) or 1) if mark else 1


def _words(error: yaml.MarkedYAMLError) -> str:
    """Ours are a sentence; PyYAML's are English, and lack the full stop."""
    words = error.problem or ""
    return words if words.endswith((".", "。")) else say("this is no YAML ({problem}).", problem=words)


def _reason(error: OSError | UnicodeDecodeError) -> object:
    if isinstance(error, UnicodeDecodeError):
        return say("it is not text in UTF-8")
    if isinstance(error, FileNotFoundError):
        return say("there is no such file")
    if isinstance(error, IsADirectoryError):
        return say("it is a folder")
    if isinstance(error, PermissionError):
        return say("it may not be read")
    return error.strerror or error


def _lines(root: yaml.MappingNode) -> dict[tuple[str | int, ...], int]:
    lines: dict[tuple[str | int, ...], int] = {}
    for name, value in root.value:
        lines[name.value,] = name.start_mark.line + 1
        shots = value.value if name.value == "shots" and isinstance(value, yaml.SequenceNode) else []
        for number, shot in enumerate(shots, 1):
            lines["shots", number] = shot.start_mark.line + 1
            own = shot.value if isinstance(shot, yaml.MappingNode) else []
            lines |= {("shots", number, one.value): one.start_mark.line + 1 for one, _ in own}
    return lines
