"""An engine whose model is written in plain Python lists: what the reference and the scalar program have in common.

The model brings a document's loss, gradients and logits; batches, Adam and the state of a training are kept here.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np

from microgpt import reference
from microgpt.config import GPTConfig
from microgpt.engines.base import Array, State, Tokens, predictions

Matrices = dict[str, list[list[float]]]


class ListsEngine(ABC):
    """An `Engine` in plain Python numbers, a document after another.

    Args:
        config: the shape of the model.
        state: where to start; it is copied.
    """

    described: str
    peak_flops = None  # of plain Python nobody has counted it

    def __init__(self, config: GPTConfig, state: State) -> None:
        self.config = config
        self._at = (_to_lists(state.weights), _to_lists(state.mean), _to_lists(state.square), state.step)

    @abstractmethod
    def document_loss_and_gradients(self, weights: Matrices, tokens: list[int]) -> tuple[float, Matrices]:
        """Return a document's loss, in nats a token, and its gradients."""

    @abstractmethod
    def document_logits(self, weights: Matrices, tokens: list[int]) -> list[list[float]]:
        """Return (T, V)."""

    def loss_and_gradients(self, batch: Sequence[Tokens]) -> tuple[float, dict[str, Array]]:
        loss, gradients = self._batch_loss_and_gradients(self._at[0], batch)
        return loss, _to_arrays(gradients)

    def step(self, batch: Sequence[Tokens], lr: float) -> float:
        weights, mean, square, step = self._at
        try:
            loss, gradients = self._batch_loss_and_gradients(weights, batch)
        except (OverflowError, ValueError):  # such as of log 0, where weights went too far; arrays would have gone on
            return math.nan
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
        return float(surprise / predictions(batch))

    def logits(self, tokens: Tokens) -> Array:
        return np.array(self.document_logits(self._at[0], list(tokens)))

    def state(self) -> State:
        weights, mean, square, step = self._at
        return State(weights=_to_arrays(weights), mean=_to_arrays(mean), square=_to_arrays(square), step=step)

    def _batch_loss_and_gradients(self, weights: Matrices, batch: Sequence[Tokens]) -> tuple[float, Matrices]:
        """Return the batch's loss and gradients: the mean of the documents', weighted by their predictions."""
        results = [self.document_loss_and_gradients(weights, list(tokens)) for tokens in batch]
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
