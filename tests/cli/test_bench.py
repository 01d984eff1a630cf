"""`microgpt bench` as it is used: a table, JSON, Ctrl-C, mistakes."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from microgpt.cli import main

COMMAND = [sys.executable, "-m", "microgpt", "bench"]
QUICK = ["--seconds", "0.05"]


def call(*args: str) -> int:
    """Run the command line here, and return its exit code."""
    with pytest.raises(SystemExit) as ended:
        main(["bench", *args])
    code = ended.value.code
    assert isinstance(code, int)
    return code


@pytest.mark.slow
def test_json_is_one_object_and_prose_goes_elsewhere(capfd: pytest.CaptureFixture[str]) -> None:
    assert call("reference", *QUICK, "--batch", "2", "--batch", "4", "--json") == 0
    out, err = capfd.readouterr()
    assert out.startswith('{"format": "microgpt/benchmark/1"')
    assert out.count("\n") == 1
    run = json.loads(out)
    assert run["complete"]
    assert [(at["name"], at["batch"]) for at in run["measurements"]] == [
        ("reference float64", 2),
        ("reference float64", 4),
    ]
    assert all(at["times_microgpt_py"] > 1 for at in run["measurements"])
    assert err == "next: microgpt bench --check\n"


@pytest.mark.slow
def test_piped_it_is_a_table_without_control_codes(capfd: pytest.CaptureFixture[str]) -> None:
    assert call("reference", *QUICK, "--batch", "1") == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert all(char.isprintable() for char in out.replace("\n", ""))
    header, row = out.splitlines()[3:5]
    assert header.split() == ["batch", "steps/s", "docs/s", "tokens/s", "ratio", "memory", "start"]
    assert row.split()[:3] == ["reference", "float64", "1"]
    assert len(row) == len(header) == 79
    assert out.splitlines()[-1] == "next: microgpt bench --check"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux lists a process's children as files")
def test_ctrl_c_prints_what_was_measured_and_ends_what_is_at_work() -> None:
    keyboard, screen = pty.openpty()
    command = [*COMMAND, "reference", *QUICK, "--batch", "1", "--batch", "20000", "--json"]  # a step of minutes
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=screen, text=True) as process:
        os.close(screen)
        shown, started = "", list[str]()
        try:
            while "reference float64, batch 20000" not in shown:
                shown += os.read(keyboard, 4096).decode()
            started = children(process.pid)
            until(lambda: any(cpu_s(child) > 0.6 for child in children(process.pid)[1:]))  # the first is the yardstick
            started = children(process.pid)
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=20)
        except BaseException:  # what is at work would be so for minutes, and starve the tests that follow
            for child in (*started, str(process.pid)):
                with suppress(ProcessLookupError):
                    os.kill(int(child), signal.SIGKILL)
            raise
    os.close(keyboard)
    assert process.returncode == 130
    run = json.loads(out)
    assert not run["complete"]
    assert [(at["name"], at["batch"]) for at in run["measurements"]] == [("reference float64", 1)]
    assert len(started) == 2
    until(lambda: not any(Path(f"/proc/{child}").exists() for child in started))


def children(process: int) -> list[str]:
    return Path(f"/proc/{process}/task/{process}/children").read_text().split()


def cpu_s(process: str) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) / os.sysconf("SC_CLK_TCK")  # of the user's code


def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--against", "fast.py"], "microgpt: the command 'fast.py' must be told the file of names"),
        (["--against", "/nowhere/fast {data} {steps}"], "No such file or directory. Try it by itself first."),
        (["jax"], "'jax' is not one of 'scalar', 'reference', 'numpy', 'torch'"),
        (["--seconds", "0"], "--seconds"),
        (["--batch", "0"], "--batch"),
    ],
)
def test_a_mistake_exits_with_2_and_says_what_to_do(
    options: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(*options) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert complaint in err
    assert "Traceback" not in err


def test_the_help_imports_nothing_heavy() -> None:
    program = "import sys; from microgpt.cli.bench import bench; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "safetensors", "rich", "torch", "sqlite3"} & set(loaded)
    assert "click" in loaded
