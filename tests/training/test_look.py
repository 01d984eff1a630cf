"""What a look shows is what the reference computes, and what is too large is left out by name."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt import reference
from microgpt.config import ComputeConfig, GPTConfig
from microgpt.engines import create_engine
from microgpt.engines.base import State, initial_state
from microgpt.presets import CHAR, GPT2
from microgpt.reference import Node
from microgpt.training.look import left_out, look


@st.composite
def models(draw: st.DrawFn) -> tuple[GPTConfig, State, list[int]]:
    n_head = draw(st.integers(1, 3))
    config = GPTConfig(
        vocab_size=draw(st.integers(2, 6)),
        n_layer=draw(st.integers(1, 3)),
        n_head=n_head,
        n_embd=n_head * draw(st.integers(1, 3)),
        block_size=draw(st.integers(1, 6)),
        init_std=0.5,  # large, so that attention is far from even
        final_norm=draw(st.booleans()),
    )
    state = initial_state(config, random.Random(draw(st.integers(0, 99))))
    size = draw(st.integers(2, config.block_size + 1))
    return config, state, draw(st.lists(st.integers(0, config.vocab_size - 1), min_size=size, max_size=size))


@given(models())
def test_probabilities_and_gradient_norms_are_those_of_the_reference(model: tuple[GPTConfig, State, list[int]]) -> None:
    config, state, tokens = model
    engine = create_engine(ComputeConfig(engine="reference"), config, state)
    seen = look(state, config, tokens)
    assert seen.probabilities is not None
    assert seen.gradient_norms is not None
    expected = [reference.softmax(row) for row in engine.logits(tokens[:-1]).tolist()]
    np.testing.assert_allclose(seen.probabilities, expected, rtol=1e-10)
    _, gradients = engine.loss_and_gradients([tokens])
    squares = {name: sum(g * g for row in gradient.tolist() for g in row) for name, gradient in gradients.items()}
    assert seen.gradient_norms == pytest.approx(
        {name: square**0.5 for name, square in squares.items()}, rel=1e-9, abs=1e-12
    )


@pytest.fixture
def shares(monkeypatch: pytest.MonkeyPatch) -> list[list[list[float]]]:
    """What the reference's softmax gives in each head of each layer, in its order."""
    gave: list[list[list[float]]] = []
    softmax = reference.causal_softmax

    def overheard(x: Node) -> Node:
        out = softmax(x)
        gave.append(out.data)
        return out

    monkeypatch.setattr(reference, "causal_softmax", overheard)
    return gave


def test_attention_is_that_of_the_reference_layer_by_layer_and_head_by_head(
    shares: list[list[list[float]]],
) -> None:
    config = GPTConfig(vocab_size=5, n_layer=3, n_embd=8, n_head=4, block_size=6, init_std=0.5)
    state = initial_state(config, random.Random(1))
    tokens = [4, 0, 3, 1, 1, 2, 4]
    reference.gpt(tokens[:-1], {name: Node(matrix.tolist()) for name, matrix in state.weights.items()}, 4)
    seen = look(state, config, tokens)
    assert seen.attention is not None
    assert seen.attention.shape == (3, 4, 6, 6)
    np.testing.assert_allclose(seen.attention.reshape(12, 6, 6), shares, rtol=1e-10)


def test_a_look_at_char_is_whole_and_at_gpt2_without_what_would_fill_the_disk() -> None:
    assert left_out(GPTConfig(vocab_size=64, **CHAR.shape), 32) == ()
    assert left_out(GPTConfig(vocab_size=64, **GPT2.shape), 32) == ("attention", "gradient_norms")
    assert left_out(GPTConfig(vocab_size=5000), 32) == ("probabilities",)


def test_what_is_left_out_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    config = GPTConfig(vocab_size=5, n_embd=8, block_size=6)
    state = initial_state(config, random.Random(1))
    monkeypatch.setattr("microgpt.training.look.MOST_NUMBERS", 40)  # 4 x 5 x 5 are more, 5 x 5 fewer
    seen = look(state, config, [0, 1, 2, 3, 4, 0])
    assert seen.attention is None
    assert seen.probabilities is not None
    monkeypatch.setattr("microgpt.training.look.MOST_WEIGHTS", 100)
    assert look(state, config, [0, 1]).gradient_norms is None
