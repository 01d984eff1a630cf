"""Live values: they tell what happened, and looking does not change it."""

import ast
import inspect
import json
import sys
from collections.abc import Callable
from typing import cast

import pytest

from microgpt import reference
from microgpt.sandbox import Job, Json, Program, run_jobs
from microgpt.sandbox.inside.watch import FIRST, NOTES_CHARS, RECORDER, Recorder, compile_watched, instrument

REFERENCE = inspect.getsource(reference)
FUNCTIONS = [
    name
    for node in ast.parse(REFERENCE).body
    for name in (
        [node.name]
        if isinstance(node, ast.FunctionDef)
        else [f"{node.name}.{part.name}" for part in node.body if isinstance(part, ast.FunctionDef)]
        if isinstance(node, ast.ClassDef)
        else []
    )
]


def watch(source: str, name: str, expression: str) -> tuple[object, list[tuple[Json, ...]]]:
    """Return an expression's value, and the notes, without a sandbox: the source is ours."""
    recorder = Recorder()
    namespace: dict[str, object] = {RECORDER: recorder, "__name__": "subject"}
    exec(compile_watched(source, "subject", name), namespace)
    recorder.begin(cast("Callable[[object], object] | None", namespace.get("plain")))
    value = eval(expression, namespace)
    return value, [tuple(cast("list[Json]", note)) for note in recorder.notes()]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_of_the_reference_computes_the_same_while_it_is_watched(name: str) -> None:
    learn = "\ndef learn():\n    return train(['anna', 'bob', 'carla'], steps=3)[0]\n"
    assert watch(REFERENCE + learn, name, "learn()")[0] == watch(REFERENCE + learn, "", "learn()")[0]


def test_the_notes_are_the_values_after_each_line_the_last_time_it_ran() -> None:
    source = '''def f(n):
    """Count."""
    total, xs = 0, []
    for i in range(n):
        total += i
        square = i * i
        xs.append(square)
    a = [b, *rest] = xs
    late: int = a[0] if n else -1
    unset: int
    xs[0] = 9
    if n > 2:
        word = "many"
    return total
'''
    assert watch(source, "f", "f(4)") == (
        6,
        [
            (3, "total", 0),
            (3, "xs", []),
            (5, "total", 6),
            (6, "square", 9),
            (7, "xs", [0, 1, 4, 9]),
            (8, "a", [0, 1, 4, 9]),
            (8, "b", 0),
            (8, "rest", [1, 4, 9]),
            (9, "late", 0),
            (13, "word", "many"),
            (14, "return", 6),
        ],
    )


def test_an_attribute_that_is_assigned_is_noted_with_its_owner() -> None:
    source = """class Node:
    grad = 0
    hidden = property(None, lambda self, value: None)
def f(node):
    node.grad = 2
    node.grad += 1
    node.hidden = 4
    node.grad, node.next = 5, node
    node.next.grad = 6
    return node.grad
"""
    assert watch(source, "f", "f(Node())") == (
        6,
        [(5, "node.grad", 2), (6, "node.grad", 3), (8, "node.grad", 5), (10, "return", 6)],
    )


def test_only_the_first_call_is_noted_neither_later_nor_nested_ones() -> None:
    source = "def f(n):\n    m = n * 10\n    if n: f(n - 1)\n    return m\nearly = f(7)\n"
    assert watch(source, "f", "[f(2), f(5)]")[1] == [(2, "m", 20), (4, "return", 20)]


def test_functions_inside_the_watched_one_keep_to_themselves() -> None:
    source = "def f(n):\n    def g(k):\n        h = k\n        return h\n    y = g(n)\n    return (lambda z: z)(y)\n"
    assert watch(source, "f", "f(3)")[1] == [(5, "y", 3), (6, "return", 3)]


