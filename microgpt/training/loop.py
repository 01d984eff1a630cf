"""The training loop: one batch a step, and an event for each; it reads no clock and writes nothing."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from microgpt.config import TrainConfig
from microgpt.engines.base import Engine, Tokens, predictions
from microgpt.errors import ConfigError
from microgpt.training.corpus import Corpus

EVALUATION_TOKENS = 8192  # at once: enough to keep a fast engine busy, few enough for its memory


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step that was made.

    Args:
        number: counted from 1.
        loss: of the batch, from before the weights moved, in nats a token.
        tokens: how many were predicted.
    """

    number: int
    loss: float
    tokens: int


def train(engine: Engine, corpus: Corpus, config: TrainConfig) -> Iterator[Step]:
    """Make the steps that are left.

    Raises:
        ConfigError: if a loss is no number, which no later step could mend, or the memory is too small for a batch.
    """
    for done in range(engine.state().step, config.steps):
        try:
            batch = corpus.batch(done, config.batch)
            loss = engine.step(batch, config.learning_rate(done))
        except MemoryError:
            raise too_little_memory(config.batch) from None
        if not math.isfinite(loss):
            raise ConfigError(
                f"step {done + 1} of {config.steps} has a loss that is no number: the steps before moved the weights "
                f"too far. Try a smaller learning rate: --lr {config.lr / 10:g}"
            )
        yield Step(number=done + 1, loss=loss, tokens=predictions(batch))


def too_little_memory(batch: int) -> ConfigError:
    """Return what to tell a user whose batch does not fit."""
    return ConfigError(
        f"the memory is too small for a batch of {batch:,} at once. Try a smaller --batch; or, with the "
        f"numpy or torch engine, --micro-batch {max(batch // 8, 1)}: the same steps in less memory."
    )


def evaluate(engine: Engine, sequences: Iterable[Tokens]) -> float:
    """Return the mean loss over all predictions in the sequences, in nats a token.

    The longest come first, so that those computed together are about as long and little is padded.
    """
    waiting = sorted(sequences, key=len, reverse=True)
    surprise, total = 0.0, 0
    while waiting:
        size = max(EVALUATION_TOKENS // len(waiting[0]), 1)
        batch, waiting = waiting[:size], waiting[size:]
        surprise += engine.loss(batch) * predictions(batch)
        total += predictions(batch)
    return surprise / total
