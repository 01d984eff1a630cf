"""Small wrong edits of a function, made mechanically: candidates for what somebody might believe.

These are the operators of mutation testing (DeMillo, Lipton and Sayward 1978): a forgotten term, the wrong sign, a
bound off by one. Most say nothing about a person; which of them do is for the educator to see. Read beside: `mutant`,
the form they come in, and `draft`, which keeps those that show themselves.

>>> [m.diff for m in mutations("def half(x):\\n    return x / 2", "half")][:2]
['- return x / 2\\n+ return x', '- return x / 2\\n+ return x * 2']
"""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from microgpt.errors import CourseError
from microgpt.insights.mutant import apply_mutant
from microgpt.insights.subject import function_named, tree_text

_OTHER_SIGN = {"+": "-", "-": "+", "*": "/", "/": "*", "//": "/", "%": "//", "**": "*", "+=": "-=", "-=": "+="}
_OTHER_BOUND = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "in": "not in", "not in": "in"}
_OTHER_FUNCTION = {"min": "max", "max": "min", "any": "all", "all": "any"}
_SIGN = re.compile(r"\*\*|//|[-+*/<>=!]=|[-+*/%<>]|\b(?:not )?in\b")  # as above, the longest first
_SIGN_NAMES = {
    "+": "plus", "-": "minus", "*": "times", "/": "divided", "//": "whole-part", "%": "rest", "**": "power",
    "+=": "adds", "-=": "takes", "<": "less", "<=": "at-most", ">": "more", ">=": "at-least", "==": "equal",
    "!=": "unequal", "in": "in", "not in": "not-in",
}  # fmt: skip
_KINDS = ("forgets", "other-sign", "off-by-one", "other-end", "swaps", "other")  # the likeliest beliefs first


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """One wrong edit.

    Args:
        id: what it does to the code, as an id: ``forgets-len-numbers``.
        diff: as a misconception's ``mutant``.
    """

    id: str
    diff: str


@dataclass(frozen=True)
class _Edit:
    """Other text for a stretch of one line, given in bytes as the syntax tree counts them."""

    kind: str
    about: str
    start: int
    end: int
    text: str


def mutations(source: str, function: str) -> tuple[Mutation, ...]:
    """Return every edit of a function that these operators make, one of each kind and so on.

    Raises:
        CourseError: there is no such function.
    """
    node, plain = function_named(source, function), tree_text(source)
    lines = source.split("\n")
    anchor = range(node.lineno, (node.end_lineno or node.lineno) + 1)
    found: list[Mutation] = []
    edits = [
        (edit, lines[inner.lineno - 1]) for inner in _code(node) for edit in _edits(inner, lines[inner.lineno - 1])
    ]
    for edit, line in _taking_turns(edits):
        diff = _diff(edit, line)
        if diff not in [m.diff for m in found] and _works(source, diff, anchor, plain):
            name = _unused(_slug(f"{edit.kind} {edit.about}"), {m.id for m in found})
            found.append(Mutation(id=name, diff=diff))
    return tuple(found)


def _taking_turns(edits: Sequence[tuple[_Edit, str]]) -> Iterator[tuple[_Edit, str]]:
    """Yield one edit of each kind, then another of each, so that the first few differ in kind."""
    by_kind = [[pair for pair in edits if pair[0].kind == kind] for kind in _KINDS]
    for row in zip_longest(*by_kind):
        yield from (pair for pair in row if pair)


def _diff(edit: _Edit, line: str) -> str:
    """Return an edit as a diff, without the comment at the line's end."""
    before, after = _text(line, 0, edit.start), _text(line, edit.end, len(line.encode()))
    code = after.partition("  #")[0].rstrip()
    return f"- {(before + _text(line, edit.start, edit.end) + code).strip()}\n+ {(before + edit.text + code).strip()}"


def _code(function: ast.FunctionDef) -> Iterator[ast.expr | ast.AugAssign]:
    """Yield what computes something in a function's body and stands on one line; docstring and types do not."""
    for statement in function.body[bool(ast.get_docstring(function)) :]:
        for node in ast.walk(statement):
            if isinstance(node, ast.expr | ast.AugAssign) and node.lineno == node.end_lineno:
                yield node


