"""The pages say only what is there: links lead somewhere, commands and names exist, blocks can be copied and used.

Whether their tables agree with the code word for word is the matter of `test_in_step.py`.
"""

import json
import re
from pathlib import Path

import pytest

from wan_mcp.cli.commands import program
from wan_mcp.domain.task import Status
from wan_mcp.settings import Settings

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "wan_mcp"
PAGES = (
    "README.md",
    "README.zh-CN.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "docs/clients.md",
    "docs/design.md",
    "docs/films.md",
    "docs/http.md",
    "docs/money.md",
    "docs/player.md",
    "docs/settings.md",
)


@pytest.fixture(params=PAGES)
def name(request: pytest.FixtureRequest) -> str:
    """Every page in turn."""
    return request.param


@pytest.fixture
def page(name: str) -> str:
    """Its text."""
    return (ROOT / name).read_text("utf-8")


def test_every_page_is_looked_at() -> None:
    """A new page is held to the same rules."""
    assert sorted(PAGES) == sorted(
        str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
    )


def test_every_link_within_the_repository_leads_to_a_file(name: str, page: str) -> None:
    """A dead link on the first page says that nobody looks after the rest."""
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", page) if not re.match(r"[a-z]+:", link)]
    assert [link for link in links if not ((ROOT / name).parent / link.split("#")[0]).is_file()] == []


def test_every_link_to_elsewhere_is_https(page: str) -> None:
    """Readers are not sent over the open line."""
    assert re.findall(r"\]\((http://[^)]+)\)", page) == []


def test_every_variable_that_is_named_is_a_setting(page: str) -> None:
    """One that does not exist is ignored without a word, and the budget stays where it was."""
    known = {field.alias for field in Settings.model_fields.values()}
    assert set(re.findall(r"\b(?:DASHSCOPE|WAN_MCP)_[A-Z_]*[A-Z]\b", page)) - known - {"DASHSCOPE_TASK_ID"} == set()


def test_every_command_and_option_that_is_shown_exists(page: str) -> None:
    """What is copied from a page into a terminal has to work."""
    for command, rest in re.findall(r"(?<=[`\n ])wan-mcp ([a-z]+)\b([^`#\n]*)", _code_of(page)):
        assert command in program.commands
        options = {option for parameter in program.commands[command].params for option in parameter.opts}
        assert set(re.findall(r"(?<=\s)--[a-z-]+", rest)) <= options


def test_every_goal_of_make_that_is_shown_exists(page: str) -> None:
    """The same for `make`."""
    goals = set(re.findall(r"^([a-z0-9]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?<=[`\n])make ([a-z0-9]+)", page)) <= goals


def test_every_block_of_json_can_be_read(page: str) -> None:
    """A configuration with a comma too many fails in the host, where nobody sees why."""
    for block in re.findall(r"```json\n(.*?)```", page, re.DOTALL):
        json.loads(block)


def test_every_name_in_camel_case_is_one_of_the_code(page: str) -> None:
    """A page that speaks of what was renamed misleads whoever goes to look."""
    code = "\n".join(path.read_text("utf-8") for path in PACKAGE.rglob("*.py"))
    named = set(re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)+)\b", page))
    assert [word for word in named if not re.search(rf"\b{word}\b", code)] == []


def test_the_glossary_has_every_status() -> None:
    """They are the words that callers meet."""
    glossary = (ROOT / "docs/design.md").read_text("utf-8").split("## Floors")[0]
    assert set(re.findall(r"`([A-Z]+)`", glossary)) == set(Status)


def test_the_pictures_are_what_hosts_and_readers_can_take() -> None:
    """A host wants an icon of 512×512; a README that has to be waited for is not read."""
    icon = (ROOT / "icon.png").read_bytes()
    assert icon[:8] == b"\x89PNG\r\n\x1a\n"
    assert [int.from_bytes(icon[at : at + 4], "big") for at in (16, 20)] == [512, 512]
    assert (ROOT / "docs/demo.jpg").stat().st_size <= 80_000


def _code_of(page: str) -> str:
    """What stands in code, of whichever kind, a piece a line."""
    blocks = re.findall(r"```(?:sh|console)\n(.*?)```", page, re.DOTALL)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", page, flags=re.DOTALL))
    return "\n" + "\n".join([*blocks, *spans])
