"""Results put together: a row for each teacher, and how much better one teacher does than another."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, stdev
from typing import Literal

from microgpt.learner.evidence import Json
from microgpt.tutor.simulate.school import Result

_Z = 1.96  # of a 95% interval, normal: there are hundreds of learners


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The first script's held-out score `DELAY` days later, less another teacher's, learner by learner.

    Args:
        mean, low, high: over the learners, and its 95% interval.
    """

    teacher: str
    mean: float
    low: float
    high: float

    @property
    def verdict(self) -> Literal["beats", "no difference", "loses"]:
        """What can be said of the first script: `beats` is an interval above zero."""
        return "beats" if self.low > 0 else "loses" if self.high < 0 else "no difference"

    def to_json(self) -> dict[str, Json]:
        return {**asdict(self), "verdict": self.verdict}


@dataclass(frozen=True, kw_only=True)
class Row:
    """A teacher's learners together. Shares are of what there was to count; None where there was nothing.

    Args:
        before, after, later, minutes: means, see `school.Result`.
        moves: turns a learner.
        named: of the planted beliefs, the share that the record named.
        false_mastery: of the insights taken to be mastered, the share that was not known.
        false_sparing: the same of those that placement spared the learner.
        needless: of the turns that teach, the share about what was known.
        dead_ends: learners for whom a sitting did not end.
    """

    name: str
    learners: int
    before: float
    after: float
    later: float
    minutes: float
    named: float | None
    false_mastery: float | None
    false_sparing: float | None
    needless: float | None
    dead_ends: int
    moves: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Swept:
    """What is left of the differences when one assumption is halved or doubled."""

    name: str
    value: float
    differences: tuple[Difference, ...]


def row(name: str, results: Sequence[Result]) -> Row:
    """Return some results together."""
    n = len(results)
    moves = sum((Counter(result.moves) for result in results), Counter[str]())
    return Row(
        name=name,
        learners=n,
        before=fmean(result.before for result in results),
        after=fmean(result.after for result in results),
        later=fmean(result.later for result in results),
        minutes=fmean(result.minutes for result in results),
        named=_share((result.named, result.planted) for result in results),
        false_mastery=_share((result.mastered_falsely, result.mastered) for result in results),
        false_sparing=_share((result.spared_falsely, result.spared) for result in results),
        needless=_share((result.taught_needlessly, result.taught) for result in results),
        dead_ends=sum(result.dead_end for result in results),
        moves={move: count / n for move, count in sorted(moves.items())},
    )


def differences(results: Sequence[Result]) -> tuple[Difference, ...]:
    """Return how much better the first teacher does than each of the others."""
    by_teacher = by(results, "teacher")
    first, *others = by_teacher
    return tuple(_difference(name, by_teacher[first], by_teacher[name]) for name in others)


def _difference(name: str, ours: Sequence[Result], theirs: Sequence[Result]) -> Difference:
    gains = [a.later - b.later for a, b in zip(ours, theirs, strict=True)]
    mean = fmean(gains)
    half = _Z * stdev(gains) / math.sqrt(len(gains)) if len(gains) > 1 else math.inf
    return Difference(teacher=name, mean=mean, low=mean - half, high=mean + half)


def _share(counts: Iterable[tuple[int, int]]) -> float | None:
    part, whole = (sum(each) for each in zip(*counts, strict=True))
    return part / whole if whole else None


def by(results: Sequence[Result], field: Literal["teacher", "kind"]) -> dict[str, list[Result]]:
    """Return the results by teacher or by kind of learner, in the order in which they first come."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(getattr(result, field), []).append(result)
    return groups
