"""What the insights of chapter C, the model part by part, say in words, against the code that they are about."""

import inspect
import math
import random
import re
from itertools import pairwise, product

import pytest

from microgpt import reference
from microgpt.insights.course import find_course, load_course
from microgpt.reference import Node

COURSE = load_course(find_course("microgpt"))
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def text_of(insight: str) -> str:
    found = COURSE.insights[insight]
    return " ".join(f"{found.text} {found.breaks}".split())


def names_weights(*, n_layer: int = 1, std: float = 0.08) -> reference.Weights:
    """Weights of the shapes that the names' alphabet of 27 tokens gives."""
    return reference.init_weights(random.Random(0), 27, n_layer=n_layer, std=std)


def logits(weights: reference.Weights, tokens: list[int]) -> reference.Rows:
    return reference.gpt(tokens, {name: Node(rows) for name, rows in weights.items()}, 4).data


def rms(row: list[float]) -> float:
    return math.sqrt(sum(a * a for a in row) / len(row))


def gaussian(rng: random.Random, size: int) -> list[float]:
    return [rng.gauss(0, 1) for _ in range(size)]


# ---- embeddings-are-rows-looked-up


def test_the_embedding_has_a_row_of_16_for_each_of_26_letters_and_bos() -> None:
    table = names_weights()["wte"]
    assert len(table) == 27
    assert {len(row) for row in table} == {16}
    assert "26 letters and BOS" in text_of("embeddings-are-rows-looked-up")
    assert reference.encode("a", LETTERS) == [26, 0, 26]
    assert LETTERS.index("c") - LETTERS.index("b") == 1


def test_the_same_letter_has_the_same_row_wherever_it_stands() -> None:
    rows = reference.embed(Node(names_weights()["wte"]), reference.encode("anna", LETTERS)).data
    assert rows[1] == rows[4]
    assert rows[2] == rows[3] != rows[1]


def test_training_changes_the_rows_of_the_embedding_a_little_at_a_time() -> None:
    before = reference.init_weights(random.Random(1), 3)["wte"]
    after, *_ = reference.train(["ab"], 1, seed=1, report=lambda _: None)
    moves = [abs(a - b) for r, s in zip(before, after["wte"], strict=True) for a, b in zip(r, s, strict=True)]
    assert 0 < max(moves) < 0.011


def test_looking_up_is_multiplying_the_table_by_a_vector_with_a_single_one() -> None:
    table = [[3.0, 1.0], [4.0, 1.0], [5.0, 9.0]]
    looked_up = reference.embed(Node(table), [2]).data
    assert looked_up == reference.dots([[0.0, 0.0, 1.0]], zip(*table, strict=True))


# ---- positions-are-learned-rows


def without_places(n_layer: int) -> reference.Weights:
    weights = names_weights(n_layer=n_layer, std=0.5)
    return weights | {"wpe": reference.zeros(weights["wpe"])}


def test_without_rows_for_places_one_layer_gives_the_end_of_abc_and_of_bac_the_same() -> None:
    weights = without_places(1)
    assert logits(weights, [0, 1, 2])[-1] == pytest.approx(logits(weights, [1, 0, 2])[-1])
    weights = names_weights(std=0.5)
    assert logits(weights, [0, 1, 2])[-1] != pytest.approx(logits(weights, [1, 0, 2])[-1], rel=1e-3)


def test_from_the_second_layer_on_the_order_shows_without_the_rows() -> None:
    weights = without_places(2)
    assert logits(weights, [0, 1, 2])[-1] != pytest.approx(logits(weights, [1, 0, 2])[-1], rel=1e-3)


def test_there_are_16_places_and_a_longer_text_cannot_be_read() -> None:
    weights = names_weights()
    assert len(weights["wpe"]) == 16
    assert "16 places" in text_of("positions-are-learned-rows")
    assert len(logits(weights, [0] * 16)) == 16
    with pytest.raises(IndexError):
        logits(weights, [0] * 17)


