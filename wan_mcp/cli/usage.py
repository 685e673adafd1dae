"""`wan-mcp usage`: what each day came to, as a chart for a person, as lines for a pipe, as data for a program."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from wan_mcp.cli.pages import NARROW, badge, budget
from wan_mcp.cli.terminal import Terminal
from wan_mcp.domain.language import say
from wan_mcp.domain.money import Money
from wan_mcp.domain.spending import Day
from wan_mcp.domain.task import Status
from wan_mcp.server import views
from wan_mcp.service.report import Account

_LONGEST_BAR = 40


def show_usage(terminal: Terminal, days: Sequence[Day], account: Account) -> None:
    """Show the days, oldest first, their total, and what the budget leaves."""
    if terminal.as_json:
        terminal.data(_data(days, account))
    elif terminal.out.is_terminal:
        _chart(terminal.out, days, account)
    else:
        for day in days:
            terminal.line(_line(f"{day.begins:%Y-%m-%d}", day))
        terminal.line(_line(say("total"), _total(days)))
        terminal.line(views.budget_words(account))


def _total(days: Sequence[Day]) -> Day:
    charged, held, tasks = days[0].charged, days[0].held, Counter(days[0].tasks)
    for day in days[1:]:
        charged, held = charged + day.charged, held + day.held
        tasks.update(day.tasks)
    return Day(begins=days[0].begins, charged=charged, held=held, tasks=tasks)


def _counts(day: Day) -> list[tuple[Status, int]]:
    return [(status, day.tasks[status]) for status in Status if day.tasks.get(status)]


def _data(days: Sequence[Day], account: Account) -> dict[str, Any]:
    return {
        "days": [{"day": f"{day.begins:%Y-%m-%d}", **_shown(day)} for day in days],
        "total": _shown(_total(days)),
        "budget": views.budget(account),
        "currency": account.currency,
    }


def _shown(day: Day) -> dict[str, Any]:
    return {
        "charged": views.number(day.charged.amount),
        "held": views.number(day.held.amount),
        "tasks": {status.value: count for status, count in _counts(day)},
    }


def _line(name: str, day: Day) -> str:
    counts = ", ".join(f"{count} {status}" for status, count in _counts(day))
    money = say("{charged} charged, {held} held", charged=day.charged, held=day.held)
    return " | ".join(part for part in (name, money, counts) if part)


def _chart(out: Console, days: Sequence[Day], account: Account) -> None:
    """A bar a day, scaled by the dearest; what is held follows what is charged, in another shade."""
    total = _total(days)
    dearest = max((day.charged + day.held).amount for day in days)
    is_narrow = out.width < NARROW
    room = max(min(out.width - (28 if is_narrow else 40), _LONGEST_BAR), 4)
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True, width=room)
    grid.add_column(no_wrap=True, justify="right")
    grid.add_column(no_wrap=True)
    for day in days:
        spent = day.charged + day.held
        count = sum(day.tasks.values())
        grid.add_row(
            Text(_day_words(day), style="" if count else "dim"),
            _bar(day, dearest, room, ascii_only=out.options.ascii_only),
            Text(spent.plain if count else "–", style="" if spent.amount else "dim"),
            Text("" if is_narrow or not count else _note(day), style="dim"),
        )
    head = say("Spent in the last {days} days, {currency}", days=len(days), currency=account.currency)
    out.print(Text(head, style="bold"), end="\n\n")
    out.print(grid)
    out.print()
    words = [Text(say("{charged} charged, {held} held", charged=total.charged, held=total.held), style="bold")]
    words += [Text.assemble(badge(status), f" {count}") for status, count in _counts(total)]
    out.print(Text("   ").join(words))
    out.print(say("Budget: {budget}", budget=budget(account)), style="dim")


def _day_words(day: Day) -> str:
    weekday = (
        say("Mon"), say("Tue"), say("Wed"), say("Thu"), say("Fri"), say("Sat"), say("Sun"),
    )[day.begins.weekday()]  # fmt: skip
    return f"{weekday} {day.begins:%m-%d}"


def _note(day: Day) -> str:
    count = sum(day.tasks.values())
    tasks = say("1 task") if count == 1 else say("{count} tasks", count=count)
    return say("{tasks}, {held} held", tasks=tasks, held=day.held.plain) if day.held.amount else tasks


def _bar(day: Day, dearest: Decimal, room: int, *, ascii_only: bool) -> Text:
    """What is charged and what is held are different lines, so that they can be told apart without colours."""
    charged, held = ("#", ".") if ascii_only else ("▇", "─")
    solid = _cells(day.charged, dearest, room)
    both = max(_cells(day.charged + day.held, dearest, room), solid)
    return Text.assemble((charged * solid, "green"), (held * (both - solid), "cyan"))


def _cells(amount: Money, dearest: Decimal, room: int) -> int:
    """At least one for whatever there is."""
    return max(round(amount.amount / dearest * room), 1) if amount.amount else 0
