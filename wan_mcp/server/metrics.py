"""The figures of the service as Prometheus reads them.

Written by hand: one page of text is no reason for a dependency. Format 0.0.4:
https://prometheus.io/docs/instrumenting/exposition_formats/ ; names by https://prometheus.io/docs/practices/naming/
Never a label that callers choose: no names, no prompts, no task ids.
"""

import platform
from collections.abc import Iterable, Mapping
from itertools import accumulate

from wan_mcp import __version__
from wan_mcp.domain.task import Status
from wan_mcp.service.figures import BUCKETS, Figures, Latency

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = Mapping[str, str]
Sample = tuple[str, Labels, float]
"""What comes after the metric's name, the labels, the value."""


def exposition(figures: Figures | None) -> str:
    """Write the whole page; of a service that is not open, only that it is not."""
    lines = [
        *_metric("build_info", "gauge", "What runs here.", [("", _build(), 1)]),
        *_metric("ready", "gauge", "Whether the ledger is open.", [("", {}, float(figures is not None))]),
    ]
    if figures is not None:
        lines += [*_of_the_ledger(figures), *_of_this_process(figures)]
    return "".join(f"{line}\n" for line in lines)


def _build() -> Labels:
    return {"version": __version__, "python": platform.python_version()}


def _of_the_ledger(figures: Figures) -> Iterable[str]:
    """The same in every process that shares the ledger."""
    standing, currency = figures.standing, {"currency": figures.standing.held.currency}
    queued = figures.tasks.get(Status.QUEUED, 0)
    tasks: list[Sample] = [("", {"status": status}, figures.tasks.get(status, 0)) for status in Status]
    yield from _metric("tasks", "gauge", "Tasks in the ledger, by status.", tasks)
    yield from _metric("queue_length", "gauge", "Tasks that wait with us.", [("", {}, queued)])
    yield from _metric("money_held", "gauge", "Held for open tasks.", [("", currency, float(standing.held.amount))])
    yield from _metric(
        "money_charged_today",
        "gauge",
        "Charged since midnight.",
        [("", currency, float(standing.charged_today.amount))],
    )
    left = standing.left(figures.budget)
    if left is not None:  # the person may have lifted the cap
        yield from _metric("budget_left_today", "gauge", "May be spent today.", [("", currency, float(left.amount))])


def _of_this_process(figures: Figures) -> Iterable[str]:
    """Since its start."""
    tally = figures.tally
    yield from _metric("watched_tasks", "gauge", "Tasks watched by this process.", [("", {}, figures.watched)])
    yield from _metric("open_waits", "gauge", "Callers waiting for a task now.", [("", {}, figures.open_waits)])
    yield from _metric(
        "downloads_total",
        "counter",
        "Attempts to bring a video home, by outcome.",
        [("", {"outcome": outcome}, count) for outcome, count in sorted(tally.downloads.items())],
    )
    yield from _metric(
        "upstream_seconds",
        "histogram",
        "Exchanges with DashScope, by operation and outcome (an HTTP status, lost, unreachable or abandoned).",
        [
            sample
            for (operation, outcome), latency in sorted(tally.upstream.items())
            for sample in _histogram({"operation": operation, "outcome": outcome}, latency)
        ],
    )


def _histogram(labels: Labels, latency: Latency) -> Iterable[Sample]:
    bounds = [*(f"{bound:g}" for bound in BUCKETS), "+Inf"]
    totals = list(accumulate(latency.counts))
    for bound, total in zip(bounds, totals, strict=True):
        yield "_bucket", {**labels, "le": bound}, total
    yield "_sum", labels, latency.seconds
    yield "_count", labels, totals[-1]


def _metric(name: str, kind: str, words: str, samples: Iterable[Sample]) -> Iterable[str]:
    yield f"# HELP wan_mcp_{name} {words}"
    yield f"# TYPE wan_mcp_{name} {kind}"
    for suffix, labels, value in samples:
        yield f"wan_mcp_{name}{suffix}{_labels(labels)} {_number(value)}"


def _labels(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}" if labels else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
