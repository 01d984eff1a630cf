"""What the insights of what goes in and what comes out, say in words, against the code they are about."""

import inspect
import math
import random
import re
from collections import Counter
from itertools import chain, pairwise
from pathlib import Path
from statistics import geometric_mean, mean

import pytest

from microgpt import reference
from microgpt.data import load_dataset
from microgpt.insights.course import find_course, load_course
from microgpt.reference import Node

COURSE = load_course(find_course("microgpt"))
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(scope="module")
def names() -> list[str]:
    return list(load_dataset("names").documents)


def text_of(insight: str) -> str:
    found = COURSE.insights[insight]
    return " ".join(f"{found.text} {found.breaks}".split())


def new_weights() -> reference.Weights:
    return reference.init_weights(random.Random(42), 27)


def loss_of(shares: list[list[float]], came: list[int]) -> float:
    scores = [[math.log(share) if share else -math.inf for share in row] for row in shares]
    return reference.cross_entropy(Node(scores), came).data[0][0]


# ---- text-is-numbers


def test_the_names_use_all_26_letters_and_other_data_gives_a_letter_another_number(names: list[str]) -> None:
    _, chars, _ = reference.train(names, 0)
    assert "".join(chars) == LETTERS
    assert "all 26 letters" in text_of("text-is-numbers")
    assert reference.encode("n", chars)[1] != reference.encode("n", "abn")[1]


def test_a_space_counts_as_a_character_and_one_that_never_occurred_stops_encode() -> None:
    _, chars, _ = reference.train(["mary ann, bob"], 0)
    assert {" ", ","} <= set(chars)
    with pytest.raises(ValueError, match="not in list"):
        reference.encode("z", chars)


def test_encode_writes_a_number_of_no_character_at_both_ends_which_the_text_says_to_leave_out() -> None:
    first, *own, last = reference.encode("nab", "abn")
    assert own == [2, 0, 1]
    assert first == last == 3
    said = "before the first character and after the last one is no character's number"
    assert said in text_of("text-is-numbers")


def test_a_token_finds_its_row_and_nothing_is_computed_with_its_number() -> None:
    table = [[5.0], [1.0], [3.0]]
    assert reference.embed(Node(table), [2, 0]).data == [[3.0], [5.0]]


# ---- bos-marks-both-ends


def test_emma_becomes_the_numbers_of_the_text_and_the_model_knows_27_tokens(names: list[str]) -> None:
    said = re.search(r"\"emma\" becomes ([\d ]+) and", text_of("bos-marks-both-ends"))
    assert said is not None
    assert reference.encode("emma", LETTERS) == [int(number) for number in said[1].split()]
    weights, chars, _ = reference.train(names[:2000], 0)
    assert len(weights["wte"]) == len(chars) + 1 == 27
    assert "knows 27 tokens" in text_of("bos-marks-both-ends")


def test_writing_starts_with_bos_and_stops_when_bos_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[list[int]] = []

    def bos_after_two(tokens: list[int], *_: object) -> Node:
        read.append(list(tokens))
        return Node([[0.0, 900.0 * (len(tokens) == 3)]])

    monkeypatch.setattr(reference, "gpt", bos_after_two)
    reference.sample({"wpe": [[0.0]] * 9}, ["a"], Seldom())
    assert [tokens[0] for tokens in read] == [1] * 3
    assert len(read) == 3


class Seldom(random.Random):
    """Draws the first token, unless another one has all of the share."""

    def choices(self, population, weights=None, **_):  # type: ignore[no-untyped-def,override]
        assert weights is not None
        return [population[0] if weights[0] > 0.1 else population[-1]]


# ---- a-document-is-a-line


def test_lines_are_stripped_and_blank_ones_left_out_but_a_space_inside_stays(tmp_path: Path) -> None:
    file = tmp_path / "names.txt"
    file.write_text("  mary ann \n\n \t\njo\n", encoding="utf-8")
    assert reference.read_documents(str(file)) == ["mary ann", "jo"]


def test_a_step_learns_from_one_document_in_an_order_that_train_shuffles(monkeypatch: pytest.MonkeyPatch) -> None:
    learned: list[list[int]] = []
    plain = reference.loss_and_gradients

    def note(weights: reference.Weights, tokens: list[int], n_head: int) -> tuple[float, reference.Weights]:
        learned.append(tokens)
        return plain(weights, tokens, n_head)

    monkeypatch.setattr(reference, "loss_and_gradients", note)
    docs = [LETTERS[i : i + 2] for i in range(0, 26, 2)]
    reference.train(docs, len(docs), report=lambda line: None)
    in_order = [reference.encode(doc, LETTERS) for doc in docs]
    assert sorted(learned) == sorted(in_order)
    assert learned != in_order


def test_each_step_changes_the_weights_a_little() -> None:
    before, _, _ = reference.train(["emma", "olivia"], 0)
    after, _, _ = reference.train(["emma", "olivia"], 1, report=lambda line: None)
    moved = [abs(a - b) for a, b in zip(chain(*after["wte"]), chain(*before["wte"]), strict=True)]
    assert 0 < max(moved) < 0.02


