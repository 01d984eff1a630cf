"""The training loop: one batch a step, and an event for each; it reads no clock and writes nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from microgpt.config import TrainConfig
from microgpt.engines.base import Engine
from microgpt.tokenizer import CharTokenizer

EVALUATION_BATCH = 64  # documents at once: enough to keep a fast engine busy, few enough for its memory


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


def encode_document(text: str, tokenizer: CharTokenizer, block_size: int) -> list[int]:
    """Return the ids of a document, cut to block_size + 1, so that there are at most block_size to predict."""
    return tokenizer.encode(text)[: block_size + 1]


def train(
    engine: Engine, documents: Sequence[str], tokenizer: CharTokenizer, block_size: int, config: TrainConfig
) -> Iterator[Step]:
    """Make the steps that are left, each with the next documents in the order given, round and round.

    The learning rate falls in a straight line, so that the last steps settle instead of jumping about.
    """
    for done in range(engine.state().step, config.steps):
        places = range(done * config.batch, (done + 1) * config.batch)
        batch = [encode_document(documents[place % len(documents)], tokenizer, block_size) for place in places]
        loss = engine.step(batch, config.lr * (1 - done / config.steps))
        yield Step(number=done + 1, loss=loss, tokens=sum(len(tokens) - 1 for tokens in batch))


def evaluate(engine: Engine, documents: Sequence[str], tokenizer: CharTokenizer, block_size: int) -> float:
    """Return the mean loss over all predictions in the documents, in nats a token."""
    surprise, predictions = 0.0, 0
    for start in range(0, len(documents), EVALUATION_BATCH):
        texts = documents[start : start + EVALUATION_BATCH]
        batch = [encode_document(text, tokenizer, block_size) for text in texts]
        count = sum(len(tokens) - 1 for tokens in batch)
        surprise += engine.loss(batch) * count
        predictions += count
    return surprise / predictions
