"""A signed link -> a whole file under its final name, or an error and nothing under that name.

This client never has the key: OSS takes an Authorization header for its own and refuses the link. It follows
a link only to where DashScope keeps results, and looks again at every redirect.

Sources: https://help.aliyun.com/zh/model-studio/text-to-video-api-reference (the link),
https://www.alibabacloud.com/help/en/oss/developer-reference/getobject (Range, error pages).
"""

import ipaddress
import logging
import os
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit, urlunsplit

import anyio
import anyio.to_thread
import httpcore
import httpx

from wan_mcp.adapters.web import web_client
from wan_mcp.domain.errors import DownloadFailed, FolderUnusable, LinkExpired
from wan_mcp.domain.language import say

logger = logging.getLogger(__name__)

_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_WHOLE_DOWNLOAD = timedelta(minutes=30)
_HOPS = 4
_LARGEST = 1 << 30
"""Bytes that no video of seconds has."""
_LOT = 1 << 20
"""Bytes that are written at once."""
_PAGE = 4096
_LARGEST_INDEX = 16 << 20
_TINY = 1024
"""Bytes that no video of 5 seconds fits into; an error page called a video may."""
_READ = 256 << 10
"""Bytes that asyncio takes from a socket at once; httpcore would cut each such piece into four and turn over each."""
_VIDEO_TYPES = ("video/", "application/octet-stream", "binary/octet-stream")


@dataclass(frozen=True, kw_only=True)
class Saved:
    """A file at home."""

    path: Path
    size: int
    """Bytes."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What is written into a whole video before it gets its name."""

    mark: bytes
    """What no other video has in it: by this a file is known again whose saving was not written down any more."""
    write: Callable[[Path, Path], Awaitable[bool]]
    """Make of the first file the second, with its origin in it; `False` where that cannot be, and nothing is there."""


_BUCKETS = re.compile(r"[a-z0-9.-]+\.aliyuncs\.com")


