"""A learner's code, run: equal answers are right, a misconception's point at it, and what gives none is told why."""

from dataclasses import replace

import pytest

from microgpt.insights.mutant import apply_mutant
from microgpt.insights.practice import Exercise
from microgpt.insights.practice_code import LONGEST_CODE, _program, _questions, grade_code, judge_code
from microgpt.insights.subject import symbol_source
from microgpt.sandbox import Job, Limits, Outcome, run_jobs, support
from microgpt.tutor.tools import teachable

TAUGHT = teachable("microgpt")
SOFTMAX = "softmax-makes-shares"
pytestmark = pytest.mark.skipif(support() == "none", reason="nothing here can contain code that is not ours")


def graded(exercise: Exercise, code: str):
    return grade_code(exercise, code, TAUGHT.course, TAUGHT.lock.insights[exercise.insight])


def write(insight: str = SOFTMAX) -> Exercise:
    return next(e for e in TAUGHT.exercises(insight).values() if e.kind == "write")


def blank(text: str, insight: str = SOFTMAX) -> Exercise:
    return next(e for e in TAUGHT.exercises(insight).values() if e.kind == "blank" and e.key == text)


@pytest.mark.parametrize(
    "insight",
    [
        SOFTMAX,
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("adam-corrects-its-bias", "attention-is-a-weighted-average")
        ),
    ],
)
def test_the_subjects_own_function_is_right_and_each_mutants_points_at_its_belief(insight):
    exercise = write(insight)
    assert graded(exercise, exercise.answer).outcome == "right"
    for belief in TAUGHT.course.insights[insight].misconceptions:
        mutated = apply_mutant(TAUGHT.course.subject_source, belief.mutant)
        grade = graded(exercise, "\n".join(symbol_source(mutated, exercise.key).lines))
        assert (grade.outcome, grade.misconceptions) == ("wrong", (belief.id,))
        assert "yours gives" in grade.why


def test_another_program_with_the_same_answers_is_right():
    code = (
        "from functools import reduce\n\ndef weight(x):\n    return 2.718281828459045 ** x\n\n"
        "def softmax(scores):\n    total = reduce(lambda a, b: a + weight(b), scores, 0)\n"
        "    return tuple(weight(score) / total for score in scores)\n"
    )
    assert graded(write(), code).outcome == "right"
    assert graded(write(), f"```python\n{code}```").outcome == "right"


def test_a_program_that_stops_where_a_beliefs_does_points_at_it_and_one_that_stops_elsewhere_too_at_none():
    """Scores that add up to 0 cannot be divided by their sum."""
    proportional = "def softmax(scores):\n    return [score / sum(scores) for score in scores]"
    grade = graded(write(), proportional)
    assert (grade.outcome, grade.misconceptions) == ("wrong", ("proportional",))
    grade = graded(
        write(), proportional.replace("return", "return [] if scores == [0] else [1 / 0] if len(scores) == 2 else")
    )
    assert (grade.outcome, grade.misconceptions) == ("unparsed", ())
    assert "ZeroDivisionError" in grade.why


def test_a_value_with_more_digits_than_the_lock_keeps_is_compared_as_the_lock_has_it():
    question = next(iter(TAUGHT.questions(SOFTMAX).values()))
    large = replace(question, key=531441.0, answers={"off": 85766100.0}, shows=("off",))
    right, wrong = (Outcome(kind="value", value=value) for value in (531440.705, 85766103.847))
    assert judge_code("", [large], [right], within=0.005).outcome == "right"
    assert judge_code("", [large], [wrong], within=0.005).misconceptions == ("off",)


