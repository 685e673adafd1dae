"""What the tables are, and how an older file becomes a present one."""

import sqlite3
from pathlib import Path

from wan_mcp.domain.errors import LedgerUnusable
from wan_mcp.domain.language import say

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
    );
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
    """
    ALTER TABLE heads ADD COLUMN film_id TEXT;
    CREATE INDEX heads_by_film ON heads (film_id) WHERE film_id IS NOT NULL;
    CREATE TABLE films (
        film_id TEXT NOT NULL,
        version INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (film_id, version)
    );
    CREATE TRIGGER films_are_never_changed BEFORE UPDATE ON films
        BEGIN SELECT RAISE(ABORT, 'films are append-only'); END;
    CREATE TRIGGER films_are_never_removed BEFORE DELETE ON films
        BEGIN SELECT RAISE(ABORT, 'films are append-only'); END;
    CREATE TRIGGER films_follow_each_other BEFORE INSERT ON films
        WHEN NEW.version <> (SELECT COALESCE(MAX(version) + 1, 0) FROM films WHERE film_id = NEW.film_id)
        BEGIN SELECT RAISE(ABORT, 'a version follows the one before it'); END;
    CREATE TABLE film_heads (
        film_id TEXT PRIMARY KEY,
        version INTEGER NOT NULL,
        account TEXT NOT NULL,
        caller TEXT NOT NULL,
        asked_ms INTEGER NOT NULL,
        fingerprint TEXT NOT NULL,
        unfinished INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX film_heads_by_age ON film_heads (account, caller, asked_ms);
    CREATE INDEX film_heads_unfinished ON film_heads (account) WHERE unfinished;
    """,
)


def version(db: sqlite3.Connection, path: Path) -> int:
    """Return the number of the file's schema; 0 for an empty file.

    Raises:
        LedgerUnusable: it is not a ledger, or one of a newer wan-mcp.
    """
    # The tables first: another process may be making them, and what marks them as ours comes with them.
    tables = db.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
    number = db.execute("PRAGMA user_version").fetchone()[0]
    application = db.execute("PRAGMA application_id").fetchone()[0]
    if tables and application != _APPLICATION_ID:
        raise LedgerUnusable(
            say("{path} is not a ledger of wan-mcp; it was left untouched.", path=path),
            next_step=say("Set WAN_MCP_LEDGER to another path."),
        )
    if number > len(_MIGRATIONS):
        raise LedgerUnusable(
            say(
                "The ledger {path} was written by a newer wan-mcp (schema {number}, this one reads "
                "{known}); it was left untouched.",
                path=path,
                number=number,
                known=len(_MIGRATIONS),
            ),
            next_step=say("Upgrade wan-mcp, or set WAN_MCP_LEDGER to another path."),
        )
    return number


def is_present(number: int) -> bool:
    """Is this the schema that this wan-mcp writes?"""
    return number == len(_MIGRATIONS)


def migrate(db: sqlite3.Connection, number: int) -> None:
    """Bring a file of schema `number` to the present one, within the transaction that is open."""
    for script in _MIGRATIONS[number:]:
        for statement in _statements(script):
            db.execute(statement)
    db.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {len(_MIGRATIONS)}")


def _statements(script: str) -> list[str]:
    """Split a migration; `executescript` would end the transaction around it."""
    statements, current = list[str](), ""
    for line in script.splitlines(keepends=True):
        current += line
        if sqlite3.complete_statement(current):
            statements.append(current)
            current = ""
    return statements
