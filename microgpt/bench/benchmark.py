"""A whole benchmark: what is to be measured, all of it one after the other, and what came of it as JSON."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from microgpt.bench.against import measure_command
from microgpt.bench.budgets import Budget, check_program, check_speeds
from microgpt.bench.machine import Machine
from microgpt.bench.measure import SUBJECTS, Measurement, Missing, measure_engines, microgpt_py_documents_per_s
from microgpt.bench.processes import THREADS, start_probe

FORMAT = "microgpt/benchmark/1"

Item = Measurement | Missing | Budget


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be measured.

    Args:
        engines: none for all.
        batches: documents a step; none for 1 and each engine's best.
        seconds: for which each row is measured.
        against: see `against.measure_command`; empty for none.
        check: the names of our commands, to measure the budgets with; none to leave the budgets.
    """

    engines: Sequence[str] = ()
    batches: Sequence[int] = ()
    seconds: float = 1.0
    against: str = ""
    check: Sequence[str] = ()


def run(plan: Plan, report: Callable[[str], None]) -> Iterator[Item]:
    """Measure, and give each thing as soon as it is known.

    Args:
        report: is told what is measured now.

    Raises:
        ConfigError: if what to measure against cannot be measured.
    """
    subjects = [subject for subject in SUBJECTS if subject.engine in (plan.engines or (subject.engine,))]
    measured = list[Measurement]()
    with start_probe("yardstick") as yardstick, tempfile.TemporaryDirectory() as folder:
        if plan.against:
            report(plan.against)
            measured.append(measure_command(plan.against, Path(folder), plan.seconds, yardstick))
            yield measured[-1]
        for item in measure_engines(subjects, plan.batches, plan.seconds, yardstick, report):
            if isinstance(item, Measurement):
                measured.append(item)
            yield item
    if plan.check:
        yield from check_speeds(measured)
        yield from check_program(plan.check, report)


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """What was measured in one run on one machine.

    Args:
        day: UTC.
        complete: whether it came to its end; Ctrl-C ends it early.
    """

    machine: Machine
    day: date
    complete: bool
    items: Sequence[Item]

    @property
    def measurements(self) -> Sequence[Measurement]:
        return [item for item in self.items if isinstance(item, Measurement)]

    @property
    def missing(self) -> Sequence[Missing]:
        return [item for item in self.items if isinstance(item, Missing)]

    @property
    def budgets(self) -> Sequence[Budget]:
        return [item for item in self.items if isinstance(item, Budget)]

    def times_microgpt_py(self, at: Measurement) -> float:
        """Return the ratio to the documents that microgpt.py reads in a second."""
        return at.documents_per_s / microgpt_py_documents_per_s(self.measurements)

    def to_json(self) -> Mapping[str, object]:
        """Return an entry of docs/benchmarks.json."""
        return {
            "format": FORMAT,
            "date": self.day.isoformat(),
            "complete": self.complete,
            "machine": asdict(self.machine),
            "threads": THREADS,
            "measurements": [
                {**asdict(at), "times_microgpt_py": self.times_microgpt_py(at)} for at in self.measurements
            ],
            "missing": [asdict(each) for each in self.missing],
            "budgets": [{**asdict(each), "met": each.met} for each in self.budgets],
        }
