"""`microgpt conform` as it is used: on real programs, right ones, faulty ones and such that give no answer."""

import inspect
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from microgpt import reference
from microgpt.cli import main
from microgpt.config import parameter_shapes
from microgpt.engines.conformance import FLOOR, TOLERANCES
from microgpt.engines.faults import ADAM_FAULTS, FORWARD_FAULTS, GRADIENT_FAULTS
from microgpt.engines.vectors import RECIPES, make_vectors

ROOT = Path(__file__).parents[2]
TARGET = ROOT / "examples" / "conform" / "target.py"
TARGET_JS = TARGET.with_suffix(".js")
DOC = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
CUT_OFF = {
    " keys.append(": " keys[:], values[:] = detached(keys), detached(values)\n            keys.append(",
    "def gpt(": "def detached(rows):\n    return each(lambda number: Number(number.value), rows)\n\n\ndef gpt(",
}


@dataclass(frozen=True, kw_only=True)
class Planted:
    """Edits of examples/conform/target.py that give it a fault."""

    edits: dict[str, str]
    stage: str
    name: str


IN_STACK_ORDER = {"stack.append((number, True))": "order.append(number)", "reversed(order)": "order"}
PLANTED = {
    "backward in stack order": Planted(edits=IN_STACK_ORDER, stage="gradients", name="stack-order"),
    "backward in stack order, from the right": Planted(
        edits={**IN_STACK_ORDER, "for parent in number.parents)": "for parent in number.parents[::-1])"},
        stage="gradients",
        name="stack-order",
    ),
    "gradient overwritten": Planted(
        edits={"grad += slope": "grad = slope"}, stage="gradients", name="gradient-overwritten"
    ),
    "keys and values cut off": Planted(edits=CUT_OFF, stage="gradients", name="keys-and-values-cut-off"),
    "no bias correction": Planted(
        edits={" / (1 - 0.85**step)": "", " / (1 - 0.99**step)": ""}, stage="weights", name="no-bias-correction"
    ),
    "epsilon 1e-6": Planted(edits={"1e-5": "1e-6"}, stage="forward", name="rmsnorm-epsilon-1e-06"),
    "epsilon 1e-8": Planted(edits={"1e-5": "1e-8"}, stage="forward", name="rmsnorm-epsilon-1e-08"),
    "no epsilon": Planted(edits={"1e-5": "0.0"}, stage="forward", name="rmsnorm-epsilon-0"),
    "mask one behind": Planted(
        edits={"n_head\n    out": "n_head\n    keys, values = keys[:-1] or keys, values[:-1] or values\n    out"},
        stage="forward",
        name="mask-without-itself",
    ),
    "scores not scaled": Planted(edits={" * Number(size**-0.5)": ""}, stage="forward", name="scores-not-scaled"),
    "no maximum": Planted(
        edits={"(score + top).exp()": "score.exp()"}, stage="forward", name="attention-softmax-overflows"
    ),
    "heads side by side": Planted(
        edits={"own = slice(head * size, (head + 1) * size)": "own = slice(head, None, n_head)"},
        stage="forward",
        name="heads-split-otherwise",
    ),
}
PLANTED_JS = {
    "mask one ahead": Planted(edits={"slice(0, t + 1)": "slice(0, t + 2)"}, stage="forward", name="mask-one-ahead"),
    "no maximum": Planted(
        edits={"Math.exp(score - top)": "Math.exp(score)"}, stage="forward", name="attention-softmax-overflows"
    ),
    "keys cut off": Planted(
        edits={"gk[s][c] += ": "if (s === t) gk[s][c] += "}, stage="gradients", name="keys-and-values-cut-off"
    ),
}
Captured = pytest.CaptureFixture[str]


def plant(source: Path, edits: dict[str, str], target: Path) -> Path:
    text = source.read_text(encoding="utf-8")
    for old, new in edits.items():
        assert old in text
        text = text.replace(old, new)
    target.write_text(text, encoding="utf-8")
    return target


def python(script: Path | str) -> str:
    return shlex.join([sys.executable, str(script)])


