"""What a row is: a version of a task, and its newest one with the columns that sums and lists need."""

import sqlite3
from datetime import datetime

from pydantic import TypeAdapter

from wan_mcp.adapters.ledger.file import LedgerFile
from wan_mcp.domain.errors import StaleTask
from wan_mcp.domain.language import say
from wan_mcp.domain.task import Status, VideoTask

TASK = TypeAdapter(VideoTask)


class LedgerRows(LedgerFile):
    """How rows are written and read, within whatever transaction is open."""

    def _append(self, task: VideoTask) -> None:
        body = TASK.dump_json(task, exclude_defaults=True).decode()
        row = _head(task)
        try:
            self._db.execute(
                "INSERT INTO entries (task_id, version, at_ms, status, body) VALUES (?, ?, ?, ?, ?)",
                (task.id, task.version, ms(task.since), task.status.value, body),
            )
            self._db.execute(
                f"INSERT INTO heads ({', '.join(row)}) VALUES ({', '.join('?' * len(row))}) "
                f"ON CONFLICT (task_id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in row)}",
                tuple(row.values()),
            )
        except sqlite3.IntegrityError:
            raise StaleTask(
                say(
                    "Version {version} of {task}, or its remote task, was written by somebody else.",
                    version=task.version,
                    task=task.id,
                )
            ) from None

    def _watch(self, task_id: str, owner: str) -> None:
        self._db.execute(
            "INSERT INTO watches (task_id, owner) VALUES (?, ?) ON CONFLICT (task_id) DO UPDATE SET owner = ?",
            (task_id, owner, owner),
        )

    def _one(self, statement: str, *values: str | int) -> VideoTask | None:
        row = self._db.execute(statement, values).fetchone()
        return TASK.validate_json(row[0]) if row else None

    def _many(self, statement: str, *values: str | int) -> list[VideoTask]:
        return [TASK.validate_json(body) for (body,) in self._db.execute(statement, values)]

    def _count(self, where: str, *values: str | int) -> int:
        return self._db.execute(f"SELECT COUNT(*) FROM heads WHERE {where}", values).fetchone()[0]


def ms(at: datetime) -> int:
    """A time as the tables have it: milliseconds since 1970."""
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
        "asked_ms": ms(task.asked_at),
        "since_ms": ms(task.since),
        "sent_ms": ms(task.sent_at) if task.sent_at else None,
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
    return max(ms(task.ended_at) - ms(task.submitted_at), 0)
