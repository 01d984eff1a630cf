"""What a job answers, and that it costs nobody else anything."""

import json
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgpt.sandbox import Job, Json, Limits, Outcome, run_jobs
from microgpt.sandbox.inside.plain import DEEPEST, NotPlainError, to_json
from tests.sandbox.jobs import ask, ask_one, program

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(), parts, max_size=3),
    max_leaves=8,
)


@settings(max_examples=5, deadline=None)
@given(st.lists(JSON, min_size=1, max_size=20))
def test_what_goes_in_comes_out_in_the_same_order(values: list[Json]) -> None:
    halves = program("def same(x): return x"), program("def same(x): return [x][0]")
    jobs = [Job(program=halves[n % 2], expression="same(x)", inputs={"x": value}) for n, value in enumerate(values)]
    assert run_jobs(jobs) == [Outcome(kind="value", value=value) for value in values]


@given(JSON)
def test_what_is_json_already_is_copied_unchanged(value: Json) -> None:
    assert to_json(value) == json.loads(json.dumps(value))


def test_tuples_become_lists() -> None:
    assert ask_one("", "(1, (2.5, 'x'), {'k': (None, True)})").value == [1, [2.5, "x"], {"k": [None, True]}]


def test_a_course_s_plain_converts_what_is_not_json_wherever_it_stands() -> None:
    source = "class Node:\n    data = (1, 2)\n", "def plain(node): return node.data"
    job = Job(program=program(*source), expression="{'a': [Node(), 3]}", inputs={})
    assert run_jobs([job]) == [Outcome(kind="value", value={"a": [[1, 2], 3]})]


ERRORS = {
    "float('nan')": "the answer holds nan, which is not a finite number",
    "[1.0, float('-inf')]": "the answer holds -inf, which is not a finite number",
    "{1: 2}": "the answer holds a dict, which is no number, text, list or dict of such",
    "{1, 2}": "the answer holds a set, which is no number, text, list or dict of such",
    "1 / 0": "ZeroDivisionError: division by zero",
    "divide(1, 0)": "ZeroDivisionError: division by zero (subject line 2)",
    "divide(1, 0) +": "SyntaxError: invalid syntax",
    "missing": "NameError: name 'missing' is not defined",
    "fail('two\\nlines')": "ValueError: two lines (subject line 5)",
    "fail('x' * 1000)": "ValueError: " + "x" * 288 + " (subject line 5)",
    "fail(Rude())": "Rude (subject line 5)",
    "exit(3)": "SystemExit: 3",
    "interrupt()": "KeyboardInterrupt (subject line 9)",
    "deep(1)": "RecursionError: maximum recursion depth exceeded (subject line 12)",
    "fail('\\ud800')": "ValueError: ? (subject line 5)",
    "fail('\\x1b[2J')": "ValueError: ?[2J (subject line 5)",
}


def test_what_is_no_value_is_told_in_one_line() -> None:
    source = """def divide(a, b):
    return a / b
from sys import exit
def fail(why):
    raise why if isinstance(why, Exception) else ValueError(why)
class Rude(Exception):
    def __str__(self): raise self
def interrupt():
    raise KeyboardInterrupt

def deep(n):
    return deep(n + 1)
"""
    outcomes = ask(source, *ERRORS)
    assert {outcome.kind for outcome in outcomes} == {"error"}
    assert dict(zip(ERRORS, (outcome.detail for outcome in outcomes), strict=True)) == ERRORS


def test_an_integer_too_long_to_write_is_an_error() -> None:
    outcome = ask_one("", "10 ** 10000")
    assert (outcome.kind, outcome.detail[:12]) == ("error", "ValueError: ")


def test_text_that_is_not_unicode_is_an_error_wherever_it_stands() -> None:
    assert [outcome.kind for outcome in ask("", "'\\ud800'", "[{'\\ud800': 1}]")] == ["error"] * 2


def test_a_list_nested_too_deeply_to_walk_through_is_an_error() -> None:
    nest = "def nest(n):\n    x = []\n    for _ in range(n): x = [x]\n    return x"
    fine, *deep = ask(nest, *(f"nest({depth})" for depth in (DEEPEST - 1, DEEPEST, 900, 100_000)))
    assert fine.kind == "value"
    assert deep == [Outcome(kind="error", detail=f"the answer is nested deeper than {DEEPEST} lists")] * 3


@pytest.mark.parametrize(
    ("source", "detail"),
    [
        ("x = 1\ny = (", "SyntaxError: '(' was never closed (subject line 2)"),
        ("x = 1\nx.y", "AttributeError: 'int' object has no attribute 'y' (subject line 2)"),
        ("raise SystemExit", "SystemExit (subject line 1)"),
        ("x = '\\0'".replace("\\0", "\0"), "source code string cannot contain null bytes"),
        ("-" * 100000 + "1", ""),
    ],
)
def test_a_program_that_does_not_run_is_the_outcome_of_each_of_its_jobs(source: str, detail: str) -> None:
    *broken, fine = run_jobs(
        [Job(program=program(text), expression="1", inputs={}) for text in (source, source, "whole = True")]
    )
    assert broken[0] == broken[1]
    assert broken[0].kind in {"error", "memory", "killed"}
    assert detail in broken[0].detail
    assert "\n" not in broken[0].detail
    assert fine == Outcome(kind="value", value=1)


