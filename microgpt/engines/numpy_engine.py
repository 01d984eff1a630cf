"""The same model on arrays: a whole batch at a time, its gradients worked out by hand.

Read `microgpt.reference` first. Forward, each line here is one of its operations for all tokens at once; backward, the
lines are its `pull` functions in the order of the walk, from the loss to the embeddings. Axes are those of `config` and

    N  tokens of a whole batch, document after document: a row of numbers for each, and none for padding

Only attention looks beyond a row. It takes the documents of one length together, so that they need no padding either.

At batch 1 the arrays are so small that an operation takes about a microsecond, whatever it does: fewer are faster. So
matrices that are neighbours are used as one, all are views of one flat array, which Adam moves, and a product of two
matrices is a `dot`, which begins sooner than `@`.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from microgpt.config import ComputeConfig, GPTConfig, parameter_shapes
from microgpt.engines.base import BETAS, EPS, Array, State, Tokens, parts, predictions
from microgpt.engines.numpy_math import (
    Batch,
    DType,
    Group,
    cross_entropy,
    pack,
    rmsnorm,
    rmsnorm_backward,
    softmax,
    softmax_backward,
)

Shapes = Mapping[str, tuple[int, int]]
Places = Mapping[str, tuple[slice, tuple[int, int]]]
Matrices = Mapping[str, Array]
LARGEST_KEPT = 2**25 - 2**13  # bytes; see `keep_freed_memory`


# Tuples with names, for they are made in every step: a frozen dataclass takes several times as long to make.
class Numbers(NamedTuple):
    """A `State`, flat."""

    weights: Array
    mean: Array
    square: Array
    step: int


class Attended(NamedTuple):
    """What attention leaves behind for the way back from a group."""

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
    """An `Engine` on the CPU. It changes no array in place that a former step has left or that was handed out.

    Args:
        config: the shape of the model.
        state: where to start; it is copied.
        compute: its `dtype` and `micro_batch` count; the type is float64 where the choice is left to the engine.
    """

    peak_flops = None  # it depends on the processor and on the library behind numpy, and neither tells

    def __init__(self, config: GPTConfig, state: State, compute: ComputeConfig) -> None:
        self._config, self._micro_batch = config, compute.micro_batch
        self._dtype: DType = np.dtype(np.float32) if compute.dtype == "float32" else np.dtype(np.float64)
        self._places, self._fused = places(parameter_shapes(config)), places(fused_shapes(config))
        weights, mean, square = (
            np.concatenate([group[name].ravel() for name in self._places]).astype(self._dtype)
            for group in (state.weights, state.mean, state.square)
        )
        self._at = Numbers(weights, mean, square, state.step)
        self._later = np.empty((0, 0), self._dtype)
        self.described = f"numpy on cpu, {self._dtype}"
        keep_freed_memory()

    def step(self, batch: Sequence[Tokens], lr: float) -> float:
        loss, gradient = self._loss_and_gradient(batch)
        self._at = adam(self._at, gradient, lr)  # one assignment: an interrupt finds all or none
        return loss

    def loss(self, batch: Sequence[Tokens]) -> float:
        n, packed = predictions(batch), [pack(part) for part in parts(batch, self._micro_batch)]
        return sum(cross_entropy(self._logits(part), part.targets, n)[0] for part in packed)

    def logits(self, tokens: Tokens) -> Array:
        return self._logits(pack([[*tokens, 0]]))  # the last token of a document is not read, so any will do

    def attention(self, tokens: Tokens) -> Array:
        """Return (L, H, T, T) for L layers: the share of each token up to it in what a token gathers."""
        batch, w = pack([[*tokens, 0]]), views(self._at.weights, self._fused)
        x, _ = rmsnorm(self._choose(batch).dot(w["embeddings"]))
        shares = list[Array]()
        for i in range(self._config.n_layer):
            x, layer = self._forward(i, x, batch.groups, w)
            shares.append(layer.attended[0].shares[0])
        return np.array(shares)

    def loss_and_gradients(self, batch: Sequence[Tokens]) -> tuple[float, dict[str, Array]]:
        loss, gradient = self._loss_and_gradient(batch)
        return loss, views(gradient, self._places)

    def state(self) -> State:
        weights, mean, square = (views(flat.copy(), self._places) for flat in self._at[:3])
        return State(weights=weights, mean=mean, square=square, step=self._at.step)

    def _loss_and_gradient(self, batch: Sequence[Tokens]) -> tuple[float, Array]:
        """Return the batch's loss and its gradient, flat: the sums of the parts'."""
        n = predictions(batch)
        first, *others = parts(batch, self._micro_batch)
        loss, gradient = self._part_loss_and_gradient(pack(first), n)
        for part in others:
            more_loss, more_gradient = self._part_loss_and_gradient(pack(part), n)
            loss, gradient = loss + more_loss, gradient + more_gradient
        return loss, gradient

    def _part_loss_and_gradient(self, batch: Batch, n: int) -> tuple[float, Array]:
        """Return the surprise at a part's targets, divided by n, the predictions of the whole; and its gradient."""
        w, gradient = views(self._at.weights, self._fused), np.empty_like(self._at.weights)
        grads = views(gradient, self._fused)  # each is written once, and so all of `gradient`
        chosen = self._choose(batch)
        x, embedded_scale = rmsnorm(chosen.dot(w["embeddings"]))
        embedded, layers = x, list[Layer]()
        for i in range(self._config.n_layer):
            x, layer = self._forward(i, x, batch.groups, w)
            layers.append(layer)
        final_scale = None
        if self._config.final_norm:
            x, final_scale = rmsnorm(x)
        loss, g = cross_entropy(x.dot(w["lm_head"].T), batch.targets, n)

        np.dot(g.T, x, out=grads["lm_head"])
        g = g.dot(w["lm_head"])  # (N, C), from here on of the residual stream
        if final_scale is not None:
            g = rmsnorm_backward(g, x, final_scale)
        for i in reversed(range(self._config.n_layer)):
            g = self._backward(i, layers[i], g, batch.groups, w, grads)
        g = rmsnorm_backward(g, embedded, embedded_scale)
        np.dot(chosen.T, g, out=grads["embeddings"])
        return loss, gradient

    def _logits(self, batch: Batch) -> Array:
        """Return (N, V), and keep nothing for a way back."""
        w = views(self._at.weights, self._fused)
        x, _ = rmsnorm(self._choose(batch).dot(w["embeddings"]))
        for i in range(self._config.n_layer):
            x, _ = self._forward(i, x, batch.groups, w)
        if self._config.final_norm:
            x, _ = rmsnorm(x)
        return x.dot(w["lm_head"].T)

    def _choose(self, batch: Batch) -> Array:
        """Return rows, (N, V + block_size), with a one for their token and one for their position, and zeros else.

        As a product with these, looking up two rows and adding them is a linear layer, and so is its way back: there, a
        row that was looked up twice gets both gradients. `np.add.at` does the same in ten times the time.
        """
        v, rows = self._config.vocab_size, np.arange(len(batch.ids))
        chosen = np.zeros((len(rows), v + self._config.block_size), self._dtype)
        chosen[:, :v][rows, batch.ids] = 1
        chosen[:, v:][rows, batch.positions] = 1
        return chosen

    def _forward(self, i: int, x: Array, groups: list[Group], w: Matrices) -> tuple[Array, Layer]:
        """Return the residual stream after a layer, (N, C)."""
        normed, scale = rmsnorm(x)
        qkv = normed.dot(w[f"layer{i}.wqkv"].T)  # (N, 3C)
        mixed = np.empty_like(x)
        attended = [self._attend(qkv[rows], time, out=mixed[rows]) for rows, time in groups]
        x = x + mixed.dot(w[f"layer{i}.wo"].T)
        mlp_normed, mlp_scale = rmsnorm(x)
        hidden = np.maximum(mlp_normed.dot(w[f"layer{i}.fc1"].T), 0)
        x = x + hidden.dot(w[f"layer{i}.fc2"].T)
        return x, Layer(normed, scale, attended, mixed, mlp_normed, mlp_scale, hidden)

    def _backward(self, i: int, at: Layer, g: Array, groups: list[Group], w: Matrices, grads: Matrices) -> Array:
        """Write a layer's gradients into `grads`; take and return that of the residual stream, (N, C)."""
        np.dot(g.T, at.hidden, out=grads[f"layer{i}.fc2"])
        to_hidden = g.dot(w[f"layer{i}.fc2"]) * (at.hidden > 0)
        np.dot(to_hidden.T, at.mlp_normed, out=grads[f"layer{i}.fc1"])
        g = g + rmsnorm_backward(to_hidden.dot(w[f"layer{i}.fc1"]), at.mlp_normed, at.mlp_scale)

        np.dot(g.T, at.mixed, out=grads[f"layer{i}.wo"])
        to_mixed = g.dot(w[f"layer{i}.wo"])
        to_qkv = np.empty((len(g), 3 * self._config.n_embd), self._dtype)
        for (rows, time), attended in zip(groups, at.attended, strict=True):
            self._attend_backward(to_mixed[rows], time, attended, out=to_qkv[rows])
        np.dot(to_qkv.T, at.normed, out=grads[f"layer{i}.wqkv"])
        return g + rmsnorm_backward(to_qkv.dot(w[f"layer{i}.wqkv"]), at.normed, at.scale)

    def _attend(self, qkv: Array, time: int, out: Array) -> Attended:
        """Write into `out`, (BT, C), what each token gathers from the values up to its own."""
        q, k, v = self._heads(qkv, time)
        scores = q @ k.swapaxes(2, 3) * self._config.head_dim**-0.5  # (B, H, T, T)
        shares = softmax(scores + self._mask(time))
        np.matmul(shares, v, out=self._heads(out, time)[0])
        return Attended(q, k, v, shares)

    def _attend_backward(self, g: Array, time: int, at: Attended, out: Array) -> None:
        """Take the gradient of what attention gave, (BT, C); write that of q, k and v into `out`, (BT, 3C)."""
        (to_mixed,), (to_q, to_k, to_v) = self._heads(g, time), self._heads(out, time)
        np.matmul(at.shares.swapaxes(2, 3), to_mixed, out=to_v)
        to_shares = to_mixed @ at.v.swapaxes(2, 3)  # (B, H, T, T)
        to_scores = softmax_backward(to_shares, at.shares) * self._config.head_dim**-0.5
        np.matmul(to_scores, at.k, out=to_q)
        np.matmul(to_scores.swapaxes(2, 3), at.q, out=to_k)

    def _mask(self, time: int) -> Array:
        """Return what is added to the scores, (T, T): minus infinity for what comes later, as its exponential is 0.

        It is kept, as large as it was needed: a context of 30,000 would fill seven gigabytes.
        """
        if time > len(self._later):
            size = min(max(time, 2 * len(self._later)), self._config.block_size)
            self._later = np.triu(np.full((size, size), -np.inf, self._dtype), k=1)
        return self._later[:time, :time]

    def _heads(self, rows: Array, time: int) -> Array:
        """Return the heads of (BT, C), or of several such side by side, as a view: (1 or several, B, H, T, D)."""
        heads, channels = self._config.n_head, self._config.n_embd
        several = rows.shape[1] // channels
        return rows.reshape(-1, time, several, heads, channels // heads).transpose(2, 0, 3, 1, 4)


def adam(at: Numbers, g: Array, lr: float) -> Numbers:
    """Return the numbers one step of Adam further; see `microgpt.reference.adam`."""
    (beta1, beta2), step = BETAS, at.step + 1
    mean = beta1 * at.mean + (1 - beta1) * g
    square = beta2 * at.square + (1 - beta2) * g * g
    k, full = lr / (1 - beta1**step), 1 - beta2**step
    return Numbers(at.weights - k * mean / (np.sqrt(square / full) + EPS), mean, square, step)


def fused_shapes(config: GPTConfig) -> Shapes:
    """Return `parameter_shapes` with neighbours as one: the embeddings, and what makes q, k and v in a layer."""
    c = config.n_embd
    shapes = {"embeddings": (config.vocab_size + config.block_size, c), "lm_head": (config.vocab_size, c)}
    for i in range(config.n_layer):
        shapes |= {f"layer{i}.wqkv": (3 * c, c), f"layer{i}.wo": (c, c)}
        shapes |= {f"layer{i}.fc1": (4 * c, c), f"layer{i}.fc2": (c, 4 * c)}
    return shapes


def places(shapes: Shapes) -> Places:
    """Return where in a flat array each matrix stands, one after another, and its shape."""
    found, end = dict[str, tuple[slice, tuple[int, int]]](), 0
    for name, (rows, columns) in shapes.items():
        start, end = end, end + rows * columns
        found[name] = slice(start, end), (rows, columns)
    return found


def views(flat: Array, at: Places) -> dict[str, Array]:
    """Return the matrices that stand in a flat array; they are no copies."""
    return {name: flat[place].reshape(shape) for name, (place, shape) in at.items()}


def keep_freed_memory() -> None:
    """Have the C library keep what a step frees for the next one; giving it back each time can halve the speed.

    glibc gets a large block from the system and gives it back when it is freed. But the size of one that it has seen
    freed, up to 32 MiB, it takes for usual, and keeps such from then on. This one costs nothing: nobody writes to it.
    """
    np.empty(LARGEST_KEPT, np.uint8)
