"""The same training with every engine: are the losses the reference's, step by step, and how fast did they come?"""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from microgpt.config import ENGINES, ComputeConfig, GPTConfig, TrainConfig
from microgpt.data import load_dataset, split_documents
from microgpt.engines import create_engine
from microgpt.engines.base import State, initial_state
from microgpt.errors import MissingExtra
from microgpt.tokenizer import CharTokenizer
from microgpt.training.corpus import Documents
from microgpt.training.run import configure

TOLERANCE = 1e-9  # relative: the engines compute in float64, and only the order of their sums differs
ORDER = ("reference", *(name for name in ENGINES if name != "reference"))  # the others are compared with it


@dataclass(frozen=True, kw_only=True)
class Progress:
    """An engine has made a step."""

    engine: str
    done: int


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """An engine has done the work.

    Args:
        described: who computed, where and with what numbers.
        steps_per_s: steps a second.
        ratio: to those of the reference.
        losses: of every step, in nats a token.
        difference: the largest from the reference's losses, relative to them; infinite for what is no number.
        at: the step where it is, counted from 1.
    """

    engine: str
    described: str
    steps_per_s: float
    ratio: float
    losses: tuple[float, ...]
    difference: float
    at: int

    @property
    def same(self) -> bool:
        return self.difference <= TOLERANCE


@dataclass(frozen=True, kw_only=True)
class Missing:
    """An engine's package is not installed.

    Args:
        why: what is missing, and what to type.
    """

    engine: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Work:
    """What all engines do: from the same weights, the same steps."""

    model: GPTConfig
    training: TrainConfig
    start: State
    corpus: Documents


def reproduce(steps: int, clock: Callable[[], float]) -> Iterator[Progress | Reproduction | Missing]:
    """Train the reference's model on the bundled names with each engine, on the CPU and in float64.

    Args:
        steps: how many; each reads a name.
        clock: tells seconds.

    Raises:
        ConfigError: if there is no step to make.
    """
    work, reference = _prepare(steps), None
    for name in ORDER:
        compute = ComputeConfig(engine=name, device="cpu", dtype="float64")
        try:
            create_engine(compute, work.model, work.start).step(work.corpus.batch(0, 1), 0.0)  # to start is not timed
        except MissingExtra as missing:
            yield Missing(engine=name, why=str(missing))
            continue
        engine, losses, seconds = create_engine(compute, work.model, work.start), list[float](), 0.0
        for done in range(steps):
            batch, lr, before = work.corpus.batch(done, 1), work.training.learning_rate(done), clock()
            losses.append(engine.step(batch, lr))
            seconds += clock() - before
            yield Progress(engine=name, done=done + 1)
        made = _compare(name, engine.described, losses, steps / seconds, reference)
        reference = reference or made
        yield made


def _prepare(steps: int) -> Work:
    training, dataset = TrainConfig(steps=steps), load_dataset("names")
    config, rng = configure(dataset, training), random.Random(training.seed)
    names = split_documents(dataset.documents, training.val_fraction, rng).train  # the order in which a run reads them
    return Work(
        model=config.model,
        training=training,
        start=initial_state(config.model, rng),
        corpus=Documents(texts=names, tokenizer=CharTokenizer(chars=config.chars), block_size=config.model.block_size),
    )


def _compare(
    name: str, described: str, losses: Sequence[float], steps_per_s: float, reference: Reproduction | None
) -> Reproduction:
    expected = reference.losses if reference else losses
    differences = [abs(loss - right) / right for loss, right in zip(losses, expected, strict=True)]
    differences = [difference if math.isfinite(difference) else math.inf for difference in differences]
    return Reproduction(
        engine=name,
        described=described,
        steps_per_s=steps_per_s,
        ratio=steps_per_s / reference.steps_per_s if reference else 1.0,
        losses=tuple(losses),
        difference=max(differences),
        at=differences.index(max(differences)) + 1,
    )