def test_a_method_is_named_with_its_class() -> None:
    source = "class A:\n    def f(self):\n        __x = 1\n        return __x\ndef f():\n    y = 2\n"
    assert watch(source, "A.f", "A().f()")[1] == [(3, "__x", 1), (4, "return", 1)]
    assert watch(source, "f", "f()")[1] == [(6, "y", 2)]
    assert watch(source, "B.f", "A().f()")[1] == []


def test_an_iterator_is_not_used_up_by_looking_at_it() -> None:
    source = "def plain(x): return list(x)\ndef f():\n    it = iter([1, 2])\n    both = [it]\n    return sum(it)\n"
    assert watch(source, "f", "f()") == (3, [(5, "return", 3)])


def test_plain_converts_what_is_noted_and_the_rest_is_left_out() -> None:
    source = "def plain(x): return sorted(x)\ndef f():\n    s = {2, 1}\n    o = object()\n    n = 1e999\n    return 0\n"
    assert watch(source, "f", "f()")[1] == [(3, "s", [1, 2]), (6, "return", 0)]


def test_a_value_that_cannot_be_shown_leaves_no_older_one_in_its_place() -> None:
    source = "def f():\n    for v in [1, object()]:\n        x = v\n    return 0\n"
    assert watch(source, "f", "f()")[1] == [(4, "return", 0)]


def test_what_is_noted_does_not_change_when_the_variable_s_value_does() -> None:
    assert watch("def f():\n    a = [1]\n    b = a\n    b += [2]\n", "f", "f()")[1] == [
        (2, "a", [1]),
        (3, "b", [1]),
        (4, "b", [1, 2]),
    ]


def test_long_notes_are_cut_at_a_whole_note() -> None:
    body = "".join(f"    v{n} = 'x' * 500\n" for n in range(10))
    notes = watch(f"def f():\n{body}", "f", "f()")[1]
    assert [note[1] for note in notes] == ["v0", "v1", "v2"]
    many = watch("def f():\n" + "".join(f"    v{n} = {n}\n" for n in range(300)), "f", "f()")[1]
    assert NOTES_CHARS - 20 < len(json.dumps(many)) <= NOTES_CHARS
    assert watch(f"def f():\n    a = 'x' * {NOTES_CHARS}\n    b = 1\n", "f", "f()")[1] == [(3, "b", 1)]


def test_a_value_too_large_to_be_shown_is_not_looked_through() -> None:
    """A training assigns all its weights in every step, and has a second for all of it."""
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        notes = watch("def f():\n    big = {'w': [[0] * 300] * 300}\n    return 1\n", "f", "f()")[1]
    finally:
        sys.setprofile(None)
    assert notes == [(3, "return", 1)]
    assert calls < 5_000


def test_an_error_names_the_line_that_the_source_has() -> None:
    job = Job(
        program=Program(files=(("subject", "def f(x):\n    y = (1 +\n        2)\n    return y / x\n"),)),
        expression="f(x)",
        inputs={"x": 0},
        watch="f",
    )
    assert run_jobs([job])[0].detail == "ZeroDivisionError: division by zero (subject line 4)"


def test_the_notes_come_with_the_answer_and_only_to_the_job_that_asked() -> None:
    program = Program(
        files=(("subject", "def f(x):\n    y = [x]\n    return y\n"), ("helpers", "def f2(x): return f(x)"))
    )
    jobs = [Job(program=program, expression="f2(x)", inputs={"x": 1}, watch=name) for name in ("f", "", "f")]
    first, silent, last = run_jobs(jobs)
    assert first.notes == last.notes == ((2, "y", [1]), (3, "return", [1]))
    assert silent.notes == ()
    assert first.value == silent.value == [1]


def test_the_names_that_are_added_look_like_nobody_s() -> None:
    names = {
        node.id for node in ast.walk(instrument(ast.parse("def f(): return 1"), "f")) if isinstance(node, ast.Name)
    }
    assert names == {RECORDER, FIRST}
    assert all(name.startswith("__") and name.endswith("__") for name in names)
