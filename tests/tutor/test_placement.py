"""What need not be taught is found out: by halving before the first lesson, and by one question where it is likely."""

from dataclasses import replace

import pytest

from microgpt.learner.profile import Profile
from microgpt.tutor.placement import likely_known
from microgpt.tutor.state import InsightState, LessonState
from microgpt.tutor.tools import default_script, teachable
from microgpt.tutor.view import View
from microgpt.tutor.voices import offline
from microgpt.tutor.voices.wording import parted

SOFTMAX, ATTENTION, ADAM = "softmax-makes-shares", "attention-is-a-weighted-average", "adam-corrects-its-bias"
NONSENSE = ("x y", "y z", "z z z")  # the third turns an open question into a choice


def test_a_wrong_placement_answer_spares_the_learner_what_is_built_on_it(room):
    turn, placed = room.start(), []
    while turn.move == "place":
        placed.append(turn.say["insight"])
        turn = room.skip(turn.ask.ask_id)
    assert "softmax-makes-shares" in placed
    assert "attention-is-a-weighted-average" not in placed


@pytest.mark.parametrize(("right", "left"), [(True, "adam-corrects-its-bias"), (False, "softmax-makes-shares")])
def test_placement_begins_in_the_middle_and_an_answer_settles_one_side(classroom, course, right, left):
    chain = dict(course.course.insights)
    chain["adam-corrects-its-bias"] = replace(
        chain["adam-corrects-its-bias"], needs=("attention-is-a-weighted-average",)
    )
    room = classroom(replace(course, course=replace(course.course, insights=chain)))
    turn = room.start()
    assert turn.say["insight"] == "attention-is-a-weighted-average"
    turn = (room.right(turn) if right else room.answer(turn.ask.ask_id, "-7")).then
    assert (turn.move, turn.say["insight"]) == ("place", left)
    assert room.statuses()["softmax-makes-shares"] == ("shown" if right else "new")
    assert bool(room.state().insight("softmax-makes-shares").card) == right  # to be reviewed one day
    room.skip(turn.ask.ask_id)
    assert room.next().move != "place"


def test_placement_asks_where_the_beliefs_are_told_apart_best(room):
    turn = room.start()
    while turn.move == "place":
        answers = room.question(turn).answers
        assert len({repr(answers[belief]) for belief in room.question(turn).shows}) == 3
        assert not any(hasattr(answer, "kind") for answer in answers.values())  # one that crashes can't be answered
        turn = room.right(turn).then


def test_a_pick_from_options_spares_nobody_an_idea(room):
    turn = room.start()
    assert turn.say["insight"] == SOFTMAX
    for quote in NONSENSE:
        turn = room.answer(turn.ask.ask_id, quote).then
    assert turn.ask.options
    graded = room.right(turn)
    assert (graded.outcome, graded.credited) == ("right", True)
    assert room.statuses()[SOFTMAX] != "shown"


def test_nor_does_an_answer_that_some_belief_gives_too(classroom, course, tool):
    """Placement asks about an idea only where one question rules out all that people wrongly believe of it."""
    changed = course
    for question in course.lock.insights[SOFTMAX].questions:
        changed = tool.with_question(changed, SOFTMAX, question.id, shows=question.shows[:1])
    room = classroom(changed)
    turn, placed = room.start(), []
    while turn.move == "place":
        placed.append(turn.say["insight"])
        turn = room.skip(turn.ask.ask_id)
    assert placed == [ATTENTION, ADAM]


def test_who_knew_most_so_far_shows_the_next_idea_with_one_question(classroom):
    room = classroom(script=replace(default_script(), placement=1))
    turn = room.right(room.start()).then
    assert [name for name, status in room.statuses().items() if status == "shown"] == [SOFTMAX]
    turn = room.right(turn).then
    assert (turn.move, turn.say["insight"], turn.say.get("n")) == ("place", ADAM, None)
    assert "You may know" in spoken(turn) or "Perhaps" in spoken(turn)
    assert room.right(turn).then.move == "finish"
    assert set(room.statuses().values()) == {"shown"}


