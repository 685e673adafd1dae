"""Sixty shots become one film at no more memory than two."""

from pathlib import Path

import pytest

pytest.importorskip("av", reason="joining needs the extra `media`")

from tests.movies import make_movie
from wan_mcp.adapters.media.workshop import Joined, Workshop
from wan_mcp.settings import environment_without_secrets

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("crossfade", [0, 0.1])
async def test_sixty_shots_take_no_more_memory_than_two(tmp_path: Path, crossfade: float) -> None:
    """Only the index of the file may grow."""
    workshop = Workshop(environment=environment_without_secrets())
    shots = [make_movie(tmp_path / f"shot {n}.mp4", seconds=0.5, signal_at=0.2, sound=0.5) for n in (1, 2)]

    async def joined(count: int) -> Joined:
        titles = [f"Shot {n}" for n in range(1, count + 1)]
        return await workshop.join(
            shots * (count // 2), tmp_path / f"film {count}.mp4", titles=titles, crossfade=crossfade
        )

    few, many = await joined(2), await joined(60)
    assert many.seconds > 20
    if few.peak_bytes and many.peak_bytes:
        assert many.peak_bytes < few.peak_bytes * 1.15
