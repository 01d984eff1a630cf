"""``microgpt sample``: what a trained model writes, and whether it is new."""

import json
import shlex
from collections import Counter
from pathlib import Path

import click

from microgpt.cli import program

EPILOG = """\b
Examples:
  microgpt sample runs/names-1
  microgpt sample runs/names-1 -n 5 --prompt ma --temperature 0.8
"""


@click.command(epilog=EPILOG)
@click.argument("run", type=click.Path(path_type=Path))
@click.option("-n", "--number", type=int, default=20, show_default=True, help="How many.")
@click.option("--temperature", type=float, default=0.5, show_default=True, help="Below 1, likely tokens get likelier.")
@click.option("--seed", type=int, help="Of the draws. [default: go on from the training]")
@click.option("--prompt", metavar="TEXT", default="", help="How each begins.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a sample on stdout.")
def sample(run: Path, number: int, temperature: float, seed: int | None, prompt: str, as_json: bool) -> None:
    """Let a trained model write, and say what of it is new.

    "in the data": the model was trained on just this text. "unknown": the data is gone or has changed.
    """
    from microgpt.training.sampling import write_samples

    novelties = Counter[str]()
    for written in write_samples(run, number=number, temperature=temperature, seed=seed, prompt=prompt):
        novelties[written.novelty] += 1
        if as_json:
            result = {"format": "microgpt/sample/1", "text": written.text, "novelty": written.novelty}
            click.echo(json.dumps(result))
        else:
            click.echo(f"{_visible(written.text):20}  {written.novelty}")
    counts = ", ".join(f"{count} {novelty}" for novelty, count in novelties.items())
    click.echo(f"{number} written at temperature {temperature:g}: {counts}", err=as_json)
    click.echo(f"next: {program()} sample {shlex.quote(str(run))} --temperature 1", err=as_json)


def _visible(text: str) -> str:
    """Escape what is not printable: a text that was trained on could hold a terminal's control codes."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
