"""A run that was stopped ends as it would have ended; folders are never overwritten."""

import contextlib
import json
import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import pytest

from microgpt.config import ComputeConfig, Shape, TrainConfig
from microgpt.data import load_dataset
from microgpt.errors import CheckpointError, ConfigError, DataError
from microgpt.training import run as run_module
from microgpt.training.checkpoint import read_config
from microgpt.training.corpus import make_corpus
from microgpt.training.run import Run, begin, configure, is_tenth, resume, save, train_and_save, validation_loss

NAMES = Path(__file__).parent.parent / "golden" / "names.txt"
SMALL = Shape(n_layer=1, n_embd=4, n_head=2, block_size=5)


def new_run(
    folder: Path | None,
    data: Path = NAMES,
    *,
    steps: int = 30,
    batch: int = 1,
    seed: int = 42,
    val_fraction: float = 0.0,
    stream: bool = False,
    engine: str = "reference",
) -> Run:
    dataset = load_dataset(data, stream=stream)
    training = TrainConfig(steps=steps, batch=batch, seed=seed, val_fraction=val_fraction)
    return begin(folder, configure(dataset, training, ComputeConfig(engine=engine), **SMALL), dataset)


def exhaust(iterable: Iterable[object]) -> None:
    for _ in iterable:
        pass


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("stops", [[1], [13], [3, 10, 11, 29]])
@pytest.mark.parametrize(("val_fraction", "batch", "stream"), [(0.0, 1, False), (0.2, 1, False), (0.2, 2, True)])
def test_stopped_and_resumed_a_run_ends_byte_for_byte_as_one_that_was_not(
    tmp_path: Path, stops: list[int], val_fraction: float, batch: int, stream: bool
) -> None:
    def new(folder: Path) -> Run:
        return new_run(folder, val_fraction=val_fraction, batch=batch, stream=stream)

    exhaust(train_and_save(new(tmp_path / "whole")))
    run, done = new(tmp_path / "stopped"), 0
    for stop in stops:
        exhaust(islice(train_and_save(run), stop - done))
        save(run)
        run, done = resume(run.folder), stop
    assert len(run.losses) == stops[-1]
    exhaust(train_and_save(run))
    assert content(tmp_path / "whole") == content(tmp_path / "stopped")


@pytest.mark.parametrize("stream", [False, True])
def test_a_seed_gives_the_same_run_and_another_another(tmp_path: Path, stream: bool) -> None:
    folders = [tmp_path / name for name in ("one", "same", "other")]
    for folder, seed in zip(folders, (1, 1, 2)):
        exhaust(train_and_save(new_run(folder, seed=seed, stream=stream)))
    one, same, other = map(content, folders)
    assert one == same
    assert one["checkpoint.safetensors"] != other["checkpoint.safetensors"]


@pytest.mark.parametrize("stream", [False, True])
def test_begun_in_one_engine_a_run_goes_on_in_another(tmp_path: Path, stream: bool) -> None:
    whole = new_run(tmp_path / "whole", stream=stream)
    exhaust(train_and_save(whole))
    run = new_run(tmp_path / "moved", stream=stream)
    exhaust(islice(train_and_save(run), 10))
    save(run)
    moved = resume(run.folder, ComputeConfig(engine="numpy"))
    assert read_config(run.folder) == moved.config == replace(run.config, compute=ComputeConfig(engine="numpy"))
    assert moved.engine.described.startswith("numpy")
    assert resume(run.folder).engine.described.startswith("numpy")  # from now on
    exhaust(train_and_save(moved))
    assert moved.losses == pytest.approx(whole.losses, rel=1e-9)


def test_the_engine_of_before_goes_on_without_a_new_config(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run")
    path = run.folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_bytes())))  # in another layout than ours
    before = content(run.folder)
    resume(run.folder, ComputeConfig())
    assert content(run.folder) == before


