"""A link becomes a whole file under its final name, or nothing under that name: on the simulator's bucket."""

import stat
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from tests.conftest import KEY, HandClock
from tests.making import CAT
from tests.rights import as_nobody
from tests.standin import saying, standing_in
from wan_mcp.adapters.downloads import Downloads, Saved
from wan_mcp.domain.errors import DownloadFailed, LinkExpired
from wan_mcp.simulator import Simulator
from wan_mcp.simulator.calls import Call

pytestmark = pytest.mark.anyio

NAME = "2026-11-23 cat abcdef.mp4"
BUCKET = "https://dashscope-result-sh.oss-accelerate.aliyuncs.com/1d/v.mp4"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where videos are saved; not there yet."""
    return tmp_path / "videos"


@asynccontextmanager
async def saving(folder: Path, **options: Any) -> AsyncGenerator[Downloads]:
    """The downloads of a server whose DashScope is on this machine."""
    usual: dict[str, Any] = {"from_loopback": True, **options}
    downloads = Downloads(folder, **usual)
    try:
        yield downloads
    finally:
        await downloads.aclose()


@pytest.fixture
async def downloads(folder: Path) -> AsyncGenerator[Downloads]:
    """Downloads that lose patience soon."""
    async with saving(folder, timeout=httpx.Timeout(0.5)) as made:
        yield made


@pytest.fixture
async def link(url: str, simulator: Simulator, clock: HandClock) -> str:
    """The signed link to a finished video."""
    task = simulator.foreign_task(prompt=CAT)
    clock.turn(100)
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {KEY}"}, verify=False) as http:
        answer = await http.get(f"/api/v1/tasks/{task.id}")
    return answer.json()["output"]["video_url"]


@pytest.fixture
async def film(link: str, simulator: Simulator) -> bytes:
    """The video behind the link."""
    async with httpx.AsyncClient(verify=False) as http:
        body = (await http.get(link)).content
    simulator.requests.clear()
    assert len(body) > 10_000
    return body


def asked(simulator: Simulator) -> list[Call]:
    """The requests that reached the bucket."""
    return [call for call in simulator.requests if call.path.startswith("/bucket/")]


def names(folder: Path) -> list[str]:
    """What is in the folder."""
    return sorted(path.name for path in folder.iterdir())


async def test_a_link_becomes_a_whole_file_under_its_name(
    downloads: Downloads, link: str, film: bytes, folder: Path
) -> None:
    """The folder is made, nothing else is left in it, and every byte is there."""
    saved = await downloads.save(link, NAME)

    assert saved == Saved(path=folder / NAME, size=len(film))
    assert saved.path.read_bytes() == film
    assert names(folder) == [NAME]
    assert stat.S_IMODE(saved.path.stat().st_mode) == 0o600, "what somebody had rendered is theirs alone"


async def test_what_became_of_each_download_is_told_to_whoever_counts(
    link: str, film: bytes, folder: Path, simulator: Simulator
) -> None:
    """One word for each attempt; a metric that missed the failures would praise itself."""
    outcomes: list[str] = []
    simulator.mishap(kind="expired", on="download")
    simulator.mishap(kind="xml_200", on="download")
    simulator.mishap(kind="slow", on="download", bytes_per_second=100)
    async with saving(folder, on_end=outcomes.append) as downloads:
        for _ in range(2):
            with suppress(DownloadFailed):
                await downloads.save(link, NAME)
        with anyio.move_on_after(0.1):
            await downloads.save(link, NAME)
        assert (await downloads.save(link, NAME)).size == len(film)

    assert outcomes == ["expired", "failed", "abandoned", "saved"]


async def test_a_count_that_fails_costs_no_video(
    link: str, film: bytes, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is at home, and must be known to be."""

    def fail(_outcome: str) -> None:
        raise ZeroDivisionError("no figures today")

    async with saving(folder, on_end=fail) as downloads:
        saved = await downloads.save(link, NAME)

    assert saved.path.read_bytes() == film
    assert caplog.messages == ["A download could not be counted"]


