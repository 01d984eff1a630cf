"""A run folder holds the old checkpoint or the new one, and whatever else stands in it is refused in one line."""

import contextlib
import json
import os
import random
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from microgpt.config import ComputeConfig, GPTConfig, TrainConfig
from microgpt.engines.base import initial_state
from microgpt.errors import CheckpointError
from microgpt.training.checkpoint import (
    Checkpoint,
    RunConfig,
    only_writer,
    random_after,
    read_checkpoint,
    read_config,
    write_checkpoint,
    write_config,
)

CONFIG = RunConfig(
    compute=ComputeConfig(),
    model=GPTConfig(vocab_size=4, n_embd=2, n_head=1, block_size=3),
    training=TrainConfig(steps=9, val_fraction=0.25),
    chars="aé\n",
    source="/some/where",
    sha256="0" * 64,
    stream=True,
)


def checkpoint(steps: int, seed: int = 1) -> Checkpoint:
    rng = random.Random(seed)
    state = initial_state(CONFIG.model, rng)
    return Checkpoint(state=replace(state, step=steps), losses=(0.1,) * steps, random_state=rng.getstate()[1])


def same(one: Checkpoint, other: Checkpoint) -> bool:
    groups = [(one.state.weights, other.state.weights), (one.state.mean, other.state.mean)]
    arrays = all(np.array_equal(a[name], b[name]) for a, b in groups for name in a)
    return arrays and (one.losses, one.random_state, one.state.step) == (
        other.losses,
        other.random_state,
        other.state.step,
    )


@pytest.fixture
def small_disk(mount_disk: Callable[[str], Path]) -> Path:
    return mount_disk("48k")


@pytest.mark.parametrize("steps", [0, 7])
def test_what_is_written_is_read_back(tmp_path: Path, steps: int) -> None:
    write_config(tmp_path, CONFIG)
    write_checkpoint(tmp_path, checkpoint(steps))
    assert read_config(tmp_path) == CONFIG
    assert same(read_checkpoint(tmp_path, CONFIG), checkpoint(steps))


def test_the_random_stream_goes_on_where_it_was() -> None:
    rng = random.Random(1)
    initial_state(CONFIG.model, rng)
    assert random_after(checkpoint(0)).random() == rng.random()


def test_a_full_disk_leaves_the_checkpoint_before_whole(small_disk: Path) -> None:
    write_checkpoint(small_disk, checkpoint(1))
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "filler").write_bytes(bytes(65536))
    with pytest.raises(CheckpointError, match=r"No space left on device\)\. What it held before is still whole"):
        write_checkpoint(small_disk, checkpoint(2))
    assert same(read_checkpoint(small_disk, CONFIG), checkpoint(1))
    assert sorted(os.listdir(small_disk)) == ["checkpoint.safetensors", "filler"]


@settings(max_examples=60)
@given(data=st.data())
def test_a_truncated_checkpoint_is_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("run")
    write_checkpoint(folder, checkpoint(3))
    path = folder / "checkpoint.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(CheckpointError, match="microgpt train"):
        read_checkpoint(folder, CONFIG)


@settings(max_examples=100)
@given(data=st.data())
def test_damage_anywhere_is_refused_or_harmless(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("run")
    write_config(folder, CONFIG)
    write_checkpoint(folder, checkpoint(3))
    path = folder / data.draw(st.sampled_from(["config.json", "checkpoint.safetensors"]))
    raw = bytearray(path.read_bytes())
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(raw)
    with contextlib.suppress(CheckpointError):
        random_after(read_checkpoint(folder, read_config(folder))).random()


def test_a_header_that_claims_terabytes_is_refused(tmp_path: Path) -> None:
    claims = {"wte": {"dtype": "F64", "shape": [10**6, 10**6], "data_offsets": [0, 8 * 10**12]}}
    header = json.dumps(claims).encode()
    for raw in (struct.pack("<Q", len(header)) + header, struct.pack("<Q", 10**13) + header):
        (tmp_path / "checkpoint.safetensors").write_bytes(raw)
        with pytest.raises(CheckpointError, match="is damaged"):
            read_checkpoint(tmp_path, CONFIG)


def change(path: Path, name: str, array: "np.ndarray[tuple[int, ...], np.dtype[np.generic]] | None") -> None:
    tensors = load(path.read_bytes())
    if array is None:
        del tensors[name]
    else:
        tensors[name] = array
    path.write_bytes(save(tensors))


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("wte", np.zeros((5, 2))),
        ("wte", np.zeros((4, 2), dtype=np.float32)),
        ("wte", np.full((4, 2), np.nan)),
        ("wte", None),
        ("adam.mean.wte", None),
        ("stranger", np.zeros(1)),
        ("losses", None),
        ("losses", np.zeros((1, 1))),
        ("losses", np.zeros(10)),
        ("random", np.full(625, 2**32 - 1, dtype=np.uint32)),
    ],
)
def test_a_checkpoint_of_another_shape_is_refused(
    tmp_path: Path, name: str, array: "np.ndarray[tuple[int, ...], np.dtype[np.generic]] | None"
) -> None:
    write_checkpoint(tmp_path, checkpoint(3))
    change(tmp_path / "checkpoint.safetensors", name, array)
    with pytest.raises(CheckpointError, match=r"does not fit|is damaged"):
        read_checkpoint(tmp_path, CONFIG)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"microgpt/run/2"', '"microgpt/run/3"'),
        ('"microgpt/run/2"', '"microgpt/run/1"'),
        ('"microgpt/run/2"', "2"),
        ('"stream": true', '"stream": 1'),
        ('"reference"', '"abacus"'),
        ('"n_embd": 2', '"n_embd": 2.0'),
        ('"n_embd": 2', '"n_embd": "2"'),
        ('"n_embd": 2', '"n_embd": 0'),
        ('"vocab_size": 4', '"vocab_size": 5'),
        ('"steps": 9,', ""),
        ('"steps": 9,', '"steps": 9, "colour": 1,'),
        ("{", "["),
        ('"/some/where"', "null"),
    ],
)
def test_a_config_that_is_not_ours_is_refused(tmp_path: Path, old: str, new: str) -> None:
    write_config(tmp_path, CONFIG)
    path = tmp_path / "config.json"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(CheckpointError, match="is damaged, or of another version"):
        read_config(tmp_path)