def node(script: Path) -> str:
    if not shutil.which("node"):
        pytest.skip("node is not installed")
    return shlex.join(["node", str(script)])


def call(*args: str) -> int:
    """Run the command line here, and return its exit code."""
    with pytest.raises(SystemExit) as ended:
        main(["conform", *args])
    code = ended.value.code
    assert isinstance(code, int)
    return code


def found(target: str, capsys: Captured) -> dict[str, list[str]]:
    """Return the names of the faults that are found in a target, by stage."""
    assert call(target, "--json") == 1
    report = json.loads(capsys.readouterr().out)
    assert not report["same"]
    return {each["stage"]: [fault["name"] for fault in each["faults"]] for each in report["findings"]}


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


def test_the_javascript_example_is_the_same_function(capsys: Captured) -> None:
    assert call(node(TARGET_JS)) == 0
    assert "the same function" in capsys.readouterr().out


def test_an_engine_is_told_with_every_vector_and_a_next_command(capsys: Captured) -> None:
    assert call("numpy") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[3 : 3 + len(RECIPES)]] == [recipe.name for recipe in RECIPES]
    assert lines[-2:] == ["the same function: no difference is above 1e-09", "next: microgpt reproduce"]


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


# ---- docs/conformance.md ----


def test_the_documented_way_to_read_the_vectors_works(tmp_path: Path) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", DOC, re.DOTALL)
    written = subprocess.run(
        [sys.executable, "-m", "microgpt", "conform", "--vectors"], capture_output=True, check=True
    )
    (tmp_path / "vectors.json").write_bytes(written.stdout)
    read = subprocess.run(
        [sys.executable, "-c", block + "print(len(file['vectors']))"], cwd=tmp_path, stdout=subprocess.PIPE
    )
    assert (read.returncode, int(read.stdout)) == (0, len(RECIPES))


def test_the_documented_output_is_what_is_printed(tmp_path: Path, capsys: Captured) -> None:
    port = plant(TARGET, CUT_OFF, tmp_path / "port.py")
    assert call(python(port)) == 1
    (block,) = re.findall(r"```text\n(.*?)```", DOC, re.DOTALL)
    printed = capsys.readouterr().out.replace(python(port), "python port.py")
    last_digits = re.compile(r" *\d\.\de-1\d| *0\.0e\+00")  # they differ between versions of Python
    assert last_digits.sub(" ~", printed) == last_digits.sub(" ~", block)


def test_the_documented_tables_are_those_of_the_code() -> None:
    stages = (("forward", FORWARD_FAULTS), ("gradients", GRADIENT_FAULTS), ("Adam", ADAM_FAULTS))
    faults = [f"| {stage} | `{fault.name}` | {fault.what} |" for stage, known in stages for fault in known]
    vectors = [f"| `{recipe.name}` | {recipe.shows} |" for recipe in RECIPES]
    full = next(vector for vector in make_vectors() if vector.name == "full-context")
    matrices = [f"| `{name}` | {rows} x {columns} |" for name, (rows, columns) in parameter_shapes(full.config).items()]
    for table in (faults, vectors, matrices):
        assert "\n".join(["---|", *table, ""]) in DOC


def test_the_documented_numbers_are_those_of_the_code() -> None:
    default = inspect.signature(reference.adam).parameters
    assert f"betas {default['beta1'].default} and {default['beta2'].default}" in DOC
    assert f"epsilon {default['eps'].default:.0e}".replace("e-08", "e-8") in DOC
    assert f"is at most {TOLERANCES['float64']:g}; with `--dtype float32` at\nmost {TOLERANCES['float32']:.0e}." in DOC
    assert f"{FLOOR:g} of the largest entry" in DOC


def test_every_documented_command_is_one_that_runs() -> None:
    for line in re.findall(r"^    microgpt conform (.*)$", DOC, re.MULTILINE):
        (target,) = shlex.split(line)
        assert target in (
            "numpy",
            *(f"{by} {path.relative_to(ROOT)}" for by, path in (("python", TARGET), ("node", TARGET_JS))),
        )
