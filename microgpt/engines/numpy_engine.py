"""The same model on arrays: a whole batch at a time, its gradients worked out by hand.

Read `microgpt.reference` first. Forward, each line here is one of its operations for B documents at once; backward, the
lines are its `pull` functions in the order of the walk, from the loss to the embeddings. Axes are those of `config`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microgpt.config import GPTConfig
from microgpt.engines.base import Array, State, Tokens

Ids = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
BETA1, BETA2, EPS = 0.85, 0.99, 1e-8  # of Adam (Kingma and Ba 2015), as in the reference


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Documents side by side, padded at the end to the length of the longest.

    Attention looks back only, so padding reaches nothing before it, and the loss alone must leave it out.

    Args:
        ids: (B, T), the tokens that are read.
        targets: (B, T), the tokens to be predicted.
        weight: (B, T, 1), what each prediction counts in the mean; 0 where there is padding.
    """

    ids: Ids
    targets: Ids
    weight: Array

    @classmethod
    def of(cls, documents: Sequence[Tokens]) -> "Batch":
        lengths = [len(tokens) - 1 for tokens in documents]
        real: Mask = np.arange(max(lengths)) < np.array(lengths)[:, None]  # (B, T)
        ids: Ids = np.zeros((len(lengths), max(lengths)), np.int64)
        targets = ids.copy()
        ids[real] = [token for tokens in documents for token in tokens[:-1]]
        targets[real] = [token for tokens in documents for token in tokens[1:]]
        return cls(ids=ids, targets=targets, weight=(real / sum(lengths))[..., None])


@dataclass(frozen=True, kw_only=True)
class Layer:
    """What a layer's forward pass leaves behind for the way back."""

    normed: Array  # (B, T, C), what attention read
    scale: Array  # (B, T, 1)
    q: Array  # (B, H, T, D)
    k: Array  # (B, H, T, D)
    v: Array  # (B, H, T, D)
    shares: Array  # (B, H, T, T)
    mixed: Array  # (B, T, C), what attention gave
    mlp_normed: Array  # (B, T, C), what the MLP read
    mlp_scale: Array  # (B, T, 1)
    hidden: Array  # (B, T, 4C), after the ReLU


