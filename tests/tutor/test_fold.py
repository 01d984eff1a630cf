"""The fold of events to a state: pure, total on what the session writes, and the same however often it is done."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgpt.learner.evidence import Event
from microgpt.learner.mastery import Knowledge
from microgpt.tutor.fold import ASKED_KEPT, CLOSED_KEPT, NEW_SITTING, apply, rested
from microgpt.tutor.state import ClosedAsk, InsightState, LessonState, OpenAsk, Plan

WORDS = st.text(max_size=8)
MANY = st.lists(WORDS, max_size=3).map(tuple)
ANSWERS = st.one_of(
    st.none(), st.integers(), st.floats(allow_nan=False), WORDS, st.lists(st.lists(st.integers(), max_size=2))
)
KNOWN = st.builds(Knowledge, p=st.floats(0, 1), right=MANY, attempts=st.integers(0, 9))
INSIGHTS = st.builds(
    InsightState, knowledge=KNOWN, shown=st.booleans(), placed=st.booleans(), last=WORDS, passes=st.integers(0, 3),
    possible=MANY, confronted=MANY, asked=MANY, holdouts=MANY,
    card=st.none() | st.dictionaries(WORDS, WORDS, max_size=2),
)  # fmt: skip
CLOSED = st.builds(
    ClosedAsk, ask_id=WORDS, insight=WORDS, question=WORDS, outcome=WORDS, parsed=ANSWERS, misconceptions=MANY
)  # fmt: skip
OPEN = st.builds(
    OpenAsk, ask_id=WORDS, insight=WORDS, question=WORDS, hash=WORDS, asked=WORDS, unparsed=MANY, options=MANY
)  # fmt: skip
STATES = st.builds(
    LessonState, goal=WORDS, plan=st.none() | st.builds(Plan, move=st.just("ask"), insight=WORDS), ask=st.none() | OPEN,
    closed=st.lists(CLOSED, max_size=2).map(tuple), insights=st.dictionaries(WORDS, INSIGHTS, max_size=2),
)  # fmt: skip


@settings(max_examples=30)
@given(STATES)
def test_a_state_comes_back_from_json_as_it_was(state):
    assert LessonState.from_json(json.loads(json.dumps(state.to_json()))) == state


def test_folding_never_changes_the_state_that_it_was_given(room):
    room.run(lambda room, turn: room.right(turn).then)
    state, bodies = LessonState(), [json.dumps(event.body) for event in room.log]
    for event in room.log:
        before = json.dumps(state.to_json())
        after = apply(state, event)
        assert json.dumps(state.to_json()) == before
        assert apply(state, event) == after
        state = after
    assert [json.dumps(event.body) for event in room.log] == bodies
    assert state == room.state()


def test_the_state_stays_small_however_long_the_lesson(room):
    turn = room.start()
    for _ in range(60):
        turn = room.next(turn.ack) if turn.ask is None else room.skip(turn.ask.ask_id)
        if turn.ask is None and turn.move == "finish":
            room.now += timedelta(hours=2)
    state = room.state()
    assert len(room.events("skip")) > 2 * CLOSED_KEPT
    assert len(state.closed) == CLOSED_KEPT
    assert all(len(insight.asked) <= ASKED_KEPT for insight in state.insights.values())
    assert all(len(set(insight.asked)) == len(insight.asked) for insight in state.insights.values())
    assert "" not in state.insights


def test_a_long_silence_begins_a_new_sitting_and_a_short_one_does_not(room):
    turn = room.start()
    for _ in range(3):
        turn = room.skip(turn.ask.ask_id) if turn.ask else room.next(turn.ack)
    state = replace(room.state(), reviews=4)
    assert any(insight.passes and insight.tries for insight in state.insights.values())
    assert rested(state, room.now + NEW_SITTING) == state
    after = rested(state, room.now + NEW_SITTING + timedelta(seconds=1))
    assert after.reviews == 0
    assert {(insight.passes, insight.tries) for insight in after.insights.values()} == {(0, 0)}
    assert after.sat_down == (room.now + NEW_SITTING + timedelta(seconds=1)).isoformat()
    assert replace(after, reviews=4, sat_down=state.sat_down, insights=state.insights) == state


def test_only_what_was_said_counts_as_explained(room):
    turn = room.start()
    while turn.move != "explain":
        turn = room.skip(turn.ask.ask_id)
    name = turn.say["insight"]
    room.next()
    assert not room.state().insight(name).explained
    room.next(turn.ack)
    assert room.state().insight(name).explained


def test_a_right_answer_rules_out_only_the_beliefs_that_would_have_been_wrong(classroom, course, tool):
    locked = {q.id: q for q in course.lock.insights["softmax-makes-shares"].questions}
    taught = tool.with_questions(course, "softmax-makes-shares", tuple(locked[q] for q in ("below", "level", "last")))
    room = classroom(taught, learner="eve")  # to whom "below" comes first
    turn = room.start()
    assert room.question(turn).id == "below"
    turn = room.answer(turn.ask.ask_id, str(locked["below"].answers["negative-is-nothing"])).then
    for event_name in ("level", "below"):
        while turn.say["insight"] != "softmax-makes-shares" or turn.ask is None or room.question(turn).id != event_name:
            turn = room.next(turn.ack) if turn.ask is None else room.right(turn).then
        held = room.state().insight("softmax-makes-shares").possible
        assert held == ("negative-is-nothing",)
        room.right(turn)
        turn = room.next()
    assert room.state().insight("softmax-makes-shares").possible == ()


def test_an_event_that_cannot_follow_is_a_mistake_of_ours(tool):
    stray = Event(
        time=tool.monday, learner="ada", course="c", lesson="ada-c", kind="hint", ask_id="x", body={"rung": 1}
    )
    with pytest.raises(AssertionError, match="cannot follow"):
        apply(LessonState(), stray)
