"""Experiments: what a misconception does to training, measured on pairs of runs that differ in nothing else.

A course whose subject can be trained says how in ``experiment.py``, beside its ``course.yaml``. Like ``helpers.py`` it
runs after the subject, in its namespace; it defines

    measure(documents, seed, steps)   train, and return how badly it went: the lower, the better. None where the mutant
                                      has changed what is measured, so that two numbers would not compare.
    gradients()                       optional: [loss, slopes, measured slopes] (see `verdict.Slopes`)

`documents` are lines of the course's first dataset, if that is a bundled one. Why it is so: docs/decisions/0007.
"""

import ast
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

from microgpt.data import BUNDLED, load_dataset
from microgpt.errors import CourseError
from microgpt.insights.answers import anchor_lines
from microgpt.insights.course import Course
from microgpt.insights.locked import Experiment
from microgpt.insights.mutant import apply_mutant
from microgpt.insights.question import is_number
from microgpt.insights.subject import digest, parse_python, read_text, symbol_source, tree_text
from microgpt.insights.verdict import Trial, judge_trial, may_be_compared, slopes_of
from microgpt.sandbox import Job, Json, Limits, Outcome, Program, run_jobs

Pair: TypeAlias = tuple[str, str]  # the ids of an insight and of one of its misconceptions

FILE = "experiment.py"
RECIPE = 1  # counted up where the same course gets other verdicts than before: then every experiment is stale
SEEDS = (1, 2, 3, 4)
STEPS = 200
DOCUMENTS = 400
_LIMITS = Limits(wall_s=120.0, cpu_s=15.0)  # a training takes one or two seconds


def experiment_source(course: Course) -> str:
    """Return the source of the course's ``experiment.py``; empty where there is none.

    Raises:
        CourseError: it cannot be read, or is no Python.
    """
    path = course.folder / FILE
    if not path.exists():
        return ""
    source = read_text(path, str(path))
    tree_text(source, path=str(path))  # raises where it is no Python
    return source


def experiment_hashes(course: Course) -> dict[Pair, str]:
    """Return the hash of all that a verdict depends on, for every misconception that can be tried in a training."""
    return _hashes(course, experiment_source(course))


def _hashes(course: Course, source: str) -> dict[Pair, str]:
    """Return the hashes where a course's ``experiment.py`` says this."""
    if not source:
        return {}
    shared: list[Json] = [RECIPE, tree_text(course.subject_source), tree_text(source), *course.datasets[:1]]
    return {
        (insight.id, belief.id): digest(json.dumps([*shared, insight.anchor, belief.mutant]))
        for insight in course.insights.values()
        for belief in insight.misconceptions
        if belief.mutant
    }


def run_experiments(
    course: Course, pairs: Sequence[Pair], *, workers: int, trusted: bool = False
) -> Iterator[tuple[Pair, Experiment]]:
    """Train with the mutant of each misconception and without, and yield the verdicts in order, as they are reached.

    Args:
        pairs: some of `experiment_hashes`.
        workers: how many trainings run at a time. Whoever stops early waits for those under way.
        trusted: the course's code may run where nothing can contain it.

    Raises:
        CourseError: the subject itself cannot be trained and measured, or a mutant cannot be made.
        SandboxError: nothing here can contain the course's code.
    """
    source = experiment_source(course)  # read once: what is run is what the hashes are of
    hashes = _hashes(course, source)
    mutants = {pair: _mutated(course, pair) for pair in pairs}
    anchors = {insight: course.insights[insight].anchor for insight, _ in pairs}
    with ThreadPoolExecutor(workers) as pool:  # its threads only wait: each training is a process
        lab = _Lab(course=course, source=source, documents=_documents(course), pool=pool, trusted=trusted)
        try:
            losses, usual_slopes = lab.losses(course.subject_source, SEEDS), lab.slopes(course.subject_source)
            usual = Trial(losses=losses(), slopes=usual_slopes.result())
            _check_usual(course, usual)
            probes = {anchor: lab.train_without(anchor) for anchor in {*anchors.values()}}
            used = {anchor for anchor, probe in probes.items() if not anchor or probe.result().kind != "value"}
            slopes = {pair: lab.slopes(mutants[pair]) for pair in pairs if anchors[pair[0]] in used}
            fair = {pair for pair, found in slopes.items() if may_be_compared(found.result(), usual.slopes)}
            tried = {pair: lab.losses(mutants[pair], SEEDS if pair in fair else SEEDS[:1]) for pair in slopes}
            for pair in pairs:
                trial = Trial(losses=tried[pair](), slopes=slopes[pair].result()) if pair in tried else None
                yield pair, judge_trial(trial, usual, hashes[pair])
        finally:
            pool.shutdown(cancel_futures=True)