class NumpyEngine:
    """An `Engine` in float64. It changes no array in place, so that a state can be handed in and out as it is.

    Args:
        config: the shape of the model.
        state: where to start.
    """

    def __init__(self, config: GPTConfig, state: State) -> None:
        self._n_layer, self._n_head = config.n_layer, config.n_head
        self._at = state

    def step(self, batch: Sequence[Tokens], lr: float) -> float:
        loss, gradients = self.loss_and_gradients(batch)
        self._at = adam(self._at, gradients, lr)  # one assignment: an interrupt finds all or none
        return loss

    def loss(self, batch: Sequence[Tokens]) -> float:
        documents = Batch.of(batch)
        return surprise(softmax(self._last(documents.ids) @ self._at.weights["lm_head"].T), documents)

    def logits(self, tokens: Tokens) -> Array:
        return self._last(np.array([tokens]))[0] @ self._at.weights["lm_head"].T

    def state(self) -> State:
        return self._at

    def loss_and_gradients(self, batch: Sequence[Tokens]) -> tuple[float, dict[str, Array]]:
        """Return the batch's loss, in nats a token, and its gradient for every weight."""
        documents, w = Batch.of(batch), self._at.weights
        embedded, scale = rmsnorm(w["wte"][documents.ids] + w["wpe"][: documents.ids.shape[1]])
        x, layers = embedded, list[Layer]()
        for i in range(self._n_layer):
            x, layer = self._forward(i, x)
            layers.append(layer)
        shares = softmax(x @ w["lm_head"].T)  # (B, T, V)
        loss = surprise(shares, documents)

        grads: dict[str, Array] = {}
        g = (shares - np.eye(len(w["lm_head"]))[documents.targets]) * documents.weight  # (B, T, V)
        grads["lm_head"] = _outer(g, x)
        g = g @ w["lm_head"]  # (B, T, C), from here on of the residual stream
        for i in reversed(range(self._n_layer)):
            g = self._backward(i, layers[i], g, grads)
        g = rmsnorm_backward(g, embedded, scale)
        grads["wpe"], grads["wte"] = np.zeros_like(w["wpe"]), np.zeros_like(w["wte"])
        grads["wpe"][: g.shape[1]] = g.sum(0)
        np.add.at(grads["wte"], documents.ids, g)  # a row that was looked up twice gets both gradients
        return loss, {name: grads[name] for name in w}

    def _last(self, ids: Ids) -> Array:
        """Return what the head reads, (B, T, C)."""
        w = self._at.weights
        x, _ = rmsnorm(w["wte"][ids] + w["wpe"][: ids.shape[1]])
        for i in range(self._n_layer):
            x, _ = self._forward(i, x)
        return x

    def _forward(self, i: int, x: Array) -> tuple[Array, Layer]:
        """Return the residual stream after a layer, (B, T, C)."""
        wq, wk, wv, wo, fc1, fc2 = self._matrices(i)
        normed, scale = rmsnorm(x)
        q, k, v = (self._split(normed @ w.T) for w in (wq, wk, wv))
        shares = causal_softmax(q @ k.swapaxes(2, 3) / np.sqrt(q.shape[-1]))
        mixed = self._join(shares @ v)
        x = x + mixed @ wo.T
        mlp_normed, mlp_scale = rmsnorm(x)
        hidden = np.maximum(mlp_normed @ fc1.T, 0)
        layer = Layer(
            normed=normed, scale=scale, q=q, k=k, v=v, shares=shares, mixed=mixed,
            mlp_normed=mlp_normed, mlp_scale=mlp_scale, hidden=hidden,
        )  # fmt: skip
        return x + hidden @ fc2.T, layer

    def _backward(self, i: int, at: Layer, g: Array, grads: dict[str, Array]) -> Array:
        """Add a layer's gradients to `grads`; take and return that of the residual stream, (B, T, C)."""
        wq, wk, wv, wo, fc1, fc2 = self._matrices(i)
        through_relu = (g @ fc2) * (at.hidden > 0)
        grads |= {f"layer{i}.fc2": _outer(g, at.hidden), f"layer{i}.fc1": _outer(through_relu, at.mlp_normed)}
        g = g + rmsnorm_backward(through_relu @ fc1, at.mlp_normed, at.mlp_scale)

        grads[f"layer{i}.wo"] = _outer(g, at.mixed)
        to_mixed = self._split(g @ wo)  # (B, H, T, D)
        to_shares = to_mixed @ at.v.swapaxes(2, 3)  # (B, H, T, T)
        to_scores = at.shares * (to_shares - (at.shares * to_shares).sum(-1, keepdims=True)) / np.sqrt(at.q.shape[-1])
        to_q = self._join(to_scores @ at.k)
        to_k = self._join(to_scores.swapaxes(2, 3) @ at.q)
        to_v = self._join(at.shares.swapaxes(2, 3) @ to_mixed)
        for name, gradient in (("wq", to_q), ("wk", to_k), ("wv", to_v)):
            grads[f"layer{i}.{name}"] = _outer(gradient, at.normed)
        return g + rmsnorm_backward(to_q @ wq + to_k @ wk + to_v @ wv, at.normed, at.scale)

    def _matrices(self, i: int) -> tuple[Array, ...]:
        return tuple(self._at.weights[f"layer{i}.{name}"] for name in ("wq", "wk", "wv", "wo", "fc1", "fc2"))

    def _split(self, x: Array) -> Array:  # (B, T, C) -> (B, H, T, D)
        return x.reshape(*x.shape[:2], self._n_head, -1).swapaxes(1, 2)

    def _join(self, x: Array) -> Array:  # (B, H, T, D) -> (B, T, C)
        return x.swapaxes(1, 2).reshape(x.shape[0], x.shape[2], -1)


def rmsnorm(x: Array) -> tuple[Array, Array]:
    """Return the rows scaled to a mean square of 1, and by how much each was, (..., 1)."""
    scale = (np.square(x).mean(-1, keepdims=True) + 1e-5) ** -0.5
    return x * scale, scale


def rmsnorm_backward(g: Array, out: Array, scale: Array) -> Array:
    """Return the gradient of what was normed to `out`."""
    return scale * (g - out * (g * out).mean(-1, keepdims=True))


def softmax(scores: Array) -> Array:
    """Return shares along the last axis; minus infinity gets none."""
    exps = np.exp(scores - scores.max(-1, keepdims=True))
    return exps / exps.sum(-1, keepdims=True)


def causal_softmax(scores: Array) -> Array:
    """Return shares, (..., T, T): row t shares out among 0 ... t."""
    t = scores.shape[-1]
    return softmax(np.where(np.tri(t, dtype=bool), scores, -np.inf))


def surprise(shares: Array, batch: Batch) -> float:
    """Return the mean surprise at the targets, in nats a token."""
    target = np.take_along_axis(shares, batch.targets[..., None], -1)  # (B, T, 1)
    return float(-(np.log(target) * batch.weight).sum())


def adam(at: State, gradients: Mapping[str, Array], lr: float) -> State:
    """Return the state one step of Adam further; see `microgpt.reference.adam`."""
    step = at.step + 1
    mean = {name: BETA1 * at.mean[name] + (1 - BETA1) * g for name, g in gradients.items()}
    square = {name: BETA2 * at.square[name] + (1 - BETA2) * g * g for name, g in gradients.items()}
    k, full = lr / (1 - BETA1**step), 1 - BETA2**step
    weights = {name: w - k * mean[name] / (np.sqrt(square[name] / full) + EPS) for name, w in at.weights.items()}
    return State(weights=weights, mean=mean, square=square, step=step)


def _outer(g: Array, x: Array) -> Array:
    """Return the gradient of a linear layer's weights, outputs x inputs, added up over B and T."""
    return g.reshape(-1, g.shape[-1]).T @ x.reshape(-1, x.shape[-1])
