"""The service's own SDK, unchanged, works on the simulator: both of its generations.

That is the proof that the simulator is like the service and not only like our client.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportArgumentType=false, reportMissingTypeStubs=false, reportMissingImports=false
# The SDK leaves most of its types open, and is installed only where this test runs.

import importlib
import wave
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import pytest
from anyio.from_thread import start_blocking_portal

from wan_mcp.simulator import Simulator, serving

pytest.importorskip("dashscope", reason="the official SDK is in requirements/e2e.txt")

# What the SDK and its own dependencies warn of is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore")

MODEL = "wan2.5-t2v-preview"
PROMPT = "一只小猫在月光下奔跑"


@pytest.fixture
def sim() -> Simulator:
    """Real time, in a hurry: PENDING for a tenth of a second, RUNNING for two."""
    return Simulator(media="clip", run_delay=0.1, run_time=0.2)


@pytest.fixture
def url(sim: Simulator) -> Generator[str]:
    """The SDK blocks, so the server has a thread of its own."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serving(sim)) as address:
        yield address


@pytest.fixture
def sdk(url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The class of the first generation that speaks to video models."""
    dashscope = importlib.import_module("dashscope")
    monkeypatch.setattr(dashscope, "base_http_api_url", f"{url}/api/v1")
    monkeypatch.setattr(dashscope, "api_key", "sk-e2e")
    return dashscope.VideoSynthesis


@pytest.fixture
def jobs(url: str) -> Generator[Any]:
    """The video tasks of the second generation."""
    v2 = importlib.import_module("dashscope.v2")
    with v2.Client(api_key="sk-e2e", base_url=f"{url}/api/v1") as client:
        yield client.videos.jobs


def test_a_video_is_made_waited_for_and_fetched(sdk: Any) -> None:
    """The example of the SDK's own page, to the last byte of the video."""
    created = sdk.async_call(
        model=MODEL,
        prompt=PROMPT,
        negative_prompt="低质量",
        size="1280*720",
        duration=10,
        seed=7,
        watermark=True,
    )
    first = sdk.fetch(created)
    done = sdk.wait(created)
    film = httpx.get(done.output.video_url)

    assert (created.status_code, created.output.task_status) == (200, "PENDING")
    assert first.output.task_status in ("PENDING", "RUNNING", "SUCCEEDED")
    assert (done.output.task_status, done.output.orig_prompt) == ("SUCCEEDED", PROMPT)
    assert (done.usage.duration, done.usage.SR, done.usage.size) == (10, 720, "1280*720")
    assert film.content[4:8] == b"ftyp"


def test_one_call_does_it_all(sdk: Any) -> None:
    """`call` is create and wait."""
    done = sdk.call(model=MODEL, prompt=PROMPT, size="832*480")

    assert done.output.task_status == "SUCCEEDED"


def test_tasks_are_listed(sdk: Any) -> None:
    """By model and status."""
    created = sdk.async_call(model=MODEL, prompt=PROMPT)
    sdk.wait(created)
    listed = sdk.list(model_name=MODEL, status="SUCCEEDED")

    assert [row["task_id"] for row in listed.output["data"]] == [created.output.task_id]
    assert sdk.list(status="FAILED").output["total"] == 0


def test_a_waiting_task_is_cancelled_and_a_finished_one_is_not(sdk: Any, sim: Simulator) -> None:
    """The SDK hands on the service's refusal."""
    sim.mishap(kind="stuck_pending")
    waiting, finished = (sdk.async_call(model=MODEL, prompt=PROMPT) for _ in range(2))
    sdk.wait(finished)
    cancelled, refused = sdk.cancel(waiting), sdk.cancel(finished)

    assert (cancelled.status_code, refused.status_code, refused.code) == (200, 400, "UnsupportedOperation")
    assert sdk.fetch(waiting).output.task_status == "CANCELED"


def test_a_local_sound_is_uploaded_and_used(sdk: Any, sim: Simulator, tmp_path: Path) -> None:
    """Policy, form, oss:// address and the resolve header, all by the SDK."""
    voice = tmp_path / "voice.wav"
    with wave.open(str(voice), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(2 * 8000 * 5))
    done = sdk.wait(sdk.async_call(model=MODEL, prompt=PROMPT, audio_url=voice.as_uri()))

    assert done.output.task_status == "SUCCEEDED"
    assert [one.body for one in sim.uploads.values()] == [voice.read_bytes()]
    assert (sim.accepted[0].order.audio_url or "").startswith("oss://dashscope-instant/")


def test_errors_come_through(sdk: Any) -> None:
    """At once, in the task, and for what does not exist."""
    unknown_model = sdk.async_call(model="wan9", prompt=PROMPT)
    bad_size = sdk.wait(sdk.async_call(model=MODEL, prompt=PROMPT, size="480P"))
    bad_key = sdk.async_call(model=MODEL, prompt=PROMPT, api_key="nonsense")

    assert (unknown_model.status_code, unknown_model.code) == (400, "InvalidParameter")
    assert (bad_size.output.task_status, bad_size.output.code) == ("FAILED", "InvalidParameter")
    assert (bad_key.status_code, bad_key.code) == (401, "InvalidApiKey")
    assert sdk.wait("00000000-0000-4000-8000-000000000000").output.task_status == "UNKNOWN"


def test_a_lost_answer_makes_the_sdk_pay_twice(sdk: Any, sim: Simulator) -> None:
    """Why a creation must never be repeated blindly: seen on the SDK itself."""
    sim.mishap(kind="drop", accept=True)
    created = sdk.async_call(model=MODEL, prompt=PROMPT)

    assert created.status_code == 200
    assert sim.accepted_for(PROMPT) == 2


def test_the_second_generation_makes_and_waits(jobs: Any) -> None:
    """The same service by another client."""
    created = jobs.create(model=MODEL, prompt=PROMPT, size="832*480", duration=5, prompt_extend=False)
    done = jobs.wait(created, poll_interval=0.05)

    assert (created.status, done.status, done.task_id) == ("PENDING", "SUCCEEDED", created.task_id)
    assert httpx.get(done.video_url).content[4:8] == b"ftyp"


def test_the_second_generation_lists_and_cancels(jobs: Any, sim: Simulator) -> None:
    """It reads the rows under another key than the service's page names."""
    sim.mishap(kind="stuck_pending")
    created = jobs.create(model=MODEL, prompt=PROMPT)
    listed = jobs.list(status="PENDING")
    jobs.cancel(created.task_id)

    assert (listed.total, len(listed.tasks)) == (1, 1)
    assert jobs.fetch(created.task_id).status == "CANCELED"
