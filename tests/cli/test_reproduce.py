"""`microgpt reproduce` as it is used."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from microgpt.cli import main
from microgpt.config import ENGINES, TrainConfig
from microgpt.data import load_dataset
from microgpt.engines.numpy_engine import NumpyEngine
from microgpt.training.run import begin, configure, train_and_save

Captured = pytest.CaptureFixture[str]


def call(*args: str) -> int:
    """Run the command line here, and return its exit code."""
    with pytest.raises(SystemExit) as ended:
        main(["reproduce", *args])
    code = ended.value.code
    assert isinstance(code, int)
    return code


def without_torch(*args: str) -> subprocess.CompletedProcess[str]:
    """Run the command line where torch is not installed."""
    program = f"import sys; sys.modules['torch'] = None; from microgpt.cli import main; main({['reproduce', *args]})"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


def test_every_engine_is_told_and_all_are_one_function(capsys: Captured) -> None:
    pytest.importorskip("torch")
    assert call("--steps", "3") == 0
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[0] for line in lines[1:-2]} == set(ENGINES)
    assert all(line.endswith("the same") for line in lines[1:-2])
    assert lines[-2:] == ["all are one function", "next: microgpt bench"]
    assert all(len(line) <= 80 for line in lines)


def test_its_losses_are_those_of_a_run_of_the_reference(tmp_path: Path) -> None:
    done = without_torch("--steps", "4", "--json")
    dataset = load_dataset("names")
    run = begin(tmp_path / "run", configure(dataset, TrainConfig(steps=4)), dataset)
    losses = [step.loss for step in train_and_save(run)]
    for line in done.stdout.splitlines():
        event = json.loads(line)
        assert event["format"] == "microgpt/reproduction/1"
        if event["installed"]:
            assert event["losses"] == pytest.approx(losses, rel=1e-9)
            assert event["same"]
            assert event["ratio"] > 0
    assert "all are one function" in done.stderr


def test_an_engine_that_is_not_installed_is_listed_with_what_to_type() -> None:
    done = without_torch("--steps", "2")
    assert done.returncode == 0, done.stderr
    assert "torch      The torch engine needs torch, which is not installed." in done.stdout
    assert "           Try: pip install 'microgpt-tutor[torch]'" in done.stdout
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    assert all(char.isprintable() for char in done.stdout.replace("\n", ""))


@pytest.mark.slow
@pytest.mark.parametrize(("off", "at"), [(1e-6, 3), (float("nan"), 3)])
def test_an_engine_that_is_another_function_is_told_with_the_step_and_exit_code_1(
    off: float, at: int, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    step = NumpyEngine.step

    def faulty(engine: NumpyEngine, batch: list[list[int]], lr: float) -> float:
        loss = step(engine, batch, lr)
        return loss + off if engine.state().step == at else loss

    monkeypatch.setattr(NumpyEngine, "step", faulty)
    assert call("--steps", "4") == 1
    out = capsys.readouterr().out
    (line,) = [line for line in out.splitlines() if line.startswith("numpy")]
    assert line.endswith(f"another, worst at step {at}")
    assert len(line) <= 80
    assert out.endswith("not the reference's function: numpy\nnext: microgpt conform numpy\n")


@pytest.mark.parametrize("steps", ["0", "-1"])
def test_no_steps_are_refused_in_one_line(steps: str, capsys: Captured) -> None:
    assert call("--steps", steps) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"microgpt: steps={steps} is too small: it must be 1 or more. Try steps=1000.\n"
