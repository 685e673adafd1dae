"""`wan-mcp usage`: what each day came to, as a chart for a person, as lines for a pipe, as data for a program."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from wan_mcp.cli.pages import badge
from wan_mcp.cli.tables import NARROW
from wan_mcp.cli.terminal import Terminal
from wan_mcp.domain.language import say
from wan_mcp.domain.money import Money
from wan_mcp.domain.spending import Day
from wan_mcp.domain.task import Status
from wan_mcp.server import money_views, views
from wan_mcp.service.report import Account

_LONGEST_BAR, _SHORTEST_BAR = 40, 4
_GAP = 2


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
        terminal.line(money_views.budget_words(account))


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
        "budget": money_views.budget(account),
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
    rows = [(_day_words(day), _amount(day), "" if out.width < NARROW else _note(day)) for day in days]
    # Measured, since weekdays and counts are wider in Chinese.
    taken = sum(max(map(cell_len, column)) + _GAP for column in zip(*rows, strict=True))
    room = max(min(out.width - taken - _GAP, _LONGEST_BAR), _SHORTEST_BAR)
    grid = Table.grid(padding=(0, _GAP, 0, 0))
    for justify in ("left", "left", "right", "left"):
        grid.add_column(no_wrap=True, justify=justify)
    for day, (name, amount, note) in zip(days, rows, strict=True):
        grid.add_row(
            Text(name, style="" if day.tasks else "dim"),
            Text.assemble(bar := _bar(day, dearest, room, ascii_only=out.options.ascii_only), " " * (room - len(bar))),
            Text(amount, style="" if (day.charged + day.held).amount else "dim"),
            Text(note, style="dim"),
        )
    out.print(Text(_head(len(days), account.currency), style="bold"), end="\n\n")
    out.print(grid)
    out.print()
    words = [Text(say("{charged} charged, {held} held", charged=total.charged, held=total.held), style="bold")]
    words += [Text.assemble(badge(status), f" {count}") for status, count in _counts(total)]
    out.print(Text("   ").join(words))
    out.print(money_views.budget_words(account), style="dim")


def _head(days: int, currency: str) -> str:
    if days == 1:
        return say("Charged and held today, {currency}", currency=currency)
    return say("Charged and held in the last {days} days, {currency}", days=days, currency=currency)


def _day_words(day: Day) -> str:
    weekday = (
        say("Mon"), say("Tue"), say("Wed"), say("Thu"), say("Fri"), say("Sat"), say("Sun"),
    )[day.begins.weekday()]  # fmt: skip
    return f"{weekday} {day.begins:%m-%d}"


def _amount(day: Day) -> str:
    return (day.charged + day.held).plain if day.tasks else "–"


def _note(day: Day) -> str:
    count = sum(day.tasks.values())
    if not count:
        return ""
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
