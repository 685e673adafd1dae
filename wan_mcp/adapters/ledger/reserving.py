"""What a reservation asks before it writes: is there money for it, is there room, and whose turn is it?"""

from datetime import datetime, timedelta
from typing import Protocol

from wan_mcp.adapters.ledger.file import on_the_thread
from wan_mcp.adapters.ledger.queries import LedgerQueries, listed
from wan_mcp.adapters.ledger.rows import ms
from wan_mcp.domain.caller import LOCAL, Rights, own_budget
from wan_mcp.domain.catalogue import Model
from wan_mcp.domain.errors import OverBudget
from wan_mcp.domain.language import say
from wan_mcp.domain.money import Budget, Money, Standing
from wan_mcp.domain.task import UPSTREAM

_UNCERTAIN_TAKES_A_PLACE = timedelta(minutes=10)
_PACE = timedelta(seconds=2)
"""In which no more are claimed than a second may see: each leaves within a second of its claim, one a quarter of a
second, so no second sees more than that of several processes either."""


class Payer(Protocol):
    """Whose money it is: a task's or a film's."""

    @property
    def account(self) -> str:
        """The API host that bills it."""
        ...

    @property
    def caller(self) -> str:
        """Who asked."""
        ...


class LedgerReserving(LedgerQueries):
    """What the transactions of writers are made of."""

    @on_the_thread
    def refuse_over_budget(
        self, payer: Payer, cost: Money, budget: Budget, day_start: datetime, rights: Rights
    ) -> None:
        """Let so much through, or not, before anybody is asked to agree to it. Nothing is held by it.

        Raises:
            OverBudget: the daily budget of the account, or the caller's own, does not hold it.
        """
        self._refuse_over_budget(payer, cost, budget, day_start, rights)

    def _refuse_over_budget(
        self, payer: Payer, cost: Money, budget: Budget, day_start: datetime, rights: Rights
    ) -> None:
        """Let so much through, or not: first by the caller's own budget, then by the person's."""
        self._refuse_over_own_budget(payer, cost, budget, day_start, rights)
        standing = self._standing(payer.account, cost.currency, day_start)
        left = standing.left(budget)
        if left is None or not cost > left:
            return
        if payer.caller != LOCAL:  # what others have spent is not theirs to know
            raise OverBudget(
                say(
                    "This costs {cost}, more than is left today of the account's budget, which all callers share.",
                    cost=cost,
                ),
                next_step=_ways(
                    cost,
                    budget,
                    Standing(held=cost * 0, charged_today=cost * 0),
                    raised=say("the person raises WAN_MCP_BUDGET_PER_DAY"),
                ),
            )
        raise OverBudget(
            say(
                "This costs {cost}, and today's budget of {per_day} has {left} left ({held} held for "
                "open tasks, {charged_today} charged today).",
                cost=cost,
                per_day=budget.per_day,
                left=left,
                held=standing.held,
                charged_today=standing.charged_today,
            ),
            next_step=_ways(cost, budget, standing, raised=say("the person raises WAN_MCP_BUDGET_PER_DAY")),
        )

    def _refuse_over_own_budget(
        self, payer: Payer, cost: Money, budget: Budget, day_start: datetime, rights: Rights
    ) -> None:
        if rights.per_day is None:
            return
        standing = self._standing(payer.account, cost.currency, day_start, payer.caller)
        left = rights.per_day - standing.held - standing.charged_today
        if cost > left:
            raise OverBudget(
                say(
                    "This costs {cost}, and of {caller}'s own {per_day} a day, {held} is held for open "
                    "tasks and {charged_today} charged.",
                    cost=cost,
                    caller=payer.caller,
                    per_day=rights.per_day,
                    held=standing.held,
                    charged_today=standing.charged_today,
                ),
                next_step=_ways(
                    cost,
                    own_budget(budget, rights),
                    standing,
                    raised=say(
                        "the person raises it: budget_per_day in WAN_MCP_TOKENS_FILE, or WAN_MCP_CALLER_BUDGET_PER_DAY"
                    ),
                ),
            )

    def _has_room(self, account: str, model: Model, now: datetime) -> bool:
        """Do DashScope's limits on running tasks and on submissions a second leave room for one more?"""
        upstream = self._count(f"account = ? AND status IN ({listed(UPSTREAM)})", account)
        # Both times end soon after now: after a clock was set back, what was sent "tomorrow" stops no queue.
        soon = ms(now + _PACE)
        uncertain = self._count(
            "account = ? AND status = 'UNCERTAIN' AND since_ms > ? AND since_ms < ?",
            account,
            ms(now - _UNCERTAIN_TAKES_A_PLACE),
            soon,
        )
        just_sent = self._count("account = ? AND sent_ms > ? AND sent_ms < ?", account, ms(now - _PACE), soon)
        return upstream + uncertain < model.running_limit and just_sent < model.submissions_per_second

    def _is_anyone_queued(self, account: str) -> bool:
        return self._count("account = ? AND status = 'QUEUED'", account) > 0

    def _next_rank(self, task: Payer) -> int:
        """Return a virtual finish time (start-time fair queuing): a caller's n-th waiting task comes after
        every other caller's (n-1)-th, so that one with 5 is not behind all of another's 60."""
        served, of_caller = self._db.execute(
            "SELECT COALESCE(MIN(rank) - 1, 0), COALESCE(MAX(rank) FILTER (WHERE caller = ?), 0) "
            "FROM heads WHERE account = ? AND status = 'QUEUED'",
            (task.caller, task.account),
        ).fetchone()
        return max(served, of_caller) + 1


def _ways(cost: Money, budget: Budget, standing: Standing, *, raised: str) -> str:
    """What can help: no open task and no other day where even those leave less than it costs."""
    cap, left = budget.per_day, standing.left(budget)
    assert cap is not None  # without a cap there is nothing to be over
    assert left is not None
    ways: list[str] = []
    if standing.held.amount > 0 and not cost > cap - standing.charged_today:
        ways.append(say("wait for open tasks to end"))
    if not cost > cap:
        ways.append(say("wait for tomorrow"))
    if budget.has_cheaper(cost, within=left):
        ways.append(say("ask for something cheaper"))
    if not ways:
        return say("Only this helps: {raised}.", raised=raised)
    listed = say(", ").join(ways)
    return say("{ways}, or {raised}.", ways=listed[0].upper() + listed[1:], raised=raised)
