"""The subject: the source of the code that a course teaches, found and read without running it."""

import ast
import hashlib
import tokenize
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Literal, cast

from microgpt.errors import CourseError

_MAX_BYTES = 256_000
_Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True, kw_only=True)
class SourceLines:
    """A stretch of source to print.

    Args:
        path_name: the file's name, such as ``reference.py``.
        start: the number of the first line, counted from 1.
    """

    symbol: str
    path_name: str
    start: int
    lines: tuple[str, ...]


def module_path(dotted: str) -> Path | None:
    """Return the file of a module, or None where there is none; no package on the way is imported."""
    search: list[str] | None = None
    name, origin = "", None
    for part in dotted.split("."):
        name = f"{name}.{part}" if name else part
        spec = PathFinder.find_spec(name, search)
        if spec is None:
            return None
        search = list(spec.submodule_search_locations) if spec.submodule_search_locations else []
        origin = spec.origin
    return Path(origin) if origin and origin.endswith(".py") else None


def read_text(path: Path, shown: str) -> str:
    """Return the text of a course's file, without the mark and the line ends that some editors on Windows write.

    Args:
        shown: the path as the user would name it.

    Raises:
        CourseError: it cannot be read, is no UTF-8, or is larger than a course's file can sensibly be.
    """
    try:
        if not path.is_file():
            raise CourseError("no such file. Try checking the name.", path=shown)
        if path.stat().st_size > _MAX_BYTES:
            raise CourseError(f"larger than {_MAX_BYTES // 1000} kB. Try splitting it.", path=shown)
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise CourseError(f"byte {error.start} is no UTF-8. Try saving it as UTF-8.", path=shown) from None
    except OSError as error:
        raise CourseError(f"cannot be read: {error.strerror}. Try checking its permissions.", path=shown) from None


def parse_python(source: str, *, path: str, mode: Literal["exec", "eval"] = "exec") -> ast.Module | ast.Expression:
    """Parse source without running it.

    Raises:
        CourseError: it is no Python; points at the line.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a course's odd backslash is not the learner's business
            tree = ast.parse(source, mode=mode)
    except SyntaxError as error:
        message = f"no Python: {error.msg}. Try running it with python."
        raise CourseError(message, path=path, line=error.lineno or 0) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise CourseError(f"no Python: {error}. Try something simpler.", path=path) from None
    assert isinstance(tree, ast.Module | ast.Expression)
    return tree


def tree_text(source: str, *, path: str = "") -> str:
    """Return source as a text of its syntax tree, without comments and layout, the same from every Python.

    >>> tree_text("x=1  # one") == tree_text("x = 1")
    True
    """
    try:
        return _node_text(parse_python(source, path=path))
    except RecursionError:
        raise CourseError("nested too deeply to be read. Try shorter expressions.", path=path) from None


def digest(text: str) -> str:
    """Return a short fingerprint of a text.

    >>> digest("")
    'e3b0c44298fc1c14'
    """
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def symbol_source(source: str, symbol: str, *, path_name: str = "") -> SourceLines:
    """Return the lines in which a symbol is defined.

    Args:
        symbol: ``adam`` (a function, a class, a name), ``Node.backward``, or ``train.lr``: the first statement in
            `train` that assigns `lr`.

    Raises:
        CourseError: there is no such symbol, or the source is no Python.
    """
    node = _resolve(parse_python(source, path=path_name), symbol, path_name)[-1]
    decorators = node.decorator_list if isinstance(node, _Scope) else []
    start = min([node.lineno, *(d.lineno for d in decorators)])
    lines = source.split("\n")[start - 1 : node.end_lineno]
    return SourceLines(symbol=symbol, path_name=path_name, start=start, lines=tuple(lines))


def symbol_text(source: str, symbol: str) -> str:
    """Return a symbol's definition as `tree_text` does; raises as `symbol_source` does."""
    return _node_text(_resolve(parse_python(source, path=""), symbol, "")[-1])


def _node_text(node: object) -> str:
    """Return a part of a syntax tree as a text.

    Not that of `ast.unparse`, which quotes f-strings in another way from Python 3.12 on, nor that of `ast.dump`, which
    shows empty fields up to 3.12: what is empty is left out here, so that a field that is new in a Python is too.
    """
    if isinstance(node, ast.AST):
        fields = [(name, value) for name, value in ast.iter_fields(node) if value is not None and value != []]
        return f"{type(node).__name__}({', '.join(f'{name}={_node_text(value)}' for name, value in fields)})"
    if isinstance(node, list):
        return f"[{', '.join(_node_text(item) for item in cast(list[object], node))}]"
    return repr(node)


