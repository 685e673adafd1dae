"""Help and usage errors in the language of the person, and within the width of their terminal.

click asks `gettext` for its own words, which reads compiled catalogues only, and breaks lines at spaces, which
Chinese has not; so it is given `said` for the one, and a formatter that counts cells for the other.
"""

import re
from collections.abc import Iterable
from types import ModuleType

import click
from click import core, decorators, exceptions, formatting, parser, types
from rich.cells import cell_len

from wan_mcp.cli.lines import broken
from wan_mcp.domain.language import later, said, say

_DEFAULT = re.compile(r"\[default: ([^\]]*)\]")


_STOPPED = re.compile(r"((?:^|：)[\u4e00-\u9fff]+ '[^']*')\.(?= |$)")
_SPACED = re.compile(r"(?<=[，。；：！？）]) +")


class _Words(str):
    """A text of click's, into which the name of a type is put in the same language."""

    __slots__ = ()

    def format(self, *args: object, **values: object) -> str:
        if "number_type" in values:
            values["number_type"] = said(str(values["number_type"]))
        return tidy(super().format(*args, **values))


def tidy(words: str) -> str:
    """Chinese that click has put together with its own spaces and full stops."""
    return _SPACED.sub("", _STOPPED.sub(r"\1。", words))


def _said(words: str) -> str:
    return _Words(said(words))


def _said_of(one: str, many: str, count: int) -> str:
    return _said(one if count == 1 else many)


def _teach(*modules: ModuleType) -> None:
    for module in modules:
        vars(module).update(_=_said, ngettext=_said_of)


_teach(core, decorators, exceptions, formatting, parser, types)


class Formatter(click.HelpFormatter):
    """Help in the language of the person: click's own words, and whatever a command says of itself."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write how a command is called."""
        for words in (later("[OPTIONS]"), later("COMMAND [ARGS]...")):
            args = args.replace(words, said(words))
        super().write_usage(prog, args, prefix or say("Usage: "))

    def write_heading(self, heading: str) -> None:
        """Write what is above a section."""
        self.write(" " * self.current_indent + say("{heading}:", heading=said(heading)) + "\n")

    def write_text(self, text: str) -> None:
        """Write paragraphs; each is said as a whole."""
        indent = " " * self.current_indent
        paragraphs = (said(" ".join(part.split())) for part in text.split("\n\n"))
        told = (broken(words, self.width - self.current_indent) for words in paragraphs)
        self.write("\n\n".join("\n".join(indent + line for line in lines) for lines in told) + "\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write terms and what they mean, side by side."""
        told = [(term, _explained(words)) for term, words in rows]
        column = min(max(cell_len(term) for term, _ in told), col_max) + col_spacing
        for term, words in told:
            lines = broken(words, self.width - self.current_indent - column)
            if cell_len(term) + col_spacing > column:
                lines.insert(0, "")
            first, *others = lines
            self.write(f"{' ' * self.current_indent}{term}{' ' * (column - cell_len(term))}{first}".rstrip() + "\n")
            for line in others:
                self.write(" " * (self.current_indent + column) + line + "\n")


def _explained(words: str) -> str:
    """An option's help; its default and its limits stand behind two spaces, in brackets."""
    own, gap, added = words.partition("  [")
    brackets = f"[{added}" if gap else ""
    if own.startswith("["):
        own, brackets = "", own
    brackets = _DEFAULT.sub(lambda found: say("[default: {value}]", value=said(found[1])), brackets)
    return "  ".join(filter(None, (said(own), brackets)))
