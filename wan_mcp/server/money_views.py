"""What callers are shown of prices and of the budget, in text and as structured content."""

from collections.abc import Mapping, Sequence
from typing import Any

from wan_mcp.domain.catalogue import Quote, Region
from wan_mcp.domain.language import say, sentences
from wan_mcp.domain.money import Budget, Money
from wan_mcp.domain.task import Status
from wan_mcp.server.film_views import shots_words
from wan_mcp.server.views import number
from wan_mcp.service.report import Account


def estimate(
    quote: Quote, region: Region, account: Account | None, *, shots: Sequence[int] = ()
) -> tuple[str, dict[str, Any]]:
    """A price with its arithmetic, what the budget leaves, and whether it would be refused. Of a film, `shots` has the
    seconds of each: a shot counts as a video of its own where one video has a cap, and all of them are one order.
    """
    shown: dict[str, Any] = {
        "unit_price": number(quote.unit_price.amount),
        "seconds": quote.seconds,
        "count": quote.count,
        "amount": number(quote.amount.amount),
        "currency": quote.amount.currency,
        "basis": quote.basis,
    }
    words = [say("{amount}. {basis}.", amount=quote.amount, basis=quote.basis), billing_words()]
    if shots:
        del shown["count"]  # one film, which nobody asked for by number
        shown["shots"] = len(shots)
        words[0] = say(
            "{amount} for a film of {shots}. {basis}.",
            amount=quote.amount,
            shots=shots_words(len(shots)),
            basis=quote.basis,
        )
    if region.free_seconds:
        shown["free_quota"] = say(
            "New {region} accounts have {seconds} free seconds; what is left cannot be seen here.",
            region=region.id,
            seconds=region.free_seconds,
        )
        words.append(shown["free_quota"])
    if account is not None:
        shown["budget"] = budget(account)
        words.append(budget_words(account))
        if hurdle := _hurdle(quote, account.budget, account.left, quote.unit_price * max(shots, default=quote.seconds)):
            shown["hurdle"] = hurdle
            words.append(hurdle)
    return sentences(*words), shown


def _hurdle(quote: Quote, caps: Budget, left: Money | None, dearest: Money) -> str:
    """What stands between this price and the videos, if anything does."""
    if caps.per_task is not None and dearest > caps.per_task:
        return say("It would be refused: one video may cost {cap} at most.", cap=caps.per_task)
    if left is not None and quote.amount > left:
        return say("It would be refused: only {left} are left today.", left=left)
    if caps.asks_for(quote.unit_price * quote.seconds):
        return say("The person must agree first: it costs more than {threshold}.", threshold=caps.confirm_above)
    return ""


def billing_words() -> str:
    """What is billed at all."""
    return say("Only seconds of successful videos are billed.")


def budget(account: Account) -> dict[str, Any]:
    """What is held, charged and left, as data. A cap that was lifted is absent."""
    caps = account.budget
    shown: dict[str, Any] = {
        "held": number(account.standing.held.amount),
        "charged_today": number(account.standing.charged_today.amount),
        "left_today": number(account.left.amount) if account.left is not None else None,
        "per_task": number(caps.per_task.amount) if caps.per_task else None,
        "per_day": number(caps.per_day.amount) if caps.per_day else None,
        "confirm_above": number(caps.confirm_above.amount) if caps.confirm_above else None,
        "currency": account.currency,
    }
    return {name: value for name, value in shown.items() if value is not None}


def budget_words(account: Account) -> str:
    """What is held, charged and left, in words."""
    return say("Budget: {budget}.", budget=left_words(account))


def left_words(account: Account) -> str:
    """What is left, and what of it is held and charged."""
    standing, cap = account.standing, account.budget.per_day
    held, charged = standing.held, standing.charged_today
    if account.left is not None:
        return say(
            "{left} of {cap} left today ({held} held, {charged} charged today)",
            left=account.left.plain,
            cap=cap,
            held=held.plain,
            charged=charged.plain,
        )
    if account.is_shared:
        return say(
            "no daily cap of your own, the account's cap applies ({held} held, {charged} charged today)",
            held=held,
            charged=charged,
        )
    return say("no daily cap ({held} held, {charged} charged today)", held=held, charged=charged)


def today(account: Account, counts: Mapping[Status, int]) -> dict[str, Any]:
    """Where the money stands, and how many tasks have which status."""
    return {"budget": budget(account), "tasks": {status.value: count for status, count in counts.items()}}
