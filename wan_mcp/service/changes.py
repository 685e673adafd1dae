"""Who wants to hear which task or film has changed. Tells; waits for nothing, and asks nobody."""

from collections.abc import Callable, Iterable

from wan_mcp.domain.task import VideoTask

Listener = Callable[[str], None]
"""Is told the id of a task or a film. It returns at once and does not raise."""


class Changes:
    """The changes of one ledger's tasks. One may be told twice: it only says that there is something to read."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._known: dict[str, VideoTask] = {}
        """The newest known version of each task that is not settled."""

    def listen(self, listener: Listener) -> None:
        """Tell `listener` of every change from now on. Who listens already is told no oftener."""
        if listener not in self._listeners:
            self._listeners.append(listener)

    def noticed(self, task: VideoTask) -> None:
        """Tell of a version that was made or read here."""
        known = self._known.get(task.id)
        if known is not None and known.version >= task.version:
            return
        self._known[task.id] = task
        if task.is_settled:
            del self._known[task.id]
        self._tell(task)

    def compared(self, unsettled: Iterable[VideoTask]) -> None:
        """Tell of what other processes did, by all tasks that are not settled now."""
        present = {task.id: task for task in unsettled}
        before, self._known = self._known, present
        gone = [task for task_id, task in before.items() if task_id not in present]
        for task in present.values():
            known = before.get(task.id)
            if known is None or known.version < task.version:
                self._tell(task)
        for task in gone:
            self._tell(task)

    def tell(self, changed_id: str) -> None:
        """Tell of a change."""
        for listener in self._listeners:
            listener(changed_id)

    def _tell(self, task: VideoTask) -> None:
        self.tell(task.id)
        if task.film_id is not None:
            self.tell(task.film_id)
