"""The loop hands an engine the documents in order, a batch at a time, at a rate that falls."""

import random

import numpy as np
import pytest

from microgpt.config import GPTConfig, TrainConfig
from microgpt.engines import create_engine
from microgpt.engines.base import initial_state
from microgpt.errors import ConfigError
from microgpt.tokenizer import CharTokenizer
from microgpt.training.loop import train

DOCUMENTS = ["ab", "cabba", "b", "acb", "ca"]
TOKENIZER = CharTokenizer.of(DOCUMENTS)
CONFIG = GPTConfig(vocab_size=4, n_embd=4, n_head=2, block_size=4)


@pytest.mark.parametrize("batch", [1, 2, 3, 7])
def test_each_step_reads_the_next_documents_round_and_round(batch: int) -> None:
    looped, stepped = (create_engine("numpy", CONFIG, initial_state(CONFIG, random.Random(1))) for _ in range(2))
    steps = list(train(looped, DOCUMENTS, TOKENIZER, 4, TrainConfig(steps=4, batch=batch, lr=0.02)))
    for done, step in enumerate(steps):
        read = [TOKENIZER.encode(DOCUMENTS[(done * batch + i) % 5])[:5] for i in range(batch)]
        assert step.loss == stepped.step(read, 0.02 * (1 - done / 4))
        assert (step.number, step.tokens) == (done + 1, sum(len(tokens) - 1 for tokens in read))
    for name, array in looped.state().weights.items():
        np.testing.assert_array_equal(array, stepped.state().weights[name])


def test_a_batch_of_none_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"batch=0 is too small: it must be 1 or more\. Try batch=1\."):
        TrainConfig(batch=0)
