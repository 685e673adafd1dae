"""Remote text for a reader: one line, cut, and without anything that steers or gives away."""

import re

_QUOTED = 300
_READ = 4000
"""Characters that are looked at: more than are shown, since what is taken out makes room."""


def quote_remote(text: str, *, secret: str | None = None) -> str:
    """Make remote text harmless: it is data, never instructions, and may echo what must not be shown."""
    if secret:
        text = text.replace(secret, "[key]")
    text = text[:_READ]
    # Not printable are controls, and the marks that are invisible or turn the direction of what follows.
    text = "".join(character if character.isprintable() and character != "`" else " " for character in text)
    text = re.sub(r"\bsk-[\w-]{6,}", "[key]", text)
    text = re.sub(r"(?i)(://[^\s\"'<>?]+\?)[^\s\"'<>]+", r"\1…", text)
    text = re.sub(r"(?i)(Signature|OSSAccessKeyId|credential|security-token)=[^&\s\"]+", r"\1=…", text)
    text = " ".join(text.split())
    return text if len(text) <= _QUOTED else text[: _QUOTED - 1] + "…"