class Downloads:
    """Saves links into one folder. Make it inside the event loop that uses it."""

    def __init__(
        self,
        folder: Path,
        *,
        from_loopback: bool = False,
        timeout: httpx.Timeout = _TIMEOUT,
        whole_download: timedelta = _WHOLE_DOWNLOAD,
        largest: int = _LARGEST,
        on_end: Callable[[str], None] = lambda outcome: None,
    ) -> None:
        """`from_loopback` lets links lead to this machine: only for the simulator. No file may have more than
        `largest` bytes. `on_end` hears what each attempt came to: saved, failed, expired or abandoned."""
        self._on_end = on_end
        self.folder = folder
        self._from_loopback = from_loopback
        self._whole_download = whole_download.total_seconds()
        self._largest = largest
        # httpx has no way to say it. pyright takes the value that it has for its type.
        httpcore.AsyncHTTP11Connection.READ_NUM_BYTES = _READ  # pyright: ignore[reportAttributeAccessIssue]
        self._http = web_client(is_local=from_loopback, timeout=timeout, headers={"Accept-Encoding": "identity"})

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def save(self, url: str, name: str, origin: Origin | None = None) -> Saved:
        """Bring the video behind `url` home as `name`, which may begin with a folder, going on where an earlier try
        broke off.

        With an `origin` the file that gets the name has it in it, where it can be written.

        Raises:
            LinkExpired: the link is dead.
            DownloadFailed: not this time; what came so far waits in a `.part` file. `FolderUnusable`: nor later, until
                somebody sees to the folder.
        """
        outcome = "abandoned"
        try:
            saved, outcome = await self._save_in_words(url, name, origin), "saved"
            return saved
        except DownloadFailed as error:
            outcome = "expired" if isinstance(error, LinkExpired) else "failed"
            raise
        finally:
            self._count(outcome)

    def _count(self, outcome: str) -> None:
        """Tell whoever counts. Nothing that goes wrong there may cost a video that is at home."""
        try:
            self._on_end(outcome)
        except Exception:
            logger.exception("A download could not be counted")

    async def _save_in_words(self, url: str, name: str, origin: Origin | None) -> Saved:
        try:
            with anyio.fail_after(self._whole_download):
                return await self._save(url, name, origin)
        except TimeoutError as error:
            raise DownloadFailed(say("The download took too long and is tried again.")) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise DownloadFailed(
                say("The download broke off ({kind}) and is tried again.", kind=type(error).__name__)
            ) from error
        except OSError as error:
            raise FolderUnusable(
                say(
                    "The video cannot be written to {folder}: {reason}.",
                    folder=self.folder,
                    reason=error.strerror or error,
                ),
                next_step=say(
                    "The folder must be mended, or WAN_MCP_OUTPUT_DIR set to another one and the server started anew. "
                    "It is tried again by itself while the link lives. Tell the user."
                ),
            ) from error

    async def _save(self, url: str, name: str, origin: Origin | None) -> Saved:
        final, part = self.folder / name, self.folder / f"{name}.part"
        await anyio.to_thread.run_sync(_make_folder, self.folder)
        await anyio.to_thread.run_sync(_make_folder, final.parent)
        if origin is None:
            return await self._bring(url, final, part, final)
        # What came is whole, and its origin is still to be written in: killed on the way, it goes on from there.
        whole, copy = self.folder / f"{name}.whole", self.folder / f"{name}.stamped"
        saved = await anyio.to_thread.run_sync(_known_again, final, origin.mark)
        if saved is None and not whole.exists():
            came = await self._bring(url, final, part, whole)
            saved = came if came.path == final else None
        if saved is None:
            source = copy if await origin.write(whole, copy) else whole
            saved = await anyio.to_thread.run_sync(_named, source, final)
        for left in (part, whole, copy):
            await anyio.to_thread.run_sync(_discard, left)
        return saved

    async def _bring(self, url: str, final: Path, part: Path, name: Path) -> Saved:
        """Fetch what is not at home as `final` yet, and call it `name`."""
        try:
            return await self._fetch(url, final, part, name)
        except LinkExpired:
            # Saved, and the process ended before that was written down; only whole files have this name.
            if size := _whole_video(final):
                return Saved(path=final, size=size)
            raise

    async def _fetch(self, url: str, final: Path, part: Path, name: Path) -> Saved:
        have = _size(part)
        async with self._open(url, have) as response:
            if response.status_code == 416:  # the part is longer than the video, or just as long
                await anyio.to_thread.run_sync(_discard, part)
                raise DownloadFailed(say("The part that was here did not fit the video; it is fetched anew."))
            await _refuse_what_is_no_video(response)
            whole = _whole_length(response, have)
            if whole is not None and _is_video(final, whole, walk=False):
                await anyio.to_thread.run_sync(_discard, part)
                return Saved(path=final, size=whole)
            await _write(response, part, append=response.status_code == 206, largest=self._largest)
        return await anyio.to_thread.run_sync(_finish, part, name, whole)

    @asynccontextmanager
    async def _open(self, url: str, have: int) -> AsyncGenerator[httpx.Response]:
        """Open the link, each hop checked before it is followed."""
        headers = {"Range": f"bytes={have}-"} if have else {}
        for _ in range(_HOPS):
            url = self.checked(url)
            async with self._http.stream("GET", url, headers=headers) as response:
                if not response.has_redirect_location:
                    yield response
                    return
                url = _joined(url, response.headers["location"])
        raise DownloadFailed(say("The link redirects without end."))

    def checked(self, url: str) -> str:
        """Return `url` if it leads to where results are kept (http upgraded to https).

        Raises:
            DownloadFailed: it leads anywhere else.
        """
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").lower(), parts.port
        except ValueError:
            parts, host, port = urlsplit(""), "", None
        is_plain = parts.scheme in ("http", "https") and parts.username is None
        if is_plain and self._from_loopback and _is_loopback(host):
            return url
        if not is_plain or not _BUCKETS.fullmatch(host) or port not in (None, 443, 80):
            raise DownloadFailed(
                say(
                    "The link leads to {host!r}, which is not where DashScope keeps videos (https, "
                    "*.aliyuncs.com); it was not followed.",
                    host=host[:80] or say("nowhere"),
                )
            )
        return urlunsplit(("https", host, parts.path, parts.query, ""))


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _make_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)


async def _refuse_what_is_no_video(response: httpx.Response) -> None:
    """An error page of the bucket is XML, whatever its status; it must never become a file."""
    status = response.status_code
    kind = response.headers.get("content-type", "").lower()
    if status in (200, 206) and kind.startswith(_VIDEO_TYPES):
        return
    code, message = await _error_page(response)
    if code == "NoSuchKey" or (code == "AccessDenied" and "expired" in message.lower()):
        raise LinkExpired(say("The link is dead ({code}).", code=code or f"HTTP {status}"))
    raise DownloadFailed(
        say(
            "The bucket answered {code} (HTTP {status}) instead of a video.",
            code=code or kind[:60] or say("nothing"),
            status=status,
        )
    )


async def _error_page(response: httpx.Response) -> tuple[str, str]:
    page = b""
    async for chunk in response.aiter_bytes(_PAGE):
        page += chunk
        if len(page) >= _PAGE:
            break
    text = page[:_PAGE].decode(errors="replace")
    code = re.search(r"<Code>\s*([\w.]{1,60})\s*</Code>", text)
    message = re.search(r"<Message>([^<]{0,200})</Message>", text)
    return (code[1] if code else ""), (message[1] if message else "")


