"""The durable record of every task and every cent: one SQLite file, shared by every process of a user.

`entries` is only ever appended to; its primary key (task, version) is the concurrency control: two writers
cannot both write version 7. `heads` is the newest entry of each task with the columns that sums and lists
need, written in the same transaction. `films` and `film_heads` are the same for films. `watches` says which process
looks after a task, or joins a film.
"""

from wan_mcp.adapters.ledger.file import Stamp
from wan_mcp.adapters.ledger.films import Ordered, Unfinished
from wan_mcp.adapters.ledger.ledger import Ledger, Reserved
from wan_mcp.adapters.ledger.queries import SAME_REQUEST, Unsettled
from wan_mcp.adapters.ledger.reserving import Payer
from wan_mcp.adapters.ledger.rows import folded, unfolded

__all__ = [
    "SAME_REQUEST",
    "Ledger",
    "Ordered",
    "Payer",
    "Reserved",
    "Stamp",
    "Unfinished",
    "Unsettled",
    "folded",
    "unfolded",
]