# ---- prediction-is-classification


def test_ann_gives_the_pairs_of_the_text_and_n_letters_give_n_plus_1_predictions() -> None:
    bos, a, n = 26, 0, 13
    tokens = reference.encode("ann", LETTERS)
    pairs = [(tokens[: t + 1], tokens[t + 1]) for t in range(len(tokens) - 1)]
    assert pairs == [([bos], a), ([bos, a], n), ([bos, a, n], n), ([bos, a, n, n], bos)]
    given, wanted = tokens[:-1], tokens[1:]
    assert [(given[: t + 1], target) for t, target in enumerate(wanted)] == pairs
    weights = new_weights()
    logits = reference.gpt(given, {name: Node(rows) for name, rows in weights.items()}, 4).data
    assert (len(logits), {len(row) for row in logits}) == (4, {27})
    expected = mean(-math.log(reference.softmax(row)[target]) for row, target in zip(logits, wanted, strict=True))
    assert reference.loss_and_gradients(weights, tokens, 4)[0] == pytest.approx(expected)


def test_a_share_of_a_neighbour_counts_no_more_than_that_of_a_far_letter() -> None:
    assert loss_of([[0.25, 0.75, 0, 0]], [0]) == pytest.approx(loss_of([[0.25, 0, 0, 0.75]], [0]))


def test_a_document_with_more_than_16_predictions_is_cut_and_its_end_not_learned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    learned: list[list[int]] = []
    plain = reference.loss_and_gradients

    def note(weights: reference.Weights, tokens: list[int], n_head: int) -> tuple[float, reference.Weights]:
        learned.append(tokens)
        return plain(weights, tokens, n_head)

    monkeypatch.setattr(reference, "loss_and_gradients", note)
    assert "16 places" in text_of("prediction-is-classification")
    for letters in (15, 16):
        reference.train([("ab" * 8)[:letters]], 1, report=lambda line: None)
    whole, cut = learned
    assert len(whole) - 1 == len(cut) - 1 == 16
    assert whole[-1] == 2
    assert cut[-1] != 2


# ---- the-loss-is-surprise


def test_each_halving_of_the_share_adds_ln_2_and_the_whole_share_costs_nothing() -> None:
    said = re.search(r"ln 2, about ([\d.]+\d) nats", text_of("the-loss-is-surprise"))
    assert said is not None
    assert round(math.log(2), 2) == float(said[1])
    for share in (0.5, 0.2, 0.01):
        step = loss_of([[share / 2, 1 - share / 2]], [0]) - loss_of([[share, 1 - share]], [0])
        assert step == pytest.approx(math.log(2))
    assert loss_of([[1, 0]], [0]) == 0


def test_the_loss_is_the_mean_over_places_and_the_other_tokens_do_not_count() -> None:
    one, other = loss_of([[0.5, 0.25, 0.25]], [0]), loss_of([[0.1, 0.1, 0.8]], [1])
    assert loss_of([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]], [0, 1]) == pytest.approx((one + other) / 2)
    assert one == pytest.approx(loss_of([[0.5, 0.01, 0.49]], [0]))


def test_the_logarithm_of_a_product_of_shares_is_the_sum_of_their_logarithms() -> None:
    shares = [0.5, 0.1, 0.7]
    assert sum(map(math.log, shares)) == pytest.approx(math.log(math.prod(shares)))


def test_a_share_that_the_computer_takes_for_zero_stops_the_loss_with_an_error() -> None:
    with pytest.raises(ValueError, match=r"math domain|positive"):
        reference.cross_entropy(Node([[0.0, 800.0]]), [0])


# ---- knowing-nothing-costs-ln-v


@pytest.mark.slow
def test_even_shares_of_27_tokens_cost_what_the_text_says_and_a_new_model_stands_close(names: list[str]) -> None:
    said = re.search(r"ln 27, about ([\d.]+\d) nats", text_of("knowing-nothing-costs-ln-v"))
    assert said is not None
    even = loss_of([[1 / 27] * 27], [5])
    assert even == pytest.approx(math.log(27))
    assert round(even, 2) == float(said[1])
    weights = new_weights()
    losses = [reference.loss_and_gradients(weights, reference.encode(n, LETTERS), 4)[0] for n in names[::300]]
    assert mean(losses) == pytest.approx(math.log(27), abs=0.2)


def test_a_loss_lower_by_a_nat_means_shares_e_times_as_large() -> None:
    shares = [0.2, 0.05, 0.3]
    larger = [math.e * share for share in shares]
    before, after = (loss_of([[s, 1 - s] for s in row], [0] * 3) for row in (shares, larger))
    assert before - after == pytest.approx(1)
    assert geometric_mean(larger) / geometric_mean(shares) == pytest.approx(2.7, abs=0.05)
    said = re.search(r"A loss of ([\d.]+\d), one nat lower", text_of("knowing-nothing-costs-ln-v"))
    assert said is not None
    assert float(said[1]) == pytest.approx(math.log(27) - 1, abs=0.005)


