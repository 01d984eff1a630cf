"""Two programs, one function: numbers one at a time, and rows at a time, agree in the loss and in every gradient."""

import math
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgpt import reference, scalar
from microgpt.scalar import Value, backward, dot, total


def largest(rows: list[list[float]]) -> float:
    return max(abs(number) for row in rows for number in row)


@settings(max_examples=12)
@given(
    seed=st.integers(0, 2**32),
    n_layer=st.integers(1, 3),
    heads=st.sampled_from([(4, 1), (4, 2), (8, 4), (6, 3)]),
    time_=st.integers(1, 7),
    std=st.sampled_from([0.08, 0.5, 1.5]),
)
def test_loss_and_every_gradient_are_those_of_the_reference(
    seed: int, n_layer: int, heads: tuple[int, int], time_: int, std: float
) -> None:
    rng = random.Random(seed)
    n_embd, n_head = heads
    weights = reference.init_weights(rng, 5, n_layer, n_embd, block_size=8, std=std)
    tokens = [rng.randrange(5) for _ in range(time_ + 1)]  # tokens repeat, so their rows get several gradients
    loss, gradients = scalar.loss_and_gradients(weights, tokens, n_head)
    expected, expected_gradients = reference.loss_and_gradients(weights, tokens, n_head)
    assert loss == pytest.approx(expected, rel=1e-12)
    # A softmax that is nearly sure passes differences of large numbers back: what is left of them has few right digits.
    room = 1e-12 * max(1.0, *map(largest, expected_gradients.values()))
    for name, rows in expected_gradients.items():
        for row, other in zip(gradients[name], rows, strict=True):
            assert row == pytest.approx(other, rel=1e-12, abs=room)


def test_on_the_golden_names_it_learns_step_for_step_as_the_reference() -> None:
    docs = reference.read_documents(str(Path(__file__).parent / "golden" / "names.txt"))
    rng = random.Random(42)
    chars = sorted(set("".join(docs)))
    weights = reference.init_weights(rng, len(chars) + 1)
    for doc in docs[:3]:
        tokens = reference.encode(doc, chars)
        loss, gradients = scalar.loss_and_gradients(weights, tokens, 4)
        expected, expected_gradients = reference.loss_and_gradients(weights, tokens, 4)
        assert loss == pytest.approx(expected, rel=1e-12)
        for name, rows in expected_gradients.items():
            for row, other in zip(gradients[name], rows, strict=True):
                assert row == pytest.approx(other, rel=1e-12, abs=1e-12 * largest(rows))
        weights = {
            name: [[a - b for a, b in zip(*both)] for both in zip(weights[name], gradients[name])] for name in weights
        }


SLOPES = {
    "add": lambda x, y: x + y,
    "mul": lambda x, y: x * y,
    "power": lambda x, y: x**3 + y**-2,
    "exp": lambda x, y: x.exp() + y,
    "log": lambda x, y: (x * x + y * y).log(),
    "relu": lambda x, y: x.relu() * y,
    "dot": lambda x, y: dot([x, y, x], [y, y, x]),
    "total": lambda x, y: total([x, y, x]) * y,
    "used twice": lambda x, y: (x + y) * (x + y) * x,
}


@pytest.mark.parametrize("name", SLOPES)
@given(x=st.floats(0.3, 2), y=st.floats(0.3, 2), sign=st.sampled_from([-1, 1]))
def test_each_slope_is_the_numerical_one(name: str, x: float, y: float, sign: int) -> None:
    f, x = SLOPES[name], x * sign
    a, b = Value(x), Value(y)
    backward(f(a, b))
    h = 1e-5

    def numerical(dx: float, dy: float) -> float:
        def at(n: int) -> float:
            return f(Value(x + n * h * dx), Value(y + n * h * dy)).data

        return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h)

    assert a.grad == pytest.approx(numerical(1, 0), rel=1e-6, abs=1e-8)
    assert b.grad == pytest.approx(numerical(0, 1), rel=1e-6, abs=1e-8)


def test_going_back_again_finds_the_same_gradients_also_for_numbers_used_twice() -> None:
    a, b = Value(2.0), Value(3.0)
    shared = a * b
    loss = shared * shared + shared + a
    backward(loss)
    first = [value.grad for value in (a, b, shared, loss)]
    backward(loss)
    assert [value.grad for value in (a, b, shared, loss)] == first == [40.0, 26.0, 13.0, 1.0]


def test_going_back_from_another_loss_forgets_the_first() -> None:
    a, b = Value(2.0), Value(3.0)
    product = a * b
    backward(product * product)
    backward(product + a)
    assert (a.grad, b.grad, product.grad) == (4.0, 2.0, 1.0)


def test_a_value_shows_its_number_and_its_gradient() -> None:
    value = Value(6.0)
    backward(value)
    assert repr(value) == "Value(data=6.0, grad=1.0)"


@pytest.mark.slow
def test_a_chain_longer_than_pythons_stack_is_walked() -> None:
    first = Value(1.0)
    value = first
    for _ in range(100_000):
        value = value + Value(0.0)
    backward(value)
    assert first.grad == 1.0


def test_untrained_it_is_as_surprised_as_the_alphabet_is_large() -> None:
    weights = reference.init_weights(random.Random(1), 27, std=1e-4)
    assert scalar.loss_and_gradients(weights, [26, 0, 26], 4)[0] == pytest.approx(math.log(27), rel=1e-3)
