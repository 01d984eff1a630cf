"""Every line of the reference that computes something belongs to an insight: its anchor, or what it shows.

A line computes if a statement within a function stands on it, the header of a loop or a branch included. What does not
count: everything outside functions (imports, names of types, the reading of arguments), a function's first line with
its parameters and their defaults, docstrings and comments, and what only prints, by `print` or `report`.
"""

import ast
from collections.abc import Collection, Iterator
from itertools import groupby

from microgpt.insights.course import Course, find_course, load_course
from microgpt.insights.subject import symbol_source

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_PRINTS = {"print", "report"}


def computing_lines(source: str) -> dict[int, str]:
    """Return the number of every line that computes something, with the top-level function or class it stands in."""
    lines = dict[int, str]()
    for outer in ast.parse(source).body:
        if isinstance(outer, _Function | ast.ClassDef):
            functions = [node for node in ast.walk(outer) if isinstance(node, _Function)]
            lines |= {line: outer.name for function in functions for line in _lines_of_body(function)}
    return dict(sorted(lines.items()))


def _lines_of_body(function: _Function) -> Iterator[int]:
    for statement in _statements(function.body):
        if not _is_docstring(statement) and not _prints(statement):
            yield from range(statement.lineno, _last_line(statement) + 1)


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a body and of the loops and branches in it; an inner function is walked on its own."""
    for statement in body:
        if isinstance(statement, _Function | ast.ClassDef):
            continue
        yield statement
        for field in ("body", "orelse", "finalbody"):
            yield from _statements(getattr(statement, field, []))
        for handler in getattr(statement, "handlers", []):
            yield from _statements(handler.body)


def _last_line(statement: ast.stmt) -> int:
    """Return where a statement ends; one with a body, where its header does."""
    body = getattr(statement, "body", None)
    return max(statement.lineno, body[0].lineno - 1) if body else statement.end_lineno or statement.lineno


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _prints(statement: ast.stmt) -> bool:
    call = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in _PRINTS


def symbols_taught(course: Course) -> set[str]:
    """Return every symbol of the subject that some insight is about or shows."""
    named = [(insight.anchor, *insight.show) for insight in course.insights.values()]
    return {symbol for symbols in named for symbol in symbols if symbol}


def open_lines(source: str, symbols: Collection[str]) -> dict[int, str]:
    """Return the computing lines that stand in none of these symbols."""
    taught = set[int]()
    for symbol in symbols:
        shown = symbol_source(source, symbol)
        taught |= set(range(shown.start, shown.start + len(shown.lines)))
    return {line: name for line, name in computing_lines(source).items() if line not in taught}


def told(source: str, lines: dict[int, str]) -> str:
    """Return lines by function, as a list for the person who has to place them."""
    text = source.split("\n")
    groups = groupby(lines.items(), key=lambda item: item[1])
    return "\n".join("\n".join([name, *(f"{line:5} {text[line - 1]}" for line, _ in group)]) for name, group in groups)


def bundled() -> Course:
    return load_course(find_course("microgpt"))


def test_every_line_of_the_reference_that_computes_something_belongs_to_an_insight() -> None:
    course = bundled()
    left = open_lines(course.subject_source, symbols_taught(course))
    assert not left, f"no insight is about these lines or shows them:\n{told(course.subject_source, left)}"


def test_a_line_computes_if_a_statement_within_a_function_stands_on_it() -> None:
    source = '''"""Text."""
import math
half = 0.5

def first(x,
          by=2):
    """Text."""
    # a comment
    for i in range(
            by):
        x = (x +
             i)
    def inner():
        return x
    report(x)
    return inner

class Pair:
    __slots__ = ("a",)
    def __init__(self, a):
        self.a = a

if __name__ == "__main__":
    print(first(1))'''
    assert computing_lines(source) == {**dict.fromkeys((9, 10, 11, 12, 14, 16), "first"), 21: "Pair"}
    assert open_lines(source, ["first.x"]) == {**dict.fromkeys((9, 10, 14, 16), "first"), 21: "Pair"}
    assert open_lines(source, ["first", "Pair"]) == {}


def test_a_function_that_no_insight_names_is_seen_to_be_open() -> None:
    course = bundled()
    symbols = symbols_taught(course) | set(computing_lines(course.subject_source).values())
    assert "adam" in open_lines(course.subject_source, symbols - {"adam"}).values()
