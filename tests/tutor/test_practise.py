"""An idea just mastered is met once more in its code: once, and whatever comes of it changes no standing."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from microgpt.errors import LessonError
from microgpt.insights.practice import Exercise
from microgpt.learner.mastery import Knowledge
from microgpt.learner.store import Store
from microgpt.sandbox import support
from microgpt.tutor.fold import apply
from microgpt.tutor.hints import RUNGS
from microgpt.tutor.policy import facts
from microgpt.tutor.render import show
from microgpt.tutor.state import OpenAsk
from microgpt.tutor.tools import default_script
from microgpt.tutor.turns import Turn
from microgpt.tutor.view import View
from microgpt.tutor.voices import Listing, Paragraph, offline
from microgpt.tutor.voices.wording import parted
from tests.tutor.conftest import short_course

NAME = "softmax-makes-shares"
HUNT, BLANK, WRITE = "hunt", "blank", "write"
needs_walls = pytest.mark.skipif(support() == "none", reason="nothing here can contain code that is not ours")


TAUGHT = short_course()


def only(kind: str, **changes):
    """Return what is taught, with one exercise of a kind in place of all."""
    taught = replace(TAUGHT)
    for name in taught.course.insights:
        first = next((e for e in TAUGHT.exercises(name).values() if e.kind == kind), None)
        taught._made[name] = {first.id: replace(first, **changes)} if first else {}
    return taught


def with_experiment():
    """Return what is taught, with an experiment to predict for every insight."""
    taught = replace(TAUGHT)
    for name in taught.course.insights:
        hunt = next(e for e in TAUGHT.exercises(name).values() if e.kind == HUNT)
        made = replace(hunt, id="experiment/it", kind="experiment", key="worse", answer="worse")
        taught._made[name] = {made.id: replace(made, options=("worse", "better", "no difference", "crashes"))}
    return taught


def at_exercise(room) -> Turn:
    """Go on, every question but those of placement answered rightly, until the first exercise is set."""
    turn = room.start()
    while turn.move != "practise":
        assert turn.move != "finish"
        if turn.ask is None:
            turn = room.next(turn.ack)
        else:
            turn = room.skip(turn.ask.ask_id) if turn.move == "place" else room.right(turn).then
    return turn


def test_every_insight_that_was_taught_is_practised_once_right_after_it_was_mastered(room):
    turns = room.run(lambda room, turn: room.skip(turn.ask.ask_id) if turn.move == "place" else room.right(turn).then)
    practised = [turn for turn in turns if turn.move == "practise"]
    assert [turn.say["insight"] for turn in practised] == [
        name for name in room.taught.plan("") if TAUGHT.exercises(name)
    ]
    for turn in practised:
        assert turn.say["just"]["newly_mastered"]
        assert turn.say["just"]["insight"] == turn.say["insight"]


def test_what_was_shown_in_placement_is_not_practised(room):
    turns = room.run(lambda room, turn: room.right(turn).then)
    assert "practise" not in {turn.move for turn in turns}


@pytest.mark.parametrize("end", ["right", "wrong", "reveal", "skip", "abandon"])
def test_however_an_exercise_ends_it_moves_no_standing_and_does_not_come_again(room, end):
    turn = at_exercise(room)
    insight, before = turn.say["insight"], room.state().insight(turn.say["insight"])
    exercise = room.exercise(turn)
    if end == "right":
        graded = room.right(turn)
    elif end == "wrong":
        graded = room.answer(turn.ask.ask_id, f"line {exercise.start}")
    elif end == "reveal":
        graded = room.reveal(turn.ask.ask_id)
    if end in ("right", "wrong", "reveal"):
        assert (graded.outcome, graded.credited) == ({"reveal": "gave_up"}.get(end, end), False)
        assert graded.answer == exercise.answer
    if end == "skip":
        room.skip(turn.ask.ask_id)
    if end == "abandon":
        room.now += 13 * room.now.resolution * 3_600_000_000
        room.start()
    after = room.state().insight(insight)
    assert replace(after, practised=False, passes=before.passes, tries=before.tries) == before
    assert after.practised
    later = room.run(lambda room, turn: room.right(turn).then if not turn.ask.holdout else room.skip(turn.ask.ask_id))
    assert insight not in [turn.say["insight"] for turn in later if turn.move == "practise"]


def test_between_questions_that_only_measure_nothing_is_practised(room):
    """Not even what was mastered before there were exercises."""
    room.run(lambda room, turn: _taught(room, turn), goal="")
    state = room.state()
    assert state.closed[-1].holdout
    insights = {name: replace(insight, practised=False) for name, insight in state.insights.items()}
    at = View(
        script=default_script(), taught=TAUGHT, state=replace(state, insights=insights), now=room.now,
        witnessed=True, may_run=lambda: True,
    )  # fmt: skip
    assert facts(at).practised
    assert not facts(
        replace(at, state=replace(at.state, closed=tuple(c for c in state.closed if not c.holdout)))
    ).practised


def test_what_an_exercise_shows_is_no_evidence_for_the_insight(room):
    """Neither where the learner stood just below mastery, nor when an answer before it is taken back."""
    turn = at_exercise(room)
    asked, insight, before = turn.say["just"]["ask_id"], turn.say["insight"], room.state()
    room.right(turn)
    evidence = room.events("evidence")[-1]
    almost = replace(before.insight(insight), knowledge=Knowledge(p=0.94, right=("a",)))
    after = apply(replace(before, insights={insight: almost}), evidence)
    assert after.insight(insight).knowledge == almost.knowledge
    assert not after.closed[-1].mastered
    attempts = [event for event in room.events("evidence") if event.body["insight"] == insight]
    without = room.void(asked).insight(insight)
    assert without.practised
    assert len(without.knowledge.right) == len(attempts) - 2  # the exercise, and the answer that was taken back


def test_the_record_says_that_it_was_an_exercise_and_what_was_answered(room):
    turn = at_exercise(room)
    exercise = room.exercise(turn)
    quote = f"I think line {exercise.key[0]}"
    room.answer(turn.ask.ask_id, quote)
    body = room.events("evidence")[-1].body
    wanted = {"exercise": exercise.id, "quote": quote, "parsed": exercise.key[0], "outcome": "right", "credited": False}
    assert wanted.items() <= body.items()


def test_an_open_exercise_stays_open_for_nonsense_and_never_becomes_a_choice(room):
    turn = at_exercise(room)
    for nonsense in ("hm", "that one there", "line x", "91 or 92", "no"):
        graded = room.answer(turn.ask.ask_id, nonsense)
        assert (graded.outcome, graded.then.ask) == ("unparsed", turn.ask)
        assert str(room.exercise(turn).start) in graded.why_not


def test_a_resent_answer_to_an_exercise_is_graded_once(room):
    turn = at_exercise(room)
    first = room.right(turn)
    assert room.right(turn) == first
    assert room.answer(turn.ask.ask_id, "something else").outcome == "closed"
    assert len([event for event in room.events("evidence") if event.ask_id == turn.ask.ask_id]) == 1


def test_a_value_of_an_agents_must_stand_in_the_quote(room):
    turn = at_exercise(room)
    line = str(room.exercise(turn).key[0])
    with pytest.raises(LessonError, match="does not stand in the quote"):
        room.answer(turn.ask.ask_id, "the last one", line)
    assert room.answer(turn.ask.ask_id, f"the last one, {line}", line).outcome == "right"


def test_an_exercise_cannot_be_contested_and_a_void_before_it_stands(room):
    turn = at_exercise(room)
    asked = turn.say["just"]["ask_id"]
    room.right(turn)
    with pytest.raises(LessonError, match="nothing to contest"):
        room.contest(turn.ask.ask_id)
    assert room.contest(asked).upheld


def test_while_an_exercise_is_open_no_tool_shows_the_code_that_answers_it(room):
    turn = at_exercise(room)
    with pytest.raises(LessonError, match="an exercise is open"):
        room.tools.source(room.lesson, "softmax")
    with pytest.raises(LessonError, match="a question is open"):
        room.tools.evaluate(room.lesson, "softmax([1])")
    room.skip(turn.ask.ask_id)


def test_where_code_cannot_be_contained_a_lesson_goes_on_without_exercises_that_ask_for_it(classroom):
    room = classroom(only(WRITE), may_run=False)
    moves = [turn.move for turn in room.run(lambda room, turn: _taught(room, turn))]
    assert "practise" not in moves
    room = classroom(only(WRITE), may_run=True, learner="bea")
    assert at_exercise(room).ask.kind == "code"


def _taught(room, turn):
    return room.skip(turn.ask.ask_id) if turn.move == "place" else room.right(turn).then


@needs_walls
@pytest.mark.parametrize("kind", [BLANK, WRITE])
def test_code_is_run_and_what_it_comes_to_is_told(classroom, kind):
    room = classroom(only(kind), may_run=True)
    turn = at_exercise(room)
    exercise = room.exercise(turn)
    wrong = exercise.answer.replace("total = sum(exps)", "total = 8") if kind == WRITE else "8 * score - top"
    stops = room.answer(turn.ask.ask_id, wrong.replace("8", "nothing"))
    assert stops.outcome == "unparsed"
    assert "NameError" in stops.why_not
    graded = room.answer(turn.ask.ask_id, f"here: {wrong}", wrong)
    assert graded.outcome == "wrong"
    assert graded.why_not.startswith("With scores = ")
    assert room.events("evidence")[-1].body["parsed"] == wrong
    assert room.tools.answer(room.lesson, turn.ask.ask_id, f"here: {wrong}", wrong) == graded


@needs_walls
def test_code_that_a_belief_would_write_is_met_with_that_belief(classroom):
    room = classroom(only(WRITE), may_run=True)
    turn = at_exercise(room)
    code = room.exercise(turn).answer.replace("math.exp(score - top)", "score")
    graded = room.answer(turn.ask.ask_id, code)
    assert graded.misconceptions == ("proportional",)
    then, belief = graded.then, TAUGHT.course.insights[NAME].misconceptions[0]
    words = text(offline.word(then, None))
    assert words.count(belief.belief) == 1
    assert parted(then, None)[0][0] == offline.word(then, None)[0]  # the same is said where a model words the rest
    assert "exps = [math.exp(score - top)" in words  # the subject's own: nothing hangs on it any more
    assert (then.move, then.say["insight"], then.say["belief"]) == ("confront", NAME, belief.belief)
    asked = room.question(then)
    assert belief.id in asked.shows
    assert then.say["it_would_say"] == show(asked.answers[belief.id])


@needs_walls
@pytest.mark.parametrize("right", [True, False])
def test_what_was_mastered_stays_so_after_code_that_a_belief_would_write_unless_the_belief_answers_next(
    classroom, right
):
    room = classroom(only(WRITE), may_run=True)
    turn = at_exercise(room)
    then = room.answer(turn.ask.ask_id, room.exercise(turn).answer.replace("math.exp(score - top)", "score")).then
    assert room.state().insight(NAME).mastered
    answers = room.question(then).answers
    after = room.right(then).then if right else room.answer(then.ask.ask_id, show(answers["proportional"])).then
    assert room.state().insight(NAME).mastered == right
    assert after.move != "confront"  # that belief has met its counter-example
    assert (after.say["insight"] == NAME) != right
    state = room.state()
    again = replace(state.closed[-1], exercise="write/softmax", outcome="wrong", misconceptions=("proportional",))
    at = View(
        script=default_script(), taught=room.taught, state=replace(state, closed=(*state.closed, again)), now=room.now,
        witnessed=True, may_run=lambda: True,
    )  # fmt: skip
    assert not facts(at).slipped


@needs_walls
def test_when_the_time_is_up_nothing_is_confronted(classroom):
    room = classroom(only(WRITE), may_run=True)
    turn = at_exercise(room)
    room.start(minutes=5)
    room.now += timedelta(minutes=6)
    code = room.exercise(turn).answer.replace("math.exp(score - top)", "score")
    assert room.answer(turn.ask.ask_id, code).then.move == "finish"


def text(spoken) -> str:
    return " ".join(str(value) for block in spoken for value in vars(block).values())


@pytest.mark.parametrize(
    "taught", [only(HUNT), only(BLANK), only(WRITE), with_experiment()], ids=["hunt", "blank", "write", "experiment"]
)
def test_the_offline_voice_shows_the_code_says_what_to_do_and_climbs_to_the_answer(classroom, taught):
    room = classroom(taught, may_run=True)
    turn = at_exercise(room)
    exercise = room.exercise(turn)
    spoken = offline.word(turn, None)
    listing = next(block for block in spoken if isinstance(block, Listing))
    assert (listing.start, listing.lines) == (exercise.start, exercise.lines)
    assert turn.ask.text == exercise.task
    hints = [room.hint(turn.ask.ask_id) for _ in range(RUNGS)]
    assert len({hint.text for hint in hints}) == RUNGS
    assert exercise.answer.split("\n")[-1] in hints[-1].text
    assert all(exercise.answer.split("\n")[-1] not in hint.text for hint in hints[: RUNGS - 1])
    assert isinstance(offline.word_hint(hints[-1])[-1], Listing if exercise.kind == WRITE else Paragraph)
    graded = (
        room.answer(turn.ask.ask_id, room.exercise(turn).key if exercise.kind != HUNT else str(exercise.key[0]))
        if exercise.kind != WRITE
        else room.reveal(turn.ask.ask_id)
    )
    assert graded.outcome in ("right", "gave_up")
    assert exercise.answer.split("\n")[0] in text(offline.word(graded.then, None))


# ---- no leak


def other_key(exercise: Exercise) -> Exercise:
    """Return an exercise that shows the same, with another key."""
    if exercise.kind == HUNT:
        lines = [n for n in range(exercise.start, exercise.start + len(exercise.lines)) if n not in exercise.key]
        return replace(exercise, key=lines[-1:], answer=f"line {lines[-1]}")
    if exercise.kind == "experiment":
        return replace(exercise, key="better", answer="better")
    if exercise.kind == BLANK:
        return replace(exercise, key="8 * top", answer="8 * top")
    head = "\n".join(exercise.lines[:-1])
    return replace(exercise, answer=f"{head}\n    return 8")


def heard_while_open(room, nonsense) -> list[bytes]:
    turn = room.tools.next(room.lesson)
    said = [turn.to_json(), room.tools.next(room.lesson, turn.ack).to_json(), room.progress().to_json()]
    said += [room.tools.hint(room.lesson, turn.ask.ask_id).to_json() for _ in range(RUNGS - 2)]
    said += [room.tools.answer(room.lesson, turn.ask.ask_id, quote).to_json() for quote in nonsense]
    for call in (
        lambda: room.tools.answer(room.lesson, turn.ask.ask_id, "hm", "12"),
        lambda: room.tools.contest(room.lesson, turn.ask.ask_id, "?"),
        lambda: room.tools.evaluate(room.lesson, "1"),
        lambda: room.tools.source(room.lesson, "softmax"),
    ):
        with pytest.raises(LessonError) as refused:
            call()
        said.append(str(refused.value))
    return [json.dumps(each).encode() for each in [*said, room.tools.next(room.lesson).to_json()]]


@pytest.mark.parametrize(
    "taught", [only(HUNT), only(BLANK), only(WRITE), with_experiment()], ids=["hunt", "blank", "write", "experiment"]
)
def test_until_it_closes_nothing_said_depends_on_the_key_of_an_exercise(classroom, taught):
    room = classroom(taught, may_run=True)
    at_exercise(room)
    ask = room.state().ask
    lie = replace(taught)
    lie._made.update(taught._made)
    lie._made[ask.insight] = {ask.exercise: other_key(taught.exercises(ask.insight)[ask.exercise])}
    nonsense = ("(", "one of them, (", "def") if ask.exercise != "hunt" else ("hm", "that one", "x y")
    heard = []
    for told in (taught, lie):
        store = Store.in_memory()
        with store.transaction(room.lesson) as tx:
            for event in room.log:
                tx.append(replace(event, seq=0))
        heard.append(heard_while_open(classroom(told, store=store, may_run=True), nonsense))
    assert heard[0] == heard[1]


def test_which_exercise_is_set_does_not_depend_on_its_key(classroom):
    taught, lie = replace(TAUGHT), replace(TAUGHT)
    for name in TAUGHT.course.insights:
        taught._made[name] = dict(TAUGHT.exercises(name))
        lie._made[name] = {each.id: other_key(each) for each in TAUGHT.exercises(name).values()}
    asked = []
    for told in (taught, lie):
        room = classroom(told, store=Store.in_memory(), may_run=True)
        asked.append(at_exercise(room).to_json())
    assert asked[0] == asked[1]


def test_an_exercise_whose_code_has_changed_meanwhile_is_set_aside(classroom):
    room = classroom(only(HUNT))
    turn = at_exercise(room)
    changed = only(HUNT, lines=("def other():", "    return 1"))
    again = classroom(changed, store=room.store)
    assert again.tools.next(room.lesson).ask != turn.ask


def test_a_lesson_written_down_before_there_were_exercises_is_read(room):
    old = {"ask_id": "x", "insight": NAME, "question": "high", "hash": "h", "asked": "2026-01-05T09:00:00+00:00"}
    assert OpenAsk(**old).exercise == ""
