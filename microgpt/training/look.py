"""A look at a model while it reads one document: what it expects, where its attention goes, which weights would move.

It is computed from the weights alone, by the numpy engine, whoever trains them. Axes are those of `config`; L counts
the layers.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from microgpt.config import ComputeConfig, GPTConfig
from microgpt.engines.base import Array, State, Tokens
from microgpt.engines.numpy_engine import NumpyEngine
from microgpt.engines.numpy_math import softmax

MOST_NUMBERS = 100_000  # of one kind in one look: about a megabyte in a trace
MOST_WEIGHTS = 20_000_000  # the gradients of more take seconds, and a gigabyte of memory


@dataclass(frozen=True, kw_only=True, eq=False)
class Look:
    """What a model of `step` steps makes of a document; None stands for what was left out, see `left_out`.

    Args:
        probabilities: (T, V), row t for what may follow tokens 0 ... t.
        attention: (L, H, T, T), the share of each earlier token in what a token gathers; rows add up to 1.
        gradient_norms: for each weight matrix, the root of the sum of its squared gradients.
    """

    step: int
    probabilities: Array | None
    attention: Array | None
    gradient_norms: Mapping[str, float] | None


def is_looked_at(step: int, steps: int) -> bool:
    """Whether a training of `steps` steps is looked at after this one: often at first, when much changes.

    >>> [step for step in range(21) if is_looked_at(step, 20)]
    [0, 1, 2, 4, 8, 16, 20]
    """
    return step & (step - 1) == 0 or step == steps  # a power of two has one bit, and 0 has none


def left_out(config: GPTConfig, time: int) -> tuple[str, ...]:
    """Name the fields of a `Look` that would be too large, for a document of `time` predictions."""
    costs = {
        "probabilities": time * config.vocab_size > MOST_NUMBERS,
        "attention": config.n_layer * config.n_head * time**2 > MOST_NUMBERS,
        "gradient_norms": config.n_params > MOST_WEIGHTS,
    }
    return tuple(name for name, is_too_much in costs.items() if is_too_much)


def look(state: State, config: GPTConfig, tokens: Tokens) -> Look:
    """Look at a model that reads a document.

    Args:
        tokens: T + 1 ids; the last is predicted and not read.
    """
    without = left_out(config, len(tokens) - 1)
    engine, read = NumpyEngine(config, state, ComputeConfig(engine="numpy")), tokens[:-1]
    with np.errstate(all="ignore"):  # a training that went wrong has weights that are no numbers: that is to be seen
        return Look(
            step=state.step,
            probabilities=None if "probabilities" in without else softmax(engine.logits(read)),
            attention=None if "attention" in without else engine.attention(read),
            gradient_norms=None if "gradient_norms" in without else _norms(engine.loss_and_gradients([tokens])[1]),
        )


def _norms(gradients: Mapping[str, Array]) -> dict[str, float]:
    return {name: float(np.linalg.norm(gradient)) for name, gradient in gradients.items()}
