"""What other processes do to a ledger: run by `multiprocessing`, which imports this file anew in each of them."""

import multiprocessing
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import anyio

from tests.tasks import T0, a_task, a_video
from wan_mcp.adapters.ledger import Ledger
from wan_mcp.domain.catalogue import WAN25_T2V
from wan_mcp.domain.errors import OverBudget, StaleTask
from wan_mcp.domain.money import Budget, Money
from wan_mcp.domain.task import Status, VideoTask

DAY_START = datetime(2026, 11, 22, 16, 0, tzinfo=T0.tzinfo)
"""Midnight in Beijing."""

Deed = tuple[Callable[..., Awaitable[object]], Path, tuple[Any, ...]]
"""What is done to which ledger: a function below, a path, and what else the function is told."""


def budget(per_day: str | None) -> Budget:
    """A daily budget in yuan; only that cap is the ledger's business."""
    return Budget(
        per_task=None,
        per_day=None if per_day is None else Money(Decimal(per_day), "CNY"),
        confirm_above=Money(Decimal(0), "CNY"),
    )


def at_once(count: int, *deeds: Deed) -> list[list[Any]]:
    """Let so many processes do these things, each thing at the same moment; for each of them, what came of it."""
    spawn = multiprocessing.get_context("spawn")
    start, answers = spawn.Barrier(count), spawn.SimpleQueue()
    processes = [spawn.Process(target=_do, args=(number, deeds, start, answers)) for number in range(count)]
    for process in processes:
        process.start()
    said = [answers.get() for _ in processes]
    for process in processes:
        process.join(10)
        process.close()
    return [list(outcomes) for outcomes in zip(*said, strict=True)]


def _do(number: int, deeds: Sequence[Deed], start: Barrier, answers: Any) -> None:
    outcomes: list[object] = []
    for work, path, given in deeds:
        start.wait(300)
        try:
            outcomes.append(anyio.run(_with_ledger, work, path, number, given))
        except Exception as error:  # noqa: BLE001  # told to the test, which alone can fail
            outcomes.append(f"{type(error).__name__}: {error}")
    answers.put(outcomes)


async def _with_ledger(
    work: Callable[..., Awaitable[object]], path: Path, number: int, given: tuple[Any, ...]
) -> object:
    ledger = Ledger(path)
    await ledger.open()
    try:
        return await work(ledger, number, *given)
    finally:
        await ledger.close()


async def reserved(ledger: Ledger, task: VideoTask, *, per_day: str | None = None, owner: str = "me") -> VideoTask:
    """The task as the ledger took it in."""
    taken = await ledger.reserve(task, owner=owner, model=WAN25_T2V, budget=budget(per_day), day_start=DAY_START)
    return taken.task


async def fill(ledger: Ledger, number: int, times: int, per_day: str) -> int:
    """Reserve so often, each time another video of 1 yuan; how often it was accepted."""
    accepted = 0
    for turn in range(times):
        name = f"{number} {turn}"
        task = a_task(id=f"vid_{name}", request=a_video(name), unit_price=Money(Decimal("0.2"), "CNY"))
        try:
            await reserved(ledger, task, per_day=per_day)
        except OverBudget:
            continue
        accepted += 1
    return accepted


async def ask_the_same(ledger: Ledger, number: int) -> str:
    """Ask for one and the same video; the id of the task that answers."""
    return (await reserved(ledger, a_task(id=f"vid_{number}", request=a_video("the same")))).id


async def claim(ledger: Ledger, number: int) -> int:
    """Claim from the queue until nothing more is given; how many it was."""
    count, now = 0, T0 + timedelta(minutes=1)
    while await ledger.claim_next(a_task().account, owner=f"owner {number}", model=WAN25_T2V, now=now):
        count += 1
    return count


async def cancel(ledger: Ledger, number: int, task: VideoTask) -> bool:
    """Write the next version of a task that everybody wants to write; was it this process that did?"""
    try:
        await ledger.record(task.to(Status.CANCELED, T0, request_id=f"{number}"))
    except StaleTask:
        return False
    return True


async def take(ledger: Ledger, number: int, task: VideoTask) -> bool:
    """Take over a task whose watcher is gone; was it this process that did?"""
    return await ledger.take(task.id, owner=f"owner {number}", before="gone")
