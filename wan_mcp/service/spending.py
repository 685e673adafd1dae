"""What things cost, who may spend how much, and when the person must be asked first."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from wan_mcp.adapters.ledger import Ledger, Payer
from wan_mcp.domain.caller import LOCAL, PERSON, STRANGER, Rights, own_budget
from wan_mcp.domain.catalogue import Quote
from wan_mcp.domain.errors import MissingKey, NeedsConsent, OverBudget
from wan_mcp.domain.language import say
from wan_mcp.domain.money import Money
from wan_mcp.domain.request import VideoRequest
from wan_mcp.domain.spending import Day
from wan_mcp.service.clock import Clock
from wan_mcp.service.report import Account
from wan_mcp.settings import Settings


class Spending:
    """The prices and budgets of one account, and the rights of its callers."""

    def __init__(
        self, *, settings: Settings, ledger: Ledger, clock: Clock, rights: Callable[[str], Rights | None]
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._clock = clock
        self._rights_of = rights

    def quote(self, request: VideoRequest) -> Quote:
        """Price one request."""
        return self.price(resolution=request.resolution, duration=request.duration)

    def price(self, *, resolution: str, duration: int, count: int = 1) -> Quote:
        """Price `count` videos of one kind in the region's currency."""
        return self._settings.model.quote(
            region=self._settings.region, resolution=resolution, duration=duration, count=count
        )

    def rights(self, caller: str) -> Rights:
        """Return what a caller may do; the person may do everything."""
        if caller == LOCAL:
            return PERSON
        rights = self._rights_of(caller) or STRANGER
        return rights if rights.per_day else replace(rights, per_day=self._settings.caller_budget_per_day)

    async def account(self, *, caller: str = LOCAL) -> Account:
        """Return the budget and what is left of it today: all of it for the person, only its own for a caller."""
        settings, today = self._settings, self._clock.day_start()
        currency = settings.region.currency
        if caller == LOCAL:
            standing = await self._ledger.standing(settings.account, currency, today)
            return Account(budget=settings.budget, standing=standing, currency=currency)
        standing = await self._ledger.standing(settings.account, currency, today, caller=caller)
        budget = own_budget(settings.budget, self.rights(caller))
        return Account(budget=budget, standing=standing, currency=currency, is_shared=True)

    async def days(self, count: int) -> list[Day]:
        """Return what each of the last calendar days came to, of all callers together, today's last."""
        settings, begins = self._settings, self._clock.day_starts(count)
        return await self._ledger.spending(settings.account, settings.region.currency, begins)

    def refuse_too_dear(self, cost: Money, *, caller: str, is_shot: bool = False) -> None:
        """Let one video of this price through, or not; each shot of a film is one.

        Raises:
            OverBudget: it is dearer than the caller's cap for one video, or the person's.
        """
        own, cap = self.rights(caller).per_task, self._settings.budget.per_task
        cheaper = (
            say("Ask for shorter shots or a smaller size")
            if is_shot
            else say("Ask for a shorter video or a smaller size")
        )
        if own is not None and cost > own:
            raise OverBudget(
                say(
                    "This costs {cost}, and one video of {caller}'s may cost {own} at most.",
                    cost=cost,
                    caller=caller,
                    own=own,
                ),
                next_step=self._ways(
                    cost, own, cheaper, say("the person raises budget_per_task in WAN_MCP_TOKENS_FILE")
                ),
            )
        if cap is not None and cost > cap:
            raise OverBudget(
                say("A shot costs {cost}, and one video may cost {per_task} at most.", cost=cost, per_task=cap)
                if is_shot
                else say("This costs {cost}, and one video may cost {per_task} at most.", cost=cost, per_task=cap),
                next_step=self._ways(cost, cap, cheaper, say("the person raises WAN_MCP_BUDGET_PER_TASK")),
            )

    def _ways(self, cost: Money, most: Money, cheaper: str, raised: str) -> str:
        """What can help: nothing cheaper where even the cheapest is too dear."""
        if self._settings.budget.has_cheaper(cost, within=most):
            return say("{cheaper}, or {raised}.", cheaper=cheaper, raised=raised)
        return say("Only this helps: {raised}.", raised=raised)

    async def refuse_beyond_today(self, payer: Payer, cost: Money) -> None:
        """Let through what today's budgets still hold: nobody is asked about what would be refused all the same.

        Raises:
            MissingKey: nothing can be ordered at all.
            OverBudget: what is left today of the caller's budget, or of the person's, is less.
        """
        if self._settings.key is None:
            raise MissingKey
        await self._ledger.refuse_over_budget(
            payer, cost, self._settings.budget, self._clock.day_start(), self.rights(payer.caller)
        )

    def unagreed(self, cost: Money, *, again: str) -> NeedsConsent:
        """Say that the person must agree to `cost` first, and how the tool `again` is told that they did."""
        return NeedsConsent(
            say(
                "This costs {cost}. Above {threshold} the person must agree first.",
                cost=cost,
                threshold=self._settings.budget.confirm_above,
            ),
            next_step=say(
                "Ask the person; once they agree, call {tool} again with max_cost={cost}.", tool=again, cost=cost.plain
            ),
        )

    def must_ask(self, cost: Money, max_cost: float | None, *, can_ask: bool, is_film: bool = False) -> bool:
        """Must the person be asked before this much is spent?

        `max_cost` says that they were asked in words. It counts everywhere but where `can_ask`, and the person
        set the threshold to 0: they want to be asked each time.

        Raises:
            OverBudget: it costs more than `max_cost`.
        """
        most = None if max_cost is None else Money(Decimal(str(max_cost)), cost.currency)
        if most is not None and cost > most:
            raise OverBudget(
                say("This costs {cost}, more than the max_cost of {most}.", cost=cost, most=most),
                next_step=self._ways(
                    cost,
                    most,
                    say("Ask for fewer or shorter shots or a smaller size")
                    if is_film
                    else say("Ask for a shorter video or a smaller size"),
                    say("raise max_cost if the person agrees"),
                ),
            )
        budget = self._settings.budget
        was_asked = max_cost is not None and not (budget.asks_always and can_ask)
        return budget.asks_for(cost) and not was_asked
