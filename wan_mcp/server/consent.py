"""Asking the person before money is spent, where their client can show them a question."""

from typing import Annotated, Any

from mcp.server.mcpserver import Context
from pydantic import BaseModel, BeforeValidator, Field

from wan_mcp.domain.errors import Declined
from wan_mcp.domain.language import say
from wan_mcp.domain.money import Budget, Money


def _label(schema: dict[str, Any]) -> None:
    """What stands beside the box to tick, said when the form is shown."""
    schema |= {"title": say("I agree"), "description": say("Spend this amount?")}


def _is_yes(given: object) -> bool:
    """Nothing but a plain yes is one: an empty form, or a word in the place of a tick, spends nothing."""
    return given is True


class Consent(BaseModel):
    """What the person is asked for before money is spent."""

    agree: Annotated[bool, BeforeValidator(_is_yes)] = Field(default=False, json_schema_extra=_label)


def asks_by_form(ctx: Context[Any, Any]) -> bool:
    """Does this client show a form to its person? Declaring elicitation with nothing in it means forms."""
    capabilities = ctx.client_capabilities
    asks = capabilities.elicitation if capabilities else None
    return asks is not None and (asks.form is not None or asks.url is None)


def declined(cost: Money, budget: Budget, *, again: str) -> Declined:
    """What is told after a no, and how the tool `again` is told of a person who changes their mind."""
    if budget.asks_always:
        next_step = say("Offer something cheaper (estimate_cost), unless they set WAN_MCP_CONFIRM_ABOVE above 0.")
    else:
        next_step = say(
            "Offer something cheaper (estimate_cost), unless they say so themselves: then call {tool} again with "
            "max_cost={amount}.",
            tool=again,
            amount=cost.plain,
        )
    return Declined(
        say("The person was asked to pay {cost} and did not agree. Nothing was sent.", cost=cost), next_step=next_step
    )
