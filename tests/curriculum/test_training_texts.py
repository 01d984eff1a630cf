"""What the insights of chapter D, training and beyond, say in words, against the code that they are about."""

import ast
import inspect
import math
import random
import statistics
from itertools import pairwise
from typing import Any

import pytest

from microgpt import reference
from microgpt.insights.course import find_course, load_course
from microgpt.insights.mutant import apply_mutant
from microgpt.reference import Node

COURSE = load_course(find_course("microgpt"))
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def text_of(insight: str) -> str:
    found = COURSE.insights[insight]
    return " ".join(f"{found.text} {found.breaks}".split())


def first_loss(std: float, *, channels: int = 16, layers: int = 1, seed: int = 1) -> float:
    weights = reference.init_weights(random.Random(seed), 27, layers, channels, std=std)
    return reference.loss_and_gradients(weights, reference.encode("martina", LETTERS), 4)[0]


class Constant(random.Random):
    """A generator whose normal distribution is one number."""

    def __init__(self, number: float) -> None:
        super().__init__()
        self.number = number

    def gauss(self, mu: float = 0.0, sigma: float = 1.0) -> float:
        return self.number


def trained(start: float, steps: int) -> tuple[reference.Weights, reference.Weights]:
    """Return the weights before and after some steps on one name, all of them beginning at one number."""
    weights = reference.init_weights(Constant(start), 27)
    before = dict(weights)
    m, v = ({name: reference.zeros(rows) for name, rows in weights.items()} for _ in range(2))
    for step in range(1, steps + 1):
        _, grads = reference.loss_and_gradients(weights, reference.encode("anna", LETTERS), 4)
        for n in weights:
            weights[n], m[n], v[n] = reference.adam(weights[n], grads[n], m[n], v[n], step, 0.01)
    return before, weights


# ---- weights-start-small-and-random


def test_two_thirds_of_the_weights_lie_within_the_std_that_the_text_names() -> None:
    weights = reference.init_weights(random.Random(0), 27)
    numbers = [number for rows in weights.values() for row in rows for number in row]
    assert sum(-0.08 < number < 0.08 for number in numbers) / len(numbers) == pytest.approx(2 / 3, abs=0.03)
    assert "two thirds of them between -0.08 and 0.08" in text_of("weights-start-small-and-random")
    assert inspect.signature(reference.init_weights).parameters["std"].default == 0.08


def test_from_zeros_nothing_ever_moves_and_from_one_number_the_channels_stay_alike() -> None:
    before, after = trained(0.0, 3)
    assert after == before
    before, after = trained(0.1, 5)
    assert after["lm_head"] != before["lm_head"]
    assert all(len(set(row)) == 1 for name in ("wte", "lm_head") for row in after[name])


def test_a_training_with_the_belief_that_zeros_will_do_learns_nothing() -> None:
    belief = next(
        m for m in COURSE.insights["weights-start-small-and-random"].misconceptions if m.id == "alike-will-do"
    )
    believing: dict[str, Any] = {"__name__": "believing"}
    exec(apply_mutant(inspect.getsource(reference), belief.mutant), believing)
    printed: list[str] = []
    believing["train"](["anna", "otto"], 3, report=printed.append)
    known = len({*"annaotto"}) + 1
    assert [float(line.split()[-1]) for line in printed] == pytest.approx([math.log(known)] * 3, abs=1e-4)


def test_small_weights_start_near_ln_v_and_large_ones_far_above() -> None:
    assert statistics.mean(first_loss(0.08, seed=seed) for seed in range(10)) == pytest.approx(math.log(27), abs=0.2)
    assert min(first_loss(0.7, seed=seed) for seed in range(10)) > 3 * math.log(27)


@pytest.mark.slow
def test_with_more_channels_and_layers_the_same_std_starts_further_above_ln_v() -> None:
    small, large = (
        statistics.mean(first_loss(0.08, channels=channels, layers=layers, seed=seed) for seed in range(3))
        for channels, layers in ((16, 1), (64, 6))
    )
    assert large > small + 0.5


# ---- adam-keeps-two-averages, adam-corrects-its-bias


def averages(mean: float, square: float, gradient: float) -> list[float]:
    _, m, v = reference.adam([[0.0]], [[gradient]], [[mean]], [[square]], 2, 0.01)
    return [m[0][0], v[0][0]]


