"""Which mistakes recur, and the answers that make us think so.

A wrong answer points at every belief that would have given it. A right one, given without help, rules out every belief
that would have given another. They are counted as they come, see `tallies.py`; `Store.mistakes` reads them.
"""

from dataclasses import dataclass

from microgpt.learner.answers import Answer

RECURS = 2  # signs of one belief: a single one may be a slip


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A belief that answers pointed at.

    Args:
        insight, misconception: ids.
        signs: how many answers point at it; never 0.
        latest: the last three of them, in order.
        ruled_out: right answers since the last of these that it would have got wrong.
    """

    insight: str
    misconception: str
    signs: int
    latest: tuple[Answer, ...]
    ruled_out: int

    @property
    def recurs(self) -> bool:
        """Whether more than one answer points at it."""
        return self.signs >= RECURS


@dataclass(frozen=True, kw_only=True)
class Heard:
    """How many answers to an insight count; `wrong` of them were, and `reported` were not heard by us ourselves."""

    witnessed: int = 0
    reported: int = 0
    wrong: int = 0
