"""What people read is said in English or Chinese, and nothing is left in one language only."""

import ast
import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

import click
import pytest

import wan_mcp
from wan_mcp.cli.commands import program
from wan_mcp.cli.program import EXAMPLES, EXIT_CODES, GROUPS
from wan_mcp.domain import chinese as chinese_of
from wan_mcp.domain.chinese import CHINESE
from wan_mcp.domain.chinese.click import CLICK
from wan_mcp.domain.errors import BadSettings, InvalidRequest, MissingKey, WanError
from wan_mcp.domain.language import said, say, sentences
from wan_mcp.settings import Settings, language

PACKAGE = Path(wan_mcp.__file__).parent
SOURCES = [path for path in sorted(PACKAGE.rglob("*.py")) if "simulator" not in path.parts]


@cache
def _parsed(path: Path) -> ast.Module:
    """Once for all tests: it is most of their time."""
    return ast.parse(path.read_text("utf-8"))


def _calls(*names: str) -> Iterator[tuple[str, ast.Call]]:
    """Every call of one of these functions, and where it is."""
    for path in SOURCES:
        for node in ast.walk(_parsed(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                yield f"{path.relative_to(PACKAGE)}:{node.lineno}", node


def _raised() -> Iterator[tuple[str, ast.expr]]:
    """Every text that an error is made with, and where."""
    others = {"ResourceNotFoundError", "ResourceError", "ClickException", "UsageError", "problem", "Mistake"}
    tellers = {error.__name__ for error in _errors(WanError)} | others
    for path in SOURCES:
        asks_pydantic = path.name in ("settings.py", "tokens.py")  # whose errors are ValueErrors first
        for node in ast.walk(_parsed(path)):
            if isinstance(node, ast.Call) and (
                _name(node) in tellers or (asks_pydantic and _name(node) == "ValueError")
            ):
                # After the words of a problem stands what it is about.
                args = node.args[:1] if _name(node) in ("problem", "Mistake") else node.args
                texts = [*args, *(word.value for word in node.keywords if word.arg == "next_step")]
                yield from ((f"{path.relative_to(PACKAGE)}:{text.lineno}", text) for text in texts)


def _errors(error: type[WanError]) -> Iterator[type[WanError]]:
    for leaf in error.__subclasses__():
        yield leaf
        yield from _errors(leaf)


def _name(call: ast.Call) -> str:
    match call.func:
        case ast.Name(name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _templates() -> dict[str, str]:
    """Every template that is said, and where."""
    said_at: dict[str, str] = {}
    for where, call in _calls("say", "later"):
        template = call.args[0]
        assert isinstance(template, ast.Constant), f"{where}: only a literal can be looked up"
        assert isinstance(template.value, str), where
        said_at[template.value] = where
    said_at |= {str(field.description): "settings.py" for field in Settings.model_fields.values()}
    return said_at | {words: where for words, where in _help() if re.search("[a-z]{2}", words)}


def _help() -> Iterator[tuple[str, str]]:
    """Every sentence of `--help` that is looked up when it is shown, and of which command."""
    for title, _ in GROUPS:
        yield title, "wan-mcp --help"
    for words in (
        "[OPTIONS]",
        "COMMAND [ARGS]...",
        "Environment",
        "Examples",
        "Exit codes",
        *(words for _, words in (*EXAMPLES, *EXIT_CODES)),
    ):
        yield words, "wan-mcp --help"
    for command in (program, *program.commands.values()):
        assert command.help is not None
        for paragraph in (*inspect.cleandoc(command.help).split("\n\n"), command.get_short_help_str(limit=70)):
            yield " ".join(paragraph.split()), f"{command.name} --help"
        for option in command.params:
            if isinstance(option, click.Option) and option.help:
                yield option.help.partition("  [")[0], f"{command.name} --help"
                yield from ((default, "its default") for default in re.findall(r"\[default: ([^\]]*)\]", option.help))


def _of_click() -> set[str]:
    """Every text for which click asks gettext, and the names of its types."""
    texts = {click.INT.name, click.IntRange.name, click.FLOAT.name, click.FloatRange.name}
    for path in Path(click.__file__).parent.glob("*.py"):
        for node in ast.walk(_parsed(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("_", "ngettext"):
                texts |= {str(text.value) for text in node.args if isinstance(text, ast.Constant)}
    return texts


def _places(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def test_everything_that_is_said_has_its_chinese() -> None:
    """A message that was forgotten would be the one English sentence on a Chinese screen."""
    assert {template: where for template, where in _templates().items() if template not in CHINESE} == {}


def test_every_error_is_said() -> None:
    """A text that does not go through `say` is English for everybody, and nothing else would notice."""
    assert [where for where, text in _raised() if isinstance(text, ast.JoinedStr | ast.Constant)] == []


def test_no_chinese_is_left_over() -> None:
    """What nobody says any more is no longer translated."""
    assert sorted(CHINESE.keys() - _templates().keys() - CLICK.keys()) == []
    assert sorted(CLICK.keys() - _of_click()) == []


def test_nothing_is_translated_twice() -> None:
    """Of two Chinese sentences for one English one, the one that is read is not the one that is mended."""
    floors = [words for name, words in vars(chinese_of).items() if name.isupper() and name != "CHINESE"]
    assert len(floors) > 3
    assert sum(map(len, floors)) == len(CHINESE)


def test_both_languages_tell_the_same_facts() -> None:
    """A price or an id that is missing in one language is worse than a clumsy word."""
    ours = CHINESE.items() - CLICK.items()
    assert {english for english, chinese in ours if _places(english) != _places(chinese)} == set()
    assert {english for english, chinese in CLICK.items() if not _places(english) >= _places(chinese)} == set()


def test_every_place_is_filled_in() -> None:
    """A name that `say` is not given would break the very moment in which something is to be told."""
    for where, call in _calls("say"):
        template = call.args[0]
        assert isinstance(template, ast.Constant)
        assert _places(str(template.value)) == {keyword.arg for keyword in call.keywords}, where


@pytest.mark.usefixtures("chinese")
def test_words_are_said_in_the_language_of_the_process() -> None:
    """Sentences follow each other as they do in print."""
    assert MissingKey().words.startswith("未设置 DashScope API 密钥。本次操作未产生费用。本人可在")
    assert InvalidRequest(["一。", "二。"]).what == "请求未被接受：（1）一。（2）二。尚未发送任何内容。"
    assert InvalidRequest(["一。"]).what == "请求未被接受：一。尚未发送任何内容。"
    assert said("DashScope's own words.") == "DashScope's own words."


def test_english_is_spoken_until_something_else_is_chosen() -> None:
    """A library that is only imported must not ask where it is."""
    assert say("No money moved.") == said("No money moved.") == "No money moved."
    assert sentences("One.", None, "", "Two.") == "One. Two."


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_TW.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_SG"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "zh_HK"}, "zh"),
        ({"LANG": ""}, "en"),
        ({"LANG": "zh_CN.UTF-8", "WAN_MCP_LANG": "en"}, "en"),
        ({"LANG": "en_US.UTF-8", "WAN_MCP_LANG": "zh"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "WAN_MCP_LANG": ""}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "WAN_MCP_LANG": "${user_config.language}"}, "zh"),
    ],
)
def test_the_language_is_that_of_the_locale_unless_it_is_set(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: str
) -> None:
    """Who has a Chinese system has Chinese messages without asking for them."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert language() == Settings.read().language == expected


def test_a_language_that_there_is_not_is_refused_in_the_one_of_the_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its refusal must be understood by somebody who wanted another language than English."""
    monkeypatch.setenv("WAN_MCP_LANG", "fr")
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")

    with pytest.raises(BadSettings) as raised:
        Settings.read()

    assert "WAN_MCP_LANG: must be one of en, zh" in raised.value.words
    assert language() == "zh"
