"""Where a line may be broken: at spaces, and beside Chinese characters, whose writing has none."""

import re
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

_CLOSING, _OPENING = "，。、；：？！）”」…", "（“「"
"""What may not begin a line, and what may not end one."""
_WIDE = "\u2e80-\u9fff\uf900-\ufaff"
_WHOLE = r"\[[^\]]{1,40}\]|`[^`]{1,40}`"
_PIECE = re.compile(rf"\s+|[{_OPENING}]*(?:{_WHOLE}|[{_WIDE}]|[^\s{_WIDE}{_CLOSING}{_OPENING}]+)?[{_CLOSING}]*")
"""What stays together: spaces; a bracket, a command, one Chinese character or a run of others, with its marks."""


def broken(text: str, cells: int) -> list[str]:
    """Break a paragraph into lines of so many cells: at spaces, and beside Chinese characters."""
    lines = [""]
    for piece in _PIECE.findall(text):
        if lines[-1] and not piece.isspace() and cell_len(lines[-1] + piece) > cells:
            lines.append("")
        if lines[-1] or not piece.isspace():
            lines[-1] += piece
    return [line.rstrip() for line in lines]


def folded(text: Text, cells: int) -> Text:
    """The same, colours included, with its lines broken.

    Its own line ends stay; what is indented below one is a command, and is left whole for copying.
    """
    breaks, used, is_command = list[int](), 0, False
    for found in _PIECE.finditer(text.plain):
        piece = found[0]
        if "\n" in piece:
            used = cell_len(piece.rpartition("\n")[2])
            is_command = used > 0
        elif not is_command and used and not piece.isspace() and used + cell_len(piece) > cells:
            breaks.append(found.start())
            used = cell_len(piece)
        else:
            used += cell_len(piece)
    lines = list(text.divide(breaks))
    for line in lines[:-1]:
        line.rstrip()
    return Text("\n").join(lines)


@dataclass(frozen=True)
class Folded:
    """Words in whatever width there is."""

    text: Text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        words = folded(self.text, options.max_width)
        words.overflow = "fold"  # what is longer than a line, such as an address
        yield words

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement.get(console, options, self.text)
