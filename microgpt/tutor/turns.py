"""What a lesson tool hands out: turns, asks, grades, as JSON that any voice or agent can word.

A turn is one move with at most one open ask. Everything in it may be said to the learner; the key of an open ask is
never in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from microgpt.learner.evidence import Json

Move = Literal["place", "predict", "explain", "demonstrate", "ask", "confront", "practise", "review", "finish"]
MOVES: Mapping[Move, str] = {  # what each does; what it is about, the policy chooses
    "place": "Asks one question to find out whether an idea need be taught. A right answer spares the learner that, "
    "and all that it needs; a wrong one, while `placing`, leaves what is built on it for later.",
    "predict": "Shows the code and asks what will come out, before anything is explained.",
    "explain": "Tells the claim, the educator's text, and one question worked through with live values.",
    "demonstrate": "Works the learner's last question through, line by line.",
    "ask": "Asks a question: one not asked before if there is one, that tells apart what the learner may believe.",
    "confront": "Names the belief that a wrong answer fits, and what it foretells, and asks where it fails.",
    "practise": "Sets one exercise in the code: find the bug, fill the blank, write the function, foretell an "
    "experiment. What is known does not hang on it.",
    "review": "Asks a fresh question about an idea whose review date has come.",
    "finish": "Measures with questions that were never taught with, then says what is known and what is left.",
}
AskKind = Literal["number", "list", "text", "choice", "line", "code"]
Outcome = Literal["right", "wrong", "unparsed", "gave_up", "recorded", "closed"]

EXITS: tuple[str, ...] = ("answer", "hint", "reveal", "skip")
HOLDOUT_EXITS: tuple[str, ...] = ("answer", "skip")


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One open question.

    Args:
        ask_id: what `answer`, `hint`, `reveal` and `skip` name it by.
        text: the inputs and the question, as lines; nothing else need be said to answer it, but for an exercise the
            numbered lines of ``say["source"]``.
        kind: the shape of an answer; a choice is answered by a letter or by an option's full text, a line by its
            number, code by an expression or, where ``say["exercise"]`` is write, by a whole function.
        options: of a choice, in the order of their letters a, b, c.
        example: a well-formed answer, always the same for a shape, so that it says nothing about the key.
        holdout: asked to measure, never to teach: no hint, no reveal, no verdict.
    """

    ask_id: str
    text: str
    kind: AskKind
    options: tuple[str, ...] = ()
    example: str = ""
    holdout: bool = False

    def to_json(self) -> dict[str, Json]:
        return {
            "ask_id": self.ask_id,
            "text": self.text,
            "kind": self.kind,
            **({"options": list(self.options)} if self.options else {}),
            "example": self.example,
            "holdout": self.holdout,
        }


@dataclass(frozen=True, kw_only=True)
class Turn:
    """A move as handed to a voice: what to say, what to ask, how the learner may leave.

    Args:
        lesson: the lesson's id, a learner and a course.
        turn: counted from 1.
        say: facts to be worded; which ones, by move, stands in `microgpt.tutor.render`.
        ack: hand this to `next` once the turn was said; without it the same turn comes again.
    """

    lesson: str
    turn: int
    move: Move
    say: Mapping[str, Json]
    ask: Ask | None
    exits: tuple[str, ...]
    ack: str

    def to_json(self) -> dict[str, Json]:
        return {
            "format": "microgpt/turn/1",
            "lesson": self.lesson,
            "turn": self.turn,
            "move": self.move,
            "say": dict(self.say),
            **({"ask": self.ask.to_json()} if self.ask else {}),
            "exits": list(self.exits),
            "ack": self.ack,
        }


