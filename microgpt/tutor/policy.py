"""What comes next: a pure function of script, course, lesson and time.

`next_plan` gathers facts, lets the script choose a move, and chooses what the move is about. The same lesson always
gets the same turn; the learner's name, tone or language are not among its inputs.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from microgpt.insights.course import Course, plan
from microgpt.insights.locked import Fault, Lock, LockedQuestion
from microgpt.insights.practice import Exercise, choose_exercise, make_exercises
from microgpt.learner.mastery import mastered
from microgpt.tutor.script import Facts, Script
from microgpt.tutor.state import InsightState, LessonState, Plan
from microgpt.tutor.turns import Move

DELAYED_HOLDOUT = timedelta(days=14)


@dataclass(frozen=True, kw_only=True)
class Teachable:
    """A course with its answers: all that a lesson needs of it."""

    course: Course
    lock: Lock
    _made: dict[str, Mapping[str, Exercise]] = field(
        init=False, repr=False, compare=False, default_factory=dict[str, Mapping[str, Exercise]]
    )

    _plans: dict[str, tuple[str, ...]] = field(
        init=False, repr=False, compare=False, default_factory=dict[str, tuple[str, ...]]
    )

    def exercises(self, insight: str) -> Mapping[str, Exercise]:
        """Return all exercises of an insight by id; made once, since that takes longer than all the rest of a turn."""
        if insight not in self._made:
            made = make_exercises(self.course, self.lock.insights[insight])
            self._made[insight] = {exercise.id: exercise for exercise in made}
        return self._made[insight]

    def questions(self, insight: str) -> Mapping[str, LockedQuestion]:
        return {question.id: question for question in self.lock.insights[insight].questions}

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
        return next((name for name in left if _fresh(self, name)), "")


def next_plan(view: View) -> Plan:
    """Return the next turn's plan."""
    return _MOVES[_applicable(view, view.script.choose(facts(view)))](view)


def _applicable(view: View, move: Move) -> Move:
    """Return a script's move, or ask, or finish, where there is nothing to do it with.

    A worked example is never followed by another one, so that no script talks for ever.
    """
    idle = (
        (move == "review" and not _reviews(view))
        or (move == "place" and not _placement(view))
        or (move in ("explain", "demonstrate") and view.state.insight(view.focus).worked)
        or (move == "practise" and _practice(view) is None)
    )
    if idle:
        move = "ask"
    return move if view.focus or move in ("review", "place", "practise", "finish") else "finish"


def facts(view: View) -> Facts:
    """Return everything that a script may ask about a lesson."""
    state, focus = view.state, view.state.insight(view.focus)
    return Facts(
        reviews_due=len(_reviews(view)),
        reviews_done=state.reviews,
        placing=bool(_placement(view)),
        placements=state.placements,
        practised=_practice(view) is None,
        nothing_left=not view.focus,
        holdouts_left=len(_holdouts(view)),
        beginner=not any(insight.knowledge.right for insight in state.insights.values()),
        last=focus.last or "none",
        counter=bool(view.focus) and _counter(view, view.focus) is not None,
        worked=focus.worked,
        predicted=focus.predicted,
        explained=focus.explained,
    )


def _reviews(view: View) -> tuple[str, ...]:
    """Return the insights that are due, those not met for longest first: what is passed over comes last."""
    due = () if view.state.time_is_up(view.now) else view.state.reviews_due(view.path, view.now)
    return tuple(sorted(due, key=lambda name: view.state.insight(name).seen))


def _review(view: View) -> Plan:
    due = _reviews(view)
    name = due[0]
    n = view.state.reviews + 1
    return Plan(move="review", insight=name, question=_question(view, name), n=n, of=n + len(due) - 1)


def _placement(view: View) -> str:
    """Return the insight whose question halves best what is unknown; empty when placement is over.

    A wrong answer settles what is built on it as well, a right one what it is built on. Once teaching has begun, it is
    over for good.
    """
    insights = {name: view.state.insight(name) for name in view.path}
    begun = any(insight.explained or insight.predicted for insight in insights.values())
    if begun or view.state.placements >= view.script.placement or view.state.time_is_up(view.now):
        return ""
    ancestors = {name: set(view.taught.ancestors(name)) for name in view.path}
    failed = {name for name, insight in insights.items() if insight.placed and not insight.known}
    unknown = {
        name for name in view.path
        if not insights[name].placed and not insights[name].known and not ancestors[name] & failed
        and _fresh(view, name)
    }  # fmt: skip

    def settled(name: str) -> tuple[int, int]:
        below = len(ancestors[name] & unknown)
        above = sum(name in ancestors[other] for other in unknown)
        return min(below, above), below + above

    return max((name for name in view.path if name in unknown), key=settled, default="")


def _place(view: View) -> Plan:
    name = _placement(view)
    n = view.state.placements + 1
    question = _question(view, name, open_minded=True)
    return Plan(move="place", insight=name, question=question, n=n, of=min(view.script.placement, len(view.path)))


def _practice(view: View) -> Exercise | None:
    """Return the exercise to set now: one for each insight, after the question that the learner knew it by.

    It changes nothing about what is known: who masters an idea need not be able to write code.
    """
    last = view.state.closed[-1] if view.state.closed else None
    if last is None or last.holdout or last.insight not in view.path or view.state.time_is_up(view.now):
        return None
    insight = view.state.insight(last.insight)
    if insight.practised or not mastered(insight.knowledge):
        return None
    exercises = tuple(view.taught.exercises(last.insight).values())
    asks_for_code = any(exercise.runs_code for exercise in exercises)
    seed = f"{view.state.learner}/{last.insight}"
    return choose_exercise(exercises, seed, may_run=asks_for_code and view.may_run())


