"""What an operator sees: that it lives, that it can work, and figures that Prometheus can read."""

import re
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import HandClock, made
from tests.doors import at, tokens_file
from tests.making import a_request, pass_time
from wan_mcp import __version__
from wan_mcp.domain.errors import Refused
from wan_mcp.domain.money import Budget, Money, Standing
from wan_mcp.domain.task import Status
from wan_mcp.server.metrics import CONTENT_TYPE, exposition
from wan_mcp.service.figures import BUCKETS, Figures, Latency, Tally
from wan_mcp.service.videos import Videos
from wan_mcp.settings import Settings
from wan_mcp.simulator import Simulator

pytestmark = pytest.mark.anyio

SAMPLE = re.compile(r'(wan_mcp_[a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*)\})? (-?\d[\d.e+-]*)')


def cny(amount: str) -> Money:
    """An amount in yuan."""
    return Money(Decimal(amount), "CNY")


def some_figures(**more: Any) -> Figures:
    """Figures of a ledger with nothing in it."""
    usual: dict[str, Any] = {
        "tasks": {},
        "standing": Standing(held=cny("0"), charged_today=cny("0")),
        "budget": Budget(per_task=None, per_day=None, confirm_above=cny("0")),
        "watched": 0,
        "open_waits": 0,
        "tally": Tally(),
    }
    return Figures(**usual | more)


def read(page: str) -> dict[str, float]:
    """Read a page as Prometheus does: every line is a comment or a sample, each metric's lines stand together."""
    samples: dict[str, float] = {}
    order: list[str] = []
    kinds: dict[str, str] = {}
    for line in page.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in kinds, "a metric is told of once"
            kinds[name] = kind
            order.append(name)
        elif not line.startswith("# HELP "):
            found = SAMPLE.fullmatch(line)
            assert found, line
            assert found[1].removesuffix("_bucket").removesuffix("_sum").removesuffix("_count") in (order[-1], found[1])
            assert line.rpartition(" ")[0] not in samples, "a sample is told once"
            samples[line.rpartition(" ")[0]] = float(found[3])
    assert page.endswith("\n")
    return samples


def test_the_page_is_prometheus_text() -> None:
    """Format 0.0.4, whatever the figures are."""
    tally = Tally()
    tally.answered("look", "2xx", 0.03)
    tally.answered("look", "2xx", 7)
    tally.answered("look", "2xx", 99)
    tally.downloaded("saved")
    told = read(
        exposition(
            some_figures(
                tasks={Status.QUEUED: 4, Status.SUCCEEDED: 2},
                standing=Standing(held=cny("3.5"), charged_today=cny("6")),
                budget=Budget(per_task=None, per_day=cny("20"), confirm_above=cny("0")),
                watched=5,
                open_waits=1,
                tally=tally,
            )
        )
    )
    look = 'operation="look",outcome="2xx"'
    assert [told[f'wan_mcp_tasks{{status="{status}"}}'] for status in ("QUEUED", "SUCCEEDED", "FAILED")] == [4, 2, 0]
    assert told["wan_mcp_queue_length"] == 4
    assert told['wan_mcp_money_held{currency="CNY"}'] == 3.5
    assert told['wan_mcp_money_charged_today{currency="CNY"}'] == 6
    assert told['wan_mcp_budget_left_today{currency="CNY"}'] == 10.5
    assert (told["wan_mcp_watched_tasks"], told["wan_mcp_open_waits"], told["wan_mcp_ready"]) == (5, 1, 1)
    assert told['wan_mcp_downloads_total{outcome="saved"}'] == 1
    assert told[f"wan_mcp_upstream_seconds_count{{{look}}}"] == 3
    assert told[f"wan_mcp_upstream_seconds_sum{{{look}}}"] == pytest.approx(106.03)
    assert told[f'wan_mcp_upstream_seconds_bucket{{{look},le="0.05"}}'] == 1
    assert told[f'wan_mcp_upstream_seconds_bucket{{{look},le="10"}}'] == 2
    assert told[f'wan_mcp_upstream_seconds_bucket{{{look},le="+Inf"}}'] == 3
    assert any(f'version="{__version__}"' in name for name in told)


def test_a_lifted_cap_leaves_nothing_to_tell() -> None:
    """A budget that is not there has no rest, and 0 would ring an alarm."""
    assert not any("budget_left" in name for name in read(exposition(some_figures())))


def test_a_service_that_is_not_open_says_only_that() -> None:
    """The scrape itself works, so an alarm can be set on `ready`."""
    assert read(exposition(None))["wan_mcp_ready"] == 0


@pytest.mark.parametrize(("seconds", "bucket"), [(0.0, 0), (0.05, 0), (0.051, 1), (30.0, 9), (31.0, 10)])
def test_a_bound_belongs_to_its_bucket(seconds: float, bucket: int) -> None:
    """`le` is "less or equal"."""
    latency = Latency()
    latency.note(seconds)
    assert latency.counts.index(1) == bucket
    assert len(latency.counts) == len(BUCKETS) + 1


