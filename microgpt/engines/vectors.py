"""Test vectors: what a port of the model is asked, and what the reference answers.

A vector is small enough to read and large enough to show a fault; `RECIPES` says which each is there for. What is asked
is in short decimals, the same on every machine. The JSON is described in docs/conformance.md.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType

import numpy as np

from microgpt import reference
from microgpt.config import GPTConfig, parameter_shapes
from microgpt.engines.base import Array

Matrices = dict[str, list[list[float]]]  # every weight's name, and numbers of its shape
Tensors = dict[str, Array]


@dataclass(frozen=True, kw_only=True)
class AdamStep:
    """One step of Adam, with its gradients given, so that it is judged apart from those that a port finds.

    Args:
        step: which it is, counted from 1.
        lr: the learning rate.
        gradients: what to step against.
        mean, square: the running averages from before this step.
    """

    step: int
    lr: float
    gradients: Matrices
    mean: Matrices
    square: Matrices


@dataclass(frozen=True, kw_only=True)
class Vector:
    """One question to a port.

    Args:
        name: what it is called.
        shows: what it is there to show.
        config: the shape of the model.
        tokens: a document, T + 1 ids; each but the last predicts the next.
        weights: the model.
        adam: the step to make from these weights.
    """

    name: str
    shows: str
    config: GPTConfig
    tokens: list[int]
    weights: Matrices
    adam: AdamStep


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a port answers.

    Args:
        forward: "logits", (T, V), and "loss", (), in nats a token.
        gradients: of the loss, for every weight.
        weights: after the step of Adam.
    """

    forward: Tensors
    gradients: Tensors
    weights: Tensors


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a vector is made. All have 5 tokens, of which 4 is BOS, 8 channels and a context of 6.

    Args:
        seed: of what is drawn.
        n_layer, n_head: of the model.
        tokens: the document.
        step: which step of Adam it makes.
        size: the standard deviation of the gradients that Adam is given.
        std: that of the weights. Normed numbers are near 1, so that with 0.5 no softmax is flat and none is one-sided.
        own_std: that of the matrices whose name ends so.
    """

    name: str
    shows: str
    seed: int
    n_layer: int = 1
    n_head: int = 2
    tokens: list[int]
    step: int
    size: float = 0.1
    std: float = 0.5
    own_std: Mapping[str, float] = field(default_factory=dict[str, float])


RECIPES = (
    Recipe(
        name="one-layer",
        shows="the plain case, and the first step of Adam, whose averages are empty",
        seed=1,
        tokens=[4, 0, 3, 2],
        step=1,
    ),
    Recipe(
        name="full-context",
        shows="two layers, four heads, a document that fills the context, the second step of Adam",
        seed=2,
        n_layer=2,
        n_head=4,
        tokens=[4, 2, 0, 1, 3, 2, 4],
        step=2,
    ),
    Recipe(
        name="repeats",
        shows="a token that comes again: its row of wte gets several gradients",
        seed=3,
        tokens=[4, 1, 1, 1, 0, 1],
        step=3,
    ),
    Recipe(
        name="large",
        shows="scores and logits so large that exp overflows, unless the largest is taken off first",
        seed=3896,
        tokens=[4, 1, 0, 3, 0],
        step=2,
        size=10.0,
        std=1.0,
        own_std={"wq": 8.0, "wk": 8.0, "wv": 3.0, "wo": 3.0, "lm_head": 3.0},
    ),
    Recipe(
        name="tiny",
        shows="embeddings so small that RMSNorm's epsilon counts, gradients so small that Adam's does",
        seed=5,
        tokens=[4, 2, 1, 0, 4],
        step=2,
        size=1e-7,
        own_std={"wte": 0.002, "wpe": 0.002},
    ),
)
LR = 0.1  # large, so that a wrong step stands out from the weights


def make_vectors() -> list[Vector]:
    """Return the vectors, always the same."""
    return [_make(recipe) for recipe in RECIPES]


def _make(recipe: Recipe) -> Vector:
    rng = random.Random(recipe.seed)
    config = GPTConfig(vocab_size=5, n_layer=recipe.n_layer, n_embd=8, n_head=recipe.n_head, block_size=6)
    weights = {
        name: _draw(rng, shape, recipe.own_std.get(name.split(".")[-1], recipe.std))
        for name, shape in parameter_shapes(config).items()
    }
    return Vector(
        name=recipe.name,
        shows=recipe.shows,
        config=config,
        tokens=recipe.tokens,
        weights=weights,
        adam=_draw_adam_step(rng, config, recipe),
    )


def _draw_adam_step(rng: random.Random, config: GPTConfig, recipe: Recipe) -> AdamStep:
    """Draw gradients for every step up to this one; the averages are those that they lead to."""
    shapes = parameter_shapes(config)
    history = [
        {name: _draw(rng, shape, recipe.size) for name, shape in shapes.items()} for _ in range(recipe.step)
    ]  # fmt: skip
    zeros = {name: [[0.0] * columns for _ in range(rows)] for name, (rows, columns) in shapes.items()}
    mean, square = zeros, zeros
    for number, gradients in enumerate(history[:-1], start=1):
        for name in shapes:
            _, m, v = reference.adam(zeros[name], gradients[name], mean[name], square[name], number, LR)
            mean, square = mean | {name: _short(m)}, square | {name: _short(v)}
    return AdamStep(step=recipe.step, lr=LR, gradients=history[-1], mean=mean, square=square)


def _draw(rng: random.Random, shape: tuple[int, int], std: float) -> list[list[float]]:
    rows, columns = shape
    return _short([[rng.gauss(0, std) for _ in range(columns)] for _ in range(rows)])


def _short(rows: list[list[float]]) -> list[list[float]]:
    return [[float(f"{number:.4g}") for number in row] for row in rows]


def reference_answer(vector: Vector, model: ModuleType = reference) -> Answer:
    """Return what the reference answers, or a module with the same functions."""
    return Answer(
        forward=compute_forward(vector, model),
        gradients=compute_gradients(vector, model),
        weights=compute_weights(vector, model),
    )


def compute_forward(vector: Vector, model: ModuleType = reference) -> Tensors:
    """Return the logits and the loss; what cannot be computed is not a number, as it would be on arrays."""
    nodes = {name: model.Node(rows) for name, rows in vector.weights.items()}
    logits = np.full((len(vector.tokens) - 1, vector.config.vocab_size), np.nan)
    loss = np.array(np.nan)
    try:
        scores = model.gpt(vector.tokens[:-1], nodes, vector.config.n_head)
        logits = np.array(scores.data)
        loss = np.array(model.cross_entropy(scores, vector.tokens[1:]).data[0][0])
    except (ArithmeticError, ValueError):  # exp or a power overflows, a division by zero, the logarithm of 0
        pass
    return {"logits": logits, "loss": loss}


def compute_gradients(vector: Vector, model: ModuleType = reference) -> Tensors:
    """Return the gradient of every weight; none is a number where the forward pass has failed."""
    try:
        _, gradients = model.loss_and_gradients(vector.weights, vector.tokens, vector.config.n_head)
    except (ArithmeticError, ValueError):
        return _not_a_number(vector)
    return {name: np.array(rows) for name, rows in gradients.items()}


def compute_weights(vector: Vector, model: ModuleType = reference) -> Tensors:
    """Return every weight after the vector's step of Adam."""
    at = vector.adam
    try:
        return {
            name: np.array(model.adam(rows, at.gradients[name], at.mean[name], at.square[name], at.step, at.lr)[0])
            for name, rows in vector.weights.items()
        }
    except ArithmeticError:  # a division by what is no full average yet
        return _not_a_number(vector)


