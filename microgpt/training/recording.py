"""Writes the trace of a run as it is trained; the format is described in `microgpt.training.trace`.

A resumed run goes on in the file it has: what was written after the step that it goes on from is cut off, and what is
missing up to it is filled in, so that the file ends as that of a run that was never interrupted.
"""

import json
import math
import random
import shlex
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, replace
from io import FileIO
from pathlib import Path

import numpy as np

from microgpt.engines.base import Array
from microgpt.errors import ConfigError, TraceError
from microgpt.training.look import is_looked_at, left_out, look
from microgpt.training.loop import Step
from microgpt.training.run import Run, is_tenth
from microgpt.training.sampling import sample
from microgpt.training.trace import TRACE_FORMAT, Json, read_lines, read_trace

LOOKED_AT = 32  # predictions: more would not fit on a page, and attention grows with their square
SAMPLE_LENGTH = 60  # characters of a stream: about a line of a terminal


def is_sampled(number: int, steps: int, every: int | None) -> bool:
    """Whether the model writes something after this step.

    Args:
        every: so many steps; None for a tenth of all, 0 for never.
    """
    return is_tenth(number, steps) if every is None else every > 0 and number % every == 0


def sample_now(run: Run) -> str:
    """Return what the model writes as it stands; the run's own random stream is kept for the end."""
    rng = random.Random(f"{run.config.training.seed}, sample after step {len(run.losses)}")
    return sample(run.engine, run.config, rng, length=SAMPLE_LENGTH if run.config.stream else None)


def check_trace(path: Path, *, goes_on: bool) -> None:
    """Make sure, before a run is begun, that its trace can be.

    Args:
        goes_on: as in `open_trace`.

    Raises:
        ConfigError: if there is such a file already, or no folder for it.
    """
    if path.exists() and not goes_on:
        raise ConfigError(f"{path} is there already, and a trace overwrites nothing. Try another --record.")
    if not path.parent.is_dir():
        raise ConfigError(f"there is no folder {path.parent} for the trace. Try --record trace.jsonl.")


@contextmanager
def open_trace(
    path: Path, run: Run, *, sample_every: int | None = None, goes_on: bool = False
) -> Generator["TraceWriter"]:
    """Open a trace, and write what belongs before the next step.

    Args:
        path: a new file, or, to go on, the trace of this run.
        sample_every: see `is_sampled`.
        goes_on: whether the run was resumed; where there is no file to go on in, a new one is made.

    Raises:
        ConfigError: if the file is something else.
        TraceError: if it cannot be written.
    """
    check_trace(path, goes_on=goes_on)
    exists = path.exists()
    losses_written, end = _written_before(path, run) if exists else (0, 0)
    try:
        file = FileIO(path, "r+" if exists else "x")
    except OSError as error:
        raise _not_written(path, run, error) from None
    with file:
        file.truncate(end)
        file.seek(end)
        writer = TraceWriter(path, file, run, end)
        writer.catch_up(losses_written, sample_every)
        yield writer


class TraceWriter:
    """Appends to a trace, a whole line at a time.

    Args:
        path: of the file, as the user would name it.
        file: open for writing.
        end: of the last line in it.
    """

    def __init__(self, path: Path, file: FileIO, run: Run, end: int) -> None:
        self._path, self._file, self._run, self._end = path, file, run, end
        self._tokens = list(next(iter(run.corpus.sequences())))[: LOOKED_AT + 1]

    def catch_up(self, losses_written: int, sample_every: int | None) -> None:
        """Write what belongs before the next step and is not in the file."""
        config, losses = self._run.config, self._run.losses
        if not self._end:
            parts = left_out(config.model, len(self._tokens) - 1)
            self._append({"format": TRACE_FORMAT, "config": asdict(config), "tokens": self._tokens, "left_out": parts})
        for number in range(losses_written + 1, len(losses) + 1):
            self._write_step(number, losses[number - 1])
        if is_looked_at(len(losses), config.training.steps):
            self._write_look()
        if losses and is_sampled(len(losses), config.training.steps, sample_every):
            self._append({"step": len(losses), "sample": sample_now(self._run)})

    def write(self, step: Step, sample: str | None) -> None:
        """Write what happened in the step that was just made.

        Args:
            sample: what the model writes after it; None where it was not asked to.

        Raises:
            TraceError: if it cannot be written; what stands in the file is whole.
        """
        self._write_step(step.number, step.loss)
        if is_looked_at(step.number, self._run.config.training.steps):
            self._write_look()
        if sample is not None:
            self._append({"step": step.number, "sample": sample})

    def _write_step(self, number: int, loss: float) -> None:
        lr = self._run.config.training.learning_rate(number - 1)
        self._append({"step": number, "loss": loss if math.isfinite(loss) else None, "lr": lr})

    def _write_look(self) -> None:
        seen = look(self._run.engine.state(), self._run.config.model, self._tokens)
        norms = seen.gradient_norms and {name: _to_digits(norm) for name, norm in seen.gradient_norms.items()}
        attention, probabilities = _to_lists(seen.attention), _to_lists(seen.probabilities)
        self._append(
            {"step": seen.step, "probabilities": probabilities, "attention": attention, "gradient_norms": norms}
        )

    def _append(self, entry: Json) -> None:
        line = json.dumps(entry, separators=(",", ":"), allow_nan=False).encode() + b"\n"
        rest = memoryview(line)
        try:
            while rest:  # of a disk that is nearly full, a part is taken
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            self._file.truncate(self._end)
            raise _not_written(self._path, self._run, error) from None
        self._end += len(line)


def _written_before(path: Path, run: Run) -> tuple[int, int]:
    """Return how many losses a trace holds from before the run's last step, and where in the file that ends.

    The last step itself is written anew: nobody knows how much of it a run that was killed had written.
    """
    traced = replace(read_trace(path).config, compute=run.config.compute)  # another engine may go on
    if traced != run.config:
        raise ConfigError(f"{path} is the trace of another run than {run.folder}. Try another --record.")
    (_, end), *lines = read_lines(path)
    kept = [(entry, end) for entry, end in lines if entry["step"] < len(run.losses)]
    return sum("loss" in entry for entry, _ in kept), kept[-1][1] if kept else end


def _not_written(path: Path, run: Run, error: OSError) -> TraceError:
    return TraceError(
        f"the trace {path} cannot be written ({error.strerror}). Try freeing some space, or another file, and go on: "
        f"microgpt train --resume {shlex.quote(str(run.folder))} --record FILE"
    )


def _to_lists(numbers: Array | None) -> list[object] | None:
    return None if numbers is None or not np.isfinite(numbers).all() else np.round(numbers, 4).tolist()


def _to_digits(number: float) -> float | None:
    return float(f"{number:.4g}") if math.isfinite(number) else None
