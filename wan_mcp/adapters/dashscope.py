"""DashScope's HTTP API: submit, look, cancel, find. What an answer means for money is decided here, once.

The wire models are private: what leaves this file is `RemoteTask` and `ListedTask`, or an error of
`domain.errors`. Nothing here retries; whoever calls knows whether that would be safe.

Sources: https://help.aliyun.com/zh/model-studio/text-to-video-api-reference (create, query),
.../manage-asynchronous-tasks (cancel, list), .../error-code.
"""

import functools
import json
import logging
import re
import ssl
from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Annotated, Any, cast
from urllib.parse import parse_qs, quote, urlsplit

import anyio
import httpx
from aiolimiter import AsyncLimiter
from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from wan_mcp import __version__
from wan_mcp.domain.advice import advice, is_only_for_now
from wan_mcp.domain.errors import RateLimited, Refused, SubmissionUncertain, TooLate, Unavailable
from wan_mcp.domain.remote import ListedTask, RemoteTask
from wan_mcp.domain.request import VideoRequest
from wan_mcp.domain.task import Status

logger = logging.getLogger(__name__)

_CREATE = "/services/aigc/video-generation/video-synthesis"
_BEIJING = timezone(timedelta(hours=8))
_QUOTED = 300
_PAGE = 50
_PAGES_AT_MOST = 200

_TIMEOUT = httpx.Timeout(20.0, connect=5.0)
_WHOLE_CALL = timedelta(seconds=28)
"""For one call from its first byte to its last: a tool call must be answered within 45."""


_NOT_THERE = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
"""Nothing of the request can have arrived."""


def _text_or_none(value: object) -> str | None:
    # A prompt that was cut in the middle of an emoji comes back with half of it, which no file can hold.
    return value.encode(errors="replace").decode() if isinstance(value, str) and value else None


def _number_or_none(value: object) -> float | None:
    # Java samples of the same API show 5.0, and strings.
    try:
        return float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        return None


def _seconds_or_none(value: object) -> int | None:
    """Read what is billed; a number that no video has says nothing."""
    seconds = _number_or_none(value)
    return round(seconds) if seconds is not None and 0.5 < seconds < 3600 else None


def _time_or_none(value: object) -> datetime | None:
    """Read `2025-09-29 14:18:52.331`: Beijing time without a zone, whatever the region."""
    try:
        told = datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
    except ValueError:
        return None
    if told is None or not 2000 < told.year < 2100:  # the year 1 and the year 9999 are ways to leave it out
        return None
    return (told if told.tzinfo else told.replace(tzinfo=_BEIJING)).astimezone(UTC)


def _epoch_or_none(value: object) -> datetime | None:
    """Read milliseconds since 1970."""
    milliseconds = _number_or_none(value)
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None
    except (ValueError, OverflowError, OSError):
        return None


def _link_or_none(value: object) -> str | None:
    """A link is shown to models as it came, so it may hold nothing that an address does not."""
    return value if isinstance(value, str) and re.fullmatch(r"https?://[\x21-\x7e]{1,4000}", value) else None


_Text = Annotated[str | None, BeforeValidator(_text_or_none)]
_Seconds = Annotated[int | None, BeforeValidator(_seconds_or_none)]
_Link = Annotated[str | None, BeforeValidator(_link_or_none)]
_Time = Annotated[datetime | None, BeforeValidator(_time_or_none)]
_Epoch = Annotated[datetime | None, BeforeValidator(_epoch_or_none)]


class _Output(BaseModel):
    """Every field may be missing, empty or null; a wrong type counts as missing."""

    task_id: _Text = None
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
    task_id: _Text = None
    gmt_create: _Epoch = None
    start_time: _Epoch = None
    model_name: _Text = None


def _object_or_empty(value: object) -> object:
    return cast("object", value) if isinstance(value, dict) else {}


class _Fault(BaseModel):
    """The native shape, and the one of the OpenAI-compatible gateway, which native paths have answered too."""

    code: _Text = None
    message: _Text = None


class _Answer(BaseModel):
    request_id: _Text = None
    output: Annotated[_Output, BeforeValidator(_object_or_empty)] = Field(default_factory=_Output)
    usage: Annotated[_Usage, BeforeValidator(_object_or_empty)] = Field(default_factory=_Usage)
    code: _Text = None
    message: _Text = None
    error: Annotated[_Fault, BeforeValidator(_object_or_empty)] = Field(default_factory=_Fault)

    @property
    def fault(self) -> _Fault:
        """The error this answer carries; both fields are `None` where it carries none."""
        return _Fault(code=self.code or self.error.code, message=self.message or self.error.message)


