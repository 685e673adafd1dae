"""A script is read once: every fault of every shot is named before anything is spent."""

from typing import Any

import pytest

from tests.films import FOX, a_script
from wan_mcp.domain.catalogue import WAN25_T2V
from wan_mcp.domain.errors import InvalidRequest
from wan_mcp.domain.request import Limits
from wan_mcp.domain.script import MOST_SHOTS, another_take


def problems(**changes: Any) -> list[str]:
    """What is wrong with a script."""
    with pytest.raises(InvalidRequest) as told:
        a_script(**changes)
    return [*map(str, told.value.problems)]


def test_what_is_said_for_the_film_holds_for_each_shot_that_says_nothing_else() -> None:
    """One size, one style, one usual length."""
    script = a_script(size="832*480", duration=10, negative_prompt="text", prompt_extend=False, watermark=True, shots=[
        {"prompt": "one"}, {"prompt": "two", "duration": 5, "negative_prompt": "rain", "seed": 3},
    ])  # fmt: skip
    one, two = script.shots
    assert (one.prompt, one.size, one.duration, one.negative_prompt) == (
        "one Shot on 16 mm film.",
        "832*480",
        10,
        "text",
    )
    assert (two.prompt, two.size, two.duration, two.negative_prompt) == (
        "two Shot on 16 mm film.",
        "832*480",
        5,
        "rain",
    )
    assert (one.prompt_extend, one.watermark, one.seed, two.seed) == (False, True, None, 3)
    assert script.seconds == 15


def test_one_bad_shot_refuses_the_whole_order_and_every_fault_is_named_by_its_shot() -> None:
    """A model that mends one fault after the other would need a call for each."""
    told = problems(
        title="", size="720P", shots=[{"prompt": "fine"}, {"prompt": "", "duration": 7}, {"text": "a cat"}, "a dog"]
    )
    assert [problem.partition(" ")[0] for problem in told[:2]] == ["size", "title"]
    assert [problem.partition(":")[0] for problem in told[2:]] == ["Shot 2", "Shot 2", "Shot 3", "Shot 3", "Shot 4"]
    assert "did you mean 'prompt'?" in " ".join(told)
    assert 'an object like {"prompt": "..."}' in told[-1]


def test_a_fault_of_the_whole_film_is_named_once() -> None:
    """Sixty times the same sentence would hide the others."""
    assert len(problems(size="4K", watermark="yes", duration=7)) == 3


@pytest.mark.parametrize("shots", [None, "a cat", [], [{"prompt": "x"}] * (MOST_SHOTS + 1)])
def test_a_film_has_1_to_60_shots(shots: Any) -> None:
    """More is another film."""
    assert len(problems(shots=shots)) == 1
    assert len(a_script(shots=[{"prompt": "x"}] * MOST_SHOTS).shots) == MOST_SHOTS


def test_a_prompt_and_the_style_that_are_too_long_together_are_refused_with_both_numbers() -> None:
    """DashScope would cut the style off, and bill it."""
    [told] = problems(style="s" * 100, shots=[{"prompt": "p" * 1400}])
    assert "together 1501 characters (1400 and 100, and the space between)" in told
    assert len(a_script(style="s" * 100, shots=[{"prompt": "p" * 1399}]).shots[0].prompt) == 1500
    [too_long_alone] = problems(shots=[{"prompt": "p" * 1501}])
    assert "1501" in too_long_alone


@pytest.mark.parametrize("crossfade", [-1, 2.5, "1", True])
def test_a_crossfade_is_at_most_two_seconds(crossfade: Any) -> None:
    """Of a shot of five seconds something is to be seen."""
    assert len(problems(crossfade=crossfade)) == 1
    assert a_script(crossfade=0.5).crossfade == 0.5


def test_the_operators_limits_hold_for_every_shot() -> None:
    """An operator narrows what may be asked for."""
    with pytest.raises(InvalidRequest) as told:
        a_script(Limits(max_duration=5))
    assert [problem[:7] for problem in told.value.problems] == ["Shot 2:"]


def test_two_scripts_are_the_same_film_exactly_when_all_of_them_is_the_same() -> None:
    """A host that timed out will call again."""
    assert a_script().fingerprint == a_script().fingerprint
    others: list[dict[str, Any]] = [{"title": "x"}, {"crossfade": 1}, {"title_card": True}, {"shots": FOX["shots"][:2]}]
    assert len({a_script(**change).fingerprint for change in [{}, *others]}) == 5


def take(number: int, **asked: Any) -> Any:
    """Shot `number` of the fox, asked for anew."""
    asked = {"prompt": None, "seed": None} | asked
    return another_take(a_script(), number, model=WAN25_T2V, limits=Limits(), **asked).shots[number - 1]


def test_another_take_has_another_prompt_or_another_seed() -> None:
    """The same request with the same seed would bring the same video."""
    assert take(1) == a_script().shots[0]
    assert take(2).seed == 8
    assert take(2, seed=3).seed == 3
    worded = take(2, prompt="The fox walks.")
    assert (worded.prompt, worded.seed, worded.duration) == ("The fox walks. Shot on 16 mm film.", 7, 10)


@pytest.mark.parametrize(
    ("number", "asked", "word"),
    [(4, {}, "1 to 3"), (0, {}, "1 to 3"), (1, {"prompt": " "}, "empty"), (1, {"prompt": "p" * 1490}, "together")],
)
def test_a_take_that_cannot_be_is_refused(number: int, asked: dict[str, Any], word: str) -> None:
    """Before anything is spent."""
    with pytest.raises(InvalidRequest) as told:
        take(number, **asked)
    assert word in told.value.words
