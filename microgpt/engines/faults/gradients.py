"""Faults of the way back: the loss is right, and its gradients are not."""

from collections.abc import Callable, Sequence
from typing import Protocol, Self, TypeVar

from microgpt.engines.faults.fault import Fault, Replaced, faulty
from microgpt.reference import (
    Node,
    Rows,
    add,
    causal_softmax,
    cross_entropy,
    embed,
    linear,
    mix,
    plus,
    relu,
    rmsnorm,
    scale,
    softmax,
    zeros,
)
from microgpt.scalar import Value


class _Place(Protocol):
    @property
    def parents(self) -> "Sequence[Self]": ...


Place = TypeVar("Place", bound=_Place)  # a Node or a Value

# ---- The walk ----


def _walk(start: Place, *, from_the_left: bool, marked_when_pushed: bool) -> list[Place]:
    """Return everything that `start` was computed from in the order of a plain stack.

    A node comes as soon as one that was computed from it has been there, not after all of them.
    """
    order, seen, stack = list[Place](), set[Place](), [start]
    while stack:
        place = stack.pop()
        if not marked_when_pushed:
            if place in seen:
                continue
            seen.add(place)
        order.append(place)
        for parent in place.parents if from_the_left else reversed(place.parents):
            if parent not in seen:
                stack.append(parent)
                if marked_when_pushed:
                    seen.add(parent)
    return order


def _topological(start: Place) -> list[Place]:
    """Return the same, each after all that were computed from it: the right order."""
    order, seen, stack = list[Place](), set[Place](), [(start, False)]
    while stack:
        place, parents_done = stack.pop()
        if parents_done:
            order.append(place)
        elif place not in seen:
            seen.add(place)
            stack += [(place, True)] + [(parent, False) for parent in place.parents]
    return order[::-1]


def _walking(order_of: Callable[[Node], Sequence[Node]], *, adding: bool = True) -> Replaced:
    """The reference with a walk in another order, or one that overwrites where it should add."""

    def backward(loss: Node) -> None:
        loss.grad = [[1.0]]
        for node in order_of(loss):
            for parent, grad in zip(node.parents, node.pull(node.grad), strict=True):
                parent.grad = plus(parent.grad, grad) if parent.grad and adding else grad

    return {"backward": backward}


def _walking_numbers(
    order_of: Callable[[Value], Sequence[Value]], *, adding: bool = True, chained: bool = False
) -> Replaced:
    """The same with a graph of single numbers, as in `microgpt.scalar`, whose forward pass has no fault.

    Args:
        chained: every product and every sum of two is a node, and a dot product a chain of them.
    """

    def backward(loss: Value) -> None:
        loss.grad = 1.0
        for value in order_of(loss):
            for parent, slope in zip(value.parents, value.slopes, strict=True):
                parent.grad = slope * value.grad + (parent.grad if adding else 0.0)

    chains = {"dot": _chained_dot, "total": _chained_total} if chained else {}
    copy = faulty({"backward": backward, **chains}, "microgpt.scalar")
    return {"loss_and_gradients": copy.loss_and_gradients}


def _chained_total(values: Sequence[Value]) -> Value:
    return sum(values, Value(0.0))


def _chained_dot(a: Sequence[Value], b: Sequence[Value]) -> Value:
    return _chained_total([x * y for x, y in zip(a, b, strict=True)])


def _in_stack_order(*, from_the_left: bool, marked_when_pushed: bool) -> list[Replaced]:
    def nodes(loss: Node) -> list[Node]:
        return _walk(loss, from_the_left=from_the_left, marked_when_pushed=marked_when_pushed)

    def values(loss: Value) -> list[Value]:
        return _walk(loss, from_the_left=from_the_left, marked_when_pushed=marked_when_pushed)

    return [_walking(nodes), _walking_numbers(values), _walking_numbers(values, chained=True)]


# ---- Single operations: the numbers of the reference, with another way back ----


def _times(grad: Rows, factors: Rows) -> Rows:
    return [[g * a for g, a in zip(*rows, strict=True)] for rows in zip(grad, factors, strict=True)]


def _relu_open(x: Node) -> Node:
    return Node(relu(x).data, (x,), lambda grad: (grad,))


def _rmsnorm_of_constant_scale(x: Node) -> Node:
    out = rmsnorm(x).data
    scales = [max(row, key=abs) / max(before, key=abs) for row, before in zip(out, x.data, strict=True)]
    return Node(out, (x,), lambda grad: ([[g * s for g in gs] for gs, s in zip(grad, scales, strict=True)],))


def _softmax_by_itself(slope: Callable[[float], float]) -> Replaced:
    """Every share moves with its own score alone."""

    def shares(x: Node) -> Node:
        out = causal_softmax(x).data
        return Node(out, (x,), lambda grad: (_times(grad, [[slope(p) for p in row] for row in out]),))

    return {"causal_softmax": shares}


def _scale_forward_alone(x: Node, by: float) -> Node:
    return Node(scale(x, by).data, (x,), lambda grad: (grad,))


def _diagonal(rows: Rows) -> Rows:
    return [[a if s == t else 0.0 for s, a in enumerate(row)] for t, row in enumerate(rows)]


