"""Pieces of a function that can be left blank: each an expression of one line that somebody has to think about.

>>> half = "def half(total):\\n    return total / (1 + 1)"
>>> [blank.text for blank in blanks(half, ast.parse(half).body[0])]
['total / (1 + 1)', 'total', '1 + 1']
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

HOLE = "____"
_SHORTEST, _LONGEST = 2, 40  # characters: a single one is no exercise, and more than these cannot be guessed as written

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, kw_only=True)
class Blank:
    """An expression of the source that may be left out.

    Args:
        line: of the file, counted from 1.
        before, after: the source around it, all of it.
    """

    line: int
    text: str
    before: str
    after: str


def blanks(source: str, function: Function) -> tuple[Blank, ...]:
    """Return what can be left blank in a function: operands, arguments, places in a list, values that are kept.

    Args:
        function: its syntax tree, as a part of the source's.
    """
    lines = source.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    found: list[Blank] = []
    for node in _pieces(function):
        line = lines[node.lineno - 1].encode()
        begin = starts[node.lineno - 1] + len(line[: node.col_offset].decode())
        end = starts[node.lineno - 1] + len(line[: node.end_col_offset].decode())
        text = source[begin:end]
        if _SHORTEST <= len(text) <= _LONGEST:
            found.append(Blank(line=node.lineno, text=text, before=source[:begin], after=source[end:]))
    return tuple(found)


def _pieces(function: Function) -> Iterator[ast.expr]:
    """Yield the expressions in question in the order of the source; types and texts are none."""
    statements = function.body[ast.get_docstring(function, clean=False) is not None :]
    nodes = [node for statement in statements for node in _code(statement)]
    pieces = [piece for node in nodes for piece in _parts(node) if piece.lineno == piece.end_lineno]
    yield from sorted(pieces, key=lambda piece: (piece.lineno, piece.col_offset, -(piece.end_col_offset or 0)))


def _code(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and all below it, but not the types, nor what stands inside of a text."""
    yield node
    types = [getattr(node, name, None) for name in ("annotation", "returns")]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Subscript):  # list[Node]()
        types.append(node.func)
    for child in ast.iter_child_nodes(node):
        if child not in types and not isinstance(node, ast.JoinedStr):
            yield from _code(child)


def _parts(node: ast.AST) -> Iterator[ast.expr]:
    """Yield what a node computes with, where it can be asked for."""
    match node:
        case ast.BinOp(left=left, right=right):
            parts = [left, right]
        case ast.Compare(left=left, comparators=others):
            parts = [left, *others]
        case ast.Call(args=args):
            parts = args
        case ast.Subscript(slice=index):
            parts = [index]
        case ast.Assign(value=value) | ast.AugAssign(value=value) | ast.Return(value=ast.expr() as value):
            parts = [value]
        case _:
            parts = []
    yield from (part for part in parts if not isinstance(part, _NO_PIECE) and not _is_text(part))


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and not isinstance(node.value, int | float)


_NO_PIECE = (ast.GeneratorExp, ast.Starred, ast.Slice, ast.JoinedStr, ast.Lambda)
