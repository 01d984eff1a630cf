"""``microgpt train``: its options, and the loop that shows, records and saves."""

import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, fields
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

import click
from click.core import ParameterSource

from microgpt.cli import program
from microgpt.cli.live import Pace, Progress, finite, guess, utilization
from microgpt.cli.settings import GroupedCommand, apply_file, apply_preset
from microgpt.config import CHOICES, ComputeConfig, GPTConfig, Shape, TrainConfig
from microgpt.errors import ConfigError, MicroGPTError
from microgpt.presets import PRESETS

if TYPE_CHECKING:  # numpy would make `--help` slow
    from microgpt.training.recording import TraceWriter
    from microgpt.training.run import Run

Command = TypeVar("Command", bound=Callable[..., None])

INTERRUPTED = 130  # the exit code that shells expect after Ctrl-C
PATH = click.Path(path_type=Path)
PURPOSES = "; ".join(f"{name}: {preset.purpose}" for name, preset in PRESETS.items())

EPILOG = """\b
Examples:
  microgpt train
  microgpt train --engine numpy --batch 32 --steps 3000 --plot loss.png
  microgpt train --data poems.txt --block-size 32 --val-fraction 0.1
  microgpt train --resume runs/names-1
  microgpt train --preset char --help      shows the numbers of a preset
  torchrun --standalone --nproc-per-node 2 -m microgpt train --engine torch
"""


class TrainCommand(GroupedCommand):
    """`train`, with its options in the order in which they begin to matter."""

    groups: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "Start here": ("preset", "data", "engine", "steps", "resume"),
        "The model": ("n_layer", "n_embd", "n_head", "block_size", "init_std", "final_norm"),
        "The training": ("batch", "lr", "warmup", "seed", "val_fraction", "stream"),
        "What is shown and kept": ("out", "plot", "record", "sample_every", "config", "as_json", "plain"),
        "How it is computed": ("device", "dtype", "compile", "attention", "fused", "graphs", "micro_batch"),
    }


def setting(config: type, field: str, text: str) -> Callable[[Command], Command]:
    """Return an option that is a field of a config: its name, its type and its default."""
    default, name = getattr(config, field), field.replace("_", "-")
    flags = f"--{name}/--no-{name}" if isinstance(default, bool) else f"--{name}"
    kind = click.Choice(CHOICES[field]) if field in CHOICES else None  # None: that of the default
    return click.option(flags, type=kind, default=default, show_default=True, help=text)


