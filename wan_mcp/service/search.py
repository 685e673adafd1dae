"""Finding out what became of a submission whose answer was lost, through DashScope's list.

The only candidate is adopted, and given back if it ever shows a prompt that is not ours; no candidate in a list
that was read to its end, twice, a quarter of an hour apart, means that it never arrived; several are a person's
to decide. One that failed shows no prompt and cost nothing, so whose it was is no doubt worth holding money for:
it counts only where the second reading brings no other, and one that fails after it was adopted is given back until
then. Nothing is recorded here: what comes out is the task's next version.
"""

import logging
from dataclasses import replace

from wan_mcp.adapters.dashscope import DashScope
from wan_mcp.adapters.ledger import Ledger
from wan_mcp.domain.language import say
from wan_mcp.domain.remote import RemoteTask, apply, may_be, sent_by_dashscopes_clock, was_on_its_way
from wan_mcp.domain.task import ANSWER_LOST, NEVER_ARRIVED, SEVERAL_CANDIDATES, Problem, Status, VideoTask
from wan_mcp.service.clock import Clock

logger = logging.getLogger(__name__)

_FREE = (Status.FAILED, Status.CANCELED)
_NAMED = 5
"""Candidates that are told by name; of more the list at DashScope tells."""


class Search:
    """Searches one account's list."""

    def __init__(self, *, dashscope: DashScope, ledger: Ledger, clock: Clock) -> None:
        self._dashscope = dashscope
        self._ledger = ledger
        self._clock = clock

    async def conclude(self, task: VideoTask) -> VideoTask | None:
        """Return the next version of an UNCERTAIN task, or `None` where the search told nothing new.

        Raises:
            Unavailable, Refused: the list or a candidate could not be read, which proves nothing.
        """
        candidates = await self._candidates(task)
        rivals = await self._rivals(task)
        sure = [remote for remote in candidates if remote.orig_prompt is not None]
        may_be_charged = [remote for remote in candidates if remote.status not in _FREE]
        if len(sure) == 1 or (len(candidates) == len(may_be_charged) == 1 and not rivals):
            return self._adopted(task, (sure or candidates)[0])
        if candidates and any(rival.status is Status.SUBMITTING for rival in rivals):
            return None  # a candidate may be its, and the answer that says so is on its way
        if may_be_charged:
            return self._left_to_a_person(task, candidates)
        # A rival that took a remote task from the list, whose prompt is not shown yet, may have taken ours.
        if task.searched_at is None or any(rival.dashscope_task_id for rival in rivals):
            logger.info("%s: not in DashScope's list; it is read again later", task.id)
            now = self._clock.now()
            return task.to(Status.UNCERTAIN, now, searched_at=now, problem=ANSWER_LOST)
        if candidates:
            return self._adopted(task, candidates[0])
        return task.to(Status.FAILED, self._clock.now(), problem=NEVER_ARRIVED)

    async def _candidates(self, task: VideoTask) -> list[RemoteTask]:
        """Remote tasks that nobody claims, made while this one may have been sent, with no other prompt."""
        listed = await self._dashscope.find(task.request.model)
        ahead = self._dashscope.clock_ahead(self._clock.now())
        return [
            remote
            for row in listed
            if was_on_its_way(task, row.created_at, ahead)
            and row.dashscope_task_id not in task.disowned
            and await self._ledger.of_remote(task.account, row.dashscope_task_id) is None
            and may_be(task, remote := await self._dashscope.look(row.dashscope_task_id))
        ]

    async def _rivals(self, task: VideoTask) -> list[VideoTask]:
        """Our other tasks that are in doubt about the same remote tasks, so that each must wait for proof."""
        ahead = self._dashscope.clock_ahead(self._clock.now())
        return [
            other
            for other, _ in await self._ledger.unsettled(task.account)
            if other.id != task.id
            and (other.is_in_doubt or (other.searched_at is not None and other.is_open))
            and any(was_on_its_way(task, at, ahead) for at in sent_by_dashscopes_clock(other, ahead))
        ]

    def _adopted(self, task: VideoTask, remote: RemoteTask) -> VideoTask:
        now = self._clock.now()
        found = replace(task, searched_at=task.searched_at or now, problem=None)
        adopted = apply(found, replace(remote, status=remote.status or Status.PENDING), now)
        assert adopted is not None  # every status that a remote task can have follows UNCERTAIN
        logger.info("%s: found again as %s", task.id, remote.id)
        return adopted

    def _left_to_a_person(self, task: VideoTask, candidates: list[RemoteTask]) -> VideoTask | None:
        ids = sorted(remote.id for remote in candidates)
        names = ", ".join(ids[:_NAMED])
        if more := len(ids[_NAMED:]):
            names = say("{names} and {more} more", names=names, more=more)
        problem = Problem(
            code=SEVERAL_CANDIDATES,
            message=say("The answer was lost; at DashScope it may be: {names}.", names=names),
            money_moved="maybe",
        )
        return None if task.problem == problem else task.to(Status.UNCERTAIN, self._clock.now(), problem=problem)
