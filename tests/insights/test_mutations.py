import ast
import inspect

import pytest

from microgpt import reference
from microgpt.errors import CourseError
from microgpt.insights.insight import IDENTIFIER
from microgpt.insights.mutant import apply_mutant
from microgpt.insights.mutations import mutations
from microgpt.insights.subject import symbol_source, tree_text

REFERENCE = inspect.getsource(reference)
ALL = [node.name for node in ast.parse(REFERENCE).body if isinstance(node, ast.FunctionDef)]
LONG = {"causal_softmax", "sample", "attention"}  # their many mutations take a second or two
FUNCTIONS = [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in ALL[::5]]


def edits(line: str, before: str = "") -> set[str]:
    """Return what becomes of the one line of a function."""
    source = f"def f(x, y, xs):\n{before}    {line}\n"
    made = mutations(source, "f")
    lines = [apply_mutant(source, m.diff).split("\n")[1 + before.count("\n")].strip() for m in made]
    return set(lines)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_mutation_of_the_reference_is_python_another_program_and_changes_one_line_of_it(function: str) -> None:
    lines = symbol_source(REFERENCE, function)
    made = mutations(REFERENCE, function)
    anchor = range(lines.start, lines.start + len(lines.lines))
    for mutation in made:
        mutated = apply_mutant(REFERENCE, mutation.diff, anchor=anchor)
        assert tree_text(mutated) != tree_text(REFERENCE)
        pairs = zip(REFERENCE.split("\n"), mutated.split("\n"), strict=True)
        changed = [number for number, (old, new) in enumerate(pairs, 1) if old != new]
        assert len(changed) == 1
        assert changed[0] in anchor
    names = [mutation.id for mutation in made]
    assert len(set(names)) == len(names)
    assert all(IDENTIFIER.fullmatch(name) for name in names)


@pytest.mark.parametrize(
    ("line", "becomes"),
    [
        ("return x - y", {"return x", "return x + y"}),
        ("return x + y", {"return x", "return y", "return x - y"}),
        ("return (x + y) * 2", {"return (x) * 2", "return (y) * 2", "return (x - y) * 2", "return (x + y)"}),
        ("return x // y", {"return x", "return x / y"}),
        ("return x < y", {"return x <= y"}),
        ("return x in xs", {"return x not in xs"}),
        ("return max(x, y)", {"return min(x, y)", "return max(y, x)"}),
        ("return abs(x)", {"return x"}),
        ("return sum(xs) / 1", {"return xs / 1", "return sum(xs)", "return sum(xs) * 1", "return sum(xs) / 0"}),
        ("return -x", {"return x"}),
        ("return xs[0]", {"return xs[-1]", "return xs[1]"}),
        ("return xs[-1]", {"return xs[0]", "return xs[1]", "return xs[-0]"}),
        ("return x if x > 0 else 0.5", {"return x", "return x if x >= 0 else 0.5", "return x if x > 1 else 0.5"}),
        ("return 'é' + x", {"return 'é'", "return x", "return 'é' - x"}),
    ],
)
def test_what_is_forgotten_turned_round_or_off_by_one(line: str, becomes: set[str]) -> None:
    assert becomes <= edits(line)


def test_what_was_before_may_be_forgotten_where_something_is_added_to_it() -> None:
    assert {"x = y", "x -= y"} <= edits("x += y")


def test_docstrings_defaults_and_types_are_left_alone_and_a_comment_is_no_part_of_a_diff() -> None:
    source = 'def f(x: int = 1 + 1) -> 2 - 1:\n    """One, 1 + 1."""\n    return x * 3  # three, 3 + 0\n'
    made = mutations(source, "f")
    assert {m.diff.split("\n")[0] for m in made} == {"- return x * 3"}
    assert not any("#" in m.diff for m in made)


def test_the_first_few_differ_in_kind() -> None:
    made = mutations("def f(x, y):\n    return max(x - y, 1) * x - y\n", "f")
    assert len({m.id.split("-")[0] for m in made[:4]}) == 4


def test_a_function_that_is_not_there_names_the_nearest() -> None:
    with pytest.raises(CourseError, match=r"no function 'sofmax' at its top level\. Try softmax\."):
        mutations(REFERENCE, "sofmax")
