"""What a newcomer gets wrong is told in their words, before anything is paid."""

from pathlib import Path

import pytest

from tests.commands import environment, run
from wan_mcp.domain.language import speak


@pytest.mark.parametrize("command", ["create", "film"])
def test_a_folder_that_cannot_be_written_is_seen_before_the_price_is_agreed_to(command: str, tmp_path: Path) -> None:
    """A video that cannot be saved is paid for in vain."""
    (tmp_path / "file").touch()
    script = tmp_path / "film.yaml"
    script.write_text("title: a cat\nshots:\n  - prompt: a cat\n")
    env = environment("http://127.0.0.1:1", tmp_path, WAN_MCP_OUTPUT_DIR=str(tmp_path / "file" / "videos"))
    ended = run(command, "a cat" if command == "create" else str(script), "--yes", env=env)

    assert ended.exit_code == 1
    assert "cannot be written: Not a directory. Nothing was sent. No money moved." in ended.stderr
    assert "WAN_MCP_OUTPUT_DIR" in ended.stderr
    assert "price" not in ended.stderr


@pytest.mark.parametrize("option", [("--host", "0.0.0.0"), ("--port", "1"), ("--public-url", "https://x.example")])
def test_what_is_for_http_is_refused_over_stdio(option: tuple[str, str]) -> None:
    """Whoever forgot --transport would wait for a server that nobody reaches."""
    ended = run("serve", *option)

    assert ended.exit_code == 2
    assert f"{option[0]} is for HTTP: give --transport streamable-http too" in ended.stderr


def test_an_amount_that_is_none_is_no_programmers_word() -> None:
    """`float` is one."""
    assert "'abc' is not a valid number." in run("create", "a cat", "--max-cost", "abc").stderr


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (None, "没有这个文件"),
        (b"\xff\xfe", "不是 UTF-8 编码的文本"),
        (b"title: [\n", "film.yaml:1: "),
        (b"title: x\n- y\n", "不是合法的 YAML（"),
    ],
)
def test_a_script_that_cannot_be_read_is_told_of_in_chinese(written: bytes | None, words: str, tmp_path: Path) -> None:
    """The operating system and PyYAML speak English."""
    script = tmp_path / "film.yaml"
    if written is not None:
        script.write_bytes(written)
    speak("zh")
    try:
        ended = run("film", str(script), env=environment("http://127.0.0.1:1", tmp_path))
    finally:
        speak("en")

    assert ended.exit_code == 1
    assert words in ended.stderr
    assert "No such file" not in ended.stderr


@pytest.mark.parametrize(("written", "words"), [(".", "it is a folder"), ("none.yaml", "there is no such file")])
def test_a_script_that_is_none_is_named_with_the_reason(written: str, words: str, tmp_path: Path) -> None:
    """In English, too."""
    ended = run("film", str(tmp_path / written), env=environment("http://127.0.0.1:1", tmp_path))
    assert words in ended.stderr