BEFORE = """{
 "format": "microgpt/run/1",
 "engine": "numpy",
 "model": {"vocab_size": 4, "n_layer": 1, "n_embd": 2, "n_head": 1, "block_size": 3},
 "training": {"steps": 9, "batch": 1, "seed": 42, "lr": 0.01, "val_fraction": 0.25},
 "chars": "a\\u00e9\\n",
 "source": "/some/where",
 "sha256": "0000000000000000000000000000000000000000000000000000000000000000"
}"""


def test_a_config_of_the_format_before_is_read_as_what_it_was(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(BEFORE)
    assert read_config(tmp_path) == replace(CONFIG, compute=ComputeConfig(engine="numpy"), stream=False)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"numpy"', '"abacus"'),
        ('"engine": "numpy",', ""),
        ('"model": {', '"model": 1, "m": {'),
        ('"seed": 42, ', ""),
    ],
)
def test_a_damaged_config_of_the_format_before_is_refused(tmp_path: Path, old: str, new: str) -> None:
    assert old in BEFORE
    (tmp_path / "config.json").write_text(BEFORE.replace(old, new, 1))
    with pytest.raises(CheckpointError, match="is damaged, or of another version"):
        read_config(tmp_path)


def test_a_full_disk_leaves_the_config_before_whole(small_disk: Path) -> None:
    write_config(small_disk, CONFIG)
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "filler").write_bytes(bytes(65536))
    with pytest.raises(CheckpointError, match=r"What it held before is still whole"):
        write_config(small_disk, replace(CONFIG, source="x" * 4096))
    assert read_config(small_disk) == CONFIG


def test_weights_of_32_bits_are_read_back_as_such(tmp_path: Path) -> None:
    whole = checkpoint(2)
    small = {
        name: {key: array.astype(np.float32) for key, array in getattr(whole.state, name).items()}
        for name in ("weights", "mean", "square")
    }
    write_checkpoint(tmp_path, replace(whole, state=replace(whole.state, **small)))
    read = read_checkpoint(tmp_path, CONFIG)
    assert {array.dtype for array in read.state.weights.values()} == {np.dtype(np.float32)}
    assert same(read, replace(whole, state=replace(whole.state, **small)))


@pytest.mark.parametrize(
    "text", ["[]", "1", "null", "{}", "", "[" * 100_000, '{"format": "microgpt/run/2", "model": 3}', '{"format": []}']
)
def test_json_of_another_kind_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(CheckpointError, match="is damaged, or of another version"):
        read_config(tmp_path)


def test_a_folder_has_one_writer_at_a_time_and_one_that_is_killed_keeps_nobody_out(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from microgpt.training.checkpoint import only_writer\n"
        "with only_writer(Path(sys.argv[1])): print(flush=True); time.sleep(99)"
    )
    with subprocess.Popen([sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE) as other:
        assert other.stdout
        other.stdout.readline()
        with pytest.raises(CheckpointError, match="is being trained by another process"), only_writer(tmp_path):
            pass
        other.kill()
        other.wait()
    for _ in range(2):
        with only_writer(tmp_path):
            pass
    assert os.listdir(tmp_path) == []


def test_a_missing_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="holds no run"):
        read_config(tmp_path / "nowhere")
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_checkpoint(tmp_path, CONFIG)


def test_who_mistypes_a_run_is_told_of_those_that_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match=r"holds no run .*\. Try microgpt train, which makes one\."):
        read_config(Path("runs/name-1"))
    (tmp_path / "runs" / "names-1").mkdir(parents=True)
    (tmp_path / "runs" / "names-1" / "config.json").touch()
    with pytest.raises(CheckpointError, match=r"Try runs/names-1\."):
        read_config(Path("runs/name-1"))
