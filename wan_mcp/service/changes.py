"""Who wants to hear which task has changed. Tells; waits for nothing, and asks nobody."""

from collections.abc import Callable, Iterable

from wan_mcp.domain.task import VideoTask

Listener = Callable[[str], None]
"""Is told the id of a task. It returns at once and does not raise."""


class Changes:
    """The changes of one ledger's tasks. One may be told twice: it only says that there is something to read."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._versions: dict[str, int] = {}
        """The newest known version of each task that is not settled."""

    def listen(self, listener: Listener) -> None:
        """Tell `listener` of every change from now on. Who listens already is told no oftener."""
        if listener not in self._listeners:
            self._listeners.append(listener)

    def noticed(self, task: VideoTask) -> None:
        """Tell of a version that was made or read here."""
        if self._versions.get(task.id, -1) >= task.version:
            return
        self._versions[task.id] = task.version
        if task.is_settled:
            del self._versions[task.id]
        self._tell(task.id)

    def compared(self, unsettled: Iterable[VideoTask]) -> None:
        """Tell of what other processes did, by all tasks that are not settled now."""
        present = {task.id: task.version for task in unsettled}
        gone = self._versions.keys() - present.keys()
        changed = [task_id for task_id, version in present.items() if self._versions.get(task_id, -1) < version]
        self._versions = present
        for task_id in (*changed, *gone):
            self._tell(task_id)

    def _tell(self, task_id: str) -> None:
        for listener in self._listeners:
            listener(task_id)