async def test_the_bucket_never_sees_the_key(
    downloads: Downloads, link: str, film: bytes, simulator: Simulator
) -> None:
    """OSS takes an Authorization header for its own and refuses the link; and a key goes to the API alone."""
    simulator.mishap(kind="redirect", on="download", to=link)
    await downloads.save(link, NAME)

    assert len(asked(simulator)) == 2
    for call in asked(simulator):
        assert call.header("authorization") is None
        assert call.header("cookie") is None
        assert KEY not in str(call.headers)
        assert call.header("accept-encoding") == "identity"


@pytest.mark.parametrize("kind", ["reset", "truncate"])
async def test_a_download_that_broke_off_goes_on_where_it_stopped(
    downloads: Downloads, link: str, film: bytes, folder: Path, *, simulator: Simulator, kind: str
) -> None:
    """A hotel's network would never bring a big file home in one piece."""
    simulator.mishap(kind=kind, on="download", keep=0.5)

    with pytest.raises(DownloadFailed) as raised:
        await downloads.save(link, NAME)
    assert not isinstance(raised.value, LinkExpired)
    part = folder / f"{NAME}.part"
    have = part.stat().st_size
    assert names(folder) == [part.name], "nothing under the final name"
    assert part.read_bytes() == film[:have]

    saved = await downloads.save(link, NAME)

    assert saved.path.read_bytes() == film
    assert names(folder) == [NAME]
    first, second = asked(simulator)
    assert first.header("range") is None
    assert second.header("range") == (f"bytes={have}-" if have else None)


async def test_a_cancelled_download_goes_on_too(
    downloads: Downloads, link: str, film: bytes, folder: Path, simulator: Simulator
) -> None:
    """A server that is stopped in the middle has not fetched for nothing."""
    simulator.mishap(kind="slow", on="download", bytes_per_second=len(film) * 2)
    with anyio.move_on_after(0.25) as scope:
        await downloads.save(link, NAME)
    assert scope.cancelled_caught
    assert names(folder) == [f"{NAME}.part"]

    assert (await downloads.save(link, NAME)).path.read_bytes() == film


async def test_a_slow_bucket_is_waited_for(downloads: Downloads, link: str, film: bytes, simulator: Simulator) -> None:
    """Bytes that keep coming are no fault."""
    simulator.mishap(kind="slow", on="download", bytes_per_second=len(film) * 3)

    assert (await downloads.save(link, NAME)).path.read_bytes() == film


async def test_a_bucket_that_cannot_go_on_sends_it_whole(
    downloads: Downloads, link: str, film: bytes, folder: Path, simulator: Simulator
) -> None:
    """What came before must not stand at the beginning of what comes now."""
    folder.mkdir()
    (folder / f"{NAME}.part").write_bytes(b"x" * 100)
    simulator.mishap(kind="no_range", on="download")

    assert (await downloads.save(link, NAME)).path.read_bytes() == film
    assert asked(simulator)[0].header("range") == "bytes=100-"


@pytest.mark.parametrize("kind", ["xml_200", "tiny"])
async def test_what_is_called_a_video_and_is_none_never_becomes_a_file(
    downloads: Downloads, link: str, film: bytes, folder: Path, *, simulator: Simulator, kind: str
) -> None:
    """Others have saved error pages as videos; here nothing of it stays, and the next try has the real one."""
    simulator.mishap(kind=kind, on="download")

    with pytest.raises(DownloadFailed, match="not a whole MP4"):
        await downloads.save(link, NAME)
    assert names(folder) == []

    assert (await downloads.save(link, NAME)).path.read_bytes() == film


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("wrong_type", {"content_type": "text/html; charset=utf-8"}, r"text/html.* \(HTTP 200\)"),
        ("wrong_type", {"content_type": "image/gif" + "x" * 200}, r"^.{0,200}$"),
        ("html", {"status": 502}, r"\(HTTP 502\)"),
        ("html", {"status": 404}, r"\(HTTP 404\)"),
        ("garbage", {}, "application/json"),
        ("empty", {}, "application/json"),
        ("throttle", {}, "InternalError"),
        ("refuse", {"code": "SignatureDoesNotMatch", "status": 403}, "SignatureDoesNotMatch"),
        ("refuse", {"code": "AccessDenied", "status": 403, "message": "Not yours."}, "AccessDenied"),
        ("drop", {}, "broke off"),
        ("hang", {}, "broke off"),
    ],
)
async def test_any_other_answer_is_a_try_that_failed(
    downloads: Downloads,
    link: str,
    film: bytes,
    folder: Path,
    *,
    simulator: Simulator,
    kind: str,
    options: dict[str, Any],
    words: str,
) -> None:
    """The link may still live: it is tried again, also after a proxy's page that says 404."""
    simulator.mishap(kind=kind, on="download", **options)

    with pytest.raises(DownloadFailed, match=words) as raised:
        await downloads.save(link, NAME)

    assert not isinstance(raised.value, LinkExpired)
    assert raised.value.money_moved == "no"
    assert "Signature=" not in raised.value.words
    assert names(folder) == []
    assert (await downloads.save(link, NAME)).path.read_bytes() == film


