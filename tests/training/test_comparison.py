"""Runs that are put side by side are shown on one scale, with what differs, and with a warning where that misleads."""

import random
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt.config import ComputeConfig, GPTConfig, Shape, TrainConfig
from microgpt.data import load_dataset
from microgpt.errors import CheckpointError, ConfigError
from microgpt.training.checkpoint import RunConfig
from microgpt.training.comparison import (
    SEED,
    Compared,
    cautions,
    compare_runs,
    compare_settings,
    curves,
    settings,
    stretches,
)
from microgpt.training.curve import BARS
from microgpt.training.evaluation import evaluate_run
from microgpt.training.run import begin, configure, train_and_save
from microgpt.training.sampling import write_samples

CONFIG = RunConfig(
    compute=ComputeConfig(),
    model=GPTConfig(vocab_size=4),
    training=TrainConfig(),
    chars="abc",
    source="/some/where",
    sha256="0" * 64,
    stream=False,
)
LOSSES = st.lists(st.floats(0.1, 10), max_size=40)


def quiet(*at: object) -> None:
    """Report to nobody."""


@given(count=st.integers(1, 10), each=st.integers(1, 9), losses=st.lists(st.floats(0, 10), min_size=90, max_size=90))
def test_the_stretches_of_a_run_together_are_the_run(count: int, each: int, losses: list[float]) -> None:
    made = losses[: count * each]
    means = [mean for mean in stretches(made, len(made), count) if mean is not None]
    assert len(means) == count
    assert fmean(means) == pytest.approx(fmean(made))


@given(steps=st.integers(1, 40), losses=LOSSES, count=st.integers(1, 50))
def test_a_stretch_is_there_just_if_the_run_has_come_so_far(steps: int, losses: list[float], count: int) -> None:
    made = losses[:steps]
    parts = stretches(made, steps, count)
    assert len(parts) == count
    complete = [part is not None for part in parts]
    assert complete == sorted(complete, reverse=True)
    assert all(complete) == (len(made) == steps)


def compared(losses: list[float], steps: int) -> Compared:
    config = replace(CONFIG, training=TrainConfig(steps=steps))
    return Compared(folder=Path("run"), config=config, losses=losses, held_out=None, samples=[])


@given(each=st.lists(LOSSES, min_size=2, max_size=4))
def test_a_bar_means_the_same_loss_in_every_run(each: list[list[float]]) -> None:
    drawn = curves([compared(losses, 40) for losses in each], 40)
    assert list(map(len, drawn)) == list(map(len, each))
    pairs = [(loss, BARS.index(bar)) for losses, bars in zip(each, drawn) for loss, bar in zip(losses, bars)]
    heights = [height for _, height in sorted(pairs)]
    assert heights == sorted(heights)


@given(lr=st.sampled_from([0.01, 0.02]), n_embd=st.sampled_from([8, 16]), engine=st.sampled_from(["numpy", "scalar"]))
def test_every_setting_either_differs_or_is_the_same(lr: float, n_embd: int, engine: str) -> None:
    other = replace(
        CONFIG,
        model=replace(CONFIG.model, n_embd=n_embd),
        training=TrainConfig(lr=lr),
        compute=ComputeConfig(engine=engine),
    )
    differing, same = compare_settings([CONFIG, other])
    assert differing.keys() | same.keys() == settings(CONFIG).keys()
    assert not differing.keys() & same.keys()
    for name, values in differing.items():
        assert values == [settings(CONFIG)[name], settings(other)[name]]
    assert differing.keys() == {name for name, value in settings(CONFIG).items() if settings(other)[name] != value}


def test_losses_that_do_not_compare_are_said_to() -> None:
    stream = replace(CONFIG, stream=True)
    wide = replace(CONFIG.model, block_size=32)
    held_out = [replace(CONFIG, training=TrainConfig(val_fraction=0.1, seed=seed)) for seed in (1, 2)]
    assert cautions([CONFIG, replace(CONFIG, training=TrainConfig(lr=0.1, seed=7))]) == []
    assert "different data" in cautions([CONFIG, replace(CONFIG, sha256="1" * 64)])[0]
    assert "different data" in cautions([CONFIG, stream])[0]
    assert "block_size" in cautions([CONFIG, replace(CONFIG, model=wide)])[0]
    assert cautions([stream, replace(stream, model=wide)]) == []
    assert "held out other text" in cautions(held_out)[0]
    assert cautions([replace(config, stream=True) for config in held_out]) == []  # its end, whatever the seed


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two runs of the same texts, the second stopped on its way."""
    folder = tmp_path_factory.mktemp("comparison")
    rng = random.Random(1)
    (folder / "data.txt").write_text("".join("".join(rng.choices("abc", k=4)) + "\n" for _ in range(40)))
    dataset = load_dataset(folder / "data.txt")
    for name, lr in (("a", 0.01), ("b", 0.05)):
        training, shape = TrainConfig(steps=60, val_fraction=0.2, lr=lr), Shape(n_embd=8, n_head=2, block_size=4)
        run = begin(folder / name, configure(dataset, training, ComputeConfig(engine="numpy"), **shape), dataset)
        for step in train_and_save(run):
            if name == "b" and step.number == 30:
                break
    return [folder / "a", folder / "b"]


def test_each_run_is_what_eval_and_sample_say_of_it(runs: list[Path]) -> None:
    found = compare_runs(runs, report=quiet)
    assert [run.folder for run in found.runs] == runs
    assert [len(run.losses) for run in found.runs] == [60, 30]
    assert found.differing == {"lr": [0.01, 0.05]}
    for folder, run in zip(runs, found.runs):
        assert run.held_out == evaluate_run(folder, samples=0, report=quiet).held_out
        assert run.samples == list(write_samples(folder, number=10, seed=SEED))


def test_without_the_data_there_is_nothing_to_measure_but_all_else(runs: list[Path]) -> None:
    data = runs[0].parent / "data.txt"
    data.rename(runs[0].parent / "moved")
    found = compare_runs(runs, report=quiet)
    (runs[0].parent / "moved").rename(data)
    assert [run.held_out for run in found.runs] == [None, None]
    assert {sample.novelty for run in found.runs for sample in run.samples} == {"unknown"}


@pytest.mark.parametrize("number", [0, 1, 27])
def test_too_few_or_too_many_are_refused(runs: list[Path], number: int) -> None:
    with pytest.raises(ConfigError, match=f"{number} runs? cannot be put side by side"):
        compare_runs([runs[0]] * number, report=quiet)


def test_a_folder_without_a_run_is_found_before_the_work_begins(runs: list[Path], tmp_path: Path) -> None:
    reports = list[object]()
    with pytest.raises(CheckpointError, match="holds no run"):
        compare_runs([*runs, tmp_path], report=lambda *at: reports.append(at))
    assert reports == []
