"""A `VideoRequest` that exists is one that the catalogue accepts: every limit of the card, at its edge and past it."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.anything import JSON
from tests.making import CAT, a_request
from wan_mcp.domain.catalogue import WAN25_T2V
from wan_mcp.domain.errors import InvalidRequest
from wan_mcp.domain.request import (
    REQUEST_ARGUMENTS,
    Limits,
    VideoRequest,
    parse_request,
    parse_resolution,
    request_arguments,
)

TABLE = """
    832*480 480*832 624*624
    1280*720 720*1280 960*960 1088*832 832*1088
    1920*1080 1080*1920 1440*1440 1632*1248 1248*1632
"""
ALL_SIZES = TABLE.split()
CHEAP = Limits(resolutions=("480P",), max_duration=5)


def parsed(limits: Limits | None = None, **raw: Any) -> VideoRequest:
    """A request of these arguments, with a prompt unless one is given."""
    return parse_request(request_arguments({"prompt": CAT, **raw}), WAN25_T2V, limits or Limits())


def problems(limits: Limits | None = None, **raw: Any) -> list[str]:
    """What is wrong with these arguments."""
    with pytest.raises(InvalidRequest) as raised:
        parsed(limits, **raw)
    return [*map(str, raised.value.problems)]


def problem(limits: Limits | None = None, **raw: Any) -> str:
    """The one thing that is wrong."""
    [only] = problems(limits, **raw)
    return only


def test_a_prompt_alone_is_a_whole_request() -> None:
    """Everything else has a default, and none of them is DashScope's dearest."""
    assert parsed() == VideoRequest(
        model="wan2.5-t2v-preview",
        prompt=CAT,
        negative_prompt=None,
        audio_url=None,
        size="1280*720",
        duration=5,
        prompt_extend=True,
        watermark=False,
        seed=None,
    )


def test_everything_that_is_given_is_kept() -> None:
    """What a caller wrote is what is sent, letter by letter."""
    given_all: dict[str, Any] = {
        "prompt": " 一只小猫  🐱 ",
        "negative_prompt": "低质量",
        "audio_url": "https://example.com/voice.mp3",
        "size": "480*832",
        "duration": 10,
        "prompt_extend": False,
        "watermark": True,
        "seed": 0,
    }

    assert parsed(**given_all) == VideoRequest(model="wan2.5-t2v-preview", **given_all)
    assert set(given_all) == set(REQUEST_ARGUMENTS)


@pytest.mark.parametrize("text", ["x", "猫" * 1500, "🐱" * 1500, "a" * 1500])
def test_a_prompt_of_1_to_1500_characters_is_accepted_whole(text: str) -> None:
    """The card: at most 1500 characters; a Chinese one counts one."""
    assert parsed(prompt=text).prompt == text


@pytest.mark.parametrize("text", ["猫" * 1501, "🐱" * 1501, "a" * 1501])
def test_a_prompt_of_1501_characters_is_refused_with_both_numbers(text: str) -> None:
    """DashScope cuts it silently and bills it as usual."""
    assert "1501 characters and at most 1500" in problem(prompt=text)


def test_a_negative_prompt_has_500_characters_at_most() -> None:
    """The card, and cut silently too."""
    assert parsed(negative_prompt="低" * 500).negative_prompt == "低" * 500
    assert "501 characters and at most 500" in problem(negative_prompt="低" * 501)


@pytest.mark.parametrize("raw", [{}, {"prompt": None}])
def test_a_prompt_is_required(raw: dict[str, None]) -> None:
    """On the live service a task without one is made, and fails minutes later."""
    with pytest.raises(InvalidRequest, match="prompt is missing: text of 1 to 1500 characters"):
        parse_request(request_arguments(raw), WAN25_T2V, Limits())


def test_the_card_has_thirteen_sizes() -> None:
    """The list below is typed off the documentation, not taken from the code."""
    assert sorted(WAN25_T2V.all_sizes) == sorted(ALL_SIZES)


