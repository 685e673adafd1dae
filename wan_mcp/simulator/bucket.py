"""The result bucket: signed links to videos, for a day.

Source: help.aliyun.com/zh/model-studio/legacy-wan-text-to-video-api-reference (lifetime of a link)
and help.aliyun.com/zh/oss (signatures, ranges, errors).
"""

import hashlib
import hmac
import re
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp

from .answers import Broken, Delayed, Streamed, spoilt
from .calls import Call
from .clock import BEIJING
from .mishaps import Mishap
from .oss import ACCESS_KEY, OssError, signature
from .shot import Shot
from .simulator import Simulator
from .tasks import Task

__all__ = ["bucket_refusal", "download", "link"]

TINY = b"\x00\x00\x00\x00ftyp"
RANGE = re.compile(r"bytes=(\d*)-(\d*)\Z")
MISMATCH = "The request signature we calculated does not match the signature you provided."


def link(sim: Simulator, task: Task, *, scheme: str, host: str) -> str:
    """The signed address of a finished task's video; the same at each query."""
    ended = task.ended_at or task.created_at
    expires = int((ended + sim.settings.link_lifetime).timestamp())
    mark = hashlib.md5(task.id.encode(), usedforsecurity=False).hexdigest()
    path = f"bucket/1d/{mark[:2]}/{ended.astimezone(BEIJING):%Y%m%d}/{mark[2:10]}/{task.id}.mp4"
    signed = quote(signature("GET", key=path, expires=expires), safe="")
    return f"{scheme}://{host}/{path}?Expires={expires}&OSSAccessKeyId={ACCESS_KEY}&Signature={signed}"


async def download(sim: Simulator, call: Call, one: Mishap | None) -> ASGIApp:
    """Answer a request for a video, with whatever mishap the script has for it."""
    try:
        if one is None or one.kind == "pass":
            return await _video(sim, call)
        return await _mishap(sim, call, one)
    except OssError as error:
        return error.answer(call.host.partition(":")[0])


async def _video(sim: Simulator, call: Call, *, knows_ranges: bool = True) -> Streamed:
    task = _checked(sim, call)
    order = task.order
    width, height = (int(side) for side in order.size.split("*"))
    film = await sim.studio.film(
        Shot(
            width=width,
            height=height,
            seconds=order.duration,
            prompt=order.prompt,
            seed=order.seed,
            watermark=order.watermark,
            task_id=task.id,
        )
    )
    headers = {
        "content-type": "video/mp4",
        "accept-ranges": "bytes",
        "etag": f'"{hashlib.md5(film, usedforsecurity=False).hexdigest().upper()}"',
        "last-modified": format_datetime((task.over_at or task.created_at).astimezone(UTC), usegmt=True),
        "x-oss-request-id": call.request_id,
        **({"x-simulator-note": sim.studio.header_note} if sim.studio.header_note else {}),
    }
    wanted = _range(call.header("range"), len(film)) if knows_ranges else None
    if wanted is None:
        return Streamed(body=film, headers=headers)
    first, last = wanted
    headers["content-range"] = f"bytes {first}-{last}/{len(film)}"
    return Streamed(body=film[first : last + 1], status=206, headers=headers)


def _checked(sim: Simulator, call: Call) -> Task:
    """The task whose video a link is good for."""
    # The storage would read this header as a signature of its own, and a key is none.
    if call.header("authorization") is not None:
        raise OssError(400, "InvalidArgument", "Authorization header is invalid.")
    key, expires = call.path.removeprefix("/"), call.query.get("Expires", "")
    if not expires.isdecimal() or "Signature" not in call.query:
        raise OssError(403, "AccessDenied", "You have no right to access this object because of bucket acl.")
    if call.query.get("OSSAccessKeyId") != ACCESS_KEY:
        raise OssError(403, "InvalidAccessKeyId", "The OSS Access Key Id you provided does not exist in our records.")
    due = signature(call.method, key=key, expires=int(expires))
    if not hmac.compare_digest(due, call.query["Signature"]):
        raise OssError(403, "SignatureDoesNotMatch", MISMATCH)
    if sim.clock.now().timestamp() > int(expires):
        raise _expired(sim, datetime.fromtimestamp(int(expires), UTC))
    task = sim.tasks.get(key.rsplit("/", 1)[-1].removesuffix(".mp4"))
    if task is None:
        raise _missing(key)
    return task


def _expired(sim: Simulator, expires: datetime) -> OssError:
    times = {"Expires": _zulu(expires), "ServerTime": _zulu(sim.clock.now())}
    help_page = {"EC": "0002-00000069", "RecommendDoc": "https://api.aliyun.com/troubleshoot?q=0002-00000069"}
    return OssError(403, "AccessDenied", "Request has expired.", times | help_page)


def _missing(key: str) -> OssError:
    return OssError(404, "NoSuchKey", "The specified key does not exist.", {"Key": key})


def _zulu(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _range(header: str | None, length: int) -> tuple[int, int] | None:
    """First and last byte; None for the whole file, which OSS also sends for a range it cannot meet."""
    match = RANGE.match(header or "")
    if match is None or match.group(0) == "bytes=-":
        return None
    first, last = match.groups()
    if not first:
        return max(0, length - int(last)), length - 1
    begin, end = int(first), min(int(last), length - 1) if last else length - 1
    return (begin, end) if begin <= end else None


async def _mishap(sim: Simulator, call: Call, one: Mishap) -> ASGIApp:
    key = call.path.removeprefix("/")
    match one.kind:
        case "expired":
            raise _expired(sim, sim.clock.now())
        case "missing":
            raise _missing(key)
        case "redirect":
            return RedirectResponse(one.text("to"), int(one.number("status", 302) or 302))
        case "tiny":
            return Streamed(body=TINY, headers={"content-type": "video/mp4"})
        case "xml_200":
            page = OssError(500, "InternalError", "We encountered an internal error. Please try again.").xml("oss")
            return Streamed(body=page.encode(), headers={"content-type": "video/mp4"})
        case "refuse" | "throttle":
            raise bucket_refusal(one)
        case "drop":
            return Broken()
        case "hang":
            return Broken(one.number("seconds"))
        case "garbage" | "html" | "empty" | "half":
            return spoilt(replace(one, accept=False), Response, request_id=call.request_id)
        case _:
            return _bent(one, await _video(sim, call, knows_ranges=one.kind != "no_range"))


def _bent(one: Mishap, video: Streamed) -> ASGIApp:
    """The real video, with something wrong on its way."""
    stop = int((one.number("keep", 0.5) or 0) * len(video.body))
    match one.kind:
        case "truncate":
            return replace(video, stops_at=stop)
        case "reset":
            return replace(video, stops_at=stop, reset=True)
        case "slow":
            return replace(video, bytes_per_second=one.number("bytes_per_second"))
        case "wrong_type":
            return replace(video, headers={**video.headers, "content-type": one.text("content_type", "text/html")})
        case "delay":
            return Delayed(video, one.number("seconds") or 0)
        case _:  # no_range: the storage would not offer what it cannot do
            return replace(video, headers={k: v for k, v in video.headers.items() if k != "accept-ranges"})


def bucket_refusal(one: Mishap) -> OssError:
    """What `refuse` and `throttle` are in the storage's words."""
    status = 503 if one.kind == "throttle" else int(one.number("status", 500) or 500)
    message = one.text("message", "We encountered an internal error. Please try again.")
    return OssError(status, one.text("code", "InternalError"), message)
