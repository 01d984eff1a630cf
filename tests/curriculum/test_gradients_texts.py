"""What the insights of chapter B, the gradients, say in words, against the code that they are about."""

import inspect
import math
import random
import re

import pytest

from microgpt import reference
from microgpt.insights.course import find_course, load_course
from microgpt.insights.mutant import apply_mutant
from microgpt.reference import Node, backward

COURSE = load_course(find_course("microgpt"))
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def text_of(insight: str) -> str:
    found = COURSE.insights[insight]
    return " ".join(f"{found.text} {found.breaks}".split())


def names_weights(*, std: float = 0.08) -> reference.Weights:
    """Weights of the shapes that the names' alphabet of 27 tokens gives."""
    return reference.init_weights(random.Random(0), 27, std=std)


def gradients_of(name: str) -> reference.Weights:
    return reference.loss_and_gradients(names_weights(), reference.encode(name, LETTERS), 4)[1]


def gaussian(rng: random.Random, size: int) -> list[float]:
    return [rng.gauss(0, 1) for _ in range(size)]


# ---- a-derivative-is-sensitivity


@pytest.mark.parametrize(("name", "row", "column"), [("wte", 26, 3), ("layer0.fc2", 2, 40), ("lm_head", 7, 0)])
def test_a_nudge_of_one_weight_moves_the_loss_by_about_gradient_times_nudge(name: str, row: int, column: int) -> None:
    weights, tokens, nudge = names_weights(std=0.5), reference.encode("anna", LETTERS), 1e-6
    before, gradients = reference.loss_and_gradients(weights, tokens, 4)
    weights[name][row][column] += nudge
    after, _ = reference.loss_and_gradients(weights, tokens, 4)
    assert gradients[name][row][column] != 0
    assert (after - before) / nudge == pytest.approx(gradients[name][row][column], rel=1e-3, abs=1e-8)


def square(number: float) -> tuple[float, float]:
    """Return a number's square and its gradient."""
    x = Node([[number]])
    loss = reference.linear(x, x)
    backward(loss)
    return loss.data[0][0], x.grad[0][0]


def test_the_squares_that_the_texts_speak_of() -> None:
    for insight, words in {
        "a-derivative-is-sensitivity": r"square of (\d+) has the gradient (\d+), but 1 more adds (\d+)",
        "gradients-add-where-paths-meet": r"is (?P<adds>\d+) more than (?P<n>\d+) x .* says (?P<g>\d+)\.",
    }.items():
        said = re.search(words, text_of(insight))
        assert said is not None
        named = said.groupdict()
        number, gradient, adds = map(int, [named["n"], named["g"], named["adds"]] if named else said.groups())
        assert square(number)[1] == gradient
        assert square(number + 1)[0] - square(number)[0] == adds


def test_scale_magnifies_the_nudge_and_the_gradient_by_the_same() -> None:
    x = Node([[2.0]])
    loss = reference.scale(x, -3.0)
    backward(loss)
    assert x.grad == [[-3.0]]
    assert reference.scale(Node([[3.0]]), -3.0).data[0][0] - loss.data[0][0] == -3.0


# ---- the-chain-rule-multiplies-along-a-path


def test_the_gradient_of_the_loss_is_1_and_every_step_multiplies_it() -> None:
    x = Node([[5.0]])
    middle = reference.scale(x, 7.0)
    loss = reference.scale(middle, -2.0)
    backward(loss)
    assert [node.grad[0][0] for node in (loss, middle, x)] == [1.0, -2.0, -14.0]


def test_the_slope_of_relu_is_1_where_the_number_is_positive_and_else_zero() -> None:
    for number, slope in ((0.1, 1.0), (0.0, 0.0), (-0.1, 0.0)):
        for came_back in (3.0, -3.0):
            (grad,) = reference.relu(Node([[number]])).pull([[came_back]])
            assert grad == [[slope * came_back]]


# ---- gradients-add-where-paths-meet


def test_add_gives_both_its_parts_the_whole_gradient() -> None:
    x, y = Node([[1.0]]), Node([[2.0]])
    both = reference.add(x, y)
    assert both.pull([[3.0]]) == ([[3.0]], [[3.0]])
    assert reference.add(x, x).pull([[3.0]]) == ([[3.0]], [[3.0]])
    backward(reference.add(x, x))
    assert x.grad == [[2.0]]


# ---- the-backward-walk-has-an-order


def test_each_node_comes_once_and_before_its_parents() -> None:
    turns = list[str]()

    def node(name: str, *parents: Node) -> Node:
        def pull(grad: reference.Rows) -> tuple[reference.Rows, ...]:
            turns.append(name)
            return tuple(grad for _ in parents)

        return Node([[1.0]], parents, pull)

    a = node("a")
    b = node("b", a)
    c = node("c", b, a)
    backward(node("loss", a, c, b))
    assert turns == ["loss", "c", "b", "a"]
    assert a.grad == [[4.0]]