def test_a_run_is_saved_before_the_first_step_and_at_every_tenth(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run")
    assert len(resume(run.folder).losses) == 0
    for step in train_and_save(run):
        if step.number < 30:
            assert len(resume(run.folder).losses) == step.number // 3 * 3


@pytest.mark.parametrize("steps", [1, 3, 10, 25, 1000])
def test_there_are_at_most_ten_tenths_and_the_last_step_is_one(steps: int) -> None:
    tenths = [number for number in range(1, steps + 1) if is_tenth(number, steps)]
    assert len(tenths) == min(steps, 10)
    assert tenths[-1] == steps


def test_a_complete_run_is_not_resumed(tmp_path: Path) -> None:
    exhaust(train_and_save(new_run(tmp_path / "run", steps=1)))
    with pytest.raises(CheckpointError, match=r"is complete: no step is left\. Try: microgpt sample"):
        resume(tmp_path / "run")


def test_a_run_whose_data_has_changed_is_not_resumed(tmp_path: Path) -> None:
    data = tmp_path / "data.txt"
    data.write_text("emma\nava\n")
    run = new_run(tmp_path / "run", data)
    data.write_text("emma\n")
    with pytest.raises(CheckpointError, match="gone or has changed"):
        resume(run.folder)


def test_a_folder_that_is_not_empty_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(CheckpointError, match="is not empty"):
        new_run(tmp_path)
    assert content(tmp_path) == {"mine": b"mine"}


def test_a_folder_that_is_a_file_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(CheckpointError, match="mine is a file"):
        new_run(tmp_path / "mine")
    assert content(tmp_path) == {"mine": b"mine"}


def test_of_runs_that_begin_at_once_in_one_folder_one_gets_it(tmp_path: Path) -> None:
    barrier = threading.Barrier(3)

    def try_to_begin(folder: Path, seed: int) -> int | None:
        barrier.wait()
        with contextlib.suppress(CheckpointError):
            return new_run(folder, seed=seed).config.training.seed
        return None

    with ThreadPoolExecutor(3) as pool:
        for number in range(20):
            folder = tmp_path / str(number)
            begun = list(pool.map(partial(try_to_begin, folder), range(3)))
            assert [seed for seed in begun if seed is not None] == [read_config(folder).training.seed]


def test_where_the_disk_is_full_a_run_does_not_begin_and_leaves_nothing(mount_disk: Callable[[str], Path]) -> None:
    disk = mount_disk("8k")  # room for the config alone
    with pytest.raises(CheckpointError, match=r"checkpoint\.safetensors cannot be written \(No space"):
        new_run(disk / "run")
    assert os.listdir(disk) == []


def test_runs_without_a_folder_get_one_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert [str(new_run(None).folder) for _ in range(3)] == ["runs/names-1", "runs/names-2", "runs/names-3"]


def test_a_setting_that_fails_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="val_fraction"):
        new_run(tmp_path / "run", val_fraction=0.0001)
    with pytest.raises(ConfigError, match="val_fraction"):
        new_run(tmp_path / "run", val_fraction=0.0001, stream=True)
    assert os.listdir(tmp_path) == []


@pytest.mark.slow
def test_a_batch_that_no_computer_could_hold_is_refused_before_it_is_tried(tmp_path: Path) -> None:
    data = tmp_path / "data.txt"
    data.write_text("to be or not " * 100_000)
    dataset, training = load_dataset(data, stream=True), TrainConfig(batch=1_000_000)
    shape, compute = Shape(block_size=2000, n_embd=512), ComputeConfig(engine="numpy")
    with pytest.raises(ConfigError, match=r"too small for a batch of 1,000,000 at once\. Try a smaller --batch"):
        begin(tmp_path / "run", configure(dataset, training, compute, **shape), dataset)
    assert os.listdir(tmp_path) == ["data.txt"]
    begun = begin(None, configure(dataset, training, replace(compute, micro_batch=1), **shape), dataset, saves=False)
    assert begun.losses == []


def test_a_stream_shorter_than_a_window_leaves_no_folder(tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_text("emma\n")
    with pytest.raises(DataError, match=r"5 characters to train on is too short: with block_size=5 a sequence takes 6"):
        new_run(tmp_path / "run", tmp_path / "data.txt", stream=True)
    assert os.listdir(tmp_path) == ["data.txt"]


@pytest.mark.parametrize(("stream", "most"), [(False, 565), (True, 4_007)])
def test_a_batch_of_more_than_there_is_is_refused_before_it_is_made(tmp_path: Path, stream: bool, most: int) -> None:
    new_run(tmp_path / "run", batch=most, stream=stream)
    with pytest.raises(ConfigError, match=f"there are only {most:,} .* Try --batch 64"):
        new_run(tmp_path / "other", batch=most + 1, stream=stream)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("stream", [False, True])
def test_the_validation_loss_is_the_mean_over_all_predictions(tmp_path: Path, stream: bool) -> None:
    run = new_run(tmp_path / "run", val_fraction=0.3, stream=stream, engine="numpy")
    surprise, predictions = 0.0, 0
    for tokens in make_corpus(run.config, run.documents.validation).sequences():
        surprise += run.engine.loss([tokens]) * (len(tokens) - 1)
        predictions += len(tokens) - 1
    if stream:
        assert predictions == round(0.3 * len(NAMES.read_text())) - 1
    assert validation_loss(run) == pytest.approx(surprise / predictions, rel=1e-12)


def test_without_documents_held_out_there_is_no_validation_loss(tmp_path: Path) -> None:
    assert validation_loss(new_run(tmp_path / "run")) is None


@pytest.mark.parametrize("cut", ["write_config", "write_checkpoint"])
def test_a_ctrl_c_before_the_first_save_leaves_nothing_behind(
    cut: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, write = tmp_path / "run", getattr(run_module, cut)

    def half(where: Path, what: object) -> None:
        write(where, what)
        (where / "checkpoint.safetensors.new").write_bytes(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(run_module, cut, half)
    with pytest.raises(KeyboardInterrupt):
        new_run(folder)
    assert not folder.exists()
    monkeypatch.undo()
    assert new_run(folder).folder == folder
