"""The lesson tools: the one surface through which any voice, agent or command line runs a lesson.

A wrong call raises a `LessonError` whose text says how to call instead. Names, types and docstrings here are what
agents are shown.
"""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from functools import cache

from microgpt.content import content_folder, is_bundled
from microgpt.errors import CourseError, LessonError
from microgpt.insights.answers import course_program
from microgpt.insights.course import Course, find_course, load_course
from microgpt.insights.grading import same
from microgpt.insights.lock import read_lock, stale
from microgpt.insights.locked import rounded
from microgpt.insights.practice import Grade
from microgpt.insights.practice_code import grade_code
from microgpt.insights.question import render_inputs
from microgpt.insights.strict_yaml import nearest
from microgpt.insights.subject import top_level_names
from microgpt.learner.store import Store
from microgpt.sandbox import Job, Json, Outcome, run_jobs, support
from microgpt.tutor import asks
from microgpt.tutor.correct import taken_back
from microgpt.tutor.example import work_through
from microgpt.tutor.render import show, source_of
from microgpt.tutor.script import Script, parse_script
from microgpt.tutor.session import Lesson, Sitting, current_state, sitting
from microgpt.tutor.state import LessonState
from microgpt.tutor.turns import Example, Graded, Hint, InsightProgress, Progress, Result, Source, Turn, Verdict
from microgpt.tutor.view import Teachable


