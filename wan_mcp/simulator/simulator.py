"""One simulated DashScope account: its tasks, its uploads, its clock, and what goes wrong.

`Simulator` is what tests and the console hold in their hands; the HTTP face is in `app`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

from .calls import Call
from .checks import Order
from .clock import Clock, real_now
from .errors import Refusal, looked_up
from .mishaps import Mishap, Script
from .models import MODELS, tier_of
from .settings import Settings
from .studio import Studio
from .tasks import Board, Fate, Status, Task
from .throttle import Throttle

__all__ = ["Simulator", "Upload"]

USUAL_RUN = {480: 60.0, 720: 90.0, 1080: 130.0}
"""Seconds a 5 s video takes, from the times seen on the service; a 10 s one takes twice as long."""

QUICK_FAILURE = (timedelta(milliseconds=25), timedelta(milliseconds=500))
"""A task with a bad parameter starts and fails almost at once: measured on the service."""


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file in the temporary bucket; it is good for one model."""

    model: str
    body: bytes
    at: datetime


class Simulator:
    """The service, as one account sees it."""

    def __init__(
        self,
        *,
        now: Callable[[], datetime] = real_now,
        settings: Settings | None = None,
        **options: Any,  # the fields of Settings, which checks them
    ) -> None:
        self.settings = replace(settings or Settings(), **options)
        self.clock = Clock(now, speed=self.settings.speed)
        self.studio = Studio(self.settings.media)
        self._clean()

    def _clean(self) -> None:
        self.board = Board()
        self.script = Script()
        self.requests: list[Call] = []
        self.uploads: dict[str, Upload] = {}
        self._random = Random(self.settings.seed)
        self._throttles: dict[str, Throttle] = {}

    # What tests ask and do.

    @property
    def note(self) -> str:
        """What is special about this simulator's videos, in a sentence."""
        return self.studio.note

    @property
    def tasks(self) -> dict[str, Task]:
        """Every task by id, brought up to now."""
        self.board.run_until(self.clock.now())
        return self.board.tasks

    @property
    def accepted(self) -> list[Task]:
        """The tasks that creation requests have made, oldest first: each would be paid for."""
        return [task for task in self.tasks.values() if not task.is_foreign]

    def accepted_for(self, prompt: str) -> int:
        """How many tasks were made for exactly this prompt."""
        return sum(task.order.prompt == prompt for task in self.accepted)

    def status(self, task_id: str) -> Status:
        """What a query would say, whether or not it is let in."""
        at = self.clock.now()
        task = self.tasks.get(task_id)
        if task is None or task.fate.lost or at > task.created_at + self.settings.task_lifetime:
            return Status.UNKNOWN
        return task.status(at)

    def advance(self, seconds: float) -> None:
        """Turn the clock forward."""
        self.clock.advance(timedelta(seconds=seconds))

    def mishap(
        self,
        *,
        kind: str,
        on: str = "create",
        times: int | None = 1,
        accept: bool = False,
        prompt_contains: str | None = None,
        task_id: str | None = None,
        **options: Any,  # the options of the kind, checked against KINDS
    ) -> Mishap:
        """Write a line into the script; a fate with a `task_id` happens to that task at once.

        Raises:
            ValueError: there is no such mishap, or not there, or not for that task.
        """
        one = Mishap(
            kind=kind,
            on=on,
            times=times,
            accept=accept,
            prompt_contains=prompt_contains,
            task_id=task_id,
            options=options,
        )
        if not (one.is_fate and task_id is not None):
            return self.script.add(one)
        if task_id not in self.tasks:
            raise ValueError(f"there is no task {task_id}")
        task = self.board.tasks[task_id]
        self.board.decide(task, self._sealed(task.fate, one), at=self.clock.now())
        return one

    def foreign_task(
        self,
        *,
        prompt: str,
        created_at: datetime | None = None,
        model: str = "wan2.5-t2v-preview",
        **order: Any,  # further fields of Order
    ) -> Task:
        """A task another program made on the same account: listed, running, not in `accepted`."""
        made = Order(model=model, prompt=prompt, **order)
        at = created_at or self.clock.now()
        return self._add(
            Task(order=made, fate=self._fate(made), created_at=at, request_id=str(uuid4()), is_foreign=True)
        )

    def reset(self) -> None:
        """Forget everything: tasks, uploads, requests, mishaps and the turns of the clock."""
        self._clean()
        self.clock.reset()

    # What the HTTP face asks and does.

    def remember(self, call: Call) -> None:
        """Put a request into the log."""
        self.requests.append(call)

    def next_mishap(self, on: str, call: Call, task_id: str | None) -> Mishap | None:
        """What the script has for this request."""
        task = self.board.tasks.get(task_id or "")
        prompt = task.order.prompt if task else call.prompt
        return self.script.next(on, prompt=prompt, task_id=task_id)

    def let_in(self, what: str, rate: float | None) -> None:
        """Count a request against one of the limits."""
        self._throttles.setdefault(what, Throttle(rate)).let_in(self.clock.now())

    def let_in_submission(self, model: str) -> None:
        """Count a submission against the model's limit, and look at its queue."""
        rate = self.settings.submit_rate
        self.let_in(f"create {model}", MODELS[model].submit_rate if rate == "model" else rate)
        self.board.run_until(self.clock.now())
        if self.board.waiting(model) >= self.settings.queue_limit:
            raise Refusal("Throttling.RateQuota", "Too many requests in route. Please try again later.")

    def accept(self, order: Order, *, request_id: str, fault: Refusal | None) -> Task:
        """Make the task of a creation request."""
        fate = self._fate(order, fault)
        for one in self.script.fates(prompt=order.prompt):
            fate = self._sealed(fate, one)
        return self._add(Task(order=order, fate=fate, created_at=self.clock.now(), request_id=request_id))

    def some_seed(self) -> int:
        """A seed for a request that names none."""
        return self._random.randrange(2**31)

    def _add(self, task: Task) -> Task:
        places = self.settings.running_limit or MODELS[task.order.model].running_limit
        self.board.add(task, places=places)
        return task

    def _fate(self, order: Order, fault: Refusal | None = None) -> Fate:
        delay = timedelta(seconds=self.settings.run_delay)
        run = timedelta(seconds=self._run_time(order, fault))
        timeout = self.settings.task_timeout
        if fault is None:
            return Fate(delay=delay, run=run, timeout=timeout)
        quick_delay, quick_run = QUICK_FAILURE
        failure = (fault.code, fault.message)
        return Fate(delay=min(delay, quick_delay), run=min(run, quick_run), failure=failure, timeout=timeout)

    def _run_time(self, order: Order, fault: Refusal | None) -> float:
        spread = self._random.uniform(0.85, 1.15)  # drawn always, so that one task does not shift the next
        if self.settings.run_time is not None:
            return self.settings.run_time
        if fault is not None:
            return 1.0
        return max(60.0, min(300.0, USUAL_RUN[tier_of(order.size)] * order.duration / 5 * spread))

    def _sealed(self, fate: Fate, one: Mishap) -> Fate:
        match one.kind:
            case "fail":
                after = one.number("after")
                run = fate.run if after is None else timedelta(seconds=after)
                return replace(fate, failure=_failure(one), run=run, stuck=None)
            case "stuck_running" | "stuck_pending":
                stuck = Status.RUNNING if one.kind == "stuck_running" else Status.PENDING
                timeout = None if one.options.get("forever") else self.settings.task_timeout
                return replace(fate, stuck=stuck, timeout=timeout)
            case "lost":
                return replace(fate, lost=True)
            case _:
                return replace(fate, list_lag=timedelta(seconds=one.number("seconds") or 0))


def _failure(one: Mishap) -> tuple[str | None, str | None]:
    code = one.options.get("code", "InternalError")
    if code is None:
        return None, one.options.get("message")
    if "message" in one.options:
        return code, one.options["message"]
    return code, looked_up(code).message
