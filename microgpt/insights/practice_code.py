"""A learner's code for an exercise, graded by what it computes: run in the sandbox on the insight's own questions.

Equal answers are right, however they come about. Answers that a misconception gives point at it, and so does stopping
where it stops. Other code that stops says nothing about what its author believes, so it is not graded: the learner is
told where it stops, and goes on.

Where questions do not depend on a part, answers alone do not show that it is right. So an expression also has the
values of what stood there, or else nonsense in its place gives wrong answers; and a function has one inside where the
course's has, unless questions would miss that. If not, it is not graded either, since that is the questions' fault.
"""

import ast
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from microgpt.errors import CourseError
from microgpt.insights.course import Course
from microgpt.insights.grading import same
from microgpt.insights.locked import Answer, Fault, LockedInsight, LockedQuestion, rounded
from microgpt.insights.practice import Exercise, Grade
from microgpt.insights.practice_blank import Function
from microgpt.insights.question import render_value
from microgpt.insights.subject import parse_python
from microgpt.sandbox import Job, Json, Limits, Outcome, Program, run_jobs

YOURS = "your code"  # the name of the learner's file in an error
LONGEST_CODE = 20_000  # characters
_LIMITS = Limits(wall_s=2.0, cpu_s=1.0)  # the subject takes milliseconds
_NONSENSE = ("None", "0", "1", "[]")
_MEET = ("meet", "_met = []\ndef _meet(yours, ours):\n    _met.append([yours, ours])\n    return ours\n")
_FENCED = re.compile(r"\s*```\w*\n(.*?)\n?\s*```\s*", re.DOTALL)


def grade_code(exercise: Exercise, code: str, course: Course, locked: LockedInsight) -> Grade:
    """Grade an expression for a blank, or a function that was to be written.

    Args:
        code: as the learner typed it; a fence of backticks round it is taken off.

    Raises:
        SandboxError: nothing here can contain the code.
    """
    code = _bare(code)
    refused = _refused(exercise, code)
    if refused:
        return Grade(outcome="unparsed", why=refused)
    if exercise.kind == "blank" and _same_expression(code, str(exercise.key)):
        return Grade(outcome="right", parsed=code)
    questions = _questions(locked)
    program = _program(exercise, code, course)
    jobs = [Job(program=program, expression=question.call, inputs=question.inputs) for question in questions]
    outcomes = run_jobs(jobs[:1], limits=_LIMITS)
    if outcomes and outcomes[0].kind != "timeout":  # else it would most likely loop on all of them
        outcomes += run_jobs(jobs[1:], limits=_LIMITS)
    within = course.insights[exercise.insight].within
    grade = judge_code(code, questions, outcomes, within)
    unproven = _unproven(exercise, code, course, questions, within) if grade.outcome == "right" else ""
    return Grade(outcome="unparsed", why=unproven) if unproven else grade


def judge_code(code: str, questions: Sequence[LockedQuestion], outcomes: Sequence[Outcome], within: float) -> Grade:
    """Return what code is that came to these outcomes, a question each; the last ones may be missing."""
    alike = (replace(outcome, value=rounded(outcome.value, within * 1e-6)) for outcome in outcomes)  # to locked answers
    tried = list(zip(questions, alike, strict=False))
    stopped = [(question, outcome) for question, outcome in tried if outcome.kind != "value"]
    values = [(question, outcome.value) for question, outcome in tried if outcome.kind == "value"]
    missed = [(question, value) for question, value in values if not same(value, question.key, within)]
    beliefs = _beliefs(tried, within)
    if stopped and not (missed and beliefs):
        return Grade(outcome="unparsed", why=_stopped(*stopped[0]))
    if not missed:
        return Grade(outcome="right", parsed=code)
    question, value = missed[0]
    gives = render_value(value) if value is not None else "nothing (is there a `return`?)"
    why = f"{_with(question)} yours gives {gives}; it should be {render_value(question.key)}."
    return Grade(outcome="wrong", parsed=code, misconceptions=beliefs, why=why)


def _bare(code: str) -> str:
    fenced = _FENCED.fullmatch(code)
    bare = fenced[1] if fenced else code.strip("\r\n")
    return bare.strip().strip("`") if "\n" not in bare.strip() else bare


def _refused(exercise: Exercise, code: str) -> str:
    """Return why code cannot be tried at all; empty where it can."""
    if len(code) > LONGEST_CODE:
        return f"That is more than {LONGEST_CODE} characters. Try a shorter one."
    try:
        tree = parse_python(code, path="", mode="eval" if exercise.kind == "blank" else "exec")
    except CourseError as error:
        place = f" in line {error.line}" if error.line and exercise.kind == "write" else ""
        problem = error.message.removeprefix("no Python: ").rpartition(". Try")[0].rstrip(".?")
        return f"Python cannot read it{place}: {problem}."
    except RecursionError:
        return "It is nested too deeply to be read."
    names = [node.name for node in ast.iter_child_nodes(tree) if isinstance(node, ast.FunctionDef)]
    if exercise.kind == "write" and exercise.key not in names:
        return f"There is no function {exercise.key} in it. Try beginning with  def {exercise.key}(...):"
    return ""


def _same_expression(code: str, key: str) -> bool:
    """Whether two expressions have one syntax tree, whatever their spaces and brackets."""
    a, b = (parse_python(text, path="", mode="eval") for text in (code, key))
    try:
        return ast.dump(a) == ast.dump(b)
    except RecursionError:  # it is nested more deeply than any key
        return False


