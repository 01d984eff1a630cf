"""The engine is the reference's functions with a memory, and a batch is the mean of its documents."""

import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgpt import reference
from microgpt.config import ComputeConfig, GPTConfig
from microgpt.engines import create_engine
from microgpt.engines.base import Engine, State, initial_state

CONFIG = GPTConfig(vocab_size=5, n_layer=2, n_embd=4, n_head=2, block_size=6)
TOKENS = st.lists(st.integers(0, 4), min_size=2, max_size=7)


def fresh(seed: int = 1, engine: str = "reference") -> Engine:
    return create_engine(ComputeConfig(engine=engine), CONFIG, initial_state(CONFIG, random.Random(seed)))


def assert_same(one: State, other: State) -> None:
    assert one.step == other.step
    for group in ("weights", "mean", "square"):
        for name, array in getattr(one, group).items():
            np.testing.assert_array_equal(array, getattr(other, group)[name], err_msg=f"{group} {name}")


@settings(max_examples=20)
@given(documents=st.lists(TOKENS, min_size=1, max_size=4))
def test_steps_are_those_of_the_reference_to_the_last_bit(documents: list[list[int]]) -> None:
    engine = fresh()
    weights = reference.init_weights(random.Random(1), 5, 2, 4, 6)
    zeros = {name: [[0.0] * len(row) for row in rows] for name, rows in weights.items()}
    mean, square = dict(zeros), dict(zeros)
    for step, tokens in enumerate(documents, 1):
        loss, gradients = reference.loss_and_gradients(weights, tokens, 2)
        for n in weights:
            weights[n], mean[n], square[n] = reference.adam(weights[n], gradients[n], mean[n], square[n], step, 0.01)
        assert engine.step([tokens], 0.01) == loss
    state = engine.state()
    assert {name: array.tolist() for name, array in state.weights.items()} == weights
    assert {name: array.tolist() for name, array in state.mean.items()} == mean
    assert {name: array.tolist() for name, array in state.square.items()} == square


@settings(max_examples=20)
@given(tokens=TOKENS)
def test_the_loss_is_that_of_the_reference_and_moves_nothing(tokens: list[int]) -> None:
    engine = fresh()
    before = engine.state()
    expected, _ = reference.loss_and_gradients(reference.init_weights(random.Random(1), 5, 2, 4, 6), tokens, 2)
    assert engine.loss([tokens]) == pytest.approx(expected, rel=1e-12)
    assert_same(engine.state(), before)


def slope(
    state: State, name: str, place: tuple[int, int], batch: Sequence[Sequence[int]], width: float = 1e-6
) -> float:
    """How fast the batch's loss grows with one weight, by trying."""
    losses: list[float] = []
    for shift in (-width, width):
        moved = {n: array.copy() for n, array in state.weights.items()}
        moved[name][place] += shift
        engine = create_engine(ComputeConfig(), CONFIG, State(weights=moved, mean={}, square={}, step=0))
        losses.append(engine.loss(batch))
    return (losses[1] - losses[0]) / (2 * width)


def test_a_batch_moves_along_the_slope_of_its_loss() -> None:
    batch = [[4, 0, 1, 4], [4, 2, 4], [4, 3, 3, 3, 0, 4]]  # of different lengths: they do not count the same
    start = initial_state(CONFIG, random.Random(1))
    engine = create_engine(ComputeConfig(), CONFIG, start)
    loss = engine.loss(batch)
    assert engine.step(batch, 0.01) == pytest.approx(loss, rel=1e-12)
    mean = engine.state().mean
    for name in ("wte", "lm_head", "layer0.wq", "layer1.fc1"):
        gradient = mean[name] / (1 - 0.85)  # Adam's average after one step holds that much of it
        place = np.unravel_index(np.argmax(abs(gradient)), gradient.shape)
        assert gradient[place] == pytest.approx(slope(start, name, (int(place[0]), int(place[1])), batch), rel=1e-5)


@pytest.mark.parametrize("name", ["scalar", "reference", "numpy", "torch"])
def test_an_engine_goes_on_from_a_state_as_the_one_that_it_came_from(name: str) -> None:
    engine = fresh(engine=name)
    engine.step([[4, 1, 2, 4]], 0.01)
    state = engine.state()
    other = create_engine(ComputeConfig(engine=name), CONFIG, state)
    assert other.step([[4, 0, 4]], 0.02) == engine.step([[4, 0, 4]], 0.02)
    assert_same(other.state(), engine.state())
    assert state.step == 1  # and the state that was handed out has not moved with them
    with pytest.raises(AssertionError):
        assert_same(state, engine.state())


def test_interrupted_within_a_step_all_weights_have_moved_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = fresh()
    before, calls, adam = engine.state(), 0, reference.adam

    def interrupted_adam(*args: list[list[float]]) -> object:
        nonlocal calls
        calls += 1
        if calls == 5:
            raise KeyboardInterrupt
        return adam(*args)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(reference, "adam", interrupted_adam)
    with pytest.raises(KeyboardInterrupt):
        engine.step([[4, 1, 4]], 0.01)
    assert_same(engine.state(), before)
