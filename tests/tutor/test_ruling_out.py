"""What a belief against an idea stands for: questions that it answers wrongly come until it is ruled out."""

from dataclasses import replace

import pytest

from microgpt.insights.locked import Fault
from microgpt.learner.profile import Profile
from microgpt.tutor.tools import default_script
from microgpt.tutor.voices import offline

SOFTMAX = "softmax-makes-shares"


@pytest.fixture
def softmax_with(classroom, course, tool):
    """Makes a classroom of one idea, with one question for each name, and the beliefs that it shows to be wrong."""

    def make(**shows):
        lists = [q for q in course.lock.insights[SOFTMAX].questions if not q.holdout and q.kind == "list"]
        locked = [q for q in lists if not any(isinstance(answer, Fault) for answer in q.answers.values())]
        locked = [q for q in locked if len({str(answer) for answer in q.answers.values()}) == len(q.answers)]
        questions = tuple(replace(q, id=name, shows=shows[name]) for name, q in zip(shows, locked, strict=False))
        insight = replace(course.course.insights[SOFTMAX], needs=())
        beliefs = tuple(replace(m, counter=next(iter(shows))) for m in insight.misconceptions)
        alone = replace(
            course.course,
            insights={SOFTMAX: replace(insight, misconceptions=beliefs)},
            order=(SOFTMAX,),
            goals={"everything": (SOFTMAX,)},
        )
        taught = tool.with_questions(replace(course, course=alone), SOFTMAX, questions)
        return classroom(taught, script=replace(default_script(), placement=0))

    return make


BELIEFS = A, B, C = ("proportional", "winner-takes-all", "negative-is-nothing")


def asked(room, turn):
    """Go on until something is asked that is no exercise."""
    while turn.ask is None or turn.move == "practise":
        turn = room.next(turn.ack) if turn.ask is None else room.skip(turn.ask.ask_id)
    return turn


def test_the_beliefs_are_those_of_the_course(course):
    assert tuple(belief.id for belief in course.course.insights[SOFTMAX].misconceptions) == BELIEFS


def test_an_idea_is_mastered_when_right_answers_have_ruled_out_every_belief(softmax_with):
    room = softmax_with(one=(A,), two=(B,), three=(C,), four=(A,))
    turn, statuses = asked(room, room.start()), []
    for _ in range(3):
        turn = room.right(turn).then
        statuses.append(room.statuses()[SOFTMAX])
        turn = asked(room, turn) if len(statuses) < 3 else turn
    assert statuses == ["started", "started", "mastered"]
    assert room.state().insight(SOFTMAX).standing == ()


def test_two_right_answers_are_enough_where_they_rule_out_all(softmax_with):
    room = softmax_with(one=BELIEFS, two=BELIEFS, three=BELIEFS)
    turn = asked(room, room.right(asked(room, room.start())).then)
    assert room.right(turn).then.move == "practise"
    assert room.statuses()[SOFTMAX] == "mastered"


def test_while_a_belief_explains_the_last_wrong_answer_only_questions_that_show_it_are_asked(softmax_with, tool):
    room = softmax_with(one=BELIEFS, two=BELIEFS, three=(B,), four=(B,), five=(B,))
    turn = asked(room, room.start())
    for _ in range(5):
        question = room.question(turn)
        assert A in question.shows, "three others were never asked, but this belief answers them rightly"
        turn = asked(room, room.answer(turn.ask.ask_id, tool.said_to(question, A)).then)


def test_giving_up_does_not_clear_a_belief_and_a_right_answer_that_it_gives_neither(softmax_with, tool):
    room = softmax_with(one=(A, C), two=(B,), three=(B,))
    turn = asked(room, room.start())
    while room.question(turn).id != "one":
        turn = asked(room, room.right(turn).then)
    turn = asked(room, room.answer(turn.ask.ask_id, tool.said_to(room.question(turn), A)).then)
    turn = asked(room, room.reveal(turn.ask.ask_id).then)
    assert A in room.state().insight(SOFTMAX).possible
    while room.question(turn).id == "one":
        turn = asked(room, room.skip(turn.ask.ask_id))
    room.right(turn)
    assert A in room.state().insight(SOFTMAX).possible
    assert A in room.state().insight(SOFTMAX).standing


def test_who_predicts_rightly_is_asked_once_more_and_hears_the_claim_when_it_is_theirs(classroom, tool):
    rules = tuple(rule for rule in default_script().rules if rule.do != "place")
    room = classroom(script=replace(default_script(), rules=rules))
    turn = room.start()
    while turn.move != "predict":  # a beginner's first idea is explained
        turn = room.next(turn.ack) if turn.ask is None else room.right(turn).then
    claim = room.taught.course.insights[str(turn.say["insight"])].claim
    turn = room.right(turn).then
    assert (turn.move, turn.say["why"]) == ("ask", "confirm")
    turn = room.right(turn).then
    assert turn.say["just"]["newly_mastered"]
    assert claim in " ".join(str(getattr(block, "text", "")) for block in offline.word(turn, Profile(id="a", name="")))


def test_a_void_leaves_standing_what_only_the_voided_answer_had_ruled_out(softmax_with):
    room = softmax_with(one=(A, B), two=(C,), three=(A,))
    turn = asked(room, room.start())
    ask_id, ruled_out = turn.ask.ask_id, room.question(turn).shows
    room.right(turn)
    assert not {*ruled_out} & {*room.state().insight(SOFTMAX).standing}
    assert not room.state().insight(SOFTMAX).standing or ruled_out != BELIEFS
    assert room.void(ask_id).insight(SOFTMAX).standing == ()  # as before the first answer, when nothing was looked at


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_attempts_that_are_void_both_count_for_nothing_whichever_was_first(softmax_with, order):
    room = softmax_with(one=BELIEFS, two=BELIEFS, three=BELIEFS)
    turn = asked(room, room.start())
    before = room.state().insight(SOFTMAX).knowledge
    asks = [turn.ask.ask_id]
    turn = asked(room, room.right(turn).then)
    asks.append(turn.ask.ask_id)
    room.right(turn)
    for n in order:
        after = room.void(asks[n]).insight(SOFTMAX)
    assert (after.knowledge, after.refuted, after.standing) == (before, (), ())
