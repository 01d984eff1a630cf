"""Inputs to try a function on: those of its docstring, or guesses from its types, or from nothing.

>>> found = samples("def half(x: float): ...", "half")
>>> found.call, found.shapes
('half(x)', ({'x': 'number'},))
"""

import ast
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Literal

from microgpt.errors import CourseError
from microgpt.insights.question import is_number, numbers_in, shape_of
from microgpt.insights.subject import function_named, parse_python
from microgpt.sandbox import Json

Kind = Literal["list", "ascending", "whole", "text", "rows", "share", "number", "words", "texts", "flag"]

_UNKNOWN: tuple[Kind, ...] = ("whole", "list", "text", "rows", "share")  # what to try where nothing is said
_MOST_SHAPES = 25
_WORDS = ("apple", "banana", "cherry", "date", "elder", "fig", "grape", "hazel")
_EXAMPLE = re.compile(r"^\s*>>> (.+)$", re.MULTILINE)
_SCALARS: Mapping[str, Kind] = {"int": "whole", "float": "number", "str": "text", "bool": "flag"}


@dataclass(frozen=True, kw_only=True)
class Samples:
    """What a function might be called with.

    Args:
        call: of the function, with the names of its inputs.
        inputs: of its docstring's examples; without any, one guess of each shape.
        shapes: the kind of each input, for every one of `inputs`.
    """

    call: str
    inputs: tuple[Mapping[str, Json], ...]
    shapes: tuple[Mapping[str, Kind], ...]


def samples(source: str, function: str) -> Samples:
    """Return inputs for a function; whether they work is for the sandbox to say.

    Raises:
        CourseError: there is no such function at the top of the source.
    """
    node = function_named(source, function)
    examples = list(_examples(node))
    shapes: list[Mapping[str, Kind]]
    if examples:  # all of one call
        inputs = [values for values in examples if values.keys() == examples[0].keys()]
        shapes = [{name: kind for name, value in each.items() if (kind := _kind_of(value))} for each in inputs]
    else:
        kinds = {argument.arg: _kinds(argument.annotation) for argument in _needed(node)}
        rows = islice(product(*kinds.values()), _MOST_SHAPES)
        shapes = [dict(zip(kinds, row, strict=True)) for row in rows]
        inputs = [draw(shape, random.Random(function)) for shape in shapes]
    return Samples(call=_call(node, list(inputs[0])), inputs=tuple(inputs), shapes=tuple(shapes))


def draw(shape: Mapping[str, Kind], rng: random.Random) -> dict[str, Json]:
    """Return inputs of a shape, small enough to be worked out in the head."""
    return {name: _value(kind, rng) for name, kind in shape.items()}


def _value(kind: Kind, rng: random.Random) -> Json:
    match kind:
        case "whole":
            return rng.randint(1, 20)
        case "number":
            return rng.randint(1, 19) / 2
        case "share":
            return rng.randint(1, 9) / 10
        case "list":
            return list[Json](rng.sample(range(13), rng.randint(2, 4)))
        case "ascending":
            return list[Json](sorted(rng.sample(range(13), rng.randint(2, 5))))
        case "rows":
            return [list[Json](rng.sample(range(7), 2)) for _ in range(2)]
        case "text":
            return rng.choice(_WORDS)
        case "words":
            return " ".join(rng.sample(_WORDS, rng.randint(2, 4)))
        case "texts":
            return list[Json](rng.sample(_WORDS, 3))
        case "flag":
            return rng.random() < 0.5


def _kind_of(value: Json) -> Kind | None:
    """Return the kind of an example's value, None where there is no such kind."""
    if isinstance(value, bool):
        return "flag"
    if is_number(value):
        return "whole" if isinstance(value, int) else "share" if 0 < value < 1 else "number"
    if isinstance(value, str):
        return "words" if " " in value.strip() else "text"
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return "texts"
    match shape_of(value):
        case (size,):
            return "ascending" if size > 2 and list(numbers_in(value)) == sorted(numbers_in(value)) else "list"
        case (_, _):
            return "rows"
        case _:
            return None


def _kinds(annotation: ast.expr | None) -> tuple[Kind, ...]:
    """Return the kinds that a type allows: those of a union's sides, and lists of what stands in brackets."""
    match annotation:
        case ast.Name(id=name) if name in _SCALARS:
            return (_SCALARS[name],)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            sides = [kinds for kinds in (_kinds(left), _kinds(right)) if kinds != _UNKNOWN]  # None is one, of a default
            return tuple(dict.fromkeys(kind for kinds in sides for kind in kinds)) or _UNKNOWN
        case ast.Subscript(slice=ast.Tuple(elts=[first, *_])) | ast.Subscript(slice=first):
            inner = _kinds(first)[0]
            return ("texts",) if inner == "text" else ("rows",) if inner == "list" else ("list",)
        case _:
            return _UNKNOWN


def _needed(function: ast.FunctionDef) -> list[ast.arg]:
    """Return the parameters that have no default; where each has one, all of them."""
    positional = [*function.args.posonlyargs, *function.args.args]
    by_name = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    needed = positional[: len(positional) - len(function.args.defaults)]
    needed += [argument for argument, default in by_name if default is None]
    return needed or [*positional, *function.args.kwonlyargs]


def _call(function: ast.FunctionDef, names: Sequence[str]) -> str:
    """Return a call with these names as its arguments, by position as far as that goes."""
    positional = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    given = [name if positional[i : i + 1] == [name] else f"{name}={name}" for i, name in enumerate(names)]
    return f"{function.name}({', '.join(given)})"


def _examples(function: ast.FunctionDef) -> Iterator[Mapping[str, Json]]:
    """Yield the inputs of each call of a function in its own docstring, where they are plain values."""
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    for line in _EXAMPLE.findall(ast.get_docstring(function) or ""):
        try:
            tree = parse_python(line, path="")
        except CourseError:
            continue
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == function.name:
                named = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
                values = dict(zip(names, call.args, strict=False)) | named
                if values and all(map(_is_plain, values.values())):
                    yield {name: ast.literal_eval(value) for name, value in values.items()}


def _is_plain(node: ast.expr) -> bool:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, MemoryError, RecursionError):
        return False
    return _kind_of(value) is not None
