"""What docs/conformance.md shows is what `microgpt conform` and the code say."""

import inspect
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from microgpt import reference
from microgpt.config import parameter_shapes
from microgpt.engines.conformance import FLOOR, TOLERANCES
from microgpt.engines.faults import ADAM_FAULTS, FORWARD_FAULTS, GRADIENT_FAULTS
from microgpt.engines.vectors import RECIPES, make_vectors
from tests.cli.conform_ports import (
    CUT_OFF,
    ROOT,
    TARGET,
    TARGET_JS,
    Captured,
    call,
    plant,
    python,
)

DOC = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")


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


@pytest.mark.slow
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
