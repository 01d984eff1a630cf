"""``microgpt sample``: what a trained model writes, and whether it is new."""

import json
import shlex
from collections import Counter
from pathlib import Path

import click

from microgpt.cli import program
from microgpt.config import ENGINES, ComputeConfig

EPILOG = """\b
Examples:
  microgpt sample runs/names-1
  microgpt sample runs/names-1 -n 5 --prompt ma --temperature 0.8
  microgpt sample runs/shakespeare-1 --length 500 --prompt "ROMEO:"
"""


@click.command(epilog=EPILOG)
@click.argument("run", type=click.Path(path_type=Path))
@click.option("-n", "--number", type=int, help="How many. [default: 20 documents, or 1 text of a stream]")
@click.option("--temperature", type=float, default=0.5, show_default=True, help="Below 1, likely tokens get likelier.")
@click.option("--seed", type=int, help="Of the draws. [default: go on from the training]")
@click.option("--prompt", metavar="TEXT", default="", help="How each begins.")
@click.option("--length", type=int, help="Characters of a stream. [default: the block size]")
@click.option("--engine", type=click.Choice(ENGINES), help="Who computes. [default: who trained it]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a sample on stdout.")
def sample(
    run: Path,
    number: int | None,
    temperature: float,
    seed: int | None,
    prompt: str,
    length: int | None,
    engine: str | None,
    as_json: bool,
) -> None:
    """Let a trained model write, and say what of it is new.

    "in the data": the model was trained on just this text; of a stream, on one that it stands in. "unknown": the data
    is gone or has changed.
    """
    from microgpt.training.sampling import write_samples

    compute = ComputeConfig(engine=engine) if engine else None
    samples = write_samples(
        run, number=number, temperature=temperature, seed=seed, prompt=prompt, length=length, compute=compute
    )
    novelties = Counter[str]()
    for written in samples:
        novelties[written.novelty] += 1
        if as_json:
            result = {"format": "microgpt/sample/1", "text": written.text, "novelty": written.novelty}
            click.echo(json.dumps(result))
        elif "\n" in written.text:
            click.echo(f"{_visible(written.text)}\n-- {written.novelty}\n")
        else:
            click.echo(f"{_visible(written.text):20}  {written.novelty}")
    counts = ", ".join(f"{count} {novelty}" for novelty, count in novelties.items())
    click.echo(f"{novelties.total()} written at temperature {temperature:g}: {counts}", err=as_json)
    click.echo(f"next: {program()} sample {shlex.quote(str(run))} --temperature 1", err=as_json)


def _visible(text: str) -> str:
    """Escape what is not printable: a text that was trained on could hold a terminal's control codes."""
    return "".join(char if char.isprintable() or char == "\n" else repr(char)[1:-1] for char in text)
