"""The lesson tools, called well, badly, twice, late, and by somebody who was not meant to."""

from dataclasses import replace
from datetime import timedelta

import pytest

from microgpt.errors import LessonError
from microgpt.learner.mastery import PRIOR
from microgpt.sandbox import Outcome
from microgpt.tutor.tools import teachable

SOFTMAX, ATTENTION, ADAM = "softmax-makes-shares", "attention-is-a-weighted-average", "adam-corrects-its-bias"


def softmax_only(course, tool, *questions):
    """Return the course with only some questions about softmax, and its holdout."""
    locked = course.lock.insights[SOFTMAX].questions
    return tool.with_questions(course, SOFTMAX, tuple(q for q in locked if q.id in questions or q.holdout))


def placed(room, *, wrong=()):
    """Answer the placement questions, those about some insights wrongly; return the turn after them."""
    turn = room.start()
    while turn.move == "place":
        shape = room.question(turn).shape
        miss = turn.say["insight"] in wrong
        quote = str([-7] * shape[0] if shape else -7)
        turn = (room.answer(turn.ask.ask_id, quote) if miss else room.right(turn)).then
    return turn


# ---- twice


def test_the_same_answer_sent_twice_is_graded_once_and_another_finds_the_question_closed(room):
    turn = room.start()
    first = room.right(turn)
    quote = room.events("evidence")[0].body["quote"]
    count = len(room.log)
    assert room.answer(turn.ask.ask_id, quote) == first
    other = room.answer(turn.ask.ask_id, "[0.5, 0.25, 0.25]")
    assert (other.outcome, other.credited, other.then) == ("closed", False, first.then)
    assert len(room.log) == count


@pytest.mark.parametrize("tool_name", ["reveal", "skip"])
def test_a_question_left_twice_is_left_once(room, tool_name):
    turn = room.start()
    leave = getattr(room, tool_name)
    assert leave(turn.ask.ask_id) == leave(turn.ask.ask_id)
    assert len(room.events("evidence", "skip")) == 1


def test_without_its_ack_the_same_turn_comes_again_byte_for_byte(room):
    turn = room.start()
    assert room.start() == room.next() == turn
    for unknown in ("t9", "nonsense", "t0"):
        with pytest.raises(LessonError, match=r"is no turn of this lesson\. Try that of .*: t1"):
            room.next(unknown)
    assert room.next(turn.ack) == room.next(turn.ack) == turn  # a question stays open however often it was said
    assert len(room.events("ack")) == 1


# ---- what is no answer


@pytest.mark.parametrize(
    "quote", ["", "bananas", "0.2 or 0.8", "[0.2, 0.8]", "[1, 2, 3] or [3, 2, 1]", "not [1, 0, 0]"]
)
def test_what_is_not_one_answer_is_no_evidence_and_the_question_stays_open(room, quote):
    turn = room.start()
    graded = room.answer(turn.ask.ask_id, quote)
    assert (graded.outcome, graded.credited, graded.then) == ("unparsed", False, turn)
    assert turn.ask.example in graded.why_not
    assert not room.events("evidence")


def test_the_third_different_nonsense_makes_a_choice_and_the_same_one_twice_counts_once(room):
    turn = room.start()
    for quote in ("what?", "what?", "what?", "hm", "what?"):
        assert room.answer(turn.ask.ask_id, quote).then == turn
    choice = room.answer(turn.ask.ask_id, "no clue what you mean").then
    assert (choice.turn, choice.ask.kind, choice.ask.ask_id) == (turn.turn, "choice", turn.ask.ask_id)
    assert len(set(choice.ask.options)) == len(choice.ask.options) >= 3
    assert room.next() == choice
    assert room.right(choice).outcome == "right"
    assert room.events("evidence")[0].body["options"] == len(choice.ask.options)
    assert len(room.events("unparsed")) == 3


def test_an_option_picked_by_its_letter_points_at_the_misconception_that_it_came_from(room, tool):
    turn = room.start()
    for quote in ("x y", "y z", "z z z"):
        turn = room.answer(turn.ask.ask_id, quote).then
    belief, wrong = next(iter(room.question(turn).answers.items()))
    letter = "abcd"[turn.ask.options.index(tool.said(turn, wrong))]
    graded = room.answer(turn.ask.ask_id, f"{letter})")
    assert (graded.outcome, graded.parsed) == ("wrong", wrong)
    assert belief in graded.misconceptions


def test_with_fewer_than_three_options_no_nonsense_makes_a_choice(classroom, course, tool):
    room = classroom(softmax_only(course, tool, "apart", "high"))
    turn = room.start()
    while turn.ask is None or turn.say["insight"] != SOFTMAX or room.question(turn).id != "apart":  # it has two options
        turn = room.next(turn.ack) if turn.ask is None else room.skip(turn.ask.ask_id)
    for n in range(6):
        assert room.answer(turn.ask.ask_id, f"nonsense {'x' * n}").then == turn


