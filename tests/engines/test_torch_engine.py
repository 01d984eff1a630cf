"""What is chosen for a device changes the speed and the last digits; what a device has not is refused in one line."""

import os
import random
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from microgpt.config import ComputeConfig, GPTConfig
from microgpt.engines import create_engine
from microgpt.engines.base import Engine, initial_state
from microgpt.engines.torch_engine import memory_error
from microgpt.errors import ConfigError

CONFIG = GPTConfig(vocab_size=5, n_layer=2, n_embd=8, n_head=2, block_size=6)
START = initial_state(CONFIG, random.Random(1))
BATCH = [[4, 0, 1, 4], [4, 2, 4], [4, 3, 3, 3, 0, 4]]
CPU = ComputeConfig(engine="torch", device="cpu", dtype="float64")


def stepped(compute: ComputeConfig) -> Engine:
    engine = create_engine(compute, CONFIG, START)
    for _ in range(3):
        engine.step(BATCH, 0.01)
    return engine


@pytest.mark.parametrize(
    "choice",
    [
        {"attention": "plain"},
        {"attention": "fused"},
        {"fused": "on"},
        {"fused": "off"},
        {"micro_batch": 1},
        {"micro_batch": 2},
        pytest.param({"compile": "on"}, marks=pytest.mark.slow),  # the compiler takes its time
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")  # torch's compiler uses what torch gave up
def test_no_choice_changes_the_function(choice: dict[str, str]) -> None:
    one, other = stepped(CPU).state(), stepped(replace(CPU, **choice)).state()  # pyright: ignore
    for group in ("weights", "mean", "square"):
        for name, array in getattr(one, group).items():
            np.testing.assert_allclose(getattr(other, group)[name], array, rtol=0, atol=1e-9 * abs(array).max())


def test_in_16_bits_the_loss_is_right_within_a_hundredth_and_the_weights_keep_32() -> None:
    engine, exact = stepped(replace(CPU, dtype="bfloat16")), stepped(CPU)
    assert engine.loss(BATCH) == pytest.approx(exact.loss(BATCH), rel=0.01)
    assert engine.loss(BATCH) != pytest.approx(exact.loss(BATCH), rel=1e-6)
    assert {array.dtype for array in engine.state().weights.values()} == {np.dtype("float32")}


def test_what_was_handed_out_does_not_move_with_later_steps() -> None:
    engine = stepped(CPU)
    state = engine.state()
    before = {name: array.copy() for name, array in state.weights.items()}
    engine.step(BATCH, 0.1)
    for name, array in before.items():
        np.testing.assert_array_equal(state.weights[name], array)
        assert abs(engine.state().weights[name] - array).max() > 0
    for name, array in START.weights.items():
        np.testing.assert_array_equal(array, initial_state(CONFIG, random.Random(1)).weights[name])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_device_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match=r"device=cuda: torch finds none on this machine, only .*cpu\. Try --device"):
        create_engine(replace(CPU, device="cuda"), CONFIG, START)


def test_graphs_without_cuda_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"graphs=on needs a CUDA device"):
        create_engine(replace(CPU, graphs="on"), CONFIG, START)


def test_what_torch_says_of_a_lack_of_memory_becomes_a_memory_error() -> None:
    with pytest.raises(MemoryError), memory_error():
        torch.empty(1 << 50)
    with pytest.raises(MemoryError), memory_error():
        raise RuntimeError("MPS backend out of memory (MPS allocated: 9.00 GB)")
    with pytest.raises(RuntimeError, match="must match"), memory_error():  # another mistake is not hidden
        torch.zeros(2) + torch.zeros(3)


@pytest.mark.slow
def test_threads_that_wait_sleep_so_that_a_busy_machine_gets_on() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    words = [sys.executable, "-c", "import microgpt.engines.torch_engine"]
    telling = environment | {"OMP_DISPLAY_ENV": "verbose"}  # the library says what it goes by
    loaded = subprocess.run(words, env=telling, capture_output=True, text=True, check=True)
    if "GOMP_SPINCOUNT" not in loaded.stderr:
        pytest.skip("this torch has another library for its threads")
    assert "GOMP_SPINCOUNT = '0'" in loaded.stderr


def test_by_itself_it_takes_32_bits_on_a_processor_and_claims_no_peak() -> None:
    engine = create_engine(ComputeConfig(engine="torch", device="cpu"), CONFIG, START)
    assert engine.described == "torch on cpu, float32"
    assert engine.peak_flops is None
