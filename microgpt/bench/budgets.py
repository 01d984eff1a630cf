"""What microgpt promises about its speed and its size, and what of it holds here. Nothing fails where it does not.

Each is measured in fresh processes, and of several runs the least counts: other programs can only add to it.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from microgpt import reference
from microgpt.bench.measure import Measurement, Missing, microgpt_py_documents_per_s
from microgpt.bench.processes import ProbeError, environment, run_command

PYTHON = (sys.executable, "-P", "-m")
RUNS = 3


@dataclass(frozen=True, kw_only=True)
class Budget:
    """A promise and what was measured.

    Args:
        at_least: whether more is better; else `limit` is the most.
    """

    what: str
    limit: float
    measured: float
    unit: str
    at_least: bool = False

    @property
    def met(self) -> bool:
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit

    @property
    def margin(self) -> float:
        """How far the measured is from the limit, as a part of that; never negative."""
        return abs(self.measured / self.limit - 1)


SPEEDS = {"scalar float64": 4, "reference float64": 50, "numpy float64": 1200}  # times microgpt.py, at batch 1


def check_speeds(measurements: Sequence[Measurement]) -> Iterator[Budget]:
    """Hold the engines that were measured against their budgets."""
    for at in measurements:
        if at.name in SPEEDS and at.batch == 1:
            what, times = (
                f"{at.name}, times microgpt.py",
                at.documents_per_s / microgpt_py_documents_per_s(measurements),
            )
            yield Budget(what=what, limit=SPEEDS[at.name], measured=times, unit="x", at_least=True)
    numpy = [at.documents_per_s for at in measurements if at.name == "numpy float32" and at.batch > 1]
    if numpy:
        what = "numpy float32, its best batch"
        yield Budget(what=what, limit=30_000, measured=max(numpy), unit="docs/s", at_least=True)


def check_program(commands: Sequence[str], report: Callable[[str], None]) -> Iterator[Budget | Missing]:
    """Hold the rest of the program against its budgets.

    Args:
        commands: all names that can stand after ``microgpt``.
        report: is told what is measured now.
    """

    def budget(what: str, limit: float, unit: str, measure: Callable[[], float]) -> Budget | Missing:
        report(what)
        try:
            return Budget(what=what, limit=limit, measured=measure(), unit=unit)
        except ProbeError as error:
            return Missing(name=what, why=str(error))

    yield budget("lines of the reference", 200, "lines", _reference_lines)
    yield budget("microgpt --version", 0.15, "s CPU", lambda: _cpu_s("--version"))
    yield budget("the slowest --help", 0.15, "s CPU", lambda: max(_cpu_s(name, "--help") for name in commands))
    yield budget("lint of the bundled course", 2, "s CPU", lambda: _cpu_s("course", "lint", "microgpt"))
    yield budget("a lesson turn, 95th percentile", 20, "ms", _lesson_turn_ms)


def _reference_lines() -> float:
    return Path(reference.__file__).read_text(encoding="utf-8").count("\n")


def _cpu_s(*arguments: str) -> float:
    """Return the CPU seconds of a microgpt command, the least of several runs."""
    return min(run_command([*PYTHON, "microgpt", *arguments]).cpu_s for _ in range(RUNS))


def _lesson_turn_ms() -> float:
    """Return what `microgpt.bench.lesson` prints, the least of several runs."""
    command, printed = [*PYTHON, "microgpt.bench.lesson"], list[float]()
    for _ in range(RUNS):
        done = subprocess.run(command, env=environment(), capture_output=True, text=True)
        if done.returncode:
            raise ProbeError(done.stderr.strip().splitlines()[-1])
        printed.append(float(done.stdout))
    return min(printed)
