"""One run from its first step to its last: begun in a new folder, saved as it goes, continued from where it was.

Resumed, a run ends with the bytes that it would have ended with uninterrupted: the state is saved whole, and what a
step reads follows from the seed and the step's number.
"""

import itertools
import os
import random
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Unpack

from microgpt.config import ComputeConfig, GPTConfig, Shape, TrainConfig
from microgpt.data import Dataset, Split, find_again, split_documents, split_text
from microgpt.engines import create_engine
from microgpt.engines.base import Engine, initial_state
from microgpt.errors import CheckpointError, ConfigError
from microgpt.tokenizer import CharTokenizer
from microgpt.training.checkpoint import (
    RUNS,
    Checkpoint,
    RunConfig,
    discard,
    read_checkpoint,
    read_config,
    write_checkpoint,
    write_config,
)
from microgpt.training.corpus import Corpus, make_corpus
from microgpt.training.loop import Step, evaluate, too_little_memory, train

SAVES = 10  # times during a run


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run under way; its engine moves and its losses grow as it is trained.

    Args:
        folder: where it is saved.
        saves: whether this process saves it; of several that train it together, one does.
        documents: the texts, as they were split.
        corpus: those to train on, as the sequences that a step reads.
        losses: of every step so far, in nats a token.
        random_state: for the samples, see `checkpoint.Checkpoint`.
    """

    folder: Path
    saves: bool
    config: RunConfig
    tokenizer: CharTokenizer
    documents: Split
    corpus: Corpus
    engine: Engine
    losses: list[float]
    random_state: tuple[int, ...]


def configure(
    dataset: Dataset, training: TrainConfig, compute: ComputeConfig | None = None, **shape: Unpack[Shape]
) -> RunConfig:
    """Return the config of a run on this data.

    Args:
        compute: who computes it; by default the reference.
        shape: of the model.

    Raises:
        ConfigError: if no such model can be built.
    """
    tokenizer = CharTokenizer.of(dataset.documents)
    return RunConfig(
        compute=compute or ComputeConfig(),
        model=GPTConfig(vocab_size=tokenizer.vocab_size, **shape),
        training=training,
        chars=tokenizer.chars,
        source=dataset.source,
        sha256=dataset.sha256,
        stream=dataset.stream,
    )


def begin(folder: Path | None, config: RunConfig, dataset: Dataset, *, saves: bool = True) -> Run:
    """Draw the weights and save them, before any time is spent on training.

    Args:
        folder: an empty folder or one to be made; None for a new one in `RUNS`, named after the data.
        saves: false for a process that only helps another one to train: it touches no folder.

    Raises:
        ConfigError: if the data cannot be split as the config says, or is less than a batch, or a batch does not fit.
        DataError: if a stream is too short for the model.
        CheckpointError: if something stands in the folder already, or it cannot be written.
    """
    rng = random.Random(config.training.seed)
    documents = _split(dataset, config, rng)
    state = initial_state(config.model, rng)
    engine = create_engine(config.compute, config.model, state)
    _check_memory(engine, config, documents)
    if folder and saves:
        _make_folder(folder)
    elif saves:
        folder = _make_numbered_folder(Path(config.source).stem)
    checkpoint = Checkpoint(state=state, losses=(), random_state=rng.getstate()[1])
    run = _run(folder or RUNS, config, documents, engine, checkpoint, saves=saves)
    try:
        if saves:
            write_config(run.folder, config)
        save(run)
    except BaseException:  # a Ctrl-C too: it can be tried again where it was to be
        discard(run.folder)
        raise
    return run


def resume(folder: Path, compute: ComputeConfig | None = None, *, saves: bool = True) -> Run:
    """Read a run back, with the data that it was trained on.

    Args:
        compute: who goes on with it; None for the engine of before. Another one ends with other last digits.
        saves: as for `begin`.

    Raises:
        CheckpointError: if the run cannot be read, or is complete, or its data is not what it was.
        ConfigError: if the machine has not what the engine needs, or a batch does not fit.
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
    going_on = replace(config, compute=compute or config.compute)
    engine = create_engine(going_on.compute, config.model, checkpoint.state)
    _check_memory(engine, going_on, documents)
    if going_on != config and saves:
        write_config(folder, going_on)
    return _run(folder, going_on, documents, engine, checkpoint, saves=saves)


