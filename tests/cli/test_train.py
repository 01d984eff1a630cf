"""`microgpt train` as it is used: the golden run, pipes, a terminal, Ctrl-C, a kill, a full disk, mistakes."""

import json
import math
import os
import pty
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from microgpt.cli import main
from microgpt.training.run import resume
from microgpt.training.trace import read_trace

GOLDEN = Path(__file__).parent.parent / "golden"
NAMES = str(GOLDEN / "names.txt")
COMMAND = [sys.executable, "-m", "microgpt"]
SMALL = ["--data", NAMES, "--n-embd", "4", "--n-head", "2", "--block-size", "5"]


def call(*args: str | Path) -> int:
    """Run the command line here, and return its exit code."""
    with pytest.raises(SystemExit) as ended:
        main([str(arg) for arg in args])
    code = ended.value.code
    assert isinstance(code, int)
    return code


@pytest.mark.slow
def test_it_prints_the_losses_and_writes_the_samples_of_the_original(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    golden = json.loads((GOLDEN / "golden.json").read_text())
    assert call("train", "--data", NAMES, "--steps", "200", "--out", tmp_path / "run", "--json") == 0
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["loss"] for line in printed[:-1]] == pytest.approx(golden["losses"], rel=1e-9)
    assert call("sample", tmp_path / "run", "--json") == 0
    written = [json.loads(line)["text"] for line in capsys.readouterr().out.splitlines()]
    assert written == golden["samples"]


def test_json_is_a_step_a_line_and_then_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    assert call("train", *SMALL, "--steps", "25", "--val-fraction", "0.1", "--out", run, "--json") == 0
    out, err = capsys.readouterr()
    *steps, result = [json.loads(line) for line in out.splitlines()]
    tenths = {3, 5, 8, 10, 13, 15, 18, 20, 23, 25}
    keys = [["format", "step", "loss"] + ["sample"] * (number in tenths) for number in range(1, 26)]
    assert [list(line) for line in steps] == keys
    assert [(line["format"], line["step"]) for line in steps] == [("microgpt/step/1", n) for n in range(1, 26)]
    assert out.splitlines()[-1].startswith('{"format": "microgpt/run/2"')
    assert json.loads((run / "config.json").read_text()).items() <= result.items()
    assert (result["done"], result["step"]) == (True, 25)
    assert result["params"] == (27 * 2 + 5 + 12 * 4) * 4
    assert result["loss"] == pytest.approx(math.fsum(line["loss"] for line in steps) / 25)
    assert 2 < result["val_loss"] < 4
    assert result["tokens_per_s"] > result["steps_per_s"] > 0
    assert result["mfu"] is None  # of plain Python on a processor
    assert Path(result["checkpoint"]).is_file()
    assert err.splitlines()[-1] == f"next: microgpt sample {run}"


def test_piped_it_prints_a_line_for_every_tenth_and_no_control_codes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("train", *SMALL, "--steps", "40", "--out", tmp_path / "my run") == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.isascii()
    assert all(char.isprintable() for char in out.replace("\n", ""))
    lines = out.splitlines()
    assert [line.split("/")[0].strip() for line in lines if " tok/s " in line] == [str(n) for n in range(4, 41, 4)]
    assert all("ln 27 = 3.296" in line for line in lines if "loss " in line)
    assert [line.split("/")[0].strip() for line in lines if "  writes  " in line] == [str(n) for n in range(4, 41, 4)]
    assert lines[-2].startswith("done: loss ")
    assert lines[-1] == f"next: microgpt sample '{tmp_path / 'my run'}'"


@pytest.mark.parametrize("columns", [40, 200])
def test_in_a_terminal_one_line_is_written_over_whole_and_never_wraps(tmp_path: Path, columns: int) -> None:
    shown = shown_in_a_terminal(columns, "--out", str(tmp_path / "run"))
    redrawn = [line for line in shown.replace("\r", "\n").split("\n") if "/40  loss " in line]
    assert len(redrawn) >= 2  # the first step and the last
    assert {len(line) for line in redrawn} == {columns - 1}
    assert all(len(line.rstrip()) < 100 for line in redrawn)
    assert all(("MFU unknown" in line) == (columns == 200) for line in redrawn)
    written = [line for line in shown.splitlines() if "  writes  " in line]
    assert {len(line.lstrip("\r")) for line in written} == {columns - 1}  # nothing of the live line is left beside it


def test_in_a_terminal_plain_redraws_nothing(tmp_path: Path) -> None:
    shown = shown_in_a_terminal(80, "--plain", "--out", str(tmp_path / "run"))
    assert "\r" not in shown
    assert shown.count(" tok/s ") == 10
    assert shown.count("  writes  ") == 10
    assert shown.isascii()


