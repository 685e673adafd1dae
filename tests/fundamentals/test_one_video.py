"""What it does, told as a tutorial: from a sentence to a saved video."""

from pathlib import Path

import pytest

from tests.conftest import HandClock
from tests.making import CAT, a_request
from wan_mcp.domain.task import Status
from wan_mcp.service.report import Report
from wan_mcp.service.videos import Videos
from wan_mcp.simulator import Simulator

pytestmark = pytest.mark.anyio


async def test_a_request_becomes_a_pending_task_at_once(videos: Videos, simulator: Simulator) -> None:
    """A tool call must be answered within seconds, and rendering takes minutes."""
    report = await videos.create(a_request(), agreed=False)

    assert report.task.status is Status.PENDING
    assert report.task.money_state == "held"
    assert simulator.accepted_for(CAT) == 1


async def test_a_finished_task_is_downloaded_though_nobody_asks(
    videos: Videos, clock: HandClock, tmp_path: Path
) -> None:
    """The link dies after 24 hours, and whoever asked may be gone."""
    task = (await videos.create(a_request(), agreed=False)).task

    for _ in range(20):
        clock.turn(15)
        await videos.watcher.turn()

    report = await videos.get(task.id)
    assert report.task.status is Status.SUCCEEDED
    assert report.task.money_state == "charged"
    [file] = (tmp_path / "videos").glob("*.mp4")
    assert report.task.file == str(file)
    assert CAT in file.name


async def test_waiting_ends_when_the_file_is_at_home(videos: Videos) -> None:
    """`get_video_task` waits for the end and the file, telling progress each second."""
    task = (await videos.create(a_request(), agreed=False)).task
    told: list[float] = []

    async def progress(report: Report) -> None:
        if report.task.is_open:
            told.append(report.elapsed.total_seconds())

    report = await videos.wait(task.id, seconds=45, progress=progress)
    assert report.task.is_open
    await videos.wait(task.id, seconds=45, progress=progress)
    report = await videos.wait(task.id, seconds=45, progress=progress)

    assert report.task.file
    assert told == sorted(told)
    assert len(told) >= 60
