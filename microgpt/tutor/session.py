"""A lesson under way: each call is one transaction that reads the record, decides, writes events, and answers.

An event is in the store before anybody sees its effect, so a lesson that is killed at any moment goes on where it was.
Two processes on one lesson are served one after the other. What becomes of an open question stands in `asks`.
"""

import hashlib
import re
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol, cast

from microgpt.errors import LessonError
from microgpt.insights.locked import LockedQuestion
from microgpt.insights.practice import Exercise
from microgpt.learner.evidence import Event, Json, Kind, question_hash
from microgpt.learner.store import Store
from microgpt.tutor.fold import apply, rested
from microgpt.tutor.policy import next_plan
from microgpt.tutor.render import options_of, options_of_exercise, render
from microgpt.tutor.script import Script
from microgpt.tutor.state import ClosedAsk, LessonState, OpenAsk, Plan, plain
from microgpt.tutor.turns import Turn
from microgpt.tutor.view import Teachable, View

ABANDONED = timedelta(hours=12)


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """Names a lesson and all that it is taught with.

    Args:
        may_run: whether a learner's code can be contained here; asked only when there is some to run.
    """

    id: str
    learner: str
    taught: Teachable
    script: Script
    may_run: Callable[[], bool]


class Recorder(Protocol):
    """Where a lesson's events go: the store's `Transaction`, or a list in a simulation."""

    def append(self, event: Event) -> Event:
        """Add an event and return it with its ``seq``."""
        ...


