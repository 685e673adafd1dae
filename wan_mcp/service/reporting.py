"""What is known around a task at this moment: how long it has taken and usually takes, its place, its troubles."""

from collections.abc import Sequence
from datetime import timedelta

from wan_mcp.adapters.ledger import Ledger
from wan_mcp.domain.catalogue import MODELS
from wan_mcp.domain.film import Film, FilmStatus, Shot, film_status, shots_of
from wan_mcp.domain.task import Status, VideoTask
from wan_mcp.service.attending import Attending
from wan_mcp.service.clock import Clock
from wan_mcp.service.durations import Durations
from wan_mcp.service.report import FilmReport, Report

_SOON = timedelta(seconds=2)
"""Until a film is asked for again whose shots are all made: it is being joined."""
_LATER = timedelta(seconds=15)
"""Until one is asked for again of which nothing is at DashScope: its shots wait for their turn, or are in doubt."""


class Reports:
    """Makes the reports that every door shows."""

    def __init__(self, *, ledger: Ledger, attending: Attending, durations: Durations, clock: Clock) -> None:
        self._ledger = ledger
        self._attending = attending
        self._durations = durations
        self._clock = clock

    async def of(self, task: VideoTask, *, is_known_request: bool = False) -> Report:
        """Return one task with what is known around it now."""
        return Report(
            task=task,
            elapsed=max(self._elapsed(task), timedelta(0)),
            usual=(await self._durations.of(task)).usual,
            place=await self._ledger.queue_place(task) if task.status is Status.QUEUED else None,
            is_known_request=is_known_request,
            trouble=self._attending.trouble(task.id),
            next_look=self._attending.until_next_look(task),
            is_for_a_person=task.is_for_a_person(self._clock.now()),
        )

    async def of_film(self, film: Film, *, is_known_request: bool = False) -> FilmReport:
        """Return one film with all of its takes, and what is known around it now."""
        now = self._clock.now()
        takes = await self._ledger.takes(film.id)
        shots = shots_of(film, takes)
        status = film_status(film, shots, now)
        begin = film.since if film.is_unfinished else film.asked_at
        if status in (FilmStatus.RENDERING, FilmStatus.JOINING):
            end = now
        elif film.canceled_at and film.file:  # a retake that is called off takes the film back to its end
            end = max(shot.standing.since for shot in shots)
        else:
            end = max(film.since, *(take.since for take in takes))
        troubles = [self._attending.trouble(take.id) for take in takes]
        looks = [look for look in map(self._attending.until_next_look, takes) if look is not None]
        return FilmReport(
            film=film,
            shots=shots,
            status=status,
            moving=tuple(shot for shot in shots if shot.is_moving(now)),
            attention=() if film.canceled_at else tuple(shot for shot in shots if shot.needs_attention(now)),
            elapsed=max(end - begin, timedelta(0)),
            usual=await self._usual_of_film(shots),
            is_known_request=is_known_request,
            trouble=min(filter(None, troubles), key=lambda trouble: not trouble.for_a_person, default=None),
            next_look=min(looks, default=_SOON if status is FilmStatus.JOINING else _LATER),
        )

    async def _usual_of_film(self, shots: Sequence[Shot]) -> timedelta:
        """As many at once as DashScope runs, one after the other."""
        each: dict[str, timedelta] = {}
        for shot in shots:
            if shot.newest.kind not in each:
                each[shot.newest.kind] = (await self._durations.of(shot.newest)).usual
        rounds = -(-len(shots) // MODELS[shots[0].request.model].running_limit)
        return rounds * sum((each[shot.newest.kind] for shot in shots), start=timedelta(0)) / len(shots)

    def _elapsed(self, task: VideoTask) -> timedelta:
        """By one clock each: ours while it is open, DashScope's once it has told begin and end."""
        if task.is_open:
            return self._clock.now() - (task.sent_at or task.asked_at)
        if task.submitted_at and task.ended_at:
            return task.ended_at - task.submitted_at
        return task.since - task.asked_at
