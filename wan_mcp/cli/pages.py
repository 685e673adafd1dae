"""How tasks and prices look in a terminal. The words are those of `server/views`, with commands for tools."""

import re
from datetime import datetime, timedelta

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from wan_mcp.cli.lines import Folded
from wan_mcp.domain.catalogue import Quote
from wan_mcp.domain.language import later, said, say
from wan_mcp.domain.task import Status, VideoTask
from wan_mcp.server import views
from wan_mcp.server.money_views import left_words
from wan_mcp.service.report import Account, Report

_LABEL = 12
"""Cells that a label takes, its indentation included."""

_STYLES = {
    Status.QUEUED: "cyan",
    Status.SUBMITTING: "cyan",
    Status.PENDING: "cyan",
    Status.RUNNING: "bold cyan",
    Status.SUCCEEDED: "green",
    Status.FAILED: "red",
    Status.CANCELED: "dim",
    # Yellow letters cannot be read on a light background.
    Status.UNCERTAIN: "black on yellow",
    Status.UNKNOWN: "black on yellow",
}
"""Only the sixteen colours that every terminal's own theme sets."""

_COMMANDS = {
    "create_video": "`wan-mcp create`",
    "get_video_task": "`wan-mcp show`",
    "list_video_tasks": "`wan-mcp tasks`",
    "estimate_cost": "`wan-mcp estimate`",
    "cancel_video_task": "`wan-mcp cancel`",
    "create_film": "`wan-mcp film`",
    "get_film": "`wan-mcp film`",
    "cancel_film": "`wan-mcp cancel`",
    "retake": "`wan-mcp retake`",
    "preview_video": "`wan-mcp preview`",
    "max_cost": "--max-cost",
}
_NOTES = (
    later("every video is drawn for its prompt"),
    later("every video is the same packaged clip; install the extra 'media' to have each one drawn"),
)
"""What the simulator says of its videos. It knows nothing of languages."""
_RUN = {"Call ": "Run ", "call ": "run ", "调用 ": "运行 "}
_RUN_AGAIN = {"call again": "run it again", "重新调用": "重新运行", "再次调用": "再次运行"}
_YOU = {
    "The person must": "You must",
    "The person can": "You can",
    "The person settles": "You settle",
    "the person must": "you must",
    "the person raises": "you raise",
    "if the person agrees": "if you agree",
    "Ask the person; once they agree, call": "If you agree, call",
    "a person settled": "you settled",
    "须先征得本人同意": "须先经你同意",
    "在本人同意后": "在你同意后",
    "若本人": "若你",
    "只能由本人": "只能由你",
    "由本人": "由你",
    "本人已裁定": "你已裁定",
    "请询问本人；同意后，": "若你同意，",
    "请本人": "请",
    "本人可": "你可",
}
"""A model is told of the person; at a terminal sits that person."""
_TOOL = re.compile(rf"({'|'.join(_RUN)})?\b({'|'.join(_COMMANDS)})\b(?: with ((?:vid|film)_[\w-]+))?")
_WITH_IT = re.compile(r"用 ((?:vid|film)_[\w-]+) (调用 \w+)")
"""In Chinese what a tool is called with stands before it."""


def printable(text: str) -> str:
    """Text of others on one line, without what could steer a terminal: escapes, controls, direction marks."""
    spaced = (" " if character.isspace() else character for character in text)
    return "".join(character for character in spaced if character.isprintable())


def note_words(note: str) -> str:
    """What the simulator says of its videos."""
    assert note in _NOTES
    return said(note)


def in_commands(words: str) -> str:
    """Words for a model with tools, for a person with commands."""

    def command(found: re.Match[str]) -> str:
        name = _COMMANDS[found[2]]
        return _RUN.get(found[1] or "", "") + (f"{name[:-1]} {found[3]}`" if found[3] else name)

    for told, ours in (_RUN_AGAIN | _YOU).items():
        words = words.replace(told, ours)
    return _TOOL.sub(command, _WITH_IT.sub(r"\2 with \1", words))


def badge(status: Status) -> Text:
    """A status in its colour."""
    return Text.assemble((status.value, _STYLES[status]))  # a style of the whole would fill its column