def _mix_own_value(shares: Node, v: Node) -> Node:
    """Value s gets a gradient from position s alone."""
    mixed = mix(shares, v)
    own = mix(Node(_diagonal(shares.data)), v)
    return Node(mixed.data, (shares, v), lambda grad: (mixed.pull(grad)[0], own.pull(grad)[1]))


def _score_own_key(q: Node, k: Node) -> Node:
    """Key s gets a gradient from position s alone."""
    scores = linear(q, k)
    if not k.parents:  # a weight, and not the keys
        return scores
    return Node(scores.data, (q, k), lambda grad: (scores.pull(grad)[0], scores.pull(_diagonal(grad))[1]))


def _embed_once(*, last: bool) -> Replaced:
    """Of the gradients of a row that was looked up several times, one stays."""

    def embed_once(table: Node, ids: Sequence[int]) -> Node:
        def pull(grad: Rows) -> tuple[Rows]:
            out = zeros(table.data)
            looked_up = list(zip(ids, grad, strict=True))
            for i, row in looked_up if last else reversed(looked_up):
                out[i] = row
            return (out,)

        return Node(embed(table, ids).data, (table,), pull)

    return {"embed": embed_once}


def _add_to(*, first: bool) -> Replaced:
    """A sum that passes its gradient to one of its terms alone."""

    def add_to_one(a: Node, b: Node) -> Node:
        def pull(grad: Rows) -> tuple[Rows, Rows]:
            return (grad, zeros(grad)) if first else (zeros(grad), grad)

        return Node(add(a, b).data, (a, b), pull)

    return {"add": add_to_one}


def _surprise_not_averaged(logits: Node, targets: list[int]) -> Node:
    loss = cross_entropy(logits, targets)
    return Node(loss.data, (logits,), lambda grad: loss.pull([[grad[0][0] * len(targets)]]))


def _surprise_without_target(logits: Node, targets: list[int]) -> Node:
    shares = [[p / len(targets) for p in softmax(row)] for row in logits.data]
    return Node(cross_entropy(logits, targets).data, (logits,), lambda grad: (shares,))


GRADIENT_FAULTS = (
    Fault(
        name="stack-order",
        what="the backward walk is in the order of a stack, not in a topological one: a node passes its gradient on "
        "before all that were computed from it have added theirs",
        look="Sort first: a node's turn comes after all that were computed from it, see backward in the reference.",
        variants=[
            variant
            for from_the_left in (True, False)
            for marked_when_pushed in (True, False)
            for variant in _in_stack_order(from_the_left=from_the_left, marked_when_pushed=marked_when_pushed)
        ],
    ),
    Fault(
        name="keys-and-values-cut-off",
        what="keys and values get no gradient from later positions",
        look="Key s and value s are read by every position t >= s; all of these add to their gradient. "
        "A cache of keys and values must not be cut off from the graph.",
        variants=[
            {"linear": _score_own_key, "mix": _mix_own_value},
            {"linear": _score_own_key},
            {"mix": _mix_own_value},
        ],
    ),
    Fault(
        name="embedding-overwritten",
        what="of a token that comes again, one embedding's gradient overwrites the other",
        look="Add to the row of wte, for every position that looked it up.",
        variants=[_embed_once(last=True), _embed_once(last=False)],
    ),
    Fault(
        name="gradient-overwritten",
        what="a gradient overwrites the one that was there, where paths meet",
        look="Add: what is used twice gets a gradient from both.",
        variants=[
            _walking(_topological, adding=False),
            _walking_numbers(_topological, adding=False),
            _walking_numbers(_topological, adding=False, chained=True),
        ],
    ),
    Fault(
        name="residual-cut",
        what="a sum passes its gradient to one of its terms alone",
        look="x + f(x): the gradient goes to both, whole.",
        variants=[_add_to(first=True), _add_to(first=False)],
    ),
    Fault(
        name="relu-lets-all-through",
        what="ReLU passes a gradient where it gave 0",
        look="Where the input was not positive, its gradient is 0.",
        variants=[{"relu": _relu_open}],
    ),
    Fault(
        name="norm-scale-taken-for-constant",
        what="RMSNorm's way back takes the scale for a constant",
        look="The scale depends on every number of the row: s * (g - out * mean(g * out)).",
        variants=[{"rmsnorm": _rmsnorm_of_constant_scale}],
    ),
    Fault(
        name="softmax-diagonal",
        what="softmax's way back lets a share depend on its own score alone",
        look="A score takes from all other shares: p * (g - sum(p * g)).",
        variants=[_softmax_by_itself(lambda p: p), _softmax_by_itself(lambda p: p * (1 - p))],
    ),
    Fault(
        name="scale-forgotten",
        what="the way back forgets that the scores were scaled",
        look="Divide the scores' gradient by the root of D too.",
        variants=[{"scale": _scale_forward_alone}],
    ),
    Fault(
        name="gradient-not-averaged",
        what="the gradient is that of the sum over the predictions",
        look="Divide it by T, as the loss is.",
        variants=[{"cross_entropy": _surprise_not_averaged}],
    ),
    Fault(
        name="target-forgotten",
        what="the gradient of the logits does not know the target",
        look="It is (share - 1 at the target, share elsewhere) / T.",
        variants=[{"cross_entropy": _surprise_without_target}],
    ),
)