def _not_a_number(vector: Vector) -> Tensors:
    return {name: np.full(shape, np.nan) for name, shape in parameter_shapes(vector.config).items()}


def vector_object(vector: Vector) -> dict[str, object]:
    """Return what a port reads, ready for JSON: the question alone."""
    config, adam = vector.config, vector.adam
    return {
        "format": "microgpt/vector/1",
        "name": vector.name,
        "config": {
            "vocab_size": config.vocab_size,
            "n_layer": config.n_layer,
            "n_embd": config.n_embd,
            "n_head": config.n_head,
            "block_size": config.block_size,
        },
        "tokens": vector.tokens,
        "weights": vector.weights,
        "adam": {
            "step": adam.step,
            "lr": adam.lr,
            "gradients": adam.gradients,
            "mean": adam.mean,
            "square": adam.square,
        },
    }


def answer_object(answer: Answer) -> dict[str, object]:
    """Return an answer, ready for JSON, as a port writes it."""
    return {
        "logits": answer.forward["logits"].tolist(),
        "loss": float(answer.forward["loss"]),
        "gradients": {name: rows.tolist() for name, rows in answer.gradients.items()},
        "weights": {name: rows.tolist() for name, rows in answer.weights.items()},
    }


def vectors_object() -> dict[str, object]:
    """Return the published file: every question, with what it shows and what the reference answers."""
    return {
        "format": "microgpt/vectors/1",
        "vectors": [
            {
                "shows": vector.shows,
                "question": vector_object(vector),
                "expected": answer_object(reference_answer(vector)),
            }
            for vector in make_vectors()
        ],
    }
