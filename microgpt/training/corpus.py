"""The sequences of tokens that a step reads and that a loss is measured on: documents, or windows of a stream."""

import random
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from microgpt.engines.base import Tokens
from microgpt.tokenizer import CharTokenizer
from microgpt.training.checkpoint import RunConfig


@dataclass(frozen=True, kw_only=True)
class Documents:
    """Texts that each are a sequence, BOS at both ends, cut so that there are at most block_size to predict."""

    texts: Sequence[str]
    tokenizer: CharTokenizer
    block_size: int

    def batch(self, done: int, size: int) -> list[Tokens]:
        """Return what the step after `done` steps reads: the next documents in the order given, round and round."""
        places = range(done * size, (done + 1) * size)
        return [self._tokens(self.texts[place % len(self.texts)]) for place in places]

    def sequences(self) -> Iterator[Tokens]:
        """Give every document once."""
        return map(self._tokens, self.texts)

    def _tokens(self, text: str) -> Tokens:
        return self.tokenizer.encode(text)[: self.block_size + 1]


@dataclass(frozen=True, kw_only=True)
class Windows:
    """A stream, of which a sequence is any block_size + 1 tokens in a row.

    Args:
        tokens: the ids of the whole text.
        seed: of the places where a step's windows begin.
    """

    tokens: "array[int]"  # of 32 bits: half the memory of a list, and numpy and torch copy its slices whole
    block_size: int
    seed: int

    def batch(self, done: int, size: int) -> list[Tokens]:
        """Return what the step after `done` steps reads: windows that begin anywhere.

        Where follows from the seed and the step alone, so that a resumed run reads what it would have read.
        """
        rng = random.Random(f"{self.seed}, step {done + 1}")  # of a text: it is hashed, so that no two steps are alike
        starts = [rng.randrange(len(self.tokens) - self.block_size) for _ in range(size)]
        return [self._window(start) for start in starts]

    def sequences(self) -> Iterator[Tokens]:
        """Give windows side by side, the last may be short: every token but the first is predicted once."""
        return map(self._window, range(0, len(self.tokens) - 1, self.block_size))

    def _window(self, start: int) -> Tokens:
        return self.tokens[start : start + self.block_size + 1]


Corpus = Documents | Windows


def make_corpus(config: RunConfig, texts: Sequence[str]) -> Corpus:
    """Return one side of a run's `data.Split` as the sequences that its model reads; a stream is encoded here, once."""
    tokenizer, block_size = CharTokenizer(chars=config.chars), config.model.block_size
    if not config.stream:
        return Documents(texts=texts, tokenizer=tokenizer, block_size=block_size)
    tokens = array("i", tokenizer.ids("".join(texts)))
    return Windows(tokens=tokens, block_size=block_size, seed=config.training.seed)