class LessonTools:
    """The tools over one store.

    Args:
        store: where the record is kept.
        clock: the time, UTC.
        heard: whether a quote stands in a message of the learner's that we hold; None where we hold none, as when an
            agent elsewhere reports what a learner said. Holdouts are asked only where we do.
        may_run: whether a learner's code can be contained here; no exercise asks for code where it can't.
        script: how to teach; None for the bundled script.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], datetime],
        heard: Callable[[str], bool] | None = None,
        may_run: Callable[[], bool] = lambda: support() != "none",
        script: Script | None = None,
    ) -> None:
        self._store, self._clock, self._heard, self._may_run, self._script = store, clock, heard, may_run, script

    def start(self, course: str = "microgpt", goal: str = "", minutes: int = 0, learner: str = "me") -> Turn:
        """Begin a lesson, or go on with it, and return the turn that is to be said.

        Args:
            course: the id of a bundled course, or the folder of another.
            goal: one of the course's goals; empty for all of it, or, in a lesson under way, for the goal that it has.
            minutes: how long the learner means to stay; 0 for no limit.
            learner: an id, for several learners on one machine.
        """
        where = _where(course)
        taught = teachable(where)
        taught.plan(goal)  # an unknown goal is refused before anything is written
        name = f"{_identifier(learner)}-{taught.course.id}"
        script = self._script or default_script()
        spoken = self._spoken(taught, learner)
        lesson = Lesson(id=name, learner=learner, taught=spoken, script=script, may_run=self._may_run)
        with self._sitting(lesson, begin=True) as at:
            at.begin(goal, minutes, where)
            return at.turn()

    def next(self, lesson: str, ack: str = "") -> Turn:
        """Return the turn to be said now.

        Args:
            ack: of the turn that was said to the learner; without it the same turn comes again.
        """
        with self._at(lesson) as at:
            at.ack(ack)
            return at.turn()

    def answer(self, lesson: str, ask_id: str, quote: str, value: str = "") -> Graded:
        """Grade the learner's answer to the open question or exercise.

        Args:
            quote: the learner's own words, unchanged; for an exercise, their code.
            value: your reading of them, such as ``0.5``; it must stand in the quote. Leave it empty if in doubt.
        """
        if self._heard is not None and not self._heard(quote):
            raise LessonError(f"the quote {quote!r} stands in no message of the learner's. Try their exact words.")
        ran = self._try_code(lesson, ask_id, value or quote)
        with self._at(lesson) as at:
            return asks.answer(at, ask_id, quote, value, ran)

    def hint(self, lesson: str, ask_id: str) -> Hint:
        """Give the next hint on the open question; an answer after it counts as assisted."""
        with self._at(lesson) as at:
            return asks.hint(at, ask_id)

    def reveal(self, lesson: str, ask_id: str) -> Graded:
        """Give the answer away and go on; it is never credited."""
        with self._at(lesson) as at:
            return asks.reveal(at, ask_id)

    def skip(self, lesson: str, ask_id: str) -> Turn:
        """Pass over the open question."""
        with self._at(lesson) as at:
            return asks.skip(at, ask_id)

    def contest(self, lesson: str, ask_id: str, reason: str) -> Verdict:
        """Compute the answer to a closed question again and show it; if the key was wrong, the attempt is taken back.

        Args:
            reason: why the learner thinks so, in their words.
        """
        with self._at(lesson) as at:
            closed, question = asks.contested(at, ask_id)
        if not question.call:
            with self._at(lesson) as at:
                text = f"Nothing computes this answer; its author says: {show(question.key)}."
                return Verdict(ask_id=ask_id, upheld=True, text=text, then=at.turn())
        taught = self._teachable(lesson)
        outcome = _run(taught.course, question.call, dict(question.inputs), trusted=is_bundled(taught.course.folder))
        if outcome.kind not in ("value", "error"):  # that is no word on the key
            raise LessonError(f"it could not be computed again: {_text(outcome)}. Nothing has changed. Try again.")
        call, inputs, key = question.call, render_inputs(question.inputs), show(question.key)
        within = taught.course.insights[closed.insight].within
        upheld = outcome.kind == "value" and same(rounded(outcome.value, within * 1e-6), question.key, within)
        with self._at(lesson) as at:
            if upheld:
                text = f"Computed again just now: with {inputs}, {call} gives {key}."
                return Verdict(ask_id=ask_id, upheld=True, text=text, then=at.turn())
            text = f"You were right to ask: with {inputs}, {call} gives {_text(outcome)}, not {key}. It does not count."
            if closed.outcome != "void":  # a contest may be sent twice
                at.record("void", taken_back([*self._store.events(lesson)], ask_id, reason), ask_id)
            return Verdict(ask_id=ask_id, upheld=False, text=text, then=at.turn())

    def progress(self, lesson: str) -> Progress:
        """Return where the learner stands, insight by insight, from evidence alone."""
        taught, state = self._teachable(lesson), self._state(lesson)
        insights = tuple(
            InsightProgress(
                insight=name,
                claim=taught.course.insights[name].claim,
                probability=state.insight(name).knowledge.p,
                status=state.insight(name).status,
                due=str((state.insight(name).card or {}).get("due", "")),
            )
            for name in taught.plan(state.goal)
        )
        return Progress(lesson=lesson, goal=state.goal, insights=insights)

    def evaluate(self, lesson: str, code: str) -> Result:
        """Run one expression of the learner's on the subject, in the sandbox; refused while a question is open.

        Args:
            code: a Python expression that may use the subject's functions, such as ``softmax([1, 2])``.
        """
        with self._at(lesson) as at:
            if at.state.ask is not None:
                raise LessonError("a question is open, and code could answer it. Try: answer, reveal or skip first.")
        outcome = _run(self._teachable(lesson).course, code, {})
        return Result(kind=outcome.kind, text=_text(outcome))

    def example(self, lesson: str, values: str) -> Example:
        """Work the turn's example through with the learner's own values, in the sandbox; refused at any other turn.

        Args:
            values: inputs of the example, such as ``query = [1, 0]``; where the turn says `yours`, a text of theirs.
        """
        with self._at(lesson) as at:
            taught, plan = at.lesson.taught, at.state.plan
        question = taught.questions(plan.insight).get(plan.worked) if plan and plan.worked else None
        if plan is None or question is None or not question.call:
            raise LessonError(
                "nothing is worked through here, so there are no values to change. Try it at a worked example."
            )
        return work_through(taught, plan.insight, question, values, trusted=is_bundled(taught.course.folder))

    def source(self, lesson: str, symbol: str) -> Source:
        """Return the lines of a function of the subject, such as ``softmax``, with their numbers.

        Refused while an exercise is open, which shows the lines that it is about.
        """
        taught, ask = self._teachable(lesson), self._state(lesson).ask
        if ask is not None and ask.exercise:
            raise LessonError("an exercise is open, and the source could answer it. Try: answer, hint or skip.")
        try:
            return source_of(taught, symbol)
        except CourseError:
            names = top_level_names(taught.course.subject_source)
            raise LessonError(f"there is no {symbol!r} in the code. {nearest(symbol, names)}") from None

    def _try_code(self, lesson: str, ask_id: str, code: str) -> Grade | None:
        """Run the learner's code if that is what is asked for: before the record is held, since it may take seconds."""
        with self._at(lesson) as at:
            taught, ask = at.lesson.taught, at.state.ask
            exercise = at.exercise(ask) if ask and ask.ask_id == ask_id else None
        if ask is None or exercise is None or not exercise.runs_code:
            return None
        return grade_code(exercise, code, taught.course, taught.lock.insights[ask.insight])

    # ---- finding a lesson again

    def _at(self, lesson: str) -> AbstractContextManager[Sitting]:
        return self._sitting(self._lesson(lesson))

    def _sitting(self, lesson: Lesson, *, begin: bool = False) -> AbstractContextManager[Sitting]:
        witnessed = self._heard is not None
        return sitting(self._store, lesson, clock=self._clock, witnessed=witnessed, begin=begin)

    def _state(self, lesson: str) -> LessonState:
        """Return the state of a lesson without holding it."""
        snapshot, seq = self._store.snapshot(lesson)
        return current_state(self._store, lesson, snapshot, seq)

    def _lesson(self, lesson: str) -> Lesson:
        state = self._state(lesson)
        if state.plan is None:
            known = ", ".join(row.id for row in self._store.lessons()) or "none yet"
            raise LessonError(f"no lesson {lesson!r}; there are: {known}. Try: microgpt lesson start")
        return Lesson(
            id=lesson,
            learner=state.learner,
            taught=self._spoken(teachable(state.where), state.learner),
            script=self._script or default_script(),
            may_run=self._may_run,
        )

    def _spoken(self, taught: Teachable, learner: str) -> Teachable:
        """Return a course in the learner's language, as far as its educator has translated it."""
        profile = self._store.learner(learner)
        return taught.in_language(profile.language) if profile else taught

    def _teachable(self, lesson: str) -> Teachable:
        return self._lesson(lesson).taught


