"""The array engine is the reference in both of its types, however its batch is cut, and moves all or nothing."""

import random
import sys
import tracemalloc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgpt import reference
from microgpt.config import ComputeConfig, GPTConfig, parameter_shapes
from microgpt.engines import create_engine, numpy_engine
from microgpt.engines.base import Array, Engine, State, initial_state
from microgpt.engines.numpy_engine import Numbers
from microgpt.engines.numpy_math import pack

CONFIG = GPTConfig(vocab_size=5, n_layer=2, n_embd=4, n_head=2, block_size=6)
BATCH = [[4, 2, 4], [4, 3, 3, 3, 0, 4], [4, 0, 4], [4, 1, 2, 3, 0, 1, 4]]
ROOM = {"float64": 1e-9, "float32": 1e-4}  # of a tensor's largest entry
TYPES = sorted(ROOM)
GROUPS = ("weights", "mean", "square")
BATCHES = st.lists(st.lists(st.integers(0, 4), min_size=2, max_size=7), min_size=1, max_size=5)


def numpy(config: GPTConfig = CONFIG, dtype: str = "auto", micro_batch: int = 0, start: State | None = None) -> Engine:
    compute = ComputeConfig(engine="numpy", dtype=dtype, micro_batch=micro_batch)
    return create_engine(compute, config, start or initial_state(config, random.Random(1)))


def assert_near(found: Mapping[str, Array], expected: Mapping[str, Array], room: float) -> None:
    assert list(found) == list(expected)
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=0, atol=room * abs(array).max(), err_msg=name)


def assert_same(one: State, other: State) -> None:
    assert one.step == other.step
    for group in GROUPS:
        for name, array in getattr(one, group).items():
            np.testing.assert_array_equal(array, getattr(other, group)[name], err_msg=f"{group} {name}")


@pytest.mark.parametrize("dtype", TYPES)
@settings(max_examples=25)
@given(
    seed=st.integers(0, 99),
    shape=st.sampled_from([(1, 4, 1), (1, 4, 4), (2, 6, 3), (3, 8, 2)]),
    final_norm=st.booleans(),
    micro_batch=st.sampled_from([0, 1, 3]),
    batch=BATCHES,
)
def test_loss_gradients_and_logits_are_those_of_the_reference_however_the_batch_is_cut(
    dtype: str, seed: int, shape: tuple[int, int, int], final_norm: bool, micro_batch: int, batch: list[list[int]]
) -> None:
    n_layer, n_embd, n_head = shape
    config = GPTConfig(vocab_size=5, n_layer=n_layer, n_embd=n_embd, n_head=n_head, block_size=6, final_norm=final_norm)
    start = initial_state(config, random.Random(seed))
    engine, slow = numpy(config, dtype, micro_batch, start), create_engine(ComputeConfig(), config, start)
    loss, gradients = engine.loss_and_gradients(batch)
    expected, expected_gradients = slow.loss_and_gradients(batch)
    assert loss == pytest.approx(expected, rel=ROOM[dtype])
    assert engine.loss(batch) == pytest.approx(expected, rel=ROOM[dtype])
    assert_near(gradients, expected_gradients, ROOM[dtype])
    tokens = batch[0][:-1]
    assert_near({"logits": engine.logits(tokens)}, {"logits": slow.logits(tokens)}, ROOM[dtype])


@pytest.mark.slow
@pytest.mark.parametrize("final_norm", [False, True])
@pytest.mark.parametrize("micro_batch", [0, 1, 3])
@pytest.mark.parametrize("dtype", TYPES)
def test_ten_steps_give_the_losses_of_the_reference(dtype: str, micro_batch: int, final_norm: bool) -> None:
    config = GPTConfig(vocab_size=5, n_layer=3, n_embd=8, n_head=2, block_size=6, final_norm=final_norm)
    start = initial_state(config, random.Random(3))
    engine, slow = numpy(config, dtype, micro_batch, start), create_engine(ComputeConfig(), config, start)
    for done in range(10):
        batch = BATCH[: 1 + done % 4]
        assert engine.step(batch, 0.01) == pytest.approx(slow.step(batch, 0.01), rel=ROOM[dtype])


