"""`wan-mcp film`: from a script on disk to a file beside it."""

import json
import re
import signal
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.commands import Person, a_terminal, environment, run, talk
from wan_mcp.adapters.ledger import Ledger
from wan_mcp.cli.script import read_page
from wan_mcp.domain.catalogue import WAN25_T2V
from wan_mcp.domain.errors import InvalidRequest
from wan_mcp.domain.request import Limits
from wan_mcp.domain.script import parse_script, script_arguments
from wan_mcp.simulator import Simulator, serving

pytestmark = pytest.mark.anyio

SCRIPT = """\
title: The fox
size: 832*480
style: Shot on 16 mm film.
shots:
  - prompt: A fox wakes in the snow.
  - prompt: The fox runs.
    duration: 10
"""


@pytest.fixture
def simulator(short_clip: Path) -> Simulator:
    """A service in real time whose videos take no time."""
    simulator = Simulator(media="clip", run_delay=0, run_time=0.2)
    simulator.studio.clip = short_clip
    return simulator


@pytest.fixture
async def person(simulator: Simulator, tmp_path: Path) -> AsyncGenerator[Person]:
    """Somebody at a terminal."""
    async with serving(simulator) as url:
        yield Person(environment(url, tmp_path))


@pytest.fixture
def script(tmp_path: Path) -> str:
    """A good script."""
    path = tmp_path / "fox.yaml"
    path.write_text(SCRIPT, encoding="utf-8")
    return str(path)


async def test_a_script_becomes_a_film(person: Person, script: str) -> None:
    """Planned, priced, agreed to, made, joined."""
    result = await person.types("film", script, "--yes")
    assert result.exit_code == 0, result.output
    assert "The fox runs." in result.stderr
    assert "4.50 CNY for 2 shots, 15 s" in result.stderr
    assert "SUCCEEDED" in result.stdout
    [file] = Path(person.env["WAN_MCP_OUTPUT_DIR"]).glob("*.mp4")
    assert str(file) in result.stdout
    [film_id] = re.findall(r"film_[\w-]{22}\b", result.stdout.partition("next")[0])
    again = await person.reads("film", film_id)
    assert (again["status"], again["file"]) == ("SUCCEEDED", str(file))
    for words in ((), ("--status", "succeeded")):
        listed = await person.reads("tasks", *words)
        assert ([one["film_id"] for one in listed["films"]], listed["tasks"]) == ([film_id], [])
    assert await person.reads("show", film_id) == again
    seen = await person.reads("preview", film_id)
    assert [shot["shot"] for shot in seen["shots"]] == [1, 2]
    assert Path(seen["image"]).read_bytes().startswith(b"\xff\xd8")
    assert film_id in (await person.types("tasks")).stdout
    late = await person.types("cancel", film_id)
    assert (late.exit_code, "has already ended: SUCCEEDED" in late.stderr) == (1, True)


async def test_a_film_of_one_shot_is_told_as_one(person: Person, tmp_path: Path) -> None:
    """In its plan, its card and its list: a number and a word that goes with it."""
    path = tmp_path / "one.yaml"
    path.write_text("title: The fox\nsize: 832*480\nshots: [{prompt: A fox wakes.}]\n", encoding="utf-8")
    ordered = await person.types("film", str(path), "--yes", "--no-wait")
    assert ordered.exit_code == 0, ordered.output
    listed = await person.types("tasks")
    assert "1.50 CNY for 1 shot, 5 s" in ordered.stderr
    assert "0 of 1 shot saved, 1 waiting" in ordered.stdout
    assert "film of 1 shot, 5 s" in listed.stdout
    assert "1 shots" not in ordered.output + listed.output


async def test_a_film_can_be_called_off(person: Person, script: str, simulator: Simulator) -> None:
    """By the command that cancels a task; and `show` says which one waits for a film."""
    ordered = await person.reads("film", script, "--yes", "--no-wait")
    canceled = await person.reads("cancel", ordered["film_id"])
    assert (canceled["status"], canceled["cost"]["held"]) == ("CANCELED", 0)
    assert simulator.accepted == []
    wrong = await person.types("show", ordered["film_id"], "--wait", "5")
    assert (wrong.exit_code, f"wan-mcp film {ordered['film_id']}" in wrong.stderr) == (2, True)


