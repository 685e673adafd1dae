"""When to look: a task's end is not told, it has to be asked for.

**The question.** A look costs a query of an account that has 20 a second for everybody on it; an end that is not
yet seen costs a person's time. Let *T* be how long a task takes, *f* its density, *S(t)* the chance that it goes
on after *t*, *h = f/S* its hazard, and *n(t)* how many looks a second are spent at *t*. A look is spent only while
the task goes on, and an end at *t* is seen half a gap later, so one task costs on average

    looks = ∫ S(t) n(t) dt          delay = ∫ f(t) / 2n(t) dt

**The answer.** Where one look is worth λ seconds of delay, each *t* can be minimised for itself: n = √(h / 2λ).
The gap between two looks goes with one over the root of the hazard: no looks where no task has ever ended, many
where most do, fewer again once the usual time has passed. (J. B. Keller, Optimum checking schedules for systems
subject to random failure, Management Science 21, 1974, doi:10.1287/mnsc.21.3.256; the square root is that of
queueing for patrols and of Young's rule for checkpoints, too.) Looks lie where √h, summed up, has grown by another
1/c; the less λ, the larger c.

**What a look is worth** nobody can say, so λ is not asked for. What is given is the number of looks: those that
asking every `EVERY` seconds, as DashScope's page advises, would take of such a task. They are placed better, and
*c* is what spends no more of them. Since both numbers come from the same *S*, an error in it cancels largely.

**How long tasks take** is learned from the ledger's latest videos of one kind (model, tier, length). Their
logarithms are averaged, each older one counting a tenth less, so that a slow evening is followed within a few
videos; before there are any, the catalogue's word stands for a quarter of one video, and three with a spread of
0.15. What lies far from the median counts as if it lay at the rim: one video that hung for an hour says nothing
of the next. The spread is that of the next video, so it holds our not knowing the middle as well. Its shape is
log-logistic: nearly a log-normal in the middle, with closed forms and a heavier tail.

**What was never seen before.** `_ODD` of the weight goes to a task that may take anything (log-logistic with
shape 1): it keeps a few looks where the learned shape has none, and makes the gaps grow with the root of the time
when a task is long overdue. No gap is longer than `LONGEST`, none shorter than `SHORTEST`, and the first look
comes after `FIRST`: what DashScope refuses, it has refused by then, and all else is running. A kind that takes
seconds, as with a simulator in a hurry, is looked at from half of its time on, and gets `FEWEST` looks.

**Sharing.** When so many tasks are open that all looks together would take more than the account allows, each task
takes only every k-th look (`stride`). That is the same answer with a larger λ, so the looks that are left still
lie where they are worth most.

Times are seconds since the task was sent, by one clock. Nothing here is random: two tasks of one kind differ in
when they were sent.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, count, pairwise

EVERY = 15.0
"""How often DashScope's page advises to ask: what no schedule may take more looks than."""
FIRST = 12.0
"""All measured tasks were running after 7 to 10.5 seconds; what is refused fails sooner still."""
SHORTEST = 2.0
LONGEST = 60.0
_END = 3 * 3600.0
"""DashScope ends every task by then."""

_PRIOR_MIDDLE = 0.25
"""The catalogue's usual time counts as so many videos..."""
_PRIOR_SPREAD = 3.0
_SPREAD = 0.15
"""... and its spread as so many, of this one: five measured runs spread by 0.1, on other days and with other loads."""
_FORGET = 0.9
_RIM = 2.5
"""Spreads from the median beyond which a video counts as if it lay there."""
_LEAST_SPREAD, _MOST_SPREAD = 0.04, 1.0
_ODD = 0.02
_LOGISTIC = 1.7
"""A logistic with the scale 1/1.7 is nearest to a normal with the spread 1."""
_DENSEST = 3.0
"""The largest c. With it, a task that never ends still takes fewer looks in three hours than one every `EVERY`."""
_KEPT_BACK = 0.99
"""What is learned from twenty videos is a little too sure of itself, and errs on the side of more looks."""
FEWEST = 4.0
"""Looks that any task is worth; one of a minute gets as many by `EVERY`."""
_ENOUGH = 1e-3
"""A look that so few of the tasks need is not worth counting."""


