"""What a misconception does to training, judged from what came of trainings with it and without.

Read beside it: `experiment`, which runs them; docs/decisions/0007, why a verdict may be refused.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from microgpt.insights.locked import Experiment, Verdict
from microgpt.insights.question import is_number
from microgpt.sandbox import Outcome

_STUDENT = 3.182446  # the mean of four is within so many standard errors in 95% of cases (Student's t, 3 degrees)
_SLOPE = 1e-3  # how far a slope may be from the measured one, relative to the steepest


@dataclass(frozen=True, kw_only=True)
class Slopes:
    """A loss at a fixed point, and how fast it grows along some directions from there.

    Args:
        claimed: by the gradient that the subject computes.
        measured: by two losses nearby (a finite difference).
    """

    loss: float
    claimed: tuple[float, ...]
    measured: tuple[float, ...]

    @property
    def own(self) -> bool:
        """Whether the gradient is that of this loss."""
        steepest = max(map(abs, self.measured), default=0.0)
        pairs = zip(self.claimed, self.measured, strict=True)
        return all(abs(claimed - measured) <= _SLOPE * steepest for claimed, measured in pairs)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What came of one source.

    Args:
        losses: of each seed; those after one that gave none are left out.
        slopes: of the course's ``gradients``; its value is None where there is no such function.
    """

    losses: tuple[Outcome, ...]
    slopes: Outcome


def judge_trial(trial: Trial | None, usual: Trial, hash_: str) -> Experiment:
    """Return what a mutant did to training.

    The interval is that of the mean difference of pairs, at 95%. It is rounded before it is judged: what is less than
    a hundredth is no difference, on any interpreter.

    Args:
        trial: of the mutant; None if its anchor has no part in the training.
        usual: of the subject as it is, all its losses being numbers.
    """
    if trial is None:
        return Experiment(hash=hash_, verdict="not in training")
    if any(outcome.kind != "value" for outcome in trial.losses):
        return Experiment(hash=hash_, verdict="crashes")
    if not may_be_compared(trial.slopes, usual.slopes):
        return Experiment(hash=hash_, verdict="refused")
    if not all(is_number(outcome.value) for outcome in trial.losses):
        return Experiment(hash=hash_, verdict="not comparable")
    pairs = zip(_numbers(trial.losses), _numbers(usual.losses), strict=True)
    differences = [mutated - as_it_is for mutated, as_it_is in pairs]
    mean = statistics.fmean(differences)
    reach = _STUDENT * statistics.stdev(differences) / math.sqrt(len(differences))
    low, high = _rounded(mean - reach), _rounded(mean + reach)
    verdict: Verdict = "worse" if low > 0 else "better" if high < 0 else "no difference"
    return Experiment(hash=hash_, verdict=verdict, difference=_rounded(mean), low=low, high=high)


def may_be_compared(slopes: Outcome, usual: Outcome) -> bool:
    """Whether a mutant trains what it computes, or computes the same as the subject and only trains in another way.

    Args:
        slopes, usual: what the course's ``gradients`` returned for the mutant, and for the subject as it is.
    """
    mutated, as_it_is = slopes_of(slopes), slopes_of(usual)
    if mutated is None or as_it_is is None:
        return as_it_is is None  # the course has no such function: nothing is known, and nothing refused
    return mutated.own or math.isclose(mutated.loss, as_it_is.loss, rel_tol=1e-9)


def slopes_of(outcome: Outcome) -> Slopes | None:
    """Return what a course's ``gradients`` returned, or None where it is something else."""
    match outcome.value:
        case [loss, [*claimed], [*measured]] if len(claimed) == len(measured):
            numbers = [number for number in (loss, *claimed, *measured) if is_number(number)]
            if len(numbers) == 1 + 2 * len(claimed):
                split = 1 + len(claimed)
                return Slopes(loss=numbers[0], claimed=tuple(numbers[1:split]), measured=tuple(numbers[split:]))
        case _:
            pass
    return None


def _numbers(outcomes: Sequence[Outcome]) -> list[float]:
    return [outcome.value for outcome in outcomes if is_number(outcome.value)]


def _rounded(x: float) -> float:
    """Return a number to hundredths, or to two digits if it is large: the same on every interpreter.

    >>> [_rounded(x) for x in (-0.001, 0.126, 123.4)]
    [0.0, 0.13, 120.0]
    """
    return (float(f"{x:.2g}") if abs(x) >= 1 else round(x, 2)) + 0.0