async def test_a_dry_run_says_the_plan_and_the_price_and_orders_nothing(
    person: Person, script: str, simulator: Simulator
) -> None:
    """Free, also of a key."""
    told = await person.reads("film", script, "--dry-run")
    assert (told["amount"], told["currency"], len(told["shots"])) == (4.5, "CNY", 2)
    assert told["shots"][1] == {"shot": 2, "duration": 10, "prompt": "The fox runs."}
    assert (told["budget"]["left_today"], "hurdle" in told) == (100, False)
    plain = await person.types("film", script, "--dry-run")
    assert "The fox runs." in plain.stdout
    assert "4.50 CNY for 2 shots, 15 s (simulated: nothing is paid)" in plain.stdout
    assert plain.stderr == ""
    for env, hurdle in (
        ({"WAN_MCP_CONFIRM_ABOVE": "1"}, "The person must agree first: it costs more than 1.00 CNY."),
        ({"WAN_MCP_BUDGET_PER_DAY": "4"}, "It would be refused: This costs 4.50 CNY, and today's budget of 4.00 CNY"),
        ({"WAN_MCP_BUDGET_PER_TASK": "2"}, "It would be refused: A shot costs 3.00 CNY"),
    ):
        for words in ([], ["--json"]):
            warned = await person.types("film", script, "--dry-run", *words, env=env)
            assert (warned.exit_code, hurdle in warned.stdout) == (0, True)
    assert simulator.requests == []


async def test_the_person_is_asked_for_the_whole_price(person: Person, script: str, simulator: Simulator) -> None:
    """A no orders nothing; where nobody can be asked, the way is told."""
    env = {"WAN_MCP_CONFIRM_ABOVE": "1"}
    terminal = a_terminal()
    refused = await person.types("film", script, terminal=terminal, answer="n\n", env=env)
    assert refused.exit_code == 1
    assert "You did not agree to 4.50 CNY" in talk(terminal)
    silent = await person.types("film", script, env=env)
    assert "--max-cost 4.50" in silent.stderr
    assert simulator.requests == []
    agreed = await person.types("film", script, "--max-cost", "4.5", "--no-wait", "--json", env=env)
    assert json.loads(agreed.stdout)["status"] == "RENDERING"


async def test_faults_are_told_by_their_lines(person: Person, tmp_path: Path) -> None:
    """In the file, where they can be mended."""
    path = tmp_path / "bad.yaml"
    path.write_text(SCRIPT.replace("duration: 10", "duration: 7").replace("832*480", "4K"), encoding="utf-8")
    result = await person.types("film", str(path))
    assert result.exit_code == 1
    assert f"{path}:2: size must be" in result.stderr
    assert f"{path}:7: Shot 2: duration must be" in result.stderr