def _practise(view: View) -> Plan:
    exercise = _practice(view)
    assert exercise is not None, "it is only applicable with one"
    return Plan(move="practise", insight=exercise.insight, exercise=exercise.id)


def _holdouts(view: View) -> tuple[str, ...]:
    """Return the insights to be measured now: once at the end, and once more two weeks later."""
    if not view.witnessed or view.focus or view.state.time_is_up(view.now):
        return ()

    def open_(insight: InsightState) -> bool:
        times = [datetime.fromisoformat(time) for time in insight.holdouts]
        return not times or (len(times) == 1 and view.now - times[0] >= DELAYED_HOLDOUT)

    known = [name for name in view.path if view.state.insight(name).known and _holdout(view, name)]
    return tuple(name for name in known if open_(view.state.insight(name)))


def _holdout(view: View, name: str) -> str:
    """Return the question that is kept for measuring an insight; empty for none."""
    questions = view.taught.questions(name).values()
    return next((question.id for question in questions if question.holdout), "")


def _finish(view: View) -> Plan:
    left = _holdouts(view)
    if not left:
        return Plan(move="finish")
    of = sum(view.state.insight(name).known for name in view.path)
    n, question = of - len(left) + 1, _holdout(view, left[0])
    return Plan(move="finish", insight=left[0], question=question, holdout=True, n=n, of=of)


def _predict(view: View) -> Plan:
    return Plan(move="predict", insight=view.focus, question=_question(view, view.focus, open_minded=True))


def _explain(view: View) -> Plan:
    """Explain with the question that was just closed, or with the first one, which is then not asked first."""
    asked = view.state.insight(view.focus).asked
    questions = view.taught.questions(view.focus).values()
    example = next(question.id for question in questions if not question.holdout)
    return Plan(move="explain", insight=view.focus, worked=asked[-1] if asked else example)


def _demonstrate(view: View) -> Plan:
    asked = view.state.insight(view.focus).asked
    return Plan(move="demonstrate", insight=view.focus, worked=asked[-1]) if asked else _explain(view)


def _ask(view: View) -> Plan:
    insight = view.state.insight(view.focus)
    why = "first"
    if insight.last == "right":
        why = "confirm"
    elif insight.last in ("wrong", "gave_up"):
        why = "parallel"
    elif insight.last:
        why = "again"
    return Plan(move="ask", insight=view.focus, question=_question(view, view.focus), why=why)


def _confront(view: View) -> Plan:
    counter = _counter(view, view.focus)
    if counter is None:
        return _ask(view)
    belief, question = counter
    return Plan(move="confront", insight=view.focus, belief=belief, question=question)


def _counter(view: View, name: str) -> tuple[str, str] | None:
    """Return a belief that fits the last wrong answer, and a question that shows it to be wrong.

    The educator's counter-example if it was not just asked, else another one on which the belief fails.
    """
    insight = view.state.insight(name)
    questions = view.taught.questions(name)
    for belief in view.taught.course.insights[name].misconceptions:
        if belief.id not in insight.possible or belief.id in insight.confronted:
            continue
        if belief.counter not in insight.asked and belief.id in questions[belief.counter].shows:
            return belief.id, belief.counter
        others = [q for q in questions.values() if belief.id in q.shows and not q.holdout and q.id not in insight.asked]
        if others:
            return belief.id, min(others, key=lambda question: _shuffled(view, name, question.id)).id
    return None


def _question(view: View, name: str, *, open_minded: bool = False) -> str:
    """Return the question to ask about an insight.

    Never the one just asked; one not asked yet, if there is any, or else the one asked longest ago; then the one that
    tells most about the beliefs that the last wrong answer fits, or else about those that no right one has ruled out;
    then the educator's own before a generated one.

    Args:
        open_minded: about all beliefs, since nothing is known yet of which are possible.
    """
    insight = view.state.insight(name)
    asked = insight.asked
    candidates = [question for question in view.taught.questions(name).values() if not question.holdout]

    def order(question: LockedQuestion) -> tuple[int, int, int, bool, str]:
        since = asked.index(question.id) if question.id in asked else -1
        open_ = insight.possible or [belief for belief in question.shows if belief not in insight.refuted]
        groups, shown = _tells(question, question.shows if open_minded else open_)
        return since, -groups, -shown, question.parallel, _shuffled(view, name, question.id)

    return min(_fresh(view, name) or candidates, key=order).id


def _fresh(view: View, name: str) -> list[LockedQuestion]:
    """Return the questions that may be asked about an insight now: all but holdouts, and the one just asked."""
    last = view.state.insight(name).asked[-1:]
    return [
        question
        for question in view.taught.questions(name).values()
        if not question.holdout and question.id not in last
    ]


def _tells(question: LockedQuestion, beliefs: Sequence[str]) -> tuple[int, int]:
    """Return into how many groups a question's answers part the beliefs, and how many of these would be wrong.

    A belief without an answer to it can't be told by one.
    """
    answers = {belief: question.answers[belief] for belief in beliefs if belief in question.answers}
    given = {belief: repr(answer) for belief, answer in answers.items() if not isinstance(answer, Fault)}
    return len(set(given.values())), sum(belief in question.shows for belief in given)


def _shuffled(view: View, *names: str) -> str:
    """Return a sort key that is random over lessons and fixed within one."""
    return hashlib.sha256("/".join((view.state.learner, *names)).encode()).hexdigest()


_MOVES: Mapping[str, Callable[[View], Plan]] = {
    "place": _place,
    "predict": _predict,
    "explain": _explain,
    "demonstrate": _demonstrate,
    "ask": _ask,
    "confront": _confront,
    "practise": _practise,
    "review": _review,
    "finish": _finish,
}