def test_the_order_in_which_parts_are_added_may_show_in_the_last_digit() -> None:
    a, b, c = ([[part]] for part in (0.1, 0.2, 0.3))
    one, other = reference.plus(reference.plus(a, b), c), reference.plus(a, reference.plus(b, c))
    assert one != other
    assert one[0] == pytest.approx(other[0])


@pytest.mark.slow
def test_in_a_bad_order_nothing_crashes_and_the_loss_falls_all_the_same() -> None:
    source = inspect.getsource(reference)
    start = source[: source.index("def backward")].count("\n") + 1
    for belief in COURSE.insights["the-backward-walk-has-an-order"].misconceptions:
        mutant: dict[str, object] = {"__name__": "mutant"}
        exec(apply_mutant(source, belief.mutant, anchor=range(start, start + 16)), mutant)
        lines = list[str]()
        mutant["train"](["anna", "emma"], 60, report=lines.append)  # type: ignore[operator]
        losses = [float(line.rsplit(" ", 1)[1]) for line in lines]
        assert losses[-1] < losses[0] / 2
        wanted = list[str]()
        reference.train(["anna", "emma"], 60, report=wanted.append)
        assert lines[0] == wanted[0]
        assert lines[-1] != wanted[-1]


# ---- one-step-downhill


def test_the_first_step_of_training_is_0_01_long_against_the_gradient_and_stays_where_that_is_zero() -> None:
    text = text_of("one-step-downhill")
    assert "the first 0.01 long" in text
    chars = sorted(set("anna"))
    before = reference.init_weights(random.Random(42), len(chars) + 1)
    _, gradients = reference.loss_and_gradients(before, reference.encode("anna", chars), 4)
    after, _, _ = reference.train(["anna"], 1, report=lambda _: None)
    for name, rows in gradients.items():
        for old, new, row in zip(before[name], after[name], rows, strict=True):
            for a, b, g in zip(old, new, row, strict=True):
                if abs(g) > 1e-5:
                    assert b - a == pytest.approx(-math.copysign(0.01, g), rel=1e-2)
                elif g == 0:
                    assert a == b


def test_the_loss_itself_moves_no_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    weights, _, _ = reference.train(["anna", "emma"], 3, report=lambda _: None)
    measure = reference.loss_and_gradients
    monkeypatch.setattr(reference, "loss_and_gradients", lambda *given: (99.0, measure(*given)[1]))
    assert reference.train(["anna", "emma"], 3, report=lambda _: None)[0] == weights


def test_a_step_lowers_the_loss_of_its_document_and_may_raise_that_of_another() -> None:
    weights = names_weights()

    def loss(name: str) -> float:
        return reference.loss_and_gradients(weights, reference.encode(name, LETTERS), 4)[0]

    def step(name: str) -> None:
        _, gradients = reference.loss_and_gradients(weights, reference.encode(name, LETTERS), 4)
        for n, gradient in gradients.items():
            none = reference.zeros(gradient)
            weights[n], _, _ = reference.adam(weights[n], gradient, none, none, 1, 0.01)

    for _ in range(10):
        step("luis")
    learnt, new = loss("luis"), loss("emma")
    step("emma")
    assert loss("emma") < new
    assert loss("luis") > learnt


# ---- shares-minus-truth


def test_a_letter_of_10_per_cent_has_the_gradients_that_the_text_names() -> None:
    said = re.search(r"had (\d+) per cent .* gets (0\.\d+),.* get (-0\.\d+),", text_of("shares-minus-truth"))
    assert said is not None
    share = int(said[1]) / 100
    for came, wanted in ((0, float(said[2])), (1, float(said[3]))):
        logits = Node([[math.log(1 - share), math.log(share)]])
        backward(reference.cross_entropy(logits, [came]))
        assert logits.grad[0][1] == pytest.approx(wanted)


def test_each_gradient_of_a_score_is_share_minus_truth_divided_by_the_number_of_places() -> None:
    rng = random.Random(1)
    logits = Node([gaussian(rng, 5) for _ in range(4)])
    targets = [0, 3, 3, 1]
    backward(reference.cross_entropy(logits, targets))
    for row, grads, came in zip(logits.data, logits.grad, targets, strict=True):
        wanted = [(share - (i == came)) / 4 for i, share in enumerate(reference.softmax(row))]
        assert grads == pytest.approx(wanted)
        assert sum(grads) == pytest.approx(0)


# ---- a-weight-learns-from-its-input


def test_no_input_or_nothing_come_back_teaches_a_weight_nothing_and_its_size_plays_no_part() -> None:
    x, came_back = [[0.0, 2.0]], [[3.0, 0.0]]
    for weights in ([[1.0, 1.0], [1.0, 1.0]], [[9.0, -9.0], [0.0, 5.0]]):
        assert reference.linear(Node(x), Node(weights)).pull(came_back)[1] == [[0.0, 6.0], [0.0, 0.0]]