@pytest.mark.parametrize("sign", ["*", "x", "X", "×", " x ", " × "])
@pytest.mark.parametrize("size", ALL_SIZES)
def test_every_size_is_accepted_however_its_sign_is_written(size: str, sign: str) -> None:
    """People and models write 1280x720; DashScope takes the asterisk only."""
    assert parsed(size=size.replace("*", sign)).size == size


@pytest.mark.parametrize(
    ("raw", "fitting"),
    [
        ("480P", "832*480, 480*832, 624*624"),
        ("720P", "1280*720, 720*1280, 960*960, 1088*832, 832*1088"),
        ("720p", "1280*720, 720*1280, 960*960, 1088*832, 832*1088"),
        ("1080", "1920*1080, 1080*1920, 1440*1440, 1632*1248, 1248*1632"),
        ("16:9", "832*480, 1280*720, 1920*1080"),
        ("9/16", "480*832, 720*1280, 1080*1920"),
        ("1 : 1", "624*624, 960*960, 1440*1440"),
        ("4:3", "1088*832, 1632*1248"),
        ("3:4", "832*1088, 1248*1632"),
        ("1920:1080", "832*480, 1280*720, 1920*1080"),
    ],
)
def test_a_tier_or_a_ratio_is_refused_with_the_sizes_that_fit(raw: str, fitting: str) -> None:
    """`720P` names five sizes: choosing one of them would be guessing with somebody's money."""
    told = problem(size=raw)

    assert told.startswith(f"size must be width*height, not {raw!r}; for ")
    assert told.endswith(f": {fitting}.")


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "1280",
        "1280*",
        "1280*720*3",
        "1280**720",
        "1280*721",
        "720*1280p",
        "2:7",
        "0:1",
        "1:0",
        "0/0",
        "1" * 5000 + ":1",
        "9" * 400 + ":" + "9" * 300,
        "16:9:1",
        "HD",
        "*",
        1280,
        True,
        ["1280*720"],
        {"w": 1280},
        1.5,
        "x" * 100_000,
    ],
)
def test_anything_else_is_refused_with_all_thirteen(raw: object) -> None:
    """Also what breaks a division or a conversion: a refusal, never a traceback, and short."""
    told = problem(size=raw)

    assert told.endswith(f"; allowed: {', '.join(WAN25_T2V.all_sizes)}.")
    assert len(told) < 400


@pytest.mark.timeout(5)
def test_a_hostile_size_costs_no_time() -> None:
    """A regular expression that tries every split of a million spaces would stop the server for hours."""
    assert problem(size="1" + " " * 1_000_000 + "1")
    assert problem(size="16" + " " * 1_000_000 + "9")


@pytest.mark.parametrize("duration", [5, 10, 5.0])
def test_a_duration_is_5_or_10(duration: float) -> None:
    """The card; and JSON does not tell 5 from 5.0."""
    assert parsed(duration=duration).duration == duration
    assert isinstance(parsed(duration=duration).duration, int)


@pytest.mark.parametrize("duration", [0, 1, 4, 6, 15, -5, "5", "10", True, 5.5, [5]])
def test_any_other_duration_is_refused(duration: object) -> None:
    """It is the number of seconds that are paid for."""
    assert problem(duration=duration) == f"duration must be 5 or 10 (a number), not {duration!r}."


@pytest.mark.parametrize("seed", [0, 1, 2147483647])
def test_a_seed_is_accepted_up_to_both_edges(seed: int) -> None:
    """The card: 0 to 2147483647."""
    assert parsed(seed=seed).seed == seed


@pytest.mark.parametrize("seed", [-1, 2147483648, 0.5, "7", True, float("nan")])
def test_a_seed_past_an_edge_is_refused(seed: object) -> None:
    """DashScope would tell only in the failed task."""
    assert "whole number from 0 to 2147483647" in problem(seed=seed)


