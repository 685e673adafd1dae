"""The two buckets: where videos are fetched from, and where local files go.

Pages named below are of help.aliyun.com/zh/model-studio.
"""

import io
import wave
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from tests.test_simulator import ASYNC, CREATE, KEY, MODEL, T0, Desk, at_desk, simulator

pytestmark = pytest.mark.anyio

POLICY = f"/api/v1/uploads?action=getPolicy&model={MODEL}"


@pytest.fixture
async def desk() -> AsyncGenerator[Desk]:
    async with at_desk(simulator()) as one:
        yield one


@pytest.fixture
async def link(desk: Desk) -> str:
    """The link of a finished video."""
    task_id = await desk.create()
    desk.sim.advance(100)
    return (await desk.query(task_id))["output"]["video_url"]


def xml_code(answer: httpx.Response) -> str | None:
    """The code in a bucket's error."""
    assert answer.headers["content-type"].startswith("application/xml")
    return ElementTree.fromstring(answer.text).findtext("Code")


# The result bucket: legacy-wan-text-to-video-api-reference, and the storage's own pages.


async def test_a_link_leads_to_a_video(desk: Desk, link: str) -> None:
    """Without a key: the signature in the link is enough."""
    answer = await desk.client.get(link)

    assert answer.status_code == 200
    assert answer.content[4:8] == b"ftyp"
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["etag"].strip('"').isalnum()
    assert "packaged clip" in answer.headers["x-simulator-note"]


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [("bytes=0-0", 0, 0), ("bytes=100-199", 100, 199), ("bytes=-10", -10, -1), ("bytes=1000-", 1000, -1)],
)
async def test_a_part_of_a_video_can_be_fetched(desk: Desk, link: str, wanted: str, first: int, last: int) -> None:
    """How a broken download is continued."""
    whole = (await desk.client.get(link)).content
    part = await desk.client.get(link, headers={"Range": wanted})
    begin, end = first % len(whole), last % len(whole)

    assert (part.status_code, part.content) == (206, whole[begin : end + 1])
    assert part.headers["content-range"] == f"bytes {begin}-{end}/{len(whole)}"


async def test_a_range_that_cannot_be_met_is_answered_with_everything(desk: Desk, link: str) -> None:
    """The storage's usual behaviour; a client must look at the status before it appends."""
    answer = await desk.client.get(link, headers={"Range": "bytes=99999999-"})

    assert (answer.status_code, "content-range" in answer.headers) == (200, False)


async def test_a_link_signs_get_and_nothing_else(desk: Desk, link: str) -> None:
    """HEAD is another verb: 403, as the V1 signature has it."""
    assert (await desk.client.head(link)).status_code == 403


async def test_a_link_cannot_be_changed(desk: Desk, link: str) -> None:
    """A later expiry or another file needs another signature."""
    tampered = await desk.client.get(link.replace("Expires=1", "Expires=2"))
    other_key = await desk.client.get(link.replace("OSSAccessKeyId=LTAI", "OSSAccessKeyId=MINE"))
    unsigned = await desk.client.get(link.partition("?")[0])

    assert (tampered.status_code, xml_code(tampered)) == (403, "SignatureDoesNotMatch")
    assert (other_key.status_code, xml_code(other_key)) == (403, "InvalidAccessKeyId")
    assert (unsigned.status_code, xml_code(unsigned)) == (403, "AccessDenied")


async def test_a_key_sent_along_spoils_the_download(desk: Desk, link: str) -> None:
    """The storage takes the header for a signature of its own."""
    answer = await desk.client.get(link, headers=KEY)

    assert (answer.status_code, xml_code(answer)) == (400, "InvalidArgument")


async def test_a_link_dies_after_a_day(desk: Desk, link: str) -> None:
    """24 hours from the end; then 403 with both times, in XML."""
    desk.sim.advance(24 * 3600 - 33)  # the link was made 100 s after T0, the task ended at 68 s
    alive = await desk.client.get(link)
    desk.sim.advance(2)
    dead = await desk.client.get(link)

    assert (alive.status_code, dead.status_code, xml_code(dead)) == (200, 403, "AccessDenied")
    assert ElementTree.fromstring(dead.text).findtext("Expires") == "2026-11-23T02:16:10.000Z"


