"""The language in which people are spoken to: English, or the Chinese of `chinese/`.

One process speaks one language, since it serves one person or one operator's house: `speak` is called once, where
the process starts. Written through `say` is what people read: errors, advice, progress, the command line. What
machines read is never translated (names, codes, statuses, commands, JSON keys), nor what models are taught with
(tool descriptions, schemas, instructions, prompts). The ledger keeps our fixed words in English, and `said` says
them when they are shown; words that were put together with facts stand there as they were said.
"""

from typing import Literal, LiteralString

Language = Literal["en", "zh"]

_CHINESE: dict[str, str] = {}
"""English template -> Chinese template; empty while English is spoken."""


def speak(language: Language) -> None:
    """Choose the language of this process."""
    _CHINESE.clear()
    if language == "zh":
        from wan_mcp.domain.chinese import CHINESE  # for those who read it only

        _CHINESE.update(CHINESE)


def say(template: LiteralString, /, **values: object) -> str:
    """Say `template` in the language of this process, with its `{places}` filled in.

    The template is the key of its translation, so it must be a literal; what it has no Chinese for is said in English.
    """
    return _CHINESE.get(template, template).format(**values)


def later(words: LiteralString) -> str:
    """Mark words that are fixed or recorded in English now, and shown by `said` when somebody reads them."""
    return words


def said(words: str) -> str:
    """Say words that were fixed or recorded earlier; what somebody else wrote stays as it is."""
    return _CHINESE.get(words, words)


def sentences(*parts: str | None) -> str:
    """Put sentences together; after a Chinese full stop there is no space."""
    text = ""
    for part in filter(None, parts):
        text += part if not text or text.endswith(("。", "！", "？")) else f" {part}"
    return text