@pytest.mark.parametrize("flag", ["prompt_extend", "watermark"])
@pytest.mark.parametrize("value", ["true", "false", 0, 1, "", []])
def test_booleans_are_really_boolean(flag: str, value: Any) -> None:
    """ "false" taken for true would put a mark into a paid video."""
    assert problem(**{flag: value}) == f"{flag} must be true or false (a boolean), not {value!r}."


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/a.wav",
        "https://example.com/a.mp3?token=1",
        "https://example.com/A.MP3",
        "https://example.com/download",
        "https://example.com",
        "oss://dashscope-instant/3f2a/2026-11-22/9b8c/voice.mp3",
        "  https://example.com/a.wav\n",
        "https://user:word@example.com:8443/a.mp3",
        "http://[::1]/a.wav",
    ],
)
def test_an_address_that_may_lead_to_audio_is_accepted(url: str) -> None:
    """A path without an ending may be anything; only one that shows another type surely is not."""
    assert parsed(audio_url=url).audio_url == url.strip()


@pytest.mark.parametrize(
    "url",
    [
        "voice.mp3",
        "file:///etc/passwd",
        "ftp://example.com/a.mp3",
        "data:audio/wav;base64,AAAA",
        "https://",
        "https:///a.mp3",
        "oss://",
        "http://exa mple.com/a.mp3",
        "https://example.com/a\nb.mp3",
        "http://[bad/a.mp3",
    ],
)
def test_what_is_no_address_of_audio_is_refused(url: str) -> None:
    """DashScope fetches it itself: a local path means nothing there."""
    assert problem(audio_url=url) == f"audio_url must be an http://, https:// or oss:// address, not {url!r}."


def test_an_address_that_is_too_long_is_refused_with_both_numbers() -> None:
    """It goes into the ledger and to DashScope, which names no limit; a signed link has some hundred characters."""
    longest = "https://example.com/" + "a" * 7976 + ".mp3"
    assert parsed(audio_url=longest).audio_url == longest
    assert problem(audio_url=f"{longest}?") == "audio_url has 8001 characters and at most 8000 are allowed."


@pytest.mark.parametrize("ending", [".mp4", ".txt", ".m4a", ".wav.zip", "."])
def test_an_address_that_shows_another_type_is_refused_with_a_hint(ending: str) -> None:
    """The card: wav or mp3, 3 to 30 seconds, at most 15 MB. It would fail minutes later."""
    told = problem(audio_url=f"https://example.com/dir.d/voice{ending}")

    assert ".wav or .mp3" in told
    assert told.endswith(f"'.{ending.rsplit('.', 1)[-1]}'.")


@pytest.mark.parametrize("value", [5, True, ["https://example.com/a.mp3"], " "])
def test_an_address_is_text(value: object) -> None:
    """Nothing is turned into text behind the caller's back."""
    assert problem(audio_url=value).startswith("audio_url ")


def test_all_problems_of_a_call_are_told_at_once() -> None:
    """Nine mistakes, one round trip; in the order in which they are looked for."""
    told = problems(
        second=10,
        prompt=" ",
        negative_prompt="x" * 501,
        audio_url="voice.mp3",
        size="720P",
        duration=7,
        prompt_extend="yes",
        watermark=1,
        seed=-1,
    )

    assert [text.split()[0] for text in told] == [
        "There",
        "prompt",
        "negative_prompt",
        "audio_url",
        "size",
        "duration",
        "prompt_extend",
        "watermark",
        "seed",
    ]
    assert "did you mean 'duration'?" in told[0]


def test_further_arguments_of_a_tool_are_known_by_name() -> None:
    """`max_cost` is no part of the video, and no mistake either."""
    arguments = request_arguments({"prompt": CAT, "max_cost": 3}, "max_cost")

    assert parse_request(arguments, WAN25_T2V, Limits()).prompt == CAT
    assert problem(max_cost=3) == (
        f"There is no argument 'max_cost'; the arguments are {', '.join(REQUEST_ARGUMENTS)}."
    )