class _List(BaseModel):
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


@functools.cache
def _tls() -> ssl.SSLContext:
    """Made once in a process: reading the certificates takes as long as a whole call."""
    return httpx.create_ssl_context()


OnAnswer = Callable[[str, str, float], None]


class DashScope:
    """One account at one API root. Make it inside the event loop that uses it."""

    def __init__(
        self,
        *,
        api_root: str,
        key: str,
        workspace: str | None = None,
        submissions_per_second: int = 5,
        queries_per_second: int = 20,
        is_local: bool = False,
        timeout: httpx.Timeout = _TIMEOUT,
        whole_call: timedelta = _WHOLE_CALL,
        on_answer: OnAnswer = lambda operation, outcome, seconds: None,
    ) -> None:
        """`api_root` ends in /api/v1; the key goes there and nowhere else. `is_local`: it is this machine.
        `on_answer` hears of every exchange: its operation, what it came to, its seconds."""
        self._key = key
        self._on_answer = on_answer
        self._whole_call = whole_call.total_seconds()
        self._headers = {"Authorization": f"Bearer {key}"}
        if workspace:
            self._headers["X-DashScope-WorkSpace"] = workspace
        self._http = httpx.AsyncClient(
            base_url=api_root.rstrip("/"),
            headers={"User-Agent": f"wan-mcp/{__version__}", "Accept": "application/json"},
            verify=_tls(),
            timeout=timeout,
            follow_redirects=False,
            trust_env=not is_local,  # a proxy of the environment does not reach our own loopback
            event_hooks={"response": [self._note_time]},
        )
        # A leaky bucket lets its whole size through at once and goes on at its rate, so the two together must
        # be the limit: submissions evenly spaced, queries in bursts of a quarter of what a second may hold.
        self._submissions = AsyncLimiter(1, 1 / max(1, submissions_per_second - 1))
        burst = max(1, queries_per_second // 4)
        self._queries = AsyncLimiter(burst, burst / max(1, queries_per_second - burst))

        self.told_time: datetime | None = None
        """What DashScope's own clock said with its last answer, to the second."""

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _note_time(self, response: httpx.Response) -> None:
        try:
            told = parsedate_to_datetime(response.headers.get("date", ""))
        except (ValueError, OverflowError):  # RFC 9110 §6.6.1 asks servers to send it; some proxies spoil it
            self.told_time = None
        else:
            self.told_time = told if told.tzinfo else told.replace(tzinfo=UTC)

    async def submit(self, request: VideoRequest) -> RemoteTask:
        """Create a remote task. Sent exactly once.

        Raises:
            Refused: DashScope said no; nothing was started. `RateLimited` where it is only for now.
            Unavailable: it could not be reached; nothing arrived.
            SubmissionUncertain: sent, and the answer was lost or cannot be read.
        """
        headers = {**self._headers, "X-DashScope-Async": "enable"}
        if request.audio_url and request.audio_url.startswith("oss://"):
            headers["X-DashScope-OssResourceResolve"] = "enable"
        async with self._submissions:
            response = await self._post_once(headers, _body(request))
        return self._accepted(response)

    async def look(self, dashscope_task_id: str) -> RemoteTask:
        """Ask once how a remote task is doing.

        Raises:
            Unavailable: no answer, or none that says anything; ask again later.
            Refused: DashScope does not let this key ask.
        """
        response = await self._query("look", "GET", f"/tasks/{quote(dashscope_task_id, safe='')}")
        answer = self._read(response)
        if answer is None or answer.output.task_status is None:
            raise self._told_nothing(response, answer)
        return self._remote_task(answer, dashscope_task_id)

    async def cancel(self, dashscope_task_id: str) -> None:
        """Cancel a remote task that is still PENDING.

        Raises:
            TooLate: it is past PENDING.
            Unavailable, Refused: as `look`.
        """
        response = await self._query("cancel", "POST", f"/tasks/{quote(dashscope_task_id, safe='')}/cancel")
        answer = self._read(response)
        if answer is not None and answer.fault.code == "UnsupportedOperation":
            raise TooLate("DashScope cancels a task only while it is PENDING, and this one no longer is.")
        if response.status_code != 200 or answer is None or answer.fault.code:
            raise self._told_nothing(response, answer)

    async def find(self, model: str) -> list[ListedTask]:
        """List every remote task of `model` that was created within the last 24 hours, completely.

        Without a time window, which is how the service means "the last 24 hours": its `start_time` is
        a local time of no documented zone, while the rows carry epoch milliseconds.

        Raises:
            Unavailable, Refused: as `look`; also where the list cannot be read to its end.
        """
        found: dict[str, ListedTask] = {}
        total = 0
        for page in range(1, _PAGES_AT_MOST + 1):
            response = await self._query(
                "find", "GET", "/tasks", params={"model_name": model, "page_no": str(page), "page_size": str(_PAGE)}
            )
            listing = self._read_list(response)
            known, total = len(found), listing.total or 0
            found.update((listed.dashscope_task_id, listed) for listed in _listed(listing))
            if listing.ends_with(page, brought_news=len(found) > known):
                break
        else:
            raise Unavailable(f"DashScope's list goes on after {_PAGES_AT_MOST} pages.")
        if len(found) < total:
            raise Unavailable(f"DashScope's list names {total} tasks and showed {len(found)}.")
        return list(found.values())

    async def _post_once(self, headers: Mapping[str, str], body: Mapping[str, Any]) -> httpx.Response:
        try:
            return await self._exchange("submit", "POST", _CREATE, headers=headers, body=body)
        except _NOT_THERE as error:
            raise Unavailable(
                f"DashScope could not be reached ({type(error).__name__}); nothing was sent.",
                next_step="Check the network and create the task again.",
            ) from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise self._uncertain(f"the answer was lost ({type(error).__name__})") from error

    def _accepted(self, response: httpx.Response) -> RemoteTask:
        answer = self._read(response)
        status = response.status_code
        code, message = self._fault(answer)
        if 200 <= status < 300 and answer is not None and answer.output.task_id:
            return self._remote_task(answer, answer.output.task_id)
        # The same code has come with different statuses, 200 among them.
        is_throttled = status == 429 or (status < 500 and code is not None and code.startswith("Throttling"))
        if is_throttled and is_only_for_now(code or "", message or ""):
            raise RateLimited(self._refusal(response, answer), code=code, retry_after=_retry_after(response))
        if (300 <= status < 500 and status != 408) or (200 <= status < 300 and code is not None):
            raise self._refused(response, answer)
        raise self._uncertain(f"its answer (HTTP {status}) says neither yes nor no")

    async def _query(
        self, operation: str, method: str, path: str, params: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """A call that may be repeated freely. Never carries the header of creation: DashScope refuses that."""
        try:
            async with self._queries:
                return await self._exchange(operation, method, path, headers=self._headers, params=params)
        except (httpx.HTTPError, TimeoutError) as error:
            raise Unavailable(f"DashScope did not answer ({type(error).__name__}).") from error

    async def _exchange(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> httpx.Response:
        """One request and its answer, timed for whoever counts; waiting for our own pace is not in it."""
        began, outcome = anyio.current_time(), "abandoned"
        try:
            # Two queries in a row, or a submission after two connections that timed out: both fit into 45 seconds.
            with anyio.fail_after(self._whole_call if operation == "submit" else self._whole_call / 2):
                response = await self._http.request(method, path, headers=headers, params=params, json=body)
            outcome = "429" if response.status_code == 429 else f"{response.status_code // 100}xx"
            return response
        except _NOT_THERE:
            outcome = "unreachable"
            raise
        except (httpx.HTTPError, TimeoutError):
            outcome = "lost"
            raise
        finally:
            self._on_answer(operation, outcome, anyio.current_time() - began)

    def _read(self, response: httpx.Response) -> _Answer | None:
        """Parse a body, or `None` where it is no JSON object: a load balancer's page, half an answer."""
        try:
            return _Answer.model_validate(_json(response))
        except ValidationError:
            return None

    def _read_list(self, response: httpx.Response) -> _List:
        try:
            listing = _List.model_validate(_json(response))
        except ValidationError:
            raise self._told_nothing(response, None) from None
        if response.status_code != 200 or listing.rows is None:
            raise self._told_nothing(response, self._read(response))
        return listing

    def _told_nothing(self, response: httpx.Response, answer: _Answer | None) -> Unavailable | Refused:
        """An answer to a question that may be asked again, which brought no fact."""
        status = response.status_code
        code, _ = self._fault(answer)
        if code and 400 <= status < 500 and status not in (408, 409, 429):
            return self._refused(response, answer)
        what = f"{code or 'nothing readable'} (HTTP {status})"
        return Unavailable(f"DashScope answered {what}; it is asked again later.")

    def _refused(self, response: httpx.Response, answer: _Answer | None) -> Refused:
        code = self._fault(answer)[0] or f"HTTP{response.status_code}"
        return Refused(self._refusal(response, answer), code=code, next_step=advice(code))

    def _refusal(self, response: httpx.Response, answer: _Answer | None) -> str:
        code, message = self._fault(answer)
        request_id = (answer.request_id if answer else None) or response.headers.get("x-request-id")
        quoted = f': "{message}"' if message else ""
        number = f" (request {self.quote(request_id)})" if request_id else ""
        return f"DashScope refused with {code or f'HTTP {response.status_code}'}{quoted}{number}."

    def _fault(self, answer: _Answer | None) -> tuple[str | None, str | None]:
        """Code and message of an error, fit to be shown; both are `None` where there is none."""
        fault = answer.fault if answer is not None else _Fault()
        return fault.code and self.quote(fault.code), fault.message and self.quote(fault.message)

    def _uncertain(self, why: str) -> SubmissionUncertain:
        return SubmissionUncertain(
            f"The request was sent to DashScope, but {why}. The task may exist and be charged.",
            next_step="Do not create it again: it is looked for at DashScope.",
        )

    def _remote_task(self, answer: _Answer, dashscope_task_id: str) -> RemoteTask:
        output = answer.output
        return RemoteTask(
            id=dashscope_task_id,
            status=_status(output.task_status),
            request_id=answer.request_id and self.quote(answer.request_id),
            submitted_at=output.submit_time,
            started_at=output.scheduled_time,
            ended_at=output.end_time,
            video_url=output.video_url,
            expires_at=_link_expiry(output.video_url),
            orig_prompt=output.orig_prompt,
            actual_prompt=output.actual_prompt,
            billed_seconds=answer.usage.billed_seconds,
            size=answer.usage.size,
            code=output.code and self.quote(output.code),
            message=output.message and self.quote(output.message),
        )

    def quote(self, text: str) -> str:
        """Remote text for a reader: one line, cut, without our key or a link's signature."""
        return quote_remote(text, secret=self._key)


def quote_remote(text: str, *, secret: str | None = None) -> str:
    """Make remote text harmless: it is data, never instructions, and may echo what must not be shown."""
    if secret:
        text = text.replace(secret, "[key]")
    # Not printable are controls, and the marks that are invisible or turn the direction of what follows.
    text = "".join(character if character.isprintable() and character != "`" else " " for character in text)
    text = re.sub(r"\bsk-[\w-]{6,}", "[key]", text)
    text = re.sub(r"(?i)(://[^\s\"'<>?]+\?)[^\s\"'<>]+", r"\1…", text)
    text = re.sub(r"(?i)(Signature|OSSAccessKeyId|credential|security-token)=[^&\s\"]+", r"\1=…", text)
    text = " ".join(text.split())
    return text if len(text) <= _QUOTED else text[: _QUOTED - 1] + "…"


def _body(request: VideoRequest) -> dict[str, Any]:
    """Always sends what has a default that costs or surprises: DashScope's default size is the dearest."""
    optional_input = {"negative_prompt": request.negative_prompt, "audio_url": request.audio_url}
    parameters: dict[str, Any] = {
        "size": request.size,
        "duration": request.duration,
        "prompt_extend": request.prompt_extend,
        "watermark": request.watermark,
    }
    if request.seed is not None:
        parameters["seed"] = request.seed
    return {
        "model": request.model,
        "input": {"prompt": request.prompt} | {k: v for k, v in optional_input.items() if v is not None},
        "parameters": parameters,
    }


def _json(response: httpx.Response) -> object:
    """Return what the body holds; `None` where it is no JSON. The standard library reads half an emoji too."""
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        return None


def _status(word: str | None) -> Status | None:
    if word in ("PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELED", "UNKNOWN"):
        return Status(word)
    if word is not None:
        logger.warning("DashScope names a status that is not documented: %r", quote_remote(word))
    return None


def _listed(listing: _List) -> Generator[ListedTask]:
    for row in listing.rows or []:
        created_at = row.gmt_create or row.start_time
        if row.task_id is None or created_at is None:
            # Left out, it could be the very task that is looked for.
            raise Unavailable("DashScope's list has a task without its id or its time.")
        yield ListedTask(dashscope_task_id=row.task_id, created_at=created_at, model=row.model_name)


def _link_expiry(url: str | None) -> datetime | None:
    """Read the end of life that an OSS link carries, in epoch seconds."""
    try:
        expires = parse_qs(urlsplit(url or "").query).get("Expires", [""])[0]
        return datetime.fromtimestamp(int(expires), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _retry_after(response: httpx.Response) -> float | None:
    seconds = _number_or_none(response.headers.get("retry-after"))
    return min(seconds, 300.0) if seconds is not None and seconds >= 0 else None


__all__ = ["DashScope", "quote_remote"]
