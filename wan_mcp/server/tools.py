"""The tools. Each reads its arguments by the domain's rules, calls one verb of the service, and shows a view.

The published schemas are written here from the catalogue, small and without unions; what is enforced is
enforced by `domain`, in words. The SDK alone would ignore an unknown argument and buy the default.
"""

import logging
from typing import TYPE_CHECKING, Annotated, Any, cast

from mcp.server.mcpserver import AcceptedElicitation, Context, Elicit, ElicitationResult, Resolve
from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult, ToolAnnotations

from wan_mcp.domain.arguments import Arguments
from wan_mcp.domain.catalogue import WAN25_T2V, Model
from wan_mcp.domain.errors import LedgerUnusable
from wan_mcp.domain.film import LISTED_BY
from wan_mcp.domain.language import say
from wan_mcp.domain.request import (
    VideoRequest,
    parse_duration,
    parse_request,
    parse_resolution,
    parse_size,
    request_arguments,
)
from wan_mcp.domain.script import MOST_SHOTS
from wan_mcp.server import list_views, money_views, views
from wan_mcp.server.callers import caller
from wan_mcp.server.consent import Consent, asks_by_form, declined
from wan_mcp.server.film_tools import film_tools
from wan_mcp.server.links import PLAYER, links
from wan_mcp.server.previews import preview
from wan_mcp.server.worded import (
    LONGEST_WAIT,
    USUAL_WAIT,
    Raw,
    Schema,
    Service,
    durations,
    flag,
    integer,
    number,
    one_of,
    progress,
    reading,
    text,
    told,
    tool,
)
from wan_mcp.service.report import Account, Report

if TYPE_CHECKING:  # importing the service costs more than the server's whole start may
    from wan_mcp.service.videos import Videos

logger = logging.getLogger(__name__)

_MOST_LISTED = 50
_MOST_COUNTED = 1000


def shown(report: Report) -> CallToolResult:
    """One task as a result."""
    return told(views.text(report), views.structured(report), *links(report))


def build_tools(service: Service) -> list[Tool]:
    """Make every tool over `service`."""
    return [
        _create(service),
        _get(service),
        _estimate(service),
        _list(service),
        _cancel(service),
        preview(service),
        *film_tools(service),
    ]


# create_video


def _create(service: Service) -> Tool:
    async def ask_the_person(arguments: Raw, ctx: Context[Any, Any]) -> Elicit[Consent] | Consent:
        videos = await service()
        request, max_cost = _order(arguments, videos)
        can_ask = asks_by_form(ctx)
        if not await videos.needs_consent(request, max_cost, can_ask=can_ask, caller=caller()):
            # Nobody need be asked: they were in words, or it is cheap, or open already and not paid again.
            return Consent(agree=max_cost is not None)
        if not can_ask:
            return Consent(agree=False)
        return Elicit(views.question(request.prompt, videos.spending.quote(request)), Consent)

    async def create_video(
        arguments: Raw, consent: Annotated[ElicitationResult[Consent], Resolve(ask_the_person)], ctx: Context[Any, Any]
    ) -> CallToolResult:
        videos = await service()
        request, max_cost = _order(arguments, videos)
        agreed = isinstance(consent, AcceptedElicitation) and consent.data.agree
        can_ask = asks_by_form(ctx)
        if not agreed and can_ask and await videos.needs_consent(request, max_cost, can_ask=True, caller=caller()):
            cost = videos.spending.quote(request).amount
            raise declined(cost, videos.settings.budget, again="create_video")
        return shown(await videos.create(request, agreed=agreed, caller=caller()))

    return tool(
        create_video,
        title="Create video",
        description="Create one video with sound from text. PAID. Answers at once with task_id, price and status; "
        "then call get_video_task until the file is saved. The same request repeated while open is not paid twice.",
        properties=_request_properties(WAN25_T2V)
        | {
            "max_cost": number("The person agreed to pay up to this (region's currency)."),
        },
        required=["prompt"],
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=True
        ),
        card=PLAYER,
    )


def _order(arguments: Raw, videos: "Videos") -> tuple[VideoRequest, float | None]:
    read = request_arguments(arguments, "max_cost")
    max_cost = read.number("max_cost")
    request = parse_request(read, videos.settings.model, videos.settings.limits)
    return request, max_cost


# get_video_task


def _get(service: Service) -> Tool:
    async def get_video_task(arguments: Raw, ctx: Context[Any, Any]) -> CallToolResult:
        videos = await service()
        read = Arguments(arguments, known=("task_id", "wait_seconds"))
        task_id = read.text("task_id", longest=100, required=True)
        wait = read.integer("wait_seconds", low=0, high=LONGEST_WAIT)
        read.finish()
        seconds = USUAL_WAIT if wait is None else wait
        return shown(
            await videos.wait(
                task_id or "", seconds=seconds, progress=progress(ctx, views.progress_words), caller=caller()
            )
        )

    return tool(
        get_video_task,
        title="Get video task",
        description="Wait for a video and fetch it: status, saved file, link and its expiry, cost. "
        "Call again while it is not finished.",
        properties={
            "task_id": text("From create_video; a DashScope task id works too."),
            "wait_seconds": integer("Return earlier if it ends.", low=0, high=LONGEST_WAIT, default=USUAL_WAIT),
        },
        required=["task_id"],
        annotations=reading(open_world=True),
        card=PLAYER,
    )


