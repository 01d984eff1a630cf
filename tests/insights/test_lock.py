import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt import sandbox
from microgpt.errors import CourseError
from microgpt.insights import answers
from microgpt.insights.course import load_course
from microgpt.insights.lock import Fault, Lock, make_lock, stale
from microgpt.insights.locked import LockedQuestion, judge, named_alone, rounded, told_apart
from microgpt.insights.question import numbers_in
from microgpt.insights.subject import statement_lines

MEAN, SMOOTH, OUTLIER = "a-mean-is-a-fair-share", "smoothing-starts-low", "one-outlier-is-enough"


def question(lock: Lock, insight: str, name: str) -> LockedQuestion:
    return next(q for q in lock.insights[insight].questions if q.id == name)


def edit(path: Path, old: str, new: str) -> None:
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_keys_and_every_misconceptions_answer_are_those_of_python_run_here(lock: Lock) -> None:
    """The oracle: the same beliefs written as plain functions, run without sandbox, mutants or lock."""
    beliefs = {
        "takes-the-middle": lambda numbers: sorted(numbers)[len(numbers) // 2],
        "forgets-to-share": sum,
    }
    asked = lock.insights[MEAN].questions
    assert len(asked) == 3 + 8
    for q in asked:
        numbers = q.inputs["numbers"]
        assert isinstance(numbers, list)
        assert q.key == pytest.approx(sum(numbers) / len(numbers), rel=1e-5)
        assert q.answers == {name: pytest.approx(believe(numbers)) for name, believe in beliefs.items()}


def test_the_length_is_a_part_of_what_is_asked_only_where_a_misconception_gives_another(lock: Lock) -> None:
    asked = replace(question(lock, MEAN, "three"), kind="list", shape=(2,), key=[4, 3])
    for other, any_length in [([4, 2], False), (Fault(kind="timeout"), False), ([4], True), ([], True)]:
        assert replace(asked, answers={"a": [1, 3], "b": other}).any_length == any_length
    assert not question(lock, MEAN, "three").any_length


def test_the_walk_holds_what_the_anchor_assigned_at_its_line_but_not_for_holdouts(lock: Lock) -> None:
    assert question(lock, MEAN, "three").walk == ((0, "total", 12), (1, "return", 4.0))
    assert [name for _, name, _ in question(lock, SMOOTH, "two").walk] == ["average", "average", "return"]
    assert all(q.walk == () for i in lock.insights.values() for q in i.questions if q.holdout)


def test_a_comment_in_the_subject_makes_nothing_stale_and_the_values_stay_beside_their_statements(
    lock: Lock, tmp_path: Path
) -> None:
    folder = tmp_path / "averages"
    shutil.copytree(Path(__file__).parent / "fixtures" / "averages", folder)
    edit(folder / "averages.py", "    total = ", "    # a comment\n\n    total = ")
    course = load_course(folder)
    assert stale(course, lock) == ()
    source = course.subject_source.split("\n")
    lines = statement_lines(course.subject_source, course.insights[MEAN].anchor)
    for place, name, _ in question(lock, MEAN, "three").walk:
        assert name in source[lines[place] - 1]


@pytest.mark.slow
def test_helpers_may_refuse_a_question_that_the_lock_made_up_but_no_other(folder: Path) -> None:
    refusing = "\n\ndef easy(numbers):\n    if GENERATED and max(numbers) > 9:\n        raise ValueError\n"
    helpers = folder / "helpers.py"
    helpers.write_text(f"{helpers.read_text()}\n\nGENERATED = False{refusing}    return mean(numbers)\n")
    edit(folder / f"{MEAN}.md", "call: mean(numbers)", "call: easy(numbers)")
    asked = make_lock(load_course(folder)).insights[MEAN].questions
    highest = [(q.parallel, max(numbers_in(q.inputs["numbers"]))) for q in asked]
    assert [most for parallel, most in highest if not parallel] == [9, 20, 13]
    assert all(most <= 9 for parallel, most in highest if parallel)
    assert any(parallel for parallel, _ in highest)


@pytest.mark.slow
def test_a_mutants_lines_that_stand_elsewhere_too_are_meant_where_the_anchor_is(lock: Lock, tmp_path: Path) -> None:
    folder = tmp_path / "averages"
    shutil.copytree(Path(__file__).parent / "fixtures" / "averages", folder)
    twin = "def twin(numbers):\n    total = sum(numbers)\n    return total / len(numbers)\n\n\n"
    source = (folder / "averages.py").read_text()
    (folder / "averages.py").write_text(twin + source + "\n\n" + twin.replace("twin", "triplet"))
    assert make_lock(load_course(folder)).insights[MEAN].questions == lock.insights[MEAN].questions


def test_parallel_questions_vary_the_authored_ones_and_each_shows_a_misconception_plainly(lock: Lock) -> None:
    for insight in (MEAN, SMOOTH):
        asked = lock.insights[insight].questions
        authored = [q for q in asked if not q.parallel]
        parallel = [q for q in asked if q.parallel]
        assert 0 < len(parallel) <= 8
        assert len({repr(q.inputs) for q in asked}) == len(asked)
        assert len({repr(q.key) for q in asked}) == len(asked)
        for q in parallel:
            template = question(lock, insight, q.id.partition("~")[0])
            assert not template.holdout
            assert shapes(q.inputs) == shapes(template.inputs)
            assert q.shows
            assert all(judge(answer, q.key, 0.005) != "near" for answer in q.answers.values())
        for belief in authored[0].answers:
            assert any(belief in named_alone(q, 0.005) for q in parallel)


def shapes(value: object) -> object:
    if isinstance(value, dict):
        return {name: shapes(item) for name, item in value.items()}
    return [shapes(item) for item in value] if isinstance(value, list) else type(value)


def test_without_code_the_key_and_the_answers_are_the_educators(lock: Lock) -> None:
    q = question(lock, OUTLIER, "town")
    assert (q.kind, q.key) == ("choice", "It rises a lot.")
    assert set(q.options) == {q.key, *q.answers.values()}
    assert q.shows == ("one-of-many", "median-in-mind")


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("averages.py", "# of all", "# of each of them", ()),
        ("averages.py", "total = sum(numbers)", "total  =  (sum(numbers))", ()),
        (f"{MEAN}.md", "skip: Medians.", "skip: Modes.", ()),
        (f"{MEAN}.md", "belief: It is the number", "belief: It's the number", ()),
        (f"{MEAN}.md", "Put everything", "Throw everything", ()),
        (f"{MEAN}.md", "[1, 2, 9]", "[1, 2, 12]", (MEAN,)),
        (f"{MEAN}.md", "call: mean(numbers)", "call: mean(numbers) * 1", (MEAN,)),
        (f"{MEAN}.md", "ask: What is", "ask: What's", (MEAN,)),
        (f"{MEAN}.md", "anchor: mean", "anchor: mean\nwithin: 0.01", (MEAN,)),
        (f"{SMOOTH}.md", "needs:", "keep: [keep]\nneeds:", (SMOOTH,)),
        (f"{MEAN}.md", "anchor: mean", "anchor: mean\nyours: len(yours)", (MEAN,)),
        (f"{MEAN}.md", "+ return total", "+ return 2 * total", (MEAN,)),
        (f"{MEAN}.md", "holdout: true", "holdout: false", (MEAN,)),
        (f"{OUTLIER}.md", "It hardly changes", "It changes little", (OUTLIER,)),
        ("averages.py", "0.0", "0", (MEAN, SMOOTH, OUTLIER)),
        ("helpers.py", "return smooth(", "return 1 * smooth(", (MEAN, SMOOTH, OUTLIER)),
    ],
)
def test_what_the_answers_depend_on_makes_them_stale_and_nothing_else_does(
    lock: Lock, folder: Path, name: str, old: str, new: str, expected: tuple[str, ...]
) -> None:
    edit(folder / name, old, new)
    assert stale(load_course(folder), lock) == expected


