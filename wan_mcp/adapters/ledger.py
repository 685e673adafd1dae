"""The durable record of every task and every cent: one SQLite file, shared by every process of a user.

`entries` is only ever appended to; its primary key (task, version) is the concurrency control: two writers
cannot both write version 7. `heads` is the newest entry of each task with the columns that sums and lists
need, written in the same transaction. `watches` says which process looks after a task.

Mode: rollback journal and `synchronous=FULL`. SQLite 3.7.0 to 3.51.2 can corrupt a WAL file when two
processes write and checkpoint at one instant (https://www.sqlite.org/wal.html#walresetbug), and several
servers on one file is our normal case. `BEGIN IMMEDIATE` for whatever reads before it writes; PostgreSQL
would take `pg_advisory_xact_lock(hashtext(account))` there, and run the same statements.
"""

import functools
import os
import sqlite3
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import anyio
import anyio.to_thread
from pydantic import TypeAdapter, ValidationError

from wan_mcp.domain.caller import LOCAL, PERSON, Rights
from wan_mcp.domain.catalogue import Model
from wan_mcp.domain.errors import LedgerUnusable, OverBudget, StaleTask
from wan_mcp.domain.money import Budget, Money, Standing
from wan_mcp.domain.task import OPEN, STALE_QUEUE, UPSTREAM, Status, VideoTask

_TASK = TypeAdapter(VideoTask)
_APPLICATION_ID = 0x57414E31  # "WAN1"

_MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE entries (
        task_id TEXT NOT NULL,
        version INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        status TEXT NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (task_id, version)
    ) WITHOUT ROWID;
    CREATE TRIGGER entries_are_never_changed BEFORE UPDATE ON entries
        BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END;
    CREATE TRIGGER entries_are_never_removed BEFORE DELETE ON entries
        BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END;
    CREATE TRIGGER entries_follow_each_other BEFORE INSERT ON entries
        WHEN NEW.version <> (SELECT COALESCE(MAX(version) + 1, 0) FROM entries WHERE task_id = NEW.task_id)
        BEGIN SELECT RAISE(ABORT, 'an entry follows the one before it'); END;
    CREATE TABLE heads (
        task_id TEXT PRIMARY KEY,
        version INTEGER NOT NULL,
        account TEXT NOT NULL,
        caller TEXT NOT NULL,
        status TEXT NOT NULL,
        currency TEXT NOT NULL,
        micros INTEGER NOT NULL,
        asked_ms INTEGER NOT NULL,
        since_ms INTEGER NOT NULL,
        sent_ms INTEGER,
        rank INTEGER NOT NULL,
        fingerprint TEXT NOT NULL,
        dashscope_task_id TEXT,
        unsettled INTEGER NOT NULL,
        kind TEXT NOT NULL,
        render_ms INTEGER
    ) WITHOUT ROWID;
    CREATE INDEX heads_by_age ON heads (account, caller, asked_ms);
    CREATE INDEX heads_unsettled ON heads (account) WHERE unsettled;
    CREATE INDEX heads_by_status ON heads (account, status, since_ms);
    CREATE INDEX heads_by_fingerprint ON heads (account, fingerprint, asked_ms);
    CREATE INDEX heads_by_sending ON heads (account, sent_ms);
    CREATE UNIQUE INDEX heads_by_remote ON heads (account, dashscope_task_id)
        WHERE dashscope_task_id IS NOT NULL;
    CREATE INDEX heads_by_kind ON heads (account, kind, since_ms) WHERE render_ms IS NOT NULL;
    CREATE TABLE watches (task_id TEXT PRIMARY KEY, owner TEXT NOT NULL) WITHOUT ROWID;
    """,
)


def _in(statuses: frozenset[Status]) -> str:
    return ", ".join(f"'{status}'" for status in sorted(statuses))


SAME_REQUEST = timedelta(minutes=10)
"""A host that timed out will call again: within this time the open task of the same request answers."""
_UNCERTAIN_TAKES_A_PLACE = timedelta(minutes=10)
_PACE = timedelta(seconds=1)

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Reserved:
    """What became of a reservation."""

    task: VideoTask
    is_new: bool
    """False: the same request is already open, and this is its task."""


def _on_the_thread(
    method: Callable[Concatenate["Ledger", P], T],
) -> Callable[Concatenate["Ledger", P], Awaitable[T]]:
    """Run a method on the database's one thread: a commit can wait most of a second for another process."""

    @functools.wraps(method)
    async def call(self: "Ledger", *args: P.args, **kwargs: P.kwargs) -> T:
        with_arguments = functools.partial(method, self, *args, **kwargs)
        return await anyio.to_thread.run_sync(_in_words, self.path, with_arguments, limiter=self.one_thread)

    return call


