"""`wan-mcp doctor`: what is there, what is wrong, and what to do about it. Spends nothing; never shows the key."""

import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from rich.table import Table
from rich.text import Text

from wan_mcp import __version__
from wan_mcp.cli.folder import mend_words, unwritable_words, where_to_write
from wan_mcp.cli.lines import Folded
from wan_mcp.cli.pages import in_commands, padded, printable, unsaved_words
from wan_mcp.cli.session import run
from wan_mcp.cli.terminal import Terminal
from wan_mcp.domain.errors import BadSettings, WanError
from wan_mcp.domain.language import later, said, say, sentences
from wan_mcp.server.views import size_words
from wan_mcp.service.composition import open_service
from wan_mcp.service.report import LedgerHealth
from wan_mcp.service.videos import Videos
from wan_mcp.settings import Settings

_LITTLE_DISK = 500_000_000
"""Bytes; a video has 5 to 50 MB."""

State = Literal["ok", "note", "problem"]
_STYLES: dict[State, str] = {"ok": "green", "note": "yellow", "problem": "bold red"}
_WORDS: dict[State, str] = {"ok": later("ok"), "note": later("note"), "problem": later("problem")}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one check found."""

    check: str
    state: State = "ok"
    found: str
    advice: str = ""


def examine() -> list[Finding]:
    """Run every check, in the order in which they depend on each other."""
    return [*_versions(), *_of_settings()]


def is_well(findings: Sequence[Finding]) -> bool:
    """Is there no problem?"""
    return all(finding.state != "problem" for finding in findings)


def tell(terminal: Terminal, findings: Sequence[Finding]) -> None:
    """Show the findings, a line each, with advice below what needs it."""
    if terminal.as_json:
        terminal.data({"ok": is_well(findings), "checks": [_shown(finding) for finding in findings]})
        return
    if not terminal.out.is_terminal:
        for finding in findings:
            state, check = padded(said(_WORDS[finding.state]), 7), padded(said(finding.check), 8)
            terminal.line(f"{state}  {check}  {sentences(finding.found, finding.advice)}")
        return
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column()
    for finding in findings:
        words = Text(finding.found)
        if finding.advice:
            words.append(f"\n{finding.advice}", style="dim")
        grid.add_row(
            Text(said(_WORDS[finding.state]), style=_STYLES[finding.state]), said(finding.check), Folded(words)
        )
    terminal.out.print(grid)


def _shown(finding: Finding) -> dict[str, Any]:
    shown = {"check": finding.check, "state": finding.state, "found": finding.found, "advice": finding.advice}
    return {name: value for name, value in shown.items() if value}


# The checks


def _versions() -> Iterator[Finding]:
    python = ".".join(map(str, sys.version_info[:3]))
    yield Finding(
        check=later("versions"),
        found=f"wan-mcp {__version__}, Python {python}, mcp {metadata.version('mcp')}",
    )
    missing = [name for name, module in (("av", "av"), ("pillow", "PIL")) if find_spec(module) is None]
    if missing:
        yield Finding(
            check=later("media"),
            state="note",
            found=say(
                "The extra is not installed ({missing} missing): no previews, no joined films, no origin in the files.",
                missing=", ".join(missing),
            ),
            advice="pip install 'wan-mcp[media]'",
        )
    else:
        yield Finding(
            check=later("media"), found=say("The extra is installed: previews, joined films, drawn simulations.")
        )


def _of_settings() -> Iterator[Finding]:
    try:
        settings = Settings.read()
    except BadSettings as error:
        yield _problem(later("settings"), error)
        return
    yield Finding(check=later("settings"), found=say("All can be used."))
    place = (
        say("on this machine: a simulator, nothing is paid")
        if settings.is_local
        else say("billed in {currency}", currency=settings.region.currency)
    )
    yield Finding(
        check=later("region"),
        found=say("{region}, {account} ({place})", region=settings.region.id, account=settings.account, place=place),
    )
    yield from run(partial(_of_service, settings))
    yield from _of_output(settings.output_dir)


def _problem(check: str, error: WanError) -> Finding:
    what, advice = (in_commands(printable(words)) for words in (error.what, error.next_step))
    return Finding(check=check, state="problem", found=what, advice=advice)


async def _of_service(settings: Settings) -> list[Finding]:
    findings: list[Finding] = []
    try:
        async with open_service(settings, watching=False) as videos:
            findings += [await _key(videos), *await _ledger(videos), *await _unsaved(videos)]
    except BadSettings as error:
        findings.append(_problem(later("network"), error))
    except WanError as error:
        findings += [
            _problem(later("ledger"), error),
            Finding(check=later("key"), state="note", found=say("Not tried: the ledger comes first.")),
        ]
    return findings


async def _key(videos: Videos) -> Finding:
    key = videos.settings.key or ""
    try:
        await videos.check_key()
    except WanError as error:
        return _problem(later("key"), error)
    # A short one would be given away by its end.
    ending = say("It ends in {ending}.", ending=key[-4:]) if len(key) >= 20 else ""
    return Finding(check=later("key"), found=sentences(say("DashScope accepts it."), ending))


async def _ledger(videos: Videos) -> list[Finding]:
    path = videos.settings.ledger
    health = await videos.check_ledger()
    if health.integrity != "ok":
        return [
            Finding(
                check=later("ledger"),
                state="problem",
                found=say("{path} is damaged: {integrity}", path=path, integrity=printable(health.integrity)),
                advice=say("Keep a copy of the file, and set WAN_MCP_LEDGER to a new path."),
            )
        ]
    return [
        Finding(
            check=later("ledger"), found=say("{path} is whole (schema {schema}).", path=path, schema=health.schema)
        ),
        _tasks(health),
    ]


async def _unsaved(videos: Videos) -> list[Finding]:
    words = unsaved_words(await videos.unsaved(), videos.now())
    return [Finding(check=later("saving"), state="problem", found=words)] if words else []


def _tasks(health: LedgerHealth) -> Finding:
    if health.uncertain:
        return Finding(
            check=later("tasks"),
            state="note",
            found=say(
                "{unsettled} unsettled, {uncertain} with the answer lost (UNCERTAIN).",
                unsettled=health.unsettled,
                uncertain=health.uncertain,
            ),
            advice=say(
                "A server or `wan-mcp tasks --watch` looks for what is UNCERTAIN; "
                "`wan-mcp tasks --status UNCERTAIN` lists it."
            ),
        )
    if health.unsettled:
        found = say(
            "{unsettled} unsettled: looked after by a server or `wan-mcp tasks --watch`.", unsettled=health.unsettled
        )
    else:
        found = say("0 unsettled.")
    return Finding(check=later("tasks"), found=found)


def _of_output(folder: Path) -> Iterator[Finding]:
    try:
        there = where_to_write(folder)
        free = shutil.disk_usage(there).free
    except OSError as error:
        yield Finding(
            check=later("videos"),
            state="problem",
            found=unwritable_words(folder, error),
            advice=mend_words(),
        )
        return
    if there == folder:
        yield Finding(check=later("videos"), found=say("{folder} can be written.", folder=folder))
    else:
        yield Finding(
            check=later("videos"), found=say("{folder} can be written, made when it is needed.", folder=folder)
        )
    if free < _LITTLE_DISK:
        yield Finding(
            check=later("disk"),
            state="problem",
            found=say("Only {size} are free.", size=size_words(free)),
            advice=say("Free some space, or set WAN_MCP_OUTPUT_DIR to another disk."),
        )
    else:
        yield Finding(check=later("disk"), found=say("{free:.0f} GB are free.", free=free / 1e9))