# estimate_cost


def _estimate(service: Service) -> Tool:
    async def estimate_cost(arguments: Raw) -> CallToolResult:
        videos = await service()
        read = Arguments(arguments, known=("size", "resolution", "duration", "count", "shots"))
        model, limits = videos.settings.model, videos.settings.limits
        size = parse_size(read, model, limits)
        resolution = parse_resolution(read, model, limits)
        duration = parse_duration(read, model, limits)
        count = read.integer("count", low=1, high=_MOST_COUNTED) or 1
        shots = _lengths(read, model) if read.given("shots") else []
        if shots:
            for name in ("duration", "count"):
                if read.given(name):
                    read.problem(say("shots says it all: leave out {name}.", name=name))
            duration, count = sum(shots), 1
        if resolution and read.given("size") and resolution != model.resolution(size):
            read.problem(
                say(
                    "size {size} is {resolution}, not {asked}; give one of the two.",
                    size=size,
                    resolution=model.resolution(size),
                    asked=resolution,
                )
            )
        read.finish()
        quote = videos.spending.price(resolution=resolution or model.resolution(size), duration=duration, count=count)
        account = await _account(videos)
        return told(*money_views.estimate(quote, videos.settings.region, account, shots=shots))

    return tool(
        estimate_cost,
        title="Estimate cost",
        description="Price of videos before creating them, and what the budget leaves. Free; needs no key.",
        properties={
            "size": one_of("", WAN25_T2V.all_sizes, default=WAN25_T2V.default_size),
            "resolution": one_of("Instead of size.", tuple(WAN25_T2V.sizes)),
            "duration": durations(WAN25_T2V, "seconds"),
            "count": integer("", low=1, high=_MOST_COUNTED, default=1),
            "shots": {"type": "array", "items": {"type": "integer"}, "description": "A film: duration of each shot."},
        },
        annotations=reading(open_world=False),
    )


def _lengths(read: Arguments, model: Model) -> list[int]:
    """What the shots of a film are to last, in seconds each."""
    raw = read.raw("shots")
    listed = cast(list[object], raw) if isinstance(raw, list) else []
    lengths = [length for length in listed if isinstance(length, int) and length in model.durations]
    if not 1 <= len(listed) <= MOST_SHOTS or len(lengths) != len(listed):
        words = say(" or ").join(str(seconds) for seconds in model.durations)
        read.problem(say("shots must be a list of 1 to {most} durations, each {words}.", most=MOST_SHOTS, words=words))
    return lengths


async def _account(videos: "Videos") -> Account | None:
    """A price is a price also where the ledger cannot be read."""
    try:
        return await videos.spending.account(caller=caller())
    except LedgerUnusable as error:
        logger.warning("%s", error)
        return None


# list_video_tasks


def _list(service: Service) -> Tool:
    async def list_video_tasks(arguments: Raw) -> CallToolResult:
        videos = await service()
        read = Arguments(arguments, known=("status", "limit"))
        word = read.word("status", LISTED_BY)
        limit = read.integer("limit", low=1, high=_MOST_LISTED) or 10
        read.finish()
        found = await videos.listed(word=word, limit=limit, caller=caller())
        return told(*list_views.listing(found, await videos.spending.account(caller=caller())))

    return tool(
        list_video_tasks,
        title="List video tasks",
        description="Tasks and films, newest first, and what is held, charged and left today. "
        "Look here before repeating a create_video whose answer was lost.",
        properties={
            "status": one_of("A film's own, or a shot's.", LISTED_BY),
            "limit": integer("", low=1, high=_MOST_LISTED, default=10),
        },
        annotations=reading(open_world=False),
    )


# cancel_video_task


def _cancel(service: Service) -> Tool:
    async def cancel_video_task(arguments: Raw) -> CallToolResult:
        videos = await service()
        read = Arguments(arguments, known=("task_id",))
        task_id = read.text("task_id", longest=100, required=True)
        read.finish()
        return shown(await videos.cancel(task_id or "", caller=caller()))

    return tool(
        cancel_video_task,
        title="Cancel video task",
        description="Cancel a task that has not started (QUEUED or PENDING); then nothing is charged. "
        "Says so when it is too late.",
        properties={"task_id": text("From create_video.")},
        required=["task_id"],
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=True
        ),
    )


# What the schemas are made of


def _request_properties(model: Model) -> Schema:
    return {
        "prompt": text("Subject, scene, motion, camera, style, sound. Chinese or English.", longest=model.prompt_max),
        "negative_prompt": text("What to keep out.", longest=model.negative_prompt_max),
        "audio_url": text("Own sound track: public .wav/.mp3, 3-30 s, up to 15 MB."),
        "size": one_of("width*height", model.all_sizes, default=model.default_size),
        "duration": durations(model, "seconds"),
        "prompt_extend": flag("Let an LLM enrich the prompt; turn off for exact wording.", default=True),
        "watermark": flag("", default=False),
        "seed": integer("Another seed makes another take.", low=0, high=model.seed_max),
    }
