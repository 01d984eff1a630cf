"""What a model writes begins with the prompt, fits the context, and is told apart from what it was trained on."""

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgpt.config import ComputeConfig, GPTConfig, Shape, TrainConfig
from microgpt.data import load_dataset
from microgpt.engines import create_engine
from microgpt.engines.base import Engine, State, initial_state
from microgpt.errors import ConfigError
from microgpt.tokenizer import CharTokenizer
from microgpt.training.checkpoint import RunConfig
from microgpt.training.run import Run, begin, configure, train_and_save
from microgpt.training.sampling import sample, write_samples

TOKENIZER = CharTokenizer(chars="\t\nab")
CONFIG = RunConfig(
    compute=ComputeConfig(),
    model=GPTConfig(
        vocab_size=5, n_embd=4, n_head=2, block_size=6, init_std=1.0
    ),  # so large that no two tokens are about as likely
    training=TrainConfig(),
    chars=TOKENIZER.chars,
    source="/some/where",
    sha256="0" * 64,
    stream=False,
)
STREAM = replace(CONFIG, stream=True)
ENGINE = create_engine(ComputeConfig(), CONFIG.model, initial_state(CONFIG.model, random.Random(1)))
TEXT = st.text("\t\nab", max_size=5)


@settings(max_examples=50)
@given(prompt=TEXT, temperature=st.floats(0.01, 100), seed=st.integers(0, 99))
def test_a_document_starts_with_the_prompt_and_fits_the_context(prompt: str, temperature: float, seed: int) -> None:
    text = sample(ENGINE, CONFIG, random.Random(seed), temperature, prompt)
    assert text.startswith(prompt)
    assert len(text) <= 6
    assert text == sample(ENGINE, CONFIG, random.Random(seed), temperature, prompt)


@settings(max_examples=50)
@given(
    prompt=st.text("\t\nab", max_size=20),
    temperature=st.floats(0.01, 100),
    seed=st.integers(0, 99),
    length=st.integers(1, 20),
)
def test_a_stream_goes_on_from_any_prompt_for_as_long_as_asked(
    prompt: str, temperature: float, seed: int, length: int
) -> None:
    text = sample(ENGINE, STREAM, random.Random(seed), temperature, prompt, length)
    assert text.startswith(prompt)
    assert len(text) == len(prompt) + length
    assert text == sample(ENGINE, STREAM, random.Random(seed), temperature, prompt, length)


def test_a_stream_is_as_long_as_the_context_unless_told() -> None:
    assert len(sample(ENGINE, STREAM, random.Random(1))) == 6


def coldest(tokens: list[int]) -> int:
    return int(ENGINE.logits(tokens)[-1].argmax())


def test_cold_documents_are_all_the_likeliest_one() -> None:
    tokens = [TOKENIZER.bos]
    while len(tokens) <= 6 and (likeliest := coldest(tokens)) != TOKENIZER.bos:
        tokens.append(likeliest)
    cold = {sample(ENGINE, CONFIG, random.Random(seed), 0.01) for seed in range(5)}
    assert cold == {TOKENIZER.decode(tokens)}


@pytest.mark.parametrize("prompt", ["", "ab\nbbaab"])
def test_a_cold_stream_follows_a_newline_and_sees_the_last_characters_of_its_context(prompt: str) -> None:
    tokens = TOKENIZER.ids("\n" + prompt)
    for _ in range(15):
        tokens.append(int(ENGINE.logits(tokens[-6:])[-1][:-1].argmax()))
    assert sample(ENGINE, STREAM, random.Random(1), 0.01, prompt, 15) == TOKENIZER.decode(tokens[1:])


def test_a_stream_without_line_ends_can_be_gone_on_with_too() -> None:
    lineless = replace(STREAM, chars="abcd")
    assert len(sample(ENGINE, lineless, random.Random(1), length=9)) == 9


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan"), float("inf")])
def test_a_temperature_that_is_none_is_refused(temperature: float) -> None:
    with pytest.raises(ConfigError, match="temperature="):
        sample(ENGINE, CONFIG, random.Random(1), temperature)


def test_a_prompt_that_leaves_no_room_is_refused() -> None:
    with pytest.raises(ConfigError, match="at most 5"):
        sample(ENGINE, CONFIG, random.Random(1), prompt="ababab")


def test_a_length_that_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"length=0 is too short"):
        sample(ENGINE, STREAM, random.Random(1), length=0)
    with pytest.raises(ConfigError, match="--length is for streams"):
        sample(ENGINE, CONFIG, random.Random(1), length=3)


def trained_on(folder: Path, text: str, *, val_fraction: float = 0.0, stream: bool = False) -> Run:
    """A run that knows its few documents by heart."""
    (folder / "data.txt").write_text(text)
    dataset = load_dataset(folder / "data.txt", stream=stream)
    training = TrainConfig(steps=200, val_fraction=val_fraction)
    shape = Shape(n_layer=1, n_embd=8, n_head=2, block_size=4)
    run = begin(folder / "run", configure(dataset, training, **shape), dataset)
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


def test_what_stands_anywhere_in_a_stream_is_in_the_data(tmp_path: Path) -> None:
    run = trained_on(tmp_path, "abac\n" * 9 + "dd", val_fraction=2 / 47, stream=True)
    [text] = run.documents.train
    written = list(write_samples(run.folder, number=30, temperature=3.0, seed=1, length=6))
    assert {s.novelty for s in written} == {"in the data", "new"}
    for s in written:
        assert s.novelty == ("in the data" if s.text in text else "new")
    held_out = next(write_samples(run.folder, number=1, prompt="dd"))
    assert held_out.novelty == "new"


def test_by_default_there_are_twenty_documents_or_one_text_of_a_stream(tmp_path: Path) -> None:
    for name, stream, number in (("documents", False, 20), ("stream", True, 1)):
        (tmp_path / name).mkdir()
        run = trained_on(tmp_path / name, "abac\nab\n", stream=stream)
        assert len(list(write_samples(run.folder))) == number


def test_another_engine_writes_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, chosen = trained_on(tmp_path, "abab\nbaba\n"), list[ComputeConfig]()

    def create(compute: ComputeConfig, config: GPTConfig, state: State) -> Engine:
        chosen.append(compute)
        return create_engine(compute, config, state)

    monkeypatch.setattr("microgpt.training.sampling.create_engine", create)
    by_numpy = write_samples(run.folder, compute=ComputeConfig(engine="numpy"))
    assert list(by_numpy) == list(write_samples(run.folder))
    assert chosen == [ComputeConfig(engine="numpy"), run.config.compute]


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