@dataclass(frozen=True)
class Lasting:
    """How long the next task of a kind takes, as far as is known: a log-logistic."""

    middle: float
    """Half of such tasks have ended by then; seconds."""
    spread: float
    """Of the logarithm: 0.1 means that two in three lie within a tenth of the middle."""

    @property
    def first(self) -> float:
        """When to look for the first time; seconds."""
        return max(SHORTEST, min(FIRST, self.middle / 2))

    @property
    def shape(self) -> float:
        """The exponent of the log-logistic."""
        return _LOGISTIC / self.spread

    def goes_on(self, at: float) -> float:
        """Return the chance that it goes on after `at`."""
        return _survival(at, self.middle, self.shape)


def lasting(latest: Sequence[float], usual: float) -> Lasting:
    """Learn from the durations of the latest videos, newest first, and from the catalogue's `usual`; seconds."""
    told = math.log(usual)
    weights = [_FORGET**age for age in range(len(latest))]
    seen = _within_the_rim([math.log(max(seconds, 1.0)) for seconds in latest], weights)
    weight = sum(weights)
    mean = sum(w * y for w, y in zip(weights, seen, strict=True)) / weight if weight else told
    middle_weight = _PRIOR_MIDDLE + weight
    middle = (_PRIOR_MIDDLE * told + weight * mean) / middle_weight
    squares = sum(w * (y - mean) ** 2 for w, y in zip(weights, seen, strict=True))
    disagreement = _PRIOR_MIDDLE * weight / middle_weight * (mean - told) ** 2
    variance = (_PRIOR_SPREAD * _SPREAD**2 + squares + disagreement) / (_PRIOR_SPREAD + weight)
    spread = math.sqrt(variance * (1 + 1 / middle_weight))
    return Lasting(math.exp(middle), min(max(spread, _LEAST_SPREAD), _MOST_SPREAD))


def _within_the_rim(seen: list[float], weights: Sequence[float]) -> list[float]:
    if not seen:
        return []
    median = _median(seen, weights)
    spread = 1.48 * _median([abs(y - median) for y in seen], weights)
    rim = _RIM * max(spread, _LEAST_SPREAD)
    return [min(max(y, median - rim), median + rim) for y in seen]


def _median(values: Sequence[float], weights: Sequence[float]) -> float:
    """The value at which half of the weight is reached."""
    half, reached = sum(weights) / 2, 0.0
    for value, weight in sorted(zip(values, weights, strict=True)):
        reached += weight
        if reached >= half:
            return value
    raise AssertionError("all of the weight is more than half of it")  # pragma: no cover


@dataclass(frozen=True)
class Schedule:
    """Where the looks at a task of one kind lie."""

    looks: tuple[float, ...]
    """Seconds after sending, each later than the one before."""
    then: float = LONGEST
    """From the last of them on, one every so many seconds."""

    def until_next(self, elapsed: float, *, stride: float = 1.0) -> float:
        """Return the seconds from `elapsed` until the next look, for who takes one of every `stride`.

        Not the next in the list, but one look's worth of likelihood away from now: so a look that came late,
        or out of turn, shifts the others instead of being followed by one at its heels.
        """
        elapsed = max(elapsed, 0.0)
        return self._at(self._place(elapsed) + max(stride, 1.0)) - elapsed

    def _place(self, elapsed: float) -> float:
        """How many looks lie before `elapsed`, with the part of the next gap that has passed."""
        index = bisect_left(self.looks, elapsed)
        if index == len(self.looks):
            return index + (elapsed - self.looks[-1]) / self.then
        before = self.looks[index - 1] if index else 0.0
        return index + (elapsed - before) / (self.looks[index] - before)

    def _at(self, place: float) -> float:
        """When the look at `place` is; the inverse of `_place`."""
        index = math.floor(place)
        if index >= len(self.looks):
            return self.looks[-1] + (place - len(self.looks)) * self.then
        before = self.looks[index - 1] if index else 0.0
        return before + (place - index) * (self.looks[index] - before)