@cache
def teachable(course: str) -> Teachable:
    """Read a course and its lock; nothing of either is run.

    Raises:
        CourseError: it cannot be read, or the answers in the lock are not those of its questions any more.
    """
    folder = find_course(course)
    read, lock = load_course(folder), read_lock(folder)
    old = stale(read, lock)
    if old:
        names = ", ".join(old)
        raise CourseError(f"the lock is older than {names}. Try: microgpt course lock {course}", path=str(folder))
    return Teachable(course=read, lock=lock)


@cache
def default_script() -> Script:
    """Return the bundled teaching script."""
    path = content_folder("skills") / "microgpt-tutor" / "script.yaml"
    return parse_script(path.read_text(encoding="utf-8"), str(path))


def _where(course: str) -> str:
    """Return how to find the course again from any folder: a bundled id, or an absolute path."""
    folder = find_course(course)
    return folder.name if is_bundled(folder) else str(folder.resolve())


def _identifier(learner: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,31}", learner):
        raise LessonError(f"{learner!r} is no id for a learner. Try small letters, digits and hyphens, such as: ada")
    return learner


def _run(course: Course, expression: str, inputs: dict[str, Json], *, trusted: bool = False) -> Outcome:
    job = Job(program=course_program(course), expression=expression, inputs=inputs)
    return run_jobs([job], trusted=trusted)[0]


def _text(outcome: Outcome) -> str:
    return show(outcome.value) if outcome.kind == "value" else f"no value: {outcome.detail or outcome.kind}"