def test_sure_and_wrong_costs_more_than_even_shares() -> None:
    assert loss_of([[0.97, 0.01, 0.01, 0.01]], [3]) > math.log(4)


def test_to_know_how_frequent_each_letter_is_brings_the_loss_down(names: list[str]) -> None:
    counts = Counter(token for name in names for token in reference.encode(name, LETTERS)[1:])
    total = counts.total()
    assert sum(-n / total * math.log(n / total) for n in counts.values()) < math.log(27) - 0.3


# ---- temperature-sharpens-or-flattens


def likelihood(temperature: float, times: float) -> float:
    low, high = reference.softmax([0.0, math.log(times) / temperature])
    return high / low


def test_a_temperature_of_a_half_squares_how_many_times_as_likely_and_2_takes_the_root() -> None:
    said = text_of("temperature-sharpens-or-flattens")
    assert "3 times as likely as another becomes 9 times" in said
    assert likelihood(0.5, 3) == pytest.approx(9)
    assert "9 times becomes 3 times again" in said
    assert likelihood(2, 9) == pytest.approx(3)
    assert likelihood(1, 7) == pytest.approx(7)


@pytest.mark.parametrize("temperature", [0.1, 0.9, 1.5, 30.0])
def test_the_order_of_the_shares_never_changes(temperature: float) -> None:
    scores = [0.3, -1.0, 2.0, 1.9]
    shares = reference.softmax([score / temperature for score in scores])
    assert sorted(range(4), key=shares.__getitem__) == sorted(range(4), key=scores.__getitem__)


def test_sample_takes_a_half_unless_told_and_zero_cannot_be_divided_by() -> None:
    default = inspect.signature(reference.sample).parameters["temperature"].default
    assert f"`sample` takes {default}," in text_of("temperature-sharpens-or-flattens")
    assert not any("temperature" in inspect.signature(f).parameters for f in (reference.train, reference.gpt))
    with pytest.raises(ZeroDivisionError):
        reference.sample(new_weights(), list(LETTERS), random.Random(1), 0)
    assert reference.softmax([3 / 1e6, 0.0, -2 / 1e6]) == pytest.approx([1 / 3] * 3, abs=1e-5)


# ---- writing-draws-one-token-at-a-time


def test_a_token_with_a_share_of_a_tenth_is_drawn_once_in_ten_times(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "a token with a share of 0.1 comes once in ten times" in text_of("writing-draws-one-token-at-a-time")
    shares = [0.6, 0.1, 0.3]
    monkeypatch.setattr(reference, "gpt", lambda *_: Node([[math.log(share) for share in shares]]))
    rng = random.Random(0)
    drawn = Counter(reference.sample({"wpe": [[0.0]]}, ["a", "b"], rng, 1.0) for _ in range(4000))
    assert drawn["b"] / 4000 == pytest.approx(0.1, abs=0.02)


def test_the_model_reads_all_so_far_from_bos_on_and_nothing_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[list[int]] = []

    def note(tokens: list[int], *_: object) -> Node:
        read.append(list(tokens))
        return Node([[0.0, 0.0, -900.0]])

    monkeypatch.setattr(reference, "gpt", note)
    text = reference.sample({"wpe": [[0.0]] * 5}, ["a", "b"], random.Random(3))
    assert read[0] == [2]
    assert all(later[:-1] == earlier for earlier, later in pairwise(read))
    assert len(text) == len(read) == 5  # BOS never came: the context is full


# ---- memorised-or-new


@pytest.mark.slow
def test_much_of_what_is_written_stands_in_the_list_but_was_never_read(names: list[str]) -> None:
    said = text_of("memorised-or-new")
    steps = 1000
    assert f"for {steps:,} steps on its {len(names):,} names" in said
    assert f"read only {steps:,} of them" in said
    weights, chars, rng = reference.train(names, steps, report=lambda line: None)
    order = names[:]
    random.Random(42).shuffle(order)
    read, unread = set(order[:steps]), set(order[steps:])
    written = [reference.sample(weights, chars, rng) for _ in range(400)]
    found = [name for name in written if name in read | unread]
    assert len(found) > len(written) / 3  # "more than a third"
    assert sum(name in unread for name in found) > 0.9 * len(found)  # "nearly all"
    rate_read, rate_unread = (sum(n in part for n in written) / len(part) for part in (read, unread))
    assert rate_read < 3 * rate_unread


def test_the_weights_are_too_few_to_hold_the_letters_of_the_names(names: list[str]) -> None:
    said = text_of("memorised-or-new")
    count = sum(len(row) for rows in new_weights().values() for row in rows)
    assert f"{count:,} weights for over 180,000 letters" in said
    assert sum(map(len, names)) > 180_000
