"""Every gradient of the 200 lines is right: one primitive after another, then through any graph and the whole model."""

import random
import sys
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgpt import reference
from microgpt.reference import Node, Rows, Weights

Array = npt.NDArray[np.float64]
Operation = Callable[..., Node | list[Node]]

sizes = st.integers(1, 5)
seeds = st.integers(0, 2**32)


def random_rows(rng: random.Random, rows: int, columns: int) -> Rows:
    """Return numbers between 0.1 and 2 and their negatives: away from 0, where relu has no derivative."""
    return [[rng.choice((-1, 1)) * rng.uniform(0.1, 2) for _ in range(columns)] for _ in range(rows)]


def small_weights(seed: int, n_layer: int = 2) -> Weights:
    """Return weights of a model with 5 tokens, 4 channels and 4 places, large enough for attention to be uneven."""
    return reference.init_weights(random.Random(seed), 5, n_layer=n_layer, n_embd=4, block_size=4, std=0.5)


# ---- Every primitive's gradient is what central differences say ----


def check_pull(operation: Operation, inputs: list[Rows], rng: random.Random) -> None:
    """Check `pull` against the slopes of one number: the operation's outputs, weighted at random and added up."""

    def outputs(rows: Sequence[Rows]) -> tuple[list[Node], list[Node]]:
        nodes = [Node(x) for x in rows]
        out = operation(*nodes)
        return nodes, out if isinstance(out, list) else [out]

    nodes, outs = outputs(inputs)
    wanted = [random_rows(rng, len(out.data), len(out.data[0])) for out in outs]

    def total(rows: Sequence[Rows]) -> float:
        return sum(float(np.vdot(w, out.data)) for w, out in zip(wanted, outputs(rows)[1], strict=True))

    pulled = [np.zeros(np.shape(x)) for x in inputs]
    for out, gradient in zip(outs, wanted, strict=True):
        for parent, rows in zip(out.parents, out.pull(gradient), strict=True):
            pulled[nodes.index(parent)] += rows
    for i, gradient in enumerate(pulled):
        around = lambda x, i=i: total([*inputs[:i], x.tolist(), *inputs[i + 1 :]])  # noqa: E731
        slopes = central_differences(around, np.array(inputs[i]))
        np.testing.assert_allclose(gradient, slopes, rtol=0, atol=1e-7 * max(1.0, abs(slopes).max()))


def central_differences(f: Callable[[Array], float], x: Array, h: float = 1e-3) -> Array:
    """Return df/dx, each entry from four values around it, so that the error falls with the fourth power of h."""
    slopes = np.zeros_like(x)
    for at in np.ndindex(x.shape):
        unit = np.zeros_like(x)
        unit[at] = h
        near, far = f(x + unit) - f(x - unit), f(x + 2 * unit) - f(x - 2 * unit)
        slopes[at] = (8 * near - far) / (12 * h)
    return slopes


Shapes = list[tuple[int, int]]


def embed_and_its_shapes(rng: random.Random, a: int, b: int, c: int) -> tuple[Operation, Shapes]:
    ids = [a - 1, *rng.choices(range(a), k=c), a - 1]  # at least one row is looked up twice
    return lambda table: reference.embed(table, ids), [(a, b)]


def cross_entropy_and_its_shapes(rng: random.Random, a: int, b: int, c: int) -> tuple[Operation, Shapes]:
    targets = rng.choices(range(b), k=a)
    return lambda logits: reference.cross_entropy(logits, targets), [(a, b)]


PRIMITIVES: dict[str, Callable[[random.Random, int, int, int], tuple[Operation, Shapes]]] = {
    "add": lambda rng, a, b, c: (reference.add, [(a, b), (a, b)]),
    "scale": lambda rng, a, b, c: (lambda x: reference.scale(x, -1.7), [(a, b)]),
    "relu": lambda rng, a, b, c: (reference.relu, [(a, b)]),
    "linear": lambda rng, a, b, c: (reference.linear, [(a, b), (c, b)]),
    "mix": lambda rng, a, b, c: (reference.mix, [(a, a), (a, b)]),
    "embed": embed_and_its_shapes,
    "rmsnorm": lambda rng, a, b, c: (reference.rmsnorm, [(a, b)]),
    "causal_softmax": lambda rng, a, b, c: (reference.causal_softmax, [(a, a)]),
    "cross_entropy": cross_entropy_and_its_shapes,
    "split": lambda rng, a, b, c: (lambda x: reference.split(x, b), [(a, b * c)]),
    "join": lambda rng, a, b, c: (lambda *heads: reference.join(list(heads)), [(a, c)] * b),
}


