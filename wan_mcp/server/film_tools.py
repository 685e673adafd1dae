"""The tools for films: ordered, waited for, taken anew, called off. Each calls one verb of the service."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Annotated, Any

from mcp.server.mcpserver import AcceptedElicitation, Context, Elicit, ElicitationResult, Resolve
from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult, ToolAnnotations

from wan_mcp.domain.arguments import Arguments
from wan_mcp.domain.catalogue import WAN25_T2V
from wan_mcp.domain.errors import NeedsConsent
from wan_mcp.domain.film import Order
from wan_mcp.domain.language import say
from wan_mcp.domain.money import Money
from wan_mcp.domain.script import LONGEST_CROSSFADE, MOST_SHOTS, parse_script, script_arguments
from wan_mcp.server import film_views
from wan_mcp.server.callers import caller
from wan_mcp.server.consent import Consent, asks_by_form, declined
from wan_mcp.server.links import PLAYER, film_links
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
from wan_mcp.service.report import FilmReport

if TYPE_CHECKING:  # importing the service costs more than the server's whole start may
    from wan_mcp.service.videos import Videos

_PAID = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=True)
_FILM_ID: Schema = {"type": "string"}
_MAX_COST = number("The person agreed to pay up to this (region's currency).")


def shown(report: FilmReport) -> CallToolResult:
    """One film as a result."""
    return told(film_views.text(report), film_views.structured(report), *film_links(report))


def film_tools(service: Service) -> list[Tool]:
    """Make every tool for films over `service`."""
    return [_create(service), _get(service), _retake(service), _cancel(service)]


Read = Callable[[Raw, "Videos"], Awaitable[tuple[Order, float | None]]]
Run = Callable[..., Awaitable[CallToolResult]]

_asked_for: ContextVar[Money | None] = ContextVar("asked_for", default=None)
"""The price in the question of this call: what is missing of a film can grow while the person thinks."""


def _ordering(service: Service, read: Read, name: str) -> Run:
    """A tool that reads an order, asks once for all of its price, and places it."""

    async def ask_the_person(arguments: Raw, ctx: Context[Any, Any]) -> Elicit[Consent] | Consent:
        videos = await service()
        order, max_cost = await read(arguments, videos)
        asks = asks_by_form(ctx)
        if not await videos.films.needs_consent(order, max_cost, can_ask=asks):
            return Consent(agree=max_cost is not None)
        if not asks:
            return Consent(agree=False)
        _asked_for.set(order.cost)
        return Elicit(film_views.question(order, videos.films.quote(order.film.script)), Consent)

    async def run(
        arguments: Raw, consent: Annotated[ElicitationResult[Consent], Resolve(ask_the_person)], ctx: Context[Any, Any]
    ) -> CallToolResult:
        videos = await service()
        order, max_cost = await read(arguments, videos)
        agreed = isinstance(consent, AcceptedElicitation) and consent.data.agree
        asks = asks_by_form(ctx)
        needs_consent = await videos.films.needs_consent(order, max_cost, can_ask=asks)
        asked_for = _asked_for.get()
        if agreed and asked_for is not None and order.cost > asked_for:
            raise NeedsConsent(
                say(
                    "More is missing by now: this costs {cost}, and the person agreed to {asked}. Nothing was sent.",
                    cost=order.cost,
                    asked=asked_for,
                ),
                next_step=say("Call {tool} again; the person is asked anew.", tool=name),
            )
        if not agreed and asks and needs_consent:
            raise declined(order.cost, videos.settings.budget, again=name)
        return shown(await videos.films.place(order, agreed=agreed, again=name))

    run.__name__ = name
    return run


def _create(service: Service) -> Tool:
    async def read(arguments: Raw, videos: "Videos") -> tuple[Order, float | None]:
        read = script_arguments(arguments, "max_cost")
        max_cost = read.number("max_cost")
        script = parse_script(read, videos.settings.model, videos.settings.limits)
        return await videos.films.order(script, caller=caller()), max_cost

    shot: Schema = {"type": "object", "properties": {"prompt": {"type": "string"}}, "required": ["prompt"]}
    return tool(
        _ordering(service, read, "create_film"),
        title="Create film",
        description="Order shots joined into one MP4, at one price. PAID. Answers at once with film_id; then get_film.",
        properties={
            "title": {"type": "string"},
            "shots": {
                "type": "array",
                "items": shot,
                "minItems": 1,
                "maxItems": MOST_SHOTS,
                "description": "May also have duration, negative_prompt, seed, audio_url.",
            },
            "style": {"type": "string", "description": "Added to every prompt."},
            "size": one_of("Of all shots.", WAN25_T2V.all_sizes, default=WAN25_T2V.default_size),
            "duration": durations(WAN25_T2V, "seconds of a shot"),
            "negative_prompt": {"type": "string"},
            "prompt_extend": flag("Let an LLM enrich the prompts.", default=True),
            "watermark": flag("", default=False),
            "crossfade": number("seconds") | {"maximum": LONGEST_CROSSFADE, "default": 0},
            "title_card": flag("Show the title first.", default=False),
            "max_cost": _MAX_COST,
        },
        required=["title", "shots"],
        annotations=_PAID,
        card=PLAYER,
    )


def _get(service: Service) -> Tool:
    async def get_film(arguments: Raw, ctx: Context[Any, Any]) -> CallToolResult:
        read = Arguments(arguments, known=("film_id", "wait_seconds"))
        film_id = read.text("film_id", longest=100, required=True)
        wait = read.integer("wait_seconds", low=0, high=LONGEST_WAIT)
        read.finish()
        videos = await service()
        seconds = USUAL_WAIT if wait is None else wait
        return shown(
            await videos.films.wait(
                film_id or "", seconds=seconds, progress=progress(ctx, film_views.progress_words), caller=caller()
            )
        )

    return tool(
        get_film,
        title="Get film",
        description="Wait for a film: shots, cost, which one needs you, the file.",
        properties={
            "film_id": _FILM_ID,
            "wait_seconds": integer("", low=0, high=LONGEST_WAIT, default=USUAL_WAIT),
        },
        required=["film_id"],
        annotations=reading(open_world=True),
        card=PLAYER,
    )


def _retake(service: Service) -> Tool:
    async def read(arguments: Raw, videos: "Videos") -> tuple[Order, float | None]:
        read = Arguments(arguments, known=("film_id", "shot", "prompt", "seed", "max_cost"))
        film_id = read.text("film_id", longest=100, required=True)
        shot = read.integer("shot", low=1, high=MOST_SHOTS)
        prompt = read.text("prompt", longest=WAN25_T2V.prompt_max)
        seed = read.integer("seed", low=0, high=WAN25_T2V.seed_max)
        max_cost = read.number("max_cost")
        if shot is None and (prompt is not None or seed is not None):
            read.problem(say("prompt and seed are for one shot: name it by shot."))
        read.finish()
        order = await videos.films.reorder(film_id or "", shot=shot, prompt=prompt, seed=seed, caller=caller())
        return order, max_cost

    return tool(
        _ordering(service, read, "retake"),
        title="Retake shot",
        description="Another take of a shot; without shot, of all that are missing. PAID. Old takes stay.",
        properties={
            "film_id": _FILM_ID,
            "shot": integer("Its number.", low=1, high=MOST_SHOTS),
            "prompt": text("Another prompt for it."),
            "seed": integer("Another seed makes another take.", low=0, high=WAN25_T2V.seed_max),
            "max_cost": _MAX_COST,
        },
        required=["film_id"],
        annotations=_PAID,
        card=PLAYER,
    )


def _cancel(service: Service) -> Tool:
    async def cancel_film(arguments: Raw) -> CallToolResult:
        read = Arguments(arguments, known=("film_id",))
        film_id = read.text("film_id", longest=100, required=True)
        read.finish()
        videos = await service()
        return shown(await videos.films.cancel(film_id or "", caller=caller()))

    return tool(
        cancel_film,
        title="Cancel film",
        description="Cancel shots that have not started, uncharged. What has started is made, charged and kept.",
        properties={"film_id": _FILM_ID},
        required=["film_id"],
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=True
        ),
    )
