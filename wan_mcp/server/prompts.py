"""The prompts: what a model has to know to write for Wan 2.5, and to turn an idea into a film.

From the official prompt guide, in our own words: https://help.aliyun.com/zh/model-studio/text-to-video-prompt
How many words fit into five seconds is our own reckoning, at the pace of ordinary speech.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.mcpserver.prompts import Prompt
from mcp.server.mcpserver.prompts.base import PromptArgument
from mcp.types import INVALID_PARAMS
from mcp.types import Prompt as Listed

from wan_mcp.domain.arguments import show
from wan_mcp.domain.catalogue import WAN25_T2V
from wan_mcp.domain.language import say

_ORDER = """\
1. Subject: who or what, with looks, clothing, material, one or two telling details.
2. Scene: the place, what is in front and behind, time of day, weather, light (daylight, firelight, moonlight, \
neon; soft, hard, from the side, from behind).
3. Motion: what happens, how far, how fast, and what it causes. It must be feasible in the time: one action in 5 s, \
an action and its consequence in 10 s.
4. Camera: shot size (extreme close-up, close-up, medium, full, wide), angle (eye level, low, high, aerial, over the \
shoulder), lens if it matters, and one movement (fixed, push in, pull out, pan, tilt, follow, orbit).
5. Style: photographic or not (felt, clay, puppet, 3D cartoon, pixel art, line art, cyberpunk), colour (warm, cool, \
muted), at most one effect (time-lapse, tilt-shift).
6. Sound, which is made to fit the picture. Speech: the exact line in quotation marks, then who says it and how \
(emotion, tone, speed, timbre, accent). Effects: what sounds, on what material, in what room. Music: mood and style. \
Name what must be absent: "no dialogue", "no background music"."""

_IDEA = """\
Turn this idea into a prompt for the video model Wan 2.5, then offer to make the video.

<idea>
{idea}
</idea>
{wishes}
Wan 2.5 makes one continuous shot of 5 or 10 s with sound: no cuts. Write what a camera sees and a microphone hears, \
in plain sentences, in this order; leave out what does not matter:
{order}

Rules:
- At most {longest} characters, a Chinese one counts as one. English or Chinese; a spoken line in its own \
language.
- Ten spoken words (twenty Chinese characters) fill 5 s.
- Show feelings by what is visible; no abstractions, nothing that only a reader would know.
- negative_prompt: a list of what to keep out, without "no", at most {negative_longest} characters, for example: \
low resolution, blur, deformed hands, extra fingers, text, subtitles.
- prompt_extend: leave it on for a short prompt, which it enriches; turn it off when the prompt is already long and \
exact, or when the wording must stay as it is.
- size: 1280*720 for screens, 720*1280 for phones, 960*960 square; 832*480 is the cheapest for a first try.

Answer with prompt, negative_prompt, size, duration and prompt_extend. Then call estimate_cost, tell the price, and \
call create_video when the person agrees."""

_SHOTS = """\
Turn this into a film: shots for the video model Wan 2.5, priced before anything is made, joined into one file.

<idea>
{idea}
</idea>
{wishes}
Each video is one continuous shot of 5 or 10 s with its own sound, and the model remembers nothing of the shot before.
- Cut where place, time, subject or camera changes. One action, one camera movement, one speaker per shot. 5 s hold a \
look, a gesture, or a line of ten words (twenty Chinese characters); 10 s an action with its consequence, or two \
short lines. Divide longer speech.
- Continuity: first write, once, a fixed description of every character (age, face, hair, clothing, colours), every \
place (with time of day, weather, light) and the style of the whole film. Repeat these words unchanged in every shot \
they belong to; a name or "the same man" means nothing to the model.
- Joins: keep the direction of movement and the light across a cut; change shot size or angle clearly between \
neighbours; open every new place with a wide shot.
- Sound: music would start anew in every shot, so write "no background music" and lay it under the film afterwards. \
Use the same words for a place's ambience and for each voice; "no dialogue" where nobody speaks.
- One size and one negative_prompt for the film, and its style once: create_film adds it to every prompt. \
prompt_extend false, or the fixed words will be rewritten.

Each prompt, at most {longest} characters with the style, in this order:
{order}