def test_and_is_taught_it_at_once_if_it_was_not_known(classroom, tool):
    room = classroom(script=replace(default_script(), placement=1))
    turn = room.right(room.right(room.start()).then).then
    question = room.question(turn)
    turn = room.answer(turn.ask.ask_id, tool.said_to(question, question.shows[0])).then
    assert (turn.move, turn.say["insight"]) == ("confront", ADAM)
    assert "You said" in spoken(turn)


def test_who_knew_little_is_taught_without_another_test(classroom):
    room = classroom(script=replace(default_script(), placement=1))
    turn = room.start()
    assert room.skip(turn.ask.ask_id).move == "explain"


def test_who_knew_nothing_is_never_told_that_the_next_idea_may_be_known(classroom):
    room = classroom(teachable("microgpt"))
    turn, moves = room.start("training"), list[str]()
    while turn.move != "finish":
        moves.append(turn.move)
        if turn.ask is None:
            turn = room.next(turn.ack)
        else:
            unknown = turn.move in ("place", "predict", "practise")
            turn = room.skip(turn.ask.ask_id) if unknown else room.right(turn).then
    assert "place" not in moves[moves.index("explain") :]


@pytest.mark.parametrize(("known", "unknown", "likely"), [(0, 0, False), (0, 1, False), (1, 1, False), (1, 0, True)])
def test_the_next_idea_is_probably_known_where_more_than_half_of_those_met_were(course, tool, known, unknown, likely):
    names = {n: replace(course.course.insights[n], needs=()) for n in (SOFTMAX, ADAM, ATTENTION)}
    taught = replace(course, course=replace(course.course, insights=names))
    met = [InsightState(placed=True, shown=True)] * known + [InsightState(placed=True, tries=10)] * unknown
    insights = dict(zip((SOFTMAX, ADAM), met, strict=False))
    state = LessonState(learner="ada", insights=insights)
    at = View(script=default_script(), taught=taught, state=state, now=tool.monday, witnessed=True, may_run=bool)
    assert at.focus not in insights
    assert likely_known(at) == likely


@pytest.mark.parametrize("known", [0, 1, 16, 17, 32, 33])
def test_of_33_ideas_in_a_row_all_that_are_known_are_found_within_ten_questions(classroom, course, known):
    names = [f"idea-{n:02}" for n in range(33)]
    idea, locked = course.course.insights[SOFTMAX], course.lock.insights[SOFTMAX]
    insights = {
        name: replace(idea, id=name, needs=tuple(names[n - 1 : n])) for n, name in enumerate(names)
    }  # each needs the one before
    row = replace(course.course, insights=insights, order=tuple(names), goals={"everything": tuple(names)})
    room = classroom(replace(course, course=row, lock=replace(course.lock, insights=dict.fromkeys(names, locked))))
    turn, asked = room.start(), 0
    while turn.move == "place":
        asked += 1
        knows = names.index(str(turn.say["insight"])) < known
        turn = room.right(turn).then if knows else room.skip(turn.ask.ask_id)
    assert asked <= 10
    assert [name for name, status in room.statuses().items() if status == "shown"] == names[:known]


def test_a_belief_met_in_placement_is_confronted_when_its_idea_comes_up(room, tool):
    """Not by what was said, which is long ago: other questions came between."""
    turn = room.start()
    while turn.move == "place":
        question = room.question(turn)
        turn = room.answer(turn.ask.ask_id, tool.said_to(question, question.shows[0])).then
    while turn.move != "confront" or turn.say["insight"] != ADAM:
        assert turn.say["insight"] != ADAM
        turn = room.right(turn).then if turn.ask else room.next(turn.ack)
    assert "An answer that you gave before" in spoken(turn)
    before, _ = parted(turn, Profile(id="ada", name=""))
    assert before[0] == offline.word(turn, Profile(id="ada", name=""))[0]  # how the question between them ended


def spoken(turn):
    return " ".join(str(getattr(block, "text", "")) for block in offline.word(turn, Profile(id="ada", name="")))