def test_an_option_stands_for_its_value_although_it_shows_only_four_digits(classroom, course, tool):
    answers = {"picks-the-best": 12000.0, "all-alike": 3.0, "mixes-the-keys": 4.0}
    questions = (
        replace(question, key=12345.6, answers=answers) for question in course.lock.insights[ATTENTION].questions
    )
    room = classroom(tool.with_questions(course, ATTENTION, tuple(questions)))
    turn = room.start()
    while turn.say["insight"] != ATTENTION:
        turn = room.right(turn).then
    for quote in ("x", "y", "z"):
        turn = room.answer(turn.ask.ask_id, quote).then
    assert "12350" in turn.ask.options
    assert room.answer(turn.ask.ask_id, "12350").outcome == "right"


def test_giving_up_in_words_is_giving_up_only_if_nothing_else_is_said(room):
    turn = room.start()
    assert room.answer(turn.ask.ask_id, "I give up, is it [0, 0, 1]?").outcome != "gave_up"
    turn = room.next()
    graded = room.answer(turn.ask.ask_id, "I give up.")
    assert (graded.outcome, graded.credited) == ("gave_up", False)
    assert graded.answer
    assert room.events("reveal")


# ---- badly


def test_a_value_that_does_not_stand_in_the_quote_is_refused_and_nothing_is_recorded(room):
    turn = room.start()
    count = len(room.log)
    for quote, value in [("no idea really", "[0.2, 0.4, 0.4]"), ("[1, 0, 0]", "[0, 1, 0]"), ("[1, 0, 0]", "x")]:
        with pytest.raises(LessonError, match="as its one answer, so nothing was graded"):
            room.answer(turn.ask.ask_id, quote, value)
    assert len(room.log) == count
    assert room.answer(turn.ask.ask_id, "I'd say [1, 0, 0]", "[1, 0, 0]").outcome in ("right", "wrong")


def test_a_quote_that_the_learner_never_sent_is_refused(room):
    room.tools._heard = lambda quote: quote == "mine"
    turn = room.start()
    with pytest.raises(LessonError, match="no message of the learner's"):
        room.answer(turn.ask.ask_id, "[1, 0, 0]")
    assert room.answer(turn.ask.ask_id, "mine").outcome == "unparsed"


def test_a_call_out_of_turn_says_which_question_is_open(room):
    turn = room.start()
    for call in (lambda: room.answer("beef00", "1"), lambda: room.hint("beef00"), lambda: room.skip("beef00")):
        with pytest.raises(LessonError, match=turn.ask.ask_id):
            call()
    with pytest.raises(LessonError, match="is still open"):
        room.contest(turn.ask.ask_id)
    with pytest.raises(LessonError, match="no lesson 'bob-microgpt'; there are: ada-microgpt"):
        room.tools.next("bob-microgpt")
    with pytest.raises(LessonError, match="no id for a learner"):
        room.tools.start(learner="Ada Lovelace")


def test_code_is_run_only_while_no_question_is_open(room):
    turn = room.start()
    with pytest.raises(LessonError, match="a question is open"):
        room.tools.evaluate(room.lesson, "softmax([1, 2])")
    turn = placed(room, wrong=(SOFTMAX, ADAM))
    assert turn.ask is None
    assert room.tools.evaluate(room.lesson, "1 + 1").to_json() == {
        "format": "microgpt/result/1", "kind": "value", "text": "2"
    }  # fmt: skip


def test_an_example_is_worked_through_only_where_the_turn_has_one_and_leaves_no_trace(room):
    turn = room.start()
    with pytest.raises(LessonError, match="nothing is worked through here"):
        room.tools.example(room.lesson, "scores = [0, 1]")
    turn = placed(room, wrong=(SOFTMAX, ADAM))
    assert turn.say["worked"]["inputs"].startswith("scores = ")
    events = len(room.log)
    example = room.tools.example(room.lesson, "scores = [2, 0, 2]").to_json()
    assert example["worked"]["answer"] == "[0.4444, 0.1111, 0.4444]"
    assert example["source"]["symbol"] == "softmax"
    assert room.next() == turn
    assert len(room.log) == events


def test_source_gives_numbered_lines_and_refuses_a_wrong_name(room):
    room.start()
    source = room.tools.source(room.lesson, "softmax")
    assert source.lines[0].startswith("def softmax")
    with pytest.raises(LessonError, match="no 'sofmax'"):
        room.tools.source(room.lesson, "sofmax")


# ---- contests


def test_a_contest_of_a_right_key_shows_the_computation_and_changes_nothing(room):
    turn = room.start()
    graded = room.answer(turn.ask.ask_id, "[1, 0, 0]")
    state = room.state()
    verdict = room.contest(turn.ask.ask_id)
    assert verdict.upheld
    assert "Computed again just now" in verdict.text
    assert verdict.then == graded.then
    assert room.state() == state


