"""A side question finds the insight that fits, or says that none does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt.content import content_folder
from microgpt.insights.course import load_course
from microgpt.tutor.lookup import Found, look_up

COURSE = load_course(content_folder("curriculum") / "microgpt")


@pytest.mark.parametrize(
    ("question", "insight"),
    [
        ("What is softmax for?", "softmax-makes-shares"),
        ("why does Adam correct a bias?", "adam-corrects-its-bias"),
        ("Does attention pick a value, or does it average values?", "attention-is-a-weighted-average"),
        ("what are weighted averages of values good for in attention?", "attention-is-a-weighted-average"),
    ],
)
def test_a_question_in_the_words_of_an_insight_finds_it_whatever_their_endings(question: str, insight: str) -> None:
    found = look_up(question, COURSE)
    assert found.insight == insight
    assert found.claim == COURSE.insights[insight].claim
    assert found.anchor == COURSE.insights[insight].anchor


@pytest.mark.parametrize(
    "question",
    [
        "How tall is Mount Everest?",
        "Which averages steer wealthy companies?",
        "who are you?",
        "why?",
        "?",
        "",
        "¿Qué es esto?",
    ],
)
def test_where_nothing_fits_nothing_is_made_up(question: str) -> None:
    assert look_up(question, COURSE) == Found()


@pytest.mark.parametrize("word", COURSE.glossary)
def test_a_word_of_the_glossary_is_explained_as_it_says(word: str) -> None:
    found = look_up(f"what is a {word}?", COURSE)
    assert (found.word, found.meaning) == (word, COURSE.glossary[word])


@given(st.text(max_size=300))
def test_whatever_is_asked_it_answers(question: str) -> None:
    found = look_up(question, COURSE)
    assert found.insight in {"", *COURSE.insights}
