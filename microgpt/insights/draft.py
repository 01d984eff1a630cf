"""A page that only wants the educator's words: inputs and mutants are proposed, and answered like any other page's.

First every guess at the function's inputs is tried, then many inputs of the kind that worked, on the subject and on
mutations of it, a few at a time; one that never ends is not asked again. Onto the page go mutations whose answers
differ from the right one and from one another on every question; who would believe such a thing is left to the
educator to say.
"""

import json
import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from microgpt.errors import CourseError
from microgpt.insights.answers import compute_answers
from microgpt.insights.course import Course
from microgpt.insights.grading import same
from microgpt.insights.insight import IDENTIFIER, parse_insight
from microgpt.insights.leaks import says
from microgpt.insights.locked import Fault, LockedQuestion, judge
from microgpt.insights.mutations import Mutation, mutations
from microgpt.insights.page_rules import PLACEHOLDER
from microgpt.insights.question import render_inputs, render_value
from microgpt.insights.samples import Samples, draw, samples
from microgpt.insights.subject import function_named, read_text
from microgpt.sandbox import Json

_QUESTIONS = ("one", "two", "three", "four", "last")  # the last is the holdout
_MOST_BELIEFS = 4
_FEWEST_KEYS = 3  # different ones, or a guess is right too often
_MUTATIONS, _INPUTS = 30, 60  # tried
_AT_ONCE = 8  # mutations; each that never ends costs a second of processor time
_WITHIN = 0.005  # as on a page that says nothing else


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A page to be written into the course's folder.

    Args:
        beliefs: ids of the misconceptions that wait for a person who holds them.
    """

    id: str
    text: str
    beliefs: tuple[str, ...]


def _silent(said: str) -> None:
    """Tell nobody."""


def draft_insight(
    course: Course, anchor: str, *, name: str = "", trusted: bool = False, tell: Callable[[str], None] = _silent
) -> Draft:
    """Propose a page about a function of the subject.

    Args:
        name: the insight's id; made of the anchor where it is empty.
        trusted: the course's code may run where nothing can contain it.
        tell: is called with what is being tried; where code runs for ever, that may take half a minute.

    Raises:
        CourseError: there is such a page, no such function, or no inputs that tell it from its mutations.
        SandboxError: nothing here can contain the course's code.
    """
    name = _new_name(course, name or _slug(anchor))
    edits = mutations(course.subject_source, anchor)[:_MUTATIONS]
    if not edits:
        raise CourseError(f"no small edit of {anchor!r} changes it. Try a function that computes more.")
    known = samples(course.subject_source, anchor)
    if not known.inputs[0]:
        raise CourseError(f"{anchor!r} has no inputs, so it can be asked one question only. Try another function.")
    tell(f"Trying inputs on {anchor} ...")
    inputs = _inputs(course, anchor, known, trusted)
    beliefs: list[Mutation] = []
    chosen: list[LockedQuestion] = []
    for first in range(0, len(edits), _AT_ONCE):
        tell(f"Trying {len(inputs)} inputs on edits of {anchor}, {first} of {len(edits)} so far ...")
        group = [*beliefs, *edits[first : first + _AT_ONCE]]
        beliefs, chosen = _telling(*_asked(course, anchor, known.call, inputs, group, trusted))
        if len(beliefs) == _MOST_BELIEFS:
            break
    if not beliefs:
        hint = f"Try more examples in its docstring:  >>> {anchor}(...)"
        raise CourseError(f"no small edit of {anchor!r} shows itself on {len(_QUESTIONS)} inputs. {hint}")
    text = _page(name, anchor, known.call, chosen, beliefs)
    return Draft(id=name, text=text, beliefs=tuple(edit.id for edit in beliefs))


def begin_course(folder: Path, anchor: str, name: str = "") -> str:
    """Return a ``course.yaml`` for a folder that has a file with the function and nothing else yet.

    Raises:
        CourseError: no file of the folder has such a function.
    """
    for path in sorted(folder.glob("*.py")):
        try:
            function_named(read_text(path, str(path)), anchor)
        except CourseError:
            continue
        course = _slug(folder.resolve().name) or "my-course"
        return (
            f"format: 1\nid: {course}\ntitle: About {path.name}\naudience: Who is this for?\n"
            f"subject: {path.name}\norder: [{name or _slug(anchor)}]\n"
        )
    message = f"no course.yaml is here, and no Python file with a function {anchor!r}. Try the folder that has one."
    raise CourseError(message, path=str(folder))


def _slug(words: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def _new_name(course: Course, name: str) -> str:
    if not IDENTIFIER.fullmatch(name):
        raise CourseError(f"the id {name!r} has other signs than a-z, 0-9 and -. Try  --id lower-case-words")
    path = course.folder / f"{name}.md"
    if path.exists():
        hint = f"Try: microgpt insight preview {name} {course.folder}, or another --id."
        raise CourseError(f"this page is there already, and stays as it is. {hint}", path=str(path))
    return name


def _inputs(course: Course, anchor: str, known: Samples, trusted: bool) -> list[Mapping[str, Json]]:
    """Return inputs of the first shape that the function takes, each once."""
    same_program = Mutation(id="none", diff=f"- def {anchor}\n+ def {anchor}")  # for a page has to have one
    tried, errors = _answered(course, anchor, known.call, known.inputs, [same_program], trusted)
    if not tried:
        cause = errors[0].message.partition(" on the subject: ")[2].partition(" Try ")[0].partition(" So do ")[0]
        hint = "a function that does." if "its answer" in cause else f"an example in its docstring:  >>> {anchor}(...)"
        message = f"no inputs that were guessed for {anchor!r} give a number, a list or a text: {cause.rstrip('.')}."
        raise CourseError(f"{message} Try {hint}")
    works, rng = known.shapes[_number(tried[0])], random.Random(anchor)
    alike = [question.inputs for question in tried if known.shapes[_number(question)] == works]
    drawn = [*alike, *(draw(works, rng) for _ in range(_INPUTS))]
    return [values for i, values in enumerate(drawn) if values not in drawn[:i]]


def _asked(
    course: Course,
    anchor: str,
    call: str,
    inputs: Sequence[Mapping[str, Json]],
    edits: Sequence[Mutation],
    trusted: bool,
) -> tuple[list[LockedQuestion], Sequence[Mutation]]:
    """Return inputs as questions that some edits have answered, and those edits that always came to an end.

    It asks in batches, each twice as large as the last, so that an edit which never ends is found out soon.
    """
    questions: list[LockedQuestion] = []
    for batch in (inputs[2**i - 1 : 2 ** (i + 1) - 1] for i in range(len(inputs).bit_length())):
        if not edits:
            break
        asked, _ = _answered(course, anchor, call, batch, edits, trusted)
        edits = [edit for edit in edits if not any(q.answers[edit.id] == Fault(kind="timeout") for q in asked)]
        questions += asked
    return questions, edits


def _answered(
    course: Course,
    anchor: str,
    call: str,
    inputs: Sequence[Mapping[str, Json]],
    edits: Sequence[Mutation],
    trusted: bool,
) -> tuple[tuple[LockedQuestion, ...], tuple[CourseError, ...]]:
    """Return the inputs that the subject takes, as questions of a page that is never written, with all answers.

    Returns:
        The questions, and why the other inputs give none.
    """
    numbered = [(f"q{i}", values) for i, values in enumerate(inputs)]
    keep = f"keep: [{', '.join(inputs[0])}]\n"  # no parallel questions are wanted
    page = _front("draft", anchor, call, keep) + _questions(numbered) + "misconceptions:\n"
    page += "".join(_misconception(edit, "Somebody's.", "q0") for edit in edits) + "---\n"
    insight = parse_insight(page, "draft.md")
    answers, errors = compute_answers(course, [insight], trusted=trusted)
    if insight.id not in answers:
        raise errors[-1]  # the subject or its helpers cannot be loaded
    return answers[insight.id], errors


def _number(question: LockedQuestion) -> int:
    return int(question.id.removeprefix("q"))


def _telling(
    questions: Sequence[LockedQuestion], edits: Sequence[Mutation]
) -> tuple[list[Mutation], list[LockedQuestion]]:
    """Return mutations, and as many questions as a page has on which each of them gives an answer of its own."""
    chosen: list[Mutation] = []
    left = _discreet(sorted(questions, key=lambda question: len(render_value(question.key))))  # the easiest first
    for edit in edits:
        telling = [question for question in left if _all_differ(question, [*chosen, edit])]
        keys = len(list(_with_new_keys(telling)))
        if len(chosen) < _MOST_BELIEFS and len(telling) >= len(_QUESTIONS) and keys >= _FEWEST_KEYS:
            chosen, left = [*chosen, edit], telling
    new = list(_with_new_keys(left))
    return chosen, [*new, *(question for question in left if question not in new)][: len(_QUESTIONS)]


def _discreet(questions: Sequence[LockedQuestion]) -> list[LockedQuestion]:
    """Return the questions without those that say another's answer, or whose answer another one says."""
    kept: list[LockedQuestion] = []
    for question in questions:
        if not any(_gives_away(question, other) or _gives_away(other, question) for other in kept):
            kept.append(question)
    return kept


