"""What a mutant answers is what a person answers who believes just the sentence above it."""

import pytest

from microgpt.insights.course import find_course, load_course
from microgpt.tutor.tools import teachable

TAUGHT = teachable("microgpt")
COURSE = load_course(find_course("microgpt"))
SAID = [
    ("a-document-is-a-line", "break-belongs", "lengths", [4, 5]),  # each with its line break, stripped of its spaces
    ("one-document-a-step", "draws-at-random", "which-one", "any, as chance has it"),
    ("knowing-nothing-costs-ln-v", "v-times-as-bad", "more-tokens", 62.0),  # 1 bit for 2 tokens, so 2 for 4, 64 for 128
    ("the-loss-is-surprise", "mean-share-first", "sure-once", 1.0),  # the mean share, 1/2, in the head
    ("temperature-sharpens-or-flattens", "turned-up", "what-changes", "it shrinks"),  # by how much, the belief says not
]


@pytest.mark.parametrize(("insight", "belief", "question", "answer"), SAID)
def test_a_believer_answers_the_counter_question_as_the_mutant_does(
    insight: str, belief: str, question: str, answer: object
) -> None:
    misconception = next(m for m in COURSE.insights[insight].misconceptions if m.id == belief)
    assert misconception.counter == question
    assert TAUGHT.questions(insight)[question].answers[belief] == answer


def test_whose_steps_are_left_to_chance_is_told_by_no_question_with_a_number_for_an_answer() -> None:
    told = [q for q in TAUGHT.questions("one-document-a-step").values() if "draws-at-random" in q.shows]
    assert {type(q.answers["draws-at-random"]).__name__ for q in told if q.kind != "choice"} == {"Fault"}