def test_the_averages_fade_by_the_parts_that_the_text_names() -> None:
    assert averages(1.0, 1.0, 0.0) == pytest.approx([0.85, 0.99])
    assert averages(0.0, 0.0, 10.0) == pytest.approx([1.5, 1.0])
    text = text_of("adam-keeps-two-averages")
    assert "0.85 of the old one plus 0.15 of the new" in text
    assert "0.99 of the old plus 0.01 of the new square" in text


def step_lengths(gradients: list[float]) -> list[float]:
    w, m, v = [[0.0]], [[0.0]], [[0.0]]
    lengths = list[float]()
    for number, gradient in enumerate(gradients, 1):
        before = w
        w, m, v = reference.adam(w, [[gradient]], m, v, number, 0.01)
        lengths.append(abs(w[0][0] - before[0][0]))
    return lengths


def test_where_gradients_agree_a_step_is_as_long_as_the_rate_and_where_they_change_sign_far_shorter() -> None:
    assert step_lengths([7.0] * 50)[-1] == pytest.approx(0.01, rel=1e-6)
    assert step_lengths([7.0, -7.0] * 25)[-1] < 0.002


def test_one_gradient_that_turns_round_hardly_turns_the_average() -> None:
    assert averages(10.0, 100.0, -10.0)[0] == pytest.approx(7.0)


# ---- the-learning-rate-falls


