"""`microgpt compare` as it is used."""

import json
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


def train(data: Path, folder: Path, *, stream: bool = False, stop: int = 0, **settings: float) -> Path:
    """Train to the end, or to a step after which it stops."""
    dataset = load_dataset(data, stream=stream)
    training, shape = TrainConfig(steps=60, **settings), Shape(n_embd=8, n_head=2, block_size=8)
    run = begin(folder, configure(dataset, training, ComputeConfig(engine="numpy"), **shape), dataset)
    for step in train_and_save(run):
        if step.number == stop:
            break
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs; a text in the data holds a terminal's control code."""
    folder = tmp_path_factory.mktemp("compare")
    (folder / "data.txt").write_text("ab\nba\nabba\nb\x1b[1m\nbab\na\n")
    (folder / "other.txt").write_text("xyz\nzyx\n" * 9)
    train(folder / "data.txt", folder / "a", val_fraction=0.4)
    train(folder / "data.txt", folder / "b", val_fraction=0.4, lr=0.05)
    train(folder / "data.txt", folder / "c d", stop=30)
    train(folder / "other.txt", folder / "e", stream=True)
    return folder


def test_it_shows_what_differs_the_curves_and_the_samples(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("compare", folder / "a", folder / "b", folder / "c d") == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert err == ""
    assert lines[:3] == [f"A  {folder}/a", f"B  {folder}/b", f"C  {folder}/c d, stopped at step 30 of 60"]
    rows = [line.split() for line in lines]
    assert ["lr", "0.01", "0.05", "0.01"] in rows
    assert ["val_fraction", "0.4", "0.4", "0"] in rows
    assert ["n_embd", "8", "8", "8"] not in rows
    assert "n_embd 8" in " ".join(lines)
    tenths = {row[0]: row[1:] for row in rows if len(row) == 11}
    assert list(tenths) == ["tenth", "A", "B", "C"]
    assert tenths["C"][5:] == ["-"] * 5
    assert "-" not in tenths["C"][:5] + tenths["A"]
    assert sum(line.startswith("held out, ") for line in lines) == 3
    assert lines[-1] == f"next: microgpt eval {folder}/a"
    assert max(map(len, out.replace(str(folder), "").splitlines())) <= 80


def test_control_codes_never_reach_the_terminal(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("compare", folder / "c d", folder / "c d", folder / "e") == 0
    out = capsys.readouterr().out
    assert r"\x1b" in out
    assert all(char.isprintable() for char in out.replace("\n", ""))


def test_runs_on_other_data_are_said_not_to_compare(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("compare", folder / "a", folder / "e") == 0
    out = capsys.readouterr().out
    [sources] = [line for line in out.splitlines() if line.startswith("data ")]
    assert sources.endswith("other.txt")
    assert len(sources) <= 80
    out = " ".join(out.split())
    assert "different data, so their losses do not compare: a loss is the surprise at a text" in out
    assert call("compare", folder / "a", folder / "b") == 0
    assert "do not compare" not in capsys.readouterr().out


def test_many_runs_stand_in_blocks_that_fit_the_page(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("compare", *[folder / "a", folder / "b"] * 3) == 0
    lines = capsys.readouterr().out.replace(str(folder), "").splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[1:] for line in lines if line.startswith("differs")] == [["A", "B", "C", "D"], ["E", "F"]]
    assert [line.split()[::2] for line in lines if "writes" in line] == [["A", "B", "C", "D"], ["E", "F"]]


def test_a_run_compared_with_itself_differs_in_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("compare", folder / "a", folder / "a", "--json") == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert next(iter(found)) == "format"
    assert found["format"] == "microgpt/comparison/1"
    assert found["differing"] == {}
    assert found["same"]["n_embd"] == 8
    first, second = found["runs"]
    assert first == second
    assert len(first["tenths"]) == 10
    assert err.startswith("next: microgpt eval")


def test_a_run_without_a_step_has_no_curve_yet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "data.txt").write_text("ab\nba\n")
    dataset = load_dataset(tmp_path / "data.txt")
    run = begin(tmp_path / "run", configure(dataset, TrainConfig()), dataset).folder
    assert call("compare", run, run) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["A", *["-"] * 10] in rows
    written = rows[rows.index(["A", "writes", "B", "writes"]) + 1 : -2]
    assert len(written) == 10
    assert [] in written  # a document without a character is one too


def test_a_terminal_without_the_letters_for_curves_gets_the_numbers_all_the_same(folder: Path) -> None:
    command = [sys.executable, "-m", "microgpt", "compare", str(folder / "a"), str(folder / "b")]
    latin = subprocess.run(command, env={"PYTHONIOENCODING": "latin-1"}, capture_output=True)
    assert latin.returncode == 0, latin.stderr
    assert b"held out, A" in latin.stdout


@pytest.mark.parametrize(
    ("runs", "complaint"),
    [
        ([], "0 runs cannot be put side by side"),
        (["a"], "1 run cannot be put side by side: it takes 2 to 26. Try: microgpt compare RUN RUN"),
        (["a"] * 27, "27 runs cannot"),
        (["a", "nowhere"], "holds no run"),
        (["a", "data.txt"], "holds no run"),
        (["a", "."], "holds no run"),
        (["a", "cut"], "checkpoint.safetensors is damaged. Try"),
        (["a", "without"], "cannot be read"),
        (["a", "b", "--engine", "abacus"], "is not one of"),
        (["a", "b", "--samples", "3"], "No such option"),
    ],
)
def test_a_mistake_is_told_without_a_traceback(
    folder: Path, monkeypatch: pytest.MonkeyPatch, runs: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    for name in ("cut", "without"):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "config.json").write_bytes((folder / "a" / "config.json").read_bytes())
    (folder / "cut" / "checkpoint.safetensors").write_bytes((folder / "a" / "checkpoint.safetensors").read_bytes()[:-5])
    assert call("compare", *runs) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert complaint in err
    assert err.startswith("Usage") or err.count("\n") == 1
    assert "Traceback" not in err