def shown_in_a_terminal(columns: int, *options: str) -> str:
    keyboard, screen = pty.openpty()
    command = [*COMMAND, "train", *SMALL, "--steps", "40", *options]
    environment = {**os.environ, "COLUMNS": str(columns)}
    with subprocess.Popen(command, stdin=screen, stdout=screen, stderr=screen, env=environment) as process:
        os.close(screen)
        shown = b"".join(iter(lambda: read_terminal(keyboard), b"")).decode()
    os.close(keyboard)
    assert process.returncode == 0
    assert "\x1b" not in shown
    return shown.replace("\r\n", "\n")  # the terminal's own line ends


def read_terminal(handle: int) -> bytes:
    try:
        return os.read(handle, 65536)
    except OSError:  # how Linux says that the other side is closed
        return b""


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_or_killed_and_resumed_it_ends_byte_for_byte_as_if_it_had_not_been(
    tmp_path: Path, ending: signal.Signals, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = [*SMALL, "--steps", "500"]
    stopped, whole = tmp_path / "stopped", tmp_path / "whole"
    trace, plot = tmp_path / "stopped.jsonl", tmp_path / "loss.png"
    shown = ["--record", str(trace), "--plot", str(plot)]
    command = [*COMMAND, "train", *settings, "--out", str(stopped), *shown, "--json"]
    pipe, pipesize = subprocess.PIPE, 4096  # so small that it cannot run far ahead of us
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, pipesize=pipesize, text=True) as process:
        assert process.stdout
        assert process.stderr
        for _ in range(120):
            process.stdout.readline()
        process.send_signal(ending)
        rest, prose = process.stdout.read(), process.stderr.read()
    if ending is signal.SIGINT:
        assert process.returncode == 130
        result = json.loads(rest.splitlines()[-1])
        assert not result["done"]
        assert 120 <= result["step"] < 500
        assert f"stopped at step {result['step']} of 500, and saved" in prose
        assert prose.splitlines()[-1] == f"next: microgpt train --resume {stopped} --record {trace} --plot {plot}"
        assert len(resume(stopped).losses) == len(read_trace(trace).losses) == result["step"]
        assert plot.read_bytes().startswith(b"\x89PNG")
    else:
        assert process.returncode == -signal.SIGKILL
        assert len(resume(stopped).losses) >= 100  # the second tenth
    assert call("train", "--resume", stopped, "--record", trace) == 0
    assert call("train", *settings, "--out", whole, "--record", tmp_path / "whole.jsonl") == 0
    for name in ("config.json", "checkpoint.safetensors"):
        assert (stopped / name).read_bytes() == (whole / name).read_bytes()
    assert trace.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_a_run_that_is_being_trained_is_not_trained_by_another_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    words = [*COMMAND, "train", *SMALL, "--steps", "100000", "--out", str(run), "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, pipesize=4096) as process:
        assert process.stdout
        process.stdout.readline()
        assert call("train", "--resume", run, "--engine", "numpy") == 2
        process.kill()
    message = f"microgpt: {run} is being trained by another process. Try again when that has ended.\n"
    assert capsys.readouterr().err == message
    assert json.loads((run / "config.json").read_text())["compute"]["engine"] == "reference"


@pytest.fixture
def small_disk(mount_disk: Callable[[str], Path]) -> Path:
    return mount_disk("48k")


@pytest.mark.slow
def test_on_a_full_disk_it_ends_with_one_line_and_the_run_can_go_on_later(
    small_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    process = subprocess.run(
        [*COMMAND, "train", *SMALL, "--steps", "3000", "--out", str(small_disk / "run"), "--json"],
        capture_output=True,
        text=True,
    )  # the losses alone outgrow half of the disk, and old and new must both fit
    assert process.returncode == 2
    *_, last = process.stderr.splitlines()
    assert last.startswith("microgpt: ")
    assert "No space left on device" in last
    assert "Traceback" not in process.stderr
    assert call("sample", small_disk / "run", "-n", "1") == 0


@pytest.mark.slow
def test_where_the_trace_finds_a_full_disk_the_run_is_saved_and_goes_on_later(
    small_disk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, trace = tmp_path / "run", small_disk / "trace.jsonl"
    options = [*SMALL, "--engine", "numpy", "--steps", "3000"]
    assert call("train", *options, "--out", run, "--record", trace, "--json") == 2
    out, err = capsys.readouterr()
    last = err.splitlines()[-1]
    assert last.startswith(f"microgpt: the trace {trace} cannot be written (No space left on device).")
    assert last.endswith(f"microgpt train --resume {run} --record FILE")
    made = len(out.splitlines())
    assert 0 < made < 3000
    assert trace.read_bytes().endswith(b"\n")
    assert len(read_trace(trace).losses) in (made - 1, made)
    assert len(resume(run).losses) == made
    assert call("train", "--resume", run, "--record", tmp_path / "trace.jsonl") == 0
    assert len(read_trace(tmp_path / "trace.jsonl").losses) == 3000


def test_on_a_read_only_disk_it_ends_with_one_line(small_disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    assert call("train", *SMALL, "--out", small_disk / "run") == 2
    assert capsys.readouterr().err == (
        f"microgpt: the folder {small_disk / 'run'} cannot be made (Read-only file system). Try another: --out FOLDER\n"
    )


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--steps", "0"], "steps=0 is too small"),
        (["--steps", "-5"], "steps=-5 is too small"),
        (["--seed", "-1"], "seed=-1 is too small"),
        (["--n-embd", "10"], "n_embd=10 does not split evenly"),
        (["--val-fraction", "1"], "val_fraction=1.0"),
        (["--data", "/nowhere"], "there is no file /nowhere"),
        (["--data", "/"], "/ is not a file"),
        (["--init-std", "0"], "init_std=0.0"),
        (["--lr", "nan"], "lr=nan is no learning rate"),
        (["--warmup", "-1"], "warmup=-1 is too small"),
        (["--micro-batch", "-1"], "micro_batch=-1 is too small"),
        (["--device", "cuda"], "the reference engine computes on the CPU alone"),
        (["--engine", "numpy", "--dtype", "bfloat16"], "not in bfloat16"),
        (["--sample-every", "-1"], "sample_every=-1 is too small"),
        (["--plot", "loss.txt"], "loss.txt is no picture"),
        (["--plot", "nowhere/loss.png"], "there is no folder nowhere for the plot"),
        (["--record", "nowhere/trace.jsonl"], "there is no folder nowhere for the trace"),
        (["--record", NAMES], "is there already"),
        (["--resume", "/nowhere"], "/nowhere holds no run"),
        (["--resume", "/nowhere", "--steps", "9"], "leave out --steps"),
    ],
)
def test_a_mistake_costs_one_line_and_leaves_nothing_behind(
    options: list[str],
    complaint: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("train", *options) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("microgpt: ")
    assert complaint in err
    assert err.count("\n") == 1
    assert os.listdir(tmp_path) == []


def test_a_stream_is_read_as_one_text_and_what_it_writes_stays_on_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data.txt"
    data.write_text("to be,\nor nöt\n" * 20)
    options = ["--data", data, "--stream", "--engine", "numpy", "--steps", "50", "--sample-every", "25"]
    assert call("train", *options, "--out", tmp_path / "run", "--val-fraction", "0.1") == 0
    lines = capsys.readouterr().out.splitlines()
    assert "252 characters" in lines[0]
    assert lines[1] == "computed by numpy on cpu, float64"  # nothing of it is cut
    written = [line for line in lines if "  writes  " in line]
    assert len(written) == 2
    assert all("\\n" in line and line.isascii() and len(line) < 80 for line in written)


def test_steps_that_are_too_large_end_in_one_line_and_leave_a_run_that_can_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("train", *SMALL, "--lr", "100", "--out", tmp_path / "run") == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "has a loss that is no number" in error
    assert error.endswith("Try a smaller learning rate: --lr 10\n")
    assert call("sample", tmp_path / "run", "-n", "1") == 0


def test_it_says_how_many_documents_are_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data.txt"
    data.write_text("abcdefgh\nabc\nabcdefghi\n")
    assert call("train", "--data", data, "--steps", "1", "--block-size", "8", "--out", tmp_path / "run") == 0
    opening = capsys.readouterr().out.splitlines()
    assert opening[0].endswith("3 documents")
    assert opening[1] == "1 of them cut at 8 characters, the block size"


def test_the_help_imports_nothing_heavy() -> None:
    program = "import sys; from microgpt.cli.train import train; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "safetensors", "rich", "torch", "matplotlib"} & set(loaded)
    assert "click" in loaded


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["numpy", "torch"])
def test_too_little_memory_is_one_line_and_the_run_is_whole(tmp_path: Path, engine: str) -> None:
    limit = 1_500_000_000 if engine == "numpy" else 6_000_000_000  # bytes of address space; torch alone takes 3 GB
    batch, channels = 20_000, 256 if engine == "numpy" else 1024
    words = f"train --engine {engine} --n-embd {channels} --batch {batch} --steps 2 --out {tmp_path / 'run'}".split()
    done = subprocess.run(
        [sys.executable, "-m", "microgpt", *words],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(f"microgpt: the memory is too small for a batch of {batch:,} at once. Try a smaller")
    assert f"--micro-batch {batch // 8}" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert resume(tmp_path / "run").losses == []
