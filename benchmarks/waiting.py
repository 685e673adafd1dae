"""Tasks that another process left open, written into a ledger in one transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from wan_mcp.adapters.ledger import Ledger
from wan_mcp.domain.catalogue import REGIONS, WAN25_T2V
from wan_mcp.domain.request import Limits, parse_request, request_arguments
from wan_mcp.domain.task import Status, VideoTask
from wan_mcp.service.finding import new_id
from wan_mcp.settings import Settings

REGION = REGIONS["cn-beijing"]
SIZE = "832*480"


class _Filling(Ledger):
    """A ledger that is filled past its own thread."""

    def fill(self, tasks: Sequence[VideoTask]) -> None:
        with self._exclusively():
            for task in tasks:
                self._append(task)


async def fill(
    given: Settings, sent: Sequence[datetime], queued: Sequence[datetime] = (), remote: Sequence[str] = ()
) -> list[str]:
    """Let tasks be open that nobody watches: at DashScope since these times, and waiting with us since those.

    Their ids.
    """
    ids = remote or [f"remote-{number}" for number in range(len(sent))]
    tasks = [
        _task(number, given, at, status=Status.RUNNING, sent_at=at, submitted_at=at, dashscope_task_id=ids[number])
        for number, at in enumerate(sent)
    ]
    tasks += [
        _task(number + len(sent), given, at, status=Status.QUEUED, rank=number) for number, at in enumerate(queued)
    ]
    ledger = _Filling(given.ledger)
    await ledger.open()
    ledger.fill(tasks)
    await ledger.close()
    return [task.id for task in tasks]


def _task(number: int, given: Settings, at: datetime, **facts: Any) -> VideoTask:
    arguments = request_arguments({"prompt": f"take {number}", "size": SIZE})
    request = parse_request(arguments, WAN25_T2V, Limits())
    quote = WAN25_T2V.quote(region=REGION, resolution=request.resolution, duration=request.duration)
    return VideoTask(
        id=new_id(),
        account=given.account,
        request=request,
        unit_price=quote.unit_price,
        seconds=quote.seconds,
        asked_at=at,
        since=at,
        **facts,
    )
