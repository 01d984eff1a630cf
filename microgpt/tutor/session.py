"""A lesson under way: each call is one transaction that reads the record, decides, writes events, and answers.

An event is in the store before anybody sees its effect, so a lesson that is killed at any moment goes on where it was.
Two processes on one lesson are served one after the other.
"""

import hashlib
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, cast

from microgpt.errors import LessonError
from microgpt.insights.grading import gives_up, parse, same, stands_in
from microgpt.insights.locked import Fault, LockedQuestion
from microgpt.learner.evidence import Event, Evidence, Json, Kind, question_hash
from microgpt.learner.store import Store, Transaction
from microgpt.tutor.fold import apply, rested
from microgpt.tutor.hints import RUNGS, hint_text
from microgpt.tutor.policy import Teachable, View, next_plan
from microgpt.tutor.render import answer_of, options_of, render, value_of
from microgpt.tutor.script import Script
from microgpt.tutor.state import ClosedAsk, LessonState, OpenAsk, Plan
from microgpt.tutor.turns import Graded, Hint, Turn

ABANDONED = timedelta(hours=12)
UNPARSED_UNTIL_CHOICE = 3


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """Names a lesson and all that it is taught with."""

    id: str
    learner: str
    taught: Teachable
    script: Script


class Sitting:
    """One transaction on a lesson: the state as it is now, and the ways to move it on."""

    def __init__(self, lesson: Lesson, tx: Transaction, state: LessonState, now: datetime, witnessed: bool) -> None:
        self._lesson, self._tx, self._now, self._witnessed = lesson, tx, now, witnessed
        self.state = state

    # ---- what every tool begins and ends with

    def record(self, kind: Kind, body: Mapping[str, Json], ask_id: str = "") -> None:
        """Write one event and fold it into the state."""
        event = Event(
            time=self._now,
            learner=self._lesson.learner,
            course=self._lesson.taught.course.id,
            lesson=self._lesson.id,
            kind=kind,
            ask_id=ask_id,
            body=body,
        )
        self.state = apply(self.state, self._tx.append(event))

    def turn(self) -> Turn:
        """Return the current turn."""
        return render(self.state, self._lesson.taught, self._lesson.id, self._now)

    def catch_up(self) -> None:
        """Leave a turn that is over: nobody came back to it for half a day, or the course no longer has it."""
        ask, plan = self.state.ask, self.state.plan
        if plan is None:
            return
        if ask is not None and (self._now - datetime.fromisoformat(ask.asked) > ABANDONED or not self._stands(ask)):
            self._abandon(ask)
        elif not self._has(plan):
            self.advance()
        else:
            self._go_on()

    def begin(self, goal: str, minutes: int, where: str) -> None:
        """Open the first turn of a lesson, or turn to another goal, or another copy of the course.

        Raises:
            LessonError: the lesson of this name is another learner's, or of another course.
        """
        state, lesson = self.state, self._lesson
        if state.plan is not None and (state.learner, state.course) != (lesson.learner, lesson.taught.course.id):
            raise LessonError(f"{lesson.id!r} is the lesson of {state.learner!r} on {state.course!r}. Try another id.")
        goal = goal or state.goal
        if state.plan is not None and (goal, where) == (state.goal, state.where):
            return
        self.state = replace(state, goal=goal, minutes=minutes, where=where)
        if state.ask is not None:
            self._abandon(state.ask)
        else:
            self.advance()

    def _abandon(self, ask: OpenAsk) -> None:
        """Close an ask without holding it against the learner."""
        self.record("skip", {"outcome": "abandoned"}, ask.ask_id)
        self.advance(just=ask.ask_id)

    def _go_on(self) -> None:
        """Take the next turn if this one was said and asks nothing; a finished lesson waits until something is due."""
        if self.state.ask is not None or not self.state.said:
            return
        finished = self.state.plan is not None and self.state.plan.move == "finish"
        if not finished or self._next_plan() != Plan(move="finish"):
            self.advance()

    def advance(self, *, just: str = "") -> None:
        """Let the policy choose the next turn, and open its ask."""
        plan = self._next_plan()
        body: dict[str, Json] = {
            "plan": asdict(replace(plan, just=just)),
            "goal": self.state.goal,
            "minutes": self.state.minutes,
            "where": self.state.where,
        }
        self.record("turn", body)
        if plan.question:
            self._open(plan)

    def _next_plan(self) -> Plan:
        return next_plan(
            View(
                script=self._lesson.script,
                taught=self._lesson.taught,
                state=self.state,
                now=self._now,
                witnessed=self._witnessed,
            )
        )

    def _open(self, plan: Plan) -> None:
        question = self._lesson.taught.questions(plan.insight)[plan.question]
        seed = f"{self._lesson.id}/{self.state.turn}"
        ask_id = hashlib.sha256(seed.encode()).hexdigest()[:6]
        ask = OpenAsk(
            ask_id=ask_id,
            insight=plan.insight,
            question=plan.question,
            hash=self._hash(plan.insight, question),
            asked=self._now.isoformat(),
            holdout=plan.holdout,
            options=options_of(question, ask_id) if question.kind == "choice" else (),
        )
        self.record("ask", cast(Mapping[str, Json], asdict(ask)), ask_id)

    def _question(self, ask: OpenAsk | ClosedAsk) -> LockedQuestion | None:
        if ask.insight not in self._lesson.taught.lock.insights:
            return None
        return self._lesson.taught.questions(ask.insight).get(ask.question)

    def _hash(self, insight: str, question: LockedQuestion) -> str:
        """Name a question by what is computed, or, where nothing is, by its id."""
        return question_hash(insight, question.call or question.id, question.inputs)

    def _has(self, plan: Plan) -> bool:
        """Whether the course still has what a turn is about; its author may have changed it meanwhile."""
        if not plan.insight:
            return True
        insight = self._lesson.taught.course.insights.get(plan.insight)
        return insight is not None and plan.belief in ("", *(belief.id for belief in insight.misconceptions))

    def _stands(self, ask: OpenAsk) -> bool:
        """Whether an open question is still the one that the learner saw."""
        question = self._question(ask)
        if question is None or self.state.plan is None or not self._has(self.state.plan):
            return False
        same_options = not ask.options or ask.options == options_of(question, ask.ask_id)
        return same_options and self._hash(ask.insight, question) == ask.hash

    # ---- the tools' decisions

    def ack(self, ack: str) -> None:
        """Note that a turn was said; one without a question is then over."""
        if ack != f"t{self.state.turn}" or self.state.said:
            return
        self.record("ack", {"turn": self.state.turn})
        self._go_on()

    def open_ask(self, ask_id: str) -> OpenAsk:
        """Return the open ask.

        Raises:
            LessonError: another ask is open, or none.
        """
        ask = self.state.ask
        if ask is None:
            raise LessonError(f"no question is open. Try: next {self._lesson.id}")
        if ask.ask_id != ask_id:
            raise LessonError(f"{ask_id!r} is not open; the open question is {ask.ask_id!r}. Try that one.")
        return ask

    def answer(self, ask_id: str, quote: str, value: str) -> Graded:
        """Grade the learner's words: once, however often they are sent."""
        closed = self.state.closed_ask(ask_id)
        if closed is not None:
            return self._again(closed, quote)
        ask = self.open_ask(ask_id)
        question = self._question(ask)
        assert question is not None, "catch_up let it stand"
        if ask.holdout and not self._witnessed:
            raise LessonError("this question only measures, so we must hear the learner ourselves. Try: skip")
        if gives_up(quote) and not ask.holdout:
            return self.reveal(ask_id, quote=quote)
        kind = "choice" if ask.options else question.kind
        parsed = parse(quote, kind, options=ask.options, shape=question.shape)
        if value:
            said = parse(value, kind, options=ask.options, shape=question.shape)
            if said is None or not stands_in(said, quote, kind, options=ask.options, shape=question.shape):
                raise LessonError(
                    f"the value {value!r} does not stand in the quote {quote!r}, so nothing was graded. "
                    "Try again with the learner's own words, or ask them what they mean."
                )
        if parsed is None:
            return self._unparsed(ask, question, quote)
        if ask.options and question.kind != "choice":  # an option's text stands for a value
            parsed = value_of(str(parsed), question)
        return self._grade(ask, question, quote, parsed)

    def _again(self, closed: ClosedAsk, quote: str) -> Graded:
        """Answer a resent message with what was said then; another message finds the question closed."""
        if closed.quote != quote or not closed.evidence or closed.outcome == "void":
            outcome, why = "closed", "This question is closed; only the first answer counts."
            return Graded(ask_id=closed.ask_id, outcome=outcome, why_not=why, then=self.turn())
        return self._graded(closed)

    def _graded(self, closed: ClosedAsk) -> Graded:
        return Graded(
            ask_id=closed.ask_id,
            outcome=cast(Literal["right", "wrong", "gave_up", "recorded"], closed.outcome),
            parsed=closed.parsed,
            misconceptions=closed.misconceptions,
            credited=closed.credited,
            why_not=closed.why_not,
            answer=answer_of(closed, self._lesson.taught),
            then=self.turn(),
        )

    def _unparsed(self, ask: OpenAsk, question: LockedQuestion, quote: str) -> Graded:
        """Leave the question open; the third different try turns it into a choice, where there are enough options."""
        options = ask.options
        if quote not in ask.unparsed:
            if len(ask.unparsed) + 1 == UNPARSED_UNTIL_CHOICE and not options and not ask.holdout:
                options = options_of(question, ask.ask_id)
            self.record("unparsed", {"quote": quote, "options": list(options)}, ask.ask_id)
        turn = self.turn()
        assert turn.ask is not None
        why = f"Not understood as one answer, and not counted. An answer looks like {turn.ask.example}"
        return Graded(ask_id=ask.ask_id, outcome="unparsed", why_not=why, then=turn)

    def _grade(self, ask: OpenAsk, question: LockedQuestion, quote: str, parsed: Json) -> Graded:
        within = self._lesson.taught.course.insights[ask.insight].within
        right = same(cast("Json", parsed), question.key, within)  # pyright: ignore
        possible = () if right or ask.holdout else tuple(
            belief for belief in question.shows if _gives(question.answers[belief], parsed, within)
        )  # fmt: skip
        outcome: Literal["right", "wrong", "recorded"] = "recorded" if ask.holdout else "right" if right else "wrong"
        return self._close(ask, quote, parsed, outcome, possible)

    def reveal(self, ask_id: str, quote: str = "") -> Graded:
        """Give the answer away: assisted, never credited."""
        closed = self.state.closed_ask(ask_id)
        if closed is not None:
            return self._again(closed, quote)
        ask = self.open_ask(ask_id)
        self._not_for_holdouts(ask, "reveal")
        self.record("reveal", {}, ask_id)
        return self._close(ask, quote, None, "gave_up", ())

    def _close(
        self,
        ask: OpenAsk,
        quote: str,
        parsed: Json,
        outcome: Literal["right", "wrong", "gave_up", "recorded"],
        possible: tuple[str, ...],
    ) -> Graded:
        why_not = _why_not(outcome, ask.rung)
        evidence = Evidence(
            id=f"{self._lesson.id}/{ask.ask_id}",
            time=self._now,
            learner=self._lesson.learner,
            course=self._lesson.taught.course.id,
            insight=ask.insight,
            ask=ask.ask_id,
            question_hash=ask.hash,
            quote=quote,
            parsed=parsed,
            outcome=outcome,
            misconceptions=possible,
            hint_rung=RUNGS if outcome == "gave_up" else ask.rung,
            options=len(ask.options),
            milliseconds=round((self._now - datetime.fromisoformat(ask.asked)) / timedelta(milliseconds=1)),
            witnessed=self._witnessed,
        )
        assert self.state.plan is not None
        credited = outcome == "right" and ask.rung == 0
        placed = self.state.plan.move == "place" and credited
        implies = list(self._lesson.taught.ancestors(ask.insight)) if placed else []
        question = self._question(ask)
        refutes = list(question.shows) if question and credited else []
        verdict: dict[str, Json] = {"credited": credited, "why_not": why_not, "implies": implies, "refutes": refutes}
        body: dict[str, Json] = {**evidence.to_body(), **verdict}
        self.record("evidence", body, ask.ask_id)
        self.advance(just=ask.ask_id)
        closed = self.state.closed_ask(ask.ask_id)
        assert closed is not None
        return self._graded(closed)

    def hint(self, ask_id: str) -> Hint:
        """Climb one rung of the ladder; on the last one, stay."""
        ask = self.open_ask(ask_id)
        self._not_for_holdouts(ask, "hint")
        rung = min(ask.rung + 1, RUNGS)
        if rung > ask.rung:
            self.record("hint", {"rung": rung}, ask_id)
        return Hint(ask_id=ask_id, rung=rung, of=RUNGS, text=hint_text(ask, rung, self._lesson.taught))

    def skip(self, ask_id: str) -> Turn:
        """Pass over the question; no evidence."""
        if self.state.closed_ask(ask_id) is not None:
            return self.turn()  # sent twice
        ask = self.open_ask(ask_id)
        self.record("skip", {"outcome": "skipped"}, ask.ask_id)
        self.advance(just=ask_id)
        return self.turn()

    def void(self, ask_id: str, reason: str) -> Turn:
        """Take a closed ask back, since its key was wrong."""
        self.record("void", {"reason": reason}, ask_id)
        return self.turn()

    def closed(self, ask_id: str) -> tuple[ClosedAsk, LockedQuestion]:
        """Return a closed ask and its question.

        Raises:
            LessonError: it is still open, a holdout, or too long ago.
        """
        if self.state.ask is not None and self.state.ask.ask_id == ask_id:
            raise LessonError(f"{ask_id!r} is still open: contest it once it is closed. Try: answer, or reveal.")
        closed = self.state.closed_ask(ask_id)
        question = self._question(closed) if closed else None
        if closed is None or question is None:
            known = ", ".join(ask.ask_id for ask in self.state.closed) or "none yet"
            raise LessonError(f"no closed question {ask_id!r} is left to contest; the latest are: {known}.")
        if closed.holdout:
            raise LessonError("this question only measures, so it cannot be contested. Try: next")
        return closed, question

    def _not_for_holdouts(self, ask: OpenAsk, tool: str) -> None:
        if ask.holdout:
            raise LessonError(f"this question only measures: no {tool}. Try: answer, or skip.")


