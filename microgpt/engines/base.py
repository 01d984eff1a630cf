"""What every engine can do, and the state that it hands to another engine or to a checkpoint."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from microgpt import reference
from microgpt.config import GPTConfig

Array = npt.NDArray[np.floating[Any]]  # float64 or float32
Tokens = Sequence[int]  # a document: T + 1 ids; each but the last predicts the next
BETAS, EPS = (0.85, 0.99), 1e-8  # of Adam (Kingma and Ba 2015), as in the reference


@dataclass(frozen=True, kw_only=True)
class State:
    """All that a training step changes; keys and shapes are those of `config.parameter_shapes`.

    An engine takes arrays of either type, and hands out those that hold its numbers exactly.

    Args:
        weights: the model.
        mean: Adam's running average of each gradient.
        square: Adam's running average of each squared gradient.
        step: how many steps led here; Adam corrects its averages by it.
    """

    weights: Mapping[str, Array]
    mean: Mapping[str, Array]
    square: Mapping[str, Array]
    step: int


class Engine(Protocol):
    """A model and its optimizer.

    Documents have 2 to block_size + 1 tokens. A batch's loss is the mean over all its predictions, in nats a token: a
    document counts by its length.
    """

    @property
    def described(self) -> str:
        """Who computes, where and with what numbers: "numpy on cpu, float64"."""
        ...

    @property
    def peak_flops(self) -> float | None:
        """The most operations a second that the device can do with such numbers; None where it is not known."""
        ...

    def loss_and_gradients(self, batch: Sequence[Tokens]) -> tuple[float, dict[str, Array]]:
        """Return the loss and how fast it grows with each weight; nothing moves."""
        ...

    def step(self, batch: Sequence[Tokens], lr: float) -> float:
        """Move the weights once, and return the loss from before, nan where it is none that could be computed.

        Interrupted, it has moved all weights or none.

        Raises:
            MemoryError: if so large a batch does not fit.
        """
        ...

    def loss(self, batch: Sequence[Tokens]) -> float:
        """Return the loss; nothing moves."""
        ...

    def logits(self, tokens: Tokens) -> Array:
        """Return (T, V): row t scores what may follow tokens 0 ... t."""
        ...

    def state(self) -> State:
        """Return the state; later steps leave what was returned alone."""
        ...


def initial_state(config: GPTConfig, rng: random.Random) -> State:
    """Draw the weights as the reference does, the same for every engine; Adam's averages start at 0."""
    rows = reference.init_weights(
        rng, config.vocab_size, config.n_layer, config.n_embd, config.block_size, config.init_std
    )
    weights = {name: np.array(matrix) for name, matrix in rows.items()}
    zeros = {name: np.zeros_like(matrix) for name, matrix in weights.items()}
    return State(weights=weights, mean=zeros, square=zeros, step=0)


def predictions(batch: Iterable[Tokens]) -> int:
    """Return how many tokens are predicted in a batch."""
    return sum(len(tokens) - 1 for tokens in batch)


def parts(batch: Sequence[Tokens], size: int) -> list[Sequence[Tokens]]:
    """Return a batch cut into what is computed at once; 0 for all of it."""
    size = size or len(batch)
    return [batch[first : first + size] for first in range(0, len(batch), size)]
