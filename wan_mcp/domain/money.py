"""Amounts with their currency, and what a person allows to be spent. Exact: `Decimal`, never float."""

from dataclasses import dataclass
from decimal import Decimal

_MICROS = Decimal(1_000_000)
_CENTS = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency. Amounts of different currencies never meet."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        return f"{self.plain} {self.currency}"

    @property
    def plain(self) -> str:
        """The amount with two decimals, more only where they are needed."""
        shown = self.amount.quantize(_CENTS)
        return f"{shown if shown == self.amount else self.amount.normalize():f}"

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount - self._same(other), self.currency)

    def __mul__(self, times: int) -> "Money":
        return Money(self.amount * times, self.currency)

    def __gt__(self, other: "Money") -> bool:
        return self.amount > self._same(other)

    def _same(self, other: "Money") -> Decimal:
        if other.currency != self.currency:
            raise ValueError(f"{other.currency} cannot be reckoned with {self.currency}")
        return other.amount

    @property
    def micros(self) -> int:
        """Millionths of the currency unit: whole numbers that SQL can sum exactly."""
        return int((self.amount * _MICROS).to_integral_exact())

    @classmethod
    def of_micros(cls, micros: int, currency: str) -> "Money":
        """Read back what `micros` wrote."""
        return cls(Decimal(micros) / _MICROS, currency)


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What the person allows. `None` lifts a cap; no argument of a tool can exceed one."""

    per_task: Money | None
    per_day: Money | None
    confirm_above: Money | None
    """Above this price the person is asked first. Zero asks always, `None` never."""
    cheapest: Money | None = None
    """The price of the cheapest video that may be asked for, where that is known."""

    @property
    def asks_always(self) -> bool:
        """Does the person want to be asked each time, whatever it costs?"""
        return self.confirm_above is not None and self.confirm_above.amount == 0

    def asks_for(self, cost: Money) -> bool:
        """Must the person be asked before this is spent?"""
        return self.asks_always or (self.confirm_above is not None and cost > self.confirm_above)

    def has_cheaper(self, cost: Money, *, within: Money) -> bool:
        """Is there anything cheaper than `cost` that `within` would hold?"""
        return self.cheapest is None or (cost > self.cheapest and not self.cheapest > within)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where an account's money stands today, in the calendar day of the person's time zone."""

    held: Money
    """Set aside for tasks whose end is not known yet, of whatever day."""
    charged_today: Money

    def left(self, budget: Budget) -> Money | None:
        """What may still be spent today; `None` where there is no daily cap. Never below zero."""
        if budget.per_day is None:
            return None
        left = budget.per_day - self.held - self.charged_today
        return left if left.amount > 0 else Money(Decimal(0), left.currency)