@dataclass(frozen=True, kw_only=True)
class Graded:
    """What became of an answer, and the turn that follows.

    Args:
        parsed: what was understood, where it had the key's shape.
        misconceptions: the beliefs that give this answer; a set, not a verdict.
        credited: whether it counts towards mastery.
        why_not: one sentence where it does not, or where nothing was graded.
        answer: the key as text, once it is no secret: the answer was right, or given up.
    """

    ask_id: str
    outcome: Outcome
    then: Turn
    parsed: Json = None
    misconceptions: tuple[str, ...] = ()
    credited: bool = False
    why_not: str = ""
    answer: str = ""

    def to_json(self) -> dict[str, Json]:
        out: dict[str, Json] = {"format": "microgpt/graded/1", "ask_id": self.ask_id, "outcome": self.outcome}
        if self.parsed is not None:
            out["parsed"] = self.parsed
        if self.misconceptions:
            out["misconceptions"] = list(self.misconceptions)
        out["credited"] = self.credited
        if self.why_not:
            out["why_not"] = self.why_not
        if self.answer:
            out["answer"] = self.answer
        return {**out, "then": self.then.to_json()}


@dataclass(frozen=True, kw_only=True)
class Hint:
    """One rung of the ladder: nudge, where to look, principle, half of it, the answer."""

    ask_id: str
    rung: int
    of: int
    text: str

    def to_json(self) -> dict[str, Json]:
        return {"format": "microgpt/hint/1", "ask_id": self.ask_id, "rung": self.rung, "of": self.of, "text": self.text}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A contested key, computed again before the learner's eyes."""

    ask_id: str
    upheld: bool
    text: str
    then: Turn

    def to_json(self) -> dict[str, Json]:
        verdict = "upheld" if self.upheld else "void"
        return {
            "format": "microgpt/verdict/1",
            "ask_id": self.ask_id,
            "verdict": verdict,
            "text": self.text,
            "then": self.then.to_json(),
        }


@dataclass(frozen=True, kw_only=True)
class InsightProgress:
    """Where a learner stands with one insight; every field derived from evidence."""

    insight: str
    claim: str
    probability: float
    status: Literal["new", "started", "shown", "mastered"]
    due: str
    """When it is to be reviewed (ISO 8601, UTC), or empty."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A lesson at a glance."""

    lesson: str
    goal: str
    insights: tuple[InsightProgress, ...] = field(default=())

    @property
    def known(self) -> int:
        return sum(i.status in ("mastered", "shown") for i in self.insights)

    def to_json(self) -> dict[str, Json]:
        return {
            "format": "microgpt/progress/1",
            "lesson": self.lesson,
            "goal": self.goal,
            "known": self.known,
            "of": len(self.insights),
            "insights": [
                {
                    "insight": i.insight,
                    "claim": i.claim,
                    "probability": round(i.probability, 3),
                    "status": i.status,
                    "due": i.due,
                }
                for i in self.insights
            ],
        }


@dataclass(frozen=True, kw_only=True)
class Source:
    """Lines of the subject, numbered as in its file."""

    symbol: str
    file: str
    start: int
    lines: tuple[str, ...]

    def to_json(self) -> dict[str, Json]:
        return {
            "format": "microgpt/source/1",
            "symbol": self.symbol,
            "file": self.file,
            "start": self.start,
            "lines": list(self.lines),
        }


@dataclass(frozen=True, kw_only=True)
class Example:
    """A worked example with the learner's own values.

    Args:
        worked: as ``say["worked"]``; the answer is empty where the code gives none.
        why_not: one sentence, where it gives none.
        source: the lines beside which the values stand; None where no values do.
    """

    worked: Mapping[str, Json]
    why_not: str = ""
    source: "Source | None" = None

    def to_json(self) -> dict[str, Json]:
        why_not: dict[str, Json] = {"why_not": self.why_not} if self.why_not else {}
        source: dict[str, Json] = {"source": self.source.to_json()} if self.source else {}
        return {"format": "microgpt/example/1", "worked": dict(self.worked), **why_not, **source}


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a learner's own line of code gave, run in the sandbox on the subject."""

    kind: str
    text: str

    def to_json(self) -> dict[str, Json]:
        return {"format": "microgpt/result/1", "kind": self.kind, "text": self.text}
