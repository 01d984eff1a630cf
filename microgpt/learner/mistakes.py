"""Which mistakes recur, and the answers that make us think so.

A wrong answer points at every belief that would have given it. A right one, given without help, rules out every belief
that would have given another.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from microgpt.learner.answers import Answer

RECURS = 2  # signs of one belief: a single one may be a slip


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A belief that answers pointed at.

    Args:
        insight, misconception: ids.
        signs: the answers that point at it, in order; never empty.
        ruled_out: right answers since the last of these that it would have got wrong.
    """

    insight: str
    misconception: str
    signs: tuple[Answer, ...]
    ruled_out: int

    @property
    def recurs(self) -> bool:
        """Whether more than one answer points at it."""
        return len(self.signs) >= RECURS


def find_mistakes(answers: Iterable[Answer]) -> tuple[Mistake, ...]:
    """Return the beliefs that answers, in order, pointed at: first what nothing ruled out, then what recurs most."""
    signs: dict[tuple[str, str], list[Answer]] = {}
    ruled_out = Counter[tuple[str, str]]()
    for answer in answers:
        for belief in answer.misconceptions:
            signs.setdefault((answer.insight, belief), []).append(answer)
            ruled_out[answer.insight, belief] = 0
        ruled_out.update((answer.insight, belief) for belief in answer.refutes)
    found = (
        Mistake(insight=place[0], misconception=place[1], signs=tuple(of), ruled_out=ruled_out[place])
        for place, of in signs.items()
    )
    return tuple(sorted(found, key=lambda mistake: (mistake.ruled_out > 0, -len(mistake.signs))))