def schedule(kind: Lasting) -> Schedule:
    """Place as many looks as asking every `EVERY` seconds would take, where an end is likely."""
    worth = _Worth(kind)
    allowed = max(expected_looks(kind, count(EVERY, EVERY)) * _KEPT_BACK, FEWEST)
    sparse, dense = 0.0, _DENSEST
    for _ in range(12):
        tried = (sparse + dense) / 2
        if expected_looks(kind, worth.looks(tried), most=allowed) <= allowed:
            sparse = tried
        else:
            dense = tried
    return Schedule(tuple(worth.looks(sparse)))


def steady(seconds: float) -> Schedule:
    """Look every so many seconds, as a person has set it."""
    return Schedule((seconds,), then=seconds)


def expected_looks(kind: Lasting, looks: Iterable[float], *, most: float = math.inf) -> float:
    """Return how many of these looks a task takes on average: one more for each that finds it going on.

    Where it is more than `most`, counting ends there.
    """
    total, middle, shape = 1.0, kind.middle, kind.shape
    for at in looks:
        chance = _survival(at, middle, shape)
        if chance < _ENOUGH or at > _END or total > most:
            break
        total += chance
    return total


class _Worth:
    """√h summed up over time, for a kind of task of which a few are odd."""

    def __init__(self, kind: Lasting) -> None:
        self._first = kind.first
        self._times = [kind.first, *_grid(kind)]
        roots = [math.sqrt(_hazard(math.sqrt(a * b), kind)) * (b - a) for a, b in pairwise(self._times)]
        self._sums = list(accumulate(roots, initial=0.0))

    def looks(self, dense: float) -> Iterator[float]:
        """Where the sum has grown by one over `dense`, within the bounds of a gap."""
        at, total = self._first, self._sum(self._first)
        while at < _END:
            yield at
            total += 1 / dense if dense else math.inf
            due = self._when(total) if total < self._sums[-1] else _END
            soonest, latest = at + SHORTEST, at + LONGEST
            if soonest <= due <= latest:
                at = due
            else:
                at = soonest if due < soonest else latest
                total = self._sum(at)

    def _sum(self, at: float) -> float:
        return _between(self._times, self._sums, at)

    def _when(self, total: float) -> float:
        return _between(self._sums, self._times, total)


def _grid(kind: Lasting) -> list[float]:
    """Times from the first look to `_END`, dense where the kind's tasks end."""
    times, at, end = list[float](), math.log(kind.first / kind.middle), math.log(_END / kind.middle)
    while at < end:
        at += kind.spread / 6 if abs(at) < 6 * kind.spread else min(0.2, abs(at) - 5.9 * kind.spread)
        times.append(kind.middle * math.exp(min(at, end)))
    return times


def _between(xs: Sequence[float], ys: Sequence[float], x: float) -> float:
    """Interpolate; beyond the ends, the end."""
    index = bisect_left(xs, x)
    if index == 0:
        return ys[0]
    if index == len(xs):
        return ys[-1]
    part = (x - xs[index - 1]) / (xs[index] - xs[index - 1])
    return ys[index - 1] + part * (ys[index] - ys[index - 1])


def _hazard(at: float, kind: Lasting) -> float:
    """Of a task that is odd with the chance `_ODD`."""
    usual, odd = _survival(at, kind.middle, kind.shape), _survival(at, kind.middle, 1.0)
    density = (1 - _ODD) * kind.shape * usual * (1 - usual) + _ODD * odd * (1 - odd)
    return density / at / ((1 - _ODD) * usual + _ODD * odd)


def _survival(at: float, middle: float, shape: float) -> float:
    return 1 / (1 + math.exp(min(shape * math.log(at / middle), 700.0)))
