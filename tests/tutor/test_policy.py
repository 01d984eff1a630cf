"""What comes next: an order that respects what is needed, questions that tell beliefs apart, nothing twice in a row."""

import random
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt.learner.mastery import Knowledge
from microgpt.tutor.policy import facts, next_plan
from microgpt.tutor.state import PASSES, TRIES, InsightState, LessonState
from microgpt.tutor.tools import default_script
from microgpt.tutor.view import View
from tests.tutor.conftest import short_course

TAUGHT = short_course()
PATH = TAUGHT.plan("")
KNOWN = Knowledge(p=0.99, right=("a", "b"))


def view(tool, **state):
    return View(
        script=default_script(),
        taught=TAUGHT,
        state=LessonState(learner="ada", **state),
        now=tool.monday,
        witnessed=True,
        may_run=lambda: False,
    )


INSIGHTS = st.builds(
    InsightState,
    knowledge=st.sampled_from([Knowledge(), KNOWN]), shown=st.booleans(), placed=st.booleans(),
    predicted=st.booleans(), explained=st.booleans(), worked=st.booleans(), passes=st.integers(0, PASSES),
    tries=st.integers(0, TRIES), last=st.sampled_from(["", "right", "wrong", "gave_up", "skipped", "void"]),
)  # fmt: skip


@given(insights=st.dictionaries(st.sampled_from(PATH), INSIGHTS), placements=st.integers(0, 8), seed=st.integers(0, 99))
def test_any_state_has_a_next_plan_that_asks_no_holdout_to_teach_and_nothing_just_asked(
    tool, insights, placements, seed
):
    rng = random.Random(seed)
    insights = {
        name: replace(
            insight,
            asked=tuple(rng.sample([q.id for q in TAUGHT.questions(name).values() if not q.holdout], rng.randrange(4))),
        )
        for name, insight in insights.items()
    }
    at = view(tool, insights=insights, placements=placements)
    plan = next_plan(at)
    assert next_plan(at) == plan  # a pure function
    if plan.question:
        question = TAUGHT.questions(plan.insight)[plan.question]
        assert question.holdout == plan.holdout == (plan.move == "finish")
        assert plan.question not in at.state.insight(plan.insight).asked[-1:]
    if plan.move not in ("place", "review", "finish"):
        assert plan.insight == at.focus == next(n for n in PATH if not _done(at.state.insight(n)))


def _done(insight):
    return insight.known or insight.set_aside


def test_an_insight_is_taught_after_all_that_it_needs(room):
    def wrong_in_placement(room, turn):
        shape = room.question(turn).shape
        if turn.move == "place":
            return room.answer(turn.ask.ask_id, str([-7] * shape[0] if shape else -7)).then
        return room.right(turn).then

    turns = room.run(wrong_in_placement)
    taught = list(dict.fromkeys(turn.say["insight"] for turn in turns if turn.move not in ("place", "finish")))
    for name, insight in room.taught.course.insights.items():
        assert all(taught.index(need) < taught.index(name) for need in insight.needs)


def test_a_beginner_gets_a_worked_example_first_and_others_predict(classroom, course):
    room = classroom(course)
    turn = room.start()
    while turn.move == "place":
        turn = room.skip(turn.ask.ask_id)
    assert turn.move == "explain"
    assert turn.say["worked"]["answer"]
    room = classroom(course, learner="bob")
    turn = room.start()
    while turn.move == "place":
        turn = room.skip(turn.ask.ask_id) if turn.say["insight"] == PATH[0] else room.right(turn).then
    assert turn.move == "predict"


def test_the_example_of_an_explanation_is_not_asked_right_after_it(classroom, course, tool):
    attention = "attention-is-a-weighted-average"
    two = tuple(q for q in course.lock.insights[attention].questions if q.id in ("pair", "strong") or q.holdout)
    for learner in "abcdef":  # the order of questions differs from learner to learner
        room = classroom(tool.with_questions(course, attention, two), learner=learner)
        turn = room.start()
        while (turn.move, turn.say["insight"]) != ("explain", attention):
            turn = room.next(turn.ack) if turn.ask is None else room.skip(turn.ask.ask_id)
        ask = room.next(turn.ack).ask
        assert turn.say["worked"]["inputs"] not in ask.text


def test_all_questions_are_asked_before_any_comes_again(room):
    turn, asked = room.start("optimizer"), []
    while len(asked) < 30:
        if turn.ask:
            asked.append(room.question(turn).id)
            room.now += timedelta(hours=2)  # a new sitting each time, so that nothing is set aside
            turn = room.skip(turn.ask.ask_id)
        else:
            turn = room.next(turn.ack)
    pool = [q.id for q in TAUGHT.questions("adam-corrects-its-bias").values() if not q.holdout]
    assert len(set(asked[: len(pool)])) == len(pool)
    assert all(a != b for a, b in pairwise(asked))


def test_a_repeated_error_is_met_with_a_worked_example_not_with_the_same_confrontation(room):
    turn, moves = room.start("optimizer"), []
    for _ in range(8):
        moves.append((turn.move, turn.say.get("belief")))
        if turn.ask is None:
            turn = room.next(turn.ack)
        else:
            question = room.question(turn)
            turn = room.answer(turn.ask.ask_id, str(question.answers["starts-slowly"])).then
    assert len([move for move in moves if move[0] == "confront"]) == 1
    assert "demonstrate" in [move for move, _ in moves]


@pytest.mark.parametrize("heard", [True, False])
def test_the_facts_of_a_new_lesson(tool, heard):
    at = replace(view(tool), witnessed=heard)
    assert facts(at).placing
    assert facts(at).beginner
    assert (facts(at).last, facts(at).holdouts_left, facts(at).nothing_left) == ("none", 0, False)


