"""A benchmark as tables of 80 columns."""

import textwrap
from collections.abc import Iterator

from microgpt.bench.against import NAME
from microgpt.bench.benchmark import Benchmark
from microgpt.bench.budgets import Budget
from microgpt.bench.measure import Measurement, microgpt_py_documents_per_s
from microgpt.bench.processes import THREADS
from microgpt.bench.yardstick import MICROGPT_PY

WIDTH = 20  # columns, of a name


def to_text(benchmark: Benchmark) -> str:
    """Return all that was measured, and where."""
    return "\n".join(_lines(benchmark))


def _lines(benchmark: Benchmark) -> Iterator[str]:
    machine, threads = benchmark.machine, f"{THREADS} thread{'s' * (THREADS != 1)}"
    yield f"{machine.hardware}; {threads}"
    yield machine.software
    if benchmark.measurements:
        columns = f"{'batch':>6}{'steps/s':>9}{'docs/s':>9}{'tokens/s':>10}{'ratio':>8}{'memory':>9}{'start':>8}"
        yield f"\n{'':{WIDTH}}{columns}"
        yield from (_row(at, benchmark.times_microgpt_py(at)) for at in benchmark.measurements)
        yield from (f"\n{NAME}: {at.described}" for at in benchmark.measurements if at.name == NAME)
        documents_per_s = microgpt_py_documents_per_s(benchmark.measurements)
        yield f"\nratio: to microgpt.py, here about {figure(documents_per_s)} docs/s, estimated from the yardstick,"
        yield f"of which {MICROGPT_PY} steps take as long. Engines and yardstick were timed in turns."
    if benchmark.missing:
        yield "\nnot measured:"
        for each in benchmark.missing:
            yield textwrap.fill(f"{each.name}: {each.why}", 80, initial_indent="  ", subsequent_indent="    ")
    if benchmark.budgets:
        missed = sum(not budget.met for budget in benchmark.budgets)
        yield f"\nbudgets: {missed} of {len(benchmark.budgets)} missed; nothing fails for that, machines differ."
        yield from map(_verdict, benchmark.budgets)


def _row(at: Measurement, ratio: float) -> str:
    start = "" if at.start_s is None else f"{at.start_s:.2f} s"
    return (
        f"{at.name:{WIDTH}}{at.batch:>6}{figure(at.steps_per_s):>9}{figure(at.documents_per_s):>9}"
        f"{figure(at.tokens_per_s):>10}{figure(ratio):>8}{at.peak_bytes / 1e6:>6,.0f} MB{start:>8}"
    ).rstrip()


def _verdict(budget: Budget) -> str:
    sign, percent = ">=" if budget.at_least else "<=", round(100 * budget.margin)
    verdict = ("met" if budget.met else "MISSED") + (f" by {percent}%" if percent else ", just")
    measured = f"{figure(budget.measured):>8} {budget.unit:8}{sign}{figure(budget.limit):>7}"
    return f"  {budget.what:34}{measured}  {verdict}"


def figure(number: float) -> str:
    """Write a number with three digits, more than which a busy machine does not allow, or all before its point.

    >>> [figure(number) for number in (0.0912, 3.9512, 98.76, 1234.5)]
    ['0.0912', '3.95', '98.8', '1,234']
    """
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"
