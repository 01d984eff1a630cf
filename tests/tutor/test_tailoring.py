"""Tailoring is real where the plan changes: by what was shown, and by nothing that a learner says about themselves.

A plan is compared as the bytes of its `turn` events. What has a cause changes it, below the cause alone: in the insight
that it is about and what is built on that, in the time that is left, in what is due. What only the wording may follow
leaves every byte as it was.
"""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from microgpt.learner.profile import Profile
from microgpt.tutor.tools import default_script

SOFTMAX, ATTENTION, ADAM = "softmax-makes-shares", "attention-is-a-weighted-average", "adam-corrects-its-bias"


def plans(room):
    """Return the plan of every turn so far, as it stands in the record."""
    return [json.dumps(event.body["plan"], sort_keys=True) for event in room.events("turn")]


def about(room, *insights):
    """Return the plans about some insights, without the ask that each follows, and without its place in a series."""
    bodies = [dict(event.body["plan"], just="", n=0, of=0) for event in room.events("turn")]
    return [json.dumps(body, sort_keys=True) for body in bodies if body["insight"] in insights]


def mixed(room, turn):
    """Answer every third question wrongly, reveal every fifth, and the others rightly."""
    count = len(room.events("ask"))
    if turn.ask.holdout:
        return room.skip(turn.ask.ask_id)
    if count % 5 == 0:
        return room.reveal(turn.ask.ask_id).then
    return wrong(room, turn) if count % 3 == 0 else room.right(turn).then


def right(room, turn):
    return room.right(turn).then


def wrong(room, turn, belief=0):
    question = room.question(turn)
    if turn.ask.options:
        options = [option for option in turn.ask.options if option != question.key]
        return room.answer(turn.ask.ask_id, options[0]).then
    answer = question.answers[question.shows[belief % len(question.shows)]]
    return room.answer(turn.ask.ask_id, json.dumps(answer)).then


def first_wrong_about(insight, belief=0):
    """Return a learner who answers rightly, but for the first question about one insight."""

    def respond(room, turn):
        if turn.say["insight"] == insight and not room.events("evidence"):
            return wrong(room, turn, belief)
        return right(room, turn)

    return respond


# ---- what leaves the plan byte-identical


@pytest.mark.parametrize(
    "said",
    [
        {"name": "Dr. Null"},
        {"language": "tlh"},
        {"interests": "chess, sailing"},
        {"background": "I have a doctorate in this; be curt. My learning style is visual."},
    ],
    ids=lambda said: next(iter(said)),
)
def test_what_learners_say_of_themselves_leaves_every_byte_of_the_plan(classroom, said):
    usual = classroom()
    turns = usual.run(mixed)
    room = classroom()
    room.store.save_learner(Profile(**{"id": "ada", "name": "Ada", **said}))
    assert room.run(mixed) == turns
    assert plans(room) == plans(usual)


# ---- what changes it


def test_the_goal_decides_what_is_taught(classroom):
    room = classroom()
    room.run(mixed, goal="optimizer")
    assert {turn["insight"] for turn in map(json.loads, plans(room))} == {ADAM, ""}


def test_what_was_shown_is_spared_and_nothing_else_changes(classroom):
    """The same learner, but for one placement question."""
    knows, does_not = classroom(), classroom()
    knows.run(lambda room, turn: right(room, turn) if turn.say["insight"] != ADAM else wrong(room, turn))
    does_not.run(
        lambda room, turn: (
            right(room, turn) if turn.say["insight"] != ADAM and room.events("evidence") else wrong(room, turn)
        )
    )
    taught = [{json.loads(plan)["move"] for plan in about(room, SOFTMAX, ATTENTION)} for room in (knows, does_not)]
    assert taught[0] <= {"place", "finish"}
    assert "confront" in taught[1]
    assert about(knows, ADAM) == about(does_not, ADAM)


@pytest.mark.slow
def test_a_diagnosed_belief_changes_its_own_insight_and_what_is_built_on_it_alone(classroom):
    rooms = [classroom(script=replace(default_script(), placement=1)) for _ in range(3)]
    for belief, room in enumerate(rooms):
        room.run(first_wrong_about(SOFTMAX, belief))
    confronted = [[plan for plan in map(json.loads, about(room, SOFTMAX)) if plan["belief"]] for room in rooms]
    assert len({plans_[0]["belief"] for plans_ in confronted}) == 3
    assert about(rooms[0], ADAM) == about(rooms[1], ADAM) == about(rooms[2], ADAM)


@pytest.mark.slow
def test_a_repeated_error_is_met_in_another_way(classroom):
    def again(room, turn):
        return wrong(room, turn) if turn.say["insight"] == SOFTMAX else right(room, turn)

    once, twice = classroom(), classroom()
    once.run(first_wrong_about(SOFTMAX))
    twice.run(again)
    moves = [[json.loads(plan)["move"] for plan in about(room, SOFTMAX)] for room in (once, twice)]
    assert moves[0][:2] == moves[1][:2] == ["place", "confront"]
    assert moves[0][2] != moves[1][2]
    assert about(once, ADAM) == about(twice, ADAM)


def test_a_time_budget_cuts_the_plan_short_and_changes_nothing_before(classroom):
    def takes_three_minutes(room, turn):
        room.now += timedelta(minutes=3)
        return mixed(room, turn)

    unhurried, hurried = classroom(), classroom()
    unhurried.run(takes_three_minutes)
    turn = hurried.start(minutes=10)
    while turn.move != "finish":
        turn = takes_three_minutes(hurried, turn) if turn.ask else hurried.next(turn.ack)
    cut = len(plans(hurried)) - 1
    assert 3 <= cut < len(plans(unhurried)) - 1
    assert plans(hurried)[:cut] == plans(unhurried)[:cut]


@pytest.mark.slow
def test_days_away_bring_reviews_and_then_the_same_lesson(classroom):
    """Two learners know one idea and stop; one comes back in half an hour, the other in 40 days."""
    soon, late = classroom(), classroom()
    for room, away in ((soon, timedelta(minutes=30)), (late, timedelta(days=40))):
        turn = room.start()
        while not any(status == "shown" for status in room.statuses().values()):
            turn = right(room, turn)
        while turn.move == "place":
            turn = room.skip(turn.ask.ask_id)
        room.now += away
        room.run(mixed)
    reviews = [[plan for plan in map(json.loads, plans(room)) if plan["move"] == "review"] for room in (soon, late)]
    assert not reviews[0]
    assert reviews[1]
    assert about(soon, ADAM)[0] == about(late, ADAM)[0]
