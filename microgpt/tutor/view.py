"""What the policy looks at: a course with its answers, a lesson's state, the time, and what can be done here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from microgpt.insights.course import Course, plan
from microgpt.insights.locked import Lock, LockedQuestion
from microgpt.insights.practice import Exercise, make_exercises
from microgpt.insights.translation import in_language
from microgpt.tutor.script import Script
from microgpt.tutor.state import InsightState, LessonState


@dataclass(frozen=True, kw_only=True)
class Teachable:
    """A course with its answers: all that a lesson needs of it."""

    course: Course
    lock: Lock
    _made: dict[str, Mapping[str, Exercise]] = field(
        init=False, repr=False, compare=False, default_factory=dict[str, Mapping[str, Exercise]]
    )
    _asked: dict[str, Mapping[str, LockedQuestion]] = field(
        init=False, repr=False, compare=False, default_factory=dict[str, Mapping[str, LockedQuestion]]
    )
    _plans: dict[str, tuple[str, ...]] = field(
        init=False, repr=False, compare=False, default_factory=dict[str, tuple[str, ...]]
    )
    _spoken: dict[str, "Teachable"] = field(
        init=False, repr=False, compare=False, default_factory=dict[str, "Teachable"]
    )

    def in_language(self, language: str) -> "Teachable":
        """Return the same with its texts in a language, where they are translated; ids, inputs and answers stay."""
        if language not in self._spoken:
            course, lock = in_language(self.course, self.lock, language)
            self._spoken[language] = Teachable(course=course, lock=lock)
        return self._spoken[language]

    def exercises(self, insight: str) -> Mapping[str, Exercise]:
        """Return all exercises of an insight by id; made once, since that takes longer than all the rest of a turn."""
        if insight not in self._made:
            made = make_exercises(self.course, self.lock.insights[insight])
            self._made[insight] = {exercise.id: exercise for exercise in made}
        return self._made[insight]

    def questions(self, insight: str) -> Mapping[str, LockedQuestion]:
        """Return all questions of an insight by id, holdouts included."""
        if insight not in self._asked:
            self._asked[insight] = {question.id: question for question in self.lock.insights[insight].questions}
        return self._asked[insight]

    def plan(self, goal: str) -> tuple[str, ...]:
        """Return what a goal takes, in an order that respects what is needed; worked out once, every turn needs it."""
        if goal not in self._plans:
            self._plans[goal] = plan(self.course, goal)
        return self._plans[goal]

    def ancestors(self, insight: str) -> tuple[str, ...]:
        """Return everything that an insight needs, directly or not, each once."""
        found: dict[str, None] = {}
        stack = list(self.course.insights[insight].needs)
        while stack:
            name = stack.pop()
            if name not in found:
                found[name] = None
                stack += self.course.insights[name].needs
        return tuple(found)


@dataclass(frozen=True, kw_only=True)
class View:
    """What the policy looks at.

    Args:
        witnessed: whether the learner's own messages are held here; only then may holdouts be asked.
        may_run: whether a learner's code can be contained here; only then are exercises set that ask for code.
    """

    script: Script
    taught: Teachable
    state: LessonState
    now: datetime
    witnessed: bool
    may_run: Callable[[], bool]

    @cached_property
    def path(self) -> tuple[str, ...]:
        return self.taught.plan(self.state.goal)

    @cached_property
    def focus(self) -> str:
        """The first insight of the plan that is neither known nor set aside; empty when none is left, or no time.

        Nor one whose only question has just been asked: none is asked twice in a row.
        """
        if self.state.time_is_up(self.now):
            return ""
        insights = ((name, self.state.insight(name)) for name in self.path)
        left = (
            name
            for name, insight in insights
            if not insight.known and not insight.set_aside and insight.tries < self.script.tries
        )
        return next((name for name in left if self.fresh(name)), "")

    def insight(self, name: str) -> InsightState:
        """Return where the lesson stands with an insight."""
        return self.state.insight(name)

    def beliefs(self, name: str) -> set[str]:
        """Return the misconceptions that the course holds against an insight."""
        return {belief.id for belief in self.taught.course.insights[name].misconceptions}

    def fresh(self, name: str) -> list[LockedQuestion]:
        """Return the questions that may be asked about an insight now: all but holdouts, and the one just asked."""
        last = self.insight(name).asked[-1:]
        questions = self.taught.questions(name).values()
        return [question for question in questions if not question.holdout and question.id not in last]
