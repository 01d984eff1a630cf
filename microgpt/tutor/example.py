"""A worked example with the learner's own values: a question with other inputs, or a page's `yours` with their text.

Run in the sandbox when it is asked for, and kept nowhere: it is no evidence, and no plan depends on it.
"""

import ast
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NoReturn

from microgpt.errors import LessonError
from microgpt.insights.answers import course_program
from microgpt.insights.course import Course
from microgpt.insights.grading import parse
from microgpt.insights.insight import YOURS, Insight
from microgpt.insights.locked import LockedQuestion, rounded
from microgpt.insights.question import is_number, render_inputs, render_value, shape_of
from microgpt.insights.strict_yaml import nearest
from microgpt.insights.subject import enclosing_function, statement_lines
from microgpt.sandbox import Job, Json, Limits, run_jobs
from microgpt.tutor.render import LONGEST, show, source_of, worked_facts
from microgpt.tutor.turns import Example
from microgpt.tutor.view import Teachable

_LIMITS = Limits(wall_s=5.0, cpu_s=2.0)  # somebody waits
_QUOTED = re.compile(r"(['\"])(.*)\1", re.DOTALL)
_NAMED = re.compile(r"\s*([A-Za-z_]\w*)\s*=(?!=)")


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is to be run.

    Args:
        ask: what it answers, in words or as code.
        watch: the function whose values are shown beside its lines; empty for none.
    """

    call: str
    inputs: Mapping[str, Json]
    ask: str
    watch: str = ""


def work_through(
    taught: Teachable, name: str, question: LockedQuestion, values: str, *, trusted: bool = False
) -> Example:
    """Work an insight's example through with the learner's own values.

    Args:
        question: the one that the turn works through.
        values: what the learner typed.
        trusted: the course's code may run where nothing can contain it.

    Raises:
        LessonError: no values that the example could take.
        SandboxError: nothing here can contain the course's code.
    """
    course, insight = taught.course, taught.course.insights[name]
    work = what_to_work(course, insight, question, values)
    job = Job(program=course_program(course), expression=work.call, inputs=work.inputs, watch=work.watch)
    given = render_inputs(work.inputs)
    outcome = run_jobs([job], limits=_LIMITS, trusted=trusted)[0]
    if outcome.kind != "value":
        why = "it takes too long" if outcome.kind == "timeout" else outcome.detail or outcome.kind
        return Example(worked=worked_facts(given, work.ask, (), ""), why_not=f"With that, the code stops: {why}.")
    lines = statement_lines(course.subject_source, work.watch) if work.watch else ()
    least = insight.within * 1e-6
    beside = [(line, noted, show(rounded(value, least))) for line, noted, value in outcome.notes if line in lines]
    worked = worked_facts(given, work.ask, beside, _text(rounded(outcome.value, least)))
    return Example(worked=worked, source=source_of(taught, insight.anchor) if beside else None)


def what_to_work(course: Course, insight: Insight, question: LockedQuestion, values: str) -> Work:
    """Return what is run for what the learner typed.

    Raises:
        LessonError: it says what to type instead.
    """
    values = values.strip()
    if len(values) > LONGEST:
        raise LessonError(f"that is longer than {LONGEST} characters. Try less.")
    named = _NAMED.match(values)
    name = named[1] if named else ""
    if insight.yours and name not in question.inputs and not get_close_matches(name, question.inputs, n=1):
        text = values[named.end() :].strip() if named and name == YOURS else values
        if not text:
            raise LessonError("that is no text. Try one, such as  banana")
        return Work(call=insight.yours, inputs={YOURS: text}, ask=insight.yours)
    inputs = {**question.inputs, **_inputs(question.inputs, values)}
    watch = enclosing_function(course.subject_source, insight.anchor) if insight.anchor else ""
    return Work(call=question.call, inputs=inputs, ask=question.ask, watch=watch)


def _inputs(known: Mapping[str, Json], values: str) -> dict[str, Json]:
    """Return the inputs that were typed, such as ``query = [1, 0]   keys = [[1, 0]]``, or one value alone."""
    if not known:
        raise LessonError("this example has no values to change. Try: next")
    names = "|".join(map(re.escape, known))
    named = _NAMED.match(values)
    if named and named[1] not in known:
        raise LessonError(f"the example has no value {named[1]!r}. {nearest(named[1], known)}")
    parts = re.split(rf"[\s,;]*\b({names})\s*=(?!=)", values)
    if len(parts) == 1:  # no name
        if len(known) > 1 or not values:
            _refuse(*next(iter(known.items())))
        (name,) = known
        parts = ["", name, values]
    if parts[0].strip() or len({*parts[1::2]}) < len(parts[1::2]):  # something before the first, or one of them twice
        _refuse(*next(iter(known.items())))
    return {name: _value(name, text.strip(), known[name]) for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def _value(name: str, text: str, like: Json) -> Json:
    """Return a typed value, of the kind that the example has there."""
    if isinstance(like, str):
        quoted = _QUOTED.fullmatch(text)
        value: Json = quoted[2] if quoted else text
    elif is_number(like):
        value = None if text.startswith("[") else parse(text, "number")
    else:
        value = _list(text, like)
    return _refuse(name, like) if value is None or value == "" else value


def _list(text: str, like: Json) -> Json:
    """Return a list, typed as Python has it, with or without its brackets, or as an answer may be typed."""
    for typed in (text, f"[{text}]"):
        with suppress(ValueError, SyntaxError, MemoryError, RecursionError):
            value = ast.literal_eval(typed)
            if isinstance(value, list | tuple) and _held([*value]) <= _held(like):
                return [*value]
    shape = shape_of(like)
    return parse(text, "list", shape=shape, any_length=True) if shape and not re.search("[a-z]", text, re.I) else None


def _held(value: Json) -> set[str]:
    """Return the kinds of what stands in a list, and in the lists in it."""
    if isinstance(value, list):
        return set[str]().union(*map(_held, value))
    return {"number"} if is_number(value) else {type(value).__name__}


def _refuse(name: str, like: Json) -> NoReturn:
    raise LessonError(f"that is no value of the example. Try one such as  {name} = {render_value(like)}")


def _text(value: Json) -> str:
    """Return a value as it is shown; texts a line each, as many as can be read."""
    if not (isinstance(value, list) and value and all(isinstance(item, str) for item in value)):
        return show(value)
    lines = [str(item) for item in value]
    while len("\n".join(lines)) > LONGEST and len(lines) > 1:
        lines = [*lines[:-2], "…"]
    return "\n".join(lines)