Answer with the fixed descriptions, then a table: number, seconds, what happens, prompt (60 shots at most). Call \
estimate_cost with size and shots (the list of their seconds), and tell the person the price and what the budget \
leaves. Make nothing before they agree. Then call create_film once, with title, style, shots and max_cost, and \
get_film until it has ended. Look at each shot with preview_video; one that went wrong is made again by retake, with a \
mended prompt or another seed, and only that one is paid; the others stay and the film is joined anew."""


def add_prompts(server: MCPServer[Any]) -> None:
    """Publish them."""
    server.add_prompt(
        _prompt(
            wan_prompt,
            title="Write a Wan prompt",
            description="Turn an idea into a good Wan 2.5 prompt: subject, scene, motion, camera, style, sound.",
            idea="What the video should show.",
            style="The look, as in: claymation, warm colours.",
            sound="What is to be heard, as in: rain, no dialogue.",
        )
    )
    server.add_prompt(
        _prompt(
            film_script,
            title="Film script",
            description="Turn an idea into 5 and 10 s shots that belong together, priced, then made as one film.",
            idea="The idea, story or script.",
            seconds="How long the whole film should be, in seconds.",
            size="width*height of every shot.",
        )
    )


async def wan_prompt(idea: str, style: str = "", sound: str = "") -> str:
    """Teach to write one prompt."""
    return _IDEA.format(
        idea=_given("idea", idea),
        wishes=_wishes(("Style", style), ("Sound", sound)),
        order=_ORDER,
        longest=WAN25_T2V.prompt_max,
        negative_longest=WAN25_T2V.negative_prompt_max,
    )


async def film_script(idea: str, seconds: str = "", size: str = "") -> str:
    """Teach to split an idea into shots; the arguments of prompts are always text."""
    if seconds.strip() and not (seconds.strip().isdecimal() and int(seconds) >= min(WAN25_T2V.durations)):
        raise _wrong(say("seconds must be a whole number of at least {low}.", low=min(WAN25_T2V.durations)))
    if size.strip() and size.strip() not in WAN25_T2V.all_sizes:
        raise _wrong(say("size must be one of {sizes}.", sizes=", ".join(WAN25_T2V.all_sizes)))
    length = f"about {seconds.strip()} s" if seconds.strip() else ""
    return _SHOTS.format(
        idea=_given("idea", idea),
        wishes=_wishes(("Length of the whole film", length), ("Size of every shot", size)),
        order=_ORDER,
        longest=WAN25_T2V.prompt_max,
    )


def refuse_what_it_does_not_take(name: str, arguments: Mapping[str, object], prompts: Sequence[Listed]) -> None:
    """Let the arguments of a prompt through, or not.

    Raises:
        MCPError: there is no such prompt, it takes no such argument, or one is missing that it needs.
    """
    takes = {prompt.name: prompt.arguments or [] for prompt in prompts}
    if name not in takes:
        raise _wrong(say("There is no prompt {name}; there are: {names}.", name=show(name), names=", ".join(takes)))
    known = [one.name for one in takes[name]]
    if others := [argument for argument in arguments if argument not in known]:
        some, takes_these = ", ".join(map(show, others)), ", ".join(known)
        raise _wrong(
            say("{prompt} takes no {argument}; it takes: {known}.", prompt=name, argument=some, known=takes_these)
        )
    for one in takes[name]:
        if one.required and one.name not in arguments:
            raise _wrong(
                say("{prompt} needs {argument}: {what}", prompt=name, argument=one.name, what=one.description or "")
            )


def _wrong(words: str) -> MCPError:
    return MCPError(INVALID_PARAMS, words)


def _given(name: str, text: str) -> str:
    if not text.strip():
        raise _wrong(say("{argument} is empty.", argument=name))
    return text.strip()


def _wishes(*wishes: tuple[str, str]) -> str:
    return "".join(f"{name}: {wish.strip()}\n" for name, wish in wishes if wish.strip())


def _prompt(write: Callable[..., Awaitable[str]], *, title: str, description: str, **arguments: str) -> Prompt:
    """The first argument is needed. Built by hand: the SDK would derive the same from a schema, for milliseconds."""
    needed = next(iter(arguments))
    return Prompt(
        name=write.__name__,  # pyright: ignore[reportAttributeAccessIssue]  # a function, which has one
        title=title,
        description=description,
        arguments=[
            PromptArgument(name=name, description=words, required=name == needed) for name, words in arguments.items()
        ],
        fn=write,
        context_kwarg=None,
    )