def _gives_away(question: LockedQuestion, other: LockedQuestion) -> bool:
    """Whether the inputs of one question say the answer to another; a single number stands there by chance."""
    return other.kind != "number" and says(render_inputs(question.inputs), other.key, _WITHIN)


def _all_differ(question: LockedQuestion, edits: Sequence[Mutation]) -> bool:
    answers = [question.key, *(question.answers[edit.id] for edit in edits)]
    values = [answer for answer in answers if not isinstance(answer, Fault)]
    return len(values) == len(answers) and all(judge(a, b, _WITHIN) == "wrong" for a, b in combinations(values, 2))


def _with_new_keys(questions: Sequence[LockedQuestion]) -> Iterator[LockedQuestion]:
    keys: list[Json] = []
    for question in questions:
        if not any(same(question.key, key, _WITHIN) for key in keys):
            keys.append(question.key)
            yield question


def _page(name: str, anchor: str, call: str, questions: Sequence[LockedQuestion], beliefs: Sequence[Mutation]) -> str:
    """Return the page, with a placeholder wherever only the educator has the words."""
    inputs = zip(_QUESTIONS, (question.inputs for question in questions), strict=True)
    counters = zip(beliefs, _QUESTIONS, questions, strict=False)
    said = [_misconception(edit, _who_says(edit, question), counter) for edit, counter, question in counters]
    return (
        _front(name, anchor, call)
        + _questions(inputs)
        + "misconceptions: # rename each after what somebody thinks; delete those that nobody would think\n"
        + "".join(said)
        + f"skip: {PLACEHOLDER} what beginners can do without\n---\n"
        + f"{PLACEHOLDER} why the claim is true, in a few short sentences.\n\n"
        + f"## Where it breaks\n{PLACEHOLDER} what this hides, in a sentence or two.\n"
    )


def _front(name: str, anchor: str, call: str, keep: str = "") -> str:
    return (
        f"---\nid: {name}\nclaim: {PLACEHOLDER} the one thing to remember, in 25 words or fewer\nanchor: {anchor}\n"
        f"ask: {PLACEHOLDER} what is asked about the inputs, which stand above it\ncall: {call}\n{keep}questions:\n"
    )


def _questions(inputs: Iterable[tuple[str, Mapping[str, Json]]]) -> str:
    lines: list[str] = []
    for name, values in inputs:
        lines += [f"  {name}:", *(["    holdout: true"] if name == _QUESTIONS[-1] else [])]
        lines += [f"    {key}: {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"


def _who_says(edit: Mutation, question: LockedQuestion) -> str:
    answer, key = question.answers[edit.id], render_value(question.key)
    given = "" if isinstance(answer, Fault) else render_value(answer)
    return json.dumps(
        f"{PLACEHOLDER} what does somebody think who says {given} where {key} is right?", ensure_ascii=False
    )


def _misconception(edit: Mutation, belief: str, counter: str) -> str:
    diff = edit.diff.replace("\n", "\n      ")
    return f"  {edit.id}:\n    belief: {belief}\n    mutant: |\n      {diff}\n    counter: {counter}\n"
