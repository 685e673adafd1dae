"""The prompts that teach to write for Wan, and to turn a script into shots."""

import re
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.types import TextContent

from tests.test_server import era
from tests.test_words import renew, same, tokens
from wan_mcp.domain.catalogue import WAN25_T2V
from wan_mcp.server.app import INSTRUCTIONS, build_server
from wan_mcp.service.videos import Videos

pytestmark = pytest.mark.anyio

__all__ = ["era", "renew"]  # fixtures

INVALID = -32602
ONE_PROMPT = 1000
"""Tokens that a prompt may cost, without what the person puts into it."""


async def no_service() -> Videos:
    """A prompt is only words."""
    raise AssertionError("a prompt needs no service")


async def words(name: str, arguments: dict[str, str], era: Any = "auto") -> str:
    """What a prompt says."""
    async with Client(build_server(no_service), mode=era) as client:
        [message] = (await client.get_prompt(name, arguments)).messages
    assert message.role == "user"
    assert isinstance(message.content, TextContent)
    return message.content.text


async def test_the_prompts_are_published_as_reviewed(renew: bool) -> None:
    """Their words are a product, as those of the tools are."""
    async with Client(build_server(no_service)) as client:
        listed = (await client.list_prompts()).prompts
    published = [prompt.model_dump(mode="json", by_alias=True, exclude_none=True) for prompt in listed]
    told = {
        "list": published,
        "wan_prompt": (await words("wan_prompt", {"idea": "IDEA", "style": "STYLE", "sound": "SOUND"})).splitlines(),
        "film_script": (
            await words("film_script", {"idea": "SCRIPT", "seconds": "60", "size": "1280*720"})
        ).splitlines(),
    }

    same("prompts", told, renew=renew)
    assert tokens(published) < 250
    assert all(tokens(told[prompt.name]) <= ONE_PROMPT for prompt in listed)


async def test_a_prompt_for_one_video_teaches_the_craft(era: Any) -> None:
    """Everything that the service's own guide names, and our rules about money."""
    text = await words("wan_prompt", {"idea": "a fox in the snow", "sound": "wind only"}, era)

    assert "<idea>\na fox in the snow\n</idea>\nSound: wind only\n" in text
    assert "Style:" not in text.split("</idea>")[1].split("Wan 2.5 makes")[0]
    for taught in ("Subject", "Scene", "Motion", "Camera", "Style", "Sound", "negative_prompt", "prompt_extend"):
        assert taught in text
    for limit in (WAN25_T2V.prompt_max, WAN25_T2V.negative_prompt_max):
        assert f"{limit} characters" in text
    assert text.index("estimate_cost") < text.index("create_video")


async def test_a_script_is_priced_before_anything_is_made(era: Any) -> None:
    """A film of thirty shots is a bill."""
    text = await words("film_script", {"idea": "A man waits. A train comes.", "seconds": " 60 "}, era)

    assert "<idea>\nA man waits. A train comes.\n</idea>\nLength of the whole film: about 60 s\n" in text
    assert text.index("estimate_cost") < text.index("Make nothing before they agree") < text.index("create_film once")


async def test_sizes_that_are_named_can_be_asked_for() -> None:
    """A prompt that taught a size nobody has would cost an error each time."""
    text = await words("wan_prompt", {"idea": "x"})

    assert set(re.findall(r"\d+\*\d+", text)) <= set(WAN25_T2V.all_sizes)


BAD: list[tuple[str, dict[str, str], str]] = [
    ("wan_prompt", {}, r"^wan_prompt needs idea: What the video should show\.$"),
    ("wan_prompt", {"idea": "  "}, "idea is empty"),
    ("wan_prompt", {"idea": "x", "mood": "y"}, r"^wan_prompt takes no 'mood'; it takes: idea, style, sound\.$"),
    ("film_script", {"style": "x"}, "idea"),
    ("film_script", {"idea": "x", "seconds": "a minute"}, "seconds must be a whole number of at least 5"),
    ("film_script", {"idea": "x", "seconds": "3"}, "seconds must be a whole number of at least 5"),
    ("film_script", {"idea": "x", "size": "720P"}, "1280\\*720"),
    ("storyboard", {}, r"^There is no prompt 'storyboard'; there are: wan_prompt, film_script\.$"),
]


@pytest.mark.parametrize(("name", "arguments", "said"), BAD)
async def test_a_bad_call_is_the_clients_error(name: str, arguments: dict[str, str], said: str, era: Any) -> None:
    """Not an internal one, and not a traceback in the log."""
    async with Client(build_server(no_service), mode=era) as client:
        with pytest.raises(MCPError, match=said) as failure:
            await client.get_prompt(name, arguments)

    assert failure.value.code == INVALID


async def test_braces_in_a_script_stay_what_they_are() -> None:
    """A person's text is never a template."""
    assert "{size} {0}" in await words("film_script", {"idea": "{size} {0}"})


def test_what_is_said_first_still_names_the_workflow() -> None:
    """Prompts are for those who look for them; the instructions reach every model."""
    assert "estimate_cost" in INSTRUCTIONS
