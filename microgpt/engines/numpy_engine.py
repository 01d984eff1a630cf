"""The same model on arrays: a whole batch at a time, its gradients worked out by hand.

Read `microgpt.reference` first. Forward, each line here is one of its operations for all tokens at once; backward,
the lines are its `pull` functions in the order of the walk, from the loss to the embeddings. Axes are those of
`config`, and

    N  tokens of the whole batch, document after document: a row of numbers for each, and none for padding

Only attention looks beyond a row. It takes documents of the same length together, for those need no padding either.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import groupby
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from microgpt.config import ComputeConfig, GPTConfig, parameter_shapes
from microgpt.engines.base import Array, State, Tokens

Ids = npt.NDArray[np.int64]
Places = dict[str, tuple[slice, tuple[int, int]]]
BETA1, BETA2, EPS = 0.85, 0.99, 1e-8  # of Adam (Kingma and Ba 2015), as in the reference


# A step at batch 1 takes about as long as making a hundred dataclasses: what is made in it is a NamedTuple.
class Numbers(NamedTuple):
    """All that a training step changes, each in one flat array, so that Adam is a few operations and not a few for each
    matrix; the matrices are views of it."""

    weights: Array
    mean: Array
    square: Array
    step: int


class Group(NamedTuple):
    """Documents of the same length, one after another."""

    rows: slice  # among the N
    time: int  # T


class Batch(NamedTuple):
    """Documents, the shortest first."""

    ids: Ids  # (N,), the tokens that are read
    positions: Ids  # (N,)
    targets: Ids  # (N,), the tokens to be predicted
    groups: list[Group]


class Attended(NamedTuple):
    """What attention leaves behind for the way back, of the B documents of a group."""

    q: Array  # (B, H, T, D)
    k: Array  # (B, H, T, D)
    v: Array  # (B, H, T, D)
    shares: Array  # (B, H, T, T)


class Layer(NamedTuple):
    """What a layer's forward pass leaves behind for the way back."""

    normed: Array  # (N, C), what attention read
    scale: Array  # (N, 1)
    attended: list[Attended]  # one for each group
    mixed: Array  # (N, C), what attention gave
    mlp_normed: Array  # (N, C), what the MLP read
    mlp_scale: Array  # (N, 1)
    hidden: Array  # (N, 4C), after the ReLU


