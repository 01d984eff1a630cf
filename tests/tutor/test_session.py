"""Whole lessons: what each kind of learner meets, and that every lesson comes to its end."""

from dataclasses import replace
from datetime import timedelta

import pytest

from microgpt.errors import LessonError
from microgpt.insights.locked import Fault
from microgpt.learner.mastery import PRIOR
from microgpt.tutor.render import show
from tests.tutor.conftest import short_course

BELIEFS = [(name, belief.id) for name, i in short_course().course.insights.items() for belief in i.misconceptions]


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


@pytest.mark.slow
@pytest.mark.parametrize("learner", [skips, reveals, hints_to_the_end, bluffs, wavers])
@pytest.mark.parametrize("goal", ["", "attention", "optimizer"])
def test_every_lesson_ends_however_the_learner_goes_about_it(room, learner, goal):
    turns = room.run(learner, goal=goal)
    assert turns[-1].move == "finish"
    if learner is not wavers:
        assert set(room.statuses().values()) <= {"new", "started"}
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


# ---- time


def test_a_question_left_open_for_a_week_is_neither_held_against_the_learner_nor_asked_again_at_once(room):
    turn = room.start()
    for _ in range(5):
        room.hint(turn.ask.ask_id)  # the answer has been read
    before = room.state().insight(turn.say["insight"])
    room.now += timedelta(days=7)
    later = room.next()
    assert later.say["just"]["outcome"] == "abandoned"
    assert room.question(later) is not room.question(turn)
    assert room.state().insight(turn.say["insight"]) == replace(before, asked=(room.question(turn).id,))
    assert room.answer(turn.ask.ask_id, "[1, 0, 0]").outcome == "closed"


def test_twelve_hours_are_not_yet_too_long(room):
    turn = room.start()
    room.now += timedelta(hours=12)
    assert room.next() == turn
    room.now += timedelta(seconds=1)
    assert room.next() != turn


def test_who_comes_back_gets_what_is_due_first_with_questions_not_asked_before(room):
    turn = room.start()
    while len(room.events("evidence")) < 4:
        assert turn.move != "finish"
        turn = (bluffs if turn.turn == 1 else knows_all)(room, turn) if turn.ask else room.next(turn.ack)
    known = {name for name, status in room.statuses().items() if status in ("shown", "mastered")}
    asked = {(e.body["insight"], e.body["question"]) for e in room.events("ask")}
    room.now += timedelta(days=40)
    turn, reviewed = room.next(), []
    while turn.move == "review":
        reviewed.append(turn.say["insight"])
        assert (turn.say["insight"], room.question(turn).id) not in asked
        assert turn.say["days"] == 40
        turn = room.right(turn).then
    assert known
    assert sorted(reviewed) == sorted(known)


def test_a_review_that_is_passed_over_waits_for_another_sitting(room):
    room.run(knows_all)
    room.now += timedelta(days=40)
    turn, reviewed = room.next(), []
    while turn.move == "review":
        reviewed.append(turn.say["insight"])
        turn = room.skip(turn.ask.ask_id)
    assert sorted(reviewed) == sorted(room.taught.plan(""))
    while turn.ask:  # what is measured after a fortnight
        turn = room.skip(turn.ask.ask_id)
    assert room.next().move == "finish"  # it was not said, but what is due in two hours comes before it
    room.now += timedelta(hours=2)
    assert room.next().move == "review"


def test_what_was_set_aside_is_taken_up_in_the_next_sitting(room):
    assert room.run(skips)[-1].move == "finish"
    room.now += timedelta(minutes=59)
    assert room.next().move == "finish"
    room.now += timedelta(minutes=2)
    assert room.next().say["insight"] == room.taught.plan("")[0]


# ---- holdouts


def holdouts(room):
    return [event.body["insight"] for event in room.events("ask") if event.body["holdout"]]


def test_holdouts_are_asked_once_at_the_end_and_again_after_two_weeks_but_not_before(room):
    room.run(knows_all)
    assert holdouts(room) == list(room.taught.plan(""))
    for days, times in ((13, 1), (1, 2), (400, 2)):
        room.now += timedelta(days=days)
        room.run(knows_all)
        assert sorted(holdouts(room)) == sorted(room.taught.plan("") * times)


def test_holdouts_are_never_asked_where_only_an_agent_reports_what_was_said(classroom):
    room = classroom(heard=False)
    room.run(knows_all)
    assert not holdouts(room)
    assert {event.body["witnessed"] for event in room.events("evidence")} == {False}


def test_a_holdout_that_was_asked_where_we_hear_is_not_answered_where_we_do_not(classroom):
    room = classroom()
    turn = room.start()
    while not turn.ask.holdout:
        turn = room.right(turn).then
    elsewhere = classroom(store=room.store, heard=False)
    with pytest.raises(LessonError, match="hear the learner"):
        elsewhere.tools.answer(room.lesson, turn.ask.ask_id, "1")


def test_a_holdout_is_recorded_without_a_verdict_and_moves_nothing(classroom, tool):
    def measured(answer):
        room, seen = classroom(), []

        def respond(room, turn):
            if not turn.ask.holdout:
                return room.right(turn).then
            before = room.state()
            assert turn.exits == ("answer", "skip")
            for refused in (room.hint, room.reveal):
                with pytest.raises(LessonError, match="only measures"):
                    refused(turn.ask.ask_id)
            graded = answer(room, turn)
            after = room.state()
            for name, insight in after.insights.items():
                assert replace(insight, holdouts=()) == replace(before.insight(name), holdouts=())
            assert (graded.outcome, graded.misconceptions, graded.credited, graded.answer) == (
                "recorded",
                (),
                False,
                "",
            )
            with pytest.raises(LessonError, match="only measures"):
                room.contest(turn.ask.ask_id)
            seen.append({**graded.to_json(), "parsed": None})
            return graded.then

        room.run(respond)
        body = [{**said, "then": without_words(said["then"])} for said in seen]
        return body, room.progress().to_json()

    def without_words(turn):
        return {**turn, "say": {**turn["say"], "just": {**turn["say"]["just"], "you_said": ""}}}

    def believes(room, turn):
        question = room.question(turn)
        return room.answer(turn.ask.ask_id, tool.said(turn, question.answers[question.shows[0]]))

    assert measured(lambda room, turn: room.right(turn)) == measured(believes)


def test_when_the_learners_minutes_are_over_the_lesson_ends_and_names_what_is_left(room):
    turn = room.start(minutes=10)
    turn = room.skip(turn.ask.ask_id)
    room.now += timedelta(minutes=9)
    turn = room.right(turn).then
    assert turn.move != "finish"
    room.now += timedelta(minutes=1)
    turn = room.skip(turn.ask.ask_id) if turn.ask else room.next(turn.ack)
    assert (turn.move, turn.ask) == ("finish", None)
    assert turn.say["left"]
    assert room.next() == turn  # not said yet, so it comes again
    room.next(turn.ack)
    assert room.start(minutes=10).move != "finish"


def test_time_changes_the_plan_only_once_it_is_over(classroom):
    def moves(minutes):
        room = classroom(learner="ada")
        turns = [room.start(minutes=minutes)]
        while turns[-1].move != "finish":
            turn = turns[-1]
            turns.append(room.right(turn).then if turn.ask else room.next(turn.ack))
        return [turn.to_json() for turn in turns]

    assert moves(0) == moves(600)
