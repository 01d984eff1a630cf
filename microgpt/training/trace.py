"""The trace of a run: what pages, notebooks and tutors show of it. `microgpt.training.recording` writes it.

A trace is a text file with a JSON object a line. The first says what is traced, the others, in their order,
what happened:

    {"format": "microgpt/trace/1", "config": {...}, "tokens": [...], "left_out": [...]}
    {"step": 0, "probabilities": [[...]], "attention": [[[[...]]]], "gradient_norms": {...}}
    {"step": 1, "loss": 3.3, "lr": 0.01}
    {"step": 1, "probabilities": [[...]], ...}
    {"step": 100, "loss": 2.7, "lr": 0.009}
    {"step": 100, "sample": "karila"}

config
    What ``config.json`` of the run holds: the shape, the training's settings, ``chars``, the tokenizer's alphabet.
tokens
    The ids of the one document that is looked at, the first that is trained on, or what it begins with: T + 1 of them.
left_out
    The parts of a look that would be too large for a model of this size, see `microgpt.training.look.left_out`.
step
    How many steps were made. Each has a line with the ``loss`` of its batch from before it, in nats a token, and its
    learning rate, ``lr``. Steps 0, 1, 2, 4, 8 and so on and the last are followed by a look at the model after them.
probabilities, attention, gradient_norms
    See `microgpt.training.look.Look`; the first two to four decimals, the norms to four digits.
sample
    What the model writes after this step, at temperature 0.5; the draws follow from the seed and the step.

``null`` stands for what was left out, and for numbers that are none, such as the loss of a training that went wrong.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from microgpt.config import ComputeConfig, GPTConfig, TrainConfig
from microgpt.engines.base import Array
from microgpt.errors import ConfigError, TraceError
from microgpt.training.checkpoint import RunConfig
from microgpt.training.look import Look

TRACE_FORMAT = "microgpt/trace/1"

Json = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class Trace:
    """A trace that was read.

    Args:
        config: the run; who computes it may have changed on the way.
        tokens: of the document that is looked at; `config.chars` says what they are.
        left_out: the parts of every look that are None.
        losses: of each step, in nats a token; nan where it was no number.
        learning_rates: of each step.
        samples: by the step after which the model wrote them.
        looks: in the order of their steps.
    """

    config: RunConfig
    tokens: tuple[int, ...]
    left_out: tuple[str, ...]
    losses: tuple[float, ...]
    learning_rates: tuple[float, ...]
    samples: Mapping[int, str]
    looks: tuple[Look, ...]


def read_trace(path: Path) -> Trace:
    """Read a trace, also one that is still being written: a line that is not whole yet does not count.

    Raises:
        TraceError: if it cannot be read, or is damaged.
    """
    (header, _), *lines = read_lines(path)
    entries = [entry for entry, _ in lines]
    try:
        steps = [entry for entry in entries if "loss" in entry]
        return Trace(
            config=_to_config(header["config"]),
            tokens=tuple(header["tokens"]),
            left_out=tuple(header["left_out"]),
            losses=tuple(float("nan") if entry["loss"] is None else entry["loss"] for entry in steps),
            learning_rates=tuple(entry["lr"] for entry in steps),
            samples={entry["step"]: entry["sample"] for entry in entries if "sample" in entry},
            looks=tuple(_to_look(entry) for entry in entries if "attention" in entry),
        )
    except (KeyError, TypeError, ValueError, ConfigError):
        raise _no_trace(path) from None


def read_lines(path: Path) -> list[tuple[Json, int]]:
    """Return the objects of a trace, the first its header, and for each the number of bytes up to its end.

    Raises:
        TraceError: if it is no trace.
    """
    try:
        lines = list(_parse(path.read_bytes()))
    except OSError as error:
        raise TraceError(f"{path} cannot be read ({error.strerror}). Try a file that --record wrote.") from None
    except (ValueError, RecursionError):
        raise _no_trace(path) from None
    steps = [entry.get("step") for entry, _ in lines[1:]]
    if not lines or lines[0][0].get("format") != TRACE_FORMAT or not all(isinstance(step, int) for step in steps):
        raise _no_trace(path)
    return lines


def _to_config(values: Json) -> RunConfig:
    """Return the config that a header holds."""
    parts: dict[str, Any] = {
        "compute": ComputeConfig(**values["compute"]),
        "model": GPTConfig(**values["model"]),
        "training": TrainConfig(**values["training"]),
    }
    return RunConfig(**{**values, **parts})


def _parse(data: bytes) -> Iterator[tuple[Json, int]]:
    end = 0
    for line in data.splitlines(keepends=True):
        if line.endswith(b"\n"):
            end += len(line)
            entry = json.loads(line)
            if not isinstance(entry, dict):
                raise ValueError("no object")
            yield entry, end


def _to_look(entry: Json) -> Look:
    return Look(
        step=entry["step"],
        probabilities=_to_array(entry["probabilities"]),
        attention=_to_array(entry["attention"]),
        gradient_norms=entry["gradient_norms"],
    )


def _to_array(numbers: list[Any] | None) -> Array | None:
    return None if numbers is None else np.array(numbers, dtype=np.float64)


def _no_trace(path: Path) -> TraceError:
    return TraceError(f"{path} is no trace, or damaged. Try making one: microgpt train --record FILE")
