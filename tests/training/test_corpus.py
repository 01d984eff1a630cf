"""What a step reads follows from the seed and the step's number; what is held out is never part of it."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt.config import ComputeConfig, GPTConfig, TrainConfig
from microgpt.data import split_text
from microgpt.tokenizer import CharTokenizer
from microgpt.training.checkpoint import RunConfig
from microgpt.training.corpus import Documents, Windows, make_corpus

DISTINCT = "".join(map(chr, range(0x4E00, 0x4E00 + 300)))  # no character twice: a window tells where it stands
DOCUMENTS = ["ab", "cabba", "b", "acb", "ca"]


def stream_config(chars: str, block_size: int, seed: int = 42) -> RunConfig:
    return RunConfig(
        compute=ComputeConfig(),
        model=GPTConfig(vocab_size=len(chars) + 1, block_size=block_size),
        training=TrainConfig(seed=seed),
        chars=chars,
        source="/some/where",
        sha256="0" * 64,
        stream=True,
    )


def windows(text: str, block_size: int, seed: int = 42) -> Windows:
    corpus = make_corpus(stream_config(DISTINCT, block_size, seed), [text])
    assert isinstance(corpus, Windows)
    return corpus


@pytest.mark.parametrize("batch", [1, 2, 3, 7])
def test_each_step_reads_the_next_documents_round_and_round(batch: int) -> None:
    tokenizer = CharTokenizer.of(DOCUMENTS)
    corpus = Documents(texts=DOCUMENTS, tokenizer=tokenizer, block_size=4)
    read = [tokens for done in range(4) for tokens in corpus.batch(done, batch)]
    assert read == [tokenizer.encode(DOCUMENTS[place % 5])[:5] for place in range(4 * batch)]
    assert list(corpus.sequences()) == [tokenizer.encode(text)[:5] for text in DOCUMENTS]


@given(
    block_size=st.integers(1, 50),
    seed=st.integers(0, 10**9),
    fraction=st.floats(0.01, 0.8),
    steps=st.lists(st.integers(0, 10**6), min_size=1, max_size=20),
)
def test_a_window_is_a_stretch_of_what_is_trained_on_and_never_of_what_is_held_out(
    block_size: int, seed: int, fraction: float, steps: list[int]
) -> None:
    split = split_text(DISTINCT, fraction, block_size + 1)
    corpus, tokenizer = windows(split.train[0], block_size, seed), CharTokenizer(chars=DISTINCT)
    for done in steps:
        for window in corpus.batch(done, 5):
            text = tokenizer.decode(window)
            assert len(text) == block_size + 1
            assert text in split.train[0]
            assert not set(text) & set(split.validation[0])


def test_windows_begin_everywhere_and_about_equally_often() -> None:
    corpus = windows(DISTINCT[:24], 4)
    starts = [window[0] for done in range(200) for window in corpus.batch(done, 50)]
    counts = [starts.count(start) for start in range(20)]
    assert sum(counts) == 10_000  # the last possible place is 19
    assert min(counts) > 400  # of 500 expected; four standard deviations are 88


@given(order=st.permutations(range(8)))
def test_a_step_s_windows_do_not_depend_on_the_steps_before(order: list[int]) -> None:
    at_once, out_of_order = windows(DISTINCT, 6), windows(DISTINCT, 6)
    expected = [at_once.batch(done, 3) for done in range(8)]
    random.seed(1)  # nor on anybody else's draws
    assert {done: out_of_order.batch(done, 3) for done in order} == dict(enumerate(expected))


def test_a_larger_batch_begins_with_the_windows_of_a_smaller_one() -> None:
    assert windows(DISTINCT, 6).batch(3, 9)[:4] == windows(DISTINCT, 6).batch(3, 4)


def test_other_steps_and_other_seeds_read_other_windows() -> None:
    batches = [
        tuple(window[0] for window in windows(DISTINCT, 6, seed).batch(done, 8))
        for seed in range(12)
        for done in range(12)
    ]
    assert len(set(batches)) == 144  # also where seed and step only change places


@given(text_length=st.integers(2, 300), block_size=st.integers(1, 40))
def test_side_by_side_every_token_but_the_first_is_predicted_once(text_length: int, block_size: int) -> None:
    sequences = list(windows(DISTINCT[:text_length], block_size).sequences())
    assert [target for tokens in sequences for target in tokens[1:]] == list(range(1, text_length))
    assert all(2 <= len(tokens) <= block_size + 1 for tokens in sequences)
    assert all(tokens[-1] == following[0] for tokens, following in pairwise(sequences))


def test_a_stream_has_no_bos() -> None:
    corpus = windows(DISTINCT, 6)
    assert max(corpus.tokens) == CharTokenizer(chars=DISTINCT).bos - 1