_UNUSABLE = (
    "Without it nothing is sent. Check the disk, the file's rights, or WAN_MCP_LEDGER; `wan-mcp doctor` says more."
)


def _in_words(path: Path, work: Callable[[], T]) -> T:
    """Turn what SQLite and the file system say into words."""
    try:
        return work()
    except (sqlite3.Error, OSError) as error:
        raise LedgerUnusable(f"The ledger {path} cannot be used: {error}.", next_step=_UNUSABLE) from error
    except ValidationError:  # its own text would show what the entry holds
        raise LedgerUnusable(f"The ledger {path} holds an entry that cannot be read.", next_step=_UNUSABLE) from None


class Ledger:
    """The ledger of one file. Make it inside the event loop that uses it, then `open` it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.one_thread = anyio.CapacityLimiter(1)
        self._connection: sqlite3.Connection | None = None

    # Opening and closing

    @_on_the_thread
    def open(self) -> None:
        """Open the file, made if it is not there.

        Raises:
            LedgerUnusable: it cannot be written, is damaged, is not a ledger, or is of a newer version;
                it is left untouched.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.path.exists():
            # SQLite would make it readable for everybody; journals take over the file's own mode.
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        self._connection = sqlite3.connect(self.path, isolation_level=None, timeout=30, check_same_thread=False)
        try:
            self._migrate()
        except BaseException:
            self._connection.close()
            self._connection = None
            raise

    @_on_the_thread
    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @_on_the_thread
    def check(self) -> str:
        """Return what SQLite's own integrity check says: "ok", or its findings."""
        return "; ".join(str(row[0]) for row in self._db.execute("PRAGMA integrity_check"))

    @_on_the_thread
    def try_to_write(self) -> None:
        """Begin to write, and leave it at that.

        Raises:
            LedgerUnusable: the file cannot be written.
        """
        with self._exclusively():
            pass

    @_on_the_thread
    def schema(self) -> int:
        """Return the number of the file's schema."""
        return self._version()

    # Writing

    @_on_the_thread
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

    @_on_the_thread
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
                _ms(now - STALE_QUEUE),
            )
            if first is None:
                return None
            claimed = first.to(Status.SUBMITTING, now, sent_at=now)
            self._append(claimed)
            self._watch(claimed.id, owner)
            return claimed

    @_on_the_thread
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

    @_on_the_thread
    def adopt(self, task: VideoTask, *, owner: str) -> VideoTask:
        """Write down a task that was made elsewhere; if it already is, return what is written."""
        with self._exclusively():
            if task.dashscope_task_id and (known := self._of_remote(task.account, task.dashscope_task_id)):
                return known
            self._append(task)
            if not task.is_settled:
                self._watch(task.id, owner)
        return task

    @_on_the_thread
    def take(self, task_id: str, *, owner: str, before: str | None) -> bool:
        """Become the watcher of a task that `before` watched; `False` where somebody else was faster."""
        with self._exclusively():
            row = self._db.execute("SELECT owner FROM watches WHERE task_id = ?", (task_id,)).fetchone()
            if (row[0] if row else None) != before:
                return False
            self._watch(task_id, owner)
            return True

    # Reading

    @_on_the_thread
    def get(self, task_id: str) -> VideoTask | None:
        """Return the newest version of a task of whatever account."""
        return self._one("SELECT body FROM heads JOIN entries USING (task_id, version) WHERE task_id = ?", task_id)

    @_on_the_thread
    def open_twin(self, task: VideoTask) -> VideoTask | None:
        """Return the task of the same request that is still open and was asked within ten minutes."""
        return self._open_twin(task)

    @_on_the_thread
    def of_remote(self, account: str, dashscope_task_id: str) -> VideoTask | None:
        """Return our task for a remote one."""
        return self._of_remote(account, dashscope_task_id)

    @_on_the_thread
    def newest(self, account: str, caller: str, *, status: Status | None, limit: int) -> list[VideoTask]:
        """Return a caller's tasks, newest first."""
        only = "AND heads.status = ?" if status else ""
        return self._many(
            "SELECT body FROM heads JOIN entries USING (task_id, version) "
            f"WHERE account = ? AND caller = ? {only} ORDER BY asked_ms DESC, task_id LIMIT ?",
            account,
            caller,
            *([status.value] if status else []),
            limit,
        )

    @_on_the_thread
    def unsettled(self, account: str) -> list[tuple[VideoTask, str | None]]:
        """Return every task that is open, or SUCCEEDED and not yet saved, with the owner that watches it."""
        rows = self._db.execute(
            "SELECT body, owner FROM heads JOIN entries USING (task_id, version) LEFT JOIN watches USING (task_id) "
            "WHERE account = ? AND unsettled ORDER BY asked_ms, task_id",
            (account,),
        )
        return [(_TASK.validate_json(body), owner) for body, owner in rows]

    @_on_the_thread
    def standing(self, account: str, currency: str, day_start: datetime, *, caller: str | None = None) -> Standing:
        """Return what is held and what was charged since `day_start`, by the account or by one caller."""
        return self._standing(account, currency, day_start, caller)

    @_on_the_thread
    def census(self, account: str) -> dict[Status, int]:
        """Return how many tasks of all callers there are of each status."""
        rows = self._db.execute("SELECT status, COUNT(*) FROM heads WHERE account = ? GROUP BY status", (account,))
        return {Status(status): count for status, count in rows}

    @_on_the_thread
    def queue_place(self, task: VideoTask) -> int:
        """Return how many QUEUED tasks of the account are served up to and including this one."""
        return self._count(
            "account = ? AND status = 'QUEUED' AND (rank, asked_ms, task_id) <= (?, ?, ?)",
            task.account,
            task.rank,
            _ms(task.asked_at),
            task.id,
        )

    @_on_the_thread
    def render_times(self, account: str, kind: str) -> list[timedelta]:
        """Return how long the latest videos of one kind took, newest first, at most twenty."""
        rows = self._db.execute(
            "SELECT render_ms FROM heads WHERE account = ? AND kind = ? AND render_ms IS NOT NULL "
            "ORDER BY since_ms DESC LIMIT 20",
            (account, kind),
        )
        return [timedelta(milliseconds=ms) for (ms,) in rows]

    @_on_the_thread
    def history(self, task_id: str) -> list[VideoTask]:
        """Return every version of a task, oldest first."""
        return self._many("SELECT body FROM entries WHERE task_id = ? ORDER BY version", task_id)

    @_on_the_thread
    def counts(self, account: str, caller: str, *, since: datetime) -> dict[Status, int]:
        """Return how many tasks have which status, of those asked for since then or not settled yet."""
        # Two ways in, each with its index: with an OR instead, SQLite reads every task that there ever was.
        rows = self._db.execute(
            "SELECT status, COUNT(*) FROM heads WHERE caller = ? AND task_id IN ("
            "SELECT task_id FROM heads WHERE account = ? AND caller = ? AND asked_ms >= ? "
            "UNION SELECT task_id FROM heads WHERE account = ? AND unsettled) GROUP BY status",
            (caller, account, caller, _ms(since), account),
        )
        return {Status(status): count for status, count in rows}

    @_on_the_thread
    def ids(self, account: str, caller: str, *, prefix: str, limit: int) -> list[str]:
        """Return the ids that begin with `prefix`, newest first."""
        rows = self._db.execute(
            "SELECT task_id FROM heads WHERE account = ? AND caller = ? AND substr(task_id, 1, ?) = ? "
            "ORDER BY asked_ms DESC, task_id LIMIT ?",
            (account, caller, len(prefix), prefix, limit),
        )
        return [task_id for (task_id,) in rows]

    # What the transactions are made of

    def _open_twin(self, task: VideoTask) -> VideoTask | None:
        return self._one(
            "SELECT body FROM heads JOIN entries USING (task_id, version) WHERE account = ? AND caller = ? "
            f"AND fingerprint = ? AND asked_ms > ? AND heads.status IN ({_in(OPEN)}) ORDER BY asked_ms LIMIT 1",
            task.account,
            task.caller,
            task.request.fingerprint,
            _ms(task.asked_at - SAME_REQUEST),
        )

    def _refuse_over_budget(self, task: VideoTask, budget: Budget, day_start: datetime) -> None:
        standing = self._standing(task.account, task.cost.currency, day_start)
        left = standing.left(budget)
        if left is None or not task.cost > left:
            return
        if task.caller != LOCAL:  # what others have spent is not theirs to know
            raise OverBudget(
                f"This costs {task.cost}, more than is left today of the account's budget, which all callers share.",
                next_step="Wait for tomorrow, ask for a cheaper video, or the person raises WAN_MCP_BUDGET_PER_DAY.",
            )
        raise OverBudget(
            f"This costs {task.cost}, and today's budget of {budget.per_day} has {left} left "
            f"({standing.held} held for open tasks, {standing.charged_today} charged today).",
            next_step="Wait for open tasks to end or for tomorrow, ask for a cheaper video, "
            "or the person raises WAN_MCP_BUDGET_PER_DAY.",
        )

    def _refuse_over_own_budget(self, task: VideoTask, rights: Rights, day_start: datetime) -> None:
        if rights.per_day is None:
            return
        standing = self._standing(task.account, task.cost.currency, day_start, task.caller)
        left = rights.per_day - standing.held - standing.charged_today
        if task.cost > left:
            raise OverBudget(
                f"This costs {task.cost}, and of {task.caller}'s own {rights.per_day} a day, {standing.held} is held "
                f"for open tasks and {standing.charged_today} charged.",
                next_step="Wait for open tasks to end or for tomorrow, ask for a cheaper video, "
                "or the person raises budget_per_day in WAN_MCP_TOKENS_FILE.",
            )

    def _standing(self, account: str, currency: str, day_start: datetime, caller: str | None = None) -> Standing:
        """UNKNOWN was perhaps charged: it weighs on the day on which it was lost, as if it were."""
        whose, values = ("AND caller = ?", (account, currency, caller)) if caller else ("", (account, currency))
        held, charged = (
            self._db.execute(
                f"SELECT COALESCE(SUM(micros), 0) FROM heads WHERE account = ? AND currency = ? {whose} AND ({which})",
                (*values, *([_ms(day_start)] if "?" in which else [])),
            ).fetchone()[0]
            for which in (
                f"status IN ({_in(OPEN)}) OR (status = 'UNKNOWN' AND since_ms >= ?)",
                # No upper bound: a clock that was set back does not hide what was charged "tomorrow".
                "status = 'SUCCEEDED' AND since_ms >= ?",
            )
        )
        return Standing(held=Money.of_micros(held, currency), charged_today=Money.of_micros(charged, currency))

    def _has_room(self, account: str, model: Model, now: datetime) -> bool:
        """Do DashScope's limits on running tasks and on submissions a second leave room for one more?"""
        upstream = self._count(f"account = ? AND status IN ({_in(UPSTREAM)})", account)
        # Both times end soon after now: after a clock was set back, what was sent "tomorrow" stops no queue.
        soon = _ms(now + _PACE)
        uncertain = self._count(
            "account = ? AND status = 'UNCERTAIN' AND since_ms > ? AND since_ms < ?",
            account,
            _ms(now - _UNCERTAIN_TAKES_A_PLACE),
            soon,
        )
        just_sent = self._count("account = ? AND sent_ms > ? AND sent_ms < ?", account, _ms(now - _PACE), soon)
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

    def _append(self, task: VideoTask) -> None:
        body = _TASK.dump_json(task, exclude_defaults=True).decode()
        row = _head(task)
        try:
            self._db.execute(
                "INSERT INTO entries (task_id, version, at_ms, status, body) VALUES (?, ?, ?, ?, ?)",
                (task.id, task.version, _ms(task.since), task.status.value, body),
            )
            self._db.execute(
                f"INSERT INTO heads ({', '.join(row)}) VALUES ({', '.join('?' * len(row))}) "
                f"ON CONFLICT (task_id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in row)}",
                tuple(row.values()),
            )
        except sqlite3.IntegrityError:
            raise StaleTask(
                f"Version {task.version} of {task.id}, or its remote task, was written by somebody else."
            ) from None

    def _watch(self, task_id: str, owner: str) -> None:
        self._db.execute(
            "INSERT INTO watches (task_id, owner) VALUES (?, ?) ON CONFLICT (task_id) DO UPDATE SET owner = ?",
            (task_id, owner, owner),
        )

    def _of_remote(self, account: str, dashscope_task_id: str) -> VideoTask | None:
        return self._one(
            "SELECT body FROM heads JOIN entries USING (task_id, version) WHERE account = ? AND dashscope_task_id = ?",
            account,
            dashscope_task_id,
        )

    def _one(self, statement: str, *values: str | int) -> VideoTask | None:
        row = self._db.execute(statement, values).fetchone()
        return _TASK.validate_json(row[0]) if row else None

    def _many(self, statement: str, *values: str | int) -> list[VideoTask]:
        return [_TASK.validate_json(body) for (body,) in self._db.execute(statement, values)]

    def _count(self, where: str, *values: str | int) -> int:
        return self._db.execute(f"SELECT COUNT(*) FROM heads WHERE {where}", values).fetchone()[0]

    # The file

    @property
    def _db(self) -> sqlite3.Connection:
        if self._connection is None:
            raise LedgerUnusable(f"The ledger {self.path} is not open.")
        return self._connection

    @contextmanager
    def _exclusively(self) -> Generator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def _migrate(self) -> None:
        db = self._db
        db.execute("PRAGMA synchronous = FULL")
        version = self._version()
        if version < len(_MIGRATIONS):
            with self._exclusively():
                # A second look under the lock: many processes may open a fresh file at once.
                for script in _MIGRATIONS[self._version() :]:
                    for statement in _statements(script):
                        db.execute(statement)
                db.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                db.execute(f"PRAGMA user_version = {len(_MIGRATIONS)}")

    def _version(self) -> int:
        # The tables first: another process may be making them, and what marks them as ours comes with them.
        tables = self._db.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        application = self._db.execute("PRAGMA application_id").fetchone()[0]
        if tables and application != _APPLICATION_ID:
            raise LedgerUnusable(
                f"{self.path} is not a ledger of wan-mcp; it was left untouched.",
                next_step="Set WAN_MCP_LEDGER to another path.",
            )
        if version > len(_MIGRATIONS):
            raise LedgerUnusable(
                f"The ledger {self.path} was written by a newer wan-mcp (schema {version}, this one reads "
                f"{len(_MIGRATIONS)}); it was left untouched.",
                next_step="Upgrade wan-mcp, or set WAN_MCP_LEDGER to another path.",
            )
        return version


def _statements(script: str) -> list[str]:
    """Split a migration; `executescript` would end the transaction around it."""
    statements, current = list[str](), ""
    for line in script.splitlines(keepends=True):
        current += line
        if sqlite3.complete_statement(current):
            statements.append(current)
            current = ""
    return statements


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _head(task: VideoTask) -> dict[str, str | int | None]:
    return {
        "task_id": task.id,
        "version": task.version,
        "account": task.account,
        "caller": task.caller,
        "status": task.status.value,
        "currency": task.cost.currency,
        "micros": task.cost.micros,
        "asked_ms": _ms(task.asked_at),
        "since_ms": _ms(task.since),
        "sent_ms": _ms(task.sent_at) if task.sent_at else None,
        "rank": task.rank,
        "fingerprint": task.request.fingerprint,
        "dashscope_task_id": task.dashscope_task_id,
        "unsettled": int(not task.is_settled),
        "kind": task.kind,
        "render_ms": _render_ms(task),
    }


def _render_ms(task: VideoTask) -> int | None:
    """From DashScope's own two times, which its clock took."""
    if task.status is not Status.SUCCEEDED or not task.ended_at or not task.submitted_at:
        return None
    return max(_ms(task.ended_at) - _ms(task.submitted_at), 0)
