"""A classroom: the lesson tools over a store of its own and a clock that only the test moves.

After every call, what must hold at any time is checked: the saved state is the fold of the events, everything said is
JSON with a format, and nobody's standing rose but by right answers of their own.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from microgpt.insights.locked import Fault, LockedInsight, LockedQuestion
from microgpt.insights.practice import Exercise
from microgpt.insights.question import render_inputs
from microgpt.learner.evidence import question_hash, to_json
from microgpt.learner.mastery import mastered
from microgpt.learner.store import Store
from microgpt.tutor import tools as tools_module
from microgpt.tutor.correct import taken_back
from microgpt.tutor.fold import apply
from microgpt.tutor.render import show
from microgpt.tutor.script import Script
from microgpt.tutor.session import current_state
from microgpt.tutor.state import LessonState
from microgpt.tutor.tools import LessonTools, teachable
from microgpt.tutor.turns import Graded, Hint, Progress, Turn, Verdict
from microgpt.tutor.view import Teachable

MONDAY = datetime(2026, 1, 5, 9, tzinfo=UTC)


class Classroom:
    """One learner's lesson.

    Args:
        taught: what `tools.teachable` gives here; a short course unless the test replaced it.
        may_run: whether exercises may ask for code; not by default, so that every machine gets the same lessons.
    """

    def __init__(
        self, store: Store, taught: Teachable, *, heard: bool = True, learner: str = "ada", may_run: bool = False
    ) -> None:
        self.store, self.taught, self.now, self.learner = store, taught, MONDAY, learner
        heard_all = (lambda quote: True) if heard else None
        self.tools = LessonTools(store, clock=lambda: self.now, heard=heard_all, may_run=lambda: may_run)
        self.lesson = f"{learner}-{taught.course.id}"
        self.log, self.folded = [], LessonState()  # the events so far, and what they come to, folded here

    # ---- the tools, each call checked

    def start(self, goal: str = "", minutes: int = 0) -> Turn:
        return self._checked(self.tools.start("microgpt", goal, minutes, self.learner))

    def next(self, ack: str = "") -> Turn:
        return self._checked(self.tools.next(self.lesson, ack))

    def answer(self, ask_id: str, quote: str, value: str = "") -> Graded:
        before = self.probabilities()
        graded = self._checked(self.tools.answer(self.lesson, ask_id, quote, value))
        if not graded.credited:
            self._nothing_rose(before)
        return graded

    def reveal(self, ask_id: str) -> Graded:
        return self._unraised(lambda: self.tools.reveal(self.lesson, ask_id))

    def hint(self, ask_id: str) -> Hint:
        return self._unraised(lambda: self.tools.hint(self.lesson, ask_id))

    def skip(self, ask_id: str) -> Turn:
        return self._unraised(lambda: self.tools.skip(self.lesson, ask_id))

    def contest(self, ask_id: str, reason: str = "I don't think so") -> Verdict:
        return self._unraised(lambda: self.tools.contest(self.lesson, ask_id, reason))

    def void(self, ask_id: str) -> LessonState:
        """Take an answer back, as a contest of a wrong key does; return the state after it."""
        with self.store.transaction(self.lesson) as tx:
            body = taken_back([*self.store.events(self.lesson)], ask_id, "the key was wrong")
            void = replace(
                self.events("evidence")[-1], kind="void", ask_id=ask_id, seq=0, body=json.loads(to_json(body))
            )
            tx.append(void)
            tx.save(current_state(self.store, self.lesson, tx.state, tx.state_seq).to_json())
        self.check_record()
        return self.state()

    def progress(self) -> Progress:
        return self.tools.progress(self.lesson)

    # ---- what a test wants to know

    def state(self) -> LessonState:
        self.check_record()
        return self.folded

    def events(self, *kinds: str) -> list:
        return [event for event in self.log if not kinds or event.kind in kinds]

    def probabilities(self) -> dict[str, float]:
        return {name: self.folded.insight(name).knowledge.p for name in self.taught.course.insights}

    def statuses(self) -> dict[str, str]:
        return {insight.insight: insight.status for insight in self.progress().insights}

    def question(self, turn: Turn) -> LockedQuestion:
        """Return the question that a turn asks, found by its text alone."""
        found = [q for q in self.taught.questions(turn.say["insight"]).values() if text_of(q) == turn.ask.text]
        assert len(found) == 1
        return found[0]

    def exercise(self, turn: Turn) -> Exercise:
        """Return the exercise that a turn sets, found by its text alone."""
        exercises = self.taught.exercises(turn.say["insight"]).values()
        shown = [e for e in exercises if (e.task, list(e.lines)) == (turn.ask.text, turn.say["source"]["lines"])]
        assert len(shown) == 1
        return shown[0]

    def right(self, turn: Turn) -> Graded:
        """Answer the turn's question, or do its exercise, rightly."""
        if turn.move == "practise":
            return self.answer(turn.ask.ask_id, solution(self.exercise(turn)))
        return self.answer(turn.ask.ask_id, said(turn, self.question(turn).key))

    def run(self, respond: Callable[["Classroom", Turn], Turn], *, goal: str = "", most: int = 150) -> list[Turn]:
        """Play a lesson from where it is to its end; return its turns, the last one `finish`.

        Args:
            respond: answers a question; exercises are done rightly.
        """
        turns = [self.start(goal)]
        while len(turns) < most:
            turn = turns[-1]
            if turn.move == "practise":
                turns.append(self.right(turn).then)
            elif turn.ask is not None:
                turns.append(respond(self, turn))
            elif turn.move != "finish":
                turns.append(self.next(turn.ack))
            else:
                assert self.next(turn.ack) == turn  # a finished lesson has nothing new to say
                return turns
        raise AssertionError(f"no end after {most} turns: {[turn.move for turn in turns]}")

    # ---- what must always hold

    def _checked(self, said_):
        body = said_.to_json()
        assert json.loads(json.dumps(body, allow_nan=False)) == body
        assert body["format"].startswith("microgpt/")
        assert body["format"].endswith("/1")
        if "then" in body:
            assert body["then"]["format"] == "microgpt/turn/1"
        self.check_record()
        return said_

    def check_record(self) -> None:
        for event in self.store.events(self.lesson, after=len(self.log)):
            self.log.append(event)
            self.folded = apply(self.folded, event)
            assert event.seq == len(self.log)
        body, seq = self.store.snapshot(self.lesson)
        assert seq == len(self.log)
        again = json.loads(json.dumps(self.folded.to_json()))
        assert LessonState.from_json(body) == LessonState.from_json(again) == self.folded
        closed = [event.ask_id for event in self.events("evidence", "skip")]
        assert len(closed) == len(set(closed))
        for name, insight in self.folded.insights.items():
            assert not mastered(insight.knowledge) or len(self.shown_alone(name)) >= 2

    def shown_alone(self, insight: str) -> set[str]:
        """Return the different questions of an insight that were answered rightly without any help."""
        void = {event.ask_id for event in self.events("void")}
        hinted = {event.ask_id for event in self.events("hint", "reveal")}
        return {
            event.body["question_hash"]
            for event in self.events("evidence")
            if event.body["insight"] == insight and event.body["outcome"] == "right"
            and event.ask_id not in void | hinted
        }  # fmt: skip

    def _unraised(self, call):
        before = self.probabilities()
        said_ = self._checked(call())
        self._nothing_rose(before)
        return said_

    def _nothing_rose(self, before: dict[str, float]) -> None:
        after = self.probabilities()
        assert all(after[name] <= before[name] for name in before)


