"""The file itself: opened, locked, written to in one thread, closed.

Mode: write-ahead log and `synchronous=FULL`: one write to the disk a commit, where a rollback journal costs four,
and readers never wait. SQLite 3.7.0 to 3.51.2 can corrupt that log when one connection commits in the middle of
another's checkpoint (https://www.sqlite.org/wal.html#walresetbug), and several servers on one file is our normal
case. So whoever commits or checkpoints here does so alone, under a lock beside the file; a commit checkpoints, if it
does, before it returns. PostgreSQL would take `pg_advisory_xact_lock(hashtext(account))` there, and run the same
statements.
"""

import functools
import os
import sqlite3
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import anyio
import anyio.to_thread
from pydantic import ValidationError

from wan_mcp.adapters.ledger import schema
from wan_mcp.domain.errors import LedgerUnusable
from wan_mcp.domain.language import later, said, say

_PATIENCE = 30.0
"""Seconds to wait for another process that writes; a commit can wait most of one."""

Stamp = tuple[int, int]
"""Tells whether a file has changed since it was read by the same connection."""

P = ParamSpec("P")
T = TypeVar("T")
File = TypeVar("File", bound="LedgerFile")


def on_the_thread(method: Callable[Concatenate[File, P], T]) -> Callable[Concatenate[File, P], Awaitable[T]]:
    """Run a method on the file's one thread: a commit can wait for another process."""

    @functools.wraps(method)
    async def call(self: File, *args: P.args, **kwargs: P.kwargs) -> T:
        with_arguments = functools.partial(method, self, *args, **kwargs)
        return await anyio.to_thread.run_sync(_in_words, self.path, with_arguments, limiter=self.one_thread)

    return call


_UNUSABLE = later("Without it nothing is sent. Check the disk, the file's rights, or WAN_MCP_LEDGER.")


def _in_words(path: Path, work: Callable[[], T]) -> T:
    """Turn what SQLite and the file system say into words."""
    try:
        return work()
    except (sqlite3.Error, OSError) as error:
        raise LedgerUnusable(
            say("The ledger {path} cannot be used: {error}.", path=path, error=error), next_step=said(_UNUSABLE)
        ) from error
    except ValidationError:  # its own text would show what the entry holds
        raise LedgerUnusable(
            say("The ledger {path} holds an entry that cannot be read.", path=path), next_step=said(_UNUSABLE)
        ) from None


class LedgerFile:
    """One SQLite file. Make it inside the event loop that uses it, then `open` it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.one_thread = anyio.CapacityLimiter(1)
        self._connection: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._lock: sqlite3.Connection | None = None

    @on_the_thread
    def open(self) -> None:
        """Open the file, made if it is not there.

        Raises:
            LedgerUnusable: it cannot be written, is damaged, is not a ledger, or is of a newer version;
                it is left untouched.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._connection = _connected(self.path)
        try:
            number = schema.version(self._connection, self.path)
            # The lock is an empty database: SQLite's own locks, on every system that it knows.
            self._lock = _connected(self.path.with_name(f"{self.path.name}.lock"))
            # Nothing is ever written there; a journal, made and removed each time, would cost more than the lock.
            self._lock.execute("PRAGMA journal_mode = MEMORY")
            self._connection.execute("PRAGMA synchronous = FULL")
            with self._alone():
                self._connection.execute("PRAGMA journal_mode = WAL")
            if not schema.is_present(number):
                with self._exclusively():
                    # A second look under the lock: many processes may open a fresh file at once.
                    schema.migrate(self._connection, schema.version(self._connection, self.path))
            self._reader = _connected(self.path, patience=0)
            self._reader.execute("PRAGMA query_only = ON")
        except BaseException:
            self._close()
            raise

    async def close(self) -> None:
        """Close the file."""
        if self._reader is not None:  # here, where it is read
            self._reader.close()
            self._reader = None
        await self._shut()

    @on_the_thread
    def _shut(self) -> None:
        self._close()

    @on_the_thread
    def check(self) -> str:
        """Return what SQLite's own integrity check says: "ok", or its findings."""
        return "; ".join(str(row[0]) for row in self._db.execute("PRAGMA integrity_check"))

    @on_the_thread
    def try_to_write(self) -> None:
        """Begin to write, and leave it at that.

        Raises:
            LedgerUnusable: the file cannot be written.
        """
        with self._exclusively():
            pass

    @on_the_thread
    def schema(self) -> int:
        """Return the number of the file's schema."""
        return schema.version(self._db, self.path)

    @property
    def _db(self) -> sqlite3.Connection:
        if self._connection is None:
            raise LedgerUnusable(say("The ledger {path} is not open.", path=self.path))
        return self._connection

    def _stamp(self) -> Stamp:
        """Another one once anybody has written to the file: SQLite counts what others commit, and we what we do."""
        return self._db.execute("PRAGMA data_version").fetchone()[0], self._db.total_changes

    @property
    def _at_once(self) -> sqlite3.Connection:
        """For the loop itself to read a row by its key, which takes less than the way to the thread and back. It
        never waits; what cannot be read this way is asked of the thread."""
        if self._reader is None:
            raise sqlite3.ProgrammingError("not open")
        return self._reader

    @contextmanager
    def _alone(self) -> Generator[None]:
        """Keep every other connection from committing and from checkpoints."""
        assert self._lock is not None  # opened with the file
        self._lock.execute("BEGIN EXCLUSIVE")
        try:
            yield
        finally:
            self._lock.execute("ROLLBACK")

    @contextmanager
    def _exclusively(self) -> Generator[None]:
        """Write, all or nothing, and alone from the first read on."""
        db = self._db
        with self._alone():
            db.execute("BEGIN IMMEDIATE")
            try:
                yield
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    def _close(self) -> None:
        # The last connection to go makes a checkpoint; SQLite sees to it that it is alone by then.
        for connection in (self._reader, self._connection, self._lock):
            if connection is not None:
                connection.close()
        self._reader = self._connection = self._lock = None


def _connected(path: Path, *, patience: float = _PATIENCE) -> sqlite3.Connection:
    if not path.exists():
        # SQLite would make it readable for everybody; what it makes beside it takes over the file's own mode.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    return sqlite3.connect(path, isolation_level=None, timeout=patience, check_same_thread=False)