@pytest.mark.parametrize("primitive", PRIMITIVES)
@settings(max_examples=20)
@given(a=sizes, b=sizes, c=sizes, seed=seeds)
def test_a_primitives_gradient_is_the_numerical_one(primitive: str, a: int, b: int, c: int, seed: int) -> None:
    rng = random.Random(seed)
    operation, shapes = PRIMITIVES[primitive](rng, a, b, c)
    check_pull(operation, [random_rows(rng, *shape) for shape in shapes], rng)


def test_relu_passes_no_gradient_at_or_below_zero() -> None:
    assert reference.relu(Node([[-1.0, 0.0, 1.0]])).pull([[5.0, 5.0, 5.0]]) == ([[0.0, 0.0, 5.0]],)


# ---- The chain rule, through any graph and through the whole model ----

steps_of_a_graph = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99), st.integers(-3, 3)), max_size=12)


@given(steps_of_a_graph)
def test_backward_agrees_with_derivatives_carried_forward_through_any_graph(
    choices: list[tuple[int, int, int]],
) -> None:
    x = Node([[1.0]])
    values = [(x, 1)]  # each number, and its derivative by x
    for i, j, by in choices:
        (a, da), (b, db) = values[i % len(values)], values[j % len(values)]
        values.append((reference.add(a, reference.scale(b, by)), da + by * db))
    loss, slope = values[-1]
    reference.backward(loss)
    assert x.grad == [[slope]]


@pytest.mark.slow
def test_every_entry_of_every_gradient_of_the_model_is_the_numerical_one() -> None:
    weights, tokens = small_weights(1), [4, 0, 1, 0, 4]
    _, gradients = reference.loss_and_gradients(weights, tokens, n_head=2)
    for name, rows in weights.items():

        def loss(x: Array, name: str = name) -> float:
            return reference.loss_and_gradients(weights | {name: x.tolist()}, tokens, n_head=2)[0]

        slopes = central_differences(loss, np.array(rows), h=1e-4)
        np.testing.assert_allclose(gradients[name], slopes, rtol=0, atol=1e-9, err_msg=name)
        assert abs(slopes).max() > 1e-3, f"{name} is not tested: the loss hardly depends on it"


@pytest.mark.parametrize("seed", range(5))
def test_what_the_gradient_does_not_explain_falls_with_the_square_of_the_step(seed: int) -> None:
    weights, tokens, rng = small_weights(seed), [4, 2, 1, 0, 3], random.Random(seed)
    start, gradients = reference.loss_and_gradients(weights, tokens, n_head=2)
    way = {name: random_rows(rng, len(rows), len(rows[0])) for name, rows in weights.items()}
    slope = sum(float(np.vdot(way[name], gradients[name])) for name in weights)

    def unexplained(h: float) -> float:
        moved = {name: (np.array(rows) + h * np.array(way[name])).tolist() for name, rows in weights.items()}
        return reference.loss_and_gradients(moved, tokens, n_head=2)[0] - start - h * slope

    assert unexplained(1e-4) / unexplained(5e-5) == pytest.approx(4, rel=0.02)


def test_a_parameter_that_the_loss_does_not_reach_has_a_zero_gradient_of_its_shape() -> None:
    weights = small_weights(1) | {"unused": [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]}
    _, gradients = reference.loss_and_gradients(weights, [4, 0, 4], n_head=2)
    assert gradients["unused"] == [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    assert gradients["wpe"][2:] == [[0.0] * 4] * 2  # two predictions: the other two places are not read


def test_depth_is_not_bounded_by_pythons_recursion_limit() -> None:
    x = end = Node([[1.0]])
    for _ in range(20 * sys.getrecursionlimit()):
        end = reference.scale(end, 1.0)
    reference.backward(end)
    assert x.grad == [[1.0]]


@pytest.mark.slow
def test_twelve_layers_of_64_channels_train_a_step() -> None:
    weights = reference.init_weights(random.Random(1), 5, n_layer=12, n_embd=64, std=0.02)
    loss, gradients = reference.loss_and_gradients(weights, [4, 1, 2], n_head=4)
    zeros = reference.zeros(weights["wte"])
    moved, _, _ = reference.adam(weights["wte"], gradients["wte"], zeros, zeros, 1, 0.01)
    assert reference.loss_and_gradients(weights | {"wte": moved}, [4, 1, 2], n_head=4)[0] < loss
