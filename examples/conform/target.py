"""A port of the model to be checked: reads a test vector on stdin, writes its answer on stdout.

    microgpt conform "python examples/conform/target.py"

One number at a time, with an autograd of its own; nothing but the standard library.
"""

# ruff: noqa: B905  (what is zipped here has the same length, or is wrong in a way that conform shows)

import json
import math
import sys


class Number:
    """A number that knows what it was computed from, and its slope with respect to each of these."""

    def __init__(self, value, parents=(), slopes=()):
        self.value, self.parents, self.slopes, self.grad = value, parents, slopes, 0.0

    def __add__(self, other):
        return Number(self.value + other.value, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        return Number(self.value * other.value, (self, other), (other.value, self.value))

    def __pow__(self, n):
        return Number(self.value**n, (self,), (n * self.value ** (n - 1),))

    def exp(self):
        return Number(math.exp(self.value), (self,), (math.exp(self.value),))

    def log(self):
        return Number(math.log(self.value), (self,), (1 / self.value,))

    def relu(self):
        return Number(max(self.value, 0.0), (self,), (float(self.value > 0),))


def backward(loss):
    order, seen, stack = [], set(), [(loss, False)]
    while stack:
        number, parents_done = stack.pop()
        if parents_done:
            order.append(number)
        elif number not in seen:
            seen.add(number)
            stack.append((number, True))
            stack.extend((parent, False) for parent in number.parents)
    loss.grad = 1.0
    for number in reversed(order):
        for parent, slope in zip(number.parents, number.slopes):
            parent.grad += slope * number.grad


def dot(a, b):
    return sum((x * y for x, y in zip(a, b)), Number(0.0))


def linear(matrix, x):
    return [dot(row, x) for row in matrix]


def add(a, b):
    return [x + y for x, y in zip(a, b)]


def rmsnorm(x):
    scale = (dot(x, x) * Number(1 / len(x)) + Number(1e-5)) ** -0.5
    return [number * scale for number in x]


def softmax(scores):
    top = Number(-max(score.value for score in scores))
    exps = [(score + top).exp() for score in scores]
    total = sum(exps, Number(0.0)) ** -1
    return [e * total for e in exps]


def gpt(tokens, w, n_layer, n_head):
    """Return a row of logits for each token; keys and values are kept, so that later tokens read them."""
    cache = [([], []) for _ in range(n_layer)]
    logits = []
    for t, token in enumerate(tokens):
        x = rmsnorm(add(w["wte"][token], w["wpe"][t]))
        for i, (keys, values) in enumerate(cache):
            layer = {name: w[f"layer{i}.{name}"] for name in ("wq", "wk", "wv", "wo", "fc1", "fc2")}
            normed = rmsnorm(x)
            query = linear(layer["wq"], normed)
            keys.append(linear(layer["wk"], normed))
            values.append(linear(layer["wv"], normed))
            x = add(x, linear(layer["wo"], attention(query, keys, values, n_head)))
            hidden = [number.relu() for number in linear(layer["fc1"], rmsnorm(x))]
            x = add(x, linear(layer["fc2"], hidden))
        logits.append(linear(w["lm_head"], x))
    return logits


def attention(query, keys, values, n_head):
    size = len(query) // n_head
    out = []
    for head in range(n_head):
        own = slice(head * size, (head + 1) * size)
        scores = [dot(query[own], key[own]) * Number(size**-0.5) for key in keys]
        shares = softmax(scores)
        out += [dot(shares, column) for column in zip(*(value[own] for value in values))]
    return out


def adam(w, g, m, v, step, lr):
    m = 0.85 * m + 0.15 * g
    v = 0.99 * v + 0.01 * g * g
    m_full = m / (1 - 0.85**step)
    v_full = v / (1 - 0.99**step)
    return w - lr * m_full / (math.sqrt(v_full) + 1e-8)


def each(function, *matrices):
    """Apply a function to the numbers that stand at the same place."""
    return [[function(*numbers) for numbers in zip(*rows)] for rows in zip(*matrices)]


def answer(vector):
    config, tokens, at = vector["config"], vector["tokens"], vector["adam"]
    w = {name: each(Number, matrix) for name, matrix in vector["weights"].items()}
    logits = gpt(tokens[:-1], w, config["n_layer"], config["n_head"])
    surprises = [softmax(row)[target].log() for row, target in zip(logits, tokens[1:])]
    loss = sum(surprises, Number(0.0)) * Number(-1 / len(surprises))
    backward(loss)

    def step(w, g, m, v):
        return adam(w, g, m, v, at["step"], at["lr"])

    return {
        "logits": each(lambda number: number.value, logits),
        "loss": loss.value,
        "gradients": {name: each(lambda number: number.grad, matrix) for name, matrix in w.items()},
        "weights": {
            name: each(step, matrix, at["gradients"][name], at["mean"][name], at["square"][name])
            for name, matrix in vector["weights"].items()
        },
    }


if __name__ == "__main__":
    json.dump(answer(json.load(sys.stdin)), sys.stdout)
