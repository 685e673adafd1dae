"""What a caller sent is taken only for what it is; every problem is told, and nothing is mended in secret."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.anything import JSON
from wan_mcp.domain.arguments import Arguments, show
from wan_mcp.domain.errors import InvalidRequest

KNOWN = ("prompt", "size", "duration", "audio_url", "prompt_extend", "watermark", "seed", "max_cost", "negative_prompt")


def arguments(**raw: Any) -> Arguments:
    """One call's arguments, all of them known."""
    return Arguments(raw, known=tuple(raw))


def problems_of(unknown: str, known: tuple[str, ...] = KNOWN) -> str:
    """What is said of an argument that there is not."""
    [problem] = Arguments({unknown: 1}, known=known).problems
    return problem


@pytest.mark.parametrize(
    ("unknown", "meant"),
    [
        ("second", "duration"),
        ("seconds", "duration"),
        ("Duration_Seconds", "duration"),
        ("length", "duration"),
        ("resolution", "size"),
        ("aspect_ratio", "size"),
        ("text", "prompt"),
        ("description", "prompt"),
        ("audio", "audio_url"),
        ("enhance_prompt", "prompt_extend"),
        ("budget", "max_cost"),
        ("promt", "prompt"),
        ("negativ_prompt", "negative_prompt"),
        ("water_mark", "watermark"),
        ("SEED", "seed"),
        ("Size", "size"),
    ],
)
def test_an_unknown_argument_is_refused_by_name_with_the_one_that_was_meant(unknown: str, meant: str) -> None:
    """Ignored, `{"second": 10}` would silently buy the default length."""
    assert problems_of(unknown) == f"There is no argument {unknown!r}; did you mean {meant!r}?"


def test_an_unknown_argument_like_no_other_gets_the_whole_list() -> None:
    """A wrong guess would be worse than none."""
    assert problems_of("zzz") == f"There is no argument 'zzz'; the arguments are {', '.join(KNOWN)}."


def test_a_synonym_is_offered_only_where_its_argument_is_known() -> None:
    """`get_video_task` has no duration."""
    assert "did you mean" not in problems_of("seconds", known=("task_id", "wait"))
    assert problems_of("timeout", known=("task_id", "wait_seconds")).endswith("did you mean 'wait_seconds'?")


def test_an_unknown_null_is_unknown_all_the_same_and_a_known_one_is_left_out() -> None:
    """Some hosts write null for every argument that was not given; a misspelt one is still a mistake."""
    read = Arguments({"seed": None, "sede": None}, known=KNOWN)

    assert not read.given("seed")
    assert read.problems == ["There is no argument 'sede'; did you mean 'seed'?"]


def test_all_problems_are_raised_at_once() -> None:
    """Each round trip to a model and a person costs more than the whole check."""
    read = Arguments({"seed": -1, "watermark": "yes", "bogus": 1, "prompt": ""}, known=KNOWN)
    read.text("prompt", longest=1500, required=True)
    read.integer("seed", low=0, high=9)
    read.flag("watermark", default=False)
    read.problem("And it rains.")

    with pytest.raises(InvalidRequest) as raised:
        read.finish()

    assert len(raised.value.problems) == 5
    assert [text.split()[0] for text in raised.value.problems] == ["There", "prompt", "seed", "watermark", "And"]


def test_without_a_problem_finish_says_nothing() -> None:
    """It is called at the end of every reading."""
    arguments(seed=1).finish()


@pytest.mark.parametrize("length", [1, 1499, 1500])
@pytest.mark.parametrize("character", ["a", "猫", "🐱", "\u0301"])
def test_text_counts_characters_and_a_chinese_one_counts_one(character: str, length: int) -> None:
    """The card: at most 1500 characters, a letter and a Chinese character alike."""
    read = arguments(prompt=character * length)

    assert read.text("prompt", longest=1500) == character * length
    assert not read.problems


@pytest.mark.parametrize("character", ["a", "猫", "🐱"])
def test_one_character_too_many_is_refused_with_both_numbers(character: str) -> None:
    """DashScope would cut it silently, and bill a video of another prompt."""
    read = arguments(prompt=character * 1501)

    assert read.text("prompt", longest=1500) is None
    assert "1501" in read.problems[0]
    assert "1500" in read.problems[0]


@pytest.mark.parametrize("blank", ["", " ", "\t\n", "\u3000"])
def test_empty_text_is_refused(blank: str) -> None:
    """A paid video of nothing; an ideographic space is nothing too."""
    required, optional = arguments(prompt=blank), arguments(prompt=blank)
    required.text("prompt", required=True)
    optional.text("prompt")

    assert required.problems == ["prompt is empty; it needs words."]
    assert optional.problems == ["prompt is empty; leave it out."]


def test_text_that_is_missing_is_a_problem_only_where_it_is_required() -> None:
    """A negative prompt may be left out, a prompt may not."""
    read = arguments()

    assert read.text("prompt") is None
    assert not read.problems
    read.text("prompt", longest=7, required=True)
    read.text("task_id", required=True)
    assert read.problems == ["prompt is missing: text of 1 to 7 characters.", "task_id is missing."]


@pytest.mark.parametrize("value", [5, True, ["a"], {"a": 1}])
def test_text_is_really_text(value: object) -> None:
    """`str([...])` would be sent, rendered and billed."""
    read = arguments(prompt=value)

    assert read.text("prompt") is None
    assert read.problems == [f"prompt must be text, not {value!r}."]


