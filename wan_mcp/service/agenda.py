"""What is under watch and when each of it is due, so that a round costs what is due in it and not what is open.

Three lines wait here: the looks, which share one rate; the queue, which is served as one, whoever is first in it;
and all else. Each task stands in the line that `next_step` puts it into whenever something about it has changed.
Nothing here waits, or does anything.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count

from wan_mcp.adapters.ledger import folded, unfolded
from wan_mcp.domain.looking import EVERY
from wan_mcp.domain.task import STALE_QUEUE, Attention, Find, Look, Send, Status, Step, VideoTask, Wait, next_step
from wan_mcp.service.report import Trouble

LOOKED_AT = (Status.PENDING, Status.RUNNING)
_WITHOUT_A_KEY = timedelta(minutes=5)
"""When to consider again what only a process with a key can do."""


class Watched:
    """One task under watch, as last read or written here. While it waits, it is kept folded as the ledger has it: a
    third of the memory."""

    __slots__ = ("_folded", "_task", "attention", "due", "id", "is_busy", "trouble", "version", "wanted")

    def __init__(self, task: VideoTask, attention: Attention) -> None:
        self.id = task.id
        self.task = task
        self.attention = attention
        self.is_busy = False
        self.trouble: Trouble | None = None
        """What the last look or download came to, where it came to nothing."""
        self.due: datetime | None = None
        """What it stands in a line for."""
        self.wanted = 0.0
        """Looks a second that it would take if it were the only one."""

    @property
    def task(self) -> VideoTask:
        """The task itself."""
        if self._task is None:
            self._task = unfolded(self._folded)
        return self._task

    @task.setter
    def task(self, task: VideoTask) -> None:
        self._task: VideoTask | None = task
        self._folded = b""
        self.version = task.version

    def fold(self) -> None:
        """It will not be needed for a while."""
        if self._task is not None:
            self._folded = self._folded or folded(self._task)
            self._task = None


class Agenda:
    """The tasks that one process watches, in the order in which something is due for them."""

    def __init__(self, *, may_ask: bool) -> None:
        """Unless it `may_ask` DashScope, nothing is due that would have to."""
        self._may_ask = may_ask
        self._watched: dict[str, Watched] = {}
        self._looks = _Line()
        self._others = _Line()
        self._queue: dict[str, Watched] = {}
        self._released: set[str] = set()
        self._seen_at: datetime | None = None
        self.wanted = 0.0
        """Looks a second that all tasks together would take, each as if it were the only one."""

    def __len__(self) -> int:
        return len(self._watched)

    def __iter__(self) -> Iterator[Watched]:
        return iter(self._watched.values())

    def get(self, task_id: str) -> Watched | None:
        """Return a task under watch."""
        return self._watched.get(task_id)

    def add(self, watched: Watched, now: datetime) -> None:
        """Watch one more."""
        self._seen_at = self._seen_at or now
        self._watched[watched.id] = watched
        self.place(watched, now)

    def drop(self, watched: Watched) -> None:
        """Watch it no longer."""
        self._watched.pop(watched.id, None)
        self._leave(watched)
        self.note(watched, wanted=0)

    def note(self, watched: Watched, *, wanted: float) -> None:
        """Take note of how many looks a second it would take."""
        self.wanted = max(self.wanted + wanted - watched.wanted, 0.0)
        watched.wanted = wanted

    def place(self, watched: Watched, now: datetime) -> None:
        """Something about it has changed: put it where it belongs. What is settled goes; what is busy waits."""
        if watched.is_busy:
            return
        self._leave(watched)
        task, attention = watched.task, watched.attention
        if task.is_settled:
            self.drop(watched)
            return
        is_looked_at = task.status in LOOKED_AT
        if is_looked_at != bool(watched.wanted):
            self.note(watched, wanted=1 / EVERY if is_looked_at else 0)
        step = next_step(task, now, attention)
        if step is None:
            return
        if isinstance(step, Send):
            self._queue[task.id] = watched
            watched.fold()
            return
        if task.status is Status.QUEUED:
            self._released.add(task.id)
        line = self._looks if is_looked_at else self._others
        line.put(watched, step.until if isinstance(step, Wait) else now)
        watched.fold()

    def due(self, now: datetime, *, looks: int) -> list[tuple[Watched, Step]]:
        """Take out what is due, of the looks no more than so many: those that have been due for longest."""
        found = [*self._due_of(self._others, now), *self._due_of(self._looks, now, looks)]
        # Of several links to be saved, the one that dies first goes first.
        return sorted(found, key=lambda one: (one[0].task.expires_at is None, one[0].task.expires_at))

    def next_due(self, *, looks: bool) -> datetime | None:
        """Return when something is due next, the queue not counted, and of the looks only where they are asked for."""
        dues = [self._others.next_due(), self._looks.next_due() if looks else None]
        return min((due for due in dues if due is not None), default=None)

    @property
    def has_a_queue(self) -> bool:
        """Is there something to send? What is to be released must not be sent in the same moment as another's turn."""
        return self._may_ask and bool(self._queue) and not self._released

    def _due_of(self, line: "_Line", now: datetime, most: int | None = None) -> Iterator[tuple[Watched, Step]]:
        taken = 0
        while (most is None or taken < most) and (watched := line.take(now)):
            step = next_step(watched.task, now, watched.attention)
            if isinstance(step, Look | Find) and not self._may_ask:
                line.put(watched, now + _WITHOUT_A_KEY)
            elif step is None or isinstance(step, Wait | Send):
                self.place(watched, now)
            else:
                taken += 1
                yield watched, step

    def mind_the_clock(self, now: datetime) -> bool:
        """Whoever was away for long, as a laptop that slept, has attended to nothing meanwhile. And where the
        machine's clock was set back, what was due then is due now: return whether it was."""
        before, self._seen_at = self._seen_at or now, now
        if now < before:
            for watched in list(self):
                watched.attention = Attention(seen_at=now)
                self.place(watched, now)
        elif now - before > STALE_QUEUE:
            for watched in list(self._queue.values()):
                seen_at = max(watched.attention.seen_at, before)
                watched.attention = replace(watched.attention, seen_at=seen_at)
                self.place(watched, now)
        return now < before

    def _leave(self, watched: Watched) -> None:
        watched.due = None
        self._queue.pop(watched.id, None)
        self._released.discard(watched.id)


class _Line:
    """Tasks by when they are due, and then by who came first. Who has left stays until it would be its turn."""

    def __init__(self) -> None:
        self._entries: list[tuple[datetime, int, Watched]] = []
        self._number = count()

    def put(self, watched: Watched, due: datetime) -> None:
        """Stand in line for that time."""
        watched.due = due
        heappush(self._entries, (due, next(self._number), watched))

    def take(self, now: datetime) -> Watched | None:
        """Take out who is first, if that is due."""
        due = self.next_due()
        if due is None or due > now:
            return None
        _, _, watched = heappop(self._entries)
        watched.due = None
        return watched

    def next_due(self) -> datetime | None:
        """Return when the first one is due."""
        while self._entries:
            due, _, watched = self._entries[0]
            if watched.due is due and not watched.is_busy:
                return due
            heappop(self._entries)
        return None
