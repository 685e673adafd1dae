"""What one calendar day came to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from wan_mcp.domain.money import Money
from wan_mcp.domain.task import Status


@dataclass(frozen=True, kw_only=True)
class Day:
    """The tasks that came to their present status on one calendar day, as the budget counts them."""

    begins: datetime
    """Midnight, in the person's time zone."""
    charged: Money
    held: Money
    tasks: Mapping[Status, int]
    """How many came to which status; none that is zero."""
