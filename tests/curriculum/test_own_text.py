"""What a page shows of the learner's own text: every result reads by itself, and none leaves anything out unsaid."""

import re

import pytest

from microgpt import opening, reference
from microgpt.data import load_dataset
from microgpt.tutor.example import work_through
from microgpt.tutor.render import LONGEST
from microgpt.tutor.tools import teachable

TAUGHT = teachable("microgpt")
PAGES = [insight.id for insight in TAUGHT.course.insights.values() if insight.yours]
OF_LETTERS = [
    "a-cache-changes-no-number", "embeddings-are-rows-looked-up", "only-what-was-used-learns",
    "the-loss-is-surprise", "writing-draws-one-token-at-a-time",
]  # fmt: skip
LONG = "Maximiliane Fitzgerald-Zzyzx the Second"


def shown(insight: str, text: str) -> list[str]:
    question = next(iter(TAUGHT.questions(insight).values()))
    example = work_through(TAUGHT, insight, question, text, trusted=True)
    assert example.why_not == ""
    return str(example.worked["answer"]).split("\n")


@pytest.mark.parametrize("insight", PAGES)
@pytest.mark.parametrize("text", ["ada", "Zoë-Marie", LONG])
def test_every_result_is_lines_with_words_in_them_short_enough_to_be_shown_whole(insight: str, text: str) -> None:
    lines = shown(insight, text)
    assert re.search("[A-Za-z]{3}", lines[0])
    assert len("\n".join(lines)) <= LONGEST
    assert not lines[-1].endswith("…")


def test_a_space_can_be_seen() -> None:
    assert shown("prediction-is-classification", "mary al")[4:6] == ["after BOS mary: ␣", "after BOS mary␣: a"]
    assert shown("no-token-sees-the-future", "a b")[1] == "␣ sees a ␣"
    assert shown("text-is-numbers", "a b") == ["all characters, sorted: ␣=0 a=1 b=2", "the text: a=1 ␣=0 b=2"]


def test_a_text_longer_than_the_context_is_cut_as_train_cuts_it() -> None:
    first, *asked = shown("prediction-is-classification", "abc" * 11)
    assert first == "16 of 34 predictions: the context is full, the rest is cut off"
    assert len(asked) == 16
    assert asked[-1] == f"after BOS {'abc' * 5}: a"
    assert len(shown("prediction-is-classification", "abc" * 5)) == 16


@pytest.mark.parametrize("name", ["ada", "noah", "maximilianefitz"])
def test_the_untrained_model_is_that_of_the_first_minute(name: str) -> None:
    first_minute = opening.train_model(0, report=lambda line: None).surprise(name)
    assert shown("the-loss-is-surprise", name)[-1] == f"their mean, the loss: {first_minute:.2f} nats"


def test_the_helpers_count_as_many_names_as_there_are() -> None:
    assert f"NAMES = {len(load_dataset('names').documents)} " in TAUGHT.course.helpers


@pytest.mark.parametrize("insight", OF_LETTERS)
def test_what_was_left_out_of_a_text_is_told(insight: str) -> None:
    assert not shown(insight, "ada")[0].startswith("read as")
    assert shown(insight, "Mary Al")[0] == "read as maryal: capitals made small, without ␣"
    most = 9 if insight == "a-cache-changes-no-number" else 15
    read = "maximilianefitzgeraldzzyzxthesecond"[:most]
    told = f"read as {read}: capitals made small, without ␣ -, only the first {most} letters"
    assert shown(insight, LONG)[0] == told


def test_numbers_stand_beside_what_they_are_the_numbers_of() -> None:
    chars = reference.train(["ada"], 0)[1]
    assert reference.encode("ada", chars) == [2, 0, 1, 0, 2]
    assert shown("bos-marks-both-ends", "ada") == ["all tokens: a=0 d=1 BOS=2", "encoded: BOS=2 a=0 d=1 a=0 BOS=2"]
    assert shown("only-what-was-used-learns", "ada") == [
        "rows with a gradient: a=0 d=3 BOS=26", "rows whose gradient is zero: the other 24 of 27"
    ]  # fmt: skip


def test_each_run_of_the_model_is_told_with_what_it_reads_and_what_is_drawn() -> None:
    assert shown("writing-draws-one-token-at-a-time", "al") == [
        "read BOS, drew a", "read BOS a, drew l", "read BOS al, drew BOS"
    ]  # fmt: skip


def test_the_weights_of_a_model_for_a_text_are_counted_part_by_part() -> None:
    *_, in_all = shown("where-the-parameters-are", "ada")
    weights, _, _ = reference.train(["ada"], 0)
    assert in_all == f"in all: {sum(len(row) for rows in weights.values() for row in rows):,}"