@pytest.mark.parametrize("dtype", TYPES)
@settings(max_examples=25)
@given(seed=st.integers(0, 999), step=st.integers(1, 2000), size=st.sampled_from([1e-6, 1e-3, 1.0]))
def test_from_the_same_gradients_adam_takes_the_step_of_the_reference(
    dtype: str, seed: int, step: int, size: float
) -> None:
    weights, gradient, mean, square = np.random.default_rng(seed).normal(size=(4, 50)).astype(dtype)
    gradient, mean, square = size * gradient, size * mean, np.square(size * square)
    moved = numpy_engine.adam(Numbers(weights, mean, square, step - 1), gradient, 0.01)
    w, g, m, v = ([numbers.tolist()] for numbers in (weights, gradient, mean, square))
    expected = [np.array(numbers[0]) for numbers in reference.adam(w, g, m, v, step, 0.01)]
    assert moved.step == step
    assert_near(dict(zip(GROUPS, moved[:3])), dict(zip(GROUPS, expected)), ROOM[dtype])


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("given_in", TYPES)
def test_everything_computed_has_the_type_that_was_asked_for_whatever_the_state_had(given_in: str, dtype: str) -> None:
    drawn = initial_state(CONFIG, random.Random(1))
    start = State(
        **{group: {name: a.astype(given_in) for name, a in getattr(drawn, group).items()} for group in GROUPS}, step=3
    )
    engine = numpy(dtype=dtype, micro_batch=3, start=start)
    handed_out = engine.state()
    assert handed_out.step == 3
    for name, array in start.weights.items():
        np.testing.assert_array_equal(handed_out.weights[name], array.astype(dtype))
    engine.step(BATCH, 0.01)
    after, (_, gradients) = engine.state(), engine.loss_and_gradients(BATCH)
    arrays = [engine.logits([4]), *gradients.values(), *(a for group in GROUPS for a in getattr(after, group).values())]
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}
    assert {name: array.shape for name, array in after.weights.items()} == parameter_shapes(CONFIG)


def test_it_says_who_computes_and_with_what_numbers() -> None:
    assert [numpy(dtype=dtype).described for dtype in ("auto", "float64", "float32")] == [
        "numpy on cpu, float64",
        "numpy on cpu, float64",
        "numpy on cpu, float32",
    ]
    assert numpy().peak_flops is None


@given(batch=BATCHES)
def test_packed_every_prediction_stands_there_once_and_nothing_else_does(batch: list[list[int]]) -> None:
    packed = pack(batch)
    found = sorted(zip(packed.positions.tolist(), packed.ids.tolist(), packed.targets.tolist()))
    assert found == sorted((t, doc[t], doc[t + 1]) for doc in batch for t in range(len(doc) - 1))
    documents = [
        rows.tolist()
        for group in packed.groups
        for rows in packed.ids[group.rows].reshape(-1, group.time)  # documents of a group are one after another
    ]
    assert sorted(documents) == sorted(doc[:-1] for doc in batch)
    assert [group.time for group in packed.groups] == sorted({len(doc) - 1 for doc in batch})


def enlarged(factor: float, *names: str) -> State:
    drawn = initial_state(CONFIG, random.Random(1))
    weights = {name: array * (factor if name.endswith(names) else 1) for name, array in drawn.weights.items()}
    return State(weights=weights, mean=drawn.mean, square=drawn.square, step=0)


def test_a_surprise_too_large_for_a_share_is_told_all_the_same() -> None:
    start = enlarged(20_000, "lm_head")
    engine, slow = numpy(start=start), create_engine(ComputeConfig(), CONFIG, start)
    expected = slow.loss(BATCH)
    assert expected > 800  # nats; exp(-746) is 0
    assert engine.loss(BATCH) == pytest.approx(expected, rel=1e-9)
    loss, gradients = engine.loss_and_gradients(BATCH)
    assert loss == pytest.approx(expected, rel=1e-9)
    assert all(np.isfinite(gradient).all() for gradient in gradients.values())


