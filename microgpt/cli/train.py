"""``microgpt train``: one live line while it runs, one result and one next command when it is done."""

import json
import math
import shlex
import shutil
import signal
import statistics
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from microgpt.cli import program
from microgpt.config import GPTConfig, TrainConfig
from microgpt.engines import ENGINES
from microgpt.errors import ConfigError

if TYPE_CHECKING:  # numpy would make `--help` slow
    from microgpt.training.run import Run

LIVE_SECONDS = 0.1  # between two pictures of the live line
RECENT = 100  # steps: the loss of one document says little, their mean shows the trend
INTERRUPTED = 130  # the exit code that shells expect after Ctrl-C

EPILOG = """\b
Examples:
  microgpt train
  microgpt train --steps 200 --n-embd 32
  microgpt train --engine numpy --batch 32 --steps 3000
  microgpt train --data poems.txt --block-size 32 --val-fraction 0.1
  microgpt train --resume runs/names-1
"""


@click.command(epilog=EPILOG)
@click.option(
    "--data", metavar="FILE", type=click.Path(path_type=Path), help="Text, a document a line. [default: names]"
)
@click.option("--steps", type=int, default=TrainConfig.steps, show_default=True, help="How many.")
@click.option("--batch", type=int, default=TrainConfig.batch, show_default=True, help="Documents a step.")
@click.option("--seed", type=int, default=TrainConfig.seed, show_default=True, help="Same seed, same model.")
@click.option("--val-fraction", type=float, default=TrainConfig.val_fraction, show_default=True, help="Held out.")
@click.option("--n-layer", type=int, default=GPTConfig.n_layer, show_default=True, help="Blocks of attention and MLP.")
@click.option("--n-embd", type=int, default=GPTConfig.n_embd, show_default=True, help="Channels of a token.")
@click.option("--n-head", type=int, default=GPTConfig.n_head, show_default=True, help="Attention heads.")
@click.option("--block-size", type=int, default=GPTConfig.block_size, show_default=True, help="Longest context.")
@click.option("--engine", type=click.Choice(ENGINES), default="reference", show_default=True, help="Who computes.")
@click.option("--out", metavar="FOLDER", type=click.Path(path_type=Path), help="A new folder. [default: runs/DATA-N]")
@click.option("--resume", metavar="RUN", type=click.Path(path_type=Path), help="Go on with a run that was stopped.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a step on stdout.")
@click.option("--plain", is_flag=True, help="No redrawn line.")
@click.pass_context
def train(
    ctx: click.Context,
    data: Path | None,
    steps: int,
    batch: int,
    seed: int,
    val_fraction: float,
    n_layer: int,
    n_embd: int,
    n_head: int,
    block_size: int,
    engine: str,
    out: Path | None,
    resume: Path | None,
    as_json: bool,
    plain: bool,
) -> None:
    """Train a GPT on names, or on your own text.

    A document with more characters than the block size is cut there. Ctrl-C saves the run; --resume goes on with it.
    """
    from microgpt.data import load_dataset
    from microgpt.training.run import begin, configure
    from microgpt.training.run import resume as resume_run

    if resume:
        _refuse_other_options(ctx)
        run = resume_run(resume)
    else:
        training = TrainConfig(steps=steps, batch=batch, seed=seed, val_fraction=val_fraction)
        dataset = load_dataset(data)
        shape = {"n_layer": n_layer, "n_embd": n_embd, "n_head": n_head, "block_size": block_size}
        run = begin(out, configure(dataset, training, engine, **shape), dataset)
    live = sys.stdout.isatty() and not (plain or as_json)
    pace = _train(run, as_json=as_json, live=live)
    done = len(run.losses) == run.config.training.steps
    _report(run, pace, done=done, as_json=as_json)
    if not done:
        raise SystemExit(INTERRUPTED)


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How fast it went since the command was started: steps made, tokens predicted, seconds for both."""

    steps: int = 0
    tokens: int = 0
    seconds: float = 0.0

    @property
    def steps_per_s(self) -> float:
        return self.steps / self.seconds if self.seconds else 0.0

    @property
    def tokens_per_s(self) -> float:
        return self.tokens / self.seconds if self.seconds else 0.0


def _train(run: "Run", *, as_json: bool, live: bool) -> Pace:
    """Train to the end or to Ctrl-C, and show how it goes."""
    from microgpt.training.run import is_tenth, save, train_and_save

    total, before, drawn, pace, start = run.config.training.steps, len(run.losses), 0.0, Pace(), time.perf_counter()
    _say(_opening(run), as_json)
    with _ctrl_c_asks() as is_asked_to_stop, _live_line(live) as redraw:
        for step in train_and_save(run):
            now = time.perf_counter()
            pace = Pace(steps=step.number - before, tokens=pace.tokens + step.tokens, seconds=now - start)
            if as_json:
                click.echo(json.dumps({"format": "microgpt/step/1", "step": step.number, "loss": step.loss}))
            elif live and (now - drawn > LIVE_SECONDS or step.number == total):
                redraw(_progress(run, pace))
                drawn = now
            elif not live and is_tenth(step.number, total):
                click.echo(_progress(run, pace))
            if is_asked_to_stop():
                save(run)
                break
    return pace


def _opening(run: "Run") -> str:
    documents, model = run.documents.train, run.config.model
    cut = sum(len(text) > model.block_size for text in documents)
    note = f"; {cut:,} of them cut at {model.block_size} characters, the block size" if cut else ""
    return (
        f"run {run.folder}: {model.n_params:,} parameters, {len(documents):,} documents{note}\n"
        f"loss in nats a token; a guess that is even over {model.vocab_size} tokens: {_guessing(run)}"
    )


def _progress(run: "Run", pace: Pace) -> str:
    """Return the live line; it fits in 80 columns for the usual numbers."""
    total, done = run.config.training.steps, len(run.losses)
    left = (total - done) / pace.steps_per_s
    return (
        f"{done:{len(str(total))}}/{total}  loss {run.losses[-1]:.3f}  mean {_recent(run):.3f}  "
        f"guess {_guessing(run)}  {pace.steps_per_s:,.0f} steps/s  {left:,.0f} s left"
    )


def _recent(run: "Run") -> float:
    """Return the mean of the last losses: that of one document says little, this shows the trend."""
    return statistics.fmean(run.losses[-RECENT:])


def _guessing(run: "Run") -> str:
    """Return the loss of a model that knows nothing and gives every token the same share."""
    vocab_size = run.config.model.vocab_size
    return f"ln {vocab_size} = {math.log(vocab_size):.3f}"


def _report(run: "Run", pace: Pace, *, done: bool, as_json: bool) -> None:
    from microgpt.training.checkpoint import run_object
    from microgpt.training.run import validation_loss

    held_out = len(run.documents.validation)
    if done and held_out:
        _say(f"measuring the loss on the {held_out:,} documents that were held out", as_json)
    val_loss = validation_loss(run) if done else None
    if as_json:
        result = {
            "done": done,
            "step": len(run.losses),
            "loss": _recent(run),
            "val_loss": val_loss,
            "params": run.config.model.n_params,
            "steps_per_s": pace.steps_per_s,
            "tokens_per_s": pace.tokens_per_s,
            "checkpoint": str(run.folder / "checkpoint.safetensors"),
        }
        click.echo(json.dumps({**run_object(run.config), **result}))
    state = "done" if done else f"stopped at step {len(run.losses)} of {run.config.training.steps}, and saved"
    held_out_loss = "" if val_loss is None else f", on held-out documents {val_loss:.3f}"
    steps = min(RECENT, len(run.losses))
    command = f"{program()} sample" if done else f"{program()} train --resume"
    _say(
        f"{state}: loss {_recent(run):.3f} over the last {steps} steps{held_out_loss} (guess: {_guessing(run)})",
        as_json,
    )
    _say(f"next: {command} {shlex.quote(str(run.folder))}", as_json)


def _say(prose: str, as_json: bool) -> None:
    click.echo(prose, err=as_json)


def _refuse_other_options(ctx: click.Context) -> None:
    """A run goes on as it began: else it would end as no run that can be named."""
    may_differ = {"resume", "as_json", "plain"}
    for name in ctx.params.keys() - may_differ:
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise ConfigError(f"--resume goes on with the run's own settings: leave out --{name.replace('_', '-')}.")


@contextmanager
def _ctrl_c_asks() -> Generator[Callable[[], bool]]:
    """Let Ctrl-C ask for an end between two steps; the second one ends at once."""
    asked = False

    def ask(signum: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    previous = signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, previous)


@contextmanager
def _live_line(live: bool) -> Generator[Callable[[str], None]]:
    """Give a function that writes over the line it wrote before; at the end the last one stays."""

    def redraw(text: str) -> None:
        width = shutil.get_terminal_size().columns - 1  # a full line would wrap, and then not be written over
        click.echo("\r" + text[:width].ljust(width), nl=False)

    try:
        yield redraw
    finally:
        if live:
            click.echo()
