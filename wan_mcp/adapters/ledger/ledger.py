"""The ledger's verbs: each is one transaction."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wan_mcp.adapters.ledger.file import on_the_thread
from wan_mcp.adapters.ledger.queries import LedgerQueries, listed
from wan_mcp.adapters.ledger.rows import ms
from wan_mcp.domain.caller import LOCAL, PERSON, Rights
from wan_mcp.domain.catalogue import Model
from wan_mcp.domain.errors import OverBudget
from wan_mcp.domain.language import say
from wan_mcp.domain.money import Budget
from wan_mcp.domain.task import STALE_QUEUE, UPSTREAM, Status, VideoTask

_UNCERTAIN_TAKES_A_PLACE = timedelta(minutes=10)
_PACE = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class Reserved:
    """What became of a reservation."""

    task: VideoTask
    is_new: bool
    """False: the same request is already open, and this is its task."""


class Ledger(LedgerQueries):
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
            self._refuse_over_own_budget(task, rights, day_start)
            self._refuse_over_budget(task, budget, day_start)
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
        """Append this version.

        Raises:
            StaleTask: somebody else already wrote it.
        """
        with self._exclusively():
            self._append(task)
            if task.is_settled:
                self._db.execute("DELETE FROM watches WHERE task_id = ?", (task.id,))
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
            row = self._db.execute("SELECT owner FROM watches WHERE task_id = ?", (task_id,)).fetchone()
            if (row[0] if row else None) != before:
                return False
            self._watch(task_id, owner)
            return True

    # What the transactions are made of

    def _refuse_over_budget(self, task: VideoTask, budget: Budget, day_start: datetime) -> None:
        standing = self._standing(task.account, task.cost.currency, day_start)
        left = standing.left(budget)
        if left is None or not task.cost > left:
            return
        if task.caller != LOCAL:  # what others have spent is not theirs to know
            raise OverBudget(
                say(
                    "This costs {cost}, more than is left today of the account's budget, which all callers share.",
                    cost=task.cost,
                ),
                next_step=say(
                    "Wait for tomorrow, ask for a cheaper video, or the person raises WAN_MCP_BUDGET_PER_DAY."
                ),
            )
        raise OverBudget(
            say(
                "This costs {cost}, and today's budget of {per_day} has {left} left ({held} held for "
                "open tasks, {charged_today} charged today).",
                cost=task.cost,
                per_day=budget.per_day,
                left=left,
                held=standing.held,
                charged_today=standing.charged_today,
            ),
            next_step=say(
                "Wait for open tasks to end or for tomorrow, ask for a cheaper video, or the person "
                "raises WAN_MCP_BUDGET_PER_DAY."
            ),
        )

    def _refuse_over_own_budget(self, task: VideoTask, rights: Rights, day_start: datetime) -> None:
        if rights.per_day is None:
            return
        standing = self._standing(task.account, task.cost.currency, day_start, task.caller)
        left = rights.per_day - standing.held - standing.charged_today
        if task.cost > left:
            raise OverBudget(
                say(
                    "This costs {cost}, and of {caller}'s own {per_day} a day, {held} is held for open "
                    "tasks and {charged_today} charged.",
                    cost=task.cost,
                    caller=task.caller,
                    per_day=rights.per_day,
                    held=standing.held,
                    charged_today=standing.charged_today,
                ),
                next_step=say(
                    "Wait for open tasks to end or for tomorrow, ask for a cheaper video, or the person raises "
                    "it: budget_per_day in WAN_MCP_TOKENS_FILE, or WAN_MCP_CALLER_BUDGET_PER_DAY."
                ),
            )

    def _has_room(self, account: str, model: Model, now: datetime) -> bool:
        """Do DashScope's limits on running tasks and on submissions a second leave room for one more?"""
        upstream = self._count(f"account = ? AND status IN ({listed(UPSTREAM)})", account)
        # Both times end soon after now: after a clock was set back, what was sent "tomorrow" stops no queue.
        soon = ms(now + _PACE)
        uncertain = self._count(
            "account = ? AND status = 'UNCERTAIN' AND since_ms > ? AND since_ms < ?",
            account,
            ms(now - _UNCERTAIN_TAKES_A_PLACE),
            soon,
        )
        just_sent = self._count("account = ? AND sent_ms > ? AND sent_ms < ?", account, ms(now - _PACE), soon)
        return upstream + uncertain < model.running_limit and just_sent < model.submissions_per_second

    def _is_anyone_queued(self, account: str) -> bool:
        return self._count("account = ? AND status = 'QUEUED'", account) > 0

    def _next_rank(self, task: VideoTask) -> int:
        """Return a virtual finish time (start-time fair queuing): a caller's n-th waiting task comes after
        every other caller's (n-1)-th, so that one with 5 is not behind all of another's 60."""
        served, of_caller = self._db.execute(
            "SELECT COALESCE(MIN(rank) - 1, 0), COALESCE(MAX(rank) FILTER (WHERE caller = ?), 0) "
            "FROM heads WHERE account = ? AND status = 'QUEUED'",
            (task.caller, task.account),
        ).fetchone()
        return max(served, of_caller) + 1
