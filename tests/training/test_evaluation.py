"""A loss counts every prediction once, its bits belong to the characters, and what is said of chance holds."""

import math
import random
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgpt import reference
from microgpt.config import ComputeConfig, GPTConfig, Shape, TrainConfig
from microgpt.data import Split, load_dataset
from microgpt.engines import create_engine
from microgpt.engines.base import initial_state
from microgpt.errors import CheckpointError, ConfigError
from microgpt.tokenizer import CharTokenizer
from microgpt.training.checkpoint import RunConfig
from microgpt.training.corpus import make_corpus
from microgpt.training.evaluation import (
    DOCUMENTS,
    TEMPERATURE,
    entropy,
    evaluate_run,
    measure,
    trained_texts,
    wilson_interval,
)
from microgpt.training.run import begin, configure, train_and_save
from microgpt.training.sampling import write_samples

BLOCK_SIZE = 6
CONFIG = RunConfig(
    compute=ComputeConfig(engine="numpy"),
    model=GPTConfig(vocab_size=4, n_embd=4, n_head=2, block_size=BLOCK_SIZE, init_std=1.0),
    training=TrainConfig(),
    chars="abc",
    source="/some/where",
    sha256="0" * 64,
    stream=False,
)
STATE = initial_state(CONFIG.model, random.Random(1))
ENGINE = create_engine(CONFIG.compute, CONFIG.model, STATE)
TEXTS = st.lists(st.text("abc", min_size=1, max_size=9), min_size=1, max_size=60)


def quiet(*at: object) -> None:
    """Report to nobody."""


def surprise(tokens: Sequence[int]) -> float:
    """The bits of a sequence, a prediction at a time."""
    rows = [reference.softmax([float(score) for score in row]) for row in ENGINE.logits(tokens[:-1])]
    return sum(-math.log2(shares[token]) for shares, token in zip(rows, tokens[1:]))


@settings(max_examples=30)
@given(texts=TEXTS)
def test_the_bits_of_documents_are_those_of_every_character_and_every_end_that_the_model_sees(texts: list[str]) -> None:
    measured = measure(ENGINE, CONFIG, texts, quiet)
    encode = CharTokenizer(chars="abc").encode
    bits = sum(surprise(encode(text)[: BLOCK_SIZE + 1]) for text in texts)
    characters = sum(len(text[:BLOCK_SIZE]) for text in texts)
    ends = sum(len(text) < BLOCK_SIZE for text in texts)
    assert (measured.characters, measured.predictions) == (characters, characters + ends)
    assert measured.bits_per_character == pytest.approx(bits / characters, rel=1e-9)
    assert measured.loss == pytest.approx(bits * math.log(2) / (characters + ends), rel=1e-9)
    assert measured.sequences == len(texts)


@settings(max_examples=30)
@given(text=st.text("abc", min_size=2, max_size=300))
def test_every_character_of_a_stream_but_the_first_is_one_prediction(text: str) -> None:
    measured = measure(ENGINE, replace(CONFIG, stream=True), [text], quiet)
    assert measured.predictions == measured.characters == len(text) - 1
    assert measured.bits_per_character == pytest.approx(measured.loss / math.log(2))


def test_the_standard_error_is_how_much_the_loss_scatters_over_sets_of_texts() -> None:
    rng = random.Random(5)

    def draw() -> list[str]:
        return ["".join(rng.choices("abc", k=rng.randrange(1, 9))) for _ in range(60)]

    measured = [measure(ENGINE, CONFIG, draw(), quiet) for _ in range(200)]
    scatter = statistics.stdev(each.loss for each in measured)
    assert statistics.fmean(each.standard_error or 0.0 for each in measured) == pytest.approx(scatter, rel=0.15)


def test_one_text_alone_does_not_show_how_much_texts_scatter() -> None:
    assert measure(ENGINE, CONFIG, ["ab"], quiet).standard_error is None


def test_the_work_is_reported_from_its_beginning_to_its_end() -> None:
    seen = list[tuple[int, int]]()
    measure(ENGINE, CONFIG, ["ab", "b", "c"], lambda done, total: seen.append((done, total)))
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]


@settings(max_examples=50)
@given(texts=TEXTS, weights=st.lists(st.floats(0.1, 10), min_size=4, max_size=4))
def test_no_shares_that_ignore_what_stood_before_beat_the_entropy(texts: list[str], weights: list[float]) -> None:
    corpus = make_corpus(CONFIG, texts)
    predicted = [token for tokens in corpus.sequences() for token in tokens[1:]]

    def loss(shares: Sequence[float]) -> float:
        return statistics.fmean(-math.log(shares[token] / sum(shares)) for token in predicted)

    counts = Counter(predicted)
    assert entropy(corpus) == pytest.approx(loss([counts[token] for token in range(4)]), abs=1e-12)
    assert entropy(corpus) <= loss(weights) + 1e-12


