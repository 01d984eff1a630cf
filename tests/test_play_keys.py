"""Keys at the terminal that are easy to get wrong: what looks like one and is an answer, what is typed too early."""

import os
from datetime import timedelta

import pytest

from microgpt.learner.database import default_path
from microgpt.learner.profile import Profile
from microgpt.learner.store import Store
from microgpt.tutor.session import current_state
from microgpt.tutor.tools import LessonTools
from tests.test_play import GOAL, LESSON, known_learner, now, play, typed, words
from tests.window import TUTOR, open_window


def test_an_equation_is_an_answer_although_it_begins_like_a_key() -> None:
    store = known_learner()
    shown, _ = play(typed("r", "x = 2", "q"), store)
    assert "Computed again" not in shown
    asked = [event for event in store.events(LESSON) if event.kind in ("evidence", "unparsed")]
    assert [event.body["quote"] for event in asked[1:]] == ["x = 2"]


def test_in_placement_the_code_that_a_hint_points_at_can_be_shown() -> None:
    shown, _ = play(typed("?", "?", "l", "q"), known_learner())
    assert "Hint 2 of 5. It is decided in" in words(shown)
    assert "There is no code to show here." not in shown
    assert words(shown).count("reference.py") > 1


def test_progress_names_no_idea_that_is_not_known_and_draws_the_open_question_again() -> None:
    store = known_learner()
    shown, _ = play(typed("p", "q"), store, goal="")
    assert "You know 0 of 42." in words(shown)
    assert " 1-42 new" in words(shown)
    ask = current_state(store, LESSON, *store.snapshot(LESSON)).ask
    assert ask is not None
    question = words(shown).partition("1/7 ")[2].partition(" >")[0]
    assert words(shown).count(question) == 2


def test_who_passes_everything_is_not_told_that_they_know_it_now_and_can_begin_again_at_once() -> None:
    store = known_learner()
    shown, ended = play(typed(*[""] * 60), store)
    assert ended
    assert "These are left for another day:" in words(shown)
    assert "You now know how this comes about" not in words(shown)
    turn = LessonTools(store, clock=lambda: now() + timedelta(minutes=1)).start()
    assert turn.move != "finish"


def test_whose_ideas_are_all_known_finds_the_lesson_still_finished() -> None:
    store = known_learner()
    state = LessonTools(store, clock=now).start(goal=GOAL)
    assert state.move == "place"
    before = len(list(store.events(LESSON)))
    LessonTools(store, clock=now).start(goal=GOAL)
    assert len(list(store.events(LESSON))) == before


@pytest.mark.parametrize(("early", "answer"), [("what is BOS?", "this fits best"), ("/p", "You know")])
def test_what_is_typed_where_only_enter_was_asked_for_is_answered_after_the_rest(early: str, answer: str) -> None:
    with Store.open(default_path(os.environ)) as store:
        store.save_learner(Profile(id="me", name="Ada"))
    with open_window(*TUTOR, "--goal", GOAL, rows=24) as screen:
        screen.wait_for(">")
        screen.type("\r\r")
        screen.wait_for("Enter shows the rest. >")
        screen.type(f"{early}\r")
        screen.wait_for("Enter shows the rest. >")
        screen.type("\r\r\r")
        screen.wait_for(answer)
        rest = screen.words.rpartition("Enter shows the rest.")[2]
        assert rest.index(f"> {early}") < rest.index(answer)
        screen.type("q\r")
        assert screen.close() == 0
