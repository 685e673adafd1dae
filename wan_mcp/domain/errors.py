"""Everything that can go wrong, as one tree. Each leaf says whose fault it is and whether money moved.

    WanError
    ├── InvalidRequest         caller    the arguments; every problem at once
    ├── UnknownTask            caller    no such task in this ledger or at DashScope
    ├── TooLate                caller    the task can no longer be cancelled
    ├── NoVideo                caller    the task has no file here: not yet, or for good
    ├── OverBudget             person    the person's budget does not allow it
    ├── NeedsConsent           person    the person must agree to this price first
    ├── Declined               person    the person was asked and said no
    ├── MissingKey             person    no API key is set
    ├── BadSettings            person    an environment variable that cannot be used
    ├── MediaMissing           person    the extra `media` is not installed
    ├── Refused                service   DashScope said no; nothing was started
    │   └── RateLimited        service   ... only for now: the task waits its turn
    ├── Unavailable            service   DashScope could not be reached; nothing arrived
    ├── SubmissionUncertain    service   sent, and the answer was lost: money MAY have moved
    ├── DownloadFailed         service   the file did not come home this time; the link may still live
    │   ├── LinkExpired        service   ... and will not: the link is dead
    │   └── FolderUnusable     person    ... for the folder of the videos cannot be written
    ├── VideoUnusable          machine   a video file cannot be read, or one cannot be made of it
    ├── LedgerUnusable         machine   the ledger cannot be read or written
    ├── StaleTask              nobody    another writer was first; reload and look again
    ├── IllegalTransition      us        a step that the life of a task does not have
    └── Unforeseen             us        a bug: nobody can say what it touched

The text of an error never varies in its order: what happened, whether money moved, what to do next.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal, Self

from wan_mcp.domain.language import later, said, say, sentences

MoneyMoved = Literal["no", "maybe"]
Fault = Literal["caller", "person", "service", "machine", "nobody", "us"]

_MONEY_WORDS: dict[MoneyMoved, str] = {
    "no": later("No money moved."),
    "maybe": later("Money MAY have moved."),
}


class WanError(Exception):
    """What happened (`str`), whether money moved, and what to do next."""

    fault: ClassVar[Fault]
    money_moved: ClassVar[MoneyMoved] = "no"

    def __init__(self, what: str, *, next_step: str = "", code: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.next_step = next_step
        self.code = code or type(self).__name__
        """DashScope's own code where it gave one, else the name of the class."""

    @property
    def words(self) -> str:
        """The whole text for a person or a model, in the order that never varies."""
        return sentences(self.what, said(_MONEY_WORDS[self.money_moved]), self.next_step)

    @property
    def words_without_money(self) -> str:
        """The same where money has no place: for whoever did something that costs nothing whatever comes of it."""
        return sentences(self.what, self.next_step)


class Mistake(str):
    """One problem of a call in words, which also knows what it is about."""

    at: tuple[str | int, ...]
    """What leads there in what was sent: a name, and for a shot of a film its number, from 1, and a name in it."""

    def __new__(cls, words: str, *at: str | int) -> Self:
        """A mistake of what is found at `at`; of the call as a whole without."""
        mistake = super().__new__(cls, words)
        mistake.at = at
        return mistake


class InvalidRequest(WanError):
    """The arguments cannot be accepted. `problems` names every one of them."""

    fault = "caller"

    def __init__(self, problems: Sequence[str], *, next_step: str = "") -> None:
        self.problems = [problem if isinstance(problem, Mistake) else Mistake(problem) for problem in problems]
        told = problems if len(problems) == 1 else [_numbered(n, text) for n, text in enumerate(problems, 1)]
        super().__init__(
            say("Not accepted: {problems} Nothing was sent.", problems=sentences(*told)),
            next_step=next_step or say("Mend what is named and call again."),
        )


def _numbered(number: int, problem: str) -> str:
    return say("({number}) {problem}", number=number, problem=problem)


class UnknownTask(WanError):
    """Neither this ledger nor DashScope knows the task."""

    fault = "caller"


class TooLate(WanError):
    """The task is past the point where it can be cancelled."""

    fault = "caller"


class NoVideo(WanError):
    """The task has no file here: not yet, or for good."""

    fault = "caller"


class OverBudget(WanError):
    """The person's budget does not allow this price."""

    fault = "person"


class NeedsConsent(WanError):
    """The price is above the threshold at which the person must agree first."""

    fault = "person"


class Declined(WanError):
    """The person was asked and did not agree."""

    fault = "person"


class MissingKey(WanError):
    """A tool that needs DashScope was called without an API key."""

    fault = "person"

    def __init__(self) -> None:
        super().__init__(
            say("No DashScope API key is set."),
            next_step=say(
                "The person can create one in the Alibaba Cloud Model Studio console and set DASHSCOPE_API_KEY for "
                "this server; `wan-mcp demo` shows everything without a key."
            ),
        )


class BadSettings(WanError):
    """An environment variable holds something that cannot be used."""

    fault = "person"


class MediaMissing(WanError):
    """What looks into video files is not installed."""

    fault = "person"


class Refused(WanError):
    """DashScope answered, and the answer is no. Nothing was started and nothing is billed."""

    fault = "service"


class RateLimited(Refused):
    """DashScope takes no more for now. The task waits with us and is sent when there is room."""

    def __init__(self, what: str, *, code: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(what, code=code, next_step=say("It is sent as soon as there is room."))
        self.retry_after = retry_after
        """Seconds that DashScope asked us to stay away, where it said so."""


class Unavailable(WanError):
    """DashScope could not be reached, or did not answer a question that is safe to ask again."""

    fault = "service"


class SubmissionUncertain(WanError):
    """The request was sent and its answer was lost: the task may exist and may be charged."""

    fault = "service"
    money_moved = "maybe"


class DownloadFailed(WanError):
    """The video did not arrive whole this time. It can be fetched again while its link lives."""

    fault = "service"


class LinkExpired(DownloadFailed):
    """The bucket says that the link is dead."""


class FolderUnusable(DownloadFailed):
    """The folder in which videos are saved cannot be written."""

    fault = "person"


class VideoUnusable(WanError):
    """A video file cannot be read, or one cannot be made of it."""

    fault = "machine"


class LedgerUnusable(WanError):
    """The ledger cannot be read or written. It is left as it is."""

    fault = "machine"


class StaleTask(WanError):
    """Somebody else wrote this version of the task first."""

    fault = "nobody"


class IllegalTransition(WanError):
    """The life of a task has no such step. Nothing was changed."""

    fault = "us"


class Unforeseen(WanError):
    """A bug. Its own text stays in the log; nobody can say whether money moved."""

    fault = "us"
    money_moved = "maybe"
