"""Live values: what the variables of one function held, line by line, while it ran.

The syntax tree is changed, rather than a tracer set, because trees come out the same on every supported interpreter,
and a tracer's line events do not. ``y = x + 1`` on line 3 becomes ``y = x + 1; first and recorder.note(3, "y", y)``.
"""

import ast
import json
from collections.abc import Callable, Iterator, Sized
from types import CodeType
from typing import TypeVar, cast

from microgpt.sandbox.inside.plain import Json, NotPlainError, to_json

RECORDER = "__watch__"  # the recorder's name in the program's namespace
FIRST = "__watch_first__"  # a local variable: is this the call to take notes of?
NOTES_CHARS = 2000

Function = ast.FunctionDef | ast.AsyncFunctionDef
T = TypeVar("T")


class Recorder:
    """Takes notes of the first call of the watched function after `begin`; silent before."""

    def __init__(self) -> None:
        self._plain: Callable[[object], object] | None = None
        self._fresh = False
        self._texts: dict[tuple[int, str], str] = {}

    def begin(self, plain: Callable[[object], object] | None) -> None:
        """Watch the next call.

        Args:
            plain: converts what is not JSON, as for `to_json`.
        """
        self._plain, self._fresh, self._texts = plain, True, {}

    def enter(self) -> bool:
        """Say whether the call that starts now is the one to take notes of."""
        first, self._fresh = self._fresh, False
        return first

    def note(self, line: int, name: str, value: object) -> None:
        """Keep what a variable holds now; of a line that runs again, the last value counts."""
        self._texts.pop((line, name), None)
        text = self._text(value)
        if text:
            self._texts[line, name] = text

    def note_held(self, line: int, name: str, owner: object, attribute: str) -> None:
        """Keep what an attribute holds now; one that cannot be read is left out."""
        try:
            value = getattr(owner, attribute)
        except Exception:
            return
        self.note(line, name, value)

    def returned(self, first: bool, line: int, value: T) -> T:
        """Note what is returned, and pass it on."""
        if first:
            self.note(line, "return", value)
        return value

    def notes(self) -> list[Json]:
        """Return the notes by line, as many as fit into `NOTES_CHARS` of JSON."""
        kept: list[Json] = []
        room = NOTES_CHARS
        for (line, name), text in sorted(self._texts.items(), key=lambda item: item[0][0]):
            note: Json = [line, name, json.loads(text)]
            room -= len(json.dumps(note)) + len(", ")
            if room < 0:
                break
            kept.append(note)
        return kept

    def _text(self, value: object) -> str:
        """Return a value as JSON, or nothing where it cannot be shown."""
        if isinstance(value, Sized) and len(value) > NOTES_CHARS:
            return ""
        try:
            if _room_left(value, NOTES_CHARS) < 0:  # all the weights of a model, in each of hundreds of steps
                return ""
            text = json.dumps(to_json(value, self._look))
        except Exception:
            return ""
        return text if len(text) <= NOTES_CHARS else ""

    def _look(self, part: object) -> object:
        """Convert what is not JSON without disturbing the program: to look into an iterator is to use it up."""
        if self._plain is None or hasattr(part, "__next__"):
            raise NotPlainError("not to be shown")
        return self._plain(part)


def _room_left(value: object, room: int) -> int:
    """Return how many characters are left of a room if each part of a value takes one; below 0, it does not fit.

    >>> _room_left([[1, 2], [3]], 100), _room_left([[0] * 60] * 2, 100)
    (95, -22)
    """
    if not isinstance(value, list | tuple | dict):
        return room
    parts = cast("dict[object, object]", value).values() if isinstance(value, dict) else cast("list[object]", value)
    room -= len(parts)
    for part in parts:
        if room < 0:
            break
        room = _room_left(part, room)
    return room


def compile_watched(source: str, filename: str, name: str) -> CodeType:
    """Compile a program, with one of its functions watched if `name` is not empty."""
    tree = ast.parse(source, filename)
    return compile(instrument(tree, name) if name else tree, filename, "exec", dont_inherit=True)


def instrument(tree: ast.Module, name: str) -> ast.Module:
    """Change a program so that one function tells the recorder what it assigns and returns.

    Args:
        tree: of the program; changed in place.
        name: a function at the top, or ``Class.method``. Unknown: nothing is watched.

    >>> tree = instrument(ast.parse("def f(x):\\n    y = x + 1\\n    return y"), "f")
    >>> print(ast.unparse(tree))
    def f(x):
        __watch_first__ = __watch__.enter()
        y = x + 1
        __watch_first__ and __watch__.note(2, 'y', y)
        return __watch__.returned(__watch_first__, 3, y)
    """
    function = _find(tree, name)
    if function:
        docstring = 0 if ast.get_docstring(function, clean=False) is None else 1
        enter = _statement(f"{FIRST} = {RECORDER}.enter()", function.body[0])
        _Watching().generic_visit(function)
        function.body.insert(docstring, enter)
    return tree


def _find(tree: ast.Module, name: str) -> Function | None:
    owner, _, last = name.rpartition(".")
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == owner]
    for scope in classes if owner else [tree]:
        for node in scope.body:
            if isinstance(node, Function) and node.name == last:
                return node
    return None


class _Watching(ast.NodeTransformer):
    """Adds a note after each assignment of a function, and around what it returns."""

    def visit_Assign(self, node: ast.Assign) -> list[ast.stmt]:
        return [node, *(note for target in node.targets for note in _notes(node, target))]

    def visit_AugAssign(self, node: ast.AugAssign) -> list[ast.stmt]:
        return [node, *_notes(node, node.target)]

    def visit_AnnAssign(self, node: ast.AnnAssign) -> list[ast.stmt]:
        return [node, *(_notes(node, node.target) if node.value else ())]

    def visit_Expr(self, node: ast.Expr) -> list[ast.stmt]:
        match node.value:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append")):
                return [node, _note(node, name)]
            case _:
                return [node]

    def visit_Return(self, node: ast.Return) -> ast.Return:
        if node.value:
            call = ast.parse(f"{RECORDER}.returned({FIRST}, {node.lineno}, None)", mode="eval").body
            assert isinstance(call, ast.Call)
            _place(call, node)
            call.args[-1] = node.value
            node.value = call
        return node

    def _leave(self, node: ast.AST) -> ast.AST:
        """A function inside has calls and variables of its own."""
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = visit_Lambda = _leave  # noqa: N815


def _notes(node: ast.stmt, target: ast.expr) -> Iterator[ast.stmt]:
    """Yield a note of each variable, and of each attribute of one, that a target names."""
    match target:
        case ast.Name(id=name):
            yield _note(node, name)
        case ast.Attribute(value=ast.Name(id=owner), attr=name):
            held = f"{RECORDER}.note_held({node.lineno}, {f'{owner}.{name}'!r}, {owner}, {name!r})"
            yield _statement(f"{FIRST} and {held}", node)
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            for part in parts:
                yield from _notes(node, part)
        case ast.Starred(value=part):
            yield from _notes(node, part)
        case _:
            pass


def _note(node: ast.stmt, name: str) -> ast.stmt:
    return _statement(f"{FIRST} and {RECORDER}.note({node.lineno}, {name!r}, {name})", node)


def _statement(source: str, place: ast.stmt) -> ast.stmt:
    return _place(ast.parse(source).body[0], place)


N = TypeVar("N", bound=ast.AST)


def _place(node: N, place: ast.stmt) -> N:
    """Give every part of a new node the place of an old one, so that an error names the program's own line."""
    for part in ast.walk(node):
        ast.copy_location(part, place)
    return node
