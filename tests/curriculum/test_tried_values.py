"""What a learner may try on a worked example: whatever the code copes with; only made-up questions must be easy."""

import json

import pytest

from microgpt import reference
from microgpt.insights.course import find_course, load_course
from microgpt.sandbox import Job, Outcome, Program, run_jobs
from microgpt.tutor.example import work_through
from microgpt.tutor.tools import teachable
from microgpt.tutor.view import Teachable

TAUGHT = teachable("microgpt")
COURSE = load_course(find_course("microgpt"))
MADE_UP = ("made up.py", "GENERATED = True")  # as `course lock` does it where it makes up questions


def tried(taught: Teachable, insight: str, question: str, values: str) -> str:
    example = work_through(taught, insight, taught.questions(insight)[question], values, trusted=True)
    assert example.why_not == "", (insight, values)
    return str(example.worked["answer"])


def test_a_distance_out_of_reach_is_said_to_be_so() -> None:
    (outcome,) = run(("steps_until(3, 0.1, 50)", {}))
    assert outcome.kind == "error"
    assert "after 99 steps of about 0.1 the weight has not moved by 50" in outcome.detail


def run(*jobs: tuple[str, dict[str, object]], made_up: bool = False) -> list[Outcome]:
    files = (("reference.py", COURSE.subject_source), ("helpers.py", COURSE.helpers), *((MADE_UP,) if made_up else ()))
    made = [Job(program=Program(files=files), expression=call, inputs=json.loads(json.dumps(x))) for call, x in jobs]
    return run_jobs(made, trusted=True)


HARD = [
    ("softmax-makes-shares", "apart", "scores = [1000, 0]"),
    ("attention-is-a-weighted-average", "pair", "query = 5"),
    ("no-token-sees-the-future", "", "place = 1   scores = [9, 0, 0]"),
    ("scores-are-divided-by-root-d", "two-tokens", "products = [[9, 0, 1, 2], [0, 0, 0, 0]]"),
    ("heads-share-the-channels-out", "own-patterns", "query = [9, 1]"),
    ("heads-share-the-channels-out", "of-each", "heads = 4"),
    ("the-loss-is-surprise", "", "shares = [[0.3, 0.7]]   came = [0]"),
    ("temperature-sharpens-or-flattens", "", "temperature = 0.7"),
    ("shares-minus-truth", "", "ratio = [3, 10]   came = 0"),
    ("shares-minus-truth", "", "ratio = [3, 0]   came = 0"),
    ("shares-pull-on-each-other", "two", "ratio = [3, 10]"),
    ("rmsnorm-sets-the-scale-not-the-direction", "alone", "numbers = [1, 2]"),
    ("rmsnorm-sets-the-scale-not-the-direction", "alone", "numbers = [0.5, 2]"),
    ("rmsnorm-sets-the-scale-not-the-direction", "one-square", "token = [1, 2]"),
    ("weights-start-small-and-random", "", "std = 0.3"),
    ("same-function-faster", "large-first", "numbers = [20, 0.5, 0.4]"),
    ("a-cache-changes-no-number", "", "before = ada   after = ada"),
]


@pytest.mark.parametrize(("insight", "question", "values"), HARD)
def test_values_that_take_a_calculator_are_worked_through_when_a_learner_tries_them(
    insight: str, question: str, values: str
) -> None:
    name = question if question in TAUGHT.questions(insight) else next(iter(TAUGHT.questions(insight)))
    assert tried(TAUGHT, insight, name, values)


def test_scores_far_apart_come_to_what_softmax_says() -> None:
    name = next(iter(TAUGHT.questions("softmax-makes-shares")))
    answer = tried(TAUGHT, "softmax-makes-shares", name, "scores = [1000, 0]")
    assert json.loads(answer) == reference.softmax([1000.0, 0.0]) == [1.0, 0.0]


def test_a_question_that_is_made_up_is_refused_where_it_would_take_a_calculator() -> None:
    hard: list[tuple[str, dict[str, object]]] = [
        ("shares_of(scores)", {"scores": [4, 0]}),
        ("attend(1, keys, [1, 2])", {"keys": [3, 0]}),
        ("shares_at(1, scores)", {"scores": [4, 0]}),
        ("shares_of_products(products)", {"products": [[1, 0, 0, 0], [0, 0, 0, 0]]}),
        ("bits_of(shares, [0])", {"shares": [[0.3, 0.7]]}),
        ("shares_when_writing(scores, '2')", {"scores": [1, 0]}),
        ("scores_for(ratio)", {"ratio": [3, 10]}),
        ("normed(numbers)", {"numbers": [1, 2]}),
        ("added_up(numbers)", {"numbers": [20, 0.5]}),
        ("rows_kept(text, text)", {"text": "ada"}),
    ]
    assert [outcome.kind for outcome in run(*hard, made_up=True)] == ["error"] * len(hard)
    assert [outcome.kind for outcome in run(*hard)] == ["value"] * len(hard)


def test_every_question_of_the_course_is_one_that_could_have_been_made_up() -> None:
    jobs, keys = [], []
    for insight in COURSE.insights:
        for question in TAUGHT.lock.insights[insight].questions:
            if question.call:
                jobs.append((question.call, dict(question.inputs)))
                keys.append((insight, question.id))
    outcomes = run(*jobs, made_up=True)
    assert [(key, o.detail) for key, o in zip(keys, outcomes, strict=True) if o.kind != "value"] == []
