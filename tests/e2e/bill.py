"""The bill at the end of a run: what DashScope accepted is what the ledger paid for, and every file is at home."""

import json
import logging
import sqlite3
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.audit import audit
from tests.conftest import made, opened
from tests.e2e.clocks import SimulatorsClock
from wan_mcp.domain.task import Status
from wan_mcp.service.videos import Videos
from wan_mcp.simulator import Simulator, Task

Entry = dict[str, Any]
logger = logging.getLogger(__name__)

TURNS = 1200
"""Ten hours, half a minute each: DashScope itself gives up a task after three."""
NO_CAPS = {"WAN_MCP_BUDGET_PER_DAY": "none", "WAN_MCP_CONFIRM_ABOVE": "none"}


async def run_on(url: str, folder: Path, simulator: Simulator) -> int:
    """Go on in turned time until nothing is left to do; return how many of the tasks a person had to settle."""
    clock = SimulatorsClock(simulator)
    async with opened(made(url, folder, **NO_CAPS), clock) as videos:
        await _rest(videos, clock)
        settled = await _settle_by_hand(videos, simulator)
        await _rest(videos, clock)
        standing = (await videos.spending.account()).standing
        assert (await videos.check_ledger()).unsettled == 0, "a task has no end"
        assert standing.held.amount == 0, "money is held for ever"
    return settled


async def _rest(videos: Videos, clock: SimulatorsClock) -> None:
    for _ in range(TURNS):
        await videos.watcher.turn()
        if not any(is_under_way(entry) for entry in newest(videos.settings.ledger, "unsettled")):
            return
        clock.turn(30)


def is_under_way(entry: Entry) -> bool:
    """Is there something left that we, and not a person, can do about this task?"""
    match entry["status"]:
        case "SUCCEEDED":
            return "file" not in entry
        case "UNCERTAIN":
            return entry["problem"]["code"] != "SeveralCandidates"
        case status:
            return status not in ("FAILED", "CANCELED")


async def _settle_by_hand(videos: Videos, simulator: Simulator) -> int:
    """Do what the documentation asks of a person, on a fine day: who sees the prompts in Alibaba's console."""
    simulator.script.clear()
    claimed = {entry.get("dashscope_task_id") for entry in newest(videos.settings.ledger)}
    doubts = [entry for entry in newest(videos.settings.ledger) if entry["status"] == "UNCERTAIN"]
    for entry in doubts:
        prompt = entry["request"]["prompt"]
        own = [task.id for task in simulator.accepted if task.order.prompt == prompt and task.id not in claimed]
        remote_id = own[0] if own else None
        claimed.add(remote_id)
        logger.info("left to a person: %s %s, is %s", prompt, entry["problem"]["message"], remote_id)
        await videos.settle(entry["id"], remote_id=remote_id)
    return len(doubts)


def newest(ledger: Path, which: str = "1") -> list[Entry]:
    """Every task as it stands, read by none of the code that wrote it. Plays back what a dead process left."""
    db = sqlite3.connect(f"file:{ledger}?mode=rw", uri=True, timeout=30)
    try:
        statement = f"SELECT body FROM heads JOIN entries USING (task_id, version) WHERE {which} ORDER BY asked_ms"
        rows = db.execute(statement).fetchall()
    finally:
        db.close()
    return [{"caller": "local", **json.loads(body)} for (body,) in rows]


def the_bill_is_right(ledger: Path, simulator: Simulator) -> dict[str, int]:
    """Assert that what was accepted is what was paid for or came to nothing there; return the sums."""
    audit([ledger], simulator)
    tasks = newest(ledger)
    claimed = [task["dashscope_task_id"] for task in tasks if task.get("dashscope_task_id")]
    accepted = {task.id: task.order.prompt for task in simulator.accepted}
    assert sorted(claimed) == sorted(accepted), "accepted, and in no task of ours"
    paid = [task for task in tasks if task["status"] == Status.SUCCEEDED]
    for task in tasks:
        is_paid = task in paid
        remote_id = task.get("dashscope_task_id")
        assert is_paid == (remote_id is not None and simulator.status(remote_id) == "SUCCEEDED"), task
        assert is_paid or task["status"] in ("FAILED", "CANCELED"), task
        # One that failed may be in the name of another whose answer was lost too: that cost neither.
        assert not is_paid or accepted[task["dashscope_task_id"]] == task["request"]["prompt"], task
    files = [Path(task.get("file", "")) for task in paid]
    assert len(set(files)) == len(files), "two tasks have one file"
    for file in files:
        assert is_whole(file), f"{file} is not the video"
    return dict(Counter(task["status"] for task in tasks)) | {"accepted": len(accepted)}


def is_whole(file: Path) -> bool:
    """Is it the simulator's clip from its first byte to its last box?"""
    body = file.read_bytes() if file.is_file() else b""
    at, kinds = 0, list[bytes]()
    while len(body) - at >= 8 and (size := int.from_bytes(body[at : at + 4], "big")) >= 8:
        kinds.append(body[at + 4 : at + 8])
        at += size
    return at == len(body) > 0 and kinds[0] == b"ftyp" and b"moov" in kinds


def most_at_once(tasks: Sequence[Task], now: datetime) -> int:
    """How many of the tasks were at DashScope, waiting or running, at the busiest moment."""
    steps = [(task.created_at, 1) for task in tasks] + [(task.over_at or now, -1) for task in tasks]
    at_once = most = 0
    for _, step in sorted(steps):
        at_once += step
        most = max(most, at_once)
    return most