def without_comments(lines: Sequence[str]) -> tuple[str, ...]:
    """Return lines of code with nothing where a comment stood; as they are if they are no Python.

    >>> without_comments(["def f(x):", "    return '#'  # always"])
    ('def f(x):', "    return '#'")
    """
    plain = list(lines)
    try:
        for token in tokenize.generate_tokens(iter([f"{line}\n" for line in lines]).__next__):
            if token.type == tokenize.COMMENT:
                row, column = token.start
                plain[row - 1] = plain[row - 1][:column].rstrip()
    except (SyntaxError, tokenize.TokenError):
        return tuple(lines)
    return tuple(plain)


def function_named(source: str, name: str) -> ast.FunctionDef:
    """Return the definition of a function that a call can name, one at the top of the source.

    Raises:
        CourseError: there is none, or the source is no Python.
    """
    tree = parse_python(source, path="")
    functions = {node.name: node for node in ast.iter_child_nodes(tree) if isinstance(node, ast.FunctionDef)}
    if name not in functions:
        known = get_close_matches(name, functions, n=1) or list(functions)[:5]
        hint = f"Try {' or '.join(known)}." if known else "Try writing one first."
        raise CourseError(f"the subject has no function {name!r} at its top level. {hint}")
    return functions[name]


def top_level_names(source: str) -> tuple[str, ...]:
    """Return the functions and classes that a source defines, in order.

    >>> top_level_names("def f(): ...\\nclass A: ...\\nx = 1")
    ('f', 'A')
    """
    tree = parse_python(source, path="")
    return tuple(node.name for node in ast.iter_child_nodes(tree) if isinstance(node, _Scope))


@cache
def enclosing_function(source: str, symbol: str) -> str:
    """Return the function to watch for a symbol: itself, or the one it stands in; empty where there is none.

    >>> enclosing_function("def train():\\n    lr = 0.1", "train.lr")
    'train'
    """
    parts = symbol.split(".")
    nodes = _resolve(parse_python(source, path=""), symbol, "")
    while nodes and not isinstance(nodes[-1], ast.FunctionDef | ast.AsyncFunctionDef):
        nodes.pop()
    return ".".join(parts[: len(nodes)])


@cache
def statement_lines(source: str, symbol: str) -> tuple[int, ...]:
    """Return the lines of a symbol's function on which a statement begins, in order; empty where there is no function.

    A statement's place among them stays the same when comments move the lines.

    >>> statement_lines("# one\\ndef f(x):\\n    # two\\n    y = x\\n    return y", "f")
    (4, 5)
    """
    nodes = _resolve(parse_python(source, path=""), symbol, "")
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return tuple(sorted({stmt.lineno for stmt in _statements(functions[-1])})) if functions else ()


def _resolve(tree: ast.AST, symbol: str, path: str) -> list[ast.stmt]:
    """Return the statement of each part of a dotted symbol, from the outermost in."""
    found: list[ast.stmt] = []
    scope: ast.AST = tree
    for part in symbol.split("."):
        matches = [stmt for stmt in _statements(scope) if part in _names(stmt)]
        if not matches:
            raise CourseError(f"there is no {symbol!r} in the subject. Try a function's name.", path=path)
        scope = matches[0]
        found.append(scope)
    return found


def _statements(scope: ast.AST) -> Iterator[ast.stmt]:
    """Yield the statements of a scope in order, those in loops and branches too, but not those of inner functions."""
    for child in ast.iter_child_nodes(scope):
        if isinstance(child, ast.stmt):
            yield child
        if isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case) and not isinstance(child, _Scope):
            yield from _statements(child)


def _names(stmt: ast.stmt) -> set[str]:
    """Return the names that a statement itself defines."""
    if isinstance(stmt, _Scope):
        return {stmt.name}
    if isinstance(stmt, ast.Assign):
        targets = stmt.targets
    elif isinstance(stmt, ast.AnnAssign | ast.AugAssign):
        targets = [stmt.target]
    else:
        return set()
    nodes = [node for target in targets for node in ast.walk(target)]
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
