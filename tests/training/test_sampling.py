"""What a model writes begins with the prompt, fits the context, and is told apart from what it was trained on."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgpt.config import GPTConfig, TrainConfig
from microgpt.data import load_dataset
from microgpt.engines import create_engine
from microgpt.engines.base import initial_state
from microgpt.errors import ConfigError
from microgpt.tokenizer import CharTokenizer
from microgpt.training.run import Run, begin, configure, train_and_save
from microgpt.training.sampling import sample, write_samples

TOKENIZER = CharTokenizer(chars="abcd")
CONFIG = GPTConfig(vocab_size=5, n_embd=4, n_head=2, block_size=6)
ENGINE = create_engine("reference", CONFIG, initial_state(CONFIG, random.Random(1)))


@settings(max_examples=50)
@given(prompt=st.text("abcd", max_size=5), temperature=st.floats(0.01, 100), seed=st.integers(0, 99))
def test_a_sample_starts_with_the_prompt_and_fits_the_context(prompt: str, temperature: float, seed: int) -> None:
    text = sample(ENGINE, TOKENIZER, 6, random.Random(seed), temperature, prompt)
    assert text.startswith(prompt)
    assert len(text) <= 6
    assert text == sample(ENGINE, TOKENIZER, 6, random.Random(seed), temperature, prompt)


def test_cold_samples_are_all_the_likeliest_one() -> None:
    tokens = [TOKENIZER.bos]
    while len(tokens) <= 6 and (likeliest := int(ENGINE.logits(tokens)[-1].argmax())) != TOKENIZER.bos:
        tokens.append(likeliest)
    cold = {sample(ENGINE, TOKENIZER, 6, random.Random(seed), 0.01) for seed in range(5)}
    assert cold == {TOKENIZER.decode(tokens)}


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan"), float("inf")])
def test_a_temperature_that_is_none_is_refused(temperature: float) -> None:
    with pytest.raises(ConfigError, match="temperature="):
        sample(ENGINE, TOKENIZER, 6, random.Random(1), temperature)


def test_a_prompt_that_leaves_no_room_is_refused() -> None:
    with pytest.raises(ConfigError, match="at most 5"):
        sample(ENGINE, TOKENIZER, 6, random.Random(1), prompt="abcdab")


def trained_on(folder: Path, text: str, *, val_fraction: float = 0.0) -> Run:
    """A run that knows its few documents by heart."""
    (folder / "data.txt").write_text(text)
    dataset = load_dataset(folder / "data.txt")
    training = TrainConfig(steps=200, val_fraction=val_fraction)
    shape = {"n_layer": 1, "n_embd": 8, "n_head": 2, "block_size": 4}
    run = begin(folder / "run", configure(dataset, training, "reference", **shape), dataset)
    for _ in train_and_save(run):
        pass
    return run


def test_novelty_is_measured_against_what_the_model_saw(tmp_path: Path) -> None:
    run = trained_on(tmp_path, "abab\nbaba\nabbacus\n")  # of the last, the model saw abba
    written = list(write_samples(run.folder, number=30, temperature=1.0))
    assert {s.text for s in written if s.novelty == "in the data"} == {"abab", "baba", "abba"}
    assert not {s.text for s in written if s.novelty == "new"} & {"abab", "baba", "abba"}
    (tmp_path / "data.txt").write_text("abab\nbaba\n")
    assert {s.novelty for s in write_samples(run.folder, number=3)} == {"unknown"}


def test_a_text_that_was_held_out_is_new(tmp_path: Path) -> None:
    run = trained_on(tmp_path, "a\nb\n", val_fraction=0.5)
    written = {s.text: s.novelty for s in write_samples(run.folder, number=60, temperature=100.0)}
    assert written[run.documents.train[0]] == "in the data"
    assert written[run.documents.validation[0]] == "new"


def test_a_seed_gives_the_same_samples_and_another_others(tmp_path: Path) -> None:
    run = trained_on(tmp_path, "abcd\nbcda\ncdab\ndabc\n")
    texts = [
        [s.text for s in write_samples(run.folder, number=9, temperature=2.0, seed=seed)] for seed in (1, 1, 2, None)
    ]
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]
    assert texts[0] != texts[3]
    with pytest.raises(ConfigError, match="number=0"):
        list(write_samples(run.folder, number=0))
