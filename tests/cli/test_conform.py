"""`microgpt conform` as it is used: on real programs, right ones, faulty ones and such that give no answer."""

import json
import os
import shlex
import sys
import time
from pathlib import Path

import pytest

from microgpt.engines.vectors import RECIPES
from tests.cli.conform_ports import PLANTED, PLANTED_JS, TARGET, TARGET_JS, Captured, call, found, node, plant, python


@pytest.mark.slow
@pytest.mark.parametrize("fault", PLANTED)
def test_a_fault_planted_in_the_python_example_is_named(fault: str, tmp_path: Path, capsys: Captured) -> None:
    planted = PLANTED[fault]
    names = found(python(plant(TARGET, planted.edits, tmp_path / "port.py")), capsys)
    assert list(names) == [planted.stage]
    assert names[planted.stage][0] == planted.name


@pytest.mark.slow
@pytest.mark.parametrize("fault", PLANTED_JS)
def test_a_fault_planted_in_the_javascript_example_is_named(fault: str, tmp_path: Path, capsys: Captured) -> None:
    planted = PLANTED_JS[fault]
    names = found(node(plant(TARGET_JS, planted.edits, tmp_path / "port.js")), capsys)
    assert names == {planted.stage: [planted.name]}


@pytest.mark.slow
def test_three_faults_in_one_port_are_all_named(tmp_path: Path, capsys: Captured) -> None:
    edits = {key: new for name in ("epsilon 1e-6", "keys and values cut off", "no bias correction")
             for key, new in PLANTED[name].edits.items()}  # fmt: skip
    assert found(python(plant(TARGET, edits, tmp_path / "port.py")), capsys) == {
        "forward": ["rmsnorm-epsilon-1e-06"],
        "gradients": ["keys-and-values-cut-off"],
        "weights": ["no-bias-correction"],
    }


def test_the_python_example_is_the_same_function(capsys: Captured) -> None:
    assert call(python(TARGET)) == 0
    assert "the same function" in capsys.readouterr().out


@pytest.mark.slow
def test_the_javascript_example_is_the_same_function(capsys: Captured) -> None:
    assert call(node(TARGET_JS)) == 0
    assert "the same function" in capsys.readouterr().out


def test_an_engine_is_told_with_every_vector_and_a_next_command(capsys: Captured) -> None:
    assert call("numpy") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[3 : 3 + len(RECIPES)]] == [recipe.name for recipe in RECIPES]
    assert lines[-2:] == ["the same function: no difference is above 1e-09", "next: microgpt reproduce"]


@pytest.mark.slow
def test_a_faulty_port_is_told_in_lines_of_80_columns_without_control_codes(tmp_path: Path, capsys: Captured) -> None:
    edits = {
        "(score + top).exp()": "score.exp()",
        "0.85 * m + 0.15": "0.9 * m + 0.1",
        "0.85**": "0.9**",
        "parent.grad +=": "parent.grad = 2 *",
    }
    port = plant(TARGET, edits, tmp_path / "port.py")
    assert call(python(port)) == 1
    out = capsys.readouterr().out
    assert "Adam's betas" in out
    assert "no fault that is known" in out
    assert out.endswith(f"not the same function\nnext: microgpt conform {shlex.quote(python(port))}\n")
    text = out.replace(python(port), "")  # a path may be as long as it likes
    assert all(len(line) <= 80 for line in text.splitlines())
    assert all(char.isprintable() for char in text.replace("\n", ""))


SAYS = {
    "import os; os.write(1, b'')": "wrote nothing",
    "print('loading'); print({})": "wrote no JSON object, but what begins so: loading?{}",
    "print('\\x1b[31m')": "begins so: ?[31m",
    "print('[' * 10**5)": "wrote no JSON object",
    "print('[]')": "wrote the answer as no JSON object",
    "print('{\"loss\": 1}')": "left 'logits' out of the answer; in it: loss",
    "import sys; sys.exit(3)": "ended with exit code 3, without a word",
    "1 / 0": "ended with exit code 1: ZeroDivisionError: division by zero",
    "import os; os.kill(os.getpid(), 9)": "was killed by signal 9",
    "import time; time.sleep(60)": "gave no answer within 0.5 s",
}


