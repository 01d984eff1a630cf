"""Every engine is the reference's function: what one has begun, another goes on with."""

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgpt.config import ComputeConfig, GPTConfig, TrainConfig
from microgpt.data import load_dataset
from microgpt.engines import create_engine
from microgpt.engines.base import Engine, initial_state
from microgpt.training.run import begin, configure, train_and_save
from microgpt.training.sampling import write_samples

GOLDEN = Path(__file__).parents[1] / "golden"
ENGINES = ("scalar", "reference", "numpy", "torch")
OTHERS = [name for name in ENGINES if name != "reference"]
CONFIG = GPTConfig(vocab_size=5, n_layer=2, n_embd=4, n_head=2, block_size=6)
BATCHES = [[[4, 0, 1, 4]], [[4, 2, 4], [4, 3, 3, 3, 0, 4]], [[4, 1, 2, 3, 0, 1, 4]]]


def compute(name: str, dtype: str = "float64") -> ComputeConfig:
    return ComputeConfig(engine=name, device="cpu", dtype=dtype)


def engines(name: str, config: GPTConfig, seed: int = 1) -> tuple[Engine, Engine]:
    """Return an engine and the reference, from the same start."""
    start = initial_state(config, random.Random(seed))
    return create_engine(compute(name), config, start), create_engine(ComputeConfig(), config, start)


def assert_alike(one: Engine, other: Engine) -> None:
    first, second = one.state(), other.state()
    assert first.step == second.step
    for group in ("weights", "mean", "square"):
        for name, array in getattr(first, group).items():
            room = 1e-9 * abs(array).max()
            np.testing.assert_allclose(
                getattr(second, group)[name], array, rtol=0, atol=room, err_msg=f"{group} {name}"
            )


@pytest.mark.parametrize("name", OTHERS)
@settings(max_examples=10)
@given(
    seed=st.integers(0, 99),
    shape=st.sampled_from([(1, 4, 1), (1, 4, 4), (2, 6, 3), (3, 8, 2)]),
    final_norm=st.booleans(),
    batch=st.lists(st.lists(st.integers(0, 4), min_size=2, max_size=7), min_size=1, max_size=4),
)
def test_loss_and_every_gradient_are_those_of_the_reference_whatever_the_lengths(
    name: str, seed: int, shape: tuple[int, int, int], final_norm: bool, batch: list[list[int]]
) -> None:
    n_layer, n_embd, n_head = shape
    config = GPTConfig(vocab_size=5, n_layer=n_layer, n_embd=n_embd, n_head=n_head, block_size=6, final_norm=final_norm)
    engine, reference = engines(name, config, seed)
    assert engine.loss(batch) == pytest.approx(reference.loss(batch), rel=1e-9)
    assert engine.step(batch, 0.0) == pytest.approx(reference.step(batch, 0.0), rel=1e-9)
    assert_alike(reference, engine)
    (loss, gradients), (expected, others) = engine.loss_and_gradients(batch), reference.loss_and_gradients(batch)
    assert loss == pytest.approx(expected, rel=1e-9)
    for tensor, gradient in others.items():
        room = 1e-9 * abs(gradient).max()
        np.testing.assert_allclose(gradients[tensor], gradient, rtol=0, atol=room, err_msg=tensor)
    logits = reference.logits(batch[0][:-1])
    np.testing.assert_allclose(engine.logits(batch[0][:-1]), logits, rtol=0, atol=1e-9 * abs(logits).max())


@pytest.mark.parametrize("name", OTHERS)
def test_step_for_step_it_learns_what_the_reference_learns(name: str) -> None:
    engine, reference = engines(name, CONFIG)
    for batch in BATCHES:
        assert engine.step(batch, 0.01) == pytest.approx(reference.step(batch, 0.01), rel=1e-9)
    assert_alike(reference, engine)


@pytest.mark.slow
@pytest.mark.parametrize("micro_batch", [0, 1, 2])
@pytest.mark.parametrize("final_norm", [False, True])
@pytest.mark.parametrize("name", ["numpy", "torch"])
def test_with_32_bits_and_part_by_part_it_learns_nearly_the_same(name: str, final_norm: bool, micro_batch: int) -> None:
    config = replace(CONFIG, final_norm=final_norm)
    start = initial_state(config, random.Random(1))
    engine = create_engine(replace(compute(name, "float32"), micro_batch=micro_batch), config, start)
    reference = create_engine(ComputeConfig(), config, start)
    batch = BATCHES[1] + BATCHES[2]
    gradients, others = engine.loss_and_gradients(batch)[1], reference.loss_and_gradients(batch)[1]
    for tensor, gradient in others.items():
        room = 1e-4 * abs(gradient).max()
        np.testing.assert_allclose(gradients[tensor], gradient, rtol=0, atol=room, err_msg=tensor)
    for _ in range(10):
        assert engine.step(batch, 0.01) == pytest.approx(reference.step(batch, 0.01), rel=1e-4)
    assert {array.dtype for array in engine.state().weights.values()} == {np.dtype("float32")}
    assert "float32" in engine.described


@pytest.mark.parametrize("first", ENGINES)
@pytest.mark.parametrize("second", ENGINES)
def test_what_one_engine_began_another_goes_on_with(first: str, second: str) -> None:
    whole, begun = (create_engine(compute(first), CONFIG, initial_state(CONFIG, random.Random(1))) for _ in range(2))
    for engine in (whole, begun):
        engine.step(BATCHES[0], 0.01)
    gone_on = create_engine(compute(second), CONFIG, begun.state())
    for batch in BATCHES[1:]:
        whole.step(batch, 0.01)
        gone_on.step(batch, 0.01)
    assert_alike(whole, gone_on)


@pytest.mark.parametrize("name", ENGINES)
def test_changing_the_future_never_changes_the_past(name: str) -> None:
    engine, _ = engines(name, CONFIG)
    one, other = engine.logits([4, 1, 2, 3]), engine.logits([4, 1, 0, 0])
    np.testing.assert_array_equal(one[:2].round(12), other[:2].round(12))
    assert abs(one[2:] - other[2:]).max() > 1e-6


@pytest.mark.parametrize("name", [pytest.param("scalar", marks=pytest.mark.slow), "numpy", "torch"])
def test_trained_on_the_golden_names_it_gives_the_losses_and_samples_of_microgpt_py(name: str, tmp_path: Path) -> None:
    golden = json.loads((GOLDEN / "golden.json").read_text())
    dataset = load_dataset(GOLDEN / "names.txt")
    training = TrainConfig(steps=golden["steps"], seed=golden["seed"])
    run = begin(tmp_path / "run", configure(dataset, training, compute(name)), dataset)
    losses = [step.loss for step in train_and_save(run)]
    assert losses == pytest.approx(golden["losses"], rel=1e-9)
    assert [sample.text for sample in write_samples(run.folder, number=20)] == golden["samples"]