def rates(monkeypatch: pytest.MonkeyPatch, steps: int, loss: float = 3.3) -> list[float]:
    seen = list[float]()

    def noting(
        w: reference.Rows, g: reference.Rows, m: reference.Rows, v: reference.Rows, step: int, lr: float
    ) -> tuple[reference.Rows, reference.Rows, reference.Rows]:
        seen.append(lr)
        return w, m, v

    def standing_in(weights: reference.Weights, tokens: list[int], n_head: int) -> tuple[float, reference.Weights]:
        return loss, weights

    monkeypatch.setattr(reference, "adam", noting)
    monkeypatch.setattr(reference, "loss_and_gradients", standing_in)
    reference.train(["a"], steps, report=lambda line: None)
    return seen[:: len(seen) // steps]


def test_the_rate_falls_in_a_straight_line_from_a_hundredth_to_a_little_more_than_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = rates(monkeypatch, 50)
    assert seen[0] == 0.01
    assert 0 < seen[-1] < 0.0003
    assert [a - b for a, b in pairwise(seen)] == pytest.approx([0.0002] * 49)
    assert "from 0.01" in COURSE.insights["the-learning-rate-falls"].claim


def test_neither_the_loss_nor_the_gradients_have_a_say_in_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rates(monkeypatch, 10, loss=3.3) == rates(monkeypatch, 10, loss=0.1)


# ---- one-document-a-step, held-out-loss-tells


def lines_read(monkeypatch: pytest.MonkeyPatch, docs: list[str], steps: int) -> list[list[int]]:
    seen = list[list[int]]()

    def standing_in(weights: reference.Weights, tokens: list[int], n_head: int) -> tuple[float, reference.Weights]:
        seen.append(tokens)
        return 1.0, weights

    monkeypatch.setattr(reference, "loss_and_gradients", standing_in)
    reference.train(docs, steps, report=lambda line: None)
    return seen


def test_the_documents_come_round_in_one_shuffled_order_and_none_is_kept_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    docs = list(LETTERS[:8])
    seen = lines_read(monkeypatch, docs, 16)
    assert seen[:8] == seen[8:]
    assert sorted(seen[:8]) == [reference.encode(doc, docs) for doc in docs]
    assert seen[:8] != [reference.encode(doc, docs) for doc in docs]


def test_a_document_too_long_for_the_context_gives_its_first_16_predictions(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(lines_read(monkeypatch, [LETTERS], 1)[0]) - 1 == 16
    assert "its first 16 predictions" in text_of("one-document-a-step")


def test_the_printed_loss_is_that_of_the_document_before_the_weights_move() -> None:
    lines = list[str]()
    weights = reference.init_weights(after_shuffle(["ada"]), 3)
    reference.train(["ada"], 1, report=lines.append)
    loss, _ = reference.loss_and_gradients(weights, reference.encode("ada", "ad"), 4)
    assert lines[0].endswith(f"loss {loss:.4f}")


def after_shuffle(docs: list[str]) -> random.Random:
    rng = random.Random(42)
    rng.shuffle(docs[:])
    return rng


@pytest.mark.slow
def test_few_names_learnt_by_heart_have_a_low_loss_and_other_names_one_above_ln_v() -> None:
    docs, others = ["anna", "emil", "karim", "otto", "lena"], ["ketil", "manora", "ilmar", "tarek"]
    weights, chars, _ = reference.train(docs, 400, report=lambda line: None)
    remembered, new = (
        statistics.mean(reference.loss_and_gradients(weights, reference.encode(doc, chars), 4)[0] for doc in names)
        for names in (docs, others)
    )
    assert remembered < 1
    assert new > math.log(len(chars) + 1)


# ---- where-the-parameters-are


def sizes(**shape: int) -> dict[str, int]:
    weights = reference.init_weights(Constant(0.0), 27, **shape)
    return {name: sum(map(len, rows)) for name, rows in weights.items()}


def test_the_text_counts_the_weights_of_the_model_here() -> None:
    count = sizes()
    layer, tokens = sum(n for name, n in count.items() if name.startswith("layer")), count["wte"] + count["lm_head"]
    total = sum(count.values())
    said = f"{layer:,} weights in its layer, {tokens} for the tokens and {count['wpe']} for the places: {total:,}."
    assert said in text_of("where-the-parameters-are")
    assert layer == 12 * 16**2
    assert tokens == 2 * 27 * 16


def test_a_longer_context_and_more_heads_add_no_weight_to_a_layer() -> None:
    longer = sizes(block_size=64)
    assert {n for n in longer if longer[n] != sizes()[n]} == {"wpe"}
    assert "n_head" not in inspect.signature(reference.init_weights).parameters


def test_with_many_channels_nearly_all_weights_are_in_the_layers() -> None:
    count = sizes(n_embd=256, n_layer=2)
    assert sum(n for name, n in count.items() if name.startswith("layer")) / sum(count.values()) > 0.95


# ---- same-function-faster


def test_a_linear_layer_takes_tokens_times_inputs_times_outputs_multiplications(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done = list[float]()

    def counting(a: float, b: float) -> float:
        done.append(a)
        return a * b

    monkeypatch.setattr(reference, "mul", counting)
    reference.linear(Node([[1.0, 2.0, 3.0]] * 2), Node([[1.0, 0.0, 1.0]] * 5))
    assert len(done) == 2 * 3 * 5


def test_adding_in_another_order_changes_the_last_digits_and_no_more() -> None:
    rng = random.Random(0)
    pairs = [([rng.gauss(0, 1) for _ in range(64)], [rng.gauss(0, 1) for _ in range(64)]) for _ in range(50)]
    there = [reference.dot(a, b) for a, b in pairs]
    back = [reference.dot(a[::-1], b[::-1]) for a, b in pairs]
    assert there != back
    assert there == pytest.approx(back, abs=1e-12)


# ---- what-scale-changes, from-this-to-an-assistant


def test_any_number_of_layers_and_channels_runs_through_the_same_lines() -> None:
    weights = reference.init_weights(random.Random(0), 27, n_layer=5, n_embd=24)
    loss, grads = reference.loss_and_gradients(weights, reference.encode("anna", LETTERS), 4)
    assert loss > 0
    assert all(any(map(any, rows)) for rows in grads.values())


def called(function: object) -> set[str]:
    tree = ast.parse(inspect.getsource(function))  # pyright: ignore[reportArgumentType]
    return {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}


def test_training_moves_weights_and_writing_does_not() -> None:
    assert "adam" in called(reference.train)
    assert not {"adam", "backward", "loss_and_gradients"} & called(reference.sample)
    weights = reference.init_weights(random.Random(0), 27)
    before = {name: [row[:] for row in rows] for name, rows in weights.items()}
    reference.sample(weights, list(LETTERS), random.Random(0))
    assert weights == before


def test_the_losses_of_the_scale_question_fall_by_one_factor_and_lead_to_its_answer() -> None:
    losses = [3.00, 2.80, 2.61, 2.44]
    factors = [b / a for a, b in pairwise(losses)]
    assert factors == pytest.approx([factors[0]] * 3, abs=0.003)
    question = next(q for q in COURSE.insights["what-scale-changes"].questions if q.id == "next-size")
    assert all(f"{loss:.2f}" in question.ask for loss in losses)
    assert str(question.right).startswith(f"about {losses[-1] * factors[0]:.1f},")
