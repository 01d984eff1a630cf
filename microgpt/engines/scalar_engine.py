"""The scalar program as an engine: one number at a time, and so the slowest, and the easiest to follow."""

from microgpt import scalar
from microgpt.engines.lists import ListsEngine, Matrices
from microgpt.scalar import Matrix, Value


class ScalarEngine(ListsEngine):
    """`microgpt.scalar`, the chain rule on single numbers."""

    described = "scalar on cpu, float64"

    def document_loss_and_gradients(self, weights: Matrices, tokens: list[int]) -> tuple[float, Matrices]:
        w = _to_values(weights)
        loss = scalar.cross_entropy(self._logits(tokens[:-1], w), tokens[1:])
        scalar.backward(loss)
        return loss.data, {name: [[value.grad for value in row] for row in rows] for name, rows in w.items()}

    def document_logits(self, weights: Matrices, tokens: list[int]) -> list[list[float]]:
        return [[value.data for value in row] for row in self._logits(tokens, _to_values(weights))]

    def _logits(self, tokens: list[int], w: dict[str, Matrix]) -> Matrix:
        if not self.config.final_norm:
            return scalar.gpt(tokens, w, self.config.n_head)
        channels = range(self.config.n_embd)
        identity = [[Value(float(i == j)) for j in channels] for i in channels]  # for a head: what the head reads
        stream = scalar.gpt(tokens, {**w, "lm_head": identity}, self.config.n_head)
        return [scalar.linear(scalar.rmsnorm(x), w["lm_head"]) for x in stream]


def _to_values(weights: Matrices) -> dict[str, Matrix]:
    return {name: [[Value(number) for number in row] for row in rows] for name, rows in weights.items()}
