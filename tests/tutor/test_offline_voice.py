"""The offline voice, on every turn of three real lessons: who believes wrongly, who knows, who gives up."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

from microgpt.insights.locked import Fault, LockedQuestion
from microgpt.insights.practice import Exercise
from microgpt.learner.profile import Profile
from microgpt.learner.store import Store
from microgpt.tutor import tools as tools_module
from microgpt.tutor.render import show
from microgpt.tutor.session import current_state
from microgpt.tutor.tools import LessonTools
from microgpt.tutor.turns import Hint, Turn
from microgpt.tutor.view import Teachable
from microgpt.tutor.voices import Heading, Listing, Options, Spoken, offline
from tests.tutor.conftest import short_course

ADA = Profile(id="me", name="Ada")
PRAISE = re.compile(r"\b(great|excellent|awesome|amazing|well done|good job|perfect|fantastic|wonderful|nice)\b", re.I)
DAY = re.compile(r"\d{4}-\d\d-\d\d")


def knows(question: LockedQuestion) -> str:
    return show(question.key)


def believes(question: LockedQuestion) -> str:
    """Answer like somebody with the first misconception that gives a value here."""
    answers = [question.answers[name] for name in question.shows]
    return next((show(answer) for answer in answers if not isinstance(answer, Fault)), "I give up")  # type: ignore[arg-type]


def gives_up(question: LockedQuestion) -> str:
    return "I give up"


def hunts(answer: Callable[[LockedQuestion], str], exercise: Exercise) -> str:
    """Answer a hunt, as one who answers questions so would: by its changed line, by its first, or not at all."""
    assert isinstance(exercise.key, list)
    return {knows: str(exercise.key[0]), believes: str(exercise.start)}.get(answer, "I give up")


@cache
def turns(answer: Callable[[LockedQuestion], str], sittings: int = 2) -> Sequence[Turn]:
    """Return the turns of a lesson in which every question is answered so; a week lies between sittings."""
    with pytest.MonkeyPatch.context() as patch:
        taught = short_course()
        patch.setattr(tools_module, "teachable", lambda where: taught)
        return _turns(answer, taught, sittings)


def _turns(answer: Callable[[LockedQuestion], str], taught: Teachable, sittings: int) -> Sequence[Turn]:
    store, out, week = Store.in_memory(), list[Turn](), timedelta(days=7)
    for sitting in range(sittings):
        clock = lambda: datetime.now(UTC) + sitting * week  # noqa: B023, E731
        tools = LessonTools(store, clock=clock, heard=lambda quote: True, may_run=lambda: False)
        turn = tools.start(learner="me")
        for _ in range(25):
            out.append(turn)
            if turn.ask is None:
                turn = tools.next(turn.lesson, turn.ack)
                continue
            open_ask = current_state(store, turn.lesson, *store.snapshot(turn.lesson)).ask
            assert open_ask is not None
            if open_ask.exercise:
                quote = hunts(answer, taught.exercises(open_ask.insight)[open_ask.exercise])
            else:
                quote = answer(taught.questions(open_ask.insight)[open_ask.question])
            if turn.ask.holdout and quote == "I give up":
                turn = tools.skip(turn.lesson, turn.ask.ask_id)
            else:
                turn = tools.answer(turn.lesson, turn.ask.ask_id, quote).then
    return out


@cache
def every_turn() -> Sequence[Turn]:
    return [turn for answer in (knows, believes, gives_up) for turn in turns(answer)]


def text(spoken: Spoken) -> str:
    return " ".join(str(value) for block in spoken for value in vars(block).values())


def test_the_lessons_hold_every_move() -> None:
    assert {turn.move for turn in every_turn()} >= {
        "place",
        "explain",
        "demonstrate",
        "ask",
        "confront",
        "review",
        "finish",
    }


def test_every_number_said_stands_in_the_turn() -> None:
    for turn in every_turn():
        source = json.dumps(turn.to_json())
        for block in offline.word(turn, ADA):
            lines = range(block.start, block.start + len(block.lines)) if isinstance(block, Listing) else ()
            for number in re.findall(r"\d+(?:\.\d+)?", text((block,))):
                assert number in source or int(number) in lines


def test_the_name_never_changes_what_is_asked_or_taught() -> None:
    for turn in every_turn():
        named = text(offline.word(turn, ADA)).replace("Ada, these ideas", "These ideas")
        assert named == text(offline.word(turn, Profile(id="me", name="")))


def test_it_does_not_praise() -> None:
    for turn in every_turn():
        assert not PRAISE.search(text(offline.word(turn, ADA)))


def test_a_question_is_said_whole_and_last() -> None:
    for turn in every_turn():
        spoken = offline.word(turn, ADA)
        if turn.ask:
            said = "\n".join(line for block in spoken for line in getattr(block, "lines", ()))
            assert said.endswith(turn.ask.text)


def test_an_explanation_says_every_fact_and_draws_each_value_at_its_line() -> None:
    explained = [turn for turn in every_turn() if turn.move == "explain"]
    assert explained
    for turn in explained:
        spoken, say = offline.word(turn, ADA), dict(turn.say)
        said = " ".join(text(spoken).split())
        for name in ("claim", "breaks", "skip"):
            assert str(say[name]) in said
        assert all(" ".join(part.split()) in said for part in str(say["text"]).split("\n\n"))
        listing = next(block for block in spoken if isinstance(block, Listing))
        for value in say["worked"]["values"]:  # type: ignore[call-overload, index]
            assert f"{value['name']} = {value['text']}" in listing.values[value["line"]]  # type: ignore[index]


def test_a_wrong_answer_is_answered_with_its_belief_in_quotes() -> None:
    confronted = [turn for turn in every_turn() if turn.move == "confront"]
    assert confronted
    for turn in confronted:
        said = text(offline.word(turn, ADA))
        just = turn.say.get("just") or {}
        at_once = (just.get("outcome"), just.get("insight")) == ("wrong", turn.say["insight"])  # type: ignore[union-attr]
        assert (f"You said {turn.say['you_said']}." if at_once else "An answer that you gave before") in said
        assert f"“{turn.say['belief']}”" in said


def test_no_heading_names_the_idea_before_it_is_explained() -> None:
    for turn in every_turn():
        for block in offline.word(turn, ADA):
            assert not isinstance(block, Heading) or str(turn.say["insight"]) not in block.left


def test_a_measured_answer_is_never_called_right_or_wrong() -> None:
    recorded = [turn for turn in every_turn() if (turn.say.get("just") or {}).get("outcome") == "recorded"]  # type: ignore[union-attr]
    assert recorded
    for turn in recorded:
        first = text(offline.word(turn, ADA)[:1])
        assert "only measures" in first
        assert not re.search(r"\b(Right|Yes|No|Not that)\b", first)


def test_words_change_from_turn_to_turn_and_stay_for_the_same_turn() -> None:
    [turn] = [turn for turn in turns(knows)[:3] if turn.say["n"] == 2]
    later = replace(turn, turn=turn.turn + 1)
    assert offline.word(turn, ADA) == offline.word(turn, ADA)
    assert offline.word(turn, ADA) != offline.word(later, ADA)


def test_a_hint_tells_its_rung() -> None:
    hint = Hint(ask_id="a", rung=2, of=5, text="Look at softmax.")
    assert text(offline.word_hint(hint)).startswith("Hint 2 of 5. Look at softmax.")


def test_the_code_of_every_turn_that_has_some_can_be_shown_again() -> None:
    for turn in every_turn():
        [first, *_] = offline.word_code(turn)
        if "source" in turn.say:
            assert isinstance(first, Listing)
            assert list(first.lines) == turn.say["source"]["lines"]  # type: ignore[call-overload, index]


def test_progress_does_not_name_what_is_not_known_yet() -> None:
    store = Store.in_memory()
    tools = LessonTools(store, clock=lambda: datetime.now(UTC))
    progress = tools.progress(tools.start().lesson)
    said = text(offline.word_progress(progress)).lower()
    for insight in progress.insights:
        assert insight.claim.lower() not in said
        assert insight.insight.replace("-", " ") not in said
    known = replace(progress, insights=tuple(replace(i, status="mastered") for i in progress.insights))
    assert all(insight.claim in text(offline.word_progress(known)) for insight in progress.insights)


def test_a_choice_brings_its_options_in_order() -> None:
    turn = next(turn for turn in every_turn() if turn.ask)
    assert turn.ask is not None
    choice = replace(turn, ask=replace(turn.ask, kind="choice", options=("x", "y", "z")))
    assert offline.word(choice, ADA)[-1] == Options(texts=("x", "y", "z"))


@pytest.mark.parametrize("answer", [believes, gives_up])
def test_nothing_that_was_answered_wrongly_or_given_up_is_called_right(answer: Callable[[LockedQuestion], str]) -> None:
    for turn in turns(answer):
        assert not re.match(r"(Right|Yes|That is it)[.:]", text(offline.word(turn, ADA)[:1]))
