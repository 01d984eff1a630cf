"""The loop hands an engine what the corpus has for each step, at a rate that falls."""

import random
from array import array
from dataclasses import replace

import numpy as np
import pytest

from microgpt.config import ComputeConfig, GPTConfig, TrainConfig
from microgpt.engines import create_engine
from microgpt.engines.base import Engine, initial_state
from microgpt.errors import ConfigError
from microgpt.tokenizer import CharTokenizer
from microgpt.training.corpus import Corpus, Documents, Windows
from microgpt.training.loop import EVALUATION_TOKENS, evaluate, train

TEXTS = ["ab", "cabba", "b", "acb", "ca"]
TOKENIZER = CharTokenizer.of(TEXTS)
CONFIG = GPTConfig(vocab_size=4, n_embd=4, n_head=2, block_size=4)
DOCUMENTS = Documents(texts=TEXTS, tokenizer=TOKENIZER, block_size=4)
WINDOWS = Windows(tokens=array("i", TOKENIZER.ids("abcabbacb" * 9)), block_size=4, seed=1)


def new_engine(name: str = "numpy") -> Engine:
    return create_engine(ComputeConfig(engine=name), CONFIG, initial_state(CONFIG, random.Random(1)))


@pytest.mark.parametrize("corpus", [DOCUMENTS, WINDOWS])
@pytest.mark.parametrize("batch", [1, 3])
def test_each_step_is_the_engine_s_on_that_step_s_batch(corpus: Corpus, batch: int) -> None:
    looped, stepped = new_engine(), new_engine()
    config = TrainConfig(steps=4, batch=batch, lr=0.02, warmup=2)
    for done, step in enumerate(train(looped, corpus, config)):
        read = corpus.batch(done, batch)
        assert step.loss == stepped.step(read, 0.02 * min(1, (done + 1) / 2) * (1 - done / 4))
        assert (step.number, step.tokens) == (done + 1, sum(len(tokens) - 1 for tokens in read))
    for name, weights in looped.state().weights.items():
        np.testing.assert_array_equal(weights, stepped.state().weights[name])


@pytest.mark.parametrize("name", ["reference", "scalar", "numpy"])
def test_every_engine_reads_windows(name: str) -> None:
    losses = [step.loss for step in train(new_engine(name), WINDOWS, TrainConfig(steps=3, batch=2))]
    expected = [step.loss for step in train(new_engine(), WINDOWS, TrainConfig(steps=3, batch=2))]
    assert losses == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", ["reference", "scalar", "numpy"])
def test_a_loss_that_is_no_number_ends_the_training_in_one_line(name: str) -> None:
    state = initial_state(CONFIG, random.Random(1))
    weights = {**state.weights, "lm_head": np.full_like(state.weights["lm_head"], np.nan)}
    engine = create_engine(ComputeConfig(engine=name), CONFIG, replace(state, weights=weights))
    with pytest.raises(ConfigError, match=r"step 1 of 4 has a loss that is no number: .* Try .*: --lr 0\.002"):
        list(train(engine, DOCUMENTS, TrainConfig(steps=4, lr=0.02)))


@pytest.mark.parametrize("corpus", [DOCUMENTS, WINDOWS])
@pytest.mark.parametrize("tokens_at_once", [1, 7, EVALUATION_TOKENS])
def test_a_loss_is_the_mean_over_all_predictions_however_many_are_computed_at_once(
    corpus: Corpus, tokens_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("microgpt.training.loop.EVALUATION_TOKENS", tokens_at_once)
    engine, surprise, predictions = new_engine(), 0.0, 0
    for tokens in corpus.sequences():
        surprise += engine.loss([tokens]) * (len(tokens) - 1)
        predictions += len(tokens) - 1
    assert evaluate(engine, corpus.sequences()) == pytest.approx(surprise / predictions, rel=1e-12)


def test_a_batch_of_none_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"batch=0 is too small: it must be 1 or more\. Try batch=1\."):
        TrainConfig(batch=0)
