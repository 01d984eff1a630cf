"""``microgpt conform``: is an engine, or a port in any language, the reference's function, and if not, why?"""

import json
import math
import shlex
import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from microgpt.cli import INTERRUPTED, program
from microgpt.config import ENGINES, ComputeConfig
from microgpt.errors import PortError

if TYPE_CHECKING:  # numpy would make `--help` slow
    from microgpt.engines.conformance import Finding, Report, Stage

EPILOG = """\b
Examples:
  microgpt conform numpy
  microgpt conform "python examples/conform/target.py"
  microgpt conform "node my-port.js" --dtype float32
  microgpt conform --vectors > vectors.json
"""
WIDTH = 80
STAGES: "dict[Stage, str]" = {"forward": "forward", "gradients": "gradients", "weights": "Adam"}


@click.command(epilog=EPILOG)
@click.argument("target", required=False)
@click.option(
    "--dtype", type=click.Choice(["float64", "float32"]), default="float64", show_default=True, help="Its numbers."
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    metavar="S",
    help="Seconds for each vector.",
)
@click.option("--vectors", is_flag=True, help="Print the test vectors with what is expected.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def conform(target: str | None, dtype: str, timeout: float, vectors: bool, as_json: bool) -> None:
    """Check that TARGET is the reference's function, or name its fault.

    TARGET is an engine (scalar, reference, numpy, torch) or a command that reads a test vector on stdin and writes its
    answer on stdout, see docs/conformance.md. Exits with 0 for the same function, with 1 for another, with 2 if there
    was no answer to check.
    """
    from microgpt.engines.conformance import TOLERANCES, conform_engine, conform_port
    from microgpt.engines.vectors import vectors_object

    if bool(target) == vectors:
        raise click.UsageError("Give a TARGET to check, or --vectors to print what it would be asked.")
    if target is None:
        click.echo(json.dumps(vectors_object()))
        return
    try:
        if target in ENGINES:
            report = conform_engine(ComputeConfig(engine=target, dtype=dtype), TOLERANCES[dtype])
        else:
            report = conform_port(_split(target), TOLERANCES[dtype], timeout)
    except KeyboardInterrupt:  # else it would end with 1, the code for another function
        raise SystemExit(INTERRUPTED) from None
    if as_json:
        click.echo(json.dumps(_to_json(report, target, dtype)))
    _say(report, target, dtype, err=as_json)
    raise SystemExit(0 if report.same else 1)


def _split(target: str) -> list[str]:
    try:
        words = shlex.split(target)
    except ValueError as error:
        raise PortError(f"{target!r} is no command ({error}). Try closing what is quoted.") from None
    if not words:
        raise PortError(f"{target!r} is no command. Try one that runs here, such as 'python target.py'.")
    return words


def _say(report: "Report", target: str, dtype: str, *, err: bool) -> None:
    """Print how far each vector is off, what is wrong in each stage, and the verdict."""
    lines = [f"{_visible(target)}: {len(report.worst)} vectors in {dtype}, relative differences from the reference", ""]
    lines.append(f"{'vector':14}" + "".join(f"{title:>14}" for title in STAGES.values()))
    for vector, worst in report.worst.items():
        cells = [_cell(report, vector, worst.get(stage)) for stage in STAGES]
        lines.append((f"{vector:14}" + "".join(f"{cell:>14}" for cell in cells)).rstrip())
    for finding in report.findings:
        lines += ["", *_explained(finding, report.failures if finding.stage == "forward" else {})]
    if report.same:
        following = "reproduce" if target in ENGINES else "conform --vectors > vectors.json"
        lines += ["", f"the same function: no difference is above {report.tolerance:g}"]
    else:
        following = f"conform {shlex.quote(target)}"
        lines += ["", *_wrapped(_what_is_right(report), indent="", hanging=""), "not the same function"]
    lines.append(f"next: {program()} {following}")
    click.echo("\n".join(lines), err=err)


def _cell(report: "Report", vector: str, distance: float | None) -> str:
    if distance is None:
        return "-  "
    if math.isinf(distance):
        return "failed *" if vector in report.failures else "no number *"
    return f"{distance:.1e} {'*' if distance > report.tolerance else ' '}"


def _explained(finding: "Finding", failures: dict[str, str]) -> list[str]:
    """Return what is wrong in a stage: the fault, if it is known, and the first number that is another."""
    title, at = STAGES[finding.stage], finding.difference
    if finding.faults:
        what = ", or ".join(fault.what for fault in finding.faults)
        lines = [*_wrapped(f"{title}: {what}.", indent=""), *_wrapped(finding.faults[0].look)]
    else:
        lines = [f"{title}: no fault that is known gives these numbers."]
        lines += _wrapped(finding.clue) if finding.clue else []
    if at:
        place = at.tensor + "".join(f"[{i}]" for i in at.index)
        lines += _wrapped(
            f"First wrong tensor: {at.tensor} in {at.vector}, the most at {place}, which is {at.got:.8g}, "
            f"not {at.expected:.8g}. Wrong in: {', '.join(at.wrong_in)}."
        )
    return lines + [line for vector, said in failures.items() for line in _wrapped(f"On {vector} it failed: {said}")]


def _what_is_right(report: "Report") -> str:
    wrong = {finding.stage for finding in report.findings}
    right = [STAGES[stage] for stage in report.judged if stage not in wrong]
    sentences = [f"Right: {', '.join(right)}."] if right else []
    if "forward" in wrong and "gradients" in report.judged:
        sentences.append("Gradients are judged as those of the function that was found.")
    if "gradients" not in report.judged:
        sentences.append("Gradients are not judged: they belong to a function that is not known.")
    if report.in_single_precision:
        sentences.append("The differences are as small as those of float32: if that is meant, add --dtype float32.")
    return " ".join(sentences)


def _wrapped(text: str, indent: str = "  ", hanging: str = "  ") -> list[str]:
    return textwrap.wrap(
        _visible(text), WIDTH, initial_indent=indent, subsequent_indent=hanging, break_on_hyphens=False
    )


def _visible(text: str) -> str:
    """Leave out what would steer a terminal: a part of this was written by the port."""
    return "".join(char if char.isprintable() else "?" for char in text)


def _to_json(report: "Report", target: str, dtype: str) -> dict[str, object]:
    return {
        "format": "microgpt/conformance/1",
        "target": target,
        "dtype": dtype,
        "tolerance": report.tolerance,
        "same": report.same,
        "judged": report.judged,
        "findings": [
            {
                "stage": finding.stage,
                "faults": [{"name": fault.name, "what": fault.what, "look": fault.look} for fault in finding.faults],
                "clue": finding.clue,
                "first": finding.difference
                and {
                    **asdict(finding.difference),
                    "got": _number(finding.difference.got),
                    "relative": _number(finding.difference.relative),
                },
            }
            for finding in report.findings
        ],
        "vectors": [
            {
                "name": vector,
                "differences": {stage: _number(worst[stage]) for stage in worst},
                "failure": report.failures.get(vector),
            }
            for vector, worst in report.worst.items()
        ],
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None  # JSON knows no other