class Sitting:
    """One transaction on a lesson: the state as it is now, and the ways to move it on.

    Attributes:
        lesson: what is taught, to whom.
        state: with every event so far.
        now: UTC.
        witnessed: whether the learner's own messages are held here.
    """

    def __init__(self, lesson: Lesson, tx: Recorder, state: LessonState, now: datetime, witnessed: bool) -> None:
        self._tx = tx
        self.lesson, self.state, self.now, self.witnessed = lesson, state, now, witnessed

    def record(self, kind: Kind, body: Mapping[str, Json], ask_id: str = "") -> None:
        """Write one event and fold it into the state."""
        event = Event(
            time=self.now,
            learner=self.lesson.learner,
            course=self.lesson.taught.course.id,
            lesson=self.lesson.id,
            kind=kind,
            ask_id=ask_id,
            body=body,
        )
        self.state = apply(self.state, self._tx.append(event))

    def turn(self) -> Turn:
        """Return the current turn."""
        return render(self.state, self.lesson.taught, self.lesson.id, self.now)

    def catch_up(self) -> None:
        """Leave a turn that is over: nobody came back to it for half a day, or the course no longer has it."""
        ask, plan = self.state.ask, self.state.plan
        if plan is None:
            return
        if ask is not None and (self.now - datetime.fromisoformat(ask.asked) > ABANDONED or not self._stands(ask)):
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
        state, lesson = self.state, self.lesson
        if state.plan is not None and (state.learner, state.course) != (lesson.learner, lesson.taught.course.id):
            raise LessonError(f"{lesson.id!r} is the lesson of {state.learner!r} on {state.course!r}. Try another id.")
        goal, new = goal or state.goal, state.plan is None
        other = (goal, where) != (state.goal, state.where)
        if new or other or minutes != state.minutes or state.time_is_up(self.now) or self._left_something():
            self.record("start", {"goal": goal, "minutes": minutes, "where": where})
        if other and state.ask is not None:
            self._abandon(state.ask)
        elif new or other:
            self.advance()
        else:
            self._go_on()

    def _left_something(self) -> bool:
        """Whether the lesson came to its end with ideas set aside: who begins again wants them now."""
        state, path = self.state, self.lesson.taught.plan(self.state.goal)
        ended = state.plan is not None and state.plan.move == "finish" and state.ask is None
        return ended and not all(state.insight(name).known for name in path)

    def _abandon(self, ask: OpenAsk) -> None:
        """Close an ask without holding it against the learner."""
        self.record("skip", {"outcome": "abandoned"}, ask.ask_id)
        self.advance(just=ask.ask_id)

    def _go_on(self) -> None:
        """Take the next turn if this one was said and asks nothing; a finished lesson waits until something is due."""
        if self.state.ask is not None:
            return
        finished = self.state.plan is not None and self.state.plan.move == "finish"
        if self._next_plan() != Plan(move="finish") if finished else self.state.said:
            self.advance()

    def advance(self, *, just: str = "") -> None:
        """Let the policy choose the next turn, and open its ask."""
        plan = self._next_plan()
        self.record("turn", {"plan": plain(replace(plan, just=just))})
        if plan.question or plan.exercise:
            self._open(plan)

    def _next_plan(self) -> Plan:
        return next_plan(
            View(
                script=self.lesson.script,
                taught=self.lesson.taught,
                state=self.state,
                now=self.now,
                witnessed=self.witnessed,
                may_run=self.lesson.may_run,
            )
        )

    def _open(self, plan: Plan) -> None:
        seed = f"{self.lesson.id}/{self.state.turn}"
        ask_id = f"{hashlib.sha256(seed.encode()).hexdigest()[:4]}{self.state.turn}"  # never the same one twice
        ask = OpenAsk(
            ask_id=ask_id,
            insight=plan.insight,
            question=plan.question,
            exercise=plan.exercise,
            hash="",
            asked=self.now.isoformat(),
            holdout=plan.holdout,
        )
        question, exercise = self.question(ask), self.exercise(ask)
        if exercise:
            ask = replace(ask, options=options_of_exercise(exercise, ask_id))
        elif question and question.kind == "choice":
            ask = replace(ask, options=options_of(question, ask_id))
        ask = replace(ask, hash=self._hash(ask))
        self.record("ask", cast(Mapping[str, Json], plain(ask)), ask_id)

    def question(self, ask: OpenAsk | ClosedAsk) -> LockedQuestion | None:
        """Return the question of an ask, if the course still has it."""
        if ask.insight not in self.lesson.taught.lock.insights:
            return None
        return self.lesson.taught.questions(ask.insight).get(ask.question)

    def exercise(self, ask: OpenAsk | ClosedAsk) -> Exercise | None:
        """Return the exercise of an ask, if the course still has it."""
        if ask.insight not in self.lesson.taught.lock.insights or not ask.exercise:
            return None
        return self.lesson.taught.exercises(ask.insight).get(ask.exercise)

    def _hash(self, ask: OpenAsk) -> str:
        """Name what is asked by what is computed, or, where nothing is, by its id; an exercise by what it shows."""
        question, exercise = self.question(ask), self.exercise(ask)
        if exercise:
            return question_hash(ask.insight, exercise.id, {"task": exercise.task, "lines": exercise.lines})
        return question_hash(ask.insight, question.call or question.id, question.inputs) if question else ""

    def _has(self, plan: Plan) -> bool:
        """Whether the course still has what a turn is about; its author may have changed it meanwhile."""
        if not plan.insight:
            return True
        insight = self.lesson.taught.course.insights.get(plan.insight)
        return insight is not None and plan.belief in ("", *(belief.id for belief in insight.misconceptions))

    def _stands(self, ask: OpenAsk) -> bool:
        """Whether an open question is still the one that the learner saw."""
        question, exercise = self.question(ask), self.exercise(ask)
        if self.state.plan is None or not self._has(self.state.plan):
            return False
        if exercise:
            options = options_of_exercise(exercise, ask.ask_id)
        elif question:
            options = options_of(question, ask.ask_id)
        else:
            return False
        return (not ask.options or ask.options == options) and self._hash(ask) == ask.hash

    def ack(self, ack: str) -> None:
        """Note that a turn was said; one without a question is then over. One sent again changes nothing.

        Raises:
            LessonError: no turn of this lesson has this ack.
        """
        turn = int(ack[1:]) if re.fullmatch(r"t[0-9]{1,9}", ack) else 0
        if ack and not 0 < turn <= self.state.turn:
            raise LessonError(f"{ack!r} is no turn of this lesson. Try that of the turn to be said: t{self.state.turn}")
        if turn != self.state.turn or self.state.said:
            return
        self.record("ack", {"turn": self.state.turn})
        self._go_on()


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
