"""What is measured with: the yardstick, and probes in processes of their own."""

import json
import random
import runpy
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import numpy as np
import pytest

from microgpt.bench import yardstick
from microgpt.bench.processes import ProbeError, run_command, start_probe
from microgpt.data import load_dataset

ROOT = Path(__file__).parent.parent
NUMPY = json.dumps({"engine": "numpy", "device": "cpu", "dtype": "float32"})
SHORT = 0.05  # seconds


def executed(work: Callable[[list], int], weights: list) -> Counter[int]:
    """Count the instructions of Python's own machine that a step executes."""
    counts = Counter[int]()

    def trace(frame: FrameType, event: str, argument: object):
        frame.f_trace_opcodes = True
        if event == "opcode" and "yardstick" in frame.f_code.co_filename:  # and not what a collected object runs
            counts[frame.f_code.co_code[frame.f_lasti]] += 1
        return trace

    sys.settrace(trace)
    try:
        work(weights)
    finally:
        sys.settrace(None)
    return counts


@pytest.mark.slow
def test_the_yardstick_executes_what_the_one_that_was_timed_against_microgpt_py_does():
    timed = runpy.run_path(str(ROOT / "tests" / "yardstick.py"))
    weights = [[[timed["Node"](0.01) for _ in range(16)] for _ in range(16)]]
    theirs, ours = executed(timed["step"], weights), executed(yardstick.step, yardstick.draw_weights(1))
    assert theirs.total() > 500_000
    assert (theirs - ours).total() == 0
    assert (ours - theirs).total() <= 5  # what it takes to annotate a function within a function, once a step


def test_the_yardstick_builds_the_nodes_that_it_says():
    assert yardstick.step(yardstick.draw_weights()) == 65_041


def test_every_round_reads_the_same_documents_the_first_of_the_training():
    names = list(load_dataset("names").documents)
    random.Random(42).shuffle(names)
    with start_probe(NUMPY) as probe:
        first, second, larger = probe.work(1, SHORT), probe.work(1, SHORT), probe.work(8, SHORT)
    assert (first.steps, first.tokens) == (second.steps, second.tokens)
    for each, batch in ((first, 1), (larger, 8)):
        read = (names[place % len(names)] for place in range(each.steps * batch))
        assert each.tokens == sum(min(len(name) + 1, 16) for name in read)


@pytest.mark.slow
def test_a_probe_counts_its_own_memory_not_that_of_who_started_it():
    held = np.ones(40_000_000)  # 320 MB
    with start_probe("yardstick") as probe:
        yardstick_bytes = probe.work(1, SHORT).peak_bytes
    with start_probe(NUMPY) as probe:
        numpy_bytes = probe.work(1, SHORT).peak_bytes
    assert 5e6 < yardstick_bytes < numpy_bytes < held.nbytes


def test_a_probe_knows_what_it_took_to_get_ready():
    with start_probe(NUMPY) as probe:
        assert probe.ready.described == "numpy on cpu, float32"
        assert probe.ready.start_s is not None
        assert 0 < probe.ready.start_s < 60


def test_a_probe_that_fails_says_why():
    with pytest.raises(ProbeError, match=r"^json.*Expecting value"), start_probe("nonsense"):
        pass
    with pytest.raises(ProbeError, match=r"^TypeError: unhashable type"), start_probe(NUMPY) as probe:
        probe.work([1], SHORT)  # type: ignore


def test_what_is_measured_has_one_thread(tmp_path: Path):
    names = [f"{library}_NUM_THREADS" for library in ("OMP", "OPENBLAS", "MKL", "VECLIB")]
    seen = tmp_path / "seen"
    program = f"import os, sys; open(sys.argv[1], 'w').write(' '.join(os.environ[name] for name in {names}))"
    run_command([sys.executable, "-c", program, str(seen)])
    assert seen.read_text() == "1 1 1 1"


def test_the_cpu_seconds_of_a_command_are_those_that_it_worked_not_those_that_it_waited():
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    wait = "import time; time.sleep(0.3)"
    burnt, waited = (run_command([sys.executable, "-c", program]).cpu_s for program in (burn, wait))
    assert waited < 0.2 < 0.3 <= burnt < 0.6
