"""One simulated lesson: the real policy, fold, rendering and grading, with a list in place of the store."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from microgpt.learner.evidence import Event
from microgpt.tutor import asks
from microgpt.tutor.fold import rested
from microgpt.tutor.hints import RUNGS
from microgpt.tutor.session import Lesson, Sitting
from microgpt.tutor.simulate.assumptions import Assumptions
from microgpt.tutor.simulate.learner import PASS, Learner
from microgpt.tutor.state import ClosedAsk, LessonState, Plan
from microgpt.tutor.turns import Ask, Graded, Turn

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
MOST_TURNS = 25  # an insight: ten questions, each with a worked example before it, one to practise with, one to measure
MOST_TRIES = 4  # answers that were not understood, before the learner skips a question
TEACHES = ("explain", "demonstrate", "confront")


class Recorder:
    """Takes a lesson's events as objects, and keeps them in memory."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def append(self, event: Event) -> Event:
        """Add an event and return it with its ``seq``, as the store does."""
        self.events.append(replace(event, seq=len(self.events) + 1))
        return self.events[-1]


@dataclass(kw_only=True)
class Tally:
    """What is counted while lessons go on; all but the first two compare the record with the head.

    Args:
        moves: turns by move.
        dead_end: whether a sitting did not come to its end.
        named: planted beliefs that the record named.
        mastered, mastered_falsely: insights that the record took to be mastered, and those of them that were not known.
        spared, spared_falsely: the same of insights that placement spared the learner.
        taught, taught_needlessly: turns that teach, and those of them about what was known already.
    """

    moves: Counter[str] = field(default_factory=Counter[str])
    dead_end: bool = False
    seconds: float = 0.0
    named: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    mastered: int = 0
    mastered_falsely: int = 0
    spared: int = 0
    spared_falsely: int = 0
    taught: int = 0
    taught_needlessly: int = 0


class SimulatedLesson:
    """A learner in a lesson, over all sittings.

    Args:
        gives_away: the tutor gives the answer to every question at once, so that the learner finds none.
    """

    def __init__(
        self, lesson: Lesson, learner: Learner, goal: str, assumptions: Assumptions, *, gives_away: bool = False
    ) -> None:
        self.recorder, self.tally, self.state = Recorder(), Tally(), LessonState()
        self._lesson, self._learner, self._goal, self._gives_away = lesson, learner, goal, gives_away
        self._assumptions, self._now = assumptions, START

    def sit(self, day: float, minutes: float) -> None:
        """Play the lesson from where it is until it has nothing more to say today."""
        self._now = begun = START + timedelta(days=day)
        at = self._at()
        at.begin(self._goal, max(1, round(minutes)), "")
        turn = self._turn(at)
        most = MOST_TURNS * len(self._lesson.taught.plan(self._goal))
        for _ in range(most):
            self._count(turn)
            last = turn.move == "finish" and turn.ask is None
            turn = self._read(turn) if turn.ask is None else self._answered(turn, turn.ask)
            if last:
                break
        else:
            self.tally.dead_end = True
        self.tally.seconds += (self._now - begun).total_seconds()

    # ---- the lesson's side

    @property
    def _day(self) -> float:
        return (self._now - START) / timedelta(days=1)

    @property
    def _plan(self) -> Plan:
        assert self.state.plan is not None, "a lesson begins with a turn"
        return self.state.plan

    def _at(self) -> Sitting:
        """Open the lesson for one call, as `session.sitting` does."""
        at = Sitting(self._lesson, self.recorder, rested(self.state, self._now), self._now, witnessed=True)
        at.catch_up()
        return at

    def _turn(self, at: Sitting) -> Turn:
        self.state = at.state
        return at.turn()

    # ---- the learner's side

    def _read(self, turn: Turn) -> Turn:
        """Be told something, and go on."""
        if turn.move != "finish":
            self._now += timedelta(seconds=self._assumptions.reading_s)
        if turn.move == "explain":
            self._learner.told(self._plan.insight, self._day)
        elif turn.move == "demonstrate":
            self._learner.shown(self._plan.insight, self._day)
        at = self._at()
        at.ack(turn.ack)
        return self._turn(at)

    def _answered(self, turn: Turn, ask: Ask) -> Turn:
        """Say something to the open question, and learn from what becomes of it."""
        self._now += timedelta(seconds=self._assumptions.asking_s)
        asked = self._plan
        if not ask.holdout and (self._gives_away or self._learner.wants_it_given()):
            at = self._at()
            return self._closed(at, asked, asks.reveal(at, ask.ask_id))
        hint = self._last_hint(ask) if self._learner.kind == "seeker" and asked.question and not ask.holdout else ""
        for _ in range(MOST_TRIES):
            at = self._at()
            quote = hint or self._words(at, ask)
            if quote == PASS and ask.holdout:
                break
            graded = asks.answer(at, ask.ask_id, quote, "")
            if graded.outcome != "unparsed":
                return self._closed(at, asked, graded, helped=bool(hint))
            self.state = at.state
            ask = graded.then.ask or ask
            self._now += timedelta(seconds=self._assumptions.trying_s)
        at = self._at()
        asks.skip(at, ask.ask_id)
        return self._turn(at)

    def _words(self, at: Sitting, ask: Ask) -> str:
        assert at.state.ask is not None
        question, exercise = at.question(at.state.ask), at.exercise(at.state.ask)
        if exercise is not None:
            return self._learner.practise(exercise, ask, self._day)
        assert question is not None
        return self._learner.answer(at.state.ask.insight, question, ask, self._day)

    def _last_hint(self, ask: Ask) -> str:
        """Ask for hints until the last one gives the answer away; return that."""
        text = ""
        for _ in range(RUNGS):
            self._now += timedelta(seconds=self._assumptions.trying_s)
            at = self._at()
            text = asks.hint(at, ask.ask_id).text
            self.state = at.state
        return text.removeprefix("It is ").partition(". Send it")[0]

    def _closed(self, at: Sitting, asked: Plan, graded: Graded, *, helped: bool = False) -> Turn:
        """Compare the record with the head; then learn from the verdict."""
        before, learner = self.state, self._learner
        self.state = at.state
        closed = self.state.closed_ask(graded.ask_id)
        assert closed is not None
        if not closed.exercise:
            self._compare(before, closed)
        if graded.outcome == "gave_up" or helped:
            learner.given(asked.insight, self._day)
        elif graded.outcome == "wrong":
            learner.corrected(asked.insight, asked.belief, self._day)
        if learner.kind == "contester" and asked.question and not asked.holdout:
            at = self._at()
            asks.contested(at, graded.ask_id)  # the key is computed again, and is what the lock holds: upheld
            self.state = at.state
            self._now += timedelta(seconds=self._assumptions.trying_s)
        return graded.then

    # ---- counting

    def _count(self, turn: Turn) -> None:
        self.tally.moves[turn.move] += 1
        if turn.move in TEACHES:
            self.tally.taught += 1
            self.tally.taught_needlessly += self._learner.knows(self._plan.insight)

    def _compare(self, before: LessonState, closed: ClosedAsk) -> None:
        """Count what the record now takes to be so, and whether it is."""
        tally, learner = self.tally, self._learner
        tally.named |= {
            pair for pair in learner.planted if pair[0] == closed.insight and pair[1] in closed.misconceptions
        }
        if closed.mastered:
            tally.mastered += 1
            tally.mastered_falsely += not learner.knows(closed.insight)
        for name, insight in self.state.insights.items():
            if insight.shown and not before.insight(name).shown:
                tally.spared += 1
                tally.spared_falsely += not learner.knows(name)
