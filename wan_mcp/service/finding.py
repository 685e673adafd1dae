"""Finding a task by its id: ours, DashScope's, or one of DashScope's that was made elsewhere on the account."""

import re
import secrets
from dataclasses import replace
from decimal import Decimal

from wan_mcp.adapters.dashscope import DashScope
from wan_mcp.adapters.ledger import Ledger
from wan_mcp.adapters.owners import Owner
from wan_mcp.domain.caller import LOCAL
from wan_mcp.domain.errors import MissingKey, SubmissionUncertain, UnknownTask
from wan_mcp.domain.film import FILM
from wan_mcp.domain.language import say
from wan_mcp.domain.money import Money
from wan_mcp.domain.remote import MADE_ELSEWHERE, RemoteTask, apply, may_be, was_on_its_way
from wan_mcp.domain.request import VideoRequest
from wan_mcp.domain.task import Status, VideoTask
from wan_mcp.service.attending import Attending
from wan_mcp.service.clock import Clock
from wan_mcp.service.spending import Spending
from wan_mcp.settings import Settings

_REMOTE_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{7,63}")


class Finder:
    """Finds the tasks of one account."""

    def __init__(
        self,
        *,
        settings: Settings,
        ledger: Ledger,
        owner: Owner,
        attending: Attending,
        dashscope: DashScope | None,
        clock: Clock,
        spending: Spending,
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._owner = owner
        self._attending = attending
        self._dashscope = dashscope
        self._clock = clock
        self._spending = spending

    async def find(self, task_id: str, caller: str | None, *, of_films: str = "get_film") -> VideoTask:
        """Return a task of `caller`, or of anybody where that is `None`. `of_films` is the tool that does the same for
        a film, for who has a film's id.

        Raises:
            UnknownTask: there is no such task.
            SubmissionUncertain: DashScope has one, which may be one of ours whose answer was lost.
            MissingKey, Unavailable, Refused: DashScope would have to be asked, and did not tell.
        """
        task_id = task_id.strip()
        if task_id.startswith(FILM):
            raise UnknownTask(
                say("{id} is a film.", id=task_id[:80]), next_step=say("Call {tool} with it.", tool=of_films)
            )
        task = await self._ledger.get(task_id) if task_id.startswith("vid_") else None
        task = task or await self._ledger.of_remote(self._settings.account, task_id)
        if task is not None and (caller is None or task.caller == caller):
            if task.account != self._settings.account:
                raise UnknownTask(
                    say(
                        "{task} belongs to {account}, and this server is set to {present}.",
                        task=task.id,
                        account=task.account,
                        present=self._settings.account,
                    ),
                    next_step=say("The person can start wan-mcp with that account's settings."),
                )
            return task
        caller = caller or LOCAL
        may_adopt = self._spending.rights(caller).may_adopt
        if task_id.startswith("vid_") or not _REMOTE_ID.fullmatch(task_id) or not may_adopt:
            raise _unknown(task_id)
        return await self._adopt(task_id, caller)

    async def look(self, remote_id: str) -> RemoteTask:
        """Ask DashScope once how a task is doing."""
        if self._dashscope is None:
            raise MissingKey
        return await self._dashscope.look(remote_id)

    async def _adopt(self, remote_id: str, caller: str) -> VideoTask:
        """Take a task that was made elsewhere on the account into the ledger; it costs this budget nothing."""
        remote = await self.look(remote_id)
        if remote.status is Status.UNKNOWN:
            raise _unknown(remote_id)
        await self._refuse_what_may_be_ours(remote, caller)
        now = self._clock.now()
        found = self._of_elsewhere(remote, caller)
        # Whatever it has been through already, its life in our ledger begins with this entry.
        adopted = replace(apply(found, remote, now) or found, version=0)
        known = await self._ledger.adopt(adopted, owner=self._owner.id)
        if known.caller != caller:  # somebody else's; asked for at DashScope all the same, so that nobody can tell
            raise _unknown(remote_id)
        if not known.is_settled:
            self._attending.watch(known)
        return known

    async def _refuse_what_may_be_ours(self, remote: RemoteTask, caller: str) -> None:
        """Adopted at no cost, it could not be found any more by the task that it may be, and was paid for.

        Raises:
            SubmissionUncertain: it may be one whose answer was lost.
            UnknownTask: that one is another caller's.
        """
        unsettled = await self._ledger.unsettled(self._settings.account)
        in_doubt = [task for task, _ in unsettled if task.is_in_doubt and self._may_be(task, remote)]
        if not in_doubt:
            return
        mine = next((task for task in in_doubt if task.caller == caller), None)
        if mine is None:
            raise _unknown(remote.id)
        raise SubmissionUncertain(
            say("{remote_id} may be {task}, whose answer was lost.", remote_id=remote.id, task=mine.id),
            next_step=say(
                "Call get_video_task with {task}: it is looked for at DashScope. A person who knows that it is this "
                "one runs `wan-mcp settle {task} --is {remote_id}`.",
                task=mine.id,
                remote_id=remote.id,
            ),
        )

    def _may_be(self, task: VideoTask, remote: RemoteTask) -> bool:
        assert self._dashscope is not None  # it was looked at
        ahead = self._dashscope.clock_ahead(self._clock.now())
        made_then = remote.submitted_at is None or was_on_its_way(task, remote.submitted_at, ahead)
        return made_then and may_be(task, remote)

    def _of_elsewhere(self, remote: RemoteTask, caller: str) -> VideoTask:
        model, now = self._settings.model, self._clock.now()
        size = remote.size if remote.size in model.all_sizes else model.default_size
        seconds = remote.billed_seconds or model.default_duration
        return VideoTask(
            id=new_id(),
            status=Status.PENDING,
            account=self._settings.account,
            caller=caller,
            request=VideoRequest(
                model=model.id, prompt=remote.orig_prompt or MADE_ELSEWHERE, size=size, duration=seconds
            ),
            unit_price=Money(Decimal(0), self._settings.region.currency),
            seconds=seconds,
            asked_at=remote.submitted_at or now,
            since=now,
            dashscope_task_id=remote.id,
            submitted_at=remote.submitted_at or now,
        )


def new_id() -> str:
    """An id of ours that nobody can guess: 128 random bits."""
    return f"vid_{secrets.token_urlsafe(16)}"


def _unknown(task_id: str) -> UnknownTask:
    return UnknownTask(
        say(
            "There is no task {task_id!r}, neither here nor at DashScope (which forgets a task after 24 hours).",
            task_id=task_id[:80],
        ),
        next_step=say("list_video_tasks shows the tasks that there are."),
    )
