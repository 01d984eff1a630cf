"""The reference as an engine: whole rows at a time."""

from microgpt import reference
from microgpt.engines.lists import ListsEngine, Matrices
from microgpt.reference import Node


class ReferenceEngine(ListsEngine):
    """`microgpt.reference`, the 200 lines."""

    described = "reference on cpu, float64"

    def document_loss_and_gradients(self, weights: Matrices, tokens: list[int]) -> tuple[float, Matrices]:
        w = _to_nodes(weights)
        loss = reference.cross_entropy(self._logits(tokens[:-1], w), tokens[1:])
        reference.backward(loss)
        return loss.data[0][0], {name: node.grad or reference.zeros(node.data) for name, node in w.items()}

    def document_logits(self, weights: Matrices, tokens: list[int]) -> list[list[float]]:
        return self._logits(tokens, _to_nodes(weights)).data

    def _logits(self, tokens: list[int], w: dict[str, Node]) -> Node:
        if not self.config.final_norm:
            return reference.gpt(tokens, w, self.config.n_head)
        channels = range(self.config.n_embd)
        identity = Node([[float(i == j) for j in channels] for i in channels])  # for a head: what the head reads
        stream = reference.gpt(tokens, {**w, "lm_head": identity}, self.config.n_head)
        return reference.linear(reference.rmsnorm(stream), w["lm_head"])


def _to_nodes(weights: Matrices) -> dict[str, Node]:
    return {name: Node(rows) for name, rows in weights.items()}