def test_the_inputs_are_seen_by_the_expression_alone() -> None:
    outcomes = ask("def peek(): return 'x' in globals()", "peek()", "[x for _ in range(2)]", x=3)
    assert [outcome.value for outcome in outcomes] == [False, [3, 3]]


def test_neither_inputs_nor_globals_pass_from_a_job_to_the_next() -> None:
    shared: list[Json] = [1]
    source = "total = []\ndef add(xs):\n    xs.append(2); total.append(xs); return [xs, len(total)]"
    assert [outcome.value for outcome in ask(source, "add(x)", "add(x)", x=shared)] == [[[1, 2], 1]] * 2
    assert shared == [1]


def test_the_program_is_a_module_called_subject_and_its_main_part_does_not_run() -> None:
    source = """
from __future__ import annotations
from dataclasses import dataclass
@dataclass
class Point:
    x: int
ran = False
if __name__ == "__main__":
    ran = True
"""
    assert ask_one(source, "[__name__, ran, Point(3).x]").value == ["subject", False, 3]


def test_answers_are_the_same_every_time_even_if_they_depend_on_a_set_s_order() -> None:
    assert len({str(ask_one("", "list({'a', 'b', 'c', 'd', 'e', 'f'})").value) for _ in range(3)}) == 1


@pytest.mark.parametrize(
    ("expression", "kind", "detail"),
    [
        ("os._exit(7)", "killed", "it ended its own process, with status 7"),
        ("os.kill(os.getpid(), 9)", "killed", "ended by signal 9"),
        pytest.param("os.kill(os.getpid(), 40)", "killed", "ended by signal 40", marks=pytest.mark.slow),
        pytest.param("ctypes.string_at(0)", "killed", "ended by signal 11", marks=pytest.mark.slow),
        pytest.param(
            "[sys.setrecursionlimit(10 ** 9), deep(1)]",
            "killed",
            "ended by signal 11",
            marks=[
                pytest.mark.skipif(sys.version_info >= (3, 12), reason="Python stops it itself, before the signal"),
                pytest.mark.slow,
            ],
        ),
        ("loop()", "timeout", "more than 1 s of processor time"),
        pytest.param("9 ** 9 ** 9", "timeout", "more than 1 s of processor time", marks=pytest.mark.slow),
        ("time.sleep(10 ** 6)", "timeout", "no answer within 0.5 s"),
        ("bytearray(100 << 30)", "memory", "more memory than it may have"),
        ("hoard()", "memory", "more memory than it may have"),
        ("flood()", "output", "more than 64 kB of output"),
        pytest.param("'x' * 100000", "output", "more than 64 kB of output", marks=pytest.mark.slow),
    ],
)
def test_a_job_that_fails_costs_only_itself(expression: str, kind: str, detail: str) -> None:
    source = """
import ctypes, os, sys, time
def deep(n): return max(map(deep, [n]))
def loop():
    while True: pass
def hoard():
    held = []
    while True: held.append(["x"] * 1000)
def flood():
    while True: print("x" * 1000)
"""
    limits = Limits(wall_s=0.5 if "sleep" in expression else 20, cpu_s=1, memory_mb=100, output_kb=64)
    outcomes = ask(source, "'before'", expression, "'after'", limits=limits)
    assert [outcomes[0].value, outcomes[2].value] == ["before", "after"]
    assert outcomes[1] == Outcome(kind=kind, detail=detail)  # pyright: ignore[reportArgumentType]


def test_a_program_that_never_ends_is_waited_for_once_not_once_for_each_job() -> None:
    outcomes = ask("import time\ntime.sleep(10 ** 6)", *["1"] * 100, limits=Limits(wall_s=0.5))
    assert outcomes == [Outcome(kind="timeout", detail="no answer within 0.5 s")] * 100


@pytest.mark.slow
def test_a_program_that_keeps_the_processor_busy_is_a_timeout_too() -> None:
    assert (
        ask("while True: pass", "1", "2", limits=Limits(wall_s=60, cpu_s=1))
        == [Outcome(kind="timeout", detail="more than 1 s of processor time")] * 2
    )


def test_a_program_that_ends_its_process_is_the_outcome_of_each_of_its_jobs() -> None:
    assert (
        ask("import os\nos._exit(4)", "1", "2")
        == [Outcome(kind="killed", detail="it ended its own process, with status 4")] * 2
    )


def test_no_jobs_need_no_sandbox() -> None:
    assert run_jobs([]) == []


@pytest.mark.parametrize("value", [float("inf"), object(), {1: 1}, [set[int]()]])
def test_what_json_cannot_say_is_not_plain(value: object) -> None:
    with pytest.raises(NotPlainError):
        to_json(value)
