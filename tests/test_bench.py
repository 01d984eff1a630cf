"""What is measured is what it is said to be: the same work, each process for itself, and nothing left running."""

import json
import runpy
import shlex
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from microgpt.bench import lesson, measure
from microgpt.bench.against import measure_command
from microgpt.bench.benchmark import Benchmark
from microgpt.bench.budgets import Budget, check_program, check_speeds
from microgpt.bench.machine import this_machine
from microgpt.bench.measure import BATCHES, GAIN, SUBJECTS, Measurement, Missing, best_batch, measure_engines
from microgpt.bench.processes import start_probe
from microgpt.bench.report import to_text
from microgpt.config import ENGINES
from microgpt.errors import ConfigError
from microgpt.learner.store import Store
from microgpt.tutor.tools import LessonTools

MONDAY = datetime(2026, 1, 5, 9, tzinfo=UTC)
ROOT = Path(__file__).parent.parent
NUMPY = json.dumps({"engine": "numpy", "device": "cpu", "dtype": "float32"})
SHORT = 0.05  # seconds


# ---- engines


def test_all_engines_are_measured():
    assert {subject.engine for subject in SUBJECTS} == set(ENGINES)


@given(st.lists(st.floats(1, 1e9), min_size=len(BATCHES), max_size=len(BATCHES)))
@example([100.0] * len(BATCHES))
def test_the_best_batch_is_as_fast_as_any_that_was_tried_but_for_a_gain_within_the_noise(speeds):
    tried = {}

    def tokens_per_s(batch: int) -> float:
        tried[batch] = speeds[BATCHES.index(batch)]
        return tried[batch]

    best = best_batch(tokens_per_s)
    assert tried[best] * GAIN >= max(tried.values())
    assert all(tried[batch] < tried[best] for batch in tried if batch < best)
    assert list(tried) == list(BATCHES[: len(tried)])
    if len(tried) < len(BATCHES):
        assert list(tried)[-3] == best  # two in vain


def measured(name: str, *, documents_per_s: float, yardstick_steps_per_s: float, batch: int = 1) -> Measurement:
    return Measurement(
        name=name,
        described=name,
        batch=batch,
        steps_per_s=documents_per_s / batch,
        documents_per_s=documents_per_s,
        tokens_per_s=7 * documents_per_s,
        peak_bytes=41_000_000,
        start_s=0.1,
        yardstick_steps_per_s=yardstick_steps_per_s,
    )


def benchmark(*items: Measurement | Missing | Budget) -> Benchmark:
    return Benchmark(machine=this_machine(), day=date(2026, 1, 5), complete=True, items=items)


def test_a_ratio_is_to_the_yardstick_at_its_fastest_in_the_run():
    slow = measured("reference float64", documents_per_s=200, yardstick_steps_per_s=4.6)
    fast = measured("numpy float64", documents_per_s=6000, yardstick_steps_per_s=9.2)
    batched = measured("numpy float32", documents_per_s=20_000, yardstick_steps_per_s=9, batch=64)
    run = benchmark(slow, fast, batched)
    assert run.times_microgpt_py(slow) == pytest.approx(200 / (9.2 / 2.3))
    assert [at["times_microgpt_py"] for at in run.to_json()["measurements"]] == pytest.approx([50, 1500, 5000])
    assert [(budget.what, budget.met) for budget in check_speeds(run.measurements)] == [
        ("reference float64, times microgpt.py", True),
        ("numpy float64, times microgpt.py", True),
        ("numpy float32, its best batch", False),
    ]


@pytest.mark.slow
def test_an_engine_is_measured_at_batch_1_and_at_its_best():
    told = list[str]()
    with start_probe("yardstick") as stick:
        one, best = measure_engines([SUBJECTS[3]], [], SHORT, stick, told.append)
    assert isinstance(one, Measurement)
    assert isinstance(best, Measurement)
    assert one.batch == 1 < best.batch
    assert best.documents_per_s > 2 * one.documents_per_s
    assert best.steps_per_s * best.batch == pytest.approx(best.documents_per_s)
    assert best.tokens_per_s / best.documents_per_s == pytest.approx(measure.tokens_a_document())
    assert told[-1] == f"numpy float32, batch {best.batch}"


def test_without_torch_it_says_once_what_to_type(tmp_path, monkeypatch):
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    torch = [subject for subject in SUBJECTS if subject.engine == "torch"]
    with start_probe("yardstick") as stick:
        [missing] = measure_engines(torch, [1], SHORT, stick, lambda now: None)
    assert isinstance(missing, Missing)
    assert missing.why.endswith("Try: pip install 'microgpt-tutor[torch]'")


# ---- against