def test_most_numbers_of_a_tokens_row_start_smaller_than_the_reply_says() -> None:
    replies = [m.reply for m in COURSE.insights["positions-are-learned-rows"].misconceptions]
    said = next(float(found[1]) for reply in replies if (found := re.search(r"smaller than ([\d.]+\d)", reply)))
    numbers = [abs(a) for row in names_weights()["wte"] for a in row]
    assert sum(a < said for a in numbers) > 0.9 * len(numbers)


def test_the_rows_of_token_and_place_are_added_channel_by_channel() -> None:
    weights = names_weights(n_layer=0)
    both = [a + b for a, b in zip(weights["wte"][5], weights["wpe"][0], strict=True)]
    wanted = reference.linear(reference.rmsnorm(Node([both])), Node(weights["lm_head"])).data
    assert logits(weights, [5]) == wanted


# ---- a-linear-layer-is-dot-products


def test_fc1_is_64_rows_of_16_weights_and_treats_every_token_alike_and_alone() -> None:
    rows = names_weights()["layer0.fc1"]
    assert len(rows) == 64
    assert {len(row) for row in rows} == {16}
    assert "64 rows of 16 weights" in text_of("a-linear-layer-is-dot-products")
    rng = random.Random(1)
    x = [gaussian(rng, 16) for _ in range(3)]
    together = reference.linear(Node(x), Node(rows)).data
    assert together == [reference.linear(Node([row]), Node(rows)).data[0] for row in x]


def test_without_a_bias_zeros_can_only_give_zeros() -> None:
    assert reference.linear(Node([[0.0] * 16]), Node(names_weights()["layer0.fc1"])).data == [[0.0] * 64]


def test_the_model_has_matrices_alone_and_so_no_biases() -> None:
    assert set(names_weights()) == {"wte", "wpe", "lm_head"} | {
        f"layer0.{name}" for name in ("wq", "wk", "wv", "wo", "fc1", "fc2")
    }


# ---- rmsnorm-sets-the-scale-not-the-direction


def test_a_token_ten_times_as_large_goes_out_of_rmsnorm_the_same_and_keeps_its_direction() -> None:
    row = gaussian(random.Random(2), 16)
    out, larger = reference.rmsnorm(Node([row, [10 * a for a in row]])).data
    assert out == pytest.approx(larger, rel=1e-4)
    assert rms(out) == pytest.approx(1, rel=1e-4)
    assert [a / row[0] for a in row] == pytest.approx([a / out[0] for a in out])


def test_rmsnorm_scales_each_token_for_itself_and_leaves_zeros_alone() -> None:
    out = reference.rmsnorm(Node([[0.0, 0.0], [3.0, 4.0]])).data
    assert out[0] == [0.0, 0.0]
    assert out[1] == reference.rmsnorm(Node([[3.0, 4.0]])).data[0]


def test_numbers_as_small_as_the_text_says_come_out_smaller_than_the_claim_says() -> None:
    said = re.search(r"about (0\.\d+)", text_of("rmsnorm-sets-the-scale-not-the-direction"))
    assert said is not None
    small = float(said[1])
    assert small == pytest.approx(math.sqrt(1e-5), rel=0.1)
    assert rms(reference.rmsnorm(Node([[small, -small]])).data[0]) < 0.75


# ---- no-token-sees-the-future


def test_the_first_token_has_only_itself_to_look_at_and_the_last_the_whole_text() -> None:
    rng = random.Random(3)
    shares = reference.causal_softmax(Node([gaussian(rng, 4) for _ in range(4)])).data
    assert shares[0] == [1.0, 0.0, 0.0, 0.0]
    assert all(share > 0 for share in shares[-1])
    assert [sum(row) for row in shares] == pytest.approx([1.0] * 4)


def test_a_document_of_t_tokens_asks_t_questions_whose_answers_no_later_token_changes() -> None:
    weights = names_weights(n_layer=2, std=0.5)
    tokens = [3, 1, 4, 1, 5]
    whole = logits(weights, tokens)
    for t in range(len(tokens)):
        assert whole[t] == pytest.approx(logits(weights, tokens[: t + 1])[-1])  # each with its own past


