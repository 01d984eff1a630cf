"""What a learner knows, as a probability that follows from evidence alone: Bayesian knowledge tracing.

Corbett and Anderson 1995, "Knowledge tracing: modeling the acquisition of procedural knowledge", User Modeling and
User-Adapted Interaction 4. A learner either has an insight or not. One who has it slips now and then, one who has not
may guess; and each question answered is a chance to learn.

>>> known = update(Knowledge(), right=True, assisted=False, question="one")
>>> known = update(known, right=True, assisted=False, question="two")
>>> round(known.p, 2), mastered(known)
(0.99, True)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from microgpt.learner.evidence import Evidence, Json

# The paper fits these four to each skill. Until there is data to fit, they are set so that two open questions answered
# right are enough, and one is not.
PRIOR = 0.2  # probability of having the insight before the first question
LEARN = 0.1  # of gaining it from one question
SLIP = 0.1  # of a wrong answer by one who has it
GUESS = 0.05  # of a right answer to an open question by one who has it not

MASTERED = 0.95
DIFFERENT_QUESTIONS = 2
CEILING = 0.999  # certainty could never be lowered again: at p = 1 Bayes' rule stays at 1, whatever the answer
QUESTIONS_KEPT = 8  # more would grow a lesson's state without changing any decision


@dataclass(frozen=True, kw_only=True)
class Knowledge:
    """What the evidence so far says about one learner and one insight.

    Args:
        p: probability that the learner has the insight, strictly between 0 and 1.
        right: hashes of different questions answered right without help since the last answer that was not right; a few
            at most, sorted.
        attempts: graded answers, assisted ones included.
        last_outcome: of the latest of them; None before the first.
    """

    p: float = PRIOR
    right: tuple[str, ...] = ()
    attempts: int = 0
    last_outcome: Literal["right", "wrong"] | None = None

    def to_body(self) -> dict[str, Json]:
        """Return it as JSON, for a lesson's state."""
        return {"p": self.p, "right": list(self.right), "attempts": self.attempts, "last_outcome": self.last_outcome}

    @classmethod
    def from_body(cls, body: Mapping[str, Json]) -> "Knowledge":
        """Return the knowledge that `to_body` wrote."""
        fields = cast(dict[str, Any], dict(body))
        fields["right"] = tuple(fields["right"])
        return cls(**fields)


def update(knowledge: Knowledge, *, right: bool, assisted: bool, question: str, options: int = 0) -> Knowledge:
    """Return what is known after one more graded answer: Bayes' rule, then the chance to have learned from it.

    Only a right answer without help can raise the probability; the paper's step of learning is cut off where it would
    raise it after any other.

    Args:
        knowledge: before the answer.
        right: whether the answer was right.
        assisted: whether a hint, or the answer itself, had been seen.
        question: hash of what was asked.
        options: of a choice, 2 or more, guessed right once in that many; 0 for an open question.
    """
    assert options != 1, "a choice of one is no question"
    guess = 1 / options if options else GUESS
    if_known, if_not = (1 - SLIP, guess) if right else (SLIP, 1 - guess)
    p = knowledge.p * if_known
    p /= p + (1 - knowledge.p) * if_not
    p = min(p + (1 - p) * LEARN, CEILING)
    counts = right and not assisted
    shown = knowledge.right if right else ()  # who was wrong meanwhile, by a slip or not, shows it anew
    return Knowledge(
        p=p if counts else min(p, knowledge.p),
        right=tuple(sorted({*shown, question})[:QUESTIONS_KEPT]) if counts else shown,
        attempts=knowledge.attempts + 1,
        last_outcome="right" if right else "wrong",
    )


def observe(knowledge: Knowledge, evidence: Evidence) -> Knowledge:
    """Return what is known after a piece of evidence; folded over all of an insight's, it is the learner's mastery.

    A holdout only measures and moves nothing. Giving up counts as an answer that was not right. What was voided,
    skipped, abandoned or not understood is no evidence: leave it out of the fold.
    """
    if evidence.outcome == "recorded":
        return knowledge
    return update(
        knowledge,
        right=evidence.outcome == "right",
        assisted=evidence.hint_rung > 0,
        question=evidence.question_hash,
        options=evidence.options,
    )


def mastered(knowledge: Knowledge) -> bool:
    """Say whether the learner has the insight: probable enough, and shown on different questions without help."""
    return knowledge.p >= MASTERED and len(knowledge.right) >= DIFFERENT_QUESTIONS