def train_and_save(run: Run) -> Iterator[Step]:
    """Make the steps that are left, and save the run now and then, and at the end."""
    steps = run.config.training.steps
    for step in train(run.engine, run.corpus, run.config.training):
        run.losses.append(step.loss)
        if is_tenth(step.number, steps):
            save(run)
        yield step


def save(run: Run) -> None:
    """Write the checkpoint, if this process is the one that does.

    Raises:
        CheckpointError: if it cannot be written; the one before is still whole.
    """
    if run.saves:
        checkpoint = Checkpoint(state=run.engine.state(), losses=tuple(run.losses), random_state=run.random_state)
        write_checkpoint(run.folder, checkpoint)


def validation_loss(run: Run) -> float | None:
    """Return the mean loss on what was held out, in nats a token; None where nothing was."""
    if not run.documents.validation:
        return None
    return evaluate(run.engine, make_corpus(run.config, run.documents.validation).sequences())


def find_documents(config: RunConfig) -> Split | None:
    """Return the texts of a run as they were split; None if its data is gone or has changed."""
    dataset = find_again(config.source, config.sha256, stream=config.stream)
    return dataset and _split(dataset, config, random.Random(config.training.seed))


def is_tenth(number: int, steps: int) -> bool:
    """Whether a tenth of the steps, or another, is complete with this one.

    >>> [number for number in range(1, 26) if is_tenth(number, 25)]
    [3, 5, 8, 10, 13, 15, 18, 20, 23, 25]
    """
    return number * SAVES // steps > (number - 1) * SAVES // steps


def _split(dataset: Dataset, config: RunConfig, rng: random.Random) -> Split:
    if dataset.stream:
        [text] = dataset.documents
        documents = split_text(text, config.training.val_fraction, config.model.block_size + 1)
        [text], unit = documents.train, "places to begin at"
        different = len(text) - config.model.block_size
    else:
        documents = split_documents(dataset.documents, config.training.val_fraction, rng)
        different, unit = len(documents.train), "documents"
    if config.training.batch > different:
        raise ConfigError(
            f"batch={config.training.batch}: there are only {different:,} {unit} to learn from, and a step gains "
            f"nothing from one that comes twice. Try --batch {min(different, 64)}."
        )
    return documents


def _check_memory(engine: Engine, config: RunConfig, documents: Split) -> None:
    """Refuse a batch that is surely too large for this computer: Linux would grant the memory, and then kill us."""
    if config.compute.engine not in ("numpy", "torch") or " on cpu" not in engine.described:
        return  # the others take a document at a time; a graphics card says by itself that it is full
    model, size = config.model, config.compute.micro_batch or config.training.batch
    predicted = [min(len(text) + 1, model.block_size) for text in documents.train]
    time = sum(predicted) / len(predicted)
    # Numbers a token that the way back needs, each of four bytes or more.
    kept = model.n_layer * (10 * model.n_embd + model.n_head * time) + model.vocab_size
    if 4 * kept * size * time > os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"):
        raise too_little_memory(config.training.batch)


def _run(
    folder: Path, config: RunConfig, documents: Split, engine: Engine, checkpoint: Checkpoint, *, saves: bool
) -> Run:
    return Run(
        folder=folder,
        saves=saves,
        config=config,
        tokenizer=CharTokenizer(chars=config.chars),
        documents=documents,
        corpus=make_corpus(config, documents.train),
        engine=engine,
        losses=list(checkpoint.losses),
        random_state=checkpoint.random_state,
    )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise FileExistsError
        (folder / "config.json").touch(exist_ok=False)  # of two that start at once, one gets here
    except FileExistsError:
        what = "is not empty, and a run never overwrites another" if folder.is_dir() else "is a file"
        raise CheckpointError(f"{folder} {what}. Try another --out.") from None
    except OSError as error:
        raise _no_folder(folder, error) from None


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