async def test_a_file_that_is_gone_is_no_such_key(desk: Desk, link: str) -> None:
    """The signature still holds; the file does not exist."""
    desk.sim.reset()
    answer = await desk.client.get(link)

    assert (answer.status_code, xml_code(answer)) == (404, "NoSuchKey")


# What can go wrong with a download.


@pytest.mark.parametrize(
    ("mishap", "status", "code"),
    [
        ({"kind": "expired"}, 403, "AccessDenied"),
        ({"kind": "missing"}, 404, "NoSuchKey"),
        ({"kind": "refuse"}, 500, "InternalError"),
        ({"kind": "refuse", "status": 503, "code": "ServiceUnavailable"}, 503, "ServiceUnavailable"),
        ({"kind": "throttle"}, 503, "InternalError"),
    ],
)
async def test_a_download_can_be_refused_in_xml(
    desk: Desk, link: str, mishap: dict[str, Any], status: int, code: str
) -> None:
    """And works again afterwards: the money is spent, the video must come home."""
    desk.sim.mishap(on="download", **mishap)
    answer = await desk.client.get(link)

    assert (answer.status_code, xml_code(answer)) == (status, code)
    assert (await desk.client.get(link)).status_code == 200


@pytest.mark.parametrize("kind", ["truncate", "reset"])
async def test_a_download_can_break_off(desk: Desk, link: str, kind: str) -> None:
    """Content-Length promised more than came."""
    whole = (await desk.client.get(link)).content
    desk.sim.mishap(kind=kind, on="download", keep=0.25)
    came = bytearray()

    async def fetch() -> None:
        async with desk.client.stream("GET", link) as answer:
            assert int(answer.headers["content-length"]) == len(whole)
            async for chunk in answer.aiter_raw():
                came.extend(chunk)

    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await fetch()

    assert whole.startswith(came)
    assert len(came) <= len(whole) // 4


async def test_a_download_can_be_slow(desk: Desk, link: str) -> None:
    """In small pieces at a pace; here fast enough not to keep anybody waiting."""
    whole = (await desk.client.get(link)).content
    desk.sim.mishap(kind="slow", on="download", bytes_per_second=len(whole) * 20)

    assert (await desk.client.get(link)).content == whole


async def test_a_slow_download_can_be_left(desk: Desk, link: str) -> None:
    """Nothing is left behind by a caller that has had enough."""
    desk.sim.mishap(kind="slow", on="download", bytes_per_second=1)
    async with desk.client.stream("GET", link) as answer:
        assert answer.status_code == 200


@pytest.mark.parametrize(
    ("mishap", "kind", "begin"),
    [
        ({"kind": "xml_200"}, "video/mp4", b"<?xml"),
        ({"kind": "tiny"}, "video/mp4", b"\x00\x00\x00\x00ftyp"),
        ({"kind": "wrong_type"}, "text/html", b"\x00\x00\x00"),
        ({"kind": "wrong_type", "content_type": "image/png"}, "image/png", b"\x00\x00\x00"),
        ({"kind": "empty"}, "application/json", b"{}"),
        ({"kind": "garbage"}, "application/json", b"\x1f\x8b"),
    ],
)
async def test_a_download_can_look_right_and_be_wrong(
    desk: Desk, link: str, mishap: dict[str, Any], kind: str, begin: bytes
) -> None:
    """Error pages have been stored as videos."""
    desk.sim.mishap(on="download", **mishap)
    answer = await desk.client.get(link)

    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    assert answer.content.startswith(begin)


async def test_a_download_can_lead_elsewhere(desk: Desk, link: str) -> None:
    """To an address the client should think about before it goes there."""
    desk.sim.mishap(kind="redirect", on="download", to="http://169.254.169.254/latest")
    answer = await desk.client.get(link)

    assert (answer.status_code, answer.headers["location"]) == (302, "http://169.254.169.254/latest")