async def test_every_exchange_with_dashscope_is_counted_by_what_it_came_to(
    videos: Videos, simulator: Simulator, clock: HandClock
) -> None:
    """Submitted, refused, throttled, lost, looked at, found, cancelled; and the video that came home."""
    saved = await videos.create(a_request("one"), agreed=False)
    await pass_time(videos, clock, minutes=3)
    assert (await videos.get(saved.task.id)).task.file
    simulator.mishap(on="create", kind="refuse", code="DataInspectionFailed")
    with pytest.raises(Refused):
        await videos.create(a_request("two"), agreed=False)
    simulator.mishap(on="create", kind="drop", accept=True)
    await videos.create(a_request("three"), agreed=False)
    await pass_time(videos, clock, minutes=3)
    last = await videos.create(a_request("four"), agreed=False)
    await videos.cancel(last.task.id)
    simulator.mishap(on="create", kind="throttle")
    await videos.create(a_request("five"), agreed=False)

    figures = await videos.figures()
    counted: dict[str, set[str]] = defaultdict(set)
    for operation, outcome in figures.tally.upstream:
        counted[operation].add(outcome)
    assert counted["submit"] == {"2xx", "4xx", "429", "lost"}
    assert "2xx" in counted["look"] & counted["find"] & counted["cancel"]
    assert figures.tally.downloads["saved"] == 2
    assert figures.tasks[Status.SUCCEEDED] == 2
    assert figures.tasks[Status.QUEUED] == 1
    assert figures.watched >= 1


async def test_an_upstream_that_is_not_there_is_counted_as_that(tmp_path: Path, clock: HandClock) -> None:
    """Nothing was sent, which is another trouble than an answer that was lost."""
    from tests.conftest import opened
    from wan_mcp.domain.errors import Unavailable

    async with opened(made("http://127.0.0.1:9", tmp_path), clock) as videos:
        with pytest.raises(Unavailable):
            await videos.create(a_request(), agreed=False)
        assert set((await videos.figures()).tally.upstream) == {("submit", "unreachable")}


# The pages


@pytest.mark.parametrize("transport", ["streamable-http", "sse"])
async def test_the_three_pages_are_there_at_every_door(settings: Settings, transport: Any) -> None:
    """Without a token on this machine, and for probes that come by address."""
    async with at(settings, transport=transport) as url, httpx.AsyncClient(trust_env=False, verify=False) as http:
        root = url.rpartition("/")[0]
        alive, ready = [
            await http.get(f"{root}{path}", headers={"host": "10.0.0.1"}) for path in ("/healthz", "/readyz")
        ]
        metrics = await http.get(f"{root}/metrics")
    assert [(page.status_code, page.text) for page in (alive, ready)] == [(200, "alive\n"), (200, "ready\n")]
    assert (metrics.status_code, metrics.headers["content-type"]) == (200, CONTENT_TYPE)
    assert read(metrics.text)["wan_mcp_ready"] == 1


async def test_a_ledger_that_cannot_be_used_is_alive_and_not_ready(url: str, tmp_path: Path) -> None:
    """A supervisor must not restart for it, a balancer must not send callers, and no path is told."""
    broken = tmp_path / "broken.db"
    broken.write_text("this is no database, and was never one; it is only a file of some length " * 20)
    settings = made(url, tmp_path, WAN_MCP_LEDGER=broken)
    async with at(settings) as place, httpx.AsyncClient(trust_env=False, verify=False) as http:
        root = place.rpartition("/")[0]
        alive, ready, metrics = [await http.get(f"{root}{path}") for path in ("/healthz", "/readyz", "/metrics")]
    assert alive.status_code == 200
    assert (ready.status_code, ready.text) == (503, "not ready: LedgerUnusable\n")
    assert read(metrics.text)["wan_mcp_ready"] == 0


async def test_beyond_loopback_figures_are_for_a_token_that_may_see_them(url: str, tmp_path: Path) -> None:
    """They sum up what all callers spend, which is none of a caller's business."""
    path, tokens = tokens_file(tmp_path, alice="", prometheus='metrics = true\nbudget_per_task = "0"')
    settings = made(url, tmp_path, WAN_MCP_TOKENS_FILE=path, WAN_MCP_ALLOWED_HOSTS="video.example.com")
    async with at(settings) as place, httpx.AsyncClient(trust_env=False, verify=False) as http:
        root = place.rpartition("/")[0]
        answers = {
            name: await http.get(f"{root}/metrics", headers={"authorization": f"Bearer {token}"} if token else {})
            for name, token in {"nobody": "", "stranger": "wan_x", **tokens}.items()
        }
        probes = [await http.get(f"{root}{page}") for page in ("/healthz", "/readyz")]
    assert {name: answer.status_code for name, answer in answers.items()} == {
        "nobody": 401, "stranger": 401, "alice": 403, "prometheus": 200,
    }  # fmt: skip
    assert answers["nobody"].headers["www-authenticate"] == "Bearer"
    assert [probe.status_code for probe in probes] == [200, 200]
