"""Measures engines, one after the other.

An engine and the yardstick take turns, and of each the fastest round counts: other programs can only slow one down.
The yardstick's is that of the whole run: it is slowed down the most, as it goes through more memory than a processor
keeps near.
"""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from microgpt.bench.probe import MODEL, Round
from microgpt.bench.processes import Probe, ProbeError, start_probe
from microgpt.bench.yardstick import MICROGPT_PY
from microgpt.data import load_dataset

ROUNDS = 5
SEARCH_ROUNDS = 2  # with each batch, where the best is looked for
BATCHES = (1, 8, 32, 64, 128, 256, 512, 1024, 2048, 4096)
GAIN = 1.05  # a larger batch is better where it is so many times as fast; less may be noise


@dataclass(frozen=True, kw_only=True)
class Subject:
    """An engine with a device and a type of numbers."""

    engine: str
    dtype: str
    device: str = "cpu"

    @property
    def name(self) -> str:
        """
        >>> Subject(engine="torch", dtype="float32", device="cuda").name
        'torch float32 cuda'
        """
        return f"{self.engine} {self.dtype}" + ("" if self.device == "cpu" else f" {self.device}")

    @property
    def work(self) -> str:
        """What `start_probe` takes."""
        return json.dumps({"engine": self.engine, "device": self.device, "dtype": self.dtype})


SUBJECTS = (
    Subject(engine="scalar", dtype="float64"),
    Subject(engine="reference", dtype="float64"),
    Subject(engine="numpy", dtype="float64"),
    Subject(engine="numpy", dtype="float32"),
    Subject(engine="torch", dtype="float32"),
    Subject(engine="torch", dtype="float32", device="mps" if sys.platform == "darwin" else "cuda"),
)


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """How fast something trains the reference's model on the bundled names.

    Tokens are counted, and from them follow documents and steps, at the mean length of all names: the names of a round
    may be short or long.

    Args:
        name: of the `Subject`, or "--against".
        described: who computes, where and with what numbers, in the engine's own words; or the command.
        batch: documents a step.
        peak_bytes: the most memory that the process held; on a GPU, beside the GPU's.
        start_s: CPU seconds from the start of a fresh process until it could make a step; None for a command.
        yardstick_steps_per_s: in the fastest of the rounds beside these.
    """

    name: str
    described: str
    batch: int
    steps_per_s: float
    documents_per_s: float
    tokens_per_s: float
    peak_bytes: int
    start_s: float | None
    yardstick_steps_per_s: float


@dataclass(frozen=True, kw_only=True)
class Missing:
    """What could not be measured, why, and what to type."""

    name: str
    why: str


def measure_engines(
    subjects: Sequence[Subject], batches: Sequence[int], seconds: float, yardstick: Probe, report: Callable[[str], None]
) -> Iterator[Measurement | Missing]:
    """Measure each subject at batch 1 and at its best batch, or at the batches given.

    Args:
        seconds: for which each is measured.
        report: is told what is measured now.
    """
    missing = set[str]()
    for subject in subjects:
        if subject.engine in missing:
            continue
        try:
            for batch in batches or [1, *_better(subject, seconds, report)]:
                report(f"{subject.name}, batch {batch}")
                with start_probe(subject.work) as probe:
                    measurement = _measure(subject.name, probe, batch, yardstick, seconds)
                yield measurement
        except ProbeError as error:
            missing.add(subject.engine)
            yield Missing(name=subject.name, why=str(error))


def microgpt_py_documents_per_s(measurements: Sequence[Measurement]) -> float:
    """Estimate how many documents, and so steps, microgpt.py does in a second here, from the yardstick."""
    return max(at.yardstick_steps_per_s for at in measurements) / MICROGPT_PY


def _measure(name: str, probe: Probe, batch: int, yardstick: Probe, seconds: float) -> Measurement:
    """Have both take turns; the first round is not counted."""
    probe.work(batch, seconds / ROUNDS)
    worked, steps_per_s = list[Round](), list[float]()
    for _ in range(ROUNDS):
        steps_per_s.append(yardstick_steps_per_s(yardstick))
        worked.append(probe.work(batch, seconds / ROUNDS))
    tokens_per_s = max(each.tokens_per_s for each in worked)
    documents_per_s = tokens_per_s / tokens_a_document()
    return Measurement(
        name=name,
        described=probe.ready.described,
        batch=batch,
        steps_per_s=documents_per_s / batch,
        documents_per_s=documents_per_s,
        tokens_per_s=tokens_per_s,
        peak_bytes=max(each.peak_bytes for each in worked),
        start_s=probe.ready.start_s,
        yardstick_steps_per_s=max(steps_per_s),
    )


def yardstick_steps_per_s(yardstick: Probe) -> float:
    """Have the yardstick take its turn."""
    turn = yardstick.work(1, 0)
    return turn.steps / turn.seconds


def _better(subject: Subject, seconds: float, report: Callable[[str], None]) -> list[int]:
    """Return a subject's best batch, if that is not 1."""
    report(f"{subject.name}: looking for its best batch")
    with start_probe(subject.work) as probe:

        def tokens_per_s(batch: int) -> float:
            return max(probe.work(batch, seconds / ROUNDS).tokens_per_s for _ in range(SEARCH_ROUNDS))

        best = best_batch(tokens_per_s)
    return [best] if best > 1 else []


def best_batch(tokens_per_s: Callable[[int], float]) -> int:
    """Return the batch at which the most is done; larger ones are tried until two in a row have brought nothing.

    >>> best_batch(lambda batch: min(batch, 64))
    64
    """
    best, fastest, in_vain = 1, 0.0, 0
    for batch in BATCHES:
        speed = tokens_per_s(batch)
        if speed > GAIN * fastest:
            best, fastest, in_vain = batch, speed, 0
        else:
            in_vain += 1
        if in_vain == 2:
            break
    return best


@cache
def tokens_a_document() -> float:
    """Return how many tokens of a name are predicted, on average: its letters and the end, as far as they fit."""
    lengths = [min(len(text) + 1, MODEL.block_size) for text in load_dataset("names").documents]
    return sum(lengths) / len(lengths)
