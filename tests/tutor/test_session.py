"""Whole lessons: what each kind of learner meets, and that every lesson comes to its end."""

from datetime import timedelta

import pytest

from microgpt.errors import LessonError
from microgpt.insights.locked import Fault
from microgpt.learner.mastery import PRIOR
from microgpt.tutor.render import show
from microgpt.tutor.tools import teachable

BELIEFS = [(name, belief.id) for name, i in teachable("microgpt").course.insights.items() for belief in i.misconceptions]


def knows_all(room, turn):
    return room.right(turn).then


def skips(room, turn):
    return room.skip(turn.ask.ask_id)


def reveals(room, turn):
    if turn.ask.holdout:
        return room.skip(turn.ask.ask_id)
    return room.reveal(turn.ask.ask_id).then


def hints_to_the_end(room, turn):
    if not turn.ask.holdout:
        while (hint := room.hint(turn.ask.ask_id)).rung < hint.of:
            pass
    return room.right(turn).then


def bluffs(room, turn):
    """Sounds sure, and is always wrong."""
    shape = room.question(turn).shape
    return room.answer(turn.ask.ask_id, f"Obviously {[-77] * shape[0] if shape else -77}.").then


def wavers(room, turn):
    """Knows it every other time."""
    return bluffs(room, turn) if turn.turn % 2 else knows_all(room, turn)


def test_who_knows_all_masters_or_shows_all_in_few_turns(room):
    turns = room.run(knows_all, most=15)
    assert {turn.move for turn in turns} == {"place", "finish"}
    assert set(room.statuses().values()) == {"shown"}
    assert [turn.ask is not None and turn.ask.holdout for turn in turns] == [False] * 3 + [True] * 3 + [False]
    assert turns[-1].say["left"] == []


def test_who_knows_all_but_was_not_placed_masters_all(room):
    placed = iter([bluffs, bluffs, bluffs])

    def late(room, turn):
        return (next(placed) if turn.move == "place" else knows_all)(room, turn)

    room.run(late)
    assert set(room.statuses().values()) == {"mastered"}


@pytest.mark.parametrize("learner", [skips, reveals, hints_to_the_end, bluffs, wavers])
@pytest.mark.parametrize("goal", ["", "attention", "optimizer"])
def test_every_lesson_ends_however_the_learner_goes_about_it(room, learner, goal):
    turns = room.run(learner, goal=goal)
    assert turns[-1].move == "finish"
    if learner is not wavers:
        assert "mastered" not in room.statuses().values()
        assert all(p <= PRIOR for p in room.probabilities().values())


def test_who_skips_is_asked_about_each_insight_a_few_times_and_then_left_in_peace(room):
    turns = room.run(skips)
    asks = [turn for turn in turns if turn.ask]
    assert all(sum(turn.say["insight"] == name for turn in asks) <= 3 for name in room.taught.course.insights)
    assert [left["insight"] for left in turns[-1].say["left"]] == list(room.taught.plan(""))


@pytest.mark.parametrize(("insight", "belief"), BELIEFS, ids=[belief for _, belief in BELIEFS])
def test_a_planted_misconception_is_diagnosed_confronted_and_overcome(room, tool, insight, belief):
    """The learner answers as the mutant does wherever it shows, until its counter-example is met."""
    misconception = next(m for m in room.taught.course.insights[insight].misconceptions if m.id == belief)
    diagnoses, confronted = [], []

    def believer(room, turn):
        question = room.question(turn)
        if turn.move == "confront" and turn.say["belief"] == misconception.belief:
            confronted.append((turn, question, room.state().insight(insight).asked))
        answer = question.answers.get(belief)
        blind = turn.say["insight"] != insight or belief not in question.shows or isinstance(answer, Fault)
        if blind or confronted or turn.ask.holdout:
            return room.right(turn).then
        diagnoses.append(room.answer(turn.ask.ask_id, tool.said(turn, answer)))
        return diagnoses[-1].then

    room.run(believer)
    assert diagnoses
    assert all(graded.outcome == "wrong" and belief in graded.misconceptions for graded in diagnoses)
    [(turn, question, used)] = confronted
    assert belief in question.shows
    assert question.id == misconception.counter or misconception.counter in used
    assert question.id not in used
    answer = question.answers[belief]
    assert turn.say["it_would_say"] == ("" if isinstance(answer, Fault) else show(answer))
    assert turn.say["reply"] == misconception.reply
    assert room.statuses()[insight] == "mastered"