def test_a_contest_of_a_wrong_key_takes_the_attempt_back_and_is_counted(classroom, course, tool):
    taught = course
    for question in course.lock.insights[SOFTMAX].questions:
        taught = tool.with_question(taught, SOFTMAX, question.id, key=[9.0] * len(question.key))
    room = classroom(taught)
    turn = room.start()
    before = room.state().insight(SOFTMAX)
    truth = course.questions(SOFTMAX)[room.question(turn).id].key
    assert room.answer(turn.ask.ask_id, str(truth)).outcome == "wrong"
    assert room.state().insight(SOFTMAX).knowledge.p < before.knowledge.p
    verdict = room.tools.contest(room.lesson, turn.ask.ask_id, "I computed it")
    room.check_record()
    after = room.state().insight(SOFTMAX)
    assert not verdict.upheld
    assert (after.knowledge, after.shown, after.card, after.last) == (before.knowledge, False, before.card, "void")
    assert [event.body["reason"] for event in room.events("void")] == ["I computed it"]
    again = room.answer(turn.ask.ask_id, str(truth))
    assert again.outcome == "closed"


@pytest.mark.parametrize("kind", ["timeout", "memory", "output", "killed"])
def test_a_key_that_cannot_be_computed_now_is_not_said_to_be_wrong(room, monkeypatch, kind):
    turn = room.start()
    room.answer(turn.ask.ask_id, "[1, 0, 0]")
    monkeypatch.setattr("microgpt.tutor.tools.run_jobs", lambda jobs, **_: [Outcome(kind=kind, detail="too much")])
    with pytest.raises(LessonError, match=r"could not be computed again: no value: too much\. Nothing has changed"):
        room.contest(turn.ask.ask_id)
    assert not room.events("void")


@pytest.mark.parametrize("end", ["skip", "abandon"])
def test_what_was_not_answered_cannot_be_contested_for_its_key(room, end):
    turn = room.start()
    if end == "skip":
        room.skip(turn.ask.ask_id)
    else:
        room.now += timedelta(hours=13)
        room.next()
    with pytest.raises(LessonError, match="passed, so nothing was graded"):
        room.contest(turn.ask.ask_id)
    closed = room.answer(turn.ask.ask_id, "[1, 0, 0]")
    assert (closed.outcome, closed.why_not) == ("closed", "This question is closed, and counts for nothing.")


def spoilt(key):
    """Return a number that is wrong, or such numbers in the same lists."""
    return [spoilt(item) for item in key] if isinstance(key, list) else 987.5


def test_with_an_answer_in_placement_goes_what_it_implied(classroom, tool):
    wrong = whole = teachable("microgpt")
    for name in whole.plan("training"):
        for question in whole.lock.insights[name].questions:
            if question.kind in ("number", "list"):
                wrong = tool.with_question(wrong, name, question.id, key=spoilt(question.key))
    room = classroom(wrong)
    turn = room.start("training")
    assert whole.ancestors(turn.say["insight"])
    assert room.right(turn).outcome == "right"
    assert len([name for name in whole.plan("training") if room.state().insight(name).shown]) > 1
    assert not room.contest(turn.ask.ask_id).upheld
    assert not [name for name in whole.plan("training") if room.state().insight(name).shown]


def test_a_void_gives_back_what_a_wrong_key_took_in_a_review(classroom, course, tool):
    room = classroom(course)
    room.run(lambda room, turn: room.right(turn).then)
    before = room.state().insight(SOFTMAX)
    wrong = course
    for question in course.lock.insights[SOFTMAX].questions:
        wrong = tool.with_question(wrong, SOFTMAX, question.id, key=[9.0] * len(question.key))
    later = classroom(wrong, store=room.store)
    later.now += timedelta(days=60)
    turn = later.next()
    while turn.say["insight"] != SOFTMAX:
        turn = later.right(turn).then
    assert turn.move == "review"
    truth = course.questions(SOFTMAX)[later.question(turn).id].key
    later.answer(turn.ask.ask_id, str(truth))
    assert not later.state().insight(SOFTMAX).shown
    later.tools.contest(later.lesson, turn.ask.ask_id, "")
    after = later.state().insight(SOFTMAX)
    assert (after.shown, after.card, after.knowledge) == (before.shown, before.card, before.knowledge)


def test_another_goal_is_turned_to_at_once_and_an_open_question_is_dropped_without_blame(room):
    first = room.start("attention")
    turn = room.start("optimizer")
    assert turn.say["insight"] == ADAM
    assert turn.say["just"]["outcome"] == "abandoned"
    assert room.start() == turn  # no goal: go on
    assert set(room.probabilities().values()) == {PRIOR}
    with pytest.raises(LessonError):
        room.hint(first.ask.ask_id)


def test_a_lesson_name_is_never_shared_by_two_learners_or_two_courses(classroom, course):
    one = classroom(replace(course, course=replace(course.course, id="y-z")), learner="x")
    one.start()
    other = classroom(replace(course, course=replace(course.course, id="z")), store=one.store, learner="x-y")
    assert one.lesson == other.lesson
    with pytest.raises(LessonError, match="is the lesson of 'x' on 'y-z'"):
        other.start()