@pytest.mark.parametrize("program", SAYS)
def test_a_port_without_an_answer_is_told_what_it_did_instead(program: str, capsys: Captured) -> None:
    timeout = "0.5" if "sleep" in program else "60"
    assert call(shlex.join([sys.executable, "-c", program]), "--timeout", timeout) == 2
    told = capsys.readouterr().err
    assert SAYS[program] in told
    assert "vector one-layer" in told
    assert " Try " in told
    assert told.count("\n") == 1


ANSWERS = {
    "a['loss'] = 'low'": 'wrote "low" in loss, where a number must stand',
    "a['loss'] = True": "wrote true in loss",
    "a['logits'] = a['logits'][1:]": "wrote logits in a wrong shape (2 x 5): it must be a list of 3 rows of 5 numbers",
    "a['logits'] = 1": "wrote logits in a wrong shape",
    "a['logits'][1] = []": "wrote logits in a wrong shape",
    "del a['weights']['wpe']": "left 'wpe' out of weights",
    "a['gradients'] = []": "wrote gradients as no JSON object",
    "m = a['gradients']; m['layer0.fc1'] = m['layer0.fc2']": "gradients of layer0.fc1 in a wrong shape (8 x 32)",
}


def answering(edit: str, tmp_path: Path) -> str:
    """Return a target that answers rightly, and then has its answer edited."""
    last = "json.dump(answer(json.load(sys.stdin)), sys.stdout)"
    edits = {last: f"a = answer(json.load(sys.stdin)); {edit}; print(json.dumps(a))"}
    return python(plant(TARGET, edits, tmp_path / "port.py"))


@pytest.mark.parametrize("edit", ANSWERS)
def test_an_answer_of_another_form_is_told_where(edit: str, tmp_path: Path, capsys: Captured) -> None:
    assert call(answering(edit, tmp_path)) == 2
    assert ANSWERS[edit] in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    "number",
    ["float('nan')", "None", *(pytest.param(large, marks=pytest.mark.slow) for large in ("float('inf')", "10**400"))],
)
def test_a_number_that_went_wrong_is_another_function(number: str, tmp_path: Path, capsys: Captured) -> None:
    assert call(answering(f"a['gradients']['wpe'][0][0] = {number}", tmp_path)) == 1
    assert "It is no number" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["no-such-command"], "no-such-command cannot be started (No such file or directory)"),
        (["'"], "is no command (No closing quotation)"),
        (["  "], "is no command"),
        (["scalar", "--dtype", "float32"], "the scalar engine computes in float64"),
        ([], "Give a TARGET"),
        (["numpy", "--vectors"], "Give a TARGET"),
        (["numpy", "--timeout", "0"], "--timeout"),
    ],
)
def test_a_wrong_call_is_told_with_a_next_step(args: list[str], told: str, capsys: Captured) -> None:
    assert call(*args) == 2
    assert told in capsys.readouterr().err


@pytest.mark.slow
def test_a_port_that_is_too_slow_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    started = tmp_path / "pid"
    port = ["sh", "-c", f"sleep 60 & echo $! > {shlex.quote(str(started))}; wait"]
    assert call(shlex.join(port), "--timeout", "2") == 2
    pid, deadline = int(started.read_text()), time.monotonic() + 20
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_alive(pid)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z")  # ended, not yet buried


def test_json_is_one_object_and_prose_goes_elsewhere(capsys: Captured) -> None:
    assert call("numpy", "--json", "--dtype", "float32") == 0
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert next(iter(report)) == "format"
    assert (report["format"], report["same"], report["tolerance"]) == ("microgpt/conformance/1", True, 1e-4)
    assert [each["name"] for each in report["vectors"]] == [recipe.name for recipe in RECIPES]
    assert "the same function" in err