def _whole_length(response: httpx.Response, have: int) -> int | None:
    """Read how long the whole video is.

    Raises:
        DownloadFailed: the range that came is not the one that was asked for.
    """
    if response.status_code == 206:
        told = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("content-range", ""))
        if told is None or int(told[1]) != have:
            raise DownloadFailed(say("The bucket sent another part than was asked for."))
        return int(told[2])
    length = response.headers.get("content-length", "")
    return int(length) if length.isdecimal() else None


async def _write(response: httpx.Response, part: Path, *, append: bool, largest: int) -> None:
    """Write what comes; on any end, what came so far is in the file."""
    with _opened(part, append=append) as file:
        begun = file.tell()
        # Writing goes to the system's cache, and a thread for each piece would take longer than that.
        async for chunk in response.aiter_bytes():
            file.write(chunk)
            if (at := file.tell()) > largest:
                file.truncate(0)
                raise DownloadFailed(say("The bucket sends more than any video has; it is fetched anew."))
            if at - begun >= _LOT:
                file.flush()
                _begin_writing_out(file, begun, at)
                begun = at
        await anyio.to_thread.run_sync(_to_disk, file)


def _opened(part: Path, *, append: bool) -> BinaryIO:
    """Open a file for its owner alone: what somebody had rendered is nobody else's business."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if append else os.O_TRUNC) | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(part, flags, 0o600), "ab" if append else "wb", buffering=_LOT)


def _begin_writing_out(file: BinaryIO, begin: int, end: int) -> None:
    """Let the disk begin with that part of a file, so that little is left to wait for at its end."""
    if hasattr(os, "posix_fadvise"):  # pragma: no branch - Linux has it
        os.posix_fadvise(file.fileno(), begin, end - begin, os.POSIX_FADV_DONTNEED)


def _to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _finish(part: Path, name: Path, whole: int | None) -> Saved:
    """Check what came, and give it its final name."""
    size = _size(part)
    if whole is not None and size != whole:
        if size > whole:
            _discard(part)
        raise DownloadFailed(say("{size} of {whole} bytes came; the rest is fetched again.", size=size, whole=whole))
    if not _is_video(part, size, walk=whole is None):
        _discard(part)
        raise DownloadFailed(say("What came is not a whole MP4 video; it is fetched anew."))
    return _named(part, name)


def _named(source: Path, name: Path) -> Saved:
    size = _size(source)
    return Saved(path=_publish(source, name), size=size)


def _known_again(final: Path, mark: bytes) -> Saved | None:
    """Find the video that carries `mark`, whatever number had to be put behind its name."""
    for path in _names(final):
        if not path.exists():
            return None
        if _is_video(path, size := _size(path), walk=True) and _holds(path, size, mark):
            return Saved(path=path, size=size)
    return None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)


def _names(final: Path) -> Iterator[Path]:
    yield final
    yield from (final.with_stem(f"{final.stem} ({number})") for number in range(2, 1000))


def _publish(part: Path, final: Path) -> Path:
    """Give the part its final name; a name that is taken is never overwritten."""
    for path in _names(final):
        if path.exists() or path.is_symlink():
            continue
        part.rename(path)
        _sync_folder(path.parent)
        return path
    raise DownloadFailed(say("Every name like {name} is taken in {folder}.", name=final.name, folder=final.parent))


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # pragma: no cover - Windows cannot open a folder
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _is_video(path: Path, length: int, *, walk: bool) -> bool:
    """Does the file have that length and begin as an MP4? `walk` its boxes where nobody told the length."""
    try:
        with path.open("rb") as file:
            begins_well = path.stat().st_size == length > _TINY and file.read(8)[4:] == b"ftyp"
            return begins_well and (not walk or _boxes_fit(file, length))
    except FileNotFoundError:
        return False


def _whole_video(path: Path) -> int | None:
    """Return the size of a file that is a video from its first box to its last."""
    size = _size(path)
    return size if _is_video(path, size, walk=True) else None


def _boxes_fit(file: BinaryIO, length: int) -> bool:
    return b"moov" in _boxes(file, length)


def _holds(path: Path, length: int, mark: bytes) -> bool:
    """Is `mark` in the index, where a file's own description is?"""
    with path.open("rb") as file:
        at, size = _boxes(file, length)[b"moov"]
        file.seek(at)
        return mark in file.read(min(size, _LARGEST_INDEX))


def _boxes(file: BinaryIO, length: int) -> dict[bytes, tuple[int, int]]:
    """Walk the top-level boxes: where each begins and how long it is; none, if they do not fill the file exactly.

    Source: ISO/IEC 14496-12 §4.2.
    """
    found, at = dict[bytes, tuple[int, int]](), 0
    while at < length:
        file.seek(at)
        header = file.read(16)
        size, kind = int.from_bytes(header[:4], "big"), header[4:8]
        if size == 1:
            size = int.from_bytes(header[8:16], "big")
        elif size == 0:  # to the end of the file
            size = length - at
        if len(header) < 8 or size < 8:
            return {}
        found[kind] = (at, size)
        at += size
    return found if at == length else {}