def test_scores_too_large_for_an_exponential_are_shared_out_all_the_same() -> None:
    start = enlarged(1000, "wq", "wk")
    engine, slow = numpy(start=start), create_engine(ComputeConfig(), CONFIG, start)
    (loss, gradients), (expected, others) = engine.loss_and_gradients(BATCH), slow.loss_and_gradients(BATCH)
    assert loss == pytest.approx(expected, rel=1e-9)
    assert_near(gradients, others, 1e-9)


def test_part_by_part_a_batch_takes_less_memory() -> None:
    def peak(micro_batch: int) -> int:
        engine = numpy(micro_batch=micro_batch)
        tracemalloc.start()
        engine.step(BATCH * 20, 0.01)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(4) < peak(0) / 3


def test_a_long_context_takes_no_memory_before_a_document_fills_it() -> None:
    tracemalloc.start()
    numpy(GPTConfig(vocab_size=5, n_embd=2, n_head=1, block_size=4000)).logits([0] * 15)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 4000 * 4000 * 8 / 2  # bytes, of which a mask for all of the context would take twice as many


@pytest.mark.parametrize("tokens", [[5], [4, 5], [4] * 7])
def test_a_token_or_a_position_that_there_is_none_of_is_no_other_one(tokens: list[int]) -> None:
    with pytest.raises(IndexError):
        numpy().logits(tokens)


def test_a_state_handed_in_or_out_and_the_engine_leave_one_another_alone() -> None:
    start = initial_state(CONFIG, random.Random(1))
    engine, untouched = numpy(start=start), numpy()
    begun, (_, gradients) = engine.state(), engine.loss_and_gradients(BATCH)
    kept = {name: array.copy() for name, array in gradients.items()}
    engine.step(BATCH, 0.01)
    assert_same(begun, initial_state(CONFIG, random.Random(1)))
    assert_near(gradients, kept, 0)
    untouched.step(BATCH, 0.01)
    for state in (start, engine.state()):
        for group in GROUPS:
            for array in getattr(state, group).values():
                array += 1.0
    assert_same(engine.state(), untouched.state())


@contextmanager
def interrupted_after(instructions: int) -> Iterator[None]:
    """Raise KeyboardInterrupt before so many instructions of the engine's module, as Ctrl-C may."""
    left = instructions

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal left
        if frame.f_code.co_filename != numpy_engine.__file__:
            return None
        frame.f_trace_opcodes = True
        left -= event == "opcode"
        if left < 0:
            raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


def interrupted_step(engine: Engine, batch: Sequence[Sequence[int]], instructions: int) -> bool:
    """Return whether the step was interrupted."""
    try:
        with interrupted_after(instructions):
            engine.step(batch, 0.01)
    except KeyboardInterrupt:
        return True
    return False


@pytest.mark.slow
def test_interrupted_at_any_instruction_a_step_has_moved_all_or_nothing() -> None:
    config = GPTConfig(vocab_size=5, n_embd=2, n_head=1, block_size=2)
    start, batch = initial_state(config, random.Random(1)), [[4, 0, 4], [4, 1]]
    whole = numpy(config, micro_batch=1, start=start)
    whole.step(batch, 0.01)
    moved, instructions = False, 0
    engine = numpy(config, micro_batch=1, start=start)
    engine.loss(batch)  # what an engine makes when it is first needed is there
    while interrupted_step(engine, batch, instructions):
        moved = moved or engine.state().step == 1
        assert_same(engine.state(), whole.state() if moved else start)
        if moved:
            engine = numpy(config, micro_batch=1, start=start)
            engine.loss(batch)
        instructions += 1
    assert moved  # the last instructions come after the move
    assert instructions > 100
    assert_same(engine.state(), whole.state())


def test_a_document_counts_in_the_loss_by_its_length_whatever_stands_beside_it() -> None:
    engine = numpy()
    alone = [engine.loss([tokens]) for tokens in BATCH]
    counts = [len(tokens) - 1 for tokens in BATCH]
    assert engine.loss(BATCH) == pytest.approx(np.average(alone, weights=counts), rel=1e-12)