def _questions(locked: LockedInsight) -> list[LockedQuestion]:
    """Return what code is tried on: never a question that only measures; the lock's own before the educator's."""
    asked = [question for question in locked.questions if question.call and not question.holdout]
    return sorted(asked, key=lambda question: not question.parallel)


def _program(exercise: Exercise, code: str, course: Course) -> Program:
    """Return the subject with the learner's code in it, and the course's helpers."""
    helpers = ("helpers.py", course.helpers)
    if exercise.kind == "blank":
        return Program(files=((exercise.file, f"{exercise.before}({code}\n){exercise.after}"), helpers))
    gone = "\n" * (exercise.answer.count("\n") + 2)  # the subject's own is gone, so that the learner's cannot use it
    return Program(files=((exercise.file, exercise.before + gone + exercise.after), (YOURS, code), helpers))


def _unproven(exercise: Exercise, code: str, course: Course, questions: Sequence[LockedQuestion], within: float) -> str:
    """Say why right answers do not show that code is right; empty where they do."""
    if exercise.kind == "write":
        hollow = "" if _has_inner_function(code) else _hollow(exercise.answer)
        if hollow and _passing([hollow], exercise, course, questions, within):
            return "Its answers are right, but no question here tries the function inside, and that is missing."
        return ""
    if _uses_names(str(exercise.key)) and not _uses_names(code):
        return "Every answer here is right with that, but it is a fixed value. From what is it computed?"
    if _has_our_values(exercise, code, course, questions):
        return ""
    passing = _passing(_NONSENSE, exercise, course, questions, within)
    if passing:
        return f"The questions here cannot tell if that is right: with {passing[0]} there, every answer is right too."
    return ""


def _has_inner_function(code: str) -> bool:
    """Whether a function has another, or one beside it: what is called later may stand there as well."""
    nodes = ast.walk(parse_python(code, path=""))
    return sum(isinstance(node, ast.Lambda | Function) for node in nodes) > 1


def _hollow(function: str) -> str:
    """Return a function whose inner ones do nothing; empty if it has none.

    >>> print(_hollow("def steps(x): return Node(x, lambda grad: 2 * grad)"))
    def steps(x):
        return Node(x, lambda grad: None)
    """
    if not _has_inner_function(function):
        return ""
    tree = parse_python(function, path="")
    for node in [inner for outer in ast.iter_child_nodes(tree) for inner in ast.walk(outer) if inner is not outer]:
        if isinstance(node, ast.Lambda):
            node.body = ast.Constant(None)
        elif isinstance(node, Function):
            node.body = [ast.Pass()]
    return ast.unparse(tree)


def _has_our_values(exercise: Exercise, code: str, course: Course, questions: Sequence[LockedQuestion]) -> bool:
    """Whether an expression has the values of what stood there, each time that a question gets there; some must."""
    program = _program(exercise, f"_meet(({code}\n), ({exercise.key}))", course)
    program = replace(program, files=(_MEET, *program.files))
    jobs = [Job(program=program, expression=f"({q.call}, _met)[1]", inputs=q.inputs) for q in questions]
    pairs: list[Json] = []
    for outcome in run_jobs(jobs, limits=_LIMITS):
        if not isinstance(outcome.value, list):
            return False
        pairs += outcome.value
    return bool(pairs) and all(same(yours, ours, 0) for yours, ours in cast("list[list[Json]]", rounded(pairs, 1e-12)))


def _uses_names(expression: str) -> bool:
    return any(isinstance(node, ast.Name) for node in ast.walk(parse_python(expression, path="", mode="eval")))


def _passing(
    codes: Sequence[str], exercise: Exercise, course: Course, questions: Sequence[LockedQuestion], within: float
) -> list[str]:
    """Return the codes whose answers are right."""
    left = list(codes)
    for some in (questions[:1], questions[1:]):  # what loops on one would loop on all
        jobs = [
            Job(program=_program(exercise, text, course), expression=question.call, inputs=question.inputs)
            for text in left
            for question in some
        ]
        outcomes = run_jobs(jobs, limits=_LIMITS)
        tried = {text: outcomes[i * len(some) : (i + 1) * len(some)] for i, text in enumerate(left)}
        left = [text for text in left if judge_code(text, some, tried[text], within).outcome == "right"]
    return left


def _beliefs(tried: Sequence[tuple[LockedQuestion, Outcome]], within: float) -> tuple[str, ...]:
    """Return the misconceptions that would have come to the same, everywhere."""

    def alike(answer: Answer, outcome: Outcome) -> bool:
        if isinstance(answer, Fault):
            return outcome.kind != "value"
        return outcome.kind == "value" and same(answer, outcome.value, within)

    shown = dict.fromkeys(belief for question, _ in tried for belief in question.shows)
    return tuple(
        belief for belief in shown if all(alike(question.answers[belief], outcome) for question, outcome in tried)
    )


def _stopped(question: LockedQuestion, outcome: Outcome) -> str:
    """Say why there is no answer to compare."""
    match outcome.kind:
        case "timeout":
            what = "it does not come to an end"
        case "memory":
            what = "it takes more memory than it may have"
        case "output":
            what = "it prints more than it may"
        case "killed":
            what = "its process ended without an answer"
        case _:
            what = f"it stops: {outcome.detail}"
    return f"{_with(question)} {what}."


def _with(question: LockedQuestion) -> str:
    inputs = ", ".join(f"{name} = {render_value(value)}" for name, value in question.inputs.items())
    return f"With {inputs}" if inputs else f"In {question.call}"