@pytest.mark.parametrize(("kind", "code"), [("expired", "AccessDenied"), ("missing", "NoSuchKey")])
async def test_a_dead_link_is_said_to_be_dead(
    downloads: Downloads, link: str, folder: Path, *, simulator: Simulator, kind: str, code: str
) -> None:
    """The bucket's own page says so; no further try can bring the file."""
    simulator.mishap(kind=kind, on="download")

    with pytest.raises(LinkExpired, match=code):
        await downloads.save(link, NAME)
    assert names(folder) == []


async def test_a_link_dies_after_24_hours(downloads: Downloads, link: str, clock: HandClock) -> None:
    """The card."""
    clock.turn(24 * 3600)

    with pytest.raises(LinkExpired):
        await downloads.save(link, NAME)


# Where a link may lead.


@pytest.mark.parametrize(
    ("url", "checked"),
    [
        (BUCKET, BUCKET),
        (BUCKET + "?Expires=1&Signature=a%2Bb%3D", BUCKET + "?Expires=1&Signature=a%2Bb%3D"),
        (BUCKET.replace("https", "http"), BUCKET),
        (BUCKET.replace(".com/", ".com:443/"), BUCKET),
        (BUCKET.replace("https", "http").replace(".com/", ".com:80/"), BUCKET),
        (BUCKET.replace("dashscope-result-sh", "DashScope-A717"), BUCKET.replace("result-sh", "a717")),
        (BUCKET + "#fragment", BUCKET),
    ],
)
def test_a_link_of_dashscope_is_followed_by_https(tmp_path: Path, url: str, checked: str) -> None:
    """An FAQ of DashScope shows plain http; the signature in it is worth a video."""
    assert Downloads(tmp_path).checked(url) == checked


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/v.mp4",
        "https://aliyuncs.com/v.mp4",
        "https://evilaliyuncs.com/v.mp4",
        "https://x.aliyuncs.com.evil.com/v.mp4",
        "https://x.aliyuncs.com@evil.com/v.mp4",
        "https://evil.com\\.aliyuncs.com/v.mp4",
        "https://evil.com%2f.aliyuncs.com/v.mp4",
        "https://user@x.aliyuncs.com/v.mp4",
        "https://:word@x.aliyuncs.com/v.mp4",
        "https://x.aliyuncs.com:8443/v.mp4",
        "https://x.aliyuncs.com:99999/v.mp4",
        "https://x.aliyuncs.com./v.mp4",
        "ftp://x.aliyuncs.com/v.mp4",
        "file:///etc/passwd",
        "http://127.0.0.1/v.mp4",
        "http://localhost/v.mp4",
        "http://169.254.169.254/latest/meta-data",
        "https://[::1]/v.mp4",
        "https://[bad/v.mp4",
        "//x.aliyuncs.com/v.mp4",
        "v.mp4",
        "",
    ],
)
async def test_any_other_link_is_refused_before_a_connection_is_made(folder: Path, url: str) -> None:
    """A link is remote text: followed blindly, it would reach into the person's own network."""
    # A connection would be met by the guard against the network, and end in another error.
    async with saving(folder, from_loopback=False) as downloads:
        with pytest.raises(DownloadFailed, match="was not followed"):
            await downloads.save(url, NAME)


