"""The tree of errors: whose fault, whether money moved, and words in an order that never varies."""

import re

import pytest

from wan_mcp.domain import errors
from wan_mcp.domain.errors import (
    InvalidRequest,
    MissingKey,
    RateLimited,
    Refused,
    SubmissionUncertain,
    Unforeseen,
    WanError,
)


def leaves(kind: type[WanError] = WanError) -> list[type[WanError]]:
    """Every error of the tree."""
    return [found for child in kind.__subclasses__() for found in (child, *leaves(child))]


def test_the_tree_that_is_drawn_is_the_tree_that_is_there() -> None:
    """The drawing is the only place where all errors are seen at once; a reader trusts it."""
    drawn = re.findall(r"^ +(│   )?[├└]── (\w+)\s+(\w+)", errors.__doc__ or "", re.MULTILINE)

    assert {name: fault for _, name, fault in drawn} == {kind.__name__: kind.fault for kind in leaves()}
    for kind in leaves():
        is_below = any(nested for nested, name, _ in drawn if name == kind.__name__)
        assert is_below is (kind.__base__ is not WanError), kind


def test_only_what_was_sent_and_not_answered_may_have_moved_money() -> None:
    """A caller repeats a call when it hears that no money moved: everything else must surely be free."""
    assert {kind for kind in leaves() if kind.money_moved == "maybe"} == {SubmissionUncertain, Unforeseen}


@pytest.mark.parametrize("kind", [kind for kind in leaves() if kind not in (InvalidRequest, MissingKey, RateLimited)])
def test_the_words_are_what_happened_then_the_money_then_what_to_do(kind: type[WanError]) -> None:
    """A model skims: the same thing must stand at the same place every time."""
    error = kind("It rained.", next_step="Take an umbrella.")
    money = "Money MAY have moved." if kind.money_moved == "maybe" else "No money moved."

    assert error.words == f"It rained. {money} Take an umbrella."
    assert str(error) == error.what == "It rained."
    assert error.code == kind.__name__
    assert kind("It rained.").words == f"It rained. {money}"


def test_dashscopes_own_code_is_kept() -> None:
    """Alibaba's support and pages know their code, not the name of our class."""
    assert Refused("No.", code="InvalidApiKey").code == "InvalidApiKey"


def test_every_problem_of_a_request_is_told_and_numbered() -> None:
    """One round trip per mistake would be a minute of a person's time each."""
    assert InvalidRequest(["size is odd."]).what == "Not accepted: size is odd. Nothing was sent."
    both = InvalidRequest(["size is odd.", "seed is negative."], next_step="Think.")
    assert both.what == "Not accepted: (1) size is odd. (2) seed is negative. Nothing was sent."
    assert both.problems == ["size is odd.", "seed is negative."]
    assert both.words.endswith("No money moved. Think.")


def test_a_missing_key_says_where_to_get_one_and_how_to_try_without() -> None:
    """It is the first thing that everybody meets."""
    assert "DASHSCOPE_API_KEY" in MissingKey().words
    assert "wan-mcp demo" in MissingKey().words


def test_a_rate_limit_is_a_refusal_that_waits() -> None:
    """Whoever handles refusals must not fail a task that only has to wait."""
    limited = RateLimited("Slowly.", code="Throttling.RateQuota", retry_after=3)

    assert isinstance(limited, Refused)
    assert (limited.code, limited.retry_after) == ("Throttling.RateQuota", 3)
    assert limited.next_step
