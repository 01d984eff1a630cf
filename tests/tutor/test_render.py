"""Turns as they are handed out: the same state gives the same bytes, and options say nothing by their order."""

import json
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from microgpt.insights.locked import Fault
from microgpt.tutor import render
from microgpt.tutor.render import options_of, show, value_of
from microgpt.tutor.state import LessonState
from tests.tutor.conftest import short_course

TAUGHT = short_course()
QUESTIONS = [q for insight in TAUGHT.lock.insights.values() for q in insight.questions]


def test_the_same_state_gives_the_same_bytes(room):
    def respond(room, turn):
        body, _ = room.store.snapshot(room.lesson)
        again = render.render(LessonState.from_json(body), room.taught, room.lesson, room.now)
        assert json.dumps(again.to_json()) == json.dumps(turn.to_json())
        return room.right(turn).then

    room.run(respond)


def test_the_answer_is_told_to_who_found_it_or_gave_up_and_left_to_who_was_wrong(room):
    turn = room.start()
    graded = room.answer(turn.ask.ask_id, "[1, 0, 0]")
    assert (graded.outcome, graded.answer, graded.then.say["just"]["answer"]) == ("wrong", "", "")
    turn = graded.then
    graded = room.reveal(turn.ask.ask_id)
    assert graded.answer == graded.then.say["just"]["answer"] == show(room.question(turn).key)
    while graded.outcome != "right":
        turn = room.next(room.next().ack)
        graded = room.right(turn) if turn.ask else graded
    assert graded.answer == graded.then.say["just"]["answer"] == show(room.question(turn).key)


def test_every_turn_says_what_its_move_is_documented_to_say(room):
    documented = {}
    for line in render.__doc__.splitlines():
        if line.startswith("    ") and line[4] != " ":
            documented[line.split()[0]] = line
    always = {"insight", "known", "of", "just"}

    def believes(room, turn):
        question = room.question(turn)
        belief = question.shows[0]
        given = question.answers[belief]
        if turn.ask.holdout or turn.turn % 4 == 0 or isinstance(given, Fault):
            return room.right(turn).then
        return room.answer(turn.ask.ask_id, json.dumps(given)).then

    turns = room.run(believes)
    room.run(lambda room, turn: room.right(turn).then)
    assert {turn.move for turn in turns} >= {"place", "explain", "ask", "confront", "demonstrate", "finish"}
    for turn in turns:
        for fact in set(turn.say) - always:
            assert fact in documented[turn.move], (turn.move, fact)


def test_options_are_the_key_and_the_answers_of_beliefs_each_once_three_or_more():
    for question in QUESTIONS:
        options = options_of(question, "abc")
        answers = [question.key, *(a for a in question.answers.values() if not isinstance(a, Fault))]
        assert set(options) in ({show(answer) for answer in answers}, set())
        assert len(options) in (0, 3, 4)
        assert len(set(options)) == len(options)
        for option in options:
            assert show(value_of(option, question)) == option
        if options:
            assert value_of(show(question.key), question) == question.key


def test_the_right_option_stands_in_every_place_about_equally_often():
    places = Counter()
    for question in QUESTIONS:
        for n in range(100):
            options = options_of(question, f"ask-{n}")
            assert options_of(question, f"ask-{n}") == options
            if len(options) == 4:
                places[options.index(show(question.key))] += 1
    total = sum(places.values())
    assert total > 1000
    assert all(abs(places[place] / total - 1 / 4) < 0.05 for place in range(4))


@given(st.recursive(st.floats(-1e12, 1e12), lambda inner: st.lists(inner, min_size=1, max_size=3), max_leaves=6))
def test_a_number_is_shown_to_four_significant_digits(value):
    def compare(shown, value):
        if isinstance(value, list):
            assert len(shown) == len(value)
            for a, b in zip(shown, value):
                compare(a, b)
        else:
            assert abs(shown - value) <= 0.5e-3 * abs(value) + 1e-300

    compare(json.loads(show(value)), value)
