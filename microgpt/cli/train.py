"""``microgpt train``: one live line while it runs, one result and one next command when it is done."""

import json
import math
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from microgpt.config import GPTConfig, TrainConfig
from microgpt.engines import ENGINES
from microgpt.errors import ConfigError

if TYPE_CHECKING:  # numpy would make `--help` slow
    from microgpt.training.loop import Step
    from microgpt.training.run import Run

LIVE_SECONDS = 0.1  # between two pictures of the live line
RECENT = 100  # steps: the loss of one document says little, their mean shows the trend
INTERRUPTED = 130  # the exit code that shells expect after Ctrl-C

EPILOG = """\b
Examples:
  microgpt train
  microgpt train --steps 200 --n-embd 32
  microgpt train --data poems.txt --block-size 32 --val-fraction 0.1
  microgpt train --resume runs/names-1
"""


@click.command(epilog=EPILOG)
@click.option("--data", metavar="FILE", type=click.Path(path_type=Path), help="Text, a document a line. [default: names]")
@click.option("--steps", type=int, default=TrainConfig.steps, show_default=True, help="One document a step.")
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
    from microgpt.tokenizer import CharTokenizer
    from microgpt.training import run as runs
    from microgpt.training.checkpoint import RunConfig

    if resume:
        _refuse_other_options(ctx)
        run = runs.resume(resume)
    else:
        training = TrainConfig(steps=steps, seed=seed, val_fraction=val_fraction)
        dataset = load_dataset(data)
        tokenizer = CharTokenizer.of(dataset.documents)
        model = GPTConfig(
            vocab_size=tokenizer.vocab_size, n_layer=n_layer, n_embd=n_embd, n_head=n_head, block_size=block_size
        )
        config = RunConfig(
            engine=engine,
            model=model,
            training=training,
            chars=tokenizer.chars,
            source=dataset.source,
            sha256=dataset.sha256,
        )
        run = runs.begin(out, config, dataset)
    live = sys.stdout.isatty() and not (plain or as_json)
    sitting = _train(run, as_json=as_json, live=live)
    _report(run, sitting, as_json=as_json)


@dataclass(frozen=True, kw_only=True)
class Sitting:
    """What was done in one go; a run that was resumed had several.

    Args:
        steps, tokens: made and predicted.
        seconds: for them, saving and showing included.
    """

    steps: int
    tokens: int
    seconds: float


def _train(run: "Run", *, as_json: bool, live: bool) -> Sitting:
    """Train to the end or to Ctrl-C, and show how it goes."""
    from microgpt.training.run import is_tenth, save, train_and_save

    _say(f"{run.config.model.n_params:,} parameters, {len(run.documents.train):,} documents, run {run.folder}", as_json)
    total, before, tokens, drawn = run.config.training.steps, len(run.losses), 0, 0.0
    start = now = time.perf_counter()
    with _ctrl_c_asks() as is_asked_to_stop, _line_kept(live):
        for step in train_and_save(run):
            tokens, now = tokens + step.tokens, time.perf_counter()
            sitting = Sitting(steps=step.number - before, tokens=tokens, seconds=now - start)
            if as_json:
                click.echo(json.dumps({"format": "microgpt/step/1", "step": step.number, "loss": step.loss}))
            elif live and (now - drawn > LIVE_SECONDS or step.number == total):
                _redraw(_progress(run, step, sitting))
                drawn = now
            elif not live and is_tenth(step.number, total):
                click.echo(_progress(run, step, sitting))
            if is_asked_to_stop():
                save(run)
                break
    return Sitting(steps=len(run.losses) - before, tokens=tokens, seconds=now - start)
