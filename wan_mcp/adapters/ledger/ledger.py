"""The ledger's verbs: each is one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from wan_mcp.adapters.ledger.file import on_the_thread
from wan_mcp.adapters.ledger.films import LedgerFilms
from wan_mcp.adapters.ledger.queries import Unsettled
from wan_mcp.adapters.ledger.rows import ms
from wan_mcp.domain.caller import PERSON, Rights
from wan_mcp.domain.catalogue import Model
from wan_mcp.domain.film import second_try
from wan_mcp.domain.money import Budget
from wan_mcp.domain.task import CANCELED_WITH_US, STALE_QUEUE, Status, VideoTask


@dataclass(frozen=True, kw_only=True)
class Reserved:
    """What became of a reservation."""

    task: VideoTask
    is_new: bool
    """False: the same request is already open, and this is its task."""


class Ledger(LedgerFilms):
    """The ledger of one file."""

    # Writing

    @on_the_thread
    def reserve(
        self,
        task: VideoTask,
        *,
        owner: str,
        model: Model,
        budget: Budget,
        day_start: datetime,
        rights: Rights = PERSON,
    ) -> Reserved:
        """Hold the money of a new task and give it its place: SUBMITTING where there is room, else QUEUED.

        One transaction, so that budgets and limits hold across processes. The same request, still open and
        asked within ten minutes, is returned instead.

        Raises:
            OverBudget: the daily budget of the account, or the caller's own, does not hold it; nothing was written.
        """
        with self._exclusively():
            if twin := self._open_twin(task):
                return Reserved(task=twin, is_new=False)
            self._refuse_over_budget(task, task.cost, budget, day_start, rights)
            if self._has_room(task.account, model, task.asked_at) and not self._is_anyone_queued(task.account):
                placed = replace(task, status=Status.SUBMITTING, sent_at=task.asked_at)
            else:
                placed = replace(task, status=Status.QUEUED, rank=self._next_rank(task))
            self._append(placed)
            self._watch(placed.id, owner)
            return Reserved(task=placed, is_new=True)

    @on_the_thread
    def claim_next(self, account: str, *, owner: str, model: Model, now: datetime) -> VideoTask | None:
        """Turn the first QUEUED task in line into a SUBMITTING one of `owner`, if there is room.

        Whoever claims it watches it, so a queue goes on when one of several processes is frozen. What has
        waited too long is left to its own process, which knows whether it was attended all the while.
        """
        with self._exclusively():
            if not self._has_room(account, model, now):
                return None
            first = self._one(
                "SELECT body FROM heads JOIN entries USING (task_id, version) JOIN watches USING (task_id) "
                "WHERE heads.account = ? AND heads.status = 'QUEUED' AND (owner = ? OR asked_ms > ?) "
                "ORDER BY rank, asked_ms, task_id LIMIT 1",
                account,
                owner,
                ms(now - STALE_QUEUE),
            )
            if first is None:
                return None
            claimed = first.to(Status.SUBMITTING, now, sent_at=now)
            self._append(claimed)
            self._watch(claimed.id, owner)
            return claimed

    @on_the_thread
    def record(self, task: VideoTask) -> VideoTask:
        """Append this version. A film's shot that failed for a passing reason is in the same moment queued once more:
        its money is never free in between, and a crash cannot part the two. A shot that comes back into the queue
        of a film called off meanwhile is cancelled there.

        Returns the newest version.

        Raises:
            StaleTask: somebody else already wrote it.
        """
        with self._exclusively():
            self._append(task)
            if task.status is Status.QUEUED and task.film_id is not None and self._is_called_off(task):
                task = task.to(Status.CANCELED, task.since, problem=CANCELED_WITH_US)
                self._append(task)
            again = second_try(task)
            if again is not None and not self._is_called_off(again):
                self._append(replace(again, rank=self._next_rank(again)))
                self._db.execute(
                    "INSERT INTO watches (task_id, owner) SELECT ?, owner FROM watches WHERE task_id = ?",
                    (again.id, task.id),
                )
            if task.is_settled:
                self._unwatch(task.id)
        return task

    @on_the_thread
    def adopt(self, task: VideoTask, *, owner: str) -> VideoTask:
        """Write down a task that was made elsewhere; if it already is, return what is written."""
        with self._exclusively():
            if task.dashscope_task_id and (known := self._of_remote(task.account, task.dashscope_task_id)):
                return known
            self._append(task)
            if not task.is_settled:
                self._watch(task.id, owner)
        return task

    @on_the_thread
    def take(self, task_id: str, *, owner: str, before: str | None) -> bool:
        """Become the watcher of a task that `before` watched; `False` where somebody else was faster."""
        with self._exclusively():
            return self._take(task_id, owner, before)

    @on_the_thread
    def take_over(self, left: Sequence[Unsettled], *, owner: str) -> list[VideoTask]:
        """Become the watcher of all of these, in one transaction, but for those where somebody else was faster.

        Returns the newest versions of what is watched now.
        """
        with self._exclusively():
            taken = [row.task_id for row in left if self._take(row.task_id, owner, row.owner)]
            return [task for task_id in taken if (task := self._newest(task_id))]

    def _take(self, task_id: str, owner: str, before: str | None) -> bool:
        row = self._db.execute("SELECT owner FROM watches WHERE task_id = ?", (task_id,)).fetchone()
        if (row[0] if row else None) != before:
            return False
        self._watch(task_id, owner)
        return True
