"""Every answer of an insight, computed in the sandbox: the subject's is the key, a mutant's is its misconception's."""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from microgpt.errors import CourseError
from microgpt.insights.course import Course
from microgpt.insights.grading import same
from microgpt.insights.insight import YOURS, Insight, Question
from microgpt.insights.locked import Answer, Fault, LockedQuestion, can_be_typed, judge, rounded
from microgpt.insights.mutant import apply_mutant
from microgpt.insights.parallel import candidates, choose
from microgpt.insights.question import Kind, is_number, kind_of, shape_of
from microgpt.insights.subject import enclosing_function, parse_python, statement_lines, symbol_source
from microgpt.sandbox import Job, Json, Limits, Outcome, Program, run_jobs

# A question is answered in milliseconds; a mutant that computes for a second never ends. By the clock it may take much
# longer, or a busy machine would make another lock.
_LIMITS = Limits(wall_s=15.0, cpu_s=1.0)
_WORTH_A_SANDBOX = 100  # jobs; to start one takes as long as twenty of them
SAMPLE = "ada"  # a text that every learner's example must work with
_GENERATED = ("generated.py", "GENERATED = True")
_REFUSING = re.compile(r"^GENERATED = False\b", re.MULTILINE)
_SUBJECT = ""  # among the names of misconceptions: the subject itself

Answers = Mapping[str, tuple[LockedQuestion, ...]]
_Mutants = Mapping[str, Mapping[str, str]]  # insight, misconception, source


@dataclass(frozen=True, kw_only=True)
class _Case:
    """A question to be answered by the subject and by each mutant."""

    insight: Insight
    question: Question
    parallel: bool

    @property
    def call(self) -> str:
        return self.question.call or self.insight.call

    @property
    def options(self) -> tuple[str, ...]:
        return self.question.options or self.insight.options


def compute_answers(
    course: Course, insights: Sequence[Insight], *, trusted: bool = False
) -> tuple[Answers, tuple[CourseError, ...]]:
    """Answer every question of some insights, and find parallel questions for them.

    Args:
        trusted: the course's code may run where nothing can contain it.

    Returns:
        What could be answered, by insight id, and what could not, with its place. One cause is told once.
    """
    if not insights:
        return {}, ()
    with_code = [i for i in insights if has_code(i)]
    mutants, errors = _mutants(course, with_code)
    broken = _broken_program(course, trusted) if with_code else None
    if broken:
        return {}, (*errors, broken)
    errors += _broken_yours(course, with_code, trusted)
    authored = [_Case(insight=i, question=q, parallel=False) for i in with_code for q in i.questions]
    locked, failed = _answer_cases(course, authored, mutants, {}, trusted)
    endless = {i.id: _endless(locked[i.id]) for i in with_code}
    varied = [case for insight in with_code for case in _varied(insight)]
    parallel, _ = _answer_cases(course, varied, mutants, endless, trusted)
    answers = {
        i.id: (*locked[i.id], *choose(parallel[i.id], locked[i.id], i.within))
        if i in with_code
        else answers_without_code(i)
        for i in insights
    }
    return answers, (*errors, *_told_once(failed))


def _answer_cases(
    course: Course, cases: Sequence[_Case], mutants: _Mutants, endless: Mapping[str, set[str]], trusted: bool
) -> tuple[dict[str, list[LockedQuestion]], list[tuple[_Case, CourseError]]]:
    """Return the cases with their answers, by insight, and those that have no key.

    Args:
        endless: by insight, the misconceptions whose mutants are known to run for ever and are not run again.
    """
    runs = [_sources(course, case, mutants, endless) for case in cases]
    jobs = [job for case, sources in zip(cases, runs, strict=True) for job in _jobs(course, case, sources)]
    outcomes = iter(_outcomes(jobs, trusted))
    locked: dict[str, list[LockedQuestion]] = {id_: [] for id_ in mutants}
    failed: list[tuple[_Case, CourseError]] = []
    lines = {case.insight.id: _statement_lines(course, case.insight) for case in cases}
    for case, sources in zip(cases, runs, strict=True):
        came = {belief: next(outcomes) for belief in sources}
        key = came.pop(_SUBJECT)
        others = {belief: came.get(belief, Outcome(kind="timeout")) for belief in mutants[case.insight.id]}
        try:
            locked[case.insight.id].append(_locked(case, key, others, lines[case.insight.id]))
        except CourseError as error:
            failed.append((case, error))
    return locked, failed