@given(number=st.integers(1, 2000), part=st.floats(0, 1))
def test_the_interval_ends_where_what_was_seen_is_just_too_unlikely(number: int, part: float) -> None:
    hits = round(part * number)
    low, high = wilson_interval(hits, number)
    assert 0 <= low <= high <= 1
    assert low - 1e-12 <= hits / number <= high + 1e-12
    for end in (low, high):  # the distance is 1.96 standard deviations of a share of `end`, as Wilson defines it
        distance = abs(hits / number - end)
        assert distance == pytest.approx(1.959964 * math.sqrt(end * (1 - end) / number), abs=1e-6)


@given(
    held_out=st.integers(0, 9), documents=st.integers(1, 50), steps=st.integers(1, 60), batch=st.sampled_from([1, 4])
)
def test_the_comparison_is_with_texts_that_were_read(held_out: int, documents: int, steps: int, batch: int) -> None:
    split = Split(train=[str(i) for i in range(documents)], validation=["x"] * held_out)
    texts = trained_texts(replace(CONFIG, training=TrainConfig(batch=batch)), split, steps)
    read = {split.train[place % documents] for place in range(steps * batch)}
    assert texts
    assert set(texts) <= read
    assert len(texts) == min(held_out or math.ceil(documents / 10), documents, steps * batch)


def test_of_a_stream_as_much_is_taken_as_was_held_out_or_a_tenth() -> None:
    stream = replace(CONFIG, stream=True)
    text = "abcacb" * 10
    assert trained_texts(stream, Split(train=[text], validation=["abcabca"]), 1) == [text[:7]]
    assert trained_texts(stream, Split(train=[text], validation=[]), 1) == [text[:6]]
    assert trained_texts(stream, Split(train=["abc"], validation=[]), 1) == ["ab"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that knows the few texts that it was trained on by heart."""
    folder = tmp_path_factory.mktemp("evaluation")
    (folder / "data.txt").write_text("".join(f"{a}{b}{c}\n" for a in "abc" for b in "def" for c in "ghi"))
    return train(folder / "data.txt", folder / "run", TrainConfig(steps=400, val_fraction=0.7))


def train(data: Path, folder: Path, training: TrainConfig, *, steps: int | None = None) -> Path:
    """Make some steps of a run, or all."""
    dataset = load_dataset(data)
    shape = Shape(n_embd=16, n_head=2, block_size=4)
    begun = begin(folder, configure(dataset, training, ComputeConfig(engine="numpy"), **shape), dataset)
    for step in train_and_save(begun):
        if step.number == steps:
            break
    return folder


def test_text_learnt_by_heart_is_told_apart_from_text_held_out(run: Path) -> None:
    found = evaluate_run(run, samples=0, report=quiet)
    assert found.held_out
    assert found.held_out.loss > found.guess > found.letters > found.trained_on.loss
    assert found.written is None
    assert found.step == 400


def test_engines_agree_on_what_they_measure(run: Path) -> None:
    by_numpy = evaluate_run(run, samples=0, report=quiet)
    by_reference = evaluate_run(run, samples=0, compute=ComputeConfig(), report=quiet)
    assert by_numpy.held_out
    assert by_reference.held_out
    assert by_reference.held_out.loss == pytest.approx(by_numpy.held_out.loss, rel=1e-9)
    assert by_reference.trained_on.loss == pytest.approx(by_numpy.trained_on.loss, rel=1e-9)


def test_what_it_writes_is_what_sample_writes(run: Path) -> None:
    written = evaluate_run(run, report=quiet).written
    samples = list(write_samples(run, number=DOCUMENTS, temperature=TEMPERATURE))
    assert written
    assert written.number == DOCUMENTS
    assert written.novel == sum(sample.novelty == "new" for sample in samples)
    assert written.distinct == len({sample.text for sample in samples})


def test_what_is_too_little_to_measure_is_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="samples=-1"):
        evaluate_run(run, samples=-1, report=quiet)
    data = tmp_path / "data.txt"
    data.write_text("abc\nbca\n")
    dataset = load_dataset(data)
    untrained = begin(tmp_path / "untrained", configure(dataset, TrainConfig()), dataset)
    with pytest.raises(CheckpointError, match=r"no step.*train --resume"):
        evaluate_run(untrained.folder, report=quiet)
    stopped = train(data, tmp_path / "stopped", TrainConfig(steps=50), steps=10)
    data.write_text("abc\n")
    with pytest.raises(CheckpointError, match="gone or has changed"):
        evaluate_run(stopped, report=quiet)


def test_a_run_that_was_stopped_is_measured_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_text("abc\nbca\n")
    stopped = train(tmp_path / "data.txt", tmp_path / "stopped", TrainConfig(steps=50), steps=10)
    found = evaluate_run(stopped, samples=3, report=quiet)
    assert found.step == 10
    assert found.held_out is None
