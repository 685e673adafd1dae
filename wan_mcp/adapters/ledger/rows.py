"""What a row is: a version of a task or a film, and its newest one with the columns that sums and lists need."""

import sqlite3
from collections.abc import Mapping
from datetime import datetime

from pydantic import TypeAdapter

from wan_mcp.adapters.ledger.file import LedgerFile
from wan_mcp.domain.errors import StaleTask
from wan_mcp.domain.film import Film
from wan_mcp.domain.language import say
from wan_mcp.domain.task import Status, VideoTask

TASK = TypeAdapter(VideoTask)
FILM = TypeAdapter(Film)


def folded(task: VideoTask) -> bytes:
    """Return a task as an entry has it, to be kept in little memory."""
    return TASK.dump_json(task, exclude_defaults=True)


def unfolded(body: bytes) -> VideoTask:
    """Read back what `folded` wrote."""
    return TASK.validate_json(body)


class LedgerRows(LedgerFile):
    """How rows are written and read, within whatever transaction is open."""

    def _append(self, task: VideoTask) -> None:
        body = folded(task).decode()
        try:
            self._db.execute(
                "INSERT INTO entries (task_id, version, at_ms, status, body) VALUES (?, ?, ?, ?, ?)",
                (task.id, task.version, ms(task.since), task.status.value, body),
            )
            self._put("heads", head(task))
        except sqlite3.IntegrityError:
            raise StaleTask(
                say(
                    "Version {version} of {task}, or its remote task, was written by somebody else.",
                    version=task.version,
                    task=task.id,
                )
            ) from None

    def _append_film(self, film: Film) -> None:
        body = FILM.dump_json(film, exclude_defaults=True).decode()
        try:
            self._db.execute(
                "INSERT INTO films (film_id, version, at_ms, body) VALUES (?, ?, ?, ?)",
                (film.id, film.version, ms(film.since), body),
            )
            self._put("film_heads", _film_head(film))
        except sqlite3.IntegrityError:
            raise StaleTask(
                say("Version {version} of {film} was written by somebody else.", version=film.version, film=film.id)
            ) from None

    def _put(self, table: str, row: Mapping[str, str | int | None]) -> None:
        """Write the newest version's row; its id stands first."""
        key, *names = row
        self._db.execute(
            f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))}) "
            f"ON CONFLICT ({key}) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in names)}",
            tuple(row.values()),
        )

    def _watch(self, task_id: str, owner: str) -> None:
        self._db.execute(
            "INSERT INTO watches (task_id, owner) VALUES (?, ?) ON CONFLICT (task_id) DO UPDATE SET owner = ?",
            (task_id, owner, owner),
        )

    def _unwatch(self, task_id: str) -> None:
        self._db.execute("DELETE FROM watches WHERE task_id = ?", (task_id,))

    def _one(self, statement: str, *values: str | int) -> VideoTask | None:
        row = self._db.execute(statement, values).fetchone()
        return TASK.validate_json(row[0]) if row else None

    def _many(self, statement: str, *values: str | int) -> list[VideoTask]:
        return [TASK.validate_json(body) for (body,) in self._db.execute(statement, values)]

    def _one_film(self, statement: str, *values: str | int) -> Film | None:
        row = self._db.execute(statement, values).fetchone()
        return FILM.validate_json(row[0]) if row else None

    def _count(self, where: str, *values: str | int) -> int:
        return self._db.execute(f"SELECT COUNT(*) FROM heads WHERE {where}", values).fetchone()[0]


def ms(at: datetime) -> int:
    """A time as the tables have it: milliseconds since 1970."""
    return round(at.timestamp() * 1000)


def head(task: VideoTask) -> dict[str, str | int | None]:
    """Return the newest version as `heads` has it."""
    return {
        "task_id": task.id,
        "version": task.version,
        "account": task.account,
        "caller": task.caller,
        "status": task.status.value,
        "currency": task.cost.currency,
        "micros": task.cost.micros,
        "asked_ms": ms(task.asked_at),
        "since_ms": ms(task.since),
        "sent_ms": ms(task.sent_at) if task.sent_at else None,
        "rank": task.rank,
        "fingerprint": task.request.fingerprint,
        "dashscope_task_id": task.dashscope_task_id,
        "unsettled": int(not task.is_settled),
        "kind": task.kind,
        "render_ms": _render_ms(task),
        "film_id": task.film_id,
    }


def _film_head(film: Film) -> dict[str, str | int | None]:
    return {
        "film_id": film.id,
        "version": film.version,
        "account": film.account,
        "caller": film.caller,
        "asked_ms": ms(film.asked_at),
        "fingerprint": film.script.fingerprint,
        "unfinished": int(film.is_unfinished),
    }


def _render_ms(task: VideoTask) -> int | None:
    """From DashScope's own two times, which its clock took."""
    if task.status is not Status.SUCCEEDED or not task.ended_at or not task.submitted_at:
        return None
    return max(ms(task.ended_at) - ms(task.submitted_at), 0)
