"""What comes next: a pure function of script, course, lesson and time.

`next_plan` gathers facts, lets the script choose a move, and chooses what the move is about. The same lesson always
gets the same turn; the learner's name, tone or language are not among its inputs.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from microgpt.insights.practice import Exercise, choose_exercise
from microgpt.tutor.choosing import counter_example, holdout, question_about, settling_question
from microgpt.tutor.placement import likely_known, to_place
from microgpt.tutor.script import Facts
from microgpt.tutor.state import InsightState, Plan
from microgpt.tutor.turns import Move
from microgpt.tutor.view import View

DELAYED_HOLDOUT = timedelta(days=14)


def next_plan(view: View) -> Plan:
    """Return the next turn's plan."""
    return _MOVES[_applicable(view, view.script.choose(facts(view)))](view)


def _applicable(view: View, move: Move) -> Move:
    """Return a script's move, or ask, or finish, where there is nothing to do it with.

    A worked example is never followed by another one, so that no script talks for ever.
    """
    idle = (
        (move == "review" and not _reviews(view))
        or (move == "place" and not to_place(view) and not likely_known(view))
        or (move in ("explain", "demonstrate") and view.insight(view.focus).worked)
        or (move == "practise" and _practice(view) is None)
    )
    if idle:
        move = "ask"
    apart = ("review", "place", "practise", "finish") + (("confront",) if _slipped(view) else ())
    return move if view.focus or move in apart else "finish"  # these need not be about the insight in focus


def facts(view: View) -> Facts:
    """Return everything that a script may ask about a lesson."""
    state, focus = view.state, view.insight(view.focus)
    return Facts(
        reviews_due=len(_reviews(view)),
        reviews_done=state.reviews,
        placing=bool(to_place(view)),
        likely=likely_known(view),
        placements=state.placements,
        practised=_practice(view) is None,
        slipped=bool(_slipped(view)),
        nothing_left=not view.focus,
        holdouts_left=len(_holdouts(view)),
        beginner=not any(insight.knowledge.right for insight in state.insights.values()),
        last=focus.last or "none",
        counter=bool(view.focus) and counter_example(view, view.focus) is not None,
        worked=focus.worked,
        predicted=focus.predicted,
        explained=focus.explained,
    )


def _reviews(view: View) -> tuple[str, ...]:
    """Return the insights that are due, those not met for longest first; what was passed over waits for another day."""
    due = () if view.state.time_is_up(view.now) else view.state.reviews_due(view.path, view.now)
    return tuple(
        sorted((name for name in due if not view.insight(name).passes), key=lambda name: view.insight(name).seen)
    )


def _review(view: View) -> Plan:
    due = _reviews(view)
    name = due[0]
    n = view.state.reviews + 1
    return Plan(move="review", insight=name, question=question_about(view, name), n=n, of=n + len(due) - 1)


def _place(view: View) -> Plan:
    """Ask one of the placement's questions, counted, or one about the insight in focus."""
    name = to_place(view)
    if not name:
        return Plan(move="place", insight=view.focus, question=settling_question(view, view.focus))
    n, of = view.state.placements + 1, min(view.script.placement, len(view.path))
    return Plan(move="place", insight=name, question=settling_question(view, name), n=n, of=of)


def _practice(view: View) -> Exercise | None:
    """Return the exercise to set now: one for each insight, after the question that the learner knew it by.

    It changes nothing about what is known: who masters an idea need not be able to write code.
    """
    last = view.state.closed[-1] if view.state.closed else None
    if last is None or last.holdout or last.insight not in view.path or view.state.time_is_up(view.now):
        return None
    insight = view.insight(last.insight)
    if insight.practised or not insight.mastered:
        return None
    exercises = tuple(view.taught.exercises(last.insight).values())
    asks_for_code = any(exercise.runs_code for exercise in exercises)
    seed = f"{view.state.learner}/{last.insight}"
    return choose_exercise(exercises, seed, may_run=asks_for_code and view.may_run())


def _practise(view: View) -> Plan:
    exercise = _practice(view)
    assert exercise is not None, "it is only applicable with one"
    return Plan(move="practise", insight=exercise.insight, exercise=exercise.id)


def _slipped(view: View) -> str:
    """Return the insight whose exercise, just done, fits a belief that can be confronted; empty for none."""
    last = view.state.closed[-1] if view.state.closed else None
    if last is None or not (last.exercise and last.misconceptions) or view.state.time_is_up(view.now):
        return ""
    return last.insight if last.insight in view.path and counter_example(view, last.insight) else ""


def _holdouts(view: View) -> tuple[str, ...]:
    """Return the insights to be measured now: once at the end, and once more two weeks later."""
    if not view.witnessed or view.focus or view.state.time_is_up(view.now):
        return ()

    def open_(insight: InsightState) -> bool:
        times = [datetime.fromisoformat(time) for time in insight.holdouts]
        return not times or (len(times) == 1 and view.now - times[0] >= DELAYED_HOLDOUT)

    known = [name for name in view.path if view.insight(name).known and holdout(view, name)]
    return tuple(name for name in known if open_(view.insight(name)))


def _finish(view: View) -> Plan:
    left = _holdouts(view)
    if not left:
        return Plan(move="finish")
    of = sum(view.insight(name).known for name in view.path)
    n, question = of - len(left) + 1, holdout(view, left[0])
    return Plan(move="finish", insight=left[0], question=question, holdout=True, n=n, of=of)


def _predict(view: View) -> Plan:
    return Plan(move="predict", insight=view.focus, question=question_about(view, view.focus, open_minded=True))


def _explain(view: View) -> Plan:
    """Explain with the question that was just closed, or with the first one, which is then not asked first."""
    asked = view.insight(view.focus).asked
    questions = view.taught.questions(view.focus).values()
    example = next(question.id for question in questions if not question.holdout)
    return Plan(move="explain", insight=view.focus, worked=asked[-1] if asked else example)


def _demonstrate(view: View) -> Plan:
    asked = view.insight(view.focus).asked
    return Plan(move="demonstrate", insight=view.focus, worked=asked[-1]) if asked else _explain(view)


def _ask(view: View) -> Plan:
    insight = view.insight(view.focus)
    why = "first"
    if insight.last == "right":
        why = "confirm"
    elif insight.last in ("wrong", "gave_up"):
        why = "parallel"
    elif insight.last:
        why = "again"
    return Plan(move="ask", insight=view.focus, question=question_about(view, view.focus), why=why)


def _confront(view: View) -> Plan:
    name = _slipped(view) or view.focus
    counter = counter_example(view, name)
    if counter is None:
        return _ask(view)
    belief, question = counter
    return Plan(move="confront", insight=name, belief=belief, question=question)


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
