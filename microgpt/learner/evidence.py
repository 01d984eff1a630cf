"""What a lesson remembers: events, and among them graded attempts, the only thing that mastery is made from.

`store.py` keeps events; `mastery.py` turns evidence into knowledge.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias, cast

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
Kind = Literal["start", "turn", "ack", "ask", "hint", "unparsed", "evidence", "skip", "reveal", "void"]
Outcome = Literal["right", "wrong", "gave_up", "recorded"]


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened in a lesson; once stored, it is never changed.

    Args:
        seq: place in its lesson, counted from 1; 0 until the store has given it one.
        time: UTC.
        learner, course: together they are the lesson.
        lesson: the lesson's id.
        kind: what happened.
        ask_id: the ask that it belongs to; empty where there is none.
        body: the rest; its shape depends on the kind.
    """

    seq: int = 0
    time: datetime
    learner: str
    course: str
    lesson: str
    kind: Kind
    ask_id: str = ""
    body: Mapping[str, Json] = dataclasses.field(default_factory=dict[str, Json])


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One graded attempt, with the learner's own words.

    Args:
        id: names this attempt; a void refers to it.
        time: UTC.
        learner, course, insight, ask: ids.
        question_hash: what was asked, see `question_hash`; it outlives a mended typo.
        quote: the learner's words.
        parsed: the answer that was understood in them.
        outcome: ``recorded`` is a holdout's, which is measured and never taught from.
        misconceptions: every belief that would have given this answer.
        hint_rung: hints seen before the answer; 0 is unassisted.
        options: of a choice; 0 for an open question. Mastery needs it: a choice can be guessed.
        milliseconds: from the ask to the answer.
        witnessed: we held the learner's message and the quote stands in it; otherwise an agent elsewhere reported it.
    """

    id: str
    time: datetime
    learner: str
    course: str
    insight: str
    ask: str
    question_hash: str
    quote: str
    parsed: Json
    outcome: Outcome
    misconceptions: tuple[str, ...] = ()
    hint_rung: int = 0
    options: int = 0
    milliseconds: int = 0
    witnessed: bool = True

    def to_body(self) -> dict[str, Json]:
        """Return the body of an ``evidence`` event."""
        body = dataclasses.asdict(self)
        body["time"], body["misconceptions"] = self.time.isoformat(), list(self.misconceptions)
        return body

    @classmethod
    def from_body(cls, body: Mapping[str, Json]) -> "Evidence":
        """Return the evidence that `to_body` wrote."""
        fields = cast(dict[str, Any], dict(body))
        fields["time"], fields["misconceptions"] = (
            datetime.fromisoformat(fields["time"]),
            tuple(fields["misconceptions"]),
        )
        return cls(**fields)


def to_json(value: Json) -> str:
    """Write a value as JSON in its one canonical form: keys sorted, no spaces, ASCII only.

    ASCII, because a learner's words may hold half a surrogate pair, which no UTF-8 file can; no NaN, which is not JSON.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def question_hash(insight: str, call: str, inputs: Mapping[str, Json]) -> str:
    """Name a question by what is computed, so that evidence survives a change of its words.

    Args:
        insight: the insight's id.
        call: the expression evaluated on the subject.
        inputs: name -> value; their order in the file does not matter.

    Returns:
        16 hexadecimal digits.

    >>> question_hash("adam", "after(g, lr)", {"g": [5], "lr": 0.1})
    'ad62fe93220daff1'
    """
    return hashlib.sha256(to_json([insight, call, inputs]).encode()).hexdigest()[:16]
