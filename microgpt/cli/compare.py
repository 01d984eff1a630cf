"""``microgpt compare``: runs side by side, in letters for columns: A, B and so on."""

import json
import shlex
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import click

from microgpt.cli import program
from microgpt.cli.eval import measured_to_json, report_live
from microgpt.cli.live import finite, printable
from microgpt.config import ENGINES, ComputeConfig, GPTConfig, TrainConfig

if TYPE_CHECKING:  # numpy would make `--help` slow
    from microgpt.training.comparison import Compared, Comparison, Setting
    from microgpt.training.sampling import Sample

WIDTH = 80
TENTHS = 10  # of a run, each with its mean loss
BLOCK = 4  # runs beside one another: more columns would be too narrow for a name
NAMES = 14  # columns, for the names of settings

EPILOG = """\b
Examples:
  microgpt compare runs/names-1 runs/names-2
  microgpt compare runs/* --json
"""


@click.command(epilog=EPILOG)
@click.argument("runs", metavar="RUN RUN [RUN...]", nargs=-1, type=click.Path(path_type=Path))
@click.option("--engine", type=click.Choice(ENGINES), help="Who computes. [default: who trained each]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def compare(runs: tuple[Path, ...], engine: str | None, as_json: bool) -> None:
    """Put runs side by side: settings, losses, samples.

    The samples of all runs come from the same random draws, so that only the models differ.
    """
    from microgpt.training.comparison import compare_runs

    compute = ComputeConfig(engine=engine) if engine else None
    found = compare_runs(runs, compute=compute, report=report_live)
    click.echo(json.dumps(_to_json(found)) if as_json else "\n\n".join(_to_text(found)))
    click.echo(f"next: {program()} eval {shlex.quote(str(runs[0]))}", err=as_json)


def _to_json(found: "Comparison") -> dict[str, object]:
    return {
        "format": "microgpt/comparison/1",
        "runs": [
            {
                "run": str(run.folder),
                "step": len(run.losses),
                "steps": run.config.training.steps,
                "tenths": [loss if loss is None else finite(loss) for loss in _tenths(run)],
                "held_out": run.held_out and measured_to_json(run.held_out),
                "samples": [{"text": sample.text, "novelty": sample.novelty} for sample in run.samples],
            }
            for run in found.runs
        ],
        "differing": found.differing,
        "same": found.same,
        "cautions": found.cautions,
    }


def _to_text(found: "Comparison") -> Iterator[str]:
    """Give the parts of what is shown, each some lines."""
    from microgpt.training.comparison import LETTERS

    named = dict(zip(LETTERS, found.runs, strict=False))
    yield "\n".join(_title(letter, run) for letter, run in named.items())
    yield "\n".join([*_differing(found), textwrap.fill(_same(found.same), WIDTH)])
    yield _losses(named)
    if found.cautions:
        yield "\n".join(textwrap.fill(caution, WIDTH) for caution in found.cautions)
    yield "\n".join(_samples(named))


def _title(letter: str, run: "Compared") -> str:
    steps = run.config.training.steps
    stopped = "" if len(run.losses) == steps else f", stopped at step {len(run.losses):,} of {steps:,}"
    return f"{letter}  {printable(str(run.folder))}{stopped}"


def _differing(found: "Comparison") -> Iterator[str]:
    """Give a table of the settings that differ, a block of runs below the other where they are many."""
    from microgpt.training.comparison import LETTERS

    for start in range(0, len(found.runs) if found.differing else 0, BLOCK):
        letters = LETTERS[start : min(start + BLOCK, len(found.runs))]
        width = (WIDTH - NAMES) // len(letters)
        yield f"{'differs':{NAMES}}" + "".join(f"{letter:>{width}}" for letter in letters)
        for name, values in found.differing.items():
            cells = [_tail(_shown(value), width - 2) for value in values[start : start + BLOCK]]
            yield f"{name:{NAMES}}" + "".join(f"{cell:>{width}}" for cell in cells)


def _same(same: "Mapping[str, Setting]") -> str:
    """Say in a sentence what is the same; most of it is as it always is, and need not be read."""
    usual = {**vars(GPTConfig(vocab_size=1)), **vars(TrainConfig()), **vars(ComputeConfig())}
    usual |= {name: same.get(name) for name in ("sha256", "vocab_size")}  # both follow from the data
    told = [f"{name} {_shown(value)}" for name, value in same.items() if usual.get(name, False) != value]
    return f"the same: {', '.join([*told, 'and all else as by default'])}"


def _losses(named: "Mapping[str, Compared]") -> str:
    from microgpt.training.comparison import curves

    drawn = zip(named, curves(list(named.values()), WIDTH - 3), strict=True)
    header = "tenth" + "".join(f"{number:{7 if number > 1 else 4}}" for number in range(1, TENTHS + 1))
    return "\n".join(
        [
            "training loss, nats a token, on one scale; then the mean of each tenth of a run",
            *(f"{letter}  {curve}" for letter, curve in drawn),
            header,
            *(f"{letter} " + "".join(map(_figure, _tenths(run))).rstrip() for letter, run in named.items()),
            *(f"held out, {letter}: {_held_out(run)}" for letter, run in named.items()),
        ]
    )


def _tenths(run: "Compared") -> list[float | None]:
    from microgpt.training.comparison import stretches

    return stretches(run.losses, run.config.training.steps, TENTHS)


def _figure(loss: float | None) -> str:
    return f"{loss:7.3f}" if loss is not None else f"{'-':>7}"


def _held_out(run: "Compared") -> str:
    if run.held_out:
        error = run.held_out.standard_error
        return f"{run.held_out.loss:.3f}" + (f" ± {error:.3f}" if error is not None else "")
    return "its data is gone" if run.config.training.val_fraction else "nothing was (--val-fraction 0.1)"


def _samples(named: "Mapping[str, Compared]") -> Iterator[str]:
    """Give what the runs write, in columns."""
    letters = list(named)
    for start in range(0, len(letters), BLOCK):
        block = letters[start : start + BLOCK]
        width = (WIDTH + 2) // len(block) - 2
        columns = [_column(f"{letter} writes", named[letter].samples, width) for letter in block]
        for cells in zip_longest(*columns, fillvalue=""):
            yield "  ".join(f"{cell:{width}}" for cell in cells).rstrip()
    yield "* stands in the data that it was trained on"


def _column(title: str, samples: "Sequence[Sample]", width: int) -> list[str]:
    """Return texts as lines of a width; a text with line ends keeps them."""
    marked = (sample.text + " *" * (sample.novelty == "in the data") for sample in samples)
    lines = [printable(line) for text in marked for line in text.split("\n")]
    return [title, *(line[at : at + width] for line in lines for at in range(0, len(line) or 1, width))]


def _shown(value: "Setting") -> str:
    return printable(value) if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else f"{value}"


def _tail(text: str, width: int) -> str:
    """Cut a text at its front: the end of a path says more than its beginning."""
    return text if len(text) <= width else "..." + text[3 - width :]