def knock_out(source: str, symbol: str) -> str:
    """Return source in which using a symbol is an error: what still works has no use for it.

    >>> print(knock_out("def half(x):\\n    return x / 2", "half"))
    def half(x):
        raise RuntimeError
    """
    lines = symbol_source(source, symbol)
    tree = parse_python(source, path="")
    inside = range(lines.start, lines.start + len(lines.lines))
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.stmt) and node.lineno in inside]
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    for function in functions:
        function.body = [ast.parse("raise RuntimeError").body[0]]
    for node in nodes if not functions else ():
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            node.value = ast.parse("1 / 0", mode="eval").body
    return ast.unparse(ast.fix_missing_locations(tree))


@dataclass(frozen=True, kw_only=True)
class _Lab:
    """Starts trainings of a course's subject.

    Args:
        source: of the course's ``experiment.py``.
        documents: what is trained on and measured with.
        pool: of threads that each wait for one training.
    """

    course: Course
    source: str
    documents: list[Json]
    pool: ThreadPoolExecutor
    trusted: bool

    def losses(self, subject: str, seeds: Sequence[int]) -> Callable[[], tuple[Outcome, ...]]:
        """Start the trainings of a source, and return a function that waits for what they measured."""
        started = [self._train(subject, seed, STEPS) for seed in seeds]
        return lambda: tuple(_until_one_fails(started))

    def slopes(self, subject: str) -> Future[Outcome]:
        """Start what tells whether a source takes the gradient of what it computes."""
        return self._start(subject, "gradients() if 'gradients' in globals() else None", {})

    def train_without(self, anchor: str) -> Future[Outcome]:
        """Start a short training in which using the anchor is an error."""
        source = self.course.subject_source
        return self._train(knock_out(source, anchor) if anchor else source, SEEDS[0], 1)

    def _train(self, subject: str, seed: int, steps: int) -> Future[Outcome]:
        inputs: dict[str, Json] = {"documents": self.documents, "seed": seed, "steps": steps}
        return self._start(subject, "measure(documents, seed, steps)", inputs)

    def _start(self, subject: str, expression: str, inputs: Mapping[str, Json]) -> Future[Outcome]:
        name = self.course.subject_path.name if self.course.subject_path else "subject.py"
        program = Program(files=((name, subject), (FILE, self.source)))
        job = Job(program=program, expression=expression, inputs=inputs)
        return self.pool.submit(lambda: run_jobs([job], limits=_LIMITS, trusted=self.trusted)[0])


def _until_one_fails(losses: Sequence[Future[Outcome]]) -> Iterator[Outcome]:
    """Yield what came of trainings; after one that gave no value the others tell nothing new."""
    for loss in losses:
        yield loss.result()
        if loss.result().kind != "value":
            for other in losses:
                other.cancel()
            return


def _documents(course: Course) -> list[Json]:
    """Return lines from all over the course's first dataset."""
    bundled = [name for name in course.datasets[:1] if name in BUNDLED]
    lines = load_dataset(bundled[0]).documents if bundled else ()
    return [*lines[:: max(1, len(lines) // DOCUMENTS)][:DOCUMENTS]]


def _mutated(course: Course, pair: Pair) -> str:
    insight = course.insights[pair[0]]
    belief = next(belief for belief in insight.misconceptions if belief.id == pair[1])
    return apply_mutant(course.subject_source, belief.mutant, anchor=anchor_lines(course, insight))


def _check_usual(course: Course, usual: Trial) -> None:
    """Raise a `CourseError` where the subject as it is cannot be trained and measured."""
    path = str(course.folder / FILE)
    for outcome in usual.losses:
        if not is_number(outcome.value):
            said = outcome.detail or f"it returns {str(outcome.value)[:40]}, which is no number"
            raise CourseError(f"measure() fails on the subject: {said}. Try running it yourself.", path=path)
    if usual.slopes == Outcome(kind="value", value=None):  # no such function
        return
    slopes = slopes_of(usual.slopes)
    if slopes is None:
        said = usual.slopes.detail or "it returns no [loss, slopes, measured slopes]"
        raise CourseError(f"gradients() fails on the subject: {said}. Try running it yourself.", path=path)
    if not slopes.own:
        message = "gradients() finds the subject's own gradient wrong. Try another point, or smaller steps there."
        raise CourseError(message, path=path)