async def test_a_download_may_know_no_ranges(desk: Desk, link: str) -> None:
    """Then a continued download begins again."""
    desk.sim.mishap(kind="no_range", on="download")
    answer = await desk.client.get(link, headers={"Range": "bytes=10-"})

    assert (answer.status_code, answer.content[4:8], "accept-ranges" in answer.headers) == (
        200,
        b"ftyp",
        False,
    )


async def test_a_download_can_be_late(desk: Desk, link: str) -> None:
    """Late is not lost here either."""
    desk.sim.mishap(kind="delay", on="download", seconds=0.01)

    assert (await desk.client.get(link)).content[4:8] == b"ftyp"


async def test_a_download_can_hang(desk: Desk, link: str) -> None:
    """Until the caller leaves."""
    desk.sim.mishap(kind="hang", on="download")
    with pytest.raises(httpx.ReadTimeout):
        await desk.client.get(link, timeout=httpx.Timeout(5, read=0.05))


# Uploads: get-temporary-file-url.


def wav(seconds: int) -> bytes:
    """So much silence."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(1000)
        sound.writeframes(bytes(1000 * seconds))
    return file.getvalue()


async def policy(desk: Desk) -> dict[str, Any]:
    """A fresh policy."""
    return (await desk.client.get(POLICY, headers=KEY)).json()["data"]


async def upload(
    desk: Desk, allowed: dict[str, Any], content: bytes, *, name: str = "voice.wav", **changes: str
) -> tuple[httpx.Response, str]:
    """Post a file as the page says; the answer, and the file's oss:// address."""
    fields = {
        "OSSAccessKeyId": allowed["oss_access_key_id"],
        "Signature": allowed["signature"],
        "policy": allowed["policy"],
        "x-oss-object-acl": allowed["x_oss_object_acl"],
        "x-oss-forbid-overwrite": allowed["x_oss_forbid_overwrite"],
        "key": f"{allowed['upload_dir']}/{name}",
        "success_action_status": "200",
        **changes,
    }
    answer = await desk.client.post(allowed["upload_host"], data=fields, files={"file": (name, content)})
    return answer, "oss://" + fields["key"]


async def speak(desk: Desk, audio_url: str, *, resolve: bool = True, model: str = MODEL) -> httpx.Response:
    """A creation with a sound of its own."""
    headers = {**ASYNC, **({"X-DashScope-OssResourceResolve": "enable"} if resolve else {})}
    sent = {"model": model, "input": {"prompt": "一位歌手", "audio_url": audio_url}}
    return await desk.client.post(CREATE, headers=headers, json=sent)


async def test_an_uploaded_sound_can_be_used(desk: Desk) -> None:
    """Policy, post, oss:// address, and the header that lets it be resolved."""
    allowed = await policy(desk)
    answer, address = await upload(desk, allowed, wav(5))
    created = await speak(desk, address)
    desk.sim.advance(200)

    assert (answer.status_code, answer.content) == (200, b"")
    assert allowed["expire_in_seconds"] == 300
    assert await desk.status(created.json()["output"]["task_id"]) == "SUCCEEDED"


async def test_an_oss_address_without_the_resolve_header_is_refused(desk: Desk) -> None:
    """400, at once."""
    _, address = await upload(desk, await policy(desk), wav(5))
    answer = await speak(desk, address, resolve=False)

    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (wav(2), "InvalidFile.Duration"),
        (wav(31), "InvalidFile.Duration"),
        (bytes(16 << 20), "InvalidURL"),
        (b"no sound", "InvalidFile.Format"),
    ],
)
async def test_a_sound_of_the_wrong_length_or_size_fails_the_task(desk: Desk, content: bytes, code: str) -> None:
    """3 to 30 seconds, 15 MB."""
    _, address = await upload(desk, await policy(desk), content)
    created = await speak(desk, address)
    desk.sim.advance(10)

    assert (await desk.query(created.json()["output"]["task_id"]))["output"]["code"] == code


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://example.com/a.mp3", "SUCCEEDED"),
        ("https://example.com/a", "SUCCEEDED"),
        ("https://example.com/a.ogg", "FAILED"),
        ("data:audio/wav;base64,AAAA", "FAILED"),
        ("oss://dashscope-instant/never/uploaded.wav", "FAILED"),
    ],
)
async def test_only_an_address_of_a_wav_or_mp3_is_taken(desk: Desk, address: str, expected: str) -> None:
    """http, https or oss; the simulator does not go and look on the network."""
    created = await speak(desk, address)
    desk.sim.advance(200)

    assert await desk.status(created.json()["output"]["task_id"]) == expected


