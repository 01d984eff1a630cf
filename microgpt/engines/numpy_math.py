"""The array engine's operations that need no weights, with their ways back; and documents as a batch without padding.

N is the tokens of a whole batch, document after document, as in `numpy_engine`, which makes a model of these.
"""

from collections.abc import Sequence
from functools import cache
from itertools import groupby
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from microgpt.engines.base import Array, Tokens

Ids = npt.NDArray[np.int64]
DType = np.dtype[np.float64] | np.dtype[np.float32]


# Tuples with names, for they are made in every step: a frozen dataclass takes several times as long to make.
class Group(NamedTuple):
    """Documents of one length, B of them, one after another."""

    rows: slice  # among the N
    time: int  # T


class Batch(NamedTuple):
    """Documents, the shortest first."""

    ids: Ids  # (N,), the tokens that are read
    positions: Ids  # (N,)
    targets: Ids  # (N,), the tokens to be predicted
    groups: list[Group]


def pack(documents: Sequence[Tokens]) -> Batch:
    """Return documents as a batch; their order makes no difference to it."""
    if len(documents) == 1:  # to sort and to join a single one would be a twentieth of a step
        tokens: Ids = np.array(documents[0])
        time = len(tokens) - 1
        return Batch(tokens[:-1], np.arange(time), tokens[1:], [Group(slice(0, time), time)])
    ids, positions, targets, groups = list[Ids](), list[Ids](), list[Ids](), list[Group]()
    end = 0
    for length, alike in groupby(sorted(documents, key=len), key=len):
        tokens = np.array(list(alike))  # (B, T + 1)
        start, end = end, end + len(tokens) * (length - 1)
        ids.append(tokens[:, :-1].ravel())
        positions.append(np.arange(end - start) % (length - 1))
        targets.append(tokens[:, 1:].ravel())
        groups.append(Group(slice(start, end), length - 1))
    return Batch(np.concatenate(ids), np.concatenate(positions), np.concatenate(targets), groups)


def rmsnorm(x: Array) -> tuple[Array, Array]:
    """Return the rows scaled to a mean square of 1, and by how much each was, (N, 1)."""
    scale = (row_means(x * x) + 1e-5) ** -0.5
    return x * scale, scale


def rmsnorm_backward(g: Array, out: Array, scale: Array) -> Array:
    """Return the gradient of what was normed to `out`."""
    return scale * (g - out * row_means(g * out))


def softmax(scores: Array) -> Array:
    """Return shares along the last axis; minus infinity gets none."""
    exps = np.exp(scores - scores.max(-1, keepdims=True))
    return exps / row_sums(exps)


def softmax_backward(g: Array, shares: Array) -> Array:
    """Return the gradient of the scores."""
    return shares * (g - row_sums(shares * g))


def cross_entropy(logits: Array, targets: Ids, n: int) -> tuple[float, Array]:
    """Return the surprise at the targets in nats, added up and divided by n, and its gradient, (N, V)."""
    at_target = np.arange(len(targets)), targets
    shifted = logits - logits.max(-1, keepdims=True)
    exps = np.exp(shifted)
    sums = row_sums(exps)
    surprise = np.log(sums[:, 0]) - shifted[at_target]  # not minus the share's logarithm: a share may round to 0
    g = exps / (n * sums)
    g[at_target] -= 1 / n
    return float(surprise.sum()) / n, g


def row_sums(x: Array) -> Array:
    """Return the sums along the last axis, (..., 1): as a product with ones, for `sum` is slow on short rows."""
    return x.dot(column(1.0, x.shape[-1], x.dtype))


def row_means(x: Array) -> Array:
    """Return the means along the last axis, (..., 1)."""
    return x.dot(column(1 / x.shape[-1], x.shape[-1], x.dtype))


@cache
def column(entry: float, n: int, dtype: DType) -> Array:
    return np.full((n, 1), entry, dtype)
