"""What can be asked of the ledger."""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from pydantic import ValidationError

from wan_mcp.adapters.ledger.file import Stamp, on_the_thread
from wan_mcp.adapters.ledger.rows import TASK, LedgerRows, ms
from wan_mcp.domain.money import Money, Standing
from wan_mcp.domain.spending import Day
from wan_mcp.domain.task import OPEN, MoneyState, Status, VideoTask, money_state

SAME_REQUEST = timedelta(minutes=10)
"""A host that timed out will call again: within this time the open task of the same request answers."""

_END_OF_TIME = 2**62
"""Milliseconds; a bound, so that an index can be used for a stretch that has none."""

_NEWEST = "SELECT body FROM heads JOIN entries USING (task_id, version) WHERE task_id = ?"


def listed(statuses: frozenset[Status]) -> str:
    """Statuses as SQL lists them."""
    return ", ".join(f"'{status}'" for status in sorted(statuses))


class Unsettled(NamedTuple):
    """What a watcher needs to know of a task to see whether anything is new; its body is read only then."""

    task_id: str
    version: int
    film_id: str | None
    owner: str | None
    """Which process watches it."""


class LedgerQueries(LedgerRows):
    """The reading half of a ledger; nothing here writes."""

    async def get(self, task_id: str) -> VideoTask | None:
        """Return the newest version of a task of whatever account."""
        try:
            row = self._at_once.execute(_NEWEST, (task_id,)).fetchone()
            return TASK.validate_json(row[0]) if row else None
        except (sqlite3.Error, ValidationError):
            return await self._get(task_id)

    @on_the_thread
    def _get(self, task_id: str) -> VideoTask | None:
        return self._newest(task_id)

    @on_the_thread
    def open_twin(self, task: VideoTask) -> VideoTask | None:
        """Return the task of the same request that is still open and was asked within ten minutes."""
        return self._open_twin(task)

    @on_the_thread
    def of_remote(self, account: str, dashscope_task_id: str) -> VideoTask | None:
        """Return our task for a remote one."""
        return self._of_remote(account, dashscope_task_id)

    @on_the_thread
    def newest(self, account: str, caller: str | None, *, status: Status | None, limit: int) -> list[VideoTask]:
        """Return a caller's tasks, or everybody's where that is `None`, newest first; a film's shots are the film's."""
        only = ("AND caller = ? " if caller else "") + ("AND heads.status = ? " if status else "")
        return self._many(
            "SELECT body FROM heads JOIN entries USING (task_id, version) "
            f"WHERE account = ? AND film_id IS NULL {only}ORDER BY asked_ms DESC, task_id LIMIT ?",
            account,
            *([caller] if caller else []),
            *([status.value] if status else []),
            limit,
        )

    @on_the_thread
    def unsettled(self, account: str) -> list[tuple[VideoTask, str | None]]:
        """Return every task that is open, or SUCCEEDED and not yet saved, with the owner that watches it."""
        rows = self._db.execute(
            "SELECT body, owner FROM heads JOIN entries USING (task_id, version) LEFT JOIN watches USING (task_id) "
            "WHERE account = ? AND unsettled ORDER BY asked_ms, task_id",
            (account,),
        )
        return [(TASK.validate_json(body), owner) for body, owner in rows]

    @on_the_thread
    def unsettled_since(self, account: str, known: Stamp | None) -> tuple[Stamp, list[Unsettled]] | None:
        """Return what `unsettled` would, oldest first, without the bodies; `None` where nobody has written to the file
        since it was `known`."""
        stamp = self._stamp()  # first: what is written in between is then read again
        if stamp == known:
            return None
        rows = self._db.execute(
            "SELECT task_id, version, film_id, owner FROM heads LEFT JOIN watches USING (task_id) "
            "WHERE account = ? AND unsettled ORDER BY asked_ms, task_id",
            (account,),
        )
        return stamp, [Unsettled(*row) for row in rows]

    @on_the_thread
    def tasks(self, task_ids: Sequence[str]) -> list[VideoTask]:
        """Return the newest versions of these tasks, in their order."""
        return [task for task_id in task_ids if (task := self._newest(task_id))]

    @on_the_thread
    def standing(self, account: str, currency: str, day_start: datetime, *, caller: str | None = None) -> Standing:
        """Return what is held and what was charged since `day_start`, by the account or by one caller."""
        return self._standing(account, currency, day_start, caller)

    @on_the_thread
    def spending(self, account: str, currency: str, begins: Sequence[datetime]) -> list[Day]:
        """Return what each of the days came to that begin at these times, oldest first; the last goes on."""
        ends = [*map(ms, begins[1:]), _END_OF_TIME]
        # A join, since each day and status is one stretch of heads_by_status; the tasks before are not read.
        rows = self._db.execute(
            f"WITH days (day, begin_ms, end_ms) AS (VALUES {', '.join(['(?, ?, ?)'] * len(begins))}) "
            "SELECT day, status, COUNT(*), SUM(micros) FROM days JOIN heads "
            "ON since_ms >= begin_ms AND since_ms < end_ms "
            f"WHERE account = ? AND currency = ? AND status IN ({listed(frozenset(Status))}) GROUP BY day, status",
            (
                *(value for n, begin in enumerate(begins) for value in (n, ms(begin), ends[n])),
                account,
                currency,
            ),
        )
        tasks: list[dict[Status, int]] = [{} for _ in begins]
        micros: list[Counter[MoneyState]] = [Counter() for _ in begins]
        for day, status, count, amount in rows:
            tasks[day][Status(status)] = count
            micros[day][money_state(Status(status))] += amount
        return [
            Day(
                begins=begin,
                charged=Money.of_micros(micros[n]["charged"], currency),
                held=Money.of_micros(micros[n]["held"], currency),
                tasks=tasks[n],
            )
            for n, begin in enumerate(begins)
        ]

    @on_the_thread
    def census(self, account: str) -> dict[Status, int]:
        """Return how many tasks of all callers there are of each status."""
        rows = self._db.execute("SELECT status, COUNT(*) FROM heads WHERE account = ? GROUP BY status", (account,))
        return {Status(status): count for status, count in rows}

    @on_the_thread
    def queue_place(self, task: VideoTask) -> int:
        """Return how many QUEUED tasks of the account are served up to and including this one."""
        return self._count(
            "account = ? AND status = 'QUEUED' AND (rank, asked_ms, task_id) <= (?, ?, ?)",
            task.account,
            task.rank,
            ms(task.asked_at),
            task.id,
        )

    @on_the_thread
    def render_times(self, account: str, kind: str) -> list[timedelta]:
        """Return how long the latest videos of one kind took, newest first, at most twenty."""
        rows = self._db.execute(
            "SELECT render_ms FROM heads WHERE account = ? AND kind = ? AND render_ms IS NOT NULL "
            "ORDER BY since_ms DESC LIMIT 20",
            (account, kind),
        )
        return [timedelta(milliseconds=ms) for (ms,) in rows]

    @on_the_thread
    def history(self, task_id: str) -> list[VideoTask]:
        """Return every version of a task, oldest first."""
        return self._many("SELECT body FROM entries WHERE task_id = ? ORDER BY version", task_id)

    @on_the_thread
    def counts(self, account: str, caller: str, *, since: datetime) -> dict[Status, int]:
        """Return how many tasks have which status, of those asked for since then or not settled yet."""
        # Two ways in, each with its index: with an OR instead, SQLite reads every task that there ever was.
        rows = self._db.execute(
            "SELECT status, COUNT(*) FROM heads WHERE caller = ? AND task_id IN ("
            "SELECT task_id FROM heads WHERE account = ? AND caller = ? AND asked_ms >= ? "
            "UNION SELECT task_id FROM heads WHERE account = ? AND unsettled) GROUP BY status",
            (caller, account, caller, ms(since), account),
        )
        return {Status(status): count for status, count in rows}

    @on_the_thread
    def ids(self, account: str, caller: str, *, prefix: str, limit: int) -> list[str]:
        """Return the ids that begin with `prefix`, newest first."""
        rows = self._db.execute(
            "SELECT task_id FROM heads WHERE account = ? AND caller = ? AND substr(task_id, 1, ?) = ? "
            "ORDER BY asked_ms DESC, task_id LIMIT ?",
            (account, caller, len(prefix), prefix, limit),
        )
        return [task_id for (task_id,) in rows]

    # What writers ask, too, within their transactions

    def _newest(self, task_id: str) -> VideoTask | None:
        return self._one(_NEWEST, task_id)

    def _of_remote(self, account: str, dashscope_task_id: str) -> VideoTask | None:
        return self._one(
            "SELECT body FROM heads JOIN entries USING (task_id, version) WHERE account = ? AND dashscope_task_id = ?",
            account,
            dashscope_task_id,
        )

    def _open_twin(self, task: VideoTask) -> VideoTask | None:
        return self._one(
            "SELECT body FROM heads JOIN entries USING (task_id, version) WHERE account = ? AND caller = ? "
            f"AND fingerprint = ? AND asked_ms > ? AND heads.status IN ({listed(OPEN)}) AND film_id IS NULL "
            "ORDER BY asked_ms LIMIT 1",
            task.account,
            task.caller,
            task.request.fingerprint,
            ms(task.asked_at - SAME_REQUEST),
        )

    def _standing(self, account: str, currency: str, day_start: datetime, caller: str | None = None) -> Standing:
        """UNKNOWN was perhaps charged: it weighs on the day on which it was lost, as if it were."""
        whose, values = ("AND caller = ?", (account, currency, caller)) if caller else ("", (account, currency))

        def total(which: str, *since: int) -> int:
            where = f"account = ? AND currency = ? {whose} AND {which}"
            sums = self._db.execute(f"SELECT COALESCE(SUM(micros), 0) FROM heads WHERE {where}", values + since)
            return sums.fetchone()[0]

        today = ms(day_start)
        # Two sums where one with OR would do: for that one SQLite reads every task of the account.
        held = total(f"status IN ({listed(OPEN)})") + total("status = 'UNKNOWN' AND since_ms >= ?", today)
        # No upper bound: a clock that was set back does not hide what was charged "tomorrow".
        charged = total("status = 'SUCCEEDED' AND since_ms >= ?", today)
        return Standing(held=Money.of_micros(held, currency), charged_today=Money.of_micros(charged, currency))
