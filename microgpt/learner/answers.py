"""Graded answers as they are looked back on: what was said, what became of it, which beliefs it fits or rules out.

An answer is what `evidence.py` calls evidence, less what only grading needs; `store.py` reads them. `mistakes.py` finds
what they have in common.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from microgpt.learner.evidence import Outcome
from microgpt.learner.mastery import Knowledge, update


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A graded answer that stands: it was not voided.

    Args:
        id: the lesson's and the ask's, such as ``me-microgpt/9f3a61``.
        time: UTC.
        quote: the learner's words; empty where the answer was asked for without any.
        misconceptions: every belief that would have given this answer.
        refutes: every belief that would have given another one than this right and unassisted one.
        assisted: whether a hint, or the answer itself, had been seen.
        options: of a choice; 0 for an open question.
        witnessed: we held the learner's message; otherwise an agent elsewhere reported it.
        exercise: id of the exercise that it answers; empty for a question. Exercises move no mastery.
    """

    id: str
    time: datetime
    insight: str
    question_hash: str
    outcome: Outcome
    quote: str
    misconceptions: tuple[str, ...]
    refutes: tuple[str, ...]
    assisted: bool
    options: int
    witnessed: bool
    exercise: str

    @property
    def counts(self) -> bool:
        """Whether it says anything about mastery: an exercise does not, nor a question that only measures."""
        return not self.exercise and self.outcome != "recorded"


def history(answers: Iterable[Answer]) -> Iterator[tuple[Answer, Knowledge]]:
    """Yield each answer that counts, and what was known of its insight after it."""
    known: dict[str, Knowledge] = {}
    for answer in answers:
        if answer.counts:
            known[answer.insight] = update(
                known.get(answer.insight, Knowledge()),
                right=answer.outcome == "right",
                assisted=answer.assisted,
                question=answer.question_hash,
                options=answer.options,
            )
            yield answer, known[answer.insight]
