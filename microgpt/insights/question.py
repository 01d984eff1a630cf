"""A question's kind and how its inputs look: told from the value that the subject gives, not typed by anyone."""

import json
from collections.abc import Iterable, Mapping
from typing import Literal, TypeGuard

from microgpt.errors import CourseError
from microgpt.sandbox import Json

Kind = Literal["number", "list", "choice", "text"]

_LARGEST = 1e300  # so that a difference is still a float


def render_inputs(inputs: Mapping[str, Json]) -> str:
    """Return the inputs as they stand above the question.

    >>> render_inputs({"gradients": [5], "lr": 0.1})
    'gradients = [5]   lr = 0.1'
    """
    return "   ".join(f"{name} = {render_value(value)}" for name, value in inputs.items())


def render_value(value: Json) -> str:
    """Return a value as a learner reads and types it.

    >>> render_value([[0.5, 1], [0, 2]])
    '[[0.5, 1], [0, 2]]'
    """
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def kind_of(key: Json, options: tuple[str, ...]) -> tuple[Kind, tuple[int, ...]]:
    """Return what kind of answer a key asks for, and a list's shape, ``(2, 3)`` for two rows of three.

    Raises:
        CourseError: nobody could type such an answer.
    """
    if options:
        if key in options:
            return "choice", ()
        raise CourseError(f"its answer {render_value(key)!r} is none of the options. Try adding it to `options:`.")
    if is_number(key):
        return "number", ()
    if isinstance(key, str) and key.strip():
        return "text", ()
    if isinstance(key, list) and (shape := shape_of(key)):
        return "list", shape
    raise CourseError(
        f"its answer {render_value(key)[:60]} is no number, text or even list of numbers. Try a call that gives one."
    )


def is_number(value: Json) -> TypeGuard[int | float]:
    """Whether a value is a number to calculate with; True and False are not, nor is an integer beyond all floats."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST


def shape_of(value: Json) -> tuple[int, ...] | None:
    """Return the shape of evenly nested lists of numbers, ``()`` for a number, None for anything else.

    >>> shape_of([[1, 2, 3], [4, 5, 6]])
    (2, 3)
    """
    if is_number(value):
        return ()
    if not isinstance(value, list) or not value:
        return None
    shapes = {shape_of(item) for item in value}
    inner = shapes.pop()
    return None if shapes or inner is None else (len(value), *inner)


def numbers_in(value: Json) -> Iterable[float]:
    """Yield the numbers of nested lists, row by row."""
    if isinstance(value, list):
        for item in value:
            yield from numbers_in(item)
    elif is_number(value):
        yield value
