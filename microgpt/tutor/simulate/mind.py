"""What a simulated learner's head holds about one idea, how it fades, and how it changes. Values only, no chance."""

from dataclasses import dataclass, replace

from microgpt.insights.locked import Fault, LockedQuestion
from microgpt.tutor.simulate.assumptions import Assumptions

_ANOTHER_DAY = 0.5  # days between two recalls that count as of different days


@dataclass(frozen=True, kw_only=True)
class Trace:
    """One idea in a head: known, or a belief against it, or neither.

    Args:
        knows: whether it was learned, though it may have faded since.
        belief: id of the misconception held; empty for none.
        half_life: days after which it is recalled half of the time.
        at: day on which it was last learned, read or recalled; `recalled` when it was last recalled unaided.
    """

    knows: bool = False
    belief: str = ""
    half_life: float = 0.0
    at: float = 0.0
    recalled: float = float("-inf")

    def strength(self, day: float) -> float:
        """Return the probability that it comes to mind: a forgetting curve that falls by half in each half-life."""
        return 0.5 ** ((day - self.at) / self.half_life) if self.knows else 0.0


def learned(trace: Trace, day: float, assumptions: Assumptions) -> Trace:
    """Return the trace once the idea is known; what was known before is as lasting as it was then."""
    return replace(trace, knows=True, belief="", half_life=max(trace.half_life, assumptions.half_life), at=day)


def recalled(trace: Trace, day: float, assumptions: Assumptions) -> Trace:
    """Return the trace after a recall: it lasts longer, the more so the more had been forgotten; once a day."""
    if day - trace.recalled < _ANOTHER_DAY:
        return replace(trace, at=day)
    growth = 1 + assumptions.tested + assumptions.spaced * (1 - trace.strength(day))
    return replace(trace, half_life=trace.half_life * growth, at=day, recalled=day)


def forgotten(trace: Trace) -> Trace:
    """Return the trace once it did not come to mind."""
    return replace(trace, knows=False)


def expected(trace: Trace, question: LockedQuestion, day: float, assumptions: Assumptions) -> float:
    """Return the probability of a right answer, asked without help: what a very long test would measure."""
    guess = 1 / len(question.options) if question.options else assumptions.lucky
    if trace.belief and not isinstance(question.answers[trace.belief], Fault):
        return (0.0 if trace.belief in question.shows else 1.0) * (1 - assumptions.slip)
    strength = trace.strength(day)
    return strength * (1 - assumptions.slip) + (1 - strength) * guess