# ---- attention-is-a-weighted-average


def test_the_average_moves_a_little_when_a_score_moves_a_little() -> None:
    k, v = Node([[0.0], [1.0]]), Node([[0.0], [1.0]])
    taken = [reference.attention(Node([[0.0], [q]]), k, v, 1).data[-1][0] for q in (1.0, 1.001)]
    assert 0 < taken[1] - taken[0] < 0.001


# ---- scores-are-divided-by-root-d


@pytest.mark.parametrize("channels", [1, 4, 9])
def test_the_root_mean_square_of_a_dot_product_of_chance_signs_is_root_d(channels: int) -> None:
    query = [1.0] * channels
    squares = [reference.dot(query, key) ** 2 for key in product([-1.0, 1.0], repeat=channels)]
    assert math.sqrt(sum(squares) / len(squares)) == pytest.approx(math.sqrt(channels))


def top_shares(*, divided: bool, channels: int) -> float:
    """Return the largest of 16 tokens' shares on average, for queries and keys drawn at random."""
    rng, found = random.Random(4), list[float]()
    for _ in range(200):
        query = gaussian(rng, channels)
        scores = [reference.dot(query, gaussian(rng, channels)) for _ in range(16)]
        found.append(max(reference.softmax([s / math.sqrt(channels) if divided else s for s in scores])))
    return sum(found) / len(found)


@pytest.mark.slow
def test_with_64_channels_undivided_scores_often_give_nearly_all_to_the_best() -> None:
    assert "64 channels that is 8 times" in text_of("scores-are-divided-by-root-d")
    assert math.sqrt(64) == 8
    assert top_shares(divided=False, channels=64) > 0.8
    assert top_shares(divided=True, channels=64) < 0.4
    assert top_shares(divided=True, channels=64) == pytest.approx(top_shares(divided=True, channels=4), abs=0.05)


def test_where_query_and_key_agree_the_dot_product_grows_with_d_and_the_score_with_root_d() -> None:
    for channels in (4, 16):
        assert reference.dot([1.0] * channels, [1.0] * channels) == channels
        assert reference.dot([1.0] * channels, [1.0] * channels) * channels**-0.5 == math.sqrt(channels)


# ---- heads-share-the-channels-out


def test_four_heads_of_16_channels_take_four_neighbours_each_and_join_puts_16_back() -> None:
    assert "channels 0 to 3" in text_of("heads-share-the-channels-out")
    row = [float(i) for i in range(16)]
    heads = reference.split(Node([row]), 4)
    assert [head.data[0] for head in heads] == [row[0:4], row[4:8], row[8:12], row[12:16]]
    assert reference.join(heads).data == [row]


def test_the_weights_do_not_depend_on_the_number_of_heads_but_what_comes_out_does() -> None:
    assert "n_head" not in inspect.signature(reference.init_weights).parameters
    weights = {name: Node(rows) for name, rows in names_weights(std=0.5).items()}
    one, four = (reference.gpt([1, 2, 3], weights, heads).data for heads in (1, 4))
    assert len(one) == len(four)
    assert one[-1] != pytest.approx(four[-1], rel=1e-3)


def test_a_head_makes_its_shares_from_its_own_channels_alone() -> None:
    rng = random.Random(5)
    q, k, v = ([gaussian(rng, 4) for _ in range(3)] for _ in range(3))
    before = reference.attention(Node(q), Node(k), Node(v), 2).data
    changed = [[*row[:2], 9.0, -9.0] for row in k]
    after = reference.attention(Node(q), Node(changed), Node(v), 2).data
    assert [row[:2] for row in before] == [row[:2] for row in after]
    assert before[-1][2:] != pytest.approx(after[-1][2:])


# ---- the-residual-stream-adds and the-norm-stands-before-each-part


