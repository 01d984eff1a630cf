"""In the terminal, a worked example is tried with the learner's name, and with what they type."""

from dataclasses import replace

import pytest

from microgpt.errors import SandboxError
from microgpt.learner.profile import Profile
from microgpt.learner.store import Store
from microgpt.tutor.tools import teachable
from microgpt.tutor.view import Teachable
from tests.test_play import known_learner, play, teach, typed, words

ENCODE, SOFTMAX = "text-is-numbers", "softmax-makes-shares"
PASS = ""  # the placement's question, so that the idea is explained


def only(insight: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let there be a goal that is one idea, and needs nothing."""
    taught = teachable("microgpt")
    insights = {**taught.course.insights, insight: replace(taught.course.insights[insight], needs=())}
    teach(
        Teachable(course=replace(taught.course, goals={"it": (insight,)}, insights=insights), lock=taught.lock),
        monkeypatch,
    )


def test_an_example_comes_with_the_learners_name_and_with_any_text_they_type(monkeypatch: pytest.MonkeyPatch) -> None:
    only(ENCODE, monkeypatch)
    shown, _ = play(typed(PASS, "t Banana", "t data = bonanza   text = nab", "t", "q"), known_learner(), goal="it")
    assert "And with yours: yours = Ada number_of_each(yours) → all characters, sorted: A=0 a=1 d=2" in words(shown)
    assert "→ the text: A=0 d=2 a=1 Enter goes on." in words(shown)
    assert "yours = Banana number_of_each(yours) → all characters, sorted: B=0 a=1 n=2" in words(shown)
    assert "data = bonanza text = nab" in words(shown)
    assert "return = [5, 2, 0, 1, 5] → [2, 0, 1]" in words(shown)  # beside its line
    assert words(shown).count("t tries it with values of yours: t data = cabin; or with a text: t banana") == 2


def test_an_example_takes_other_numbers_where_none_takes_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    only(SOFTMAX, monkeypatch)
    shown, _ = play(typed(PASS, "t scores = [1, 2, 1]", "t scores = one", "t x", "q"), known_learner(), goal="it")
    assert "And with yours" not in words(shown)
    assert "t tries it with values of yours: t scores = [" in words(shown)
    assert "→ [0.25, 0.5, 0.25]" in words(shown)
    assert words(shown).count("that is no value of the example. Try one such as scores = [") == 2


def test_values_to_try_are_no_answer_to_an_open_question(monkeypatch: pytest.MonkeyPatch) -> None:
    only(SOFTMAX, monkeypatch)
    store = known_learner()
    shown, _ = play(typed("t [1, 0]", "t scores = [1, 0]", "t", "q"), store, goal="it")
    assert words(shown).count("nothing is worked through here") == 2
    assert words(shown).count("Not understood as one answer") == 1  # t alone, as any other letter
    assert not [event for event in store.events("me-microgpt") if event.kind == "evidence"]


def test_without_a_name_nothing_is_tried_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    only(ENCODE, monkeypatch)
    store = Store.in_memory()
    store.save_learner(Profile(id="me", name=""))
    shown, _ = play(typed(PASS, "q"), store, goal="it")
    assert "For example:" in words(shown)
    assert "And with yours" not in words(shown)


def test_where_nothing_can_be_run_the_lesson_goes_on_without(monkeypatch: pytest.MonkeyPatch) -> None:
    only(ENCODE, monkeypatch)

    def refuse(*args: object, **kwargs: object) -> None:
        raise SandboxError("nothing here can contain it. Try: apt install bubblewrap")

    monkeypatch.setattr("microgpt.tutor.example.run_jobs", refuse)
    shown, _ = play(typed(PASS, "t Banana", "", "q"), known_learner(), goal="it")
    assert "And with yours" not in words(shown)
    assert "nothing here can contain it. Try: apt install bubblewrap" in words(shown)
    assert words(shown).count("Which numbers stand for the characters") == 3  # placed, worked through, asked