def _outcomes(jobs: Sequence[Job], trusted: bool) -> list[Outcome]:
    """Run jobs in a sandbox for each processor, and return what came of them in their order."""
    count = max(1, min(os.cpu_count() or 1, len(jobs) // _WORTH_A_SANDBOX))
    shares = [jobs[i::count] for i in range(count)]
    with ThreadPoolExecutor(count) as pool:  # its threads only wait: each sandbox is a process
        came = list(pool.map(partial(run_jobs, limits=_LIMITS, trusted=trusted), shares))
    return [came[i % count][i // count] for i in range(len(jobs))]


def _endless(locked: Sequence[LockedQuestion]) -> set[str]:
    return {name for q in locked for name, answer in q.answers.items() if answer == Fault(kind="timeout")}


def course_program(course: Course, subject: str = "", *, generated: bool = False) -> Program:
    """Return what a course runs: its subject, and its helpers.

    Args:
        subject: an edited one in place of the course's own.
        generated: the question was made up. Helpers that define ``GENERATED`` find it true, and may refuse a hard one.
    """
    name = course.subject_path.name if course.subject_path else "subject.py"
    files = ((name, subject or course.subject_source), ("helpers.py", course.helpers))
    return Program(files=(*files, _GENERATED) if generated and _REFUSING.search(course.helpers) else files)


def _mutants(course: Course, insights: Sequence[Insight]) -> tuple[_Mutants, list[CourseError]]:
    """Return the mutated subjects by insight and misconception, and why some could not be made."""
    mutants: dict[str, dict[str, str]] = {}
    errors: list[CourseError] = []
    for insight in insights:
        mutants[insight.id] = {}
        anchor = anchor_lines(course, insight)
        for belief in insight.misconceptions:
            try:
                source = apply_mutant(course.subject_source, belief.mutant, anchor=anchor)
                mutants[insight.id][belief.id] = _checked(source)
            except CourseError as error:
                message = f"the mutant of {belief.id!r}: {error.message}"
                errors.append(insight.error(f"misconceptions.{belief.id}.mutant", message))
    return mutants, errors


def _checked(source: str) -> str:
    """Return a mutated subject, if it is Python."""
    try:
        parse_python(source, path="")
    except CourseError as error:
        why = error.message.removeprefix("no Python: ").partition(". Try")[0]
        raise CourseError(f"it leaves no Python: {why}. Try a + before each new line, well indented.") from None
    return source


def _varied(insight: Insight) -> Iterator[_Case]:
    for i, (template, inputs) in enumerate(candidates(insight), start=1):
        yield _Case(insight=insight, question=replace(template, id=f"{template.id}~{i}", inputs=inputs), parallel=True)


def _sources(course: Course, case: _Case, mutants: _Mutants, endless: Mapping[str, set[str]]) -> Mapping[str, str]:
    """Return the subjects to ask a case: the real one, then each mutant that is worth running."""
    skipped = endless.get(case.insight.id, set())
    beliefs = {name: source for name, source in mutants[case.insight.id].items() if name not in skipped}
    return {_SUBJECT: course.subject_source, **beliefs}


def _jobs(course: Course, case: _Case, sources: Mapping[str, str]) -> Iterator[Job]:
    for name, source in sources.items():
        watch = _watched(course, case.insight) if name == _SUBJECT and not case.question.holdout else ""
        program = course_program(course, source, generated=case.parallel)
        yield Job(program=program, expression=case.call, inputs=case.question.inputs, watch=watch)


def anchor_lines(course: Course, insight: Insight) -> range:
    """Return the lines of the function that an insight is about; none where there is no such function."""
    watched = _watched(course, insight)
    if not watched:
        return range(0)
    lines = symbol_source(course.subject_source, watched)
    return range(lines.start, lines.start + len(lines.lines))


def _statement_lines(course: Course, insight: Insight) -> tuple[int, ...]:
    watched = _watched(course, insight)
    return statement_lines(course.subject_source, watched) if watched else ()


def _watched(course: Course, insight: Insight) -> str:
    try:
        return enclosing_function(course.subject_source, insight.anchor) if insight.anchor else ""
    except CourseError:
        return ""  # no such anchor; that is for lint to say


def _locked(case: _Case, key: Outcome, others: Mapping[str, Outcome], lines: Sequence[int]) -> LockedQuestion:
    """Return a question with its answers; raise a `CourseError` without place where it has no key.

    Args:
        lines: of the anchor's statements.
    """
    if key.kind != "value":
        raise CourseError(key.detail or key.kind)
    within = case.insight.within
    value = rounded(key.value, within * 1e-6)
    kind, shape = kind_of(value, case.options)
    fits = partial(_fits, kind=kind, depth=len(shape), options=case.options)
    answers = {name: _answer(outcome, within, fits) for name, outcome in others.items()}
    return LockedQuestion(
        id=case.question.id,
        call=case.call,
        ask=case.question.ask or case.insight.ask,
        inputs=case.question.inputs,
        kind=kind,
        shape=shape,
        options=case.options,
        key=value,
        answers=answers,
        shows=tuple(name for name, answer in answers.items() if judge(answer, value, within) == "wrong"),
        holdout=case.question.holdout,
        parallel=case.parallel,
        walk=tuple(
            (lines.index(line), name, rounded(noted, within * 1e-6))
            for line, name, noted in key.notes
            if line in lines  # others were forged
        ),
    )


def _answer(outcome: Outcome, within: float, fits: Callable[[Json], bool]) -> Answer:
    if outcome.kind != "value":
        # The error's name alone: what it says differs between interpreters, and the lock must not.
        return Fault(kind=outcome.kind, detail=outcome.detail.partition(":")[0] if outcome.kind == "error" else "")
    if not can_be_typed(outcome.value) or not fits(outcome.value):
        return Fault(kind="value", detail=type(outcome.value).__name__)
    return rounded(outcome.value, within * 1e-6)


def _fits(value: Json, *, kind: Kind, depth: int, options: tuple[str, ...]) -> bool:
    """Whether a value can be an answer to a question of this kind: a number is none to one that asks for a list."""
    match kind:
        case "choice":
            return any(same(value, option, 0) for option in options)
        case "number":
            return is_number(value)
        case "text":
            return isinstance(value, str)
        case "list":
            return value == [] or len(shape_of(value) or ()) == depth


def has_code(insight: Insight) -> bool:
    """Whether an insight's answers are computed; else the educator gives them all."""
    return bool(insight.call or any(question.call for question in insight.questions))


def answers_without_code(insight: Insight) -> tuple[LockedQuestion, ...]:
    """Return the questions of an insight whose answers its educator gives."""
    return tuple(_without_code(insight, question) for question in insight.questions)


def _without_code(insight: Insight, question: Question) -> LockedQuestion:
    texts = {str(question.right), *(str(answer) for answer in question.wrong.values())}
    return LockedQuestion(
        id=question.id,
        call="",
        ask=question.ask or insight.ask,
        inputs={},
        kind="choice",
        shape=(),
        options=tuple(sorted(texts)),
        key=question.right,
        answers=dict(question.wrong),
        shows=tuple(name for name, answer in question.wrong.items() if judge(answer, question.right, 0) == "wrong"),
        holdout=question.holdout,
        parallel=False,
        walk=(),
    )


def _broken_program(course: Course, trusted: bool) -> CourseError | None:
    """Return why the subject and its helpers cannot be loaded, if they cannot: one error, not one a question."""
    probe = Job(program=course_program(course), expression="0", inputs={})
    outcome = run_jobs([probe], limits=_LIMITS, trusted=trusted)[0]
    if outcome.kind == "value":
        return None
    path = course.folder / "helpers.py" if course.helpers else course.subject_path
    message = f"the subject and its helpers cannot be loaded: {outcome.detail or outcome.kind}. Try running them."
    return CourseError(message, path=str(path))


def _broken_yours(course: Course, insights: Sequence[Insight], trusted: bool) -> list[CourseError]:
    """Return which examples with the learner's own text fail on a plain one."""
    tried = [insight for insight in insights if insight.yours]
    program = course_program(course)
    jobs = [Job(program=program, expression=insight.yours, inputs={YOURS: SAMPLE}) for insight in tried]
    outcomes = run_jobs(jobs, limits=_LIMITS, trusted=trusted)
    return [
        insight.error("yours", f"fails on the text {SAMPLE!r}: {outcome.detail or outcome.kind}. Try it yourself.")
        for insight, outcome in zip(tried, outcomes, strict=True)
        if outcome.kind != "value"
    ]


def _told_once(failed: Sequence[tuple[_Case, CourseError]]) -> Iterator[CourseError]:
    """Yield one error for each cause: a broken helper fails every question that calls it."""
    by_cause: dict[str, list[_Case]] = {}
    for case, error in failed:
        by_cause.setdefault(error.message, []).append(case)
    for cause, cases in by_cause.items():
        first, more = cases[0], len(cases) - 1
        others = f" So do {more} more." if more else ""
        hint = "" if " Try " in cause else f" Try evaluating {first.call} yourself."
        message = f"question {first.question.id!r} fails on the subject: {cause.rstrip('.')}.{others}{hint}"
        yield first.insight.error(f"questions.{first.question.id}", message)