def test_a_wrong_program_that_is_no_beliefs_points_at_none_and_names_the_first_input_it_misses():
    grade = graded(write(), "def softmax(scores):\n    return [0.25 for _ in scores]")
    assert (grade.outcome, grade.misconceptions) == ("wrong", ())
    assert grade.why.startswith("With scores = [")
    assert "yours gives [0.25" in grade.why


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "why"),
    [
        (
            "def softmax(scores):\n    return [1 / 0]",
            "it stops: ZeroDivisionError: division by zero (your code line 2).",
        ),
        pytest.param(  # it runs until its second is over
            "def softmax(scores):\n    while True: pass", "it does not come to an end.", marks=pytest.mark.slow
        ),
        ("def softmax(scores):\n    return [0] * 10**10", "it takes more memory than it may have."),
        ("def softmax(scores):\n    print('x' * 10**7)", "it prints more than it may."),
        ("def softmax(scores):\n    import os; os._exit(3)", "its process ended without an answer."),
        ("def softmax(scores):\n    return None", "yours gives nothing (is there a `return`?); it should be"),
        ("old = softmax\ndef softmax(scores):\n    return old(scores)", "name 'softmax' is not defined"),
    ],
    ids=["crash", "loop", "memory", "output", "exit", "nothing", "the subject's own"],
)
def test_whatever_a_program_does_one_kind_line_names_the_input(code, why):
    grade = graded(write(), code)
    assert grade.outcome == ("wrong" if "nothing" in why else "unparsed")
    assert grade.why.startswith("With scores = [")
    assert why in grade.why
    assert "\n" not in grade.why


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("", "There is no function softmax"),
        ("def soft_max(scores):\n    return scores", "Try beginning with  def softmax(...):"),
        ("def softmax(scores):\nreturn 1", "Python cannot read it in line 2: expected an indented block"),
        ("x = " + "(" * 5000 + ")" * 5000, "cannot read"),
        ("#" * (LONGEST_CODE + 1), "more than"),
        ("def softmax(s):\n    return '\0'", "Python cannot read it"),
    ],
)
def test_what_cannot_be_tried_at_all_is_unparsed(code, why):
    grade = graded(write(), code)
    assert grade.outcome == "unparsed"
    assert why in grade.why or "nested" in grade.why


@pytest.mark.parametrize(
    "code",
    [
        "score - top",
        "score-top",
        "(score - top)",
        "`score - top`",
        " score  -  top ",
        "-top + score",
        "score - max(scores)",
    ],
)
def test_a_blank_is_right_by_its_tree_or_by_what_it_computes(code):
    grade = graded(blank("score - top"), code)
    assert (grade.outcome, grade.parsed is not None) == ("right", True)


def test_an_expression_is_filled_in_whole_and_not_into_what_stands_around_it():
    """`k * b` stands over a fraction bar, and is subtracted: a - 0 + k * b / x would be another thing."""
    assert graded(blank("k * b", "adam-corrects-its-bias"), "0 + k * b").outcome == "right"
    assert graded(blank("1 - beta1**step", "adam-corrects-its-bias"), "1.0").misconceptions == ("starts-slowly",)


def test_a_wrong_expression_points_at_the_belief_whose_answers_it_gives():
    grade = graded(blank("-0.5", "attention-is-a-weighted-average"), "-5e6 * 0 + 0.5 - 1")
    assert grade.outcome == "right"
    grade = graded(blank("vh", "attention-is-a-weighted-average"), "kh")
    assert (grade.outcome, grade.misconceptions) == ("wrong", ("mixes-the-keys",))


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("score -", "Python cannot read it: invalid syntax."),
        ("scores = 1", "Python cannot read it"),
        ("", "Python cannot read it"),
        ("scroe - top", "name 'scroe' is not defined (reference.py line "),
        ("1) + __import__('os').system('true') + (1", "Python cannot read it"),
    ],
)
def test_what_is_no_expression_or_gives_no_value_is_unparsed(code, why):
    grade = graded(blank("score - top"), code)
    assert grade.outcome == "unparsed"
    assert why in grade.why


def test_code_is_never_tried_on_a_question_that_only_measures():
    """One that fails on the holdout alone is right, even where there are few others."""
    locked = TAUGHT.lock.insights[SOFTMAX]
    holdout = next(question for question in locked.questions if question.holdout)
    others = [question for question in locked.questions if question.inputs != holdout.inputs and not question.holdout]
    line = f"    assert scores != [{', '.join(f'{x} * math.log(2)' for x in holdout.inputs['scores'])}]\n"
    exercise = write()
    code = exercise.answer.replace("    top =", f"{line}    top =")
    few = replace(locked, questions=(holdout, *others[:2]))
    assert grade_code(exercise, code, TAUGHT.course, few).outcome == "right"
    all_asked = replace(locked, questions=(replace(holdout, holdout=False), *others[:2]))
    assert "AssertionError" in grade_code(exercise, code, TAUGHT.course, all_asked).why  # so it could have failed


# ---- where questions do not depend on an expression


UNTRIED = "embeddings-are-rows-looked-up"