def test_the_operator_can_narrow_the_sizes() -> None:
    """Whoever pays may forbid 1080P; then a video without a stated size is of the cheapest tier left."""
    assert parsed(CHEAP).size == "832*480"
    assert parsed(CHEAP, size="624x624").size == "624*624"
    assert problem(CHEAP, size="1920x1080") == (
        "size 1920*1080 is 1080P, which the operator does not allow; allowed: 832*480, 480*832, 624*624."
    )
    assert problem(CHEAP, size="16:9").endswith("for 16:9: 832*480.")
    assert problem(CHEAP, size="720P").endswith("; allowed: 832*480, 480*832, 624*624.")
    assert problem(CHEAP, size="4:3").endswith("; allowed: 832*480, 480*832, 624*624.")


def test_the_operator_can_narrow_the_length() -> None:
    """And the choice that is told is the one that is left."""
    assert parsed(CHEAP).duration == 5
    assert problem(CHEAP, duration=10) == "duration must be 5 (a number), not 10."
    assert parsed(Limits(max_duration=12), duration=10).duration == 10


def test_a_tier_can_be_asked_for_where_only_a_price_is_wanted() -> None:
    """All sizes of one tier cost the same."""
    arguments = request_arguments({"resolution": "1080p"}, "resolution")
    assert parse_resolution(arguments, WAN25_T2V, Limits()) == "1080P"

    narrowed = request_arguments({"resolution": "1080P"}, "resolution")
    assert parse_resolution(narrowed, WAN25_T2V, CHEAP) is None
    assert narrowed.problems == ["resolution must be one of 480P, not '1080P'."]


def test_the_same_video_has_the_same_fingerprint_and_any_other_has_another() -> None:
    """It is what tells a repeated call from another take; a collision would swallow a video."""
    request = a_request(seed=1)
    others = [
        replace(request, **change)
        for change in (
            {"prompt": CAT + "。"},
            {"negative_prompt": "x"},
            {"audio_url": "https://example.com/a.mp3"},
            {"size": "960*960"},
            {"duration": 10},
            {"prompt_extend": False},
            {"watermark": True},
            {"seed": 2},
            {"seed": None},
            {"model": "wan9"},
        )
    ]

    assert request.fingerprint == a_request(seed=1).fingerprint
    assert len({request.fingerprint, *(other.fingerprint for other in others)}) == 11


@given(
    st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(REQUEST_ARGUMENTS, JSON),
            "prompt": JSON | st.text(min_size=1),
            "size": JSON | st.sampled_from(ALL_SIZES) | st.from_regex(r"\d+[:/*x]\d+", fullmatch=True),
            "duration": JSON | st.sampled_from([5, 10]),
            "audio_url": JSON | st.from_regex(r"(https?|oss)://.{0,20}", fullmatch=True),
        },
    ),
    st.dictionaries(st.text(max_size=8), JSON, max_size=2),
)
def test_any_json_is_either_refused_in_words_or_a_request_that_the_card_allows(
    known: dict[str, Any], more: dict[str, Any]
) -> None:
    """What comes over the wire spends money: there is nothing between a refusal and an accepted request."""
    try:
        request = parse_request(request_arguments({**more, **known}), WAN25_T2V, Limits())
    except InvalidRequest:
        return
    assert 1 <= len(request.prompt) <= 1500
    assert len(request.negative_prompt or "") <= 500
    assert request.size in ALL_SIZES
    assert request.duration in (5, 10)
    assert request.prompt_extend in (True, False)
    assert request.seed is None or 0 <= request.seed <= 2147483647
    assert json.dumps(request.prompt, ensure_ascii=False).encode()
    assert request.prompt == known["prompt"], "nothing is repaired in secret"
