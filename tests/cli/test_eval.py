"""`microgpt eval` as it is used."""

import json
import math
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from microgpt.cli import main
from microgpt.config import ComputeConfig, Shape, TrainConfig
from microgpt.data import load_dataset
from microgpt.training.run import begin, configure, train_and_save


def call(*args: str | Path) -> int:
    """Run the command line here, and return its exit code."""
    with pytest.raises(SystemExit) as ended:
        main([str(arg) for arg in args])
    code = ended.value.code
    assert isinstance(code, int)
    return code


def train(data: Path, folder: Path, *, val_fraction: float = 0.0, stream: bool = False, stop: int = 0) -> Path:
    """Train to the end, or to a step after which it stops."""
    dataset = load_dataset(data, stream=stream)
    training, shape = TrainConfig(steps=150, val_fraction=val_fraction), Shape(n_embd=8, n_head=2, block_size=4)
    run = begin(folder, configure(dataset, training, ComputeConfig(engine="numpy"), **shape), dataset)
    for step in train_and_save(run):
        if step.number == stop:
            break
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs of the same 27 texts."""
    folder = tmp_path_factory.mktemp("eval")
    (folder / "data.txt").write_text("".join(f"{a}{b}{c}\n" for a in "abc" for b in "def" for c in "ghi"))
    train(folder / "data.txt", folder / "held out", val_fraction=0.7)
    train(folder / "data.txt", folder / "all", stop=15)
    train(folder / "data.txt", folder / "stream", val_fraction=0.2, stream=True)
    return folder


def test_it_sets_the_loss_beside_others_and_says_what_it_means(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("eval", folder / "held out", "--samples", "40") == 0
    out, err = capsys.readouterr()
    assert err == ""
    rows = {line[:12].strip(): line[12:] for line in out.splitlines()}
    trained_on, held_out, letters, guess = (
        float(rows[name].split()[0]) for name in ("trained on", "held out", "letters", "guess")
    )
    assert trained_on < held_out
    assert letters < guess
    assert f"gap {held_out - trained_on:.2f}" in out
    assert "19 documents" in rows["held out"]
    assert "it learnt some of its training data by heart" in out
    assert "76 predictions / ln 2 / 57 characters" in out
    assert "40 at temperature 0.5" in out
    assert out.splitlines()[-1] == f"next: microgpt sample '{folder / 'held out'}'"
    assert max(map(len, out.replace(str(folder), "").splitlines())) <= 80


def test_a_run_without_held_out_text_says_what_it_measures_instead(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("eval", folder / "all", "--samples", "0") == 0
    out = capsys.readouterr().out
    assert "held out  " not in out
    assert "Nothing was held out" in out
    assert "--val-fraction 0.1" in out
    assert "15 of 150 steps" in out
    assert out.splitlines()[-1] == f"next: microgpt train --resume {folder / 'all'}"


def test_of_a_stream_every_character_is_a_prediction(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("eval", folder / "stream") == 0
    out = capsys.readouterr().out
    assert "every prediction is a character" in out
    assert "writes 10 at" in out
    assert "21 characters" in out  # of the 22 that were held out, all but the first


def test_one_text_held_out_is_not_enough_to_speak_of_a_gap(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "data.txt").write_text("ab\nba\n")
    assert call("eval", train(tmp_path / "data.txt", tmp_path / "run", val_fraction=0.5)) == 0
    out = capsys.readouterr().out
    assert "too little text to tell it from chance" in out
    assert "1 document\n" in out


def test_json_is_one_object_and_prose_goes_elsewhere(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("eval", folder / "held out", "--samples", "20", "--engine", "reference", "--json") == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert next(iter(found)) == "format"
    assert found["format"] == "microgpt/evaluation/1"
    assert found["guess"] == pytest.approx(math.log(10))
    held_out, samples = found["held_out"], found["samples"]
    assert held_out["bits_per_character"] == pytest.approx(held_out["loss"] / math.log(2) * 76 / 57)
    assert samples["number"] == 20
    assert samples["interval"][0] <= samples["novel"] / 20 <= samples["interval"][1]
    assert err.startswith("next: microgpt sample")
    assert call("eval", folder / "all", "--samples", "0", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["held_out"] is found["samples"] is None


def test_a_terminal_shows_how_far_the_work_is_and_then_nothing_of_it(folder: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "microgpt", "eval", str(folder / "held out"), "--samples", "5"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, check=True)
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    pictures = shown.split("\r")
    assert any(picture.startswith("measuring on what was held out: 3 of 19") for picture in pictures)
    assert any(picture.startswith("measuring by what it writes: 4 of 5") for picture in pictures)
    assert pictures[-2:] == [" " * 79, ""]
    assert b"\r" not in done.stdout


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--samples", "-1"], "samples=-1 is less than none. Try --samples 100."),
        (["--samples", "1.5"], "'1.5' is not a valid integer"),
        (["--engine", "abacus"], "'abacus' is not one of"),
        (["--val-fraction", "0.1"], "No such option"),
        (["runs/other"], "unexpected extra argument"),
    ],
)
def test_a_mistake_is_told_without_a_traceback(
    folder: Path, options: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("eval", folder / "held out", *options) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert complaint in err
    assert "Traceback" not in err


@pytest.mark.parametrize("damage", ["no folder", "a file", "no step", "changed data", "no data", "cut", "no weights"])
def test_a_run_that_cannot_be_measured_costs_one_line(
    tmp_path: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data.txt"
    data.write_text("ab\nba\n")
    run = train(data, tmp_path / "run")
    if damage == "no folder":
        run = tmp_path / "nowhere"
    elif damage == "a file":
        run = data
    elif damage == "no step":
        dataset = load_dataset(data)
        run = begin(tmp_path / "begun", configure(dataset, TrainConfig()), dataset).folder
    elif damage == "changed data":
        data.write_text("ab\n")
    elif damage == "no data":
        data.unlink()
    elif damage == "cut":
        checkpoint = run / "checkpoint.safetensors"
        checkpoint.write_bytes(checkpoint.read_bytes()[:-5])
    else:
        (run / "checkpoint.safetensors").unlink()
    assert call("eval", run) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("microgpt: ")
    assert " Try" in err
    assert err.count("\n") == 1
