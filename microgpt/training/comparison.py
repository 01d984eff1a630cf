"""Runs side by side: what was set otherwise, how the losses fell, how well held-out text is predicted, samples."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from statistics import fmean

from microgpt.config import ComputeConfig
from microgpt.engines import create_engine
from microgpt.errors import ConfigError
from microgpt.training.checkpoint import RunConfig, read_checkpoint, read_config
from microgpt.training.curve import sparkline
from microgpt.training.evaluation import Measured, Report, measure_held_out
from microgpt.training.run import find_documents
from microgpt.training.sampling import Sample, write_samples

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"  # what the runs are called beside one another
SEED = 42  # of the draws, the same for every run: only the models differ
DOCUMENTS, STREAMS = 10, 1  # that each run writes

Setting = str | int | float | bool


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One of the runs.

    Args:
        losses: of every step that it has made, in nats a token.
        held_out: None if nothing was, or its data is gone.
    """

    folder: Path
    config: RunConfig
    losses: Sequence[float]
    held_out: Measured | None
    samples: Sequence[Sample]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Runs, in the order in which they were named.

    Args:
        differing: the settings that are not the same in all runs; for each, its value in every run.
        same: those that are.
        cautions: why the losses of these runs, or some of them, do not compare.
    """

    runs: Sequence[Compared]
    differing: Mapping[str, Sequence[Setting]]
    same: Mapping[str, Setting]
    cautions: Sequence[str]


def compare_runs(folders: Sequence[Path], *, compute: ComputeConfig | None = None, report: Report) -> Comparison:
    """Put runs side by side.

    Args:
        compute: who computes the losses and the samples; None for the engine that trained each.
        report: is called as the work goes on.

    Raises:
        ConfigError: if there are not two, or too many; or if the machine has not what an engine needs.
        CheckpointError: if a run cannot be read.
    """
    if not 2 <= len(folders) <= len(LETTERS):
        raise ConfigError(
            f"{len(folders)} run{'s' * (len(folders) != 1)} cannot be put side by side: it takes 2 to {len(LETTERS)}. "
            "Try: microgpt compare RUN RUN"
        )
    configs = [read_config(folder) for folder in folders]  # of all, before the work on one begins
    differing, same = compare_settings(configs)
    return Comparison(
        runs=[_look_at(folder, config, compute, report) for folder, config in zip(folders, configs, strict=True)],
        differing=differing,
        same=same,
        cautions=cautions(configs),
    )


def settings(config: RunConfig) -> dict[str, Setting]:
    """Return every setting of a run by its name, and which data it was trained on."""
    return {
        "data": config.source,
        "sha256": config.sha256[:12],  # enough to tell two versions of a file apart
        "stream": config.stream,
        **asdict(config.model),
        **asdict(config.training),
        **asdict(config.compute),
    }


def compare_settings(configs: Sequence[RunConfig]) -> tuple[dict[str, list[Setting]], dict[str, Setting]]:
    """Return the settings that differ, with the value of each run, and those that are the same."""
    first, *_ = each = [settings(config) for config in configs]
    columns = {name: [values[name] for values in each] for name in first}
    differing = {name: column for name, column in columns.items() if len(set(column)) > 1}
    return differing, {name: value for name, value in first.items() if name not in differing}


def cautions(configs: Sequence[RunConfig]) -> list[str]:
    """Say why losses of such runs do not compare; nothing where they do."""
    if len({(config.sha256, config.stream) for config in configs}) > 1:
        return [
            "These runs read different data, so their losses do not compare: a loss is the surprise at a text, and a "
            "text with fewer characters, or more of a habit in them, surprises every model less."
        ]
    found = list[str]()
    if not configs[0].stream and len({config.model.block_size for config in configs}) > 1:
        found.append(
            "block_size differs: documents longer than that are cut, so that the runs are measured on other parts of "
            "them, and some parts are easier to predict than others."
        )
    splits = {(config.training.val_fraction, config.stream or config.training.seed) for config in configs}
    if len(splits) > 1 and all(config.training.val_fraction for config in configs):
        found.append("Each run held out other text: a small difference between their held-out losses may be chance.")
    return found


def stretches(losses: Sequence[float], steps: int, count: int) -> list[float | None]:
    """Return the mean loss of each of so many stretches of a run; None for those that it has not completed.

    >>> stretches([4.0, 2.0, 3.0, 1.0], 8, 4)
    [3.0, 2.0, None, None]
    """
    starts = [i * steps // count for i in range(count)]
    ends = [max((i + 1) * steps // count, start + 1) for i, start in enumerate(starts)]  # one step is the shortest
    return [fmean(losses[start:end]) if end <= len(losses) else None for start, end in zip(starts, ends, strict=True)]


def curves(runs: Sequence[Compared], columns: int) -> list[str]:
    """Draw the losses of each run in a text of so many characters, all on one scale."""
    parts = [stretches(run.losses, run.config.training.steps, columns) for run in runs]
    heights = [[loss for loss in part if loss is not None] for part in parts]
    joined = [loss for part in heights for loss in part]
    drawn = iter(sparkline(joined, len(joined)) if joined else "")
    return ["".join(islice(drawn, len(part))) for part in heights]


def _look_at(folder: Path, config: RunConfig, compute: ComputeConfig | None, report: Report) -> Compared:
    checkpoint, documents = read_checkpoint(folder, config), find_documents(config)
    engine = create_engine(compute or config.compute, config.model, checkpoint.state)
    number = STREAMS if config.stream else DOCUMENTS
    return Compared(
        folder=folder,
        config=config,
        losses=checkpoint.losses,
        held_out=documents and measure_held_out(engine, config, documents, report),
        samples=list(write_samples(folder, number=number, seed=SEED, compute=compute)),
    )