def _gives(answer: "Json | Fault", parsed: Json, within: float) -> bool:
    return not isinstance(answer, Fault) and same(answer, parsed, within)  # pyright: ignore


def _why_not(outcome: str, rung: int) -> str:
    if outcome == "right" and rung:
        return "That was with help, so another one has to show it."
    if outcome == "gave_up":
        return "The answer was given away, so another one has to show it."
    if outcome == "recorded":
        return "Recorded; this question only measures."
    return ""


@contextmanager
def sitting(
    store: Store, lesson: Lesson, *, clock: Callable[[], datetime], witnessed: bool, begin: bool = False
) -> Generator[Sitting]:
    """Open a transaction on a lesson; what happens in it is in the store when the block ends, or not at all.

    Args:
        begin: whether the lesson may be new.

    Raises:
        LessonError: the lesson has not been started.
    """
    with store.transaction(lesson.id) as tx:
        before = tx.seq
        if not before and not begin:
            raise LessonError(f"no lesson {lesson.id!r}. Try: microgpt lesson start")
        now = clock()
        state = rested(current_state(store, lesson.id, tx.state, tx.state_seq), now)
        at = Sitting(lesson, tx, state, now, witnessed)
        at.catch_up()
        yield at
        if tx.seq > before:
            tx.save(at.state.to_json())


def current_state(store: Store, lesson: str, snapshot: Json, seq: int) -> LessonState:
    """Return a lesson's state: the snapshot at `seq`, and the events after it."""
    state = LessonState.from_json(snapshot) if snapshot is not None else LessonState()
    for event in store.events(lesson, after=seq):
        state = apply(state, event)
    return state