def short_course() -> Teachable:
    """Return three insights of the bundled course, each with one question that measures: a lesson gets to its end."""
    whole = teachable("microgpt")
    needs = {
        "softmax-makes-shares": (),
        "attention-is-a-weighted-average": ("softmax-makes-shares",),
        "adam-corrects-its-bias": (),
    }
    attention, adam = ("attention-is-a-weighted-average",), ("adam-corrects-its-bias",)
    course = replace(
        whole.course,
        insights={name: replace(whole.course.insights[name], needs=needed) for name, needed in needs.items()},
        order=tuple(needs),
        goals={"everything": tuple(needs), "attention": attention, "optimizer": adam},
    )
    return Teachable(course=course, lock=replace(whole.lock, insights={name: _short(whole, name) for name in needs}))


def _short(whole: Teachable, name: str) -> LockedInsight:
    locked = whole.lock.insights[name]
    measures = next(question for question in locked.questions if question.holdout)
    questions = tuple(q for q in locked.questions if not q.holdout or q == measures)
    return replace(locked, questions=questions, experiments={})  # a test of one gives itself one


def text_of(question: LockedQuestion) -> str:
    inputs = render_inputs(question.inputs)
    return f"{inputs}\n{question.ask}" if inputs else question.ask


def solution(exercise: Exercise) -> str:
    """Return a right answer to an exercise as a learner types it."""
    return {"hunt": str(exercise.key[:1])[1:-1], "write": exercise.answer}.get(exercise.kind, exercise.key)


