"""The oracle: it sees what the head lacks, teaches just that until it is known, and has it recalled once a visit."""

from microgpt.tutor.simulate.assumptions import Assumptions
from microgpt.tutor.simulate.learner import Learner
from microgpt.tutor.simulate.lesson import Tally


class Oracle:
    """Teaches one learner.

    Attributes:
        tally: what was done, as of a lesson.
    """

    def __init__(self, learner: Learner, assumptions: Assumptions) -> None:
        self._learner, self._assumptions, self.tally = learner, assumptions, Tally()
        self._day, self._left = 0.0, 0.0

    def sit(self, day: float, minutes: float) -> None:
        """Spend a sitting: what is missing comes first, in the plan's order, then what has faded most."""
        self._day, self._left = day, minutes * 60
        known = sorted(
            (name for name, trace in self._learner.head.items() if trace.knows),
            key=lambda name: self._learner.head[name].strength(day),
        )
        for insight in self._learner.head:
            if insight not in known:
                self._teach(insight)
        for insight in known:
            if self._left > 0 and not self._recalled(insight):
                self._teach(insight)

    def _teach(self, insight: str) -> None:
        """Teach one insight until it is known, then have it recalled."""
        while not self._learner.knows(insight) and self._left > 0:
            belief = self._learner.head[insight].belief
            if belief:
                self._spend("confront", self._assumptions.asking_s)
                self._learner.corrected(insight, belief, self._day)
            else:
                self._spend("demonstrate", self._assumptions.reading_s)
                self._learner.shown(insight, self._day)
        if self._left > 0:
            self._recalled(insight)

    def _recalled(self, insight: str) -> bool:
        self._spend("ask", self._assumptions.asking_s)
        return self._learner.recall(insight, self._day)

    def _spend(self, move: str, seconds: float) -> None:
        self.tally.moves[move] += 1
        self.tally.taught += move != "ask"
        self.tally.seconds += seconds
        self._left -= seconds
