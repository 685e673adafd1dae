"""Reading what a caller sent: every problem is collected, none is repaired behind the caller's back.

Pydantic would coerce `"true"` and `1` to a boolean and word its findings for programmers. What a model sends
here spends money, so a value is taken only for what it is, and a problem says what is allowed.
"""

import difflib
from collections.abc import Collection, Mapping, Sequence

from wan_mcp.domain.errors import InvalidRequest, Mistake
from wan_mcp.domain.language import say

_SHOWN = 60
_LARGEST = 1e300
"""No number is larger: Python writes integers of thousands of digits only when asked twice."""

# What models write when they mean an argument whose spelling is far from it.
_SYNONYMS = {
    "seconds": "duration",
    "second": "duration",
    "length": "duration",
    "duration_seconds": "duration",
    "resolution": "size",
    "aspect_ratio": "size",
    "ratio": "size",
    "text": "prompt",
    "description": "prompt",
    "audio": "audio_url",
    "enhance_prompt": "prompt_extend",
    "id": "task_id",
    "wait": "wait_seconds",
    "timeout": "wait_seconds",
    "n": "count",
    "budget": "max_cost",
}


def show(value: object) -> str:
    """Show what was sent, cut."""
    try:
        text = repr(value)
    except ValueError:  # Python does not write numbers of thousands of digits
        text = say("a number of too many digits")
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


class Arguments:
    """One call's arguments. Read each by name, then `finish()` raises all problems at once."""

    def __init__(
        self, raw: Mapping[str, object], *, known: Collection[str], elsewhere: Mapping[str, str] | None = None
    ) -> None:
        """`elsewhere` has the names that are known in another place only, each with the words that say where."""
        # A null is how some hosts write "left out".
        self._raw = {name: value for name, value in raw.items() if value is not None or name not in known}
        self.problems: list[Mistake] = []
        for name in self._raw:
            if name not in known:
                self.problem(self._unknown(name, known, elsewhere or {}), name)

    @staticmethod
    def _unknown(name: str, known: Collection[str], elsewhere: Mapping[str, str]) -> str:
        meant = _SYNONYMS.get(name.lower())
        if meant not in known and (words := elsewhere.get(name.lower()) or elsewhere.get(meant or "")):
            return words
        near = [meant] if meant in known else difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
        if near:
            return say("There is no argument {name}; did you mean {near}?", name=show(name), near=show(near[0]))
        return say("There is no argument {name}; the arguments are {known}.", name=show(name), known=", ".join(known))

    def problem(self, words: str, *at: str | int) -> None:
        """Add a problem, so that it is told with the others; `at` as in `Mistake`."""
        self.problems.append(Mistake(words, *at))

    def given(self, name: str) -> bool:
        """Was `name` sent with a value?"""
        return name in self._raw

    def text(self, name: str, *, longest: int | None = None, required: bool = False) -> str | None:
        """Read text of 1 to `longest` characters; every code point counts one, a Chinese one too."""
        if name not in self._raw:
            if required:
                if longest:
                    self.problem(
                        say("{name} is missing: text of 1 to {longest} characters.", name=name, longest=longest),
                        name,
                    )
                else:
                    self.problem(say("{name} is missing.", name=name), name)
            return None
        value = self._raw[name]
        if not isinstance(value, str):
            self.problem(say("{name} must be text, not {value}.", name=name, value=show(value)), name)
            return None
        if not value.strip():
            if required:
                self.problem(say("{name} is empty; it needs words.", name=name), name)
            else:
                self.problem(say("{name} is empty; leave it out.", name=name), name)
            return None
        if any("\ud800" <= character <= "\udfff" for character in value):
            self.problem(
                say("{name} holds half of a character (a lone surrogate); send it as valid Unicode.", name=name),
                name,
            )
            return None
        if longest is not None and len(value) > longest:
            self.problem(
                say(
                    "{name} has {length} characters and at most {longest} are allowed "
                    "(DashScope would cut the rest silently and bill it); shorten it.",
                    name=name,
                    length=len(value),
                    longest=longest,
                ),
                name,
            )
            return None
        return value

    def integer(self, name: str, *, low: int, high: int) -> int | None:
        """Read a whole number from `low` to `high`. JSON writes 5 also as 5.0."""
        if name not in self._raw:
            return None
        value = self._whole(name)
        if value is None or not low <= value <= high:
            self.problem(
                say(
                    "{name} must be a whole number from {low} to {high}, not {value}.",
                    name=name,
                    low=low,
                    high=high,
                    value=show(self._raw[name]),
                ),
                name,
            )
            return None
        return value

    def choice(self, name: str, allowed: Sequence[int]) -> int | None:
        """Read one of a few whole numbers."""
        if name not in self._raw:
            return None
        value = self._whole(name)
        if value not in allowed:
            words = say(" or ").join(str(number) for number in allowed)
            self.problem(
                say(
                    "{name} must be {words} (a number), not {value}.",
                    name=name,
                    words=words,
                    value=show(self._raw[name]),
                ),
                name,
            )
            return None
        return value

    def number(self, name: str) -> float | int | None:
        """Read a number that is not negative."""
        if name not in self._raw:
            return None
        value = self._raw[name]
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LARGEST:
            self.problem(say("{name} must be a number, 0 or more, not {value}.", name=name, value=show(value)), name)
            return None
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """Read a boolean that really is one."""
        if name not in self._raw:
            return default
        value = self._raw[name]
        if not isinstance(value, bool):
            self.problem(
                say("{name} must be true or false (a boolean), not {value}.", name=name, value=show(value)), name
            )
            return default
        return value

    def word(self, name: str, allowed: Sequence[str]) -> str | None:
        """Read one of a few words, in whatever case."""
        if name not in self._raw:
            return None
        value = self._raw[name]
        if isinstance(value, str):
            for word in allowed:
                if word.lower() == value.strip().lower():
                    return word
        self.problem(
            say(
                "{name} must be one of {allowed}, not {value}.",
                name=name,
                allowed=", ".join(allowed),
                value=show(value),
            ),
            name,
        )
        return None

    def raw(self, name: str) -> object:
        """Return the value as it came."""
        return self._raw.get(name)

    def finish(self) -> None:
        """Raise `InvalidRequest` with every problem found, if there is any."""
        if self.problems:
            raise InvalidRequest(self.problems)

    def _whole(self, name: str) -> int | None:
        value = self._raw[name]
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return int(value) if isinstance(value, int) or value.is_integer() else None
