"""The reference as an engine: whole rows at a time."""

from microgpt import reference
from microgpt.engines.lists import ListsEngine, Matrices


class ReferenceEngine(ListsEngine):
    """`microgpt.reference`, the 200 lines."""

    def loss_and_gradients(self, weights: Matrices, tokens: list[int]) -> tuple[float, Matrices]:
        return reference.loss_and_gradients(weights, tokens, self.n_head)

    def document_logits(self, weights: Matrices, tokens: list[int]) -> list[list[float]]:
        nodes = {name: reference.Node(rows) for name, rows in weights.items()}
        return reference.gpt(tokens, nodes, self.n_head).data