SPREAD = """\
# A film in several ways of writing.
size: 832*480
colour: red
shots:
  - prompt: one
    seconds: 5
  -
    prompt: >
      Two,
      on two lines.
    duration: 7
    seed: x
  - duration: 10

  - {prompt: four, title: no}
  - just text
  - negative_prompt: |
      %s
    prompt: six
    audio_url: ftp://nowhere
    1: x
"Shot 2": x
crossfade: 9
"""
AS_JSON = """\
{
  "title": 7,
  "shots": [
    {
      "prompt": "one",
      "duration": 7
    },
    {
      "prompt": "%s",
      "seed": -1
    },
    {
      "duration": 5
    }
  ],
  "style": ""
}
"""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            SPREAD % ("x" * 501),
            [
                "1: title is missing",
                "3: There is no argument 'colour'",
                "6: Shot 1: There is no argument 'seconds'",
                "11: Shot 2: duration must be",
                "12: Shot 2: seed must be",
                "13: Shot 3: prompt is missing",
                "15: Shot 4: title holds for the whole film",
                "16: Shot 5: it must be an object",
                "17: Shot 6: negative_prompt has 502 characters",
                "20: Shot 6: audio_url must be",
                "21: Shot 6: There is no argument '1'",
                "22: There is no argument 'Shot 2'",
                "23: crossfade must be",
            ],
        ),
        (
            AS_JSON % ("x" * 1501),
            [
                "2: title must be text",
                "6: Shot 1: duration must be",
                "9: Shot 2: prompt has 1501 characters",
                "10: Shot 2: seed must be",
                "12: Shot 3: prompt is missing",
                "16: style is empty",
            ],
        ),
        ("shots: 3\nstyle: x\ntitle: y", ["1: shots must be a list"]),
        ("title: x\nshots:\n- prompt: x\n  prompt: y", ["4: 'prompt' stands here twice."]),
        ('{"title": "x",\n "title": "y"}', ["2: 'title' stands here twice."]),
        ("title: x\nshots:\n- [a]: x", ["3: a name must be text."]),
        (
            'title: x\nshots:\n- prompt: "no end\n- prompt: y\n\n',
            ["3: this is no YAML (found unexpected end of stream)."],
        ),
        ("title: x\nusual: &usual {seed: x}\nshots: [{<<: *usual, prompt: y}]", ["2: There is", "2: Shot 1: seed"]),
    ],
)
def test_every_fault_is_told_by_its_own_line(tmp_path: Path, text: str, told: list[str]) -> None:
    """The one to be mended, not the one where its shot begins; whatever is wrong, and however it is written."""
    path = tmp_path / "script.yaml"
    path.write_text(text, encoding="utf-8")
    lines: list[str] = []
    try:
        page = read_page(str(path))
        with pytest.raises(InvalidRequest) as error:
            parse_script(script_arguments(page.told), WAN25_T2V, Limits())
        lines = page.placed(error.value.problems)
    except InvalidRequest as error:
        lines = [*error.problems]

    expected = [f"{path}:{line}" for line in told]
    assert [line[: len(start)] for line, start in zip(lines, expected, strict=True)] == expected


def test_the_line_of_a_fault_is_the_same_in_chinese(tmp_path: Path, chinese: None) -> None:
    """It is no matter of words."""
    path = tmp_path / "script.yaml"
    path.write_text(SPREAD % "x", encoding="utf-8")
    page = read_page(str(path))
    with pytest.raises(InvalidRequest) as error:
        parse_script(script_arguments(page.told), WAN25_T2V, Limits())
    assert [line.split(":")[1] for line in page.placed(error.value.problems)] == [
        *("1", "3", "6", "11", "12", "13", "15", "16", "20", "21", "22", "23"),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title: [", ":1: "),
        ("a: b: c", ":1: "),
        ("- x", "must have a title and shots"),
        ("", "must have a title and shots"),
        (None, "cannot be read"),
        ("size: 4K\ntitle: a\x07b", ":2: the character U+0007 is not allowed."),
        ("size: 4K\ntitle: 2026-13-45", ":2: this looks like a date or a number and is none"),
        ("shots:\n- seed: 0x_", ":2: this looks like a date or a number and is none"),
        ("shots: !!timestamp soon", ":1: this looks like a date or a number and is none"),
        ("shots: !!bool maybe", ":1: this looks like a date or a number and is none"),
        (f"title: {'[' * 1000}", "script.yaml is nested too deeply."),
    ],
)
def test_what_is_no_script_is_told(tmp_path: Path, text: str | None, words: str) -> None:
    """With the line at which reading went wrong."""
    path = tmp_path / "script.yaml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidRequest) as told:
        read_page(str(path))
    assert words in told.value.words


