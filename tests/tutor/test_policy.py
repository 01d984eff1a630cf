"""What comes next: an order that respects what is needed, questions that tell beliefs apart, nothing twice in a row."""

import random
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt.learner.mastery import Knowledge
from microgpt.tutor.policy import View, facts, next_plan
from microgpt.tutor.state import PASSES, TRIES, InsightState, LessonState
from microgpt.tutor.tools import default_script, teachable

TAUGHT = teachable("microgpt")
PATH = TAUGHT.plan("")
KNOWN = Knowledge(p=0.99, right=("a", "b"))


def view(tool, **state):
    return View(script=default_script(), taught=TAUGHT, state=LessonState(learner="ada", **state), now=tool.monday, witnessed=True)


INSIGHTS = st.builds(
    InsightState,
    knowledge=st.sampled_from([Knowledge(), KNOWN]), shown=st.booleans(), placed=st.booleans(),
    predicted=st.booleans(), explained=st.booleans(), worked=st.booleans(), passes=st.integers(0, PASSES),
    tries=st.integers(0, TRIES), last=st.sampled_from(["", "right", "wrong", "gave_up", "skipped", "void"]),
)  # fmt: skip


@given(insights=st.dictionaries(st.sampled_from(PATH), INSIGHTS), placements=st.integers(0, 8), seed=st.integers(0, 99))
def test_any_state_has_a_next_plan_that_asks_no_holdout_to_teach_and_nothing_just_asked(tool, insights, placements, seed):
    rng = random.Random(seed)
    insights = {
        name: replace(insight, asked=tuple(rng.sample([q for q in TAUGHT.questions(name) if q != "last"], rng.randrange(4))))
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


def test_a_wrong_placement_answer_spares_the_learner_what_is_built_on_it(room):
    turn, placed = room.start(), []
    while turn.move == "place":
        placed.append(turn.say["insight"])
        turn = room.skip(turn.ask.ask_id)
    assert "softmax-makes-shares" in placed
    assert "attention-is-a-weighted-average" not in placed


def test_a_right_placement_answer_shows_what_it_is_built_on(classroom, course):
    room = classroom(course)
    turn = room.start("attention")
    while turn.say["insight"] != "attention-is-a-weighted-average":
        turn = room.skip(turn.ask.ask_id) if turn.move == "place" else room.next(turn.ack)
    assert turn.move != "place"  # it needs what was skipped
    room = classroom(course, learner="bob")
    turn = room.start("attention")
    while turn.move == "place":
        turn = room.right(turn).then
    assert set(room.statuses().values()) == {"shown"}


def test_placement_asks_where_the_beliefs_are_told_apart_best(room):
    turn = room.start()
    while turn.move == "place":
        answers = room.question(turn).answers
        assert len({repr(answers[belief]) for belief in room.question(turn).shows}) == 3
        assert not any(hasattr(answer, "kind") for answer in answers.values())  # one that crashes can't be answered
        turn = room.right(turn).then


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
