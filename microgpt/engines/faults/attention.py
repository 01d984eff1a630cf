"""Faults of attention's forward pass: the logits are another function's, with gradients that are right for that one."""

import math
from collections.abc import Callable

from microgpt.engines.faults.fault import Fault, Replaced, faulty
from microgpt.reference import Node, Rows, add, attention, dot, join, scale, softmax


def naive_softmax(scores: list[float]) -> list[float]:
    """Turn scores into shares as a port does that takes no maximum off: exp overflows above 709."""
    exps = [math.exp(score) for score in scores]
    return [e / sum(exps) for e in exps]


# ---- Who sees whom ----


def _sharing(shares_of: Callable[[list[float], int], list[float]]) -> Replaced:
    """Row t of the scores becomes these shares."""

    def causal_softmax(x: Node) -> Node:
        out = [shares_of(row, t) for t, row in enumerate(x.data)]

        def pull(grad: Rows) -> tuple[Rows]:
            return (
                [
                    [p * (g - dot(ps, gs)) for p, g in zip(ps, gs, strict=True)]
                    for ps, gs in zip(out, grad, strict=True)
                ],
            )

        return Node(out, (x,), pull)

    return {"causal_softmax": causal_softmax}


def _among(row: list[float], n: int) -> list[float]:
    """Share out among the first n of a row."""
    return [*softmax(row[:n]), *[0.0] * (len(row) - n)] if n else [0.0] * len(row)


def _ahead(row: list[float], t: int) -> list[float]:
    return _among(row, min(t + 2, len(row)))


def _behind(row: list[float], t: int) -> list[float]:
    return _among(row, t)


def _behind_but_for_the_first(row: list[float], t: int) -> list[float]:
    return _among(row, max(t, 1))


def _everywhere(row: list[float], t: int) -> list[float]:
    return softmax(row)


def _past_of(rows: Rows) -> Rows:
    return [row[: t + 1] + [0.0] * (len(row) - t - 1) for t, row in enumerate(rows)]


def _behind_or_even(x: Node) -> Node:
    """What softmax makes of a first row that is -1e9 throughout, whatever its scores were: even shares."""
    time = len(x.data)
    even = Node([[1 / time] * time] + [[0.0] * time] * (time - 1))
    return add(faulty(_sharing(_behind)).causal_softmax(x), even)


def _mask(x: Node) -> Node:
    return Node(_past_of(x.data), (x,), lambda grad: (_past_of(grad),))


def _masked_after(x: Node) -> Node:
    return _mask(faulty(_sharing(_everywhere)).causal_softmax(x))


# ---- Scores and heads ----


def _not_scaled(x: Node, by: float) -> Node:
    return x


def _by_the_square(x: Node, by: float) -> Node:
    return scale(x, by * by)


def _by_root_of_channels(q: Node, k: Node, v: Node, n_head: int) -> Node:
    return attention(scale(q, n_head**-0.5), k, v, n_head)  # C = H * D


def _queries_and_keys_swapped(q: Node, k: Node, v: Node, n_head: int) -> Node:
    return attention(k, q, v, n_head)


def _split_strided(x: Node, n_head: int) -> list[Node]:
    """Give head h the channels h, h + H, h + 2H, ..."""

    def pull(grad: Rows, head: int) -> tuple[Rows]:
        return ([[row[i // n_head] if i % n_head == head else 0.0 for i in range(len(row) * n_head)] for row in grad],)

    return [
        Node([row[head::n_head] for row in x.data], (x,), lambda grad, head=head: pull(grad, head))
        for head in range(n_head)
    ]


def _join_strided(heads: list[Node]) -> Node:
    """Lay the heads' first channels side by side, then their second ones."""
    n_head = len(heads)
    rows = zip(*[head.data for head in heads], strict=True)
    out = [[part[i] for i in range(len(row[0])) for part in row] for row in rows]
    return Node(out, tuple(heads), lambda grad: tuple([row[head::n_head] for row in grad] for head in range(n_head)))


def _join_reversed(heads: list[Node]) -> Node:
    return join(heads[::-1])


ATTENTION_FAULTS = (
    Fault(
        name="mask-one-ahead",
        what="the mask is off by one: a position attends to the next one too, which it is to predict",
        look="Position t attends to 0 ... t, its own included; the first masked entry of row t is t + 1.",
        variants=[_sharing(_ahead)],
    ),
    Fault(
        name="mask-without-itself",
        what="the mask is off by one: a position does not attend to itself",
        look="Position t attends to 0 ... t, its own included; the first masked entry of row t is t + 1.",
        variants=[_sharing(_behind), _sharing(_behind_but_for_the_first), {"causal_softmax": _behind_or_even}],
    ),
    Fault(
        name="no-mask",
        what="there is no causal mask: every position attends to all",
        look="Before the softmax, take the scores of later positions away (or set them to minus infinity).",
        variants=[_sharing(_everywhere)],
    ),
    Fault(
        name="mask-after-the-softmax",
        what="the mask comes after the softmax: what is left of a row's shares does not add up to 1",
        look="Mask the scores first, then share out.",
        variants=[{"causal_softmax": _masked_after}],
    ),
    Fault(
        name="attention-softmax-overflows",
        what="attention's softmax does not take its maximum off, and overflows",
        look="Take the largest score of a row off all of them before exp: it changes no share.",
        variants=[{"causal_softmax": faulty({"softmax": naive_softmax}).causal_softmax}],
    ),
    Fault(
        name="scores-not-scaled",
        what="the scores are not scaled",
        look="Divide them by the root of D, the channels of one head.",
        variants=[{"scale": _not_scaled}],
    ),
    Fault(
        name="scores-scaled-by-all-channels",
        what="the scores are divided by the root of C, all channels",
        look="Divide them by the root of D = C / H, the channels of one head.",
        variants=[{"attention": _by_root_of_channels}],
    ),
    Fault(
        name="scores-scaled-without-the-root",
        what="the scores are divided by D, not by its root",
        look="Divide them by the root of D, the channels of one head.",
        variants=[{"scale": _by_the_square}],
    ),
    Fault(
        name="queries-and-keys-swapped",
        what="queries and keys are swapped",
        look="Row t of the scores is query t times every key: q = x wq, k = x wk.",
        variants=[{"attention": _queries_and_keys_swapped}],
    ),
    Fault(
        name="heads-split-otherwise",
        what="the heads take their channels otherwise",
        look="Head h reads the channels h*D ... h*D + D - 1 and writes them: one head after another.",
        variants=[
            {"split": _split_strided, "join": _join_strided},
            {"split": _split_strided},
            {"join": _join_strided},
            {"join": _join_reversed},
        ],
    ),
)