@click.command(cls=TrainCommand, epilog=EPILOG)
@click.option(
    "--preset", type=click.Choice(list(PRESETS)), default="micro", show_default=True, help=f"{PURPOSES}.",
    is_eager=True, expose_value=False, callback=apply_preset,
)  # fmt: skip
@click.option("--data", metavar="NAME|FILE", default="names", show_default=True, help="Or shakespeare, or a file.")
@setting(ComputeConfig, "engine", "Who computes.")
@setting(TrainConfig, "steps", "How many.")
@click.option("--resume", metavar="RUN", type=PATH, help="Go on with a run that was stopped.")
@setting(GPTConfig, "n_layer", "Blocks of attention and MLP.")
@setting(GPTConfig, "n_embd", "Channels of a token.")
@setting(GPTConfig, "n_head", "Attention heads.")
@setting(GPTConfig, "block_size", "Longest context.")
@setting(GPTConfig, "init_std", "Spread of the weights that are drawn.")
@setting(GPTConfig, "final_norm", "A norm at the end.")
@setting(TrainConfig, "batch", "Documents or windows a step.")
@setting(TrainConfig, "lr", "Learning rate, before it falls.")
@setting(TrainConfig, "warmup", "Steps over which it rises.")
@setting(TrainConfig, "seed", "Same seed, same model.")
@setting(TrainConfig, "val_fraction", "Part that is held out.")
@click.option("--stream", is_flag=True, help="Read a file as one text, not as a document a line.")
@click.option("--out", metavar="FOLDER", type=PATH, help="A new folder. [default: runs/DATA-N]")
@click.option("--plot", metavar="FILE.png", type=PATH, help="Draw the losses at the end.")
@click.option("--record", metavar="FILE.jsonl", type=PATH, help="Losses, samples, attention, gradients as it learns.")
@click.option("--sample-every", metavar="STEPS", type=int, help="Let it write; 0: never. [default: a tenth of all]")
@click.option(
    "--config", metavar="FILE.toml", type=PATH, help="Settings, one a line: n-embd = 32",
    is_eager=True, expose_value=False, callback=apply_file,
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON object a step on stdout.")
@click.option("--plain", is_flag=True, help="ASCII, and no redrawn line.")
@setting(ComputeConfig, "device", "Where torch computes.")
@setting(ComputeConfig, "dtype", "Kind of numbers.")
@setting(ComputeConfig, "compile", "Let torch fuse operations.")
@setting(ComputeConfig, "attention", "In one kernel, or not.")
@setting(ComputeConfig, "fused", "One kernel for all of Adam.")
@setting(ComputeConfig, "graphs", "A step as one CUDA graph.")
@setting(ComputeConfig, "micro_batch", "Documents at once; 0: all.")
@click.pass_context
def train(
    ctx: click.Context,
    data: str,
    stream: bool,
    resume: Path | None,
    out: Path | None,
    plot: Path | None,
    record: Path | None,
    sample_every: int | None,
    as_json: bool,
    plain: bool,
    **settings: object,
) -> None:
    """Train a GPT on names, or on your own text.

    A document with more characters than the block size is cut there. Ctrl-C saves the run; --resume goes on with it.
    Options go before --config, and its settings before those of --preset.
    """
    from microgpt.plot import check_plot
    from microgpt.training.recording import check_trace, open_trace

    if sample_every is not None and sample_every < 0:
        raise ConfigError(f"sample_every={sample_every} is too small: it must be 0 or more. Try --sample-every 100.")
    if plot:
        check_plot(plot)
    first = os.environ.get("RANK", "0") == "0"  # torchrun numbers the processes that train one model together
    if record and first:
        check_trace(record, goes_on=resume is not None)
    run = _resume(ctx, resume, saves=first) if resume else _begin(ctx, data, stream, out, settings, saves=first)
    if not first:
        _assist(run)
        return
    _say(_opening(run), as_json)
    progress = Progress(run, as_json=as_json, live=_can_redraw() and not (plain or as_json))
    trace = open_trace(record, run, sample_every=sample_every, goes_on=resume is not None) if record else nullcontext()
    with trace as writer:
        pace = _train(run, progress, writer, sample_every)
    kept = {"--record": record, "--plot": plot}
    again = "".join(f" {name} {shlex.quote(str(path))}" for name, path in kept.items() if path)
    _report(run, pace, plot, as_json, again)
    if len(run.losses) < run.config.training.steps:
        raise SystemExit(INTERRUPTED)


def _begin(
    ctx: click.Context, data: str, stream: bool, out: Path | None, settings: Mapping[str, object], *, saves: bool
) -> "Run":
    from microgpt.data import load_dataset
    from microgpt.training.checkpoint import only_writer
    from microgpt.training.run import begin, configure

    training = TrainConfig(**_pick(TrainConfig, settings))
    compute = ComputeConfig(**_pick(ComputeConfig, settings))
    dataset = load_dataset(data, stream=stream)
    shape = cast("Shape", {name: settings[name] for name in Shape.__annotations__})
    run = begin(out, configure(dataset, training, compute, **shape), dataset, saves=saves)
    if saves:
        ctx.with_resource(only_writer(run.folder))
    return run


def _resume(ctx: click.Context, folder: Path, *, saves: bool) -> "Run":
    """Go on with a run as it began: else it would end as no run that can be named. Who computes it may change."""
    from microgpt.training.checkpoint import only_writer, read_config
    from microgpt.training.run import resume

    names = [option.name or "" for option in ctx.command.params]
    given = {name for name in names if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    compute = {field.name: ctx.params[field.name] for field in fields(ComputeConfig) if field.name in given}
    others = given - {*compute, "resume", "record", "plot", "sample_every", "as_json", "plain"}
    if others:
        listed = ", ".join(sorted(f"--{name.replace('_', '-')}" for name in others))
        raise ConfigError(f"--resume goes on with the run's own settings: leave out {listed}.")
    if saves:
        ctx.with_resource(only_writer(folder))
    before = read_config(folder).compute
    if compute.get("engine", before.engine) == before.engine:  # another engine chooses anew
        compute = asdict(before) | compute
    return resume(folder, ComputeConfig(**compute), saves=saves)


def _pick(config: type, settings: Mapping[str, object]) -> dict[str, Any]:
    return {field.name: settings[field.name] for field in fields(config)}


def _train(run: "Run", progress: Progress, writer: "TraceWriter | None", sample_every: int | None) -> Pace:
    """Train to the end or to Ctrl-C; show and record how it goes."""
    from microgpt.training.recording import is_sampled, sample_now
    from microgpt.training.run import save, train_and_save

    pace, steps = Pace(), run.config.training.steps
    with _ctrl_c_asks() as is_asked_to_stop, progress.line():
        started = time.perf_counter()
        for count, step in enumerate(train_and_save(run)):
            before = Pace() if count == 1 else pace  # the first step may compile: it counts only while it is alone
            pace = before.after(step, time.perf_counter() - started)
            sample = sample_now(run) if is_sampled(step.number, steps, sample_every) else None
            progress.show(step, pace, sample)
            try:
                if writer:
                    writer.write(step, sample)
            except MicroGPTError:
                save(run)
                raise
            if is_asked_to_stop():
                save(run)
                break
            started = time.perf_counter()
    return pace


def _assist(run: "Run") -> None:
    """Compute this process's share of every step, in silence; after Ctrl-C, for as long as the first one goes on."""
    from microgpt.training.run import train_and_save

    with _ctrl_c_asks() as is_asked_to_stop:
        try:
            for _ in train_and_save(run):
                pass
        except RuntimeError:  # the first one has gone, in the midst of what would have been another step
            if not is_asked_to_stop():
                raise


def _opening(run: "Run") -> str:
    texts, model = run.documents.train, run.config.model
    documents = f"{len(texts):,} document{'s' * (len(texts) != 1)}"
    read = f"{len(texts[0]):,} characters" if run.config.stream else documents
    cut = 0 if run.config.stream else sum(len(text) > model.block_size for text in texts)
    return "\n".join(
        [
            f"run {run.folder}: {model.n_params:,} parameters, {read}",
            *[f"{cut:,} of them cut at {model.block_size} characters, the block size"] * bool(cut),
            f"computed by {run.engine.described}",
            f"loss in nats a token; a guess that is even over {model.vocab_size} tokens: {guess(run)}",
        ]
    )


def _report(run: "Run", pace: Pace, plot: Path | None, as_json: bool, again: str) -> None:
    """Measure what was held out, and say how it ended.

    Args:
        again: the options to be given again by whoever goes on.
    """
    from microgpt.plot import plot_losses
    from microgpt.training.curve import RECENT, recent_loss
    from microgpt.training.run import validation_loss

    done, steps = len(run.losses), run.config.training.steps
    loss, val_loss = recent_loss(run.losses), None
    if done == steps and run.documents.validation:
        _say("measuring the loss on what was held out", as_json)
        val_loss = validation_loss(run)
    if as_json:
        click.echo(json.dumps(_result(run, pace, loss, val_loss)))
    state = "done" if done == steps else f"stopped at step {done} of {steps}, and saved"
    held_out = "" if val_loss is None else f", held out {val_loss:.3f}"
    beside = f" (guess: {guess(run)})" if done == steps else ""  # with both, the line would be too long
    _say(f"{state}: loss {loss:.3f} over the last {min(RECENT, done)} steps{held_out}{beside}", as_json)
    if plot:
        plot_losses(plot, run.losses, vocab_size=run.config.model.vocab_size, val_loss=val_loss)
        _say(f"plot: {plot}", as_json)
    command = f"{program()} sample" if done == steps else f"{program()} train --resume"
    _say(f"next: {command} {shlex.quote(str(run.folder))}{again if done < steps else ''}", as_json)


def _result(run: "Run", pace: Pace, loss: float, val_loss: float | None) -> dict[str, object]:
    from microgpt.training.checkpoint import run_object

    return {
        **run_object(run.config),
        "done": len(run.losses) == run.config.training.steps,
        "step": len(run.losses),
        "loss": finite(loss),
        "val_loss": val_loss and finite(val_loss),
        "params": run.config.model.n_params,
        "steps_per_s": pace.steps_per_s,
        "tokens_per_s": pace.tokens_per_s,
        "mfu": utilization(run, pace),
        "checkpoint": str(run.folder / "checkpoint.safetensors"),
    }


def _say(prose: str, as_json: bool) -> None:
    click.echo(prose, err=as_json)


def _can_redraw() -> bool:
    """Whether somebody looks at a terminal that shows our characters."""
    return sys.stdout.isatty() and sys.stdout.encoding.lower().startswith("utf")


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
