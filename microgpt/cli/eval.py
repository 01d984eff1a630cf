"""``microgpt eval``: how well a model predicts text that it never saw, and how much of what it writes is new."""

import json
import math
import shlex
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from microgpt.cli import program
from microgpt.cli.live import finite, printable
from microgpt.config import ENGINES, ComputeConfig

if TYPE_CHECKING:  # numpy would make `--help` slow
    from microgpt.training.evaluation import Evaluation, Measured, Written

CERTAIN = 2  # standard errors: a difference below is not told from chance

EPILOG = """\b
Examples:
  microgpt eval runs/names-1
  microgpt eval runs/names-1 --samples 1000 --engine numpy
  microgpt eval runs/names-1 --samples 0 --json
"""


@click.command(name="eval", epilog=EPILOG)
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--samples", type=int, help="How many it writes. [default: 100 documents, or 10 texts of a stream]")
@click.option("--engine", type=click.Choice(ENGINES), help="Who computes. [default: who trained it]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def eval(run: Path, samples: int | None, engine: str | None, as_json: bool) -> None:
    """Measure a trained model on text that it never saw.

    Text is held out by `microgpt train --val-fraction 0.1`. Without any, the loss on what the model was trained on is
    all there is, and that falls also where a model only learns by heart.
    """
    from microgpt.training.evaluation import evaluate_run

    compute = ComputeConfig(engine=engine) if engine else None
    found = evaluate_run(run, samples=samples, compute=compute, report=report_live)
    if as_json:
        click.echo(json.dumps({"format": "microgpt/evaluation/1", "run": str(run), **_to_json(found)}))
    else:
        click.echo(_to_text(run, found))
    command = "sample" if found.step == found.config.training.steps else "train --resume"
    click.echo(f"next: {program()} {command} {shlex.quote(str(run))}", err=as_json)


def report_live(what: str, done: int, total: int) -> None:
    """Say how far the work is, on a line that is taken away at the end; nothing where nobody looks at a terminal."""
    if sys.stderr.isatty():
        width = min(shutil.get_terminal_size().columns, 80) - 1
        line = f"measuring {what}: {done:,} of {total:,}" if done < total else ""
        click.echo("\r" + line[:width].ljust(width) + "\r" * (not line), nl=False, err=True)


def measured_to_json(measured: "Measured") -> dict[str, object]:
    """Return a loss and what it was measured on, as JSON has it."""
    return {
        **asdict(measured),
        "loss": finite(measured.loss),
        "standard_error": measured.standard_error and finite(measured.standard_error),
        "bits_per_character": finite(measured.bits_per_character),
    }


def _to_json(found: "Evaluation") -> dict[str, object]:
    return {
        "step": found.step,
        "steps": found.config.training.steps,
        "stream": found.config.stream,
        "held_out": found.held_out and measured_to_json(found.held_out),
        "trained_on": measured_to_json(found.trained_on),
        "letters": found.letters,
        "guess": found.guess,
        "samples": found.written and {**asdict(found.written), "interval": found.written.interval},
    }


def _to_text(run: Path, found: "Evaluation") -> str:
    training, model = found.config.training, found.config.model
    measured = {"held out": found.held_out, "trained on": found.trained_on}
    lines = [
        printable(f"run {run}: {model.n_params:,} parameters, {found.step:,} of {training.steps:,} steps"),
        "",
        f"{'':13}nats a token     bits a character",
        *(_row(name, at, found.config.stream) for name, at in measured.items() if at),
        f"{'letters':12}{found.letters:6.3f}{'':22}knows how often each comes, and no more",
        f"{'guess':12}{found.guess:6.3f}{'':22}knows nothing: ln {model.vocab_size}",
        "",
        _gap(found),
        _bits(found),
    ]
    return "\n".join(lines + ([_written(found.written)] if found.written else []))


def _row(name: str, at: "Measured", stream: bool) -> str:
    error = "" if at.standard_error is None else f"± {at.standard_error:.3f}"
    size = f"{at.characters:,} characters" if stream else f"{at.sequences:,} document{'s' * (at.sequences > 1)}"
    return f"{name:12}{at.loss:6.3f} {error:10}{at.bits_per_character:8.3f}   {size}"


def _gap(found: "Evaluation") -> str:
    """Say what the difference between the two losses shows, which is nothing where it could be chance."""
    held_out, trained_on = found.held_out, found.trained_on
    if held_out is None:
        return (
            "Nothing was held out, so this loss is on text that the model was trained on; it\n"
            "falls also where a model only learns by heart. To hold some out, train with:\n"
            "--val-fraction 0.1"
        )
    gap = held_out.loss - trained_on.loss
    if held_out.standard_error is None or trained_on.standard_error is None:
        return f"gap {gap:.3f}: too little text to tell it from chance"
    error = math.hypot(held_out.standard_error, trained_on.standard_error)
    if abs(gap) < CERTAIN * error:
        verdict = "could be chance; no sign that it learnt by heart"
    elif gap > 0:
        verdict = "it learnt some of its training data by heart"
    else:
        verdict = "what was held out is easier, as it happens"
    return f"gap {gap:.3f} ± {error:.3f}: {verdict}"


def _bits(found: "Evaluation") -> str:
    """Say how the first row's bits come from its nats."""
    at = found.held_out or found.trained_on
    if found.config.stream:
        return f"bits {at.bits_per_character:.3f} = {at.loss:.3f} / ln 2: here every prediction is a character"
    return (
        f"bits {at.bits_per_character:.3f} = {at.loss:.3f} x {at.predictions:,} predictions / ln 2 / "
        f"{at.characters:,} characters;\n     the end of a document is predicted too, and is no character"
    )


def _written(written: "Written") -> str:
    low, high = written.interval
    return (
        f"writes {written.number:,} at temperature {written.temperature:g}: {written.distinct:,} different; "
        f"{written.novel:,} new, {written.novel / written.number:.0%}\n"
        f"     (with 95% confidence, {low:.0%} to {high:.0%} of all that it would write are)"
    )