def test_holdouts_wait_until_nothing_is_left_to_teach(tool):
    known = {name: InsightState(knowledge=KNOWN, placed=True) for name in PATH}
    assert facts(view(tool, insights=known)).holdouts_left == len(PATH)
    assert facts(view(tool, insights={**known, PATH[0]: InsightState(placed=True)})).holdouts_left == 0
    assert facts(replace(view(tool, insights=known), witnessed=False)).holdouts_left == 0


# ---- a course that changes under the lesson


@pytest.mark.parametrize("move", ["place", "explain", "predict", "confront"])
@pytest.mark.parametrize("gone", ["question", "insight", "belief"])
def test_a_lesson_goes_on_when_what_it_was_at_is_gone(classroom, course, tool, move, gone):
    def believes(room, turn):
        return room.answer(turn.ask.ask_id, tool.said(turn, room.question(turn).answers["winner-takes-all"])).then

    softmax, room = "softmax-makes-shares", classroom()
    turn = room.start()
    while (turn.move, turn.say["insight"]) != (move, softmax):
        if turn.ask is None:
            turn = room.next(turn.ack)
        else:
            turn = (believes if turn.say["insight"] == softmax else knows_all)(room, turn)
        if turn.say["insight"] == "attention-is-a-weighted-average":
            return  # no such turn in this lesson
    changed, plan = without(course, softmax), room.state().plan
    if gone == "question":
        left = tuple(q for q in course.lock.insights[softmax].questions if q.id not in (plan.question, plan.worked))
        changed = tool.with_questions(course, softmax, left)
    if gone == "belief":
        insight = course.course.insights[softmax]
        beliefs = tuple(m for m in insight.misconceptions if m.id != "winner-takes-all")
        insights = {**course.course.insights, softmax: replace(insight, misconceptions=beliefs)}
        changed = replace(course, course=replace(course.course, insights=insights))
    after = classroom(changed, store=room.store)
    assert after.run(knows_all)[-1].move == "finish"


def without(course, insight):
    """Return a course that never had an insight."""
    needs_less = {
        name: replace(i, needs=tuple(need for need in i.needs if need != insight))
        for name, i in course.course.insights.items()
        if name != insight
    }
    order = tuple(name for name in course.course.order if name != insight)
    goals = {goal: tuple(n for n in names if n != insight) for goal, names in course.course.goals.items()}
    locked = {name: value for name, value in course.lock.insights.items() if name != insight}
    smaller = replace(course.course, insights=needs_less, order=order, goals=goals)
    return replace(course, course=smaller, lock=replace(course.lock, insights=locked))


# ---- courses at the edge of the format


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("learner", ["knows_all", "skips", "reveals"])
def test_a_lesson_ends_where_an_insight_without_code_has_only_a_few_questions(classroom, course, tool, count, learner):
    """With one question it can be shown, never mastered; with two or more it can."""
    insight = "softmax-makes-shares"
    model = course.lock.insights[insight].questions[0]
    plain = replace(model, call="", inputs={}, kind="choice", shape=(), key="so", options=("but", "not", "so"), walk=(),
                    answers=dict.fromkeys(model.answers, "not"), shows=tuple(model.answers))  # fmt: skip
    cases = tuple(replace(plain, id=f"case-{n}", ask=f"Case {n}?", holdout=n == 0) for n in range(count + 1))

    def respond(room, turn):
        if turn.move == "place":
            return room.skip(turn.ask.ask_id)  # so that it does not settle this insight with another
        return {"knows_all": knows_all, "skips": skips, "reveals": reveals}[learner](room, turn)

    course_insight = course.course.insights[insight]
    beliefs = tuple(replace(m, counter="case-1") for m in course_insight.misconceptions)
    insights = {**course.course.insights, insight: replace(course_insight, misconceptions=beliefs)}
    taught = replace(course, course=replace(course.course, insights=insights))
    room = classroom(tool.with_questions(taught, insight, cases))
    turns = room.run(respond)
    for before, after in pairwise(turns):
        if before.ask and after.ask and before.say["insight"] == after.say["insight"]:
            assert before.ask.text != after.ask.text  # never twice in a row
    if learner == "knows_all":
        assert (room.statuses()[insight] == "mastered") == (count > 1)


def test_a_choice_of_the_educators_own_two_options_can_be_answered(classroom, course, tool):
    changed = course
    for question in course.lock.insights["softmax-makes-shares"].questions:
        two = {
            "kind": "choice",
            "options": ("up", "down"),
            "key": "up",
            "answers": dict.fromkeys(question.answers, "down"),
        }
        changed = tool.with_question(changed, "softmax-makes-shares", question.id, **two)
    room = classroom(changed)
    turn = room.start()
    while turn.ask is None or turn.say["insight"] != "softmax-makes-shares":
        turn = room.skip(turn.ask.ask_id) if turn.ask else room.next(turn.ack)
    assert sorted(turn.ask.options) == ["down", "up"]
    assert room.answer(turn.ask.ask_id, "down").outcome == "wrong"


def test_an_insight_without_a_holdout_is_simply_not_measured(classroom, course, tool):
    kept = tuple(q for q in course.lock.insights["softmax-makes-shares"].questions if not q.holdout)
    room = classroom(tool.with_questions(course, "softmax-makes-shares", kept))
    room.run(knows_all)
    assert "softmax-makes-shares" not in asked_holdouts(room)
    assert len(asked_holdouts(room)) == 2


def asked_holdouts(room):
    return [event.body["insight"] for event in room.events("ask") if event.body["holdout"]]


def knows_all(room, turn):
    return room.right(turn).then


def skips(room, turn):
    return room.skip(turn.ask.ask_id)


def reveals(room, turn):
    return skips(room, turn) if turn.ask.holdout else room.reveal(turn.ask.ask_id).then
