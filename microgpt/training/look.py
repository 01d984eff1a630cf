"""A look at a model while it reads one document: what it expects, where its attention goes, which weights would move.

It is computed from the weights alone, whoever trains them: the forward pass of `microgpt.reference`, once more on
arrays, so that the attention in the midst of it can be handed out. Axes are those of `config`; L counts the layers.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from microgpt.config import ComputeConfig, GPTConfig
from microgpt.engines import create_engine
from microgpt.engines.base import Array, State, Tokens

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
    with np.errstate(all="ignore"):  # a training that went wrong has weights that are no numbers: that is to be seen
        probabilities, attention = _forward(state.weights, config, tokens[:-1])
        norms = None if "gradient_norms" in without else _gradient_norms(state, config, tokens)
    return Look(
        step=state.step,
        probabilities=None if "probabilities" in without else probabilities,
        attention=None if "attention" in without else attention,
        gradient_norms=norms,
    )


def _gradient_norms(state: State, config: GPTConfig, tokens: Tokens) -> dict[str, float]:
    engine = create_engine(ComputeConfig(engine="numpy", dtype="float64"), config, state)
    _, gradients = engine.loss_and_gradients([tokens])
    return {name: float(np.linalg.norm(gradient)) for name, gradient in gradients.items()}


def _forward(weights: Mapping[str, Array], config: GPTConfig, tokens: Tokens) -> tuple[Array, Array]:
    """Return the probabilities, (T, V), and the attention, (L, H, T, T)."""
    ids = np.array(tokens)
    x = _rmsnorm(np.float64(weights["wte"][ids]) + weights["wpe"][: len(ids)])  # (T, C)
    attention: list[Array] = []
    for i in range(config.n_layer):
        wq, wk, wv, wo, fc1, fc2 = (weights[f"layer{i}.{name}"] for name in ("wq", "wk", "wv", "wo", "fc1", "fc2"))
        normed = _rmsnorm(x)
        q, k, v = (_split(normed @ w.T, config.n_head) for w in (wq, wk, wv))
        scores = q @ k.swapaxes(1, 2) / np.sqrt(config.head_dim)
        shares = _softmax(np.where(np.tri(len(ids), dtype=bool), scores, -np.inf))  # (H, T, T)
        attention.append(shares)
        mixed = (shares @ v).swapaxes(0, 1).reshape(x.shape)
        x = x + mixed @ wo.T
        x = x + np.maximum(_rmsnorm(x) @ fc1.T, 0) @ fc2.T
    if config.final_norm:
        x = _rmsnorm(x)
    return _softmax(x @ weights["lm_head"].T), np.array(attention)


def _split(x: Array, n_head: int) -> Array:  # (T, C) -> (H, T, D)
    return x.reshape(len(x), n_head, -1).swapaxes(0, 1)


def _rmsnorm(x: Array) -> Array:
    return x * (np.square(x).mean(-1, keepdims=True) + 1e-5) ** -0.5


def _softmax(scores: Array) -> Array:
    exps = np.exp(scores - scores.max(-1, keepdims=True))
    return exps / exps.sum(-1, keepdims=True)