class NumpyEngine:
    """An `Engine` on the CPU. It changes no array that a step before has left.

    Args:
        config: the shape of the model.
        state: where to start; it is copied.
        compute: whose dtype and micro_batch count; float64 where the type is left to us.
    """

    peak_flops = None  # it depends on the processor and on the library behind numpy, and neither tells

    def __init__(self, config: GPTConfig, state: State, compute: ComputeConfig) -> None:
        self._config, self._micro_batch = config, compute.micro_batch
        self._dtype = dtype = np.dtype("float64" if compute.dtype == "auto" else compute.dtype)
        self._named = places(parameter_shapes(config))
        self._fused = places(fused_shapes(config))
        groups = (state.weights, state.mean, state.square)
        weights, mean, square = (flatten(group, self._named, dtype) for group in groups)
        self._at = Numbers(weights, mean, square, state.step)
        # Added to the scores: minus infinity where a token would read one after it, as its exponential is 0.
        self._future = np.triu(np.full((config.block_size, config.block_size), -np.inf, dtype), k=1)
        self.described = f"numpy on cpu, {dtype}"

    def step(self, batch: Sequence[Tokens], lr: float) -> float:
        loss, gradient = self._backpropagate(batch)
        self._at = adam(self._at, gradient, lr)  # one assignment: an interrupt finds all or none
        return loss

    def loss(self, batch: Sequence[Tokens]) -> float:
        n = predictions(batch)
        w = views(self._at.weights, self._fused)
        packed = [pack(part) for part in self._parts(batch)]
        return sum(cross_entropy(self._logits(part, w), part.targets, n)[0] for part in packed)

    def logits(self, tokens: Tokens) -> Array:
        read = pack([[*tokens, 0]])  # whatever follows the last one, it is not read
        return self._logits(read, views(self._at.weights, self._fused))

    def loss_and_gradients(self, batch: Sequence[Tokens]) -> tuple[float, dict[str, Array]]:
        loss, gradient = self._backpropagate(batch)
        return loss, views(gradient, self._named)

    def state(self) -> State:
        weights, mean, square = (views(flat.copy(), self._named) for flat in self._at[:3])
        return State(weights=weights, mean=mean, square=square, step=self._at.step)

    def _parts(self, batch: Sequence[Tokens]) -> list[Sequence[Tokens]]:
        """Return the batch in the parts that are computed at once."""
        size = self._micro_batch or len(batch)
        return [batch[first : first + size] for first in range(0, len(batch), size)]

    def _backpropagate(self, batch: Sequence[Tokens]) -> tuple[float, Array]:
        """Return the batch's loss and its gradient, flat; both are sums over the predictions, each divided by all."""
        n = predictions(batch)
        first, *others = self._parts(batch)
        loss, gradient = self._part_loss_and_gradient(pack(first), n)
        for part in others:
            part_loss, part_gradient = self._part_loss_and_gradient(pack(part), n)
            loss += part_loss
            gradient += part_gradient
        return loss, gradient

    def _part_loss_and_gradient(self, batch: Batch, n: int) -> tuple[float, Array]:
        w, gradient = views(self._at.weights, self._fused), np.empty_like(self._at.weights)
        grads = views(gradient, self._fused)  # each is written once, and so fills a part of `gradient`
        chosen = self._choose(batch)
        x, embedding_scale = rmsnorm(chosen @ w["embeddings"])
        embedded, layers = x, list[Layer]()
        for i in range(self._config.n_layer):
            x, layer = self._forward(i, x, batch.groups, w)
            layers.append(layer)
        read, final_scale = rmsnorm(x) if self._config.final_norm else (x, None)
        loss, g = cross_entropy(read @ w["lm_head"].T, batch.targets, n)

        np.dot(g.T, read, out=grads["lm_head"])
        g = g @ w["lm_head"]  # (N, C), from here on of the residual stream
        if final_scale is not None:
            g = rmsnorm_backward(g, read, final_scale)
        for i in reversed(range(self._config.n_layer)):
            g = self._backward(i, layers[i], g, batch.groups, w, grads)
        g = rmsnorm_backward(g, embedded, embedding_scale)
        np.dot(chosen.T, g, out=grads["embeddings"])
        return loss, gradient

    def _logits(self, batch: Batch, w: Mapping[str, Array]) -> Array:
        """Return (N, V), and keep nothing for a way back."""
        x, _ = rmsnorm(self._choose(batch) @ w["embeddings"])
        for i in range(self._config.n_layer):
            x, _ = self._forward(i, x, batch.groups, w)
        if self._config.final_norm:
            x, _ = rmsnorm(x)
        return x @ w["lm_head"].T

    def _choose(self, batch: Batch) -> Array:
        """Return (N, V + block_size): a row has two ones, at its token and at its position.

        So looking up and adding is one product, and its way back another; `np.add.at` would take ten times as long.
        """
        v, rows = self._config.vocab_size, np.arange(len(batch.ids))
        chosen = np.zeros((len(rows), v + self._config.block_size), self._dtype)
        chosen[rows, batch.ids] = 1
        chosen[rows, v + batch.positions] = 1
        return chosen

    def _forward(self, i: int, x: Array, groups: list[Group], w: Mapping[str, Array]) -> tuple[Array, Layer]:
        """Return the residual stream after a layer, (N, C)."""
        normed, scale = rmsnorm(x)
        qkv = normed @ w[f"layer{i}.wqkv"].T  # (N, 3C)
        mixed = np.empty_like(x)
        attended = [self._attend(qkv[rows], time, out=mixed[rows]) for rows, time in groups]
        x = x + mixed @ w[f"layer{i}.wo"].T
        mlp_normed, mlp_scale = rmsnorm(x)
        hidden = np.maximum(mlp_normed @ w[f"layer{i}.fc1"].T, 0)
        x = x + hidden @ w[f"layer{i}.fc2"].T
        return x, Layer(normed, scale, attended, mixed, mlp_normed, mlp_scale, hidden)

    def _backward(
        self, i: int, at: Layer, g: Array, groups: list[Group], w: Mapping[str, Array], grads: Mapping[str, Array]
    ) -> Array:
        """Write a layer's gradients into `grads`; take and return that of the residual stream, (N, C)."""
        np.dot(g.T, at.hidden, out=grads[f"layer{i}.fc2"])
        to_hidden = (g @ w[f"layer{i}.fc2"]) * (at.hidden > 0)
        np.dot(to_hidden.T, at.mlp_normed, out=grads[f"layer{i}.fc1"])
        g = g + rmsnorm_backward(to_hidden @ w[f"layer{i}.fc1"], at.mlp_normed, at.mlp_scale)

        np.dot(g.T, at.mixed, out=grads[f"layer{i}.wo"])
        to_mixed = g @ w[f"layer{i}.wo"]
        to_qkv = np.empty((len(g), 3 * g.shape[1]), g.dtype)
        for (rows, time), attended in zip(groups, at.attended, strict=True):
            self._attend_backward(to_mixed[rows], time, attended, out=to_qkv[rows])
        np.dot(to_qkv.T, at.normed, out=grads[f"layer{i}.wqkv"])
        return g + rmsnorm_backward(to_qkv @ w[f"layer{i}.wqkv"], at.normed, at.scale)

    def _attend(self, qkv: Array, time: int, out: Array) -> Attended:
        """Write into `out`, (BT, C), what each token gathers from the values up to its own."""
        q, k, v = self._heads(qkv, time)
        scores = q @ k.swapaxes(2, 3) * self._config.head_dim**-0.5  # (B, H, T, T)
        shares = softmax(scores + self._future[:time, :time])
        np.matmul(shares, v, out=self._heads(out, time)[0])
        return Attended(q, k, v, shares)

    def _attend_backward(self, g: Array, time: int, at: Attended, out: Array) -> None:
        """Take the gradient of what attention gave, (BT, C); write that of q, k and v into `out`, (BT, 3C)."""
        (to_mixed,), (to_q, to_k, to_v) = self._heads(g, time), self._heads(out, time)
        np.matmul(at.shares.swapaxes(2, 3), to_mixed, out=to_v)
        to_shares = to_mixed @ at.v.swapaxes(2, 3)  # (B, H, T, T)
        to_scores = at.shares * (to_shares - row_sums(at.shares * to_shares)) * self._config.head_dim**-0.5
        np.matmul(to_scores, at.k, out=to_q)
        np.matmul(to_scores.swapaxes(2, 3), at.q, out=to_k)

    def _heads(self, rows: Array, time: int) -> Array:
        """Return a view of what stands side by side in (BT, nC): (n, B, H, T, D)."""
        heads, channels = self._config.n_head, self._config.head_dim
        return rows.reshape(-1, time, rows.shape[1] // (heads * channels), heads, channels).transpose(2, 0, 3, 1, 4)


def pack(documents: Sequence[Tokens]) -> Batch:
    """Return the documents as a batch; the order makes no difference to a sum."""
    ids, positions, targets, groups = list[Ids](), list[Ids](), list[Ids](), list[Group]()
    done = 0
    for _, same in groupby(sorted(documents, key=len), key=len):
        tokens = np.array(list(same))  # (B, T + 1)
        ids.append(tokens[:, :-1].ravel())
        targets.append(tokens[:, 1:].ravel())
        size, time = len(ids[-1]), tokens.shape[1] - 1
        positions.append(np.arange(size) % time)
        groups.append(Group(slice(done, done + size), time))
        done += size
    return Batch(np.concatenate(ids), np.concatenate(positions), np.concatenate(targets), groups)


def predictions(batch: Sequence[Tokens]) -> int:
    """Return how many tokens are predicted in a batch."""
    return sum(map(len, batch)) - len(batch)


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


def cross_entropy(logits: Array, targets: Ids, n: int) -> tuple[float, Array]:
    """Return the surprise at the targets in nats, divided by n, and its gradient, (N, V)."""
    rows = np.arange(len(targets))
    shifted = logits - logits.max(-1, keepdims=True)
    exps = np.exp(shifted)
    sums = row_sums(exps)
    surprise = np.log(sums[:, 0]) - shifted[rows, targets]
    g = exps / (n * sums)
    g[rows, targets] -= 1 / n
    return float(surprise.sum()) / n, g


def row_sums(x: Array) -> Array:
    """Return the sums along the last axis, (..., 1): a product with ones, for `sum` is slow where rows are short."""
    return x @ column(1.0, x.shape[-1], x.dtype)


def row_means(x: Array) -> Array:
    """Return the means along the last axis, (..., 1)."""
    return x @ column(1 / x.shape[-1], x.shape[-1], x.dtype)


@cache
def column(entry: float, n: int, dtype: np.dtype[np.floating]) -> Array:
    return np.full((n, 1), entry, dtype)


def adam(at: Numbers, g: Array, lr: float) -> Numbers:
    """Return the numbers one step of Adam further; see `microgpt.reference.adam`."""
    step = at.step + 1
    mean = BETA1 * at.mean + (1 - BETA1) * g
    square = BETA2 * at.square + (1 - BETA2) * g * g
    k, full = lr / (1 - BETA1**step), 1 - BETA2**step
    return Numbers(at.weights - k * mean / (np.sqrt(square / full) + EPS), mean, square, step)


def fused_shapes(config: GPTConfig) -> dict[str, tuple[int, int]]:
    """Return the shapes with neighbours as one matrix: the two embeddings, and what makes q, k and v in each layer."""
    c = config.n_embd
    shapes = {"embeddings": (config.vocab_size + config.block_size, c), "lm_head": (config.vocab_size, c)}
    for i in range(config.n_layer):
        shapes |= {f"layer{i}.wqkv": (3 * c, c), f"layer{i}.wo": (c, c)}
        shapes |= {f"layer{i}.fc1": (4 * c, c), f"layer{i}.fc2": (c, 4 * c)}
    return shapes


def places(shapes: Mapping[str, tuple[int, int]]) -> Places:
    """Return where in a flat array each matrix stands."""
    found, end = Places(), 0
    for name, (rows, columns) in shapes.items():
        start, end = end, end + rows * columns
        found[name] = slice(start, end), (rows, columns)
    return found


def flatten(matrices: Mapping[str, Array], at: Places, dtype: np.dtype[np.floating]) -> Array:
    return np.concatenate([matrices[name].ravel() for name in at]).astype(dtype)


def views(flat: Array, at: Places) -> dict[str, Array]:
    """Return the matrices that stand in a flat array, which are no copies."""
    return {name: flat[where].reshape(shape) for name, (where, shape) in at.items()}
