"""A worked example with the learner's own values: what they may type, and what comes of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgpt.errors import LessonError
from microgpt.insights.locked import LockedQuestion
from microgpt.insights.question import render_inputs
from microgpt.tutor.example import what_to_work, work_through
from microgpt.tutor.render import show
from microgpt.tutor.tools import teachable
from microgpt.tutor.view import Teachable

TAUGHT = teachable("microgpt")
SOFTMAX, ENCODE, ADAM = "softmax-makes-shares", "text-is-numbers", "adam-corrects-its-bias"
DOCUMENTS = "a-document-is-a-line"
AVERAGES = "adam-keeps-two-averages"


def question(insight: str, name: str = "", *, taught: Teachable = TAUGHT) -> LockedQuestion:
    questions = taught.questions(insight)
    return questions[name] if name else next(iter(questions.values()))


def inputs_for(insight: str, values: str, name: str = "") -> dict[str, object]:
    return dict(what_to_work(TAUGHT.course, TAUGHT.course.insights[insight], question(insight, name), values).inputs)


def test_whoever_types_an_example_as_it_stands_there_gets_it_again() -> None:
    for insight in TAUGHT.course.insights.values():
        for asked in TAUGHT.questions(insight.id).values():
            if not asked.inputs:
                continue
            work = what_to_work(TAUGHT.course, insight, asked, render_inputs(asked.inputs))
            assert (work.call, work.ask, dict(work.inputs)) == (asked.call, asked.ask, dict(asked.inputs))


@pytest.mark.parametrize("insight", [SOFTMAX, ENCODE, ADAM, AVERAGES, "attention-is-a-weighted-average"])
def test_an_example_with_the_values_of_a_question_comes_to_its_key_and_its_walk(insight: str) -> None:
    asked = question(insight)
    example = work_through(TAUGHT, insight, asked, render_inputs(asked.inputs), trusted=True)
    assert (example.worked["answer"], example.why_not) == (show(asked.key), "")
    assert [(value["name"], value["text"]) for value in example.worked["values"]] == [  # type: ignore[index]
        (name, show(value)) for _, name, value in asked.walk
    ]
    assert example.source is not None
    assert example.source.symbol == TAUGHT.course.insights[insight].anchor


@settings(max_examples=50)
@given(st.lists(st.integers(-9, 9) | st.floats(-9, 9).map(lambda x: round(x, 3)), min_size=1, max_size=5))
def test_a_list_may_be_typed_in_any_usual_way(numbers: list[float]) -> None:
    bare = ", ".join(map(str, numbers))
    for typed in (f"scores = [{bare}]", f"scores=[{bare}]", f"  scores  =  {bare} ", f"[{bare}]", bare):
        assert inputs_for(SOFTMAX, typed) == {"scores": numbers}


@pytest.mark.parametrize(
    ("insight", "typed", "name", "value"),
    [
        (SOFTMAX, "scores = [1/2, .25]", "scores", [0.5, 0.25]),
        (SOFTMAX, "(1, 2)", "scores", [1, 2]),
        (SOFTMAX, "1 2 3", "scores", [1, 2, 3]),
        (SOFTMAX, "[1, 2, ]", "scores", [1, 2]),
        (DOCUMENTS, "lines = ['a', 'b c']", "lines", ["a", "b c"]),
        (ENCODE, "text = 'Twas", "text", "'Twas"),
        (ENCODE, "text = 'nab'", "text", "nab"),
        (ENCODE, "text = a 'b' c", "text", "a 'b' c"),
    ],
)
def test_values_are_read_as_generously_as_answers(insight: str, typed: str, name: str, value: object) -> None:
    assert inputs_for(insight, typed)[name] == value


def test_what_is_not_typed_stays() -> None:
    given_ = dict(question(ADAM).inputs)
    assert inputs_for(ADAM, "lr = 1/2") == {**given_, "lr": 0.5}
    assert inputs_for(ADAM, "steps = 3, gradient = -2") == {**given_, "steps": 3, "gradient": -2}
    assert inputs_for(ENCODE, 'text = "nab"') == {**question(ENCODE).inputs, "text": "nab"}


@pytest.mark.parametrize(
    ("insight", "typed", "says"),
    [
        (ADAM, "rate = 1", "no value 'rate'. Try one of: gradient, steps, lr"),
        (ADAM, "1", "Try one such as  gradient = 5"),
        (ADAM, "gradient = apples", "Try one such as  gradient = 5"),
        (ADAM, "gradient = NaN", "Try one such as  gradient = 5"),
        (ADAM, "gradient = true", "Try one such as  gradient = 5"),
        (ADAM, "gradient =", "Try one such as  gradient = 5"),
        (ADAM, "oh, gradient = 1", "Try one such as  gradient = 5"),
        (ADAM, "", "Try one such as  gradient = 5"),
        (SOFTMAX, "scores = [NaN, 1]", "Try one such as  scores = ["),
        (SOFTMAX, "scores = [1e999]", "Try one such as  scores = ["),
        (SOFTMAX, 'scores = ["a"]', "Try one such as  scores = ["),
        (SOFTMAX, "scores = [1, 2] scores = [3, 4]", "Try one such as  scores = ["),
        (ADAM, "gradient = [1, 2]", "Try one such as  gradient = 5"),
        (ENCODE, "dtaa = banana   text = nab", "no value 'dtaa'. Try data."),
        (ENCODE, "yours =", "that is no text. Try one"),
        (DOCUMENTS, "lines = [1, 2]", "Try one such as  lines = ["),
        (SOFTMAX, "scores = none", "Try one such as  scores = ["),
        (SOFTMAX, "scores = [1", "Try one such as  scores = ["),
        (SOFTMAX, "[" * 400, "Try one such as  scores = ["),
        (SOFTMAX, "[" * 501, "longer than 500 characters"),
        (ENCODE, "text =", "Try one such as  text = "),
    ],
)
def test_what_cannot_be_a_value_is_told_with_one_that_can(insight: str, typed: str, says: str) -> None:
    with pytest.raises(LessonError) as error:
        inputs_for(insight, typed)
    assert says in str(error.value)


@pytest.mark.parametrize("typed", ["Banana", "yours = Banana", " yours=Banana "])
def test_a_page_can_take_a_text_of_the_learners_own(typed: str) -> None:
    insight = TAUGHT.course.insights[ENCODE]
    work = what_to_work(TAUGHT.course, insight, question(ENCODE), typed)
    assert (work.call, dict(work.inputs)) == (insight.yours, {"yours": "Banana"})
    example = work_through(TAUGHT, ENCODE, question(ENCODE), typed, trusted=True)
    assert example.worked == {
        "inputs": "yours = Banana", "ask": insight.yours, "values": [],
        "answer": "all characters, sorted: B=0 a=1 n=2\nthe text: B=0 a=1 n=2 a=1 n=2 a=1",
    }  # fmt: skip


def test_every_page_that_takes_a_text_takes_any_name_with_letters_in_it() -> None:
    for insight in TAUGHT.course.insights.values():
        if insight.yours:
            for name in ("Zoë-Marie", "Maximiliane Fitzgerald-Zzyzx"):
                example = work_through(TAUGHT, insight.id, question(insight.id), name, trusted=True)
                assert (example.worked["answer"] != "", example.why_not) == (True, ""), (insight.id, name)


def test_code_that_stops_says_where_and_is_no_answer() -> None:
    example = work_through(TAUGHT, ENCODE, question(ENCODE), "text = q", trusted=True)
    assert example.worked["answer"] == ""
    assert example.why_not.startswith("With that, the code stops: ValueError: 'q' is not in list (reference.py line ")


@pytest.mark.parametrize("insight", [SOFTMAX, "where-the-parameters-are"])
def test_a_value_too_long_to_be_read_is_cut(insight: str) -> None:
    typed = {SOFTMAX: f"scores = {[0] * 150}", "where-the-parameters-are": "vocabulary = 40"}[insight]
    example = work_through(TAUGHT, insight, question(insight), typed, trusted=True)
    texts = [str(value["text"]) for value in example.worked["values"]]  # type: ignore[index]
    assert max(map(len, [*texts, str(example.worked["answer"])])) <= 502
    assert any(text.endswith(" …") for text in texts)