@pytest.mark.slow
def test_of_a_command_its_steps_alone_are_measured_however_slowly_it_starts(tmp_path):
    # CPU seconds by the clock of the process itself: the same on any machine
    busy = "import sys, time\nwhile time.process_time() < 0.4 + 0.005 * int(sys.argv[2]): pass"
    command = shlex.join([sys.executable, "-c", busy, "{data}", "{steps}"])
    with start_probe("yardstick") as stick:
        against = measure_command(command, tmp_path, 0.5, stick)
    assert (against.name, against.described, against.batch) == ("--against", command, 1)
    assert against.steps_per_s == pytest.approx(200, rel=0.2)


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("python3 fast.py {data}", "must be told the file of names and how many steps to make"),
        ("'python3 {data} {steps}", "No closing quotation"),
        ("/nowhere/fast {data} {steps}", "No such file or directory. Try it by itself first."),
        (f"{sys.executable} -c 'assert 0, 7' {{data}} {{steps}}", "it ended with 1: AssertionError: 7. Try it by"),
        ("true {data} {steps}", "steps take as long as half of them. Does it heed {steps}?"),
    ],
)
def test_a_command_that_cannot_be_measured_is_refused_in_one_line(tmp_path, command, complaint):
    with start_probe("yardstick") as stick, pytest.raises(ConfigError) as refused:
        measure_command(command, tmp_path, 1, stick)
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)


# ---- budgets


@pytest.mark.parametrize(
    ("measured", "at_least", "met", "margin"),
    [(60, True, True, 0.2), (40, True, False, 0.2), (40, False, True, 0.2), (50, True, True, 0), (50, False, True, 0)],
)
def test_a_budget_is_met_or_missed_by_a_part_of_its_limit(measured, at_least, met, margin):
    budget = Budget(what="", limit=50, measured=measured, unit="", at_least=at_least)
    assert (budget.met, budget.margin) == (met, pytest.approx(margin))


@pytest.mark.slow
def test_the_budgets_of_the_program_are_measured():
    budgets = list(check_program(["train", "course"], lambda now: None))
    assert [type(budget) for budget in budgets] == [Budget] * 5
    assert all(budget.measured > 0.001 for budget in budgets)
    assert budgets[0].measured == len((ROOT / "microgpt" / "reference.py").read_text().splitlines())


def test_a_budget_that_cannot_be_measured_is_told_and_the_others_are_measured(monkeypatch):
    monkeypatch.setattr("microgpt.bench.budgets.PYTHON", ("/nowhere/python",))
    monkeypatch.setattr("microgpt.bench.budgets._lesson_turn_ms", lambda: 8.0)
    length, *commands, turn = check_program(["train"], lambda now: None)
    assert isinstance(length, Budget)
    assert [command.why for command in commands] == ["/nowhere/python: No such file or directory"] * 3
    assert turn.met


@pytest.mark.slow
def test_a_lesson_is_timed_from_its_first_turn_to_its_last_among_the_events_of_others(tmp_path):
    with Store.open(tmp_path / "learner.db") as store:
        lesson.fill(store, 200)
        others = store.lessons()
        tools = LessonTools(store, clock=lambda: MONDAY, heard=lambda quote: True)
        seconds = list(lesson.seconds_of_turns(tools, "ada"))
        assert sum(len(list(store.events(other.id))) for other in others) == 200
        turns = [event for event in store.events("ada-microgpt") if event.kind == "turn"]
    assert len(seconds) >= len(turns) > 20
    assert min(seconds) > 0


# ---- what is told


def test_no_line_is_wider_than_80_columns_however_fast_a_machine_is():
    fast = measured("reference float64", documents_per_s=9_999_999, yardstick_steps_per_s=99, batch=4096)
    torch = Missing(name="torch float32 cuda", why="this machine has none. Try it on one that has. " * 3)
    budget = Budget(what="reference float64, times microgpt.py", limit=30_000, measured=76_123.4, unit="docs/s")
    lines = to_text(benchmark(fast, torch, budget)).splitlines()
    assert max(map(len, lines[2:])) <= 80  # above them the machine names itself
    assert "budgets: 1 of 1 missed; nothing fails for that, machines differ." in lines
    assert lines[-1].split()[-3:] == ["MISSED", "by", "154%"]


def test_the_machine_is_named_with_the_libraries_that_are_here():
    machine = this_machine()
    assert machine.packages["numpy"] == np.__version__
    assert machine.cpu
    assert machine.cores >= 1
    assert "/" not in machine.python_build


TOOL = runpy.run_path(str(ROOT / "tools" / "benchmarks.py"))


def test_the_page_is_what_its_data_gives():
    command = [sys.executable, str(ROOT / "tools" / "benchmarks.py"), "--check"]
    assert subprocess.run(command, capture_output=True, text=True).stderr == ""


def test_a_machine_measured_again_replaces_its_older_numbers_and_another_joins():
    first = benchmark(measured("numpy float64", documents_per_s=6000, yardstick_steps_per_s=9.2)).to_json()
    again = {**first, "date": "2026-02-01"}
    other = {**first, "machine": {**first["machine"], "cpu": "another"}}
    assert TOOL["add"]([], first) == [first]
    assert TOOL["add"]([first, other], again) == [again, other]
    assert TOOL["add"]([first], other) == [first, other]


def test_the_page_shows_every_row_and_names_the_machine():
    at = measured("numpy float64", documents_per_s=6000, yardstick_steps_per_s=9.2)
    budget = Budget(what="lint", limit=2, measured=3, unit="s CPU")
    text = TOOL["page"]([benchmark(at, budget).to_json()])
    assert "| numpy float64 | 1 | 6,000 | 6,000 | 42,000 | 1,500 | 41 MB | 0.10 s |" in text
    assert "| lint | at most 2 s CPU | 3 s CPU | **missed** |" in text
    assert f"## {this_machine().cpu}, " in text