def test_only_what_is_stale_is_computed_anew(lock: Lock, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def counted(jobs: list[sandbox.Job], **rest: object) -> list[sandbox.Outcome]:
        calls.extend(job.expression for job in jobs)
        return sandbox.run_jobs(jobs)

    monkeypatch.setattr(answers, "run_jobs", counted)
    assert make_lock(load_course(folder), old=lock) == lock
    assert calls == []
    edit(folder / f"{MEAN}.md", "[1, 2, 9]", "[1, 2, 12]")
    new = make_lock(load_course(folder), old=lock)
    assert set(calls) == {"0", "mean(numbers)"}
    assert new.insights[SMOOTH] == lock.insights[SMOOTH]
    assert question(new, MEAN, "three").key == 5


def test_another_recipe_makes_every_lock_stale(lock: Lock, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("microgpt.insights.lock.RECIPE", 0)
    assert stale(load_course(folder), lock) == (MEAN, SMOOTH, OUTLIER)


def test_an_insight_that_is_gone_is_stale_and_leaves_the_lock(lock: Lock, folder: Path) -> None:
    (folder / f"{OUTLIER}.md").unlink()
    edit(folder / "course.yaml", f", {OUTLIER}", "")
    course = load_course(folder)
    assert stale(course, lock) == (OUTLIER,)
    assert tuple(make_lock(course, old=lock).insights) == (MEAN, SMOOTH)


@pytest.mark.slow
def test_a_crash_or_a_loop_is_a_fault_that_shows_but_is_no_answer(folder: Path) -> None:
    edit(folder / f"{MEAN}.md", "+ sorted(numbers)[len(numbers) // 2]", "+ numbers[99]")
    edit(folder / f"{MEAN}.md", "+ return total\n", "+ return {}\n")
    q = question(make_lock(load_course(folder)), MEAN, "three")
    assert q.answers == {
        "takes-the-middle": Fault(kind="error", detail="IndexError"),
        "forgets-to-share": Fault(kind="value", detail="dict"),
    }
    assert q.shows == ("takes-the-middle", "forgets-to-share")
    assert named_alone(q, 0.005) == ()


@pytest.mark.slow
def test_a_mutant_that_never_ends_costs_no_other_answer(folder: Path) -> None:
    edit(
        folder / f"{MEAN}.md",
        "- return total / len(numbers)\n      + return total",
        "- total = sum(numbers)\n      + while True: pass",
    )
    q = question(make_lock(load_course(folder)), MEAN, "three")
    answer = q.answers["forgets-to-share"]
    assert answer == Fault(kind="timeout")
    assert q.key == 4


@pytest.mark.parametrize(
    ("name", "old", "new", "says", "line"),
    [
        pytest.param(
            f"{MEAN}.md",
            "numbers: [1, 2, 9]",
            "numbers: []",
            "question 'three' fails on the subject: ZeroDivisionError",
            8,
            marks=pytest.mark.slow,
        ),
        (f"{MEAN}.md", "- total / len", "- totl / len", "the mutant of 'takes-the-middle': - totl", 18),
        pytest.param(
            f"{MEAN}.md",
            "+ sorted(numbers)[",
            "+ sorted(numbers)[(",
            "the mutant of 'takes-the-middle': it leaves no Python",
            18,
            marks=pytest.mark.slow,
        ),
        pytest.param(
            f"{MEAN}.md",
            "call: mean(numbers)",
            "call: '{1: mean(numbers)}'",
            "the answer holds a dict",
            8,
            marks=pytest.mark.slow,
        ),
        pytest.param(
            f"{MEAN}.md",
            "call: mean(numbers)",
            "call: mean(numbers)\noptions: [a, b]",
            "none of the options",
            9,
            marks=pytest.mark.slow,
        ),
        ("helpers.py", "def smoothed", "import nowhere\ndef smoothed", "cannot be loaded: ModuleNotFoundError", 0),
        pytest.param(
            "helpers.py",
            "return smooth(",
            "return smoth(",
            "fails on the subject: NameError",
            10,
            marks=pytest.mark.slow,
        ),
        pytest.param(
            f"{MEAN}.md",
            "call: mean(numbers)",
            "call: len(numbers) * 10 ** 400",
            "is no number, text or even list",
            8,
            marks=pytest.mark.slow,
        ),
    ],
)
def test_what_cannot_be_answered_is_one_error_at_its_place(
    folder: Path, name: str, old: str, new: str, says: str, line: int
) -> None:
    edit(folder / name, old, new)
    with pytest.raises(CourseError, match=re.escape(says)) as caught:
        make_lock(load_course(folder))
    assert caught.value.line == line
    assert "Try" in str(caught.value)


@given(st.floats(-1e9, 1e9))
def test_rounding_is_stable_and_close(x: float) -> None:
    once = rounded(x, 1e-9)
    assert rounded(once, 1e-9) == once
    assert once == pytest.approx(x, rel=1e-5, abs=1e-9)
    assert rounded(1e-12, 1e-9) == 0
    assert rounded([x, {"a": x}, "t", 3], 1e-9) == [once, {"a": once}, "t", 3]


def test_nearly_right_lies_between_within_and_twice_within() -> None:
    assert [judge(0.5 + d, 0.5, 0.01) for d in (0, 0.01, 0.015, -0.02, 0.021)] == [
        "right",
        "right",
        "near",
        "near",
        "wrong",
    ]
    assert judge(Fault(kind="timeout"), 0.5, 0.01) == "wrong"


def test_two_misconceptions_with_one_answer_are_neither_named_nor_told_apart(lock: Lock) -> None:
    q = question(lock, MEAN, "three")
    twins = LockedQuestion(**{**vars(q), "answers": {"a": 2, "b": 2.001, "c": 3}, "shows": ("a", "b", "c")})
    assert named_alone(twins, 0.005) == ("c",)
    assert not told_apart("a", "b", [twins], 0.005)
    assert told_apart("a", "c", [twins], 0.005)
