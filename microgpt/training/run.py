"""One run from its first step to its last: begun in a new folder, saved as it goes, continued from where it was.

Resumed, a run ends with the bytes that it would have ended with uninterrupted: the state is saved whole, and the order
of the documents follows from the seed.
"""

import itertools
import random
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from microgpt.config import GPTConfig, TrainConfig
from microgpt.data import Dataset, Split, find_again, split_documents
from microgpt.engines import create_engine
from microgpt.engines.base import Engine, initial_state
from microgpt.errors import CheckpointError
from microgpt.tokenizer import CharTokenizer
from microgpt.training.checkpoint import (
    Checkpoint,
    RunConfig,
    read_checkpoint,
    read_config,
    write_checkpoint,
    write_config,
)
from microgpt.training.loop import Step, evaluate, train

RUNS = Path("runs")
SAVES = 10  # times during a run


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run under way; its engine moves and its losses grow as it is trained.

    Args:
        folder: where it is saved.
        losses: of every step so far, in nats a token.
        random_state: for the samples, see `checkpoint.Checkpoint`.
    """

    folder: Path
    config: RunConfig
    tokenizer: CharTokenizer
    documents: Split
    engine: Engine
    losses: list[float]
    random_state: tuple[int, ...]


def configure(dataset: Dataset, training: TrainConfig, engine: str, **shape: int) -> RunConfig:
    """Return the config of a run on this data.

    Args:
        shape: what `GPTConfig` takes, but for the vocabulary's size, which the data decides.

    Raises:
        ConfigError: if no such model can be built.
    """
    tokenizer = CharTokenizer.of(dataset.documents)
    return RunConfig(
        engine=engine,
        model=GPTConfig(vocab_size=tokenizer.vocab_size, **shape),
        training=training,
        chars=tokenizer.chars,
        source=dataset.source,
        sha256=dataset.sha256,
    )


def begin(folder: Path | None, config: RunConfig, dataset: Dataset) -> Run:
    """Draw the weights and save them, before any time is spent on training.

    Args:
        folder: an empty folder or one to be made; None for a new one in `RUNS`, named after the data.

    Raises:
        ConfigError: if the documents cannot be split as the config says.
        CheckpointError: if something stands in the folder already, or it cannot be written.
    """
    rng = random.Random(config.training.seed)
    documents = split_documents(dataset.documents, config.training.val_fraction, rng)
    state = initial_state(config.model, rng)
    run = Run(
        folder=_make_folder(folder) if folder else _make_numbered_folder(Path(config.source).stem),
        config=config,
        tokenizer=CharTokenizer(chars=config.chars),
        documents=documents,
        engine=create_engine(config.engine, config.model, state),
        losses=[],
        random_state=rng.getstate()[1],
    )
    write_config(run.folder, config)
    save(run)
    return run


def resume(folder: Path) -> Run:
    """Read a run back, with the data that it was trained on.

    Raises:
        CheckpointError: if the run cannot be read, or is complete, or its data is not what it was.
    """
    config = read_config(folder)
    checkpoint = read_checkpoint(folder, config)
    if checkpoint.state.step == config.training.steps:
        raise CheckpointError(f"{folder} is complete: no step is left. Try: microgpt sample {shlex.quote(str(folder))}")
    documents = find_documents(config)
    if documents is None:
        raise CheckpointError(
            f"the run was trained on {config.source}, which is gone or has changed: it cannot go on as it would have. "
            "Try putting the file back, or training anew: microgpt train"
        )
    return Run(
        folder=folder,
        config=config,
        tokenizer=CharTokenizer(chars=config.chars),
        documents=documents,
        engine=create_engine(config.engine, config.model, checkpoint.state),
        losses=list(checkpoint.losses),
        random_state=checkpoint.random_state,
    )


def train_and_save(run: Run) -> Iterator[Step]:
    """Make the steps that are left, and save the run now and then, and at the end."""
    steps = run.config.training.steps
    for step in train(run.engine, run.documents.train, run.tokenizer, run.config.model.block_size, run.config.training):
        run.losses.append(step.loss)
        if is_tenth(step.number, steps):
            save(run)
        yield step


def save(run: Run) -> None:
    """Write the checkpoint.

    Raises:
        CheckpointError: if it cannot be written; the one before is still whole.
    """
    write_checkpoint(
        run.folder,
        Checkpoint(state=run.engine.state(), losses=tuple(run.losses), random_state=run.random_state),
    )


def validation_loss(run: Run) -> float | None:
    """Return the mean loss on the documents held out, in nats a token; None where there are none."""
    if not run.documents.validation:
        return None
    return evaluate(run.engine, run.documents.validation, run.tokenizer, run.config.model.block_size)


def find_documents(config: RunConfig) -> Split | None:
    """Return the documents of a run as they were split; None if its data is gone or has changed."""
    dataset = find_again(config.source, config.sha256)
    if dataset is None:
        return None
    return split_documents(dataset.documents, config.training.val_fraction, random.Random(config.training.seed))


def is_tenth(number: int, steps: int) -> bool:
    """Whether a tenth of the steps, or another, is complete with this one.

    >>> [number for number in range(1, 26) if is_tenth(number, 25)]
    [3, 5, 8, 10, 13, 15, 18, 20, 23, 25]
    """
    return number * SAVES // steps > (number - 1) * SAVES // steps


def _make_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise CheckpointError(f"{folder} is not empty, and a run never overwrites another. Try another --out.")
    except OSError as error:
        raise _no_folder(folder, error) from None
    return folder


def _make_numbered_folder(name: str) -> Path:
    """Make the first that is free of NAME-1, NAME-2, ...: two trainings that start at once get two folders."""
    folders = (RUNS / f"{name}-{number}" for number in itertools.count(1))
    while True:
        folder = next(folders)
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            continue
        except OSError as error:
            raise _no_folder(folder, error) from None


def _no_folder(folder: Path, error: OSError) -> CheckpointError:
    return CheckpointError(f"the folder {folder} cannot be made ({error.strerror}). Try another: --out FOLDER")