@pytest.mark.parametrize(("model", "later"), [("wan2.6-t2v", timedelta()), (MODEL, timedelta(hours=48, seconds=1))])
async def test_an_upload_is_good_for_its_model_and_two_days(desk: Desk, model: str, later: timedelta) -> None:
    """Bound to the model of the policy; gone after 48 hours."""
    _, address = await upload(desk, await policy(desk), wav(5))
    desk.sim.advance(later.total_seconds())
    created = await speak(desk, address, model=model)
    desk.sim.advance(10)

    assert await desk.status(created.json()["output"]["task_id"]) == "FAILED"


async def test_a_policy_lasts_five_minutes(desk: Desk) -> None:
    """Then 403, in XML."""
    allowed = await policy(desk)
    desk.sim.advance(301)
    answer, _ = await upload(desk, allowed, wav(5))

    assert (answer.status_code, xml_code(answer)) == (403, "AccessDenied")
    assert "Policy expired" in answer.text


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"Signature": "forged"}, 403, "SignatureDoesNotMatch"),
        ({"OSSAccessKeyId": "LTAIother"}, 403, "InvalidAccessKeyId"),
        ({"key": "somewhere/else.wav"}, 403, "AccessDenied"),
    ],
)
async def test_an_upload_keeps_to_its_policy(desk: Desk, changes: dict[str, str], status: int, code: str) -> None:
    """Signed, and inside its own folder."""
    answer, _ = await upload(desk, await policy(desk), wav(5), **changes)

    assert (answer.status_code, xml_code(answer)) == (status, code)


async def test_an_upload_is_never_overwritten(desk: Desk) -> None:
    """The policy can be used again inside its time, the name cannot."""
    allowed = await policy(desk)
    await upload(desk, allowed, wav(5))
    again, _ = await upload(desk, allowed, wav(6))
    other, _ = await upload(desk, allowed, wav(6), name="other.wav")

    assert (again.status_code, other.status_code) == (409, 200)


async def test_a_form_without_its_file_last_is_refused(desk: Desk) -> None:
    """The storage reads nothing that follows the file."""
    fields = [("file", (None, "x")), ("key", (None, "x"))]
    answer = await desk.client.post("/upload-bucket", files=fields)
    no_form = await desk.client.post("/upload-bucket", content=b"x")

    assert (answer.status_code, xml_code(answer)) == (400, "InvalidArgument")
    assert (no_form.status_code, xml_code(no_form)) == (400, "MalformedPOSTRequest")


@pytest.mark.parametrize("query", ["action=getPolicy&model=nothing", f"action=other&model={MODEL}"])
async def test_a_policy_is_for_a_model(desk: Desk, query: str) -> None:
    """And for nothing else."""
    answer = await desk.client.get(f"/api/v1/uploads?{query}", headers=KEY)

    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")


async def test_an_upload_can_go_wrong_too(desk: Desk) -> None:
    """After it was kept or before, late or never."""
    desk.sim.mishap(kind="drop", on="upload", accept=True)
    desk.sim.mishap(kind="delay", on="upload", seconds=0.01)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        await upload(desk, await policy(desk), wav(5))
    late, _ = await upload(desk, await policy(desk), wav(5))

    assert (late.status_code, len(desk.sim.uploads)) == (200, 2)
    assert all(one.at == T0 for one in desk.sim.uploads.values())