def test_behind_relu_many_numbers_are_0_and_the_weights_of_fc2_that_read_one_have_no_gradient() -> None:
    weights = names_weights()
    w = {name: Node(rows) for name, rows in weights.items()}
    hidden = list[Node]()
    relu, tokens = reference.relu, reference.encode("a", LETTERS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reference, "relu", lambda x: hidden.append(relu(x)) or hidden[-1])
        backward(reference.cross_entropy(reference.gpt(tokens[:-1], w, 4), tokens[1:]))
    (after,) = hidden
    zeros = sum(a == 0 for row in after.data for a in row)
    assert zeros > len(after.data) * len(after.data[0]) / 4
    silent = [i for i in range(64) if all(row[i] == 0 for row in after.data)]
    assert silent
    assert all(row[i] == 0 for row in w["layer0.fc2"].grad for i in silent)


def test_a_small_gradient_does_not_make_a_small_step() -> None:
    step = [reference.adam([[0.0]], [[g]], [[0.0]], [[0.0]], 1, 0.01)[0][0][0] for g in (0.001, 10.0)]
    assert step == pytest.approx([-0.01, -0.01], rel=1e-4)


# ---- only-what-was-used-learns


def test_only_the_rows_of_letters_and_places_that_were_read_have_gradients_but_all_of_lm_head() -> None:
    gradients = gradients_of("anna")
    learning = {name: {i for i, row in enumerate(gradients[name]) if any(row)} for name in ("wte", "wpe", "lm_head")}
    assert learning == {"wte": {26, 0, 13}, "wpe": set(range(5)), "lm_head": set(range(27))}


def test_adam_goes_on_for_a_while_where_the_gradient_is_zero() -> None:
    w, m, v = reference.adam([[0.0]], [[1.0]], [[0.0]], [[0.0]], 1, 0.01)
    moved = [w[0][0]]
    for step in range(2, 60):
        w, m, v = reference.adam(w, [[0.0]], m, v, step, 0.01)
        moved.append(w[0][0])
    assert moved[1] < moved[0]
    assert abs(moved[-1] - moved[-2]) < 1e-5


# ---- shares-pull-on-each-other


def pulled(scores: list[float], came_back: list[float]) -> tuple[list[float], reference.Rows]:
    """Return the last row's shares and all the gradients of the scores."""
    shares = reference.causal_softmax(Node([scores for _ in scores]))
    return shares.data[-1], shares.pull([came_back for _ in scores])[0]


def test_a_score_has_its_share_of_the_difference_from_the_weighted_average() -> None:
    rng = random.Random(2)
    scores, came_back = gaussian(rng, 4), gaussian(rng, 4)
    shares, gradients = pulled(scores, came_back)
    average = reference.dot(shares, came_back) / sum(shares)
    wanted = [share * (g - average) for share, g in zip(shares, came_back, strict=True)]
    assert gradients[-1] == pytest.approx(wanted)
    assert gradients[0] == pytest.approx([0.0] * 4)  # the first token has nobody to share with
    nudged, _ = pulled([scores[0] + 1, *scores[1:]], came_back)
    assert nudged[0] > shares[0]
    assert nudged[1] / shares[1] == pytest.approx(nudged[3] / shares[3])  # they give up in proportion
    assert nudged[1] < shares[1]


def test_the_example_of_two_shares_of_a_half_has_the_gradients_that_the_text_writes_out() -> None:
    example = (
        r"If (\d) and (\d) came back for two shares of 1/2, .* gets 1/2 x \((\d) - (\d)\), .* 1/2 x \((\d) - (\d)\)\."
    )
    said = re.search(example, text_of("shares-pull-on-each-other"))
    assert said is not None
    came_back, first, second = ([float(number) for number in said.groups()[i : i + 2]] for i in (0, 2, 4))
    wanted = [0.5 * (pair[0] - pair[1]) for pair in (first, second)]
    assert pulled([0.0, 0.0], came_back)[1][-1] == pytest.approx(wanted)


def test_what_comes_back_alike_moves_nothing_and_a_tiny_or_lost_share_feels_next_to_nothing() -> None:
    assert pulled([0.3, -1.0, 2.0], [5.0, 5.0, 5.0])[1][-1] == pytest.approx([0.0] * 3)
    shares, gradients = pulled([10.0, 0.0, -800.0], [1.0, 9.0, 99.0])
    assert shares[2] == 0
    assert gradients[-1][2] == 0
    assert 0 < abs(gradients[-1][1]) < 0.001


def test_mix_finds_what_comes_back_for_a_share_from_the_values() -> None:
    shares, values = Node([[1.0, 0.0], [0.5, 0.5]]), Node([[2.0, 1.0], [-3.0, 4.0]])
    came_back, _ = reference.mix(shares, values).pull([[0.0, 0.0], [1.0, 10.0]])
    assert came_back[1] == [12.0, 37.0]