def untried(text: str, insight: str) -> Exercise:
    """Return a blank that may be asked nowhere, since no question of the insight depends on it."""
    exercise = next(e for e in TAUGHT.exercises(insight).values() if e.kind == "blank")
    source = TAUGHT.course.subject_source
    function = f"def {TAUGHT.course.insights[insight].anchor.partition('.')[0]}("
    begin = source.index(text, source.index(function) + len(function))
    return replace(exercise, key=text, answer=text, before=source[:begin], after=source[begin + len(text) :])


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("0", "a fixed value. From what is it computed?"),
        ("None", "a fixed value"),
        ("(7,)", "a fixed value"),
        ("table", "The questions here cannot tell if that is right: with None there, every answer is right too."),
    ],
)
def test_an_expression_that_no_question_depends_on_is_not_right_because_all_answers_are(code, why):
    exercise = untried("(table,)", UNTRIED)
    grade = graded(exercise, code)
    assert (grade.outcome, grade.misconceptions) == ("unparsed", ())
    assert why in grade.why
    assert graded(exercise, "( table, )").outcome == "right"


def test_an_expression_with_the_values_of_what_stood_there_is_right_though_nonsense_would_pass():
    exercise = blank("len(qh.data[0]) ** -0.5", "attention-is-a-weighted-average")  # the questions have one channel
    assert graded(exercise, "1 / math.sqrt(len(kh.data[0]))").outcome == "right"
    assert [graded(exercise, code).outcome for code in ("0.99999", "1", "2 ** 0")] == ["unparsed"] * 3


def test_an_expression_with_other_values_is_right_where_nonsense_is_not():
    assert graded(blank("score - top"), "score").outcome == "right"


def test_a_comment_behind_an_expression_does_no_harm():
    assert graded(blank("score - top"), "score - max(scores)  # so that exp stays small").outcome == "right"


def test_a_number_in_the_place_of_what_computes_it_is_not_right_though_all_answers_are():
    exercise = blank("len(w)", "a-cache-changes-no-number")
    assert [graded(exercise, number).outcome for number in ("6", "9", "11")] == ["unparsed"] * 3


def test_no_blank_asks_for_the_type_in_a_call_of_one():
    keys = [e.key for e in TAUGHT.exercises("the-chain-rule-multiplies-along-a-path").values() if e.kind == "blank"]
    assert keys
    assert "Node" not in keys


def test_nonsense_is_right_where_it_is_what_stood_there():
    assert graded(blank("0.0", "same-function-faster"), "0").outcome == "right"


def test_an_expression_that_is_nested_deeply_is_no_crash_of_ours():
    assert graded(blank("score - top"), f"{'-' * 400}score - top").outcome == "right"
    assert graded(blank("score - top"), f"{'-' * 2000}score - top").outcome in ("right", "unparsed")


def test_a_function_without_the_one_inside_it_is_not_right_because_no_question_tries_that():
    """A lookup that sends no gradient back gives every answer about what is looked up."""
    bare = "def embed(table, ids):\n    return Node([table.data[i] for i in ids], (table,))"
    grade = graded(write(UNTRIED), bare)
    assert (grade.outcome, grade.misconceptions) == ("unparsed", ())
    assert grade.why == "Its answers are right, but no question here tries the function inside, and that is missing."
    assert graded(write(UNTRIED), bare.replace("(table,))", "(table,), lambda grad: (grad,))")).outcome == "right"


@pytest.mark.slow
@pytest.mark.timeout(300)  # some two thousand jobs
def test_no_nonsense_is_right_in_any_blank_of_the_bundled_course():
    blanks = [e for name in TAUGHT.lock.insights for e in TAUGHT.exercises(name).values() if e.kind == "blank"]
    left = [(exercise, text) for exercise in blanks for text in ("None", "0", "1", "[]") if exercise.key != "0.0"]
    for first in (True, False):
        left = passing(left, first=first)
    assert left
    assert [(e.insight, e.key, text) for e, text in left if graded(e, text).outcome == "right"] == []


def passing(pairs: list[tuple[Exercise, str]], *, first: bool) -> list[tuple[Exercise, str]]:
    """Return the blanks and texts with right answers to the first question, or to all others."""
    asked = [
        _questions(TAUGHT.lock.insights[exercise.insight])[slice(1) if first else slice(1, None)]
        for exercise, _ in pairs
    ]
    jobs = [
        Job(program=_program(exercise, text, TAUGHT.course), expression=question.call, inputs=question.inputs)
        for (exercise, text), questions in zip(pairs, asked, strict=True)
        for question in questions
    ]
    outcomes = iter(run_jobs(jobs, limits=Limits(wall_s=1.0, cpu_s=1.0)))
    kept: list[tuple[Exercise, str]] = []
    for (exercise, text), questions in zip(pairs, asked, strict=True):
        within = TAUGHT.course.insights[exercise.insight].within
        if judge_code(text, questions, [next(outcomes) for _ in questions], within).outcome == "right":
            kept.append((exercise, text))
    return kept
