"""Several processes that torchrun starts train one model: that of one process, and only the first says and saves."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

pytestmark = pytest.mark.slow  # every process imports torch

TOGETHER = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "microgpt"]
SETTINGS = ["--engine", "torch", "--device", "cpu", "--dtype", "float64", "--batch", "5", "--val-fraction", "0.1"]


def start(folder: Path, words: Sequence[str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # a job in the background has none
    )


def train(folder: Path, launcher: Sequence[str], *words: str) -> list[str]:
    process = start(folder, [*launcher, "train", *words])
    out, err = process.communicate(timeout=100)
    assert process.returncode == 0, err
    return out.splitlines()


@pytest.mark.parametrize("micro_batch", ["0", "2"])
def test_two_processes_learn_what_one_learns(tmp_path: Path, micro_batch: str) -> None:
    words = [*SETTINGS, "--steps", "6", "--json", "--micro-batch", micro_batch]
    alone = train(tmp_path, ["-m", "microgpt"], *words, "--out", "alone")
    together = train(tmp_path, TOGETHER, *words, "--out", "together")
    assert len(together) == len(alone) == 7  # a line a step and one at the end: the second process says nothing
    for one, other in zip(alone, together):
        assert json.loads(other)["loss"] == pytest.approx(json.loads(one)["loss"], rel=1e-9)
    assert json.loads(together[-1])["val_loss"] == pytest.approx(json.loads(alone[-1])["val_loss"], rel=1e-9)
    first, second = (load_file(tmp_path / name / "checkpoint.safetensors") for name in ("alone", "together"))
    for name, array in first.items():
        np.testing.assert_allclose(second[name], array, rtol=0, atol=1e-9 * max(abs(array).max(), 1e-12), err_msg=name)
    assert {path.name for path in tmp_path.iterdir()} == {"alone", "together"}


def test_a_batch_too_small_for_all_is_one_line(tmp_path: Path) -> None:
    process = start(tmp_path, [*TOGETHER, "train", "--engine", "torch", "--device", "cpu", "--batch", "1"])
    _, err = process.communicate(timeout=100)
    assert process.returncode != 0
    assert "microgpt: batch=1 is too small for 2 processes: each needs a document. Try --batch 2." in err


def test_ctrl_c_saves_and_the_run_goes_on_with_one_process(tmp_path: Path) -> None:
    words = [*TOGETHER, "train", *SETTINGS, "--steps", "100000", "--json", "--out", "run"]
    with start(tmp_path, words) as process:
        assert process.stdout is not None
        for _ in range(20):
            assert '"step"' in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()  # to the end of all that write there; pytest's own limit ends a wait for ever
    last = json.loads(rest.splitlines()[-1])
    assert last["done"] is False
    saved = load_file(tmp_path / "run" / "checkpoint.safetensors")
    assert len(saved["losses"]) == last["step"] >= 20
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    config["training"]["steps"] = last["step"] + 2
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))
    resumed = train(tmp_path, ["-m", "microgpt"], "--resume", "run", "--json")
    assert json.loads(resumed[-1])["done"] is True
