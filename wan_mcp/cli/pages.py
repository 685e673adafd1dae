"""How tasks and prices look in a terminal of 80 columns or more. The words are those of `server/views`."""

from rich import box
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from wan_mcp.domain.catalogue import Quote
from wan_mcp.domain.task import Status, VideoTask
from wan_mcp.server import views
from wan_mcp.service.report import Account, Report

NO_TASKS = 'No tasks yet. `wan-mcp create "..."` makes one.'

_LABEL = 12
"""Cells that a label takes, its indentation included."""

_STYLES = {
    Status.QUEUED: "cyan",
    Status.SUBMITTING: "cyan",
    Status.PENDING: "cyan",
    Status.RUNNING: "blue",
    Status.SUCCEEDED: "green",
    Status.FAILED: "red",
    Status.CANCELED: "dim",
    Status.UNCERTAIN: "bold yellow",
    Status.UNKNOWN: "bold yellow",
}


def printable(text: str) -> str:
    """Text of others on one line, without what could steer a terminal: escapes, controls, direction marks."""
    spaced = (" " if character.isspace() else character for character in text)
    return "".join(character for character in spaced if character.isprintable())


def badge(status: Status) -> Text:
    """A status in its colour."""
    return Text(status.value, style=_STYLES[status])


# One task


def card(console: Console, report: Report) -> None:
    """One task, a fact a line."""
    prompt = printable(views.cut(report.task.request.prompt))
    console.print(badge(report.task.status), "", prompt, soft_wrap=True)
    for label, value in _facts(report):
        if value:
            fact(console, label, printable(value))


def fact(console: Console, label: str, value: str, *, style: str = "") -> None:
    """A label and its value; one without spaces (a path, an address) is left whole for copying."""
    if not console.is_terminal or label in ("file", "link"):
        console.print(Text(f"  {label:<{_LABEL - 2}}", style="dim") + Text(value, style=style), soft_wrap=True)
        return
    grid = Table.grid()
    grid.add_column(width=_LABEL, style="dim")
    grid.add_column(overflow="fold")
    grid.add_row(f"  {label}", Text(value, style=style))
    console.print(grid)


def _facts(report: Report) -> list[tuple[str, str]]:
    task = report.task
    return [
        ("task", task.id),
        ("DashScope", task.dashscope_task_id or ""),
        ("video", _video(task)),
        ("cost", f"{task.cost} {task.money_state}"),
        ("time", _time(report)),
        ("file", task.file or ""),
        ("link", "" if task.file else _link(task)),
        ("problem", f"{task.problem.code}: {task.problem.message}" if task.problem else ""),
        ("last try", report.trouble or ""),
        ("next", _next(report)),
    ]


def _video(task: VideoTask) -> str:
    seed = f", seed {task.request.seed}" if task.request.seed is not None else ""
    size = f", {views.size_words(task.file_bytes)}" if task.file_bytes else ""
    return f"{task.request.size}, {task.request.duration} s{seed}{size}"


def _time(report: Report) -> str:
    elapsed, usual = views.seconds(report.elapsed), views.seconds(report.usual)
    if report.place is not None:
        return f"waits with us at place {report.place}"
    return f"{elapsed} s of usually {usual} s" if report.task.is_open else f"took {elapsed} s"


def _link(task: VideoTask) -> str:
    return f"{task.video_url} (until {views.rfc3339(task.expires_at)})" if task.video_url and task.expires_at else ""


def _next(report: Report) -> str:
    """What to do next, with commands where a model would be told tools."""
    task = report.task
    again = f"`wan-mcp show {task.id} --wait 300`"
    if report.is_for_a_person:
        return views.next_words(report)
    match task.status:
        case Status.UNCERTAIN:
            return f"Do not create it again: it is looked for at DashScope, and {again} goes on with that."
        case Status.QUEUED:
            return f"It is sent when there is room, while a wan-mcp runs: {again}"
        case _ if not task.is_settled:
            return f"{again} waits for it and fetches the file."
        case Status.SUCCEEDED if task.file:
            return ""
        case _:
            return views.next_words(report)


# Several


def table(reports: list[Report]) -> Table:
    """Tasks, newest first, two lines each: an id is 26 characters wide, and is there to be copied."""
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, expand=False)
    shown.add_column("Status", no_wrap=True, width=10)
    shown.add_column("Video", overflow="ellipsis", no_wrap=True, max_width=44)
    shown.add_column("Asked", no_wrap=True, style="dim")
    shown.add_column("Cost", no_wrap=True, justify="right")
    for report in reports:
        task = report.task
        lines = [
            Text(printable(task.request.prompt), overflow="ellipsis", no_wrap=True),
            Text(f"{task.id}  {task.request.size} {task.request.duration} s", style="dim"),
        ]
        if task.problem:
            lines.append(Text(printable(task.problem.code), style=_STYLES[task.status]))
        asked = task.asked_at.astimezone()
        cost = Text.assemble(task.cost.plain, " ", task.cost.currency, "\n", (task.money_state, "dim"))
        shown.add_row(badge(task.status), Group(*lines), f"{asked:%m-%d\n%H:%M}", cost)
    return shown


# Prices


def price(console: Console, quote: Quote, account: Account, *, free_quota: str | None) -> None:
    """A price, the arithmetic behind it, and what the budget leaves."""
    console.print(Text(str(quote.amount), style="bold"))
    fact(console, "basis", quote.basis)
    fact(console, "budget", budget(account))
    if free_quota:
        fact(console, "free", free_quota)
    fact(console, "note", "Only seconds of successful videos are billed.")


def budget(account: Account) -> str:
    """What is held, charged and left, in words."""
    return views.budget_words(account).removeprefix("Budget: ")
