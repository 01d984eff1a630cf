"""The scalar program as an engine: one number at a time, and so the slowest, and the easiest to follow."""

from microgpt import scalar
from microgpt.engines.lists import ListsEngine, Matrices


class ScalarEngine(ListsEngine):
    """`microgpt.scalar`, the chain rule on single numbers."""

    def loss_and_gradients(self, weights: Matrices, tokens: list[int]) -> tuple[float, Matrices]:
        return scalar.loss_and_gradients(weights, tokens, self.n_head)

    def document_logits(self, weights: Matrices, tokens: list[int]) -> list[list[float]]:
        values = {name: [[scalar.Value(number) for number in row] for row in rows] for name, rows in weights.items()}
        return [[value.data for value in row] for row in scalar.gpt(tokens, values, self.n_head)]
