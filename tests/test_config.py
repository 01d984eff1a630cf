"""The table of shapes is the reference's, and what cannot work is refused in one line."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt import reference
from microgpt.config import GPTConfig, TrainConfig, parameter_shapes
from microgpt.errors import ConfigError


@given(
    vocab_size=st.integers(2, 9),
    n_layer=st.integers(1, 3),
    n_head=st.integers(1, 3),
    head_dim=st.integers(1, 3),
    block_size=st.integers(1, 9),
)
def test_names_order_and_shapes_are_those_that_the_reference_draws(
    vocab_size: int, n_layer: int, n_head: int, head_dim: int, block_size: int
) -> None:
    n_embd = n_head * head_dim
    config = GPTConfig(vocab_size=vocab_size, n_layer=n_layer, n_embd=n_embd, n_head=n_head, block_size=block_size)
    drawn = reference.init_weights(random.Random(0), vocab_size, n_layer, n_embd, block_size)
    assert list(parameter_shapes(config).items()) == [(name, (len(m), len(m[0]))) for name, m in drawn.items()]
    assert config.n_params == sum(len(row) for matrix in drawn.values() for row in matrix)
    assert config.head_dim == head_dim


def test_the_message_for_channels_that_do_not_split_is_the_one_in_our_style_guide() -> None:
    with pytest.raises(ConfigError) as refused:
        GPTConfig(vocab_size=27, n_embd=10)
    assert str(refused.value) == (
        "n_embd=10 does not split evenly over n_head=4: "
        "each head needs the same whole number of channels. Try n_embd=8."
    )


@given(n_embd=st.integers(1, 40), n_head=st.integers(1, 12))
def test_the_suggested_number_of_channels_works(n_embd: int, n_head: int) -> None:
    try:
        GPTConfig(vocab_size=27, n_embd=n_embd, n_head=n_head)
    except ConfigError as refused:
        suggested = int(str(refused).rsplit("=", 1)[1].rstrip("."))
        assert GPTConfig(vocab_size=27, n_embd=suggested, n_head=n_head).head_dim * n_head == suggested


@pytest.mark.parametrize("name", ["n_layer", "n_embd", "n_head", "block_size"])
@pytest.mark.parametrize("value", [0, -1])
def test_a_shape_below_one_is_refused_by_name(name: str, value: int) -> None:
    with pytest.raises(ConfigError, match=f"{name}={value} is too small"):
        GPTConfig(vocab_size=27, **{name: value})


def test_a_model_that_no_memory_holds_is_refused_before_it_is_built() -> None:
    with pytest.raises(ConfigError, match="too large"):
        GPTConfig(vocab_size=27, n_layer=10**12)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"steps": 0}, "steps=0"),
        ({"seed": -1}, "seed=-1"),
        ({"lr": 0.0}, "lr=0.0"),
        ({"lr": float("nan")}, "lr=nan"),
        ({"lr": float("inf")}, "lr=inf"),
        ({"val_fraction": -0.1}, "val_fraction=-0.1"),
        ({"val_fraction": 1.0}, "val_fraction=1.0"),
        ({"val_fraction": float("nan")}, "val_fraction=nan"),
    ],
)
def test_a_training_setting_that_cannot_work_is_refused_by_name(settings: dict[str, float], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        TrainConfig(**settings)  # pyright: ignore[reportArgumentType]
