"""What DashScope's answers hold: the wire models, private to this adapter, and what is made of them.

Every field may be missing, empty or null, and a wrong type counts as missing: what we have paid for is not to be
lost over a field that nobody needs.
"""

import json
import logging
import re
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, cast
from urllib.parse import parse_qs, urlsplit

import httpx
from pydantic import BaseModel, BeforeValidator, Field

from wan_mcp.adapters.dashscope.quoting import quote_remote
from wan_mcp.domain.errors import Unavailable
from wan_mcp.domain.language import say
from wan_mcp.domain.remote import ListedTask, RemoteTask
from wan_mcp.domain.task import Status

logger = logging.getLogger(__name__)

_BEIJING = timezone(timedelta(hours=8))


def _text_or_none(value: object) -> str | None:
    # A prompt that was cut in the middle of an emoji comes back with half of it, which no file can hold.
    return value.encode(errors="replace").decode() if isinstance(value, str) and value else None


def number_or_none(value: object) -> float | None:
    # Java samples of the same API show 5.0, and strings.
    try:
        return float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        return None


def _seconds_or_none(value: object) -> int | None:
    """Read what is billed; a number that no video has says nothing."""
    seconds = number_or_none(value)
    return round(seconds) if seconds is not None and 0.5 < seconds < 3600 else None


def _time_or_none(value: object) -> datetime | None:
    """Read `2025-09-29 14:18:52.331`: Beijing time without a zone, whatever the region."""
    try:
        told = datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
    except ValueError:
        return None
    if told is None or not _is_of_this_century(told):
        return None
    return (told if told.tzinfo else told.replace(tzinfo=_BEIJING)).astimezone(UTC)


def _is_of_this_century(told: datetime) -> bool:
    """The year 1 and the year 9999 are ways to leave it out."""
    return 2000 < told.year < 2100


def _epoch_or_none(value: object) -> datetime | None:
    """Read milliseconds since 1970."""
    milliseconds = number_or_none(value)
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None
    except (ValueError, OverflowError, OSError):
        return None


def _link_or_none(value: object) -> str | None:
    """A link is shown to models as it came, so it may hold nothing that an address does not."""
    return value if isinstance(value, str) and re.fullmatch(r"https?://[\x21-\x7e]{1,4000}", value) else None


def _id_or_none(value: object) -> str | None:
    """An id is asked for in addresses, and shown to people and models."""
    return value if isinstance(value, str) and re.fullmatch(r"[\x21-\x7e]{1,200}", value) else None


_Text = Annotated[str | None, BeforeValidator(_text_or_none)]
_Id = Annotated[str | None, BeforeValidator(_id_or_none)]
_Seconds = Annotated[int | None, BeforeValidator(_seconds_or_none)]
_Link = Annotated[str | None, BeforeValidator(_link_or_none)]
_Time = Annotated[datetime | None, BeforeValidator(_time_or_none)]
_Epoch = Annotated[datetime | None, BeforeValidator(_epoch_or_none)]


class _Output(BaseModel):
    """Every field may be missing, empty or null; a wrong type counts as missing."""

    task_id: _Id = None
    task_status: _Text = None
    submit_time: _Time = None
    scheduled_time: _Time = None
    end_time: _Time = None
    video_url: _Link = None
    orig_prompt: _Text = None
    actual_prompt: _Text = None
    code: _Text = None
    message: _Text = None


class _Usage(BaseModel):
    duration: _Seconds = None
    output_video_duration: _Seconds = None
    video_duration: _Seconds = None
    size: _Text = None

    @property
    def billed_seconds(self) -> int | None:
        """The first that is present and not the SDK's filler 0."""
        return self.duration or self.output_video_duration or self.video_duration


class _Row(BaseModel):
    task_id: _Id = None
    gmt_create: _Epoch = None
    start_time: _Epoch = None
    model_name: _Text = None


def _object_or_empty(value: object) -> object:
    return cast("object", value) if isinstance(value, dict) else {}


class Fault(BaseModel):
    """The native shape, and the one of the OpenAI-compatible gateway, which native paths have answered too."""

    code: _Text = None
    message: _Text = None


class Answer(BaseModel):
    request_id: _Text = None
    output: Annotated[_Output, BeforeValidator(_object_or_empty)] = Field(default_factory=_Output)
    usage: Annotated[_Usage, BeforeValidator(_object_or_empty)] = Field(default_factory=_Usage)
    code: _Text = None
    message: _Text = None
    error: Annotated[Fault, BeforeValidator(_object_or_empty)] = Field(default_factory=Fault)

    @property
    def fault(self) -> Fault:
        """The error this answer carries; both fields are `None` where it carries none."""
        return Fault(code=self.code or self.error.code, message=self.message or self.error.message)


class Listing(BaseModel):
    total: int | None = None
    total_page: int | None = None
    data: list[_Row] | None = None
    tasks: list[_Row] | None = None

    @property
    def rows(self) -> list[_Row] | None:
        return self.data if self.data is not None else self.tasks

    def ends_with(self, page: int, *, brought_news: bool) -> bool:
        """Is this the last page? Where the list does not tell its length, it is one that brings nothing new."""
        return page >= self.total_page if self.total_page is not None else not brought_news


def json_of(response: httpx.Response) -> object:
    """Return what the body holds; `None` where it is no JSON. The standard library reads half an emoji too."""
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        return None


def remote_task(answer: Answer, dashscope_task_id: str, *, quote: Callable[[str], str]) -> RemoteTask:
    """Read what an answer says of a remote task; `quote` makes what a reader is shown harmless."""
    output = answer.output
    return RemoteTask(
        id=dashscope_task_id,
        status=_status(output.task_status),
        request_id=answer.request_id and quote(answer.request_id),
        submitted_at=output.submit_time,
        started_at=output.scheduled_time,
        ended_at=output.end_time,
        video_url=output.video_url,
        expires_at=_link_expiry(output.video_url),
        orig_prompt=output.orig_prompt,
        actual_prompt=output.actual_prompt,
        billed_seconds=answer.usage.billed_seconds,
        size=answer.usage.size,
        code=output.code and quote(output.code),
        message=output.message and quote(output.message),
    )


def _status(word: str | None) -> Status | None:
    if word in ("PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELED", "UNKNOWN"):
        return Status(word)
    if word is not None:
        logger.warning("DashScope names a status that is not documented: %r", quote_remote(word))
    return None


def listed(listing: Listing) -> Generator[ListedTask]:
    """Read the rows of a list.

    Raises:
        Unavailable: one of them cannot be told from another.
    """
    for row in listing.rows or []:
        created_at = row.gmt_create or row.start_time
        if row.task_id is None or created_at is None:
            # Left out, it could be the very task that is looked for.
            raise Unavailable(say("DashScope's list has a task without its id or its time."))
        yield ListedTask(dashscope_task_id=row.task_id, created_at=created_at, model=row.model_name)


def _link_expiry(url: str | None) -> datetime | None:
    """Read the end of life that an OSS link carries, in epoch seconds."""
    try:
        expires = parse_qs(urlsplit(url or "").query).get("Expires", [""])[0]
        told = datetime.fromtimestamp(int(expires), UTC)
        return told if _is_of_this_century(told) else None
    except (ValueError, OverflowError, OSError):
        return None