def test_a_layer_that_gives_zeros_leaves_the_stream_as_it_was() -> None:
    weights = names_weights(std=0.5)
    layer = {name: rows for name, rows in weights.items() if name.startswith("layer0")}
    silent = {name: reference.zeros(rows) for name, rows in layer.items()}
    none = {name: rows for name, rows in weights.items() if name not in layer}
    assert logits(weights | silent, [1, 2]) == logits(none, [1, 2])
    assert logits(weights, [1, 2]) != logits(none, [1, 2])
    assert len(weights["lm_head"][0]) == 16
    assert "row of 16 numbers" in text_of("the-residual-stream-adds")


def test_what_attention_found_stays_in_the_stream_when_the_mlp_gives_zeros() -> None:
    weights = names_weights(std=0.5)
    weights["layer0.fc2"] = reference.zeros(weights["layer0.fc2"])
    silent = weights | {"layer0.wo": reference.zeros(weights["layer0.wo"])}
    assert logits(weights, [1, 2])[-1] != pytest.approx(logits(silent, [1, 2])[-1], rel=1e-3)


def test_an_addition_hands_the_gradient_on_whole_to_both() -> None:
    node = reference.add(Node([[1.0, 2.0]]), Node([[3.0, -2.0]]))
    assert node.data == [[4.0, 0.0]]  # and what is added can cancel what was there
    assert node.pull([[5.0, 7.0]]) == ([[5.0, 7.0]], [[5.0, 7.0]])


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_the_norm_is_taken_once_after_the_embedding_and_twice_in_each_layer(
    layers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, norm = list[Node](), reference.rmsnorm
    monkeypatch.setattr(reference, "rmsnorm", lambda x: calls.append(x) or norm(x))
    logits(names_weights(n_layer=layers), [1, 2])
    assert len(calls) == 1 + 2 * layers
    assert "`rmsnorm` is called twice" in text_of("the-norm-stands-before-each-part")


def test_the_stream_mostly_grows_while_each_layer_adds_about_as_much_as_the_first() -> None:
    weights = names_weights(n_layer=8, std=0.25)
    only_stream = weights | {"lm_head": [[float(i == j) for j in range(16)] for i in range(16)]}
    streams = [
        logits({n: r for n, r in only_stream.items() if not n.startswith("layer") or int(n[5]) < layers}, [1, 2, 3])[-1]
        for layers in range(9)
    ]
    added = [rms([b - a for a, b in zip(s, t, strict=True)]) for s, t in pairwise(streams)]
    growing = [rms(a) for a in streams]
    assert growing[0] == pytest.approx(1, abs=0.01)
    assert growing[-1] > 1.5
    assert sum(a < b for a, b in pairwise(growing)) >= 6
    assert 0.4 < added[-1] / added[0] < 2.5


def test_the_head_reads_the_stream_as_large_as_it_is() -> None:
    assert "return linear(x," in inspect.getsource(reference.gpt)


# ---- the-mlp-bends


def test_two_linear_layers_without_relu_are_one_and_with_it_are_not() -> None:
    rng = random.Random(6)
    first, second = [gaussian(rng, 3) for _ in range(5)], [gaussian(rng, 5) for _ in range(2)]
    x = [gaussian(rng, 3)]
    one = reference.dots(second, zip(*first, strict=True))
    middle = reference.linear(Node(x), Node(first))
    assert reference.linear(middle, Node(second)).data[0] == pytest.approx(reference.dots(x, one)[0])
    bent = reference.linear(reference.relu(middle), Node(second)).data[0]
    assert bent != pytest.approx(reference.dots(x, one)[0])


def test_the_mlp_makes_64_of_16_numbers_and_16_again() -> None:
    weights = names_weights()
    assert len(weights["layer0.fc1"]) == 64
    assert len(weights["layer0.fc2"]) == 16
    assert re.search(r"16 numbers become 64, pass ReLU, and become 16 again", text_of("the-mlp-bends"))


def test_relu_passes_what_is_positive_as_it_is_and_makes_zero_of_the_rest() -> None:
    assert reference.relu(Node([[2.5, -3.0, 0.0, 1.0]])).data == [[2.5, 0.0, 0.0, 1.0]]


def test_each_number_in_the_middle_gives_one_corner_at_most() -> None:
    xs = [i / 8 for i in range(-16, 17)]
    first, second = [[1.0], [-1.0]], [[2.0, 1.0]]
    line = [
        reference.linear(reference.relu(reference.linear(Node([[x]]), Node(first))), Node(second)).data[0][0]
        for x in xs
    ]
    slopes = [b - a for a, b in pairwise(line)]
    assert sum(a != pytest.approx(b) for a, b in pairwise(slopes)) <= 2


def mlp(x: float, first: list[float], second: list[float], *, bend: bool = True) -> float:
    middle = reference.linear(Node([[x]]), Node([[a] for a in first]))
    return reference.linear(reference.relu(middle) if bend else middle, Node([second])).data[0][0]


def test_without_relu_the_opposite_x_gives_the_opposite_and_in_the_counter_it_does_not() -> None:
    page = COURSE.insights["the-mlp-bends"]
    asked = next(question for question in page.questions if question.id == "picture").inputs
    first, second = asked["first"], asked["second"]
    assert mlp(-1, first, second, bend=False) == -mlp(1, first, second, bend=False)
    assert mlp(-1, first, second) != -mlp(1, first, second)
    assert mlp(2, first, second) == 2 * mlp(1, first, second)  # all corners lie at 0


# ---- logits-are-one-score-a-token


def test_the_head_has_27_rows_of_16_and_its_own_table() -> None:
    weights = names_weights()
    assert len(weights["lm_head"]) == 27
    assert {len(row) for row in weights["lm_head"]} == {16}
    assert re.search(r"27 rows of 16 weights", text_of("logits-are-one-score-a-token"))
    assert weights["lm_head"] != weights["wte"]
    assert [len(row) for row in logits(weights, [1, 2, 3])] == [27] * 3


def test_training_uses_the_logits_of_every_place_and_writing_the_last() -> None:
    assert "cross_entropy(gpt(tokens[:-1], w, n_head), tokens[1:])" in inspect.getsource(reference.loss_and_gradients)
    assert "gpt(tokens, w, n_head).data[-1]" in inspect.getsource(reference.sample)


# ---- a-cache-changes-no-number


def test_to_write_10_letters_sample_computes_55_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    said = re.search(r"for (\d+) letters .*? so on, (\d+) in all, where (\d+)", text_of("a-cache-changes-no-number"))
    assert said is not None
    letters, rows, enough = map(int, said.groups())
    lengths, gpt = list[int](), reference.gpt
    monkeypatch.setattr(reference, "gpt", lambda tokens, *rest: lengths.append(len(tokens)) or gpt(tokens, *rest))
    reference.sample(names_weights(), list(LETTERS), random.Random(0))
    assert lengths == list(range(1, len(lengths) + 1))  # one row, then two, and so on
    assert sum(range(1, letters + 1)) == rows
    assert letters == enough


def test_kept_keys_and_values_give_the_appended_token_the_same() -> None:
    rng = random.Random(7)
    q, k, v = ([gaussian(rng, 4) for _ in range(5)] for _ in range(3))
    whole = reference.attention(Node(q), Node(k), Node(v), 1).data
    shares = reference.softmax([reference.dot(q[-1], key) * 4**-0.5 for key in k])  # one query meets what was kept
    assert [reference.dot(shares, column) for column in zip(*v, strict=True)] == pytest.approx(whole[-1])
    before = reference.attention(Node(q[:4]), Node(k[:4]), Node(v[:4]), 1).data
    assert before == whole[:4]


def test_without_the_first_token_every_row_becomes_another() -> None:
    weights = names_weights(std=0.5)
    whole, rest = logits(weights, [1, 2, 3, 4]), logits(weights, [2, 3, 4])
    assert all(a != pytest.approx(b, rel=1e-3) for a, b in zip(whole[1:], rest, strict=True))
