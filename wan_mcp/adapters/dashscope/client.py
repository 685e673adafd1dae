"""The calls: each sends one request, and decides what its answer means for money.

Nothing here retries; whoever calls knows whether that would be safe.

Sources: https://help.aliyun.com/zh/model-studio/text-to-video-api-reference (create, query),
.../manage-asynchronous-tasks (cancel, list), .../error-code.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import anyio
import httpx
from pydantic import ValidationError

from wan_mcp import __version__
from wan_mcp.adapters.dashscope.answers import Answer, Fault, Listing, json_of, listed, number_or_none, remote_task
from wan_mcp.adapters.dashscope.pace import Now, Pace, Sleep
from wan_mcp.adapters.dashscope.quoting import quote_remote
from wan_mcp.adapters.web import web_client
from wan_mcp.domain.advice import advice, is_only_for_now
from wan_mcp.domain.errors import RateLimited, Refused, SubmissionUncertain, TooLate, Unavailable
from wan_mcp.domain.language import say
from wan_mcp.domain.remote import ListedTask, RemoteTask
from wan_mcp.domain.request import VideoRequest

logger = logging.getLogger(__name__)

_CREATE = "/services/aigc/video-generation/video-synthesis"
_PAGE = 50
_PAGES_AT_MOST = 200

_TIMEOUT = httpx.Timeout(20.0, connect=5.0)
_WHOLE_CALL = timedelta(seconds=28)
"""For one call from its first byte to its last: a tool call must be answered within 45."""
_YEARS = range(2000, 3000)
"""With the first and the last days that a date can have, nothing can be reckoned."""
_LARGEST_ANSWER = 4 << 20
"""Bytes; a page of the list has some tens of thousands."""
_NOT_THERE = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
"""Nothing of the request can have arrived."""


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
        now: Now = anyio.current_time,
        sleep: Sleep = anyio.sleep,
    ) -> None:
        """`api_root` ends in /api/v1; the key goes there and nowhere else. `is_local`: it is this machine.
        `on_answer` hears of every exchange: its operation, what it came to, its seconds. Limits count by `now`."""
        self._key = key
        self._is_local = is_local
        self._on_answer = on_answer
        self._whole_call = whole_call.total_seconds()
        self._headers = {"Authorization": f"Bearer {key}"}
        if workspace:
            self._headers["X-DashScope-WorkSpace"] = workspace
        self._http = web_client(
            is_local=is_local,
            base_url=api_root.rstrip("/"),
            headers={"User-Agent": f"wan-mcp/{__version__}", "Accept": "application/json"},
            timeout=timeout,
            event_hooks={"response": [self._note_time]},
        )
        # Submissions evenly spaced, queries in bursts of a quarter of what a second may hold.
        self._submissions = Pace(burst=1, per_second=max(1, submissions_per_second - 1), now=now, sleep=sleep)
        burst = max(1, queries_per_second // 4)
        self._queries = Pace(burst=burst, per_second=max(1, queries_per_second - burst), now=now, sleep=sleep)

        self._now = now
        self.told_time: datetime | None = None
        """What DashScope's own clock said with its last answer, to the second."""
        self._told_at = 0.0

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _note_time(self, response: httpx.Response) -> None:
        try:
            told = parsedate_to_datetime(response.headers.get("date", ""))
        except (ValueError, OverflowError):  # RFC 9110 §6.6.1 asks servers to send it; some proxies spoil it
            self.told_time = None
        else:
            is_sane = told.year in _YEARS
            self.told_time = (told if told.tzinfo else told.replace(tzinfo=UTC)) if is_sane else None
            self._told_at = self._now()

    def clock_ahead(self, now: datetime) -> timedelta | None:
        """How far DashScope's clock is ahead of ours, by its last answer; machines' clocks are often minutes off.

        `None` where it told no time. What a machine slept through since that answer is missing in it.
        """
        if self.told_time is None:
            return None
        return self.told_time + timedelta(seconds=self._now() - self._told_at) - now

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
        await self._submissions.wait()
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
        return remote_task(answer, dashscope_task_id, quote=self.quote)

    async def cancel(self, dashscope_task_id: str) -> None:
        """Cancel a remote task that is still PENDING.

        Raises:
            TooLate: it is past PENDING.
            Unavailable, Refused: as `look`.
        """
        response = await self._query("cancel", "POST", f"/tasks/{quote(dashscope_task_id, safe='')}/cancel")
        answer = self._read(response)
        if answer is not None and answer.fault.code == "UnsupportedOperation":
            raise TooLate(say("DashScope cancels a task only while it is PENDING, and this one no longer is."))
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
            found.update((listed.dashscope_task_id, listed) for listed in listed(listing))
            if listing.ends_with(page, brought_news=len(found) > known):
                break
        else:
            raise Unavailable(say("DashScope's list goes on after {pages} pages.", pages=_PAGES_AT_MOST))
        if len(found) < total:
            raise Unavailable(say("DashScope's list counts {total} and showed {shown}.", total=total, shown=len(found)))
        return list(found.values())

    async def _post_once(self, headers: Mapping[str, str], body: Mapping[str, Any]) -> httpx.Response:
        try:
            return await self._exchange("submit", "POST", _CREATE, headers=headers, body=body)
        except _NOT_THERE as error:
            raise Unavailable(
                say("DashScope could not be reached ({kind}); nothing was sent.", kind=type(error).__name__),
                next_step=self._where_it_should_be() or say("Check the network and create the task again."),
            ) from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise self._uncertain(say("the answer was lost ({kind})", kind=type(error).__name__)) from error

    def _accepted(self, response: httpx.Response) -> RemoteTask:
        answer = self._read(response)
        status = response.status_code
        code, message = self._fault(answer)
        if 200 <= status < 300 and answer is not None and answer.output.task_id:
            return remote_task(answer, answer.output.task_id, quote=self.quote)
        # The same code has come with different statuses, 200 among them.
        is_throttled = status == 429 or (status < 500 and code is not None and code.startswith("Throttling"))
        if is_throttled and is_only_for_now(code or "", message or ""):
            raise RateLimited(self._refusal(response, answer), code=code, retry_after=_retry_after(response))
        if (300 <= status < 500 and status != 408) or (200 <= status < 300 and code is not None):
            raise self._refused(response, answer)
        raise self._uncertain(say("its answer (HTTP {status}) says neither yes nor no", status=status))

    async def _query(
        self, operation: str, method: str, path: str, params: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """A call that may be repeated freely. Never carries the header of creation: DashScope refuses that."""
        try:
            await self._queries.wait()
            return await self._exchange(operation, method, path, headers=self._headers, params=params)
        except (httpx.HTTPError, TimeoutError) as error:
            raise Unavailable(
                say("DashScope did not answer ({kind}).", kind=type(error).__name__),
                next_step=self._where_it_should_be() or say("Check the network and try again."),
            ) from error

    def _where_it_should_be(self) -> str:
        """What to look after where it is this machine that does not answer."""
        if not self._is_local:
            return ""
        return say("The API root is {root}: is `wan-mcp simulate` running on that port?", root=self._http.base_url)

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
                async with self._http.stream(method, path, headers=headers, params=params, json=body) as stream:
                    response = await _whole(stream)
            outcome = "429" if response.status_code == 429 else f"{response.status_code // 100}xx"
            return response
        except _NOT_THERE:
            outcome = "unreachable"
            raise
        except (httpx.HTTPError, TimeoutError):
            outcome = "lost"
            raise
        finally:
            self._count(operation, outcome, anyio.current_time() - began)

    def _count(self, operation: str, outcome: str, seconds: float) -> None:
        """Tell whoever counts. Nothing that goes wrong there may cost an answer that was paid for."""
        try:
            self._on_answer(operation, outcome, seconds)
        except Exception:
            logger.exception("An exchange could not be counted")

    def _read(self, response: httpx.Response) -> Answer | None:
        """Parse a body, or `None` where it is no JSON object: a load balancer's page, half an answer."""
        try:
            return Answer.model_validate(json_of(response))
        except ValidationError:
            return None

    def _read_list(self, response: httpx.Response) -> Listing:
        try:
            listing = Listing.model_validate(json_of(response))
        except ValidationError:
            raise self._told_nothing(response, None) from None
        if response.status_code != 200 or listing.rows is None:
            raise self._told_nothing(response, self._read(response))
        return listing

    def _told_nothing(self, response: httpx.Response, answer: Answer | None) -> Unavailable | Refused:
        """An answer to a question that may be asked again, which brought no fact."""
        status = response.status_code
        code, _ = self._fault(answer)
        if code and 400 <= status < 500 and status not in (408, 409, 429):
            return self._refused(response, answer)
        what = code or say("nothing readable")
        return Unavailable(
            say("DashScope answered {what} (HTTP {status}); it is asked again later.", what=what, status=status)
        )

    def _refused(self, response: httpx.Response, answer: Answer | None) -> Refused:
        code = self._fault(answer)[0] or f"HTTP{response.status_code}"
        return Refused(self._refusal(response, answer), code=code, next_step=advice(code))

    def _refusal(self, response: httpx.Response, answer: Answer | None) -> str:
        code, message = self._fault(answer)
        request_id = (answer.request_id if answer else None) or response.headers.get("x-request-id")
        quoted = f': "{message}"' if message else ""
        number = say(" (request {request_id})", request_id=self.quote(request_id)) if request_id else ""
        what = f"{code or f'HTTP {response.status_code}'}{quoted}{number}"
        return say("DashScope refused with {what}.", what=what)

    def _fault(self, answer: Answer | None) -> tuple[str | None, str | None]:
        """Code and message of an error, fit to be shown; both are `None` where there is none."""
        fault = answer.fault if answer is not None else Fault()
        return fault.code and self.quote(fault.code), fault.message and self.quote(fault.message)

    def _uncertain(self, why: str) -> SubmissionUncertain:
        return SubmissionUncertain(
            say("The request was sent to DashScope, but {why}. The task may exist and be charged.", why=why),
            next_step=say("Do not create it again: it is looked for at DashScope."),
        )

    def quote(self, text: str) -> str:
        """Remote text for a reader: one line, cut, without our key or a link's signature."""
        return quote_remote(text, secret=self._key)


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


async def _whole(stream: httpx.Response) -> httpx.Response:
    """Read an answer to its end, but not what nobody can have meant to send."""
    body = bytearray()
    async for chunk in stream.aiter_bytes():
        body += chunk
        if len(body) > _LARGEST_ANSWER:
            raise httpx.ReadError("the answer does not end")
    headers = [(name, value) for name, value in stream.headers.multi_items() if name != "content-encoding"]
    return httpx.Response(stream.status_code, headers=headers, content=bytes(body))


def _retry_after(response: httpx.Response) -> float | None:
    seconds = number_or_none(response.headers.get("retry-after"))
    return min(seconds, 300.0) if seconds is not None and seconds >= 0 else None
