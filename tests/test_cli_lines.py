"""Where lines are broken, in a writing with spaces and in one without."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from wan_mcp.cli.lines import Folded, folded

CHINESE = "5 秒，一只小狐狸站在冬天的海边，风吹动它的毛发（远处有一艘船），镜头 The fox jumps 缓慢推进。"


@pytest.mark.parametrize("cells", [14, 20, 33, 50])
def test_chinese_fills_its_lines(cells: int) -> None:
    """As one long word it would begin on a line of its own, and leave half of the line before it empty."""
    lines = folded(Text(CHINESE), cells).plain.split("\n")

    assert "".join(lines).replace(" ", "") == CHINESE.replace(" ", "")
    assert all(cell_len(line) <= cells for line in lines)
    assert all(cell_len(line) > cells - 10 for line in lines[:-1])
    assert not any(line[0] in "，）。" or line[-1] == "（" for line in lines)


def test_colours_stay_on_their_words() -> None:
    """What went wrong is red, wherever its lines end."""
    words = Text("没有这个任务，这里和平台都没有。未产生费用。")
    words.stylize("red", 0, 16)
    told = folded(words, 12)

    [span] = {span.style for span in told.spans}
    assert span == "red"
    red = "".join(told.plain[part.start : part.end] for part in told.spans).replace("\n", "")
    assert red == words.plain[:16]


def test_own_line_ends_and_indentations_stay() -> None:
    """A command below a sentence is there to be copied."""
    told = folded(Text("Stopped waiting, and it goes on. Come back with\n  wan-mcp show vid_x --wait 300"), 30)

    assert told.plain == "Stopped waiting, and it goes\non. Come back with\n  wan-mcp show vid_x --wait 300"


def test_in_a_table_it_takes_the_room_that_there_is() -> None:
    """Beside a label."""
    console = Console(file=io.StringIO(), width=30, force_terminal=True, color_system=None)
    grid = Table.grid()
    grid.add_column(width=8)
    grid.add_column()
    grid.add_row("label", Folded(Text(CHINESE)))
    console.print(grid)
    assert isinstance(console.file, io.StringIO)
    first, second = console.file.getvalue().split("\n")[:2]

    assert first.startswith("label   5 秒，一只")
    assert second.startswith("        ")
