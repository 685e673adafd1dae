"""`wan-mcp usage`: what each day has cost, to the fen, and drawn so that it can be read."""

import io
from collections.abc import Generator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.commands import Person, a_pipe, a_terminal, environment, screen
from tests.making import CAT
from wan_mcp.cli.terminal import Terminal
from wan_mcp.cli.usage import show_usage
from wan_mcp.domain.language import speak
from wan_mcp.domain.money import Budget, Money, Standing
from wan_mcp.domain.spending import Day
from wan_mcp.domain.task import Status
from wan_mcp.service.report import Account
from wan_mcp.simulator import Simulator

pytestmark = pytest.mark.anyio

S = Status
FRIDAY = datetime(2026, 11, 20, tzinfo=UTC)


def cny(amount: str) -> Money:
    """An amount in yuan."""
    return Money(Decimal(amount), "CNY")


def a_day(after: int, charged: str = "0", held: str = "0", **tasks: int) -> Day:
    """A day, so many after a Friday."""
    counts = {Status(name): count for name, count in tasks.items()}
    return Day(begins=FRIDAY + timedelta(days=after), charged=cny(charged), held=cny(held), tasks=counts)


DAYS = [
    a_day(0, "12.00", SUCCEEDED=4, FAILED=1),
    a_day(1),
    a_day(2, FAILED=1),
    a_day(3, "6.00", "3.00", SUCCEEDED=2, UNCERTAIN=1),
]
ACCOUNT = Account(
    budget=Budget(per_task=cny("10"), per_day=cny("100"), confirm_above=cny("5")),
    standing=Standing(held=cny("3"), charged_today=cny("6")),
    currency="CNY",
)

CHART = """\
Charged and held in the last 4 days, CNY

Fri 11-20  ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇  12.00  5 tasks
Sat 11-21                                                –
Sun 11-22                                             0.00  1 task
Mon 11-23  ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇──────────             9.00  3 tasks, 3.00 held

18.00 CNY charged, 3.00 CNY held   UNCERTAIN 1   SUCCEEDED 6   FAILED 2
Budget: 91.00 of 100.00 CNY left today (3.00 held, 6.00 charged today).
"""


def drawn(terminal: Terminal, days: Sequence[Day] = DAYS) -> str:
    """What is shown, without what is invisible at the ends of lines."""
    show_usage(terminal, days, ACCOUNT)
    assert isinstance(terminal.out.file, io.StringIO)
    return "\n".join(line.rstrip() for line in terminal.out.file.getvalue().split("\n"))


def plain(*, columns: int) -> Terminal:
    """A terminal without colours, as NO_COLOR makes one."""
    return a_terminal(columns=columns, NO_COLOR="1")


def test_one_day_is_today() -> None:
    """“The last 1 days” is no sentence."""
    terminal = a_terminal(columns=80, NO_COLOR="1")
    show_usage(terminal, DAYS[-1:], ACCOUNT)
    assert screen(terminal).startswith("Charged and held today, CNY\n")


@pytest.fixture
def in_chinese() -> Generator[None]:
    """Speak Chinese for one test."""
    speak("zh")
    yield
    speak("en")


def test_a_day_is_a_bar_with_what_is_held_at_its_end() -> None:
    """What is charged and what is held can be told apart without colours."""
    assert drawn(plain(columns=80)) == CHART


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_the_chart_fits_whatever_width_there_is(columns: int) -> None:
    """A line that the terminal breaks is no bar any more."""
    lines = drawn(plain(columns=columns)).split("\n")

    assert all(cell_len(line) <= columns for line in lines)
    assert any("▇▇" in line for line in lines)


@pytest.mark.usefixtures("in_chinese")
def test_the_chart_fits_in_chinese_too() -> None:
    """Weekdays and counts are wider there, and a day whose date is cut off is no day."""
    lines = drawn(plain(columns=80)).split("\n")

    assert any(line.startswith("周一 11-23  ▇▇") and line.endswith("3 个任务，已预留 3.00") for line in lines)
    assert all(cell_len(line) <= 80 for line in lines)


def test_days_without_a_cent_are_shown_too() -> None:
    """A new ledger has nothing to scale by."""
    assert "▇" not in drawn(plain(columns=80), [a_day(0), a_day(1)])


def test_a_terminal_without_unicode_gets_another_bar() -> None:
    """Blocks would be question marks there."""
    terminal = a_pipe()
    terminal.out.file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    terminal.out._force_terminal = True  # pyright: ignore[reportPrivateUsage]  # a console asks its file for the encoding, so it cannot be made with both
    show_usage(terminal, DAYS[:1], ACCOUNT)
    terminal.out.file.seek(0)

    assert "####" in terminal.out.file.read()


def test_a_day_is_a_line_in_a_pipe() -> None:
    """Lines are what grep and awk read."""
    first, *_, last_day, total, budget = drawn(a_pipe()).strip().split("\n")

    assert first == "2026-11-20 | 12.00 CNY charged, 0.00 CNY held | 4 SUCCEEDED, 1 FAILED"
    assert last_day == "2026-11-23 | 6.00 CNY charged, 3.00 CNY held | 1 UNCERTAIN, 2 SUCCEEDED"
    assert total == "total | 18.00 CNY charged, 3.00 CNY held | 1 UNCERTAIN, 6 SUCCEEDED, 2 FAILED"
    assert budget.startswith("Budget: ")


class TestCommand:
    """The command on a real ledger."""

    @pytest.fixture
    def simulator(self) -> Simulator:
        """DashScope in real time; a task takes a third of a second."""
        return Simulator(media="clip", run_delay=0.1, run_time=0.2)

    @pytest.fixture
    def person(self, url: str, tmp_path: Path) -> Person:
        """Somebody with a simulator, a ledger and a folder."""
        return Person(environment(url, tmp_path))

    async def test_what_was_charged_and_what_is_held_today_stands_there_as_data(self, person: Person) -> None:
        """The budget and the chart must not tell two stories."""
        await person.types("create", CAT)
        await person.types("create", "a dog", "--no-wait")
        used = await person.reads("usage", "--days", "2")

        assert [day["tasks"] for day in used["days"]] == [{}, {"PENDING": 1, "SUCCEEDED": 1}]
        assert used["days"][1] | used["total"] == used["days"][1]
        assert (used["total"]["charged"], used["total"]["held"]) == (3, 3)
        assert (used["budget"]["charged_today"], used["budget"]["held"]) == (3, 3)
        assert used["currency"] == "CNY"

    async def test_a_ledger_without_tasks_has_empty_days(self, person: Person) -> None:
        """Nothing was spent, and that is an answer."""
        terminal = a_terminal()
        await person.types("usage", terminal=terminal)

        assert "0.00 CNY charged, 0.00 CNY held" in screen(terminal)
