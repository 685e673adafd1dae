"""Who asks, and what they may: rights of a caller come on top of the person's own budget, never above it."""

from dataclasses import dataclass

from wan_mcp.domain.money import Budget, Money

LOCAL = "local"
"""The person at this machine: stdio, the command line, and HTTP on loopback without tokens."""


@dataclass(frozen=True, kw_only=True)
class Rights:
    """What one caller may."""

    per_task: Money | None = None
    """Its own cap on one video, where it has one."""
    per_day: Money | None = None
    """Its own cap on what it holds and was charged in one day, where it has one."""
    may_adopt: bool = False
    """May it fetch tasks that were made elsewhere on the account?"""


PERSON = Rights(may_adopt=True)
"""The local person: the budget is theirs, and so is everything on the account."""
STRANGER = Rights()
"""Somebody whom an OAuth issuer vouches for: what binds them is the person's budget, and the default of callers."""


def own_budget(budget: Budget, rights: Rights) -> Budget:
    """Return what a caller is told of the budget: its own cap of the day, or none; never what others share."""
    return Budget(
        per_task=_lower(budget.per_task, rights.per_task),
        per_day=_lower(budget.per_day, rights.per_day) if rights.per_day else None,
        confirm_above=budget.confirm_above,
        cheapest=budget.cheapest,
    )


def _lower(one: Money | None, other: Money | None) -> Money | None:
    if one is None or other is None:
        return one or other
    return other if one > other else one
