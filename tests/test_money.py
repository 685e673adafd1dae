"""Amounts are exact, currencies never meet, and what is left of a budget is never more than there is."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wan_mcp.domain.money import Budget, Money, Standing

MICROS = st.integers(min_value=0, max_value=10**15)


def cny(amount: str) -> Money:
    """An amount in yuan."""
    return Money(Decimal(amount), "CNY")


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("3", "3.00"),
        ("0.6", "0.60"),
        ("0.05", "0.05"),
        ("0.125", "0.125"),
        ("10.000", "10.00"),
        ("0", "0.00"),
        ("1E+3", "1000.00"),
        ("0.000001", "0.000001"),
        ("123456789.10", "123456789.10"),
    ],
)
def test_an_amount_is_shown_with_two_decimals_and_more_only_where_needed(amount: str, shown: str) -> None:
    """A bill says 3.00; a price of an eighth must not be rounded away, and nobody reads 1E+3."""
    assert cny(amount).plain == shown
    assert str(cny(amount)) == f"{shown} CNY"


@given(st.lists(MICROS, max_size=50))
def test_sums_are_exact_in_either_way_of_counting(amounts: list[int]) -> None:
    """SQL sums micros and Python sums decimals; a cent of difference would be a hole in the budget."""
    total = Money(Decimal(0), "USD")
    for micros in amounts:
        total = total + Money.of_micros(micros, "USD")

    assert total.micros == sum(amounts)


@given(MICROS)
def test_micros_read_back_what_they_wrote(micros: int) -> None:
    """The ledger keeps whole numbers, and a price must come out of it as it went in."""
    assert Money.of_micros(micros, "USD").micros == micros


def test_three_times_a_singapore_price_is_exact() -> None:
    """0.05 is not a binary fraction: with floats a third task would not fit into a budget of 0.15."""
    price = Money(Decimal("0.05"), "USD")

    assert (price * 3).amount == Decimal("0.15")
    assert (price + price + price).micros == 150_000
    assert price * 3 - price * 3 == Money(Decimal("0.00"), "USD")


def test_currencies_never_meet() -> None:
    """Beijing bills yuan and Singapore dollars; an exchange rate is nothing we know."""
    dollars = Money(Decimal(1), "USD")

    with pytest.raises(ValueError, match="CNY cannot be reckoned with USD"):
        _ = dollars + cny("1")
    with pytest.raises(ValueError, match="CNY"):
        _ = dollars - cny("1")
    with pytest.raises(ValueError, match="CNY"):
        _ = dollars > cny("1")


def test_equal_amounts_are_equal_however_they_are_written() -> None:
    """A price of 3 exactly meets a cap of 3.00: the cap allows it."""
    assert cny("3") == cny("3.00")
    assert not cny("3") > cny("3.00")
    assert cny("3.01") > cny("3")


def budget(per_day: Money | None) -> Budget:
    """A budget of which only the daily cap matters here."""
    return Budget(per_task=None, per_day=per_day, confirm_above=cny("0"))


def test_what_is_left_is_the_cap_less_what_is_held_and_charged() -> None:
    """Held money may yet be charged, so it cannot be given away twice."""
    standing = Standing(held=cny("3"), charged_today=cny("4.50"))

    assert standing.left(budget(cny("10"))) == cny("2.50")


def test_what_is_left_is_never_below_zero() -> None:
    """A cap lowered in the middle of a day leaves nothing, and nobody owes a negative amount."""
    assert Standing(held=cny("8"), charged_today=cny("4")).left(budget(cny("10"))) == cny("0")


def test_without_a_cap_nothing_is_counted_down() -> None:
    """`none` lifts the cap: there is no number to show."""
    assert Standing(held=cny("8"), charged_today=cny("4")).left(budget(None)) is None
