"""Lists of another length than the key's: a slip, unless some misconception is about the length."""

from dataclasses import replace

import pytest

SOFTMAX = "softmax-makes-shares"
LONGER = [1, 2, 3, 4, 5]


@pytest.fixture
def lists(course):
    return [q for q in course.lock.insights[SOFTMAX].questions if q.kind == "list" and not q.holdout]


@pytest.fixture
def belief(lists):
    """A misconception of which all the questions are."""
    return next(name for name in lists[0].shows if all(name in q.shows for q in lists))


def asked(classroom, course, tool, questions):
    """Return a classroom of one insight that has these questions, and the first turn that asks one."""
    insights = {SOFTMAX: course.course.insights[SOFTMAX]}
    taught = replace(course, course=replace(course.course, insights=insights, order=(SOFTMAX,), goals={}))
    room = classroom(tool.with_questions(taught, SOFTMAX, tuple(questions)))
    turn = room.start()
    while turn.ask is None:
        turn = room.next(turn.ack)
    assert turn.ask.kind == "list"
    return room, turn


def test_a_list_as_long_as_a_misconception_makes_it_is_wrong_and_points_at_it(classroom, course, tool, lists, belief):
    longer = [replace(q, answers={**q.answers, belief: LONGER}) for q in lists]
    room, turn = asked(classroom, course, tool, longer)
    graded = room.answer(turn.ask.ask_id, "1, 2, 3, 4, 5", str(LONGER))
    assert (graded.outcome, graded.parsed, graded.misconceptions) == ("wrong", LONGER, (belief,))


def test_the_example_tells_no_length_where_that_is_asked(classroom, course, tool, lists, belief):
    examples: set[str] = set()
    for length in (2, 3, 4):
        key = [0.25] * length
        longer = [replace(q, shape=(length,), key=key, answers={**q.answers, belief: [*key, 1]}) for q in lists]
        examples.add(asked(classroom, course, tool, longer)[1].ask.example)
    assert examples == {"[0.5, -1, 2]"}


def test_else_a_list_of_another_length_is_asked_again(classroom, course, tool, lists):
    room, turn = asked(classroom, course, tool, lists)
    graded = room.answer(turn.ask.ask_id, "1, 2, 3, 4, 5")
    assert (graded.outcome, graded.misconceptions) == ("unparsed", ())