def _edits(node: ast.expr | ast.AugAssign, line: str) -> Iterator[_Edit]:
    """Yield the edits of one expression, or of ``total += x``."""
    start, end = node.col_offset, node.end_col_offset or 0
    match node:
        case ast.BinOp(left=left, right=right):
            yield from _edits_of_two(line, start, end, left, right, _OTHER_SIGN, "other-sign")
        case ast.Compare(left=left, comparators=[right]):
            yield from _edits_of_two(line, start, end, left, right, _OTHER_BOUND, "off-by-one")
        case ast.AugAssign(target=left, value=right):
            yield from _edits_of_two(line, start, end, left, right, _OTHER_SIGN, "other-sign")
        case ast.UnaryOp(op=ast.USub(), operand=ast.expr() as operand):
            yield _Edit("other-sign", "minus", start, operand.col_offset, "")
        case ast.Constant(value=int() as value) if not isinstance(value, bool):
            yield _Edit("off-by-one", str(value), start, end, str(value - 1 if value > 0 else value + 1))
        case ast.Subscript(slice=ast.Constant(value=0) as index):
            yield _Edit("other-end", "first", index.col_offset, index.end_col_offset or 0, "-1")
        case ast.Subscript(slice=ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=1)) as index):
            yield _Edit("other-end", "last", index.col_offset, index.end_col_offset or 0, "0")
        case ast.IfExp(body=body):
            yield _Edit("forgets", "the-condition", start, end, _text(line, start, body.end_col_offset or 0))
        case ast.Call():
            yield from _edits_of_call(node, line)
        case _:
            pass


def _edits_of_two(
    line: str, start: int, end: int, left: ast.expr, right: ast.expr, others: dict[str, str], kind: str
) -> Iterator[_Edit]:
    """Yield the edits of two sides with a sign between them: the other sign, and one side forgotten."""
    after_left = left.end_col_offset or 0
    between = _text(line, after_left, right.col_offset)
    sign = _SIGN.search(between)
    if sign is None or sign[0] not in others:
        return
    at = after_left + sign.start()
    past = at + len(sign[0])
    if kind == "other-sign" and sign[0].endswith("="):  # total += x  ->  total = x
        yield _Edit("forgets", _text(line, start, at), at, past, "=")
    elif kind == "other-sign":
        yield _Edit("forgets", _text(line, past, end), start, end, _text(line, start, at).rstrip())
        if sign[0] in "+*":
            yield _Edit("forgets", _text(line, start, at), start, end, _text(line, past, end).lstrip())
    yield _Edit(kind, _SIGN_NAMES[sign[0]], at, past, others[sign[0]])


def _edits_of_call(call: ast.Call, line: str) -> Iterator[_Edit]:
    """Yield the edits of a call: the other function, arguments swapped, the function forgotten."""
    if not isinstance(call.func, ast.Name) or call.keywords:
        return
    name, start, end = call.func.id, call.col_offset, call.end_col_offset or 0
    if name in _OTHER_FUNCTION:
        other = _OTHER_FUNCTION[name]
        yield _Edit("other", f"{other}-for-{name}", start, call.func.end_col_offset or 0, other)
    match call.args:
        case [ast.GeneratorExp() | ast.Starred()]:
            pass
        case [ast.expr()]:
            inner = _text(line, (call.func.end_col_offset or 0) + 1, end - 1)
            simple = isinstance(call.args[0], ast.Name | ast.Call | ast.Subscript | ast.Constant | ast.List)
            yield _Edit("forgets", name, start, end, inner if simple else f"({inner})")
        case [first, second]:
            a, b = (_text(line, arg.col_offset, arg.end_col_offset or 0) for arg in (first, second))
            between = _text(line, first.end_col_offset or 0, second.col_offset)
            yield _Edit("swaps", name, first.col_offset, second.end_col_offset or 0, f"{b}{between}{a}")
        case _:
            pass


def _works(source: str, diff: str, anchor: range, plain: str) -> bool:
    """Whether an edit fits at one place, is Python, and is another program than the source, whose tree `plain` is."""
    try:
        return tree_text(apply_mutant(source, diff, anchor=anchor)) != plain
    except CourseError:
        return False


def _text(line: str, start: int, end: int) -> str:
    return line.encode()[start:end].decode()


def _slug(words: str) -> str:
    return "-".join(re.findall(r"[a-z0-9]+", words.lower())[:5])[:40].rstrip("-")


def _unused(name: str, used: set[str]) -> str:
    number = next(n for n in range(1, len(used) + 2) if (name if n == 1 else f"{name}-{n}") not in used)
    return name if number == 1 else f"{name}-{number}"
