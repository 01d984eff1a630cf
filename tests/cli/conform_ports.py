"""The example ports with a known fault planted into each, and how a test judges one."""

import json
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from microgpt.cli import main

ROOT = Path(__file__).parents[2]
TARGET = ROOT / "examples" / "conform" / "target.py"
TARGET_JS = TARGET.with_suffix(".js")
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