def test_half_a_character_is_refused() -> None:
    """JSON can carry a lone surrogate, which neither UTF-8 nor the ledger can hold."""
    read = arguments(prompt="cat \ud83d")

    assert read.text("prompt", longest=1500) is None
    assert "lone surrogate" in read.problems[0]


@pytest.mark.parametrize("value", [0, 1, 2147483647, 5.0])
def test_a_whole_number_in_range_is_read(value: float) -> None:
    """JSON has one kind of number: 5.0 is how some hosts write 5."""
    read = arguments(seed=value)

    assert read.integer("seed", low=0, high=2147483647) == value
    assert isinstance(read.integer("seed", low=0, high=2147483647), int)
    assert not read.problems


@pytest.mark.parametrize(
    "value", [-1, 2147483648, 5.5, "5", True, False, float("nan"), float("inf"), float("-inf"), 1e300, [], {}]
)
def test_anything_else_is_no_whole_number_in_range(value: object) -> None:
    """`True` equals 1 in Python, and a seed of True is somebody's mistake."""
    read = arguments(seed=value)

    assert read.integer("seed", low=0, high=2147483647) is None
    assert read.problems[0].startswith("seed must be a whole number from 0 to 2147483647, not ")


@pytest.mark.parametrize("value", [5, 10, 10.0])
def test_a_choice_is_one_of_the_numbers(value: float) -> None:
    """The card: 5 or 10 seconds."""
    assert arguments(duration=value).choice("duration", (5, 10)) == value


@pytest.mark.parametrize("value", ["5", "5s", 7, 0, -5, 15, True, 5.1, [5], {}])
def test_what_is_no_choice_is_refused_with_the_choices(value: object) -> None:
    """ "5" would be 5 to a person, and to DashScope it is a fault that the finished task tells."""
    read = arguments(duration=value)

    assert read.choice("duration", (5, 10)) is None
    assert read.problems == [f"duration must be 5 or 10 (a number), not {value!r}."]


def test_a_number_of_too_many_digits_is_refused_in_words() -> None:
    """JSON has numbers of any length, and Python will not write them out again."""
    read = arguments(duration=10**5000)

    read.integer("duration", low=0, high=9)
    read.choice("duration", (5, 10))
    read.number("duration")
    read.text("duration")

    assert [problem.rpartition(", not ")[2] for problem in read.problems] == ["a number of too many digits."] * 4


@pytest.mark.parametrize("value", [0, 0.5, 3, 1e9])
def test_an_amount_is_any_number_that_is_not_negative(value: float) -> None:
    """`max_cost` is an amount of money."""
    assert arguments(max_cost=value).number("max_cost") == value


@pytest.mark.parametrize("value", [-0.01, "3", True, float("nan"), float("inf"), [], {}])
def test_an_amount_that_is_none_is_refused(value: object) -> None:
    """Infinity as `max_cost` would be an agreement to everything."""
    read = arguments(max_cost=value)

    assert read.number("max_cost") is None
    assert read.problems[0].startswith("max_cost must be a number, 0 or more, not ")


@pytest.mark.parametrize("value", [0, 1, "true", "false", "", [], 1.0])
def test_a_flag_is_really_a_boolean(value: object) -> None:
    """The string "false" is true to most languages."""
    read = arguments(watermark=value)

    assert read.flag("watermark", default=False) is False
    assert read.problems == [f"watermark must be true or false (a boolean), not {value!r}."]


@pytest.mark.parametrize("value", [True, False])
def test_a_boolean_is_read_as_it_is(value: bool) -> None:
    """Both are something a caller can mean, whatever the default."""
    assert arguments(watermark=value).flag("watermark", default=not value) is value


@pytest.mark.parametrize("value", ["720P", "720p", " 720p "])
def test_a_word_is_read_in_whatever_case(value: str) -> None:
    """Nobody means another tier by a small p."""
    assert arguments(resolution=value).word("resolution", ("480P", "720P")) == "720P"


@pytest.mark.parametrize("value", ["4K", 720, True, ""])
def test_another_word_is_refused_with_the_words_there_are(value: object) -> None:
    """What is allowed stands in the answer."""
    read = arguments(resolution=value)

    assert read.word("resolution", ("480P", "720P")) is None
    assert read.problems == [f"resolution must be one of 480P, 720P, not {value!r}."]


def test_what_was_not_given_has_no_value() -> None:
    """Each reader says so in its own way, and none counts it as a problem."""
    read = arguments()

    assert read.integer("seed", low=0, high=1) is None
    assert read.choice("duration", (5,)) is None
    assert read.number("max_cost") is None
    assert read.word("resolution", ("480P",)) is None
    assert read.raw("size") is None
    assert read.flag("watermark", default=True) is True
    assert not read.problems


def test_what_is_shown_back_is_cut() -> None:
    """A wrong argument of a megabyte must not fill the model's window with itself."""
    assert show("x" * 1000) == "'" + "x" * 58 + "…"
    assert show([1, 2]) == "[1, 2]"


@given(st.dictionaries(st.text(max_size=12) | st.sampled_from(KNOWN), JSON, max_size=6))
def test_no_json_crashes_a_reading(raw: dict[str, object]) -> None:
    """Anything may come over the wire; the answer is a list of problems, never a traceback."""
    read = Arguments(raw, known=KNOWN)
    for name in KNOWN:
        read.text(name, longest=10, required=True)
        read.integer(name, low=0, high=9)
        read.choice(name, (5, 10))
        read.number(name)
        read.flag(name, default=False)
        read.word(name, ("a", "b"))

    assert all(len(problem) < 300 and "\n" not in problem for problem in read.problems)
    with pytest.raises(InvalidRequest):
        read.finish()