def said(turn: Turn, value) -> str:
    """Return an answer as a learner types it."""
    return show(value) if turn.ask.kind == "choice" or isinstance(value, str) else json.dumps(value)


def said_to(question: LockedQuestion, belief: str) -> str:
    """Return a wrong answer to an open question: what a belief gives, or, where that is none, nonsense of the shape."""
    answer = question.answers.get(belief)
    if belief in question.shows and not isinstance(answer, Fault):
        return json.dumps(answer)
    return json.dumps([-77] * question.shape[0] if question.shape else -77)


def with_question(taught: Teachable, insight: str, question: str, **changes) -> Teachable:
    """Return what is taught with one question changed."""
    locked = taught.lock.insights[insight]
    questions = tuple(replace(q, **changes) if q.id == question else q for q in locked.questions)
    return with_questions(taught, insight, questions)


def with_questions(taught: Teachable, insight: str, questions: tuple[LockedQuestion, ...]) -> Teachable:
    """Return what is taught with other questions for one insight."""
    locked = replace(taught.lock.insights[insight], questions=questions)
    return replace(taught, lock=replace(taught.lock, insights={**taught.lock.insights, insight: locked}))


@pytest.fixture(scope="session")
def course() -> Teachable:
    """A short course with its answers."""
    return short_course()


@pytest.fixture
def classroom(course, monkeypatch) -> Callable[..., Classroom]:
    """Makes classrooms; one with another course or script changes them for all of the test."""

    def make(taught: Teachable = course, *, script: Script | None = None, store: Store | None = None, **more):
        monkeypatch.setattr(tools_module, "teachable", lambda where: taught)
        if script is not None:
            monkeypatch.setattr(tools_module, "default_script", lambda: script)
        return Classroom(store or Store.in_memory(), taught, **more)

    return make


@pytest.fixture
def room(classroom) -> Classroom:
    """A classroom of the short course that holds what its learner says."""
    return classroom()


@pytest.fixture(scope="session")
def tool():
    """The helpers above that are no methods, for tests that need them."""

    class Tool:
        text_of, said, said_to = staticmethod(text_of), staticmethod(said), staticmethod(said_to)
        solution = staticmethod(solution)
        with_question, with_questions = staticmethod(with_question), staticmethod(with_questions)
        question_hash, monday, day = staticmethod(question_hash), MONDAY, timedelta(days=1)

    return Tool


@pytest.fixture(scope="session")
def classroom_class() -> type[Classroom]:
    return Classroom
