import sys
from pathlib import Path

import pytest

from microgpt import reference
from microgpt.errors import CourseError
from microgpt.insights.course import symbol_source
from microgpt.insights.subject import digest, enclosing_function, module_path, read_text, tree_text

PUZZLING = '''\
def told(by, *more: int):
    """Say it.

        Twice."""
    if by is None or by != [0]:
        return f"{'far' if by > 1 else 'a little'} {by!r:>4}"
    return lambda: {**dict(a=1, b=2.5), "c": [x async for x in more]}
'''

SOURCE = '''\
import functools

LIMIT: int = 3


class Node:
    def backward(self):
        self.grad = 1


@functools.cache
def train(steps):
    """Doc."""
    def inner():
        lr = 99
    for step in range(steps):
        if step:
            lr = (1 -
                  step)
        lr = 2
    sizes = {}
    sizes[steps] = 0
    sizes[lr] = steps = 1
'''


@pytest.mark.parametrize(
    ("symbol", "start", "lines"),
    [
        ("LIMIT", 3, ("LIMIT: int = 3",)),
        ("Node.backward", 7, ("    def backward(self):", "        self.grad = 1")),
        ("train", 11, tuple(SOURCE.split("\n")[10:-1])),
        ("train.lr", 18, ("            lr = (1 -", "                  step)")),
        ("train.steps", 23, ("    sizes[lr] = steps = 1",)),
        ("train.inner.lr", 15, ("        lr = 99",)),
    ],
)
def test_a_symbol_is_found_with_the_lines_it_is_defined_in(symbol: str, start: int, lines: tuple[str, ...]) -> None:
    found = symbol_source(SOURCE, symbol, path_name="x.py")
    assert (found.symbol, found.path_name, found.start, found.lines) == (symbol, "x.py", start, lines)


@pytest.mark.parametrize("symbol", ["inner", "lr", "train.step", "Node.grad", "train.lr.x", "", ".", "train."])
def test_a_symbol_that_is_not_defined_there_is_an_error(symbol: str) -> None:
    with pytest.raises(CourseError, match="no '"):
        symbol_source(SOURCE, symbol)


def test_every_function_of_the_reference_is_found_as_the_interpreter_compiled_it() -> None:
    source = Path(str(reference.__file__)).read_text()
    for name, value in vars(reference).items():
        if getattr(value, "__module__", "") == reference.__name__ and hasattr(value, "__code__"):
            assert symbol_source(source, name).start == value.__code__.co_firstlineno


def test_the_function_to_watch_is_the_symbol_itself_or_the_one_around_it() -> None:
    assert enclosing_function(SOURCE, "train.lr") == "train"
    assert enclosing_function(SOURCE, "train.inner.lr") == "train.inner"
    assert enclosing_function(SOURCE, "Node.backward") == "Node.backward"
    assert enclosing_function(SOURCE, "Node") == ""
    assert enclosing_function(SOURCE, "LIMIT") == ""


def test_a_module_is_located_without_being_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "booby" / "trap"
    package.mkdir(parents=True)
    for path in (tmp_path / "booby" / "__init__.py", package / "__init__.py", package / "leaf.py"):
        path.write_text("raise SystemExit('executed')")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert module_path("booby.trap.leaf") == package / "leaf.py"
    assert not any(name.startswith("booby") for name in sys.modules)


@pytest.mark.parametrize("name", ["nowhere", "microgpt.nowhere", "microgpt.reference.x", "sys", "_json", "..", "a b"])
def test_a_module_without_source_is_not_found(name: str) -> None:
    assert module_path(name) is None


def test_comments_and_layout_do_not_change_the_tree_but_a_digit_does() -> None:
    assert tree_text("def f(a):\n    return a+1 # one") == tree_text("# first\ndef f( a ):\n\n        return (a + 1)")
    assert tree_text("def f(a):\n    return a + 1") != tree_text("def f(a):\n    return a + 2")


@pytest.mark.parametrize("source", ["def f(:", "\x00", "x = '\\d'\n)", "(" * 5000, "+".join("a" * 50_000), "a\ud800"])
def test_source_that_is_no_python_is_an_error_without_a_traceback(source: str) -> None:
    with pytest.raises(CourseError, match="Try"):
        tree_text(source, path="x.py")


def test_the_text_of_a_tree_is_the_same_from_every_python() -> None:
    """A lock made by one must hold for another. 3.12 changed how f-strings are printed, 3.13 what is left out."""
    assert digest(tree_text(PUZZLING)) == "cc2316d8d3e87d2d"


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "latin.md").write_bytes(b"caf\xe9")
    (tmp_path / "large.md").write_bytes(b"x" * 300_000)
    for name, says in [("latin.md", "UTF-8"), ("large.md", "larger"), ("none.md", "no such file"), (".", "no such")]:
        with pytest.raises(CourseError, match=says):
            read_text(tmp_path / name, name)
