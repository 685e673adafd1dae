"""Who wants to hear which task or film has changed. Tells; waits for nothing, and asks nobody."""

from collections.abc import Callable, Iterable

from wan_mcp.adapters.ledger import Unsettled
from wan_mcp.domain.task import VideoTask

Listener = Callable[[str], None]
"""Is told the id of a task or a film. It returns at once and does not raise."""


class Changes:
    """The changes of one ledger's tasks. One may be told twice: it only says that there is something to read."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._known: dict[str, tuple[int, str | None]] = {}
        """Of each task that is not settled, the newest known version, and its film."""

    def listen(self, listener: Listener) -> None:
        """Tell `listener` of every change from now on. Who listens already is told no oftener."""
        if listener not in self._listeners:
            self._listeners.append(listener)

    def noticed(self, task: VideoTask) -> None:
        """Tell of a version that was made or read here."""
        known = self._known.get(task.id)
        if known is not None and known[0] >= task.version:
            return
        if task.is_settled:
            self._known.pop(task.id, None)
        else:
            self._known[task.id] = task.version, task.film_id
        self._tell(task.id, task.film_id)

    def compared(self, unsettled: Iterable[Unsettled]) -> None:
        """Tell of what other processes did, by all tasks that are not settled now."""
        before, self._known = self._known, {row.task_id: (row.version, row.film_id) for row in unsettled}
        for task_id, (version, film_id) in self._known.items():
            known = before.pop(task_id, None)
            if known is None or known[0] < version:
                self._tell(task_id, film_id)
        for task_id, (_, film_id) in before.items():
            self._tell(task_id, film_id)

    def tell(self, changed_id: str) -> None:
        """Tell of a change."""
        for listener in self._listeners:
            listener(changed_id)

    def _tell(self, task_id: str, film_id: str | None) -> None:
        self.tell(task_id)
        if film_id is not None:
            self.tell(film_id)
