"""What a caller wants of a film, parsed once. A `Script` that exists is one whose every shot the catalogue accepts."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import cast

from wan_mcp.domain.arguments import Arguments, show
from wan_mcp.domain.catalogue import Model
from wan_mcp.domain.errors import InvalidRequest, Mistake
from wan_mcp.domain.language import say
from wan_mcp.domain.request import (
    REQUEST_ARGUMENTS,
    Limits,
    VideoRequest,
    parse_duration,
    parse_request,
    parse_size,
    request_arguments,
)

MOST_SHOTS = 60
LONGEST_CROSSFADE = 2
"""Seconds; the shortest shot has five, and three of them are to be seen undisturbed."""
LONGEST_TITLE = 100

SCRIPT_ARGUMENTS = (
    "title",
    "shots",
    "size",
    "style",
    "duration",
    "negative_prompt",
    "prompt_extend",
    "watermark",
    "crossfade",
    "title_card",
)
SHOT_ARGUMENTS = ("prompt", "negative_prompt", "duration", "seed", "audio_url")


@dataclass(frozen=True, kw_only=True)
class Script:
    """Shots in order, and how they become one film."""

    title: str
    shots: tuple[VideoRequest, ...]
    """Of one size; the style stands at the end of every prompt."""
    style: str | None = None
    crossfade: float = 0
    """Seconds by which neighbours overlap."""
    title_card: bool = False
    """Does the title stand before the first shot?"""

    @property
    def seconds(self) -> int:
        """What is paid for when every shot is made once."""
        return sum(shot.duration for shot in self.shots)

    def own_prompt(self, number: int) -> str:
        """What shot `number` shows, without the style."""
        prompt = self.shots[number - 1].prompt
        return prompt.removesuffix(self.style).rstrip() if self.style else prompt

    @property
    def fingerprint(self) -> str:
        """The same for two scripts exactly when they ask for the same film."""
        parts = (self.title, self.crossfade, self.title_card, [shot.fingerprint for shot in self.shots])
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def script_arguments(raw: Mapping[str, object], *also: str) -> Arguments:
    """Begin to read a call that describes a film, with further arguments `also` known."""
    of_a_shot = {
        name: say("{name} belongs in a shot: give it there.", name=name)
        for name in SHOT_ARGUMENTS
        if name not in SCRIPT_ARGUMENTS
    }
    return Arguments(raw, known=(*SCRIPT_ARGUMENTS, *also), elsewhere=of_a_shot)


def parse_script(arguments: Arguments, model: Model, limits: Limits) -> Script:
    """Read a whole script out of `arguments`. What is said for the whole film holds for each shot that does not say
    otherwise.

    Raises:
        InvalidRequest: with every problem of every shot at once, by its number.
    """
    style = arguments.text("style", longest=model.prompt_max - 1)
    usual: dict[str, object] = {
        "size": parse_size(arguments, model, limits),
        "duration": parse_duration(arguments, model, limits),
        "negative_prompt": arguments.text("negative_prompt", longest=model.negative_prompt_max),
        "prompt_extend": arguments.flag("prompt_extend", default=True),
        "watermark": arguments.flag("watermark", default=False),
    }
    script = Script(
        title=arguments.text("title", longest=LONGEST_TITLE, required=True) or "",
        shots=_shots(arguments, usual, style, model, limits),
        style=style,
        crossfade=_crossfade(arguments),
        title_card=arguments.flag("title_card", default=False),
    )
    arguments.finish()
    return script


def another_take(
    script: Script, number: int, *, prompt: str | None, seed: int | None, model: Model, limits: Limits
) -> Script:
    """Return the script with shot `number` asked for anew: by another prompt, another seed, or neither.

    The same request with the same seed would bring the same video: a seed that was given is then counted up.

    Raises:
        InvalidRequest: there is no such shot, or it cannot be accepted so.
    """
    count = len(script.shots)
    if not 1 <= number <= count:
        raise InvalidRequest([say("shot must be from 1 to {count}, not {number}.", count=count, number=number)])
    before = script.shots[number - 1]
    if prompt is None and seed is None and before.seed is not None:
        seed = (before.seed + 1) % (model.seed_max + 1)
    asked = {name: value for name, value in asdict(before).items() if name in REQUEST_ARGUMENTS}
    if seed is not None:
        asked["seed"] = seed
    problems: list[Mistake] = []
    if prompt is not None:
        asked["prompt"] = _styled(prompt, script.style, model, problems)
    read = request_arguments(asked)
    read.problems.extend(problems)
    shot = parse_request(read, model, limits)
    return replace(script, shots=(*script.shots[: number - 1], shot, *script.shots[number:]))


def _shots(
    arguments: Arguments, usual: Mapping[str, object], style: str | None, model: Model, limits: Limits
) -> tuple[VideoRequest, ...]:
    raw = arguments.raw("shots")
    if raw is None:
        arguments.problem(say("shots is missing: a list of 1 to {most} shots.", most=MOST_SHOTS), "shots")
        return ()
    if not isinstance(raw, list) or not 1 <= len(cast(list[object], raw)) <= MOST_SHOTS:
        shown = len(cast(list[object], raw)) if isinstance(raw, list) else show(raw)
        problem = say("shots must be a list of 1 to {most} shots, not {shown}.", most=MOST_SHOTS, shown=shown)
        arguments.problem(problem, "shots")
        return ()
    shots = list[VideoRequest]()
    for number, one in enumerate(cast(list[object], raw), 1):
        try:
            shots.append(_shot(one, usual, style, model, limits))
        except InvalidRequest as error:
            for problem in error.problems:
                told = say("Shot {number}: {problem}", number=number, problem=problem)
                arguments.problem(told, "shots", number, *problem.at)
    return tuple(shots)


def _shot(raw: object, usual: Mapping[str, object], style: str | None, model: Model, limits: Limits) -> VideoRequest:
    if not isinstance(raw, Mapping):
        example = '{"prompt": "..."}'
        raise InvalidRequest(
            [Mistake(say("it must be an object like {example}, not {shown}.", example=example, shown=show(raw)))]
        )
    of_the_film = {
        name: say("{name} holds for the whole film: give it beside shots.", name=name)
        for name in SCRIPT_ARGUMENTS
        if name not in SHOT_ARGUMENTS
    }
    own = Arguments(cast(Mapping[str, object], raw), known=SHOT_ARGUMENTS, elsewhere=of_the_film)
    given = {name: own.raw(name) for name in SHOT_ARGUMENTS if own.given(name)}
    if "prompt" in given:
        given["prompt"] = _styled(given["prompt"], style, model, own.problems)
    read = request_arguments({**usual, **given})
    read.problems.extend(own.problems)
    return parse_request(read, model, limits)


def _styled(prompt: object, style: str | None, model: Model, problems: list[Mistake]) -> object:
    """Return the prompt with the style at its end; a problem of its own it is left to have."""
    if style is None or not isinstance(prompt, str) or not prompt.strip() or len(prompt) > model.prompt_max:
        return prompt
    styled = f"{prompt.rstrip()} {style}"
    if len(styled) <= model.prompt_max:
        return styled
    words = say(
        "prompt and style have together {both} characters ({own} and {styles}, and the space between); at most {most} "
        "are allowed (DashScope would cut the rest silently and bill it); shorten one of them.",
        own=len(prompt.rstrip()),
        styles=len(style),
        both=len(styled),
        most=model.prompt_max,
    )
    problems.append(Mistake(words, "prompt"))
    return prompt


def _crossfade(arguments: Arguments) -> float:
    seconds = arguments.number("crossfade") or 0
    if seconds > LONGEST_CROSSFADE:
        arguments.problem(
            say("crossfade must be 0 to {most} seconds, not {shown}.", most=LONGEST_CROSSFADE, shown=seconds),
            "crossfade",
        )
    return float(seconds)
