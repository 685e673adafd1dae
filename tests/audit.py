"""Every cent accounted for: read from the ledger's file with plain SQL, by none of the code that wrote it."""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from wan_mcp.domain.task import OPEN, TRANSITIONS, Status
from wan_mcp.simulator import Simulator

Entry = dict[str, Any]


def audit(ledgers: Sequence[Path], simulator: Simulator | None) -> None:
    """Assert what must hold of ledgers at any moment, and against the one service that they all speak of."""
    lives: dict[str, list[Entry]] = {}
    for path in ledgers:
        lives |= _lives(path)
    for task_id, life in lives.items():
        _a_life_is_whole(task_id, life)
    if ledgers and simulator is not None:
        _what_was_accepted_holds_money(lives, simulator)


def _lives(path: Path) -> dict[str, list[Entry]]:
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        if db.execute("SELECT COUNT(*) FROM sqlite_master WHERE name = 'entries'").fetchone()[0] == 0:
            return {}
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        entries = db.execute("SELECT task_id, version, status, body FROM entries ORDER BY task_id, version").fetchall()
        heads = dict(db.execute("SELECT task_id, status || ' ' || version FROM heads"))
        assert db.execute("SELECT COUNT(*) FROM heads WHERE micros < 0").fetchone()[0] == 0
        _films_are_whole(db)
    db.close()
    lives: dict[str, list[Entry]] = defaultdict(list)
    for task_id, version, status, body in entries:
        lives[task_id].append({**json.loads(body), "version": version, "status": status})
    assert heads == {task_id: f"{life[-1]['status']} {life[-1]['version']}" for task_id, life in lives.items()}
    return lives


def _films_are_whole(db: sqlite3.Connection) -> None:
    """Every shot has a take, every take is of a film, and no take is twice: a film's money is the sum of its shots."""
    films = db.execute("SELECT film_id, version, body FROM film_heads JOIN films USING (film_id, version)").fetchall()
    shots: dict[str, Counter[tuple[int, int]]] = {film_id: Counter() for film_id, _, _ in films}
    heads = db.execute(
        "SELECT film_id, body FROM heads JOIN entries USING (task_id, version) WHERE film_id IS NOT NULL"
    ).fetchall()
    for film_id, body in heads:
        told = json.loads(body)
        shots[film_id][told["shot"], told.get("take", 1)] += 1
    for film_id, version, body in films:
        counted = db.execute("SELECT COUNT(*) FROM films WHERE film_id = ?", (film_id,)).fetchone()[0]
        assert counted == version + 1, f"{film_id} has a gap"
        assert set(shots[film_id].values()) == {1}, f"{film_id} has a take twice"
        wanted = set(range(1, len(json.loads(body)["script"]["shots"]) + 1))
        assert {shot for shot, _ in shots[film_id]} == wanted, f"{film_id} lacks a shot"


def _a_life_is_whole(task_id: str, life: list[Entry]) -> None:
    assert [entry["version"] for entry in life] == list(range(len(life))), f"{task_id} has a gap"
    assert life[0]["status"] in ("QUEUED", "SUBMITTING") or life[0].get("dashscope_task_id"), task_id
    for before, after in pairwise(life):
        assert Status(after["status"]) in TRANSITIONS[Status(before["status"])], (task_id, before, after)


def _what_was_accepted_holds_money(lives: dict[str, list[Entry]], simulator: Simulator) -> None:
    """Every remote id is one that the simulator issued, to one task of ours only; and what the simulator
    accepted is never more than what holds, held or spent money for it."""
    ends = [life[-1] for life in lives.values()]
    remotes = [entry["dashscope_task_id"] for entry in ends if entry.get("dashscope_task_id")]
    assert len(remotes) == len(set(remotes)), "two tasks claim one remote task"
    assert set(remotes) <= set(simulator.tasks), "a remote id that the simulator never issued"
    ours = {task.id for task in simulator.accepted}
    in_doubt = [entry for entry in ends if entry["status"] in ("SUBMITTING", "UNCERTAIN")]
    unclaimed = ours - set(remotes)
    assert len(unclaimed) <= len(in_doubt), f"accepted, and nobody holds money for it: {unclaimed}"
    for task in simulator.accepted:
        if task.id in remotes:
            end = next(entry for entry in ends if entry.get("dashscope_task_id") == task.id)
            told = simulator.status(task.id)
            # A live or successful remote task may not stand in the ledger as free.
            assert end["status"] not in ("FAILED", "CANCELED") or told in ("FAILED", "CANCELED"), (end, told)


def open_entries(path: Path) -> list[str]:
    """The ids of the tasks whose end is not known."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        rows = db.execute("SELECT task_id, status FROM heads").fetchall()
    db.close()
    return [task_id for task_id, status in rows if Status(status) in OPEN]
