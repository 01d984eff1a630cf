"""The yardstick of a machine: a plain autograd on single numbers, as slow as plain Python is just here.

How fast Python runs differs from one machine to the next, and from one hour to the next on a shared one. So speeds are
told as multiples of a program that is always the same. This one builds a graph of 65,041 nodes and goes back through
it, with the garbage collector as it comes, as microgpt.py does; a test holds it equal to the program that was timed
against that.
"""

import time
from collections.abc import Callable

MICROGPT_PY = 2.3  # steps of the yardstick that a step of microgpt.py takes: 2.2 to 2.6 in three paired runs

Clock = Callable[[], float]  # seconds


class Node:
    """A number, what it was computed from, and its slope with respect to each of these."""

    __slots__ = ("grad", "parents", "slopes", "value")
    grad: float

    def __init__(self, value: float, parents: "tuple[Node, ...]" = (), slopes: tuple[float, ...] = ()) -> None:
        self.value, self.grad, self.parents, self.slopes = value, 0, parents, slopes

    def __add__(self, other: "Node") -> "Node":
        return Node(self.value + other.value, (self, other), (1, 1))

    def __mul__(self, other: "Node") -> "Node":
        return Node(self.value * other.value, (self, other), (other.value, self.value))


Matrix = list[list[Node]]


def draw_weights(matrices: int = 16) -> list[Matrix]:
    """Return matrices of 16 x 16."""
    return [[[Node(0.01) for _ in range(16)] for _ in range(16)] for _ in range(matrices)]


def step(weights: list[Matrix]) -> int:
    """Do as much as a step on 7 tokens, and return how many nodes that took."""
    x = [Node(0.1 * i) for i in range(16)]
    total = Node(0.0)
    for _ in range(7):
        for matrix in weights:
            for row in matrix:
                s = Node(0.0)
                for w, xi in zip(row, x):  # noqa: B905  (strict=True would be other work)
                    s = s + w * xi
                total = total + s
    order: list[Node]
    seen: set[Node]
    order, seen = [], set()

    def visit(node: Node) -> None:
        stack = [(node, iter(node.parents))]
        seen.add(node)
        while stack:
            top, rest = stack[-1]
            for parent in rest:
                if parent not in seen:
                    seen.add(parent)
                    stack.append((parent, iter(parent.parents)))
                    break
            else:
                order.append(top)
                stack.pop()

    visit(total)
    total.grad = 1
    for node in reversed(order):
        for parent, slope in zip(node.parents, node.slopes):  # noqa: B905
            parent.grad += slope * node.grad
    return len(order)


def seconds_a_step(weights: list[Matrix], steps: int, clock: Clock = time.process_time) -> float:
    """Return how long a step takes, the mean of several."""
    start = clock()
    for _ in range(steps):
        step(weights)
    return (clock() - start) / steps