def clock_words(span: timedelta) -> str:
    """A time that passes, as a clock shows it."""
    minutes, seconds = divmod(views.seconds(span), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def padded(text: str, cells: int) -> str:
    """Fill up to a width in cells: a Chinese character takes two."""
    return text + " " * max(cells - cell_len(text), 0)


# One task


def card(console: Console, report: Report) -> None:
    """One task, a fact a line."""
    prompt = printable(views.cut(report.task.request.prompt))
    console.print(badge(report.task.status), "", Text(prompt, style="bold"), soft_wrap=True)
    for label, value in _facts(report):
        if value:
            fact(console, label, printable(value))
    if report.task.file:
        fact(console, say("file"), printable(report.task.file), style="bold", is_whole=True)
    elif link := _link(report.task):
        fact(console, say("link"), printable(link), is_whole=True)
    for label, value in _troubles(report):
        if value:
            fact(console, label, printable(value))


def fact(console: Console, label: str, value: str, *, style: str = "", is_whole: bool = False) -> None:
    """A label and its value; one that `is_whole` (a path, an address) is not broken, so that it can be copied."""
    if not console.is_terminal or is_whole:
        console.print(Text.assemble((padded(f"  {label}", _LABEL), "dim"), (value, style)), soft_wrap=True)
        return
    grid = Table.grid()
    grid.add_column(width=_LABEL, style="dim")
    grid.add_column()
    grid.add_row(f"  {label}", Folded(Text(value, style=style)))
    console.print(grid)


def _facts(report: Report) -> list[tuple[str, str]]:
    task = report.task
    return [
        (say("task"), task.id),
        ("DashScope", task.dashscope_task_id or ""),
        (say("video"), _video(task)),
        (say("cost"), f"{task.cost} {money_words(task)}"),
        (say("time"), _time(report)),
    ]


def _troubles(report: Report) -> list[tuple[str, str]]:
    problem = report.task.problem
    return [
        (say("problem"), f"{problem.code}: {said(problem.message)}" if problem else ""),
        (say("last try"), report.trouble or ""),
        (say("next"), next_words(report)),
    ]


def money_words(task: VideoTask) -> str:
    """Where its money stands."""
    return views.money_word(task.money_state)


def _video(task: VideoTask) -> str:
    seed = say(", seed {seed}", seed=task.request.seed) if task.request.seed is not None else ""
    size = say(", {size}", size=views.size_words(task.file_bytes)) if task.file_bytes else ""
    return say("{size}, {duration} s", size=task.request.size, duration=task.request.duration) + seed + size


def _time(report: Report) -> str:
    elapsed, usual = views.seconds(report.elapsed), views.seconds(report.usual)
    if report.place is not None:
        return say("waits with us at place {place}", place=report.place)
    if report.task.is_open:
        return say("{elapsed} s of usually {usual} s", elapsed=elapsed, usual=usual)
    return say("took {elapsed} s", elapsed=elapsed)


def _link(task: VideoTask) -> str:
    if not task.video_url or not task.expires_at:
        return ""
    return say("{url} (until {end})", url=task.video_url, end=views.rfc3339(task.expires_at))


def next_words(report: Report) -> str:
    """What to do next, with commands where a model would be told tools."""
    task = report.task
    again = f"`wan-mcp show {task.id} --wait 300`"
    if report.is_for_a_person:
        return views.next_words(report)
    match task.status:
        case Status.UNCERTAIN:
            return say(
                "Do not create it again: it is looked for at DashScope, and {again} goes on with that.", again=again
            )
        case Status.QUEUED:
            return say("A server sends it when there is room, and so does {again}", again=again)
        case _ if not task.is_settled:
            return say("{again} waits for it and fetches the file.", again=again)
        case Status.SUCCEEDED if task.file:
            return ""
        case _:
            return in_commands(views.next_words(report))


# What is in danger


def unsaved_words(unsaved: list[Report], now: datetime) -> str:
    """A warning of videos that are paid for and will be lost, or nothing where there are none."""
    if not unsaved:
        return ""
    first = min(unsaved, key=lambda report: report.task.video_dies_at or now)
    left = max((first.task.video_dies_at or now) - now, timedelta(0))
    hours, minutes = divmod(views.seconds(left) // 60, 60)
    if len(unsaved) == 1:
        return say(
            "1 paid video is not saved yet, and its link dies in {hours} h {minutes} min. "
            "`wan-mcp tasks --watch` or `wan-mcp show {id} --wait 300` saves it.",
            hours=hours,
            minutes=minutes,
            id=first.task.id,
        )
    return say(
        "{count} paid videos are not saved yet, and the first link dies in {hours} h {minutes} min. "
        "`wan-mcp tasks --watch` saves them.",
        count=len(unsaved),
        hours=hours,
        minutes=minutes,
    )


def unattended_words(unattended: list[Report]) -> str:
    """A hint at tasks that should be done by now and that nobody watches, or nothing where there are none."""
    if not unattended:
        return ""
    if len(unattended) == 1:
        return say(
            "1 task should be done by now, and nobody watches it: `wan-mcp show {id} --wait 300` fetches it.",
            id=unattended[0].task.id,
        )
    return say(
        "{count} tasks should be done by now, and nobody watches them: `wan-mcp tasks --watch` fetches them.",
        count=len(unattended),
    )


# Prices


def price(console: Console, quote: Quote, account: Account, *, free_quota: str | None, hurdle: str | None) -> None:
    """A price, the arithmetic behind it, and what the budget leaves."""
    console.print(Text(str(quote.amount), style="bold"))
    fact(console, say("basis"), quote.basis)
    fact(console, say("budget"), left_words(account))
    if free_quota:
        fact(console, say("quota"), free_quota)
    fact(console, say("note"), say("Only seconds of successful videos are billed."))
    if hurdle:
        fact(console, say("note"), hurdle)
