"""Looks after every open task until its end is known and its file is at home, whether or not anybody asks.

A loop that performs `next_step`. Recovery after a crash is the same loop: at start-up, and whenever another
process is gone, the tasks that nobody watches are taken over and asked the same question.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import anyio
from anyio.abc import TaskGroup

from wan_mcp.adapters.dashscope import DashScope
from wan_mcp.adapters.ledger import Ledger, Stamp, Unsettled
from wan_mcp.adapters.owners import Owner
from wan_mcp.domain.errors import LedgerUnusable, StaleTask, WanError
from wan_mcp.domain.remote import apply
from wan_mcp.domain.task import FIND_AGAIN, Attention, Find, Look, Mark, Save, Status, Step, VideoTask
from wan_mcp.service.agenda import Agenda, Watched
from wan_mcp.service.attending import Attending, unforeseen
from wan_mcp.service.clock import Clock
from wan_mcp.service.durations import Durations
from wan_mcp.service.saving import Saving
from wan_mcp.service.search import Search
from wan_mcp.service.sending import Sending

logger = logging.getLogger(__name__)

_CREATING = timedelta(minutes=3)
"""Longer than any submission can take, its repetitions included."""
_ROUND = timedelta(seconds=5)
"""Between two looks into the ledger for tasks that nobody watches any more."""
_TAKEN_AT_ONCE = 500
"""Others want to write, too."""
_SHORTEST = 0.02
_LOOKS_AT_ONCE = 40
"""Two seconds of what an account may ask: after a restart thousands may be due in one moment."""
_ASK_CANDIDATES_AGAIN = timedelta(minutes=1)


class Watcher:
    """Watches the tasks of one account for one process."""

    def __init__(
        self,
        *,
        account: str,
        dashscope: DashScope | None,
        ledger: Ledger,
        owner: Owner,
        agenda: Agenda,
        attending: Attending,
        sending: Sending,
        saving: Saving,
        search: Search | None,
        durations: Durations,
        clock: Clock,
    ) -> None:
        """`dashscope` and `search` are `None` where there is no key: nothing can be asked then, only saved."""
        self._account = account
        self._dashscope = dashscope
        self._ledger = ledger
        self._owner = owner
        self._agenda = agenda
        self._attending = attending
        self._sending = sending
        self._saving = saving
        self._search = search
        self._durations = durations
        self._clock = clock
        self._looking = 0
        self._compared: Stamp | None = None

    # The loop

    async def run(self) -> None:
        """Watch for ever."""
        async with anyio.create_task_group() as steps:
            while True:
                self._mind_the_clock()
                try:
                    if self._attending.next_round is None or self._clock.now() >= self._attending.next_round:
                        await self._take_over_what_nobody_watches()
                    self._start_due_steps(steps)
                except LedgerUnusable as error:
                    logger.error("%s", error)
                await self._rest()

    async def turn(self) -> None:
        """Take over, start every step that is due now, and wait for those to end."""
        self._mind_the_clock()
        await self._take_over_what_nobody_watches()
        async with anyio.create_task_group() as steps:
            self._start_due_steps(steps)

    def _mind_the_clock(self) -> None:
        if self._agenda.mind_the_clock(self._clock.now()):
            self._attending.next_round = None
            self._sending.forget_the_pause()

    async def _rest(self) -> None:
        """Until something is due, or is found to be due sooner."""
        now = self._clock.now()
        planned = self._next_due(now)

        async def until_sooner() -> None:
            while self._next_due(self._clock.now()) >= planned:
                await self._attending.until_woken()

        # No longer than a round, whatever is planned: the machine's clock may be set back meanwhile.
        seconds = min((planned - now).total_seconds(), _ROUND.total_seconds())
        await self._clock.at_most(max(_SHORTEST, seconds), until_sooner)

    def _next_due(self, now: datetime) -> datetime:
        """When there is something to do, as it looks now. Looks are begun in a few lots rather than one by one."""
        dues = [
            self._attending.next_round or now,
            self._agenda.next_due(looks=self._looking <= _LOOKS_AT_ONCE // 2),
            self._sending.next_due(now),
        ]
        return min(due for due in dues if due is not None)

    # Taking over

    async def _take_over_what_nobody_watches(self) -> None:
        self._attending.next_round = self._clock.now() + _ROUND
        if not all(map(self._owner.lives, self._attending.neighbours)):
            self._compared = None
        news = await self._ledger.unsettled_since(self._account, self._compared)
        if news is None:
            return
        self._compared, rows = news
        self._attending.changes.compared(rows)
        alive = {owner for owner in {row.owner for row in rows} if owner is not None and self._owner.lives(owner)}
        self._attending.neighbours = alive - {self._owner.id}
        try:
            await self._take_note([row for row in rows if row.owner == self._owner.id], rows)
            await self._take([row for row in rows if row.owner not in alive])
        except BaseException:
            self._compared = None
            raise
        for row in rows:
            is_theirs = row.owner in self._attending.neighbours
            if is_theirs and (known := self._agenda.get(row.task_id)) and not known.is_busy:
                self._agenda.drop(known)

    async def _take_note(self, ours: Sequence[Unsettled], unsettled: Sequence[Unsettled]) -> None:
        """Read what others have written about what this process watches, and what it was to watch and does not."""
        ids = [row.task_id for row in ours if self._known_version(row.task_id) < row.version]
        present = {row.task_id for row in unsettled}
        ids += [known.id for known in self._agenda if known.id not in present]  # settled by somebody else
        for task in await self._ledger.tasks(ids):
            if task.is_settled:
                self._attending.refresh(task)
            elif self._is_being_created(task):
                self._compared = None  # to be asked about again
            else:
                self._attending.watch(task)

    def _known_version(self, task_id: str) -> int:
        known = self._agenda.get(task_id)
        return known.version if known is not None else -1

    async def _take(self, left: Sequence[Unsettled]) -> None:
        last_sent: dict[str, datetime | None] = {}
        for first in range(0, len(left), _TAKEN_AT_ONCE):
            some = left[first : first + _TAKEN_AT_ONCE]
            for film_id in {row.film_id for row in some if row.film_id} - last_sent.keys():
                last_sent[film_id] = await self._ledger.last_sent(film_id)
            # Nothing may come between: what is ours and not yet here would be taken for something new.
            async with self._attending.taking:
                taken = await self._ledger.take_over(some, owner=self._owner.id)
                now = self._clock.now()
                for task in taken:
                    logger.info("%s: taken over, %s", task.id, task.status)
                    if self._agenda.get(task.id) is None:
                        seen_at = min(_last_attended(task, last_sent), now)
                        self._agenda.add(Watched(task, Attention(seen_at=seen_at)), now)

    def _is_being_created(self, task: VideoTask) -> bool:
        """Its creator, in this process, has not handed it over yet; after so long it never will."""
        return task.status is Status.SUBMITTING and self._clock.now() - task.since < _CREATING

    # Steps

    def _start_due_steps(self, steps: TaskGroup) -> None:
        now = self._clock.now()
        for watched, step in self._agenda.due(now, looks=_LOOKS_AT_ONCE - self._looking):
            watched.is_busy = True
            self._looking += isinstance(step, Look)
            steps.start_soon(self._perform, watched, step)
        self._sending.start_if_due(steps, now)

    async def _perform(self, watched: Watched, step: Step) -> None:
        try:
            await self._take_step(watched, step)
        except WanError as error:
            self._attending.try_later(watched, error)
        except Exception as error:  # the top of the loop: a bug met by one task must not end the watch of all
            logger.exception("%s: a step failed in a way nobody foresaw", watched.task.id)
            self._attending.try_later(watched, unforeseen(error))
        finally:
            self._attending.free(watched)

    async def _take_step(self, watched: Watched, step: Step) -> None:
        try:
            match step:
                case Look():
                    await self._look(watched, step)
                case Find():
                    await self._find(watched)
                case Save():
                    await self._attending.record(watched, await self._saving.save(watched.task, step.url))
                case Mark():
                    marked = watched.task.to(step.status, self._clock.now(), problem=step.problem)
                    await self._attending.record(watched, marked)
                case _:
                    pass
        except StaleTask:
            await self._attending.reload(watched)

    # Looking

    async def _look(self, watched: Watched, step: Look) -> None:
        assert self._dashscope is not None  # without a key no look is ever due
        try:
            remote = await self._dashscope.look(step.dashscope_task_id)
        finally:
            self._looking -= 1
        await self._durations.of(watched.task)
        told = apply(watched.task, remote, self._clock.now())
        if told is not None:
            await self._attending.record(watched, told)
        else:
            self._attending.attend(watched)

    async def _find(self, watched: Watched) -> None:
        assert self._search is not None  # without a key no search is ever due
        concluded = await self._search.conclude(watched.task)
        if concluded is not None:
            await self._attending.record(watched, concluded)
            return
        now, asked = self._clock.now(), watched.attention.failures + 1
        pause = min(_ASK_CANDIDATES_AGAIN * asked, FIND_AGAIN)
        watched.attention = Attention(seen_at=now, not_before=now + pause, failures=asked)


def _last_attended(task: VideoTask, last_sent: Mapping[str, datetime | None]) -> datetime:
    """A shot may wait for hours while its film is looked after: what was sent of the film tells when it was."""
    sent = last_sent.get(task.film_id) if task.status is Status.QUEUED and task.film_id else None
    return max(task.since, sent or task.since)
