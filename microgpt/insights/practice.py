"""Practice with the code itself, made from what the educator wrote anyway: a course, and its lock. Nothing is run here.

    hunt         the function with a misconception's edit in it: which line was changed?
    blank        the function with an expression left out: what stands there?
    write        its first lines: write the rest
    experiment   the function with the edit in it: what does a training make of that?

Read beside it: `practice_edit`, the function and what an edit changes in it; `practice_blank`, what can be left out;
`practice_code`, how an expression or a function is graded.
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from microgpt.insights.course import Course
from microgpt.insights.grading import parse
from microgpt.insights.locked import Experiment, LockedInsight
from microgpt.insights.practice_blank import HOLE, Function, blanks
from microgpt.insights.practice_edit import Edited, Place, edit_of, is_beside, place_of
from microgpt.insights.question import is_number
from microgpt.insights.subject import digest
from microgpt.sandbox import Json

ExerciseKind = Literal["hunt", "blank", "write", "experiment"]

VERDICTS = ("worse", "better", "no difference", "crashes")
_LEAST_OTHERS = 2  # lines of code that a hunt must leave to rule out
_OUTWARD = ("open", "input", "print")  # what a course puts others for, so that a function meets its inputs there
_LEAST_BODY = 2  # lines that a function must have for somebody to write it


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """One exercise. All but the last four fields may be shown while it is open.

    Args:
        id: names it within its insight, the same as long as the course is.
        task: what to do, in words.
        file, start, lines: the source to show, numbered as in its file from `start` on.
        options: of an experiment: the verdicts to choose from.
        key: a hunt's changed lines; else the text that stood there, or the verdict.
        answer: the key in words.
        before, after: of a blank or a function to write: the subject's source around the place.
    """

    id: str
    kind: ExerciseKind
    insight: str
    task: str
    file: str
    start: int
    lines: tuple[str, ...]
    options: tuple[str, ...] = ()
    key: Json = field(repr=False)
    answer: str = field(repr=False)
    before: str = field(default="", repr=False)
    after: str = field(default="", repr=False)

    @property
    def runs_code(self) -> bool:
        """Whether an answer is code that has to be run."""
        return self.kind in ("blank", "write")


@dataclass(frozen=True, kw_only=True)
class Grade:
    """What an answer to an exercise is.

    Args:
        parsed: what was understood.
        misconceptions: the beliefs that give these answers.
        why: one sentence, where there is something to say: what was not understood, or where it goes wrong.
    """

    outcome: Literal["right", "wrong", "unparsed"]
    parsed: Json = None
    misconceptions: tuple[str, ...] = ()
    why: str = ""


def make_exercises(course: Course, locked: LockedInsight) -> tuple[Exercise, ...]:
    """Return every exercise that an insight gives, always in the same order; none where it is not about code."""
    insight = course.insights[locked.id]
    place = place_of(course, insight)
    if place is None:
        return ()
    edits = [edited for belief in insight.misconceptions if (edited := edit_of(course, belief, place))]
    made = [_hunt(place, edited) for edited in edits if _leaves_a_choice(place, edited)]
    made += [_experiment(place, edited, found) for edited in edits if (found := _trained(locked, edited))]
    if place.function and (insight.call or any(question.call for question in insight.questions)):
        made += _blanks(course, place, place.function, [piece for edited in edits for piece in edited.pieces])
        made += _write(course, place, place.function)
    return tuple(made)


def choose_exercise(exercises: Sequence[Exercise], seed: str, *, may_run: bool = True) -> Exercise | None:
    """Choose one: first a kind, so that many blanks do not outweigh the others. The same seed chooses the same one.

    Args:
        may_run: whether a learner's code can be run here; otherwise no exercise that asks for code is chosen.
    """
    possible = [exercise for exercise in exercises if may_run or not exercise.runs_code]
    kinds = {exercise.kind for exercise in possible}
    kind = min(kinds, key=lambda kind: digest(f"{seed}/{kind}"), default="")
    of_kind = [exercise for exercise in possible if exercise.kind == kind]
    return min(of_kind, key=lambda exercise: digest(f"{seed}/{exercise.id}"), default=None)


def grade_line(exercise: Exercise, quote: str) -> Grade:
    """Grade the number of a line; any changed one is right."""
    said = parse(quote, "number")
    number = int(said) if is_number(said) and said == int(said) else 0  # "it is 17." reads as 17.0
    last = exercise.start + len(exercise.lines) - 1
    if not exercise.start <= number <= last:
        return Grade(outcome="unparsed", why=f"The answer is the number of one line, from {exercise.start} to {last}.")
    changed = exercise.key if isinstance(exercise.key, list) else []
    return Grade(outcome="right" if number in changed else "wrong", parsed=number)


def grade_choice(exercise: Exercise, quote: str, options: Sequence[str]) -> Grade:
    """Grade a predicted verdict.

    Args:
        options: in the order in which they were lettered.
    """
    said = parse(quote, "choice", options=options)
    if said is None:
        return Grade(outcome="unparsed", why="The answer is one of the letters.")
    return Grade(outcome="right" if said == exercise.key else "wrong", parsed=said)


def _leaves_a_choice(place: Place, edited: Edited) -> bool:
    """Whether enough lines are left to rule out; nobody looks for an edit in a docstring."""
    start, said = place.source.start, tuple[str, ...]()
    if place.function and ast.get_docstring(place.function, clean=False) is not None:
        docstring = place.function.body[0]
        said = place.source.lines[docstring.lineno - start : (docstring.end_lineno or 0) - start + 1]
    code, words = (sum(bool(line.strip()) for line in lines) for lines in (edited.lines, said))
    return code - words - len(edited.changed) >= _LEAST_OTHERS


def _trained(locked: LockedInsight, edited: Edited) -> Experiment | None:
    """Return what a training with an edit came to, if there is one whose verdict can be predicted."""
    found = locked.experiments.get(edited.belief.id)
    return found if found and found.verdict in VERDICTS else None


def _exercise(place: Place, kind: ExerciseKind, name: str, *, task: str, key: Json, answer: str) -> Exercise:
    """Return an exercise that shows the code as it is."""
    return Exercise(
        id=f"{kind}/{name}",
        kind=kind,
        insight=place.insight,
        task=task,
        file=place.source.path_name,
        start=place.source.start,
        lines=place.source.lines,
        key=key,
        answer=answer,
    )


def _edited_task(place: Place, edited: Edited) -> str:
    return f"{place.name} was edited, so that it works as if this were so: “{edited.belief.belief}” "


def _hunt(place: Place, edited: Edited) -> Exercise:
    task = _edited_task(place, edited) + "Give the number of an edited line."
    was = f". Before the edit: {', '.join(f'`{line}`' for line in edited.original)}" if edited.original else ""
    answer = f"line {' or '.join(map(str, edited.changed))}{was}"
    exercise = _exercise(place, "hunt", edited.belief.id, task=task, key=[*edited.changed], answer=answer)
    return replace(exercise, lines=edited.lines)


def _experiment(place: Place, edited: Edited, found: Experiment) -> Exercise:
    task = (
        _edited_task(place, edited)
        + "Models were trained with the edit and without it. By their loss, how did those with it come out?"
    )
    answer = str(found.verdict)
    if found.difference is not None:
        answer += f"; the loss differed by {found.difference:+} ({found.low:+} to {found.high:+})"
    exercise = _exercise(place, "experiment", edited.belief.id, task=task, key=found.verdict, answer=answer)
    return replace(exercise, lines=edited.lines, options=VERDICTS)


def _blanks(course: Course, place: Place, function: Function, pieces: list[tuple[int, int]]) -> Iterator[Exercise]:
    """Yield blanks beside what misconceptions change, where questions see a difference; or, if none does, anywhere."""
    every = blanks(course.subject_source, function)
    if pieces:
        begin = sum(len(line) + 1 for line in course.subject_source.split("\n")[: place.source.start - 1])
        starts = [len(blank.before) - begin for blank in every]
        every = [b for b, start in zip(every, starts, strict=True) if is_beside(start, start + len(b.text), pieces)]
    for number, blank in enumerate(every, 1):
        task = (
            f"A piece of {place.name} is missing: {HOLE} in line {blank.line}. "
            "What stands there? An expression that computes the same is right as well."
        )
        lines = f"{blank.before}{HOLE}{blank.after}".split("\n")[place.source.start - 1 :][: len(place.source.lines)]
        exercise = _exercise(place, "blank", str(number), task=task, key=blank.text, answer=blank.text)
        yield replace(exercise, lines=tuple(lines), before=blank.before, after=blank.after)


def _writing_task(place: Place, body: Sequence[ast.stmt]) -> str:
    """Say what to write, and whatever of the body decides how it is tried."""
    nodes = [node for statement in body for node in ast.walk(statement)]
    inner = ", with the function inside it" if any(isinstance(node, ast.Lambda | Function) for node in nodes) else ""
    called = {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    through = "".join(f" Use `{name}` in it: that is how it is tried." for name in _OUTWARD if name in called)
    return (
        f"Write {place.name} yourself: the whole function, from its `def` on{inner}. "
        f"It may use the rest of {place.source.path_name}, and is tried on several inputs.{through}"
    )


def _write(course: Course, place: Place, function: Function) -> Iterator[Exercise]:
    """Yield the exercise of writing a function that stands at the top of the source and has a body of its own."""
    source, body = place.source, function.body[ast.get_docstring(function, clean=False) is not None :]
    if "." in place.name or not body:
        return
    head = body[0].lineno - source.start
    if head == 0 or len(source.lines) - head < _LEAST_BODY:
        return
    exercise = _exercise(
        place, "write", place.name, task=_writing_task(place, body), key=place.name, answer="\n".join(source.lines)
    )
    every = course.subject_source.split("\n")
    yield replace(
        exercise,
        lines=(*source.lines[:head], f"{' ' * body[0].col_offset}..."),
        before="\n".join(every[: source.start - 1]),
        after="\n".join(every[source.start - 1 + len(source.lines) :]),
    )
