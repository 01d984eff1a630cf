"""The chain rule on single numbers: the smallest program that can find a gradient, and the same GPT built from it.

A `Value` is a number that remembers which numbers it was computed from, and how steeply it depends on each. To go back
from a loss, `backward` multiplies these slopes along every path and adds them up where paths meet. That is all.

`microgpt.reference` does the same with whole rows at a time, and so many times faster; a test holds the two equal.

>>> a, b = Value(2.0), Value(3.0)
>>> backward(a * b + a)
>>> a.grad, b.grad  # d(ab + a)/da = b + 1, d(ab + a)/db = a
(4.0, 2.0)
"""

import math
from collections.abc import Iterable, Sequence


class Value:
    """A number, the numbers it was computed from, and its slope with respect to each of these.

    Args:
        data: the number.
        parents: what it was computed from.
        slopes: how fast it grows as each parent grows.

    Attributes:
        grad: how fast the loss grows as this number grows; right after `backward`.
    """

    __slots__ = ("data", "grad", "parents", "slopes")

    def __init__(self, data: float, parents: "Sequence[Value]" = (), slopes: Sequence[float] = ()) -> None:
        self.data, self.parents, self.slopes = data, parents, slopes
        self.grad = 0.0

    def __repr__(self) -> str:
        return f"Value(data={self.data}, grad={self.grad})"

    def __add__(self, other: "Value") -> "Value":
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other: "Value") -> "Value":
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, n: float) -> "Value":
        return Value(self.data**n, (self,), (n * self.data ** (n - 1),))

    def exp(self) -> "Value":
        e = math.exp(self.data)
        return Value(e, (self,), (e,))  # the one function that is its own slope

    def log(self) -> "Value":
        return Value(math.log(self.data), (self,), (1 / self.data,))

    def relu(self) -> "Value":
        return Value(max(self.data, 0.0), (self,), (1.0 if self.data > 0 else 0.0,))


def dot(a: Sequence[Value], b: Sequence[Value]) -> Value:
    """Return the sum of products; one node where sums and products would be dozens."""
    xs, ys = [x.data for x in a], [y.data for y in b]
    return Value(sum(x * y for x, y in zip(xs, ys, strict=True)), [*a, *b], [*ys, *xs])


def total(values: Sequence[Value]) -> Value:
    """Return the sum."""
    return Value(sum(value.data for value in values), values, [1.0] * len(values))


def backward(loss: Value) -> None:
    """Set the gradient of every number that the loss was computed from.

    Children go before their parents, so that a number's gradient is complete when it is passed on. The walk keeps its
    own stack: recursion would end at Python's limit.
    """
    order: list[Value] = []
    seen: set[Value] = set()
    stack = [(loss, False)]
    while stack:
        value, parents_done = stack.pop()
        if parents_done:
            order.append(value)
            value.grad = 0.0  # what an earlier walk left is not of this loss
        elif value not in seen:
            seen.add(value)
            stack.append((value, True))
            stack += [(parent, False) for parent in value.parents]
    loss.grad = 1.0
    for value in reversed(order):
        for parent, slope in zip(value.parents, value.slopes, strict=True):
            parent.grad += slope * value.grad  # along a path: times; where paths meet: plus


# ---- The model of microgpt.reference, number by number. A vector is a list of values, T of them a document. ----

Vector = list[Value]
Matrix = list[Vector]


def linear(x: Vector, w: Matrix) -> Vector:
    """Return w times x: every output is a dot product with a row."""
    return [dot(x, row) for row in w]


def rmsnorm(x: Vector) -> Vector:
    """Scale a vector to a mean square of 1 (Zhang and Sennrich 2019, without gain)."""
    scale = (dot(x, x) * Value(1 / len(x)) + Value(1e-5)) ** -0.5
    return [value * scale for value in x]


def softmax(scores: Vector) -> Vector:
    """Turn scores into shares that add up to 1."""
    top = max(score.data for score in scores)  # changes no share, so it is a plain number and gets no gradient
    exps = [(score + Value(-top)).exp() for score in scores]
    whole = total(exps) ** -1
    return [e * whole for e in exps]


def attend(query: Vector, keys: Matrix, values: Matrix) -> Vector:
    """Return the average of the values so far, each by how well its key matches the query; D numbers."""
    root = Value(len(query) ** -0.5)
    shares = softmax([dot(query, key) * root for key in keys])
    return [dot(shares, column) for column in map(list, zip(*values, strict=True))]


def attention(q: Matrix, k: Matrix, v: Matrix, n_head: int) -> Matrix:
    """Let every token gather from those up to it, head by head; T x C, three times -> T x C."""
    size = len(q[0]) // n_head
    heads = [slice(lo, lo + size) for lo in range(0, n_head * size, size)]
    return [
        [
            value
            for head in heads
            for value in attend(q[t][head], [key[head] for key in k[: t + 1]], [value[head] for value in v[: t + 1]])
        ]
        for t in range(len(q))
    ]


def gpt(tokens: Sequence[int], w: dict[str, Matrix], n_head: int) -> Matrix:
    """Return logits, T x V: row t scores what may follow tokens 0 ... t."""
    xs = [rmsnorm(add(w["wte"][token], w["wpe"][t])) for t, token in enumerate(tokens)]
    for i in range(len(w) // 6):  # a layer has six matrices, and three have no layer
        normed = [rmsnorm(x) for x in xs]
        q, k, v = ([linear(x, w[f"layer{i}.{name}"]) for x in normed] for name in ("wq", "wk", "wv"))
        mixed = attention(q, k, v, n_head)
        xs = [add(x, linear(a, w[f"layer{i}.wo"])) for x, a in zip(xs, mixed, strict=True)]
        hidden = [[value.relu() for value in linear(rmsnorm(x), w[f"layer{i}.fc1"])] for x in xs]
        xs = [add(x, linear(h, w[f"layer{i}.fc2"])) for x, h in zip(xs, hidden, strict=True)]
    return [linear(x, w["lm_head"]) for x in xs]


def add(a: Vector, b: Vector) -> Vector:
    return [x + y for x, y in zip(a, b, strict=True)]


def cross_entropy(logits: Matrix, targets: Iterable[int]) -> Value:
    """Return the mean surprise at the targets, in nats a token."""
    surprises = [softmax(row)[target].log() for row, target in zip(logits, targets, strict=True)]
    return total(surprises) * Value(-1 / len(surprises))


def loss_and_gradients(
    weights: dict[str, list[list[float]]], tokens: Sequence[int], n_head: int
) -> tuple[float, dict[str, list[list[float]]]]:
    """Return what the function of the same name in `microgpt.reference` returns, found one number at a time."""
    w = {name: [[Value(number) for number in row] for row in rows] for name, rows in weights.items()}
    loss = cross_entropy(gpt(tokens[:-1], w, n_head), tokens[1:])
    backward(loss)
    return loss.data, {name: [[value.grad for value in row] for row in rows] for name, rows in w.items()}
