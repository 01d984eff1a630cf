"""The scalar engine is the reference's function: what one has trained, the other goes on with."""

import random

import numpy as np
import pytest

from microgpt.config import GPTConfig
from microgpt.engines import create_engine
from microgpt.engines.base import Engine, initial_state

CONFIG = GPTConfig(vocab_size=5, n_layer=2, n_embd=4, n_head=2, block_size=6)
BATCHES = [[[4, 0, 1, 4]], [[4, 2, 4], [4, 3, 3, 3, 0, 4]], [[4, 1, 2, 3, 0, 1, 4]]]


def assert_alike(one: Engine, other: Engine) -> None:
    first, second = one.state(), other.state()
    assert first.step == second.step
    for group in ("weights", "mean", "square"):
        for name, array in getattr(first, group).items():
            room = 1e-9 * abs(array).max()
            np.testing.assert_allclose(
                getattr(second, group)[name], array, rtol=0, atol=room, err_msg=f"{group} {name}"
            )


def test_step_for_step_it_does_what_the_reference_does_batches_included() -> None:
    start = initial_state(CONFIG, random.Random(1))
    scalar, reference = (create_engine(name, CONFIG, start) for name in ("scalar", "reference"))
    for batch in BATCHES:
        assert scalar.step(batch, 0.01) == pytest.approx(reference.step(batch, 0.01), rel=1e-12)
    assert_alike(scalar, reference)
    assert scalar.loss(BATCHES[1]) == pytest.approx(reference.loss(BATCHES[1]), rel=1e-9)
    np.testing.assert_allclose(scalar.logits([4, 0, 1]), reference.logits([4, 0, 1]), rtol=0, atol=1e-9)


@pytest.mark.parametrize(("first", "second"), [("scalar", "reference"), ("reference", "scalar")])
def test_what_one_engine_began_another_goes_on_with(first: str, second: str) -> None:
    whole = create_engine(first, CONFIG, initial_state(CONFIG, random.Random(1)))
    begun = create_engine(first, CONFIG, initial_state(CONFIG, random.Random(1)))
    for engine in (whole, begun):
        engine.step(BATCHES[0], 0.01)
    gone_on = create_engine(second, CONFIG, begun.state())
    for batch in BATCHES[1:]:
        whole.step(batch, 0.01)
        gone_on.step(batch, 0.01)
    assert_alike(whole, gone_on)