@pytest.mark.parametrize(
    "url", ["http://user@127.0.0.1/v.mp4", "http://10.0.0.1/v.mp4", "http://127.0.0.1.evil.com/v", "file:///v.mp4"]
)
def test_the_simulators_links_lead_to_this_machine_only(tmp_path: Path, url: str) -> None:
    """A trial without a key must not open the person's network either."""
    with pytest.raises(DownloadFailed):
        Downloads(tmp_path, from_loopback=True).checked(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/v.mp4", "http://localhost/v", "http://[::1]:1/v.mp4"])
def test_the_simulators_links_may_have_any_port(tmp_path: Path, url: str) -> None:
    """It listens where there is room."""
    assert Downloads(tmp_path, from_loopback=True).checked(url) == url


@pytest.mark.parametrize(
    "to",
    [
        "https://example.com/v.mp4",
        "http://169.254.169.254/latest/meta-data",
        "//example.com/v.mp4",
        "file:///etc/passwd",
        "http://[bad",
    ],
)
async def test_a_redirect_to_a_forbidden_host_is_refused_before_it_is_followed(
    downloads: Downloads, link: str, folder: Path, simulator: Simulator, to: str
) -> None:
    """Every hop is looked at again: a trusted host may send anywhere."""
    simulator.mishap(kind="redirect", on="download", to=to)

    with pytest.raises(DownloadFailed, match="was not followed"):
        await downloads.save(link, NAME)
    assert len(asked(simulator)) == 1
    assert names(folder) == []


async def test_a_redirect_to_an_allowed_host_is_followed(
    downloads: Downloads, link: str, film: bytes, simulator: Simulator
) -> None:
    """OSS sends to its accelerated addresses, by whole or by relative ones; a part goes on behind them."""
    simulator.mishap(kind="redirect", on="download", to=link)
    simulator.mishap(kind="redirect", on="download", to=link.split("/", 3)[3].join(("/", "")), status=307)

    assert (await downloads.save(link, NAME)).path.read_bytes() == film
    assert len(asked(simulator)) == 3


async def test_what_is_larger_than_any_video_is_not_kept(link: str, folder: Path, film: bytes) -> None:
    """A disk that somebody else fills would take the ledger with it."""
    async with saving(folder, largest=len(film) - 1) as downloads:
        for _ in range(2):
            with pytest.raises(DownloadFailed, match="sends more than any video has"):
                await downloads.save(link, NAME)

    [part] = folder.iterdir()
    assert part.stat().st_size == 0


async def test_a_redirect_without_end_is_not_followed_for_ever(
    downloads: Downloads, link: str, simulator: Simulator
) -> None:
    """Two buckets that point at each other would keep a task busy for ever."""
    simulator.mishap(kind="redirect", on="download", to=link, times=None)

    with pytest.raises(DownloadFailed, match="without end"):
        await downloads.save(link, NAME)
    assert len(asked(simulator)) == 4


async def test_an_address_that_no_client_can_send_is_a_failed_try(downloads: Downloads, url: str) -> None:
    """httpx has an error of its own for it, which is not among its HTTP errors."""
    with pytest.raises(DownloadFailed, match="InvalidURL"):
        await downloads.save(f"{url}/v\x01.mp4?Signature=secret", NAME)


# The name.


async def test_a_name_that_is_taken_is_never_overwritten(
    downloads: Downloads, link: str, film: bytes, folder: Path
) -> None:
    """It may be the only copy of something that somebody paid for."""
    folder.mkdir()
    (folder / NAME).write_bytes(b"mine")
    (folder / "2026-11-23 cat abcdef (2).mp4").symlink_to(folder / "nowhere")

    saved = await downloads.save(link, NAME)

    assert saved.path.name == "2026-11-23 cat abcdef (3).mp4"
    assert saved.path.read_bytes() == film
    assert (folder / NAME).read_bytes() == b"mine"


async def test_a_thousand_names_are_enough(downloads: Downloads, link: str, folder: Path) -> None:
    """Counting on for ever would be a loop without an end."""
    folder.mkdir()
    (folder / NAME).touch()
    for number in range(2, 1000):
        (folder / f"2026-11-23 cat abcdef ({number}).mp4").touch()

    with pytest.raises(DownloadFailed, match="is taken"):
        await downloads.save(link, NAME)


async def test_a_file_that_was_saved_and_not_written_down_is_found_again(
    downloads: Downloads, link: str, folder: Path, film: bytes, simulator: Simulator
) -> None:
    """The process may end between the rename and the ledger's entry; two copies would be one too many."""
    saved = await downloads.save(link, NAME)
    (folder / f"{NAME}.part").write_bytes(film[:500])

    assert await downloads.save(link, NAME) == saved
    assert names(folder) == [NAME]


async def test_a_file_that_was_saved_is_found_again_though_its_link_is_dead(
    downloads: Downloads, link: str, clock: HandClock
) -> None:
    """A laptop that was closed over the weekend must not call its own file lost."""
    saved = await downloads.save(link, NAME)
    clock.turn(48 * 3600)

    assert await downloads.save(link, NAME) == saved


async def test_half_a_file_does_not_pass_for_a_saved_one(
    downloads: Downloads, link: str, film: bytes, folder: Path, clock: HandClock
) -> None:
    """Somebody else's broken file of that name is no reason to say that all is well."""
    folder.mkdir()
    (folder / NAME).write_bytes(film[: len(film) // 2])
    clock.turn(48 * 3600)

    with pytest.raises(LinkExpired):
        await downloads.save(link, NAME)


# The folder and the disk.


async def test_a_folder_that_is_gone_is_made_anew(downloads: Downloads, link: str, folder: Path) -> None:
    """Somebody tidied up between two videos."""
    first = await downloads.save(link, NAME)
    first.path.unlink()
    folder.rmdir()

    assert (await downloads.save(link, NAME)).path.exists()


async def test_a_folder_that_cannot_be_made_is_told_in_words(tmp_path: Path, link: str) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "file").touch()
    async with saving(tmp_path / "file" / "videos") as downloads:
        with pytest.raises(DownloadFailed, match=r"cannot be written to .*Not a directory"):
            await downloads.save(link, NAME)


async def test_a_read_only_folder_is_told_in_words(link: str) -> None:
    """The video waits at DashScope while the person mends it."""
    with as_nobody() as folder:
        folder.chmod(0o555)
        async with saving(folder) as downloads:
            with pytest.raises(DownloadFailed, match="Permission denied"):
                await downloads.save(link, NAME)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
async def test_a_full_disk_is_told_in_words(downloads: Downloads, link: str, folder: Path) -> None:
    """Everything else goes on; this video is tried again until its link dies."""
    folder.mkdir()
    (folder / f"{NAME}.part").symlink_to("/dev/full")

    with pytest.raises(DownloadFailed, match="No space left"):
        await downloads.save(link, NAME)
    assert not (folder / NAME).exists()


async def test_a_download_has_an_end(link: str, film: bytes, folder: Path, simulator: Simulator) -> None:
    """Bytes that trickle for ever would keep a place for ever."""
    simulator.mishap(kind="slow", on="download", bytes_per_second=100)
    async with saving(folder, whole_download=timedelta(seconds=0.2)) as downloads:
        with pytest.raises(DownloadFailed, match="too long"):
            await downloads.save(link, NAME)


# What buckets may answer that the simulator does not.


def box(kind: bytes, body: bytes = b"", *, size: int | None = None, wide: bool = False) -> bytes:
    """One box of an MP4: its size, its kind, its body. ISO/IEC 14496-12 §4.2."""
    if wide:
        return (1).to_bytes(4, "big") + kind + (16 + len(body)).to_bytes(8, "big") + body
    return (8 + len(body) if size is None else size).to_bytes(4, "big") + kind + body


FTYP, MOOV, MDAT = box(b"ftyp", b"isom"), box(b"moov", b"m" * 100), box(b"mdat", b"d" * 2000)
WHOLE = FTYP + MOOV + MDAT


def video(body: bytes, status: int = 200, *, tells_length: bool = True, **headers: str) -> bytes:
    """An answer of a bucket."""
    answer = saying(body, status, **({"content_type": "video/mp4"} | headers))
    return answer if tells_length else answer.replace(b"content-length", b"x-length")


async def saved_from(folder: Path, *answers: bytes) -> bytes:
    """The file that becomes of these answers."""
    async with standing_in(*answers) as stand_in, saving(folder) as downloads:
        return (await downloads.save(f"{stand_in.url}/v.mp4", NAME)).path.read_bytes()


@pytest.mark.parametrize("kind", ["video/mp4", "Video/MP4; charset=binary", "application/octet-stream"])
async def test_a_video_may_be_called_by_a_general_name(folder: Path, kind: str) -> None:
    """Objects that were put without a type are octet streams."""
    assert await saved_from(folder, video(WHOLE, content_type=kind)) == WHOLE


@pytest.mark.parametrize(
    "body",
    [
        WHOLE,
        FTYP + MDAT + MOOV,
        FTYP + MOOV + box(b"mdat", b"d" * 2000, wide=True),
        FTYP + MOOV + box(b"mdat", b"d" * 2000, size=0),
    ],
)
async def test_a_video_of_untold_length_is_whole_when_its_boxes_fill_it(folder: Path, body: bytes) -> None:
    """A proxy that sends in chunks tells no length, and a broken connection then looks like an end."""
    assert await saved_from(folder, video(body, tells_length=False)) == body


@pytest.mark.parametrize(
    "body",
    [
        WHOLE[:-1],
        WHOLE + b"\x00",
        WHOLE + b"x" * 20,
        FTYP + MDAT,
        FTYP + MOOV + box(b"mdat", b"d" * 2000, size=7),
        FTYP + b"\x00\x00\x00\x01mdat" + b"d" * 2000,
        b"<html>" + b"x" * 2000,
    ],
)
async def test_a_video_of_untold_length_that_is_broken_is_fetched_anew(folder: Path, body: bytes) -> None:
    """Saved, it would be half a video that somebody paid a whole one for."""
    with pytest.raises(DownloadFailed, match="not a whole MP4"):
        await saved_from(folder, video(body, tells_length=False))
    assert names(folder) == []


@pytest.mark.parametrize("told", ["bytes 9-19/20", "bytes 0-9/*", "nonsense", ""])
async def test_another_part_than_was_asked_for_is_not_put_behind_ours(folder: Path, told: str) -> None:
    """The file would have the right length and the wrong middle."""
    folder.mkdir()
    (folder / f"{NAME}.part").write_bytes(WHOLE[:1000])

    with pytest.raises(DownloadFailed, match="another part"):
        await saved_from(folder, video(WHOLE[1000:], 206, content_range=told))
    assert (folder / f"{NAME}.part").read_bytes() == WHOLE[:1000]


async def test_a_part_that_does_not_fit_is_thrown_away(folder: Path) -> None:
    """Longer than the video, or just as long: 416 is what a bucket says to both."""
    folder.mkdir()
    for _ in range(2):
        (folder / f"{NAME}.part").write_bytes(b"x" * 5000)
        with pytest.raises(DownloadFailed, match="fetched anew"):
            await saved_from(folder, video(b"<Code>InvalidRange</Code>", 416))
        assert names(folder) == []
    assert await saved_from(folder, video(WHOLE)) == WHOLE


async def test_more_bytes_than_were_told_are_thrown_away(folder: Path) -> None:
    """A part can grow beyond the whole when a bucket changes its mind about the object."""
    folder.mkdir()
    (folder / f"{NAME}.part").write_bytes(WHOLE[:1500])
    told = f"bytes 1500-1999/{len(WHOLE) - 100}"

    with pytest.raises(DownloadFailed, match="bytes came"):
        await saved_from(folder, video(WHOLE[1500:], 206, content_range=told))
    assert names(folder) == []


async def test_fewer_bytes_than_the_whole_are_kept_for_the_rest(folder: Path) -> None:
    """A range may be answered with less than all that is left."""
    folder.mkdir()
    (folder / f"{NAME}.part").write_bytes(WHOLE[:1000])
    some = video(WHOLE[1000:1500], 206, content_range=f"bytes 1000-1499/{len(WHOLE)}")
    rest = video(WHOLE[1500:], 206, content_range=f"bytes 1500-{len(WHOLE) - 1}/{len(WHOLE)}")

    with suppress(DownloadFailed):
        await saved_from(folder, some)
    assert (folder / f"{NAME}.part").read_bytes() == WHOLE[:1500]
    assert await saved_from(folder, rest) == WHOLE


async def test_an_endless_error_page_is_not_read_to_its_end(folder: Path) -> None:
    """4 KB are more than OSS ever says."""
    page = b"<Error><Code>Oops</Code>" + b"x" * 1_000_000

    with pytest.raises(DownloadFailed, match="Oops"):
        await saved_from(folder, saying(page, 500, content_type="application/xml"))