def test_what_is_no_script_is_data_for_a_program(tmp_path: Path) -> None:
    """Of every kind; nothing of it is a traceback."""
    for kind in (
        b"title: \xff",
        b"title: a\x07b",
        b"title: 2026-13-45",
        b"[" * 1000,
        b"2026-01-01: x",
        b"shots: [{1: x}]",
    ):
        path = tmp_path / "script.yaml"
        path.write_bytes(kind)
        result = run("film", str(path), "--json")
        error = json.loads(result.stdout)["error"]
        assert (result.exit_code, error["code"], error["money_moved"]) == (1, "InvalidRequest", "no")
        assert str(path) in error["message"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals are of the Unixes")
def test_ctrl_c_while_a_film_is_ordered_says_how_to_look(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The money is held by then, and who stopped it knows of what: of the film, and of takes anew."""
    order = Ledger.order

    async def stopped(ledger: Ledger, *film: Any, **terms: Any) -> Any:
        await order(ledger, *film, **terms)
        signal.raise_signal(signal.SIGINT)
        await anyio.sleep_forever()

    env = environment("http://127.0.0.1:1", tmp_path)
    monkeypatch.setattr(Ledger, "order", stopped)
    first = run("film", script, "--yes", "--json", env=env)
    film_id = json.loads(first.stdout)["film_id"]
    for words in ([], ["retake", film_id, "--yes"], ["retake", film_id, "--yes", "--json"]):
        ended = run(*words, env=env) if words else first
        assert ended.exit_code == 130
        assert f"Stopped. `wan-mcp show {film_id}` shows whether it was ordered.\n" in ended.stderr
        if "--json" in words:
            assert json.loads(ended.stdout)["error"]["money_moved"] == "maybe"
        assert json.loads(run("show", film_id, "--json", env=env).stdout)["cost"]["held"] == 4.5
        assert run("cancel", film_id, env=env).exit_code == 0


def test_json_is_a_script_too(tmp_path: Path) -> None:
    """Programs write it."""
    path = tmp_path / "script.json"
    path.write_text(json.dumps({"title": "x", "shots": [{"prompt": "y"}]}))
    assert read_page(str(path)).told == {"title": "x", "shots": [{"prompt": "y"}]}


async def test_a_shot_is_made_anew_from_the_terminal(person: Person, script: str, simulator: Simulator) -> None:
    """Who works there has no other way on; and a script must not take what is half paid for nothing at all."""
    simulator.mishap(on="create", kind="fail", code="DataInspectionFailed", prompt_contains="wakes")
    needs = await person.types("film", script, "--yes")
    assert needs.exit_code == 3
    assert "Run `wan-mcp retake` with the shot's number and another prompt" in needs.stdout
    [film_id] = re.findall(r"film_[\w-]{22}\b", needs.stderr)
    unnamed = await person.types("retake", film_id, "--seed", "7")
    assert (unnamed.exit_code, "name it by --shot" in unnamed.stderr) == (2, True)

    env = {"WAN_MCP_CONFIRM_ABOVE": "1"}
    refused = await person.types("retake", film_id, "--shot", "1", terminal=a_terminal(), answer="n\n", env=env)
    assert refused.exit_code == 1
    ordered = await person.types("retake", film_id, "--shot", "1", "--prompt", "A fox.", "--no-wait", "--json")
    assert json.loads(ordered.stdout)["next_step"] == f"`wan-mcp film {film_id}` waits for it and fetches the file."
    again = await person.types("retake", film_id, "--shot", "1", "--prompt", "A fox.", "--no-wait")
    assert "The same film is already under way" in again.stderr
    shown = await person.types("film", film_id, "--no-wait")
    assert shown.stdout.startswith("RENDERING")
    for terminal in (a_terminal(), a_terminal(TERM="dumb")):
        done = await person.types("film", film_id, terminal=terminal)
        assert done.exit_code == 0


async def test_nothing_made_is_no_success_and_no_debt(person: Person, script: str, simulator: Simulator) -> None:
    """1, not 3: it may be ordered again."""
    simulator.mishap(on="create", kind="refuse", code="Arrearage", times=9)
    result = await person.types("film", script, "--yes")
    assert result.exit_code == 1
    assert "0.00 CNY not charged" in result.stdout


async def test_films_are_watched_among_the_tasks(person: Person, script: str) -> None:
    """Each change is a line, until they have ended."""
    ordered = await person.reads("film", script, "--yes", "--no-wait")
    watched = await person.types("tasks", "--watch")
    lines = [line for line in watched.stdout.splitlines() if line.startswith(ordered["film_id"])]
    assert " | RENDERING | film of 2 shots, 15 s | 4.50 CNY held | The fox" in lines[0]
    assert " | SUCCEEDED | " in lines[-1]


async def test_films_are_found_among_the_tasks_by_their_status(person: Person, script: str) -> None:
    """A film's own, or that of a shot of it; never its shots in its place."""
    ordered = await person.reads("film", script, "--yes", "--no-wait")
    for word in ("RENDERING", "queued"):
        listed = await person.types("tasks", "--status", word)
        assert [line.split(" | ")[0] for line in listed.stdout.splitlines()[:-1]] == [ordered["film_id"]]
    assert (await person.types("tasks", "--status", "ATTENTION")).stdout.startswith("No tasks.")
