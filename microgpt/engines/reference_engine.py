"""The reference as an engine: `microgpt.reference`, with the state of a training kept between its functions."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from microgpt import reference
from microgpt.config import GPTConfig
from microgpt.engines.base import Array, State, Tokens

Matrices = dict[str, list[list[float]]]


class ReferenceEngine:
    """An `Engine` in plain Python numbers, a document after another.

    Args:
        config: the shape of the model.
        state: where to start; it is copied.
    """

    def __init__(self, config: GPTConfig, state: State) -> None:
        self._n_head = config.n_head
        self._at = (_to_lists(state.weights), _to_lists(state.mean), _to_lists(state.square), state.step)

    def step(self, batch: Sequence[Tokens], lr: float) -> float:
        weights, mean, square, step = self._at
        loss, gradients = self._loss_and_gradients(weights, batch)
        moved = {
            name: reference.adam(weights[name], gradients[name], mean[name], square[name], step + 1, lr)
            for name in weights
        }
        new_weights, new_mean, new_square = ({name: new[i] for name, new in moved.items()} for i in range(3))
        self._at = (new_weights, new_mean, new_square, step + 1)  # one assignment: an interrupt finds all or none
        return loss

    def loss(self, batch: Sequence[Tokens]) -> float:
        surprise = 0.0
        for tokens in batch:
            for scores, target in zip(self.logits(tokens[:-1]), tokens[1:], strict=True):
                top = scores.max()  # taking it off changes no share, and exp cannot overflow
                surprise += top + math.log(np.exp(scores - top).sum()) - scores[target]
        return float(surprise / sum(len(tokens) - 1 for tokens in batch))

    def logits(self, tokens: Tokens) -> Array:
        nodes = {name: reference.Node(rows) for name, rows in self._at[0].items()}
        return np.array(reference.gpt(list(tokens), nodes, self._n_head).data)

    def state(self) -> State:
        weights, mean, square, step = self._at
        return State(weights=_to_arrays(weights), mean=_to_arrays(mean), square=_to_arrays(square), step=step)

    def _loss_and_gradients(self, weights: Matrices, batch: Sequence[Tokens]) -> tuple[float, Matrices]:
        """Return the batch's loss and gradients: the mean of the documents', weighted by their predictions."""
        results = [reference.loss_and_gradients(weights, list(tokens), self._n_head) for tokens in batch]
        if len(results) == 1:  # the mean of one, without the time to compute it
            return results[0]
        counts = [len(tokens) - 1 for tokens in batch]
        loss = float(np.average([loss for loss, _ in results], weights=counts))
        return loss, {
            name: np.average([gradients[name] for _, gradients in results], axis=0, weights=counts).tolist()
            for name in weights
        }


def _to_lists(arrays: Mapping[str, Array]) -> Matrices:
    return {name: array.tolist() for name, array in arrays.items()}


def _to_arrays(matrices: Matrices) -> dict[str, Array]:
    return {name: np.array(matrix) for name, matrix in matrices.items()}
