"""Asks what is to be checked, an engine or a port, for its answer to a test vector.

A port is any command that reads one JSON object from its input and writes one on its output, see docs/conformance.md.
It is the user's own code on the user's own machine, so it is simply run, without a sandbox, but not forever.
"""

import json
import os
import shlex
import signal
import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import cast

import numpy as np

from microgpt.config import ENGINES, ComputeConfig, parameter_shapes
from microgpt.engines import create_engine
from microgpt.engines.base import Array, State
from microgpt.engines.vectors import Answer, Tensors, Vector, vector_object
from microgpt.errors import PortError

QUOTED = 60  # characters of a port's output in a message


def ask_engine(compute: ComputeConfig, vector: Vector) -> tuple[Vector, Answer]:
    """Return an engine's answer, and the question that it answers.

    An engine steps against the gradients that it has found, and can be given no others: these stand in the question.
    """
    state = State(
        weights=_arrays(vector.weights),
        mean=_arrays(vector.adam.mean),
        square=_arrays(vector.adam.square),
        step=vector.adam.step - 1,
    )
    engine = create_engine(compute, vector.config, state)
    logits = engine.logits(vector.tokens[:-1])
    loss, gradients = engine.loss_and_gradients([vector.tokens])
    engine.step([vector.tokens], vector.adam.lr)
    answer = Answer(
        forward={"logits": logits, "loss": np.array(loss)}, gradients=gradients, weights=dict(engine.state().weights)
    )
    given = {name: rows.tolist() for name, rows in gradients.items()}
    return replace(vector, adam=replace(vector.adam, gradients=given)), answer


class PortFailed(PortError):  # noqa: N818  (it reads as what it is)
    """A port's program ended with an error; on one vector of several that is an answer too."""


def ask_port(command: Sequence[str], vector: Vector, timeout_s: float) -> Answer:
    """Return a port's answer.

    Args:
        command: the program and its arguments.
        timeout_s: seconds that it may take.

    Raises:
        PortFailed: if the program ends with an error.
        PortError: if it cannot be started, takes too long, or writes something that is no answer.
    """
    called = f"{_visible(shlex.join(command))} (vector {vector.name})"
    with _started(command) as process:
        try:
            out, errors = process.communicate(json.dumps(vector_object(vector)).encode(), timeout_s)
        except subprocess.TimeoutExpired:
            raise PortError(f"{called} gave no answer within {timeout_s:g} s. Try a longer --timeout.") from None
    if process.returncode:
        raise PortFailed(
            f"{called} {_how_it_ended(process.returncode, errors)}. "
            "Try it by hand: what it was asked is in the output of microgpt conform --vectors."
        )
    try:
        return read_answer(out, vector)
    except PortError as error:
        raise PortError(f"{called} {error}") from None


@contextmanager
def _started(command: Sequence[str]) -> Generator[subprocess.Popen[bytes]]:
    """Start a program in a group of its own, and end the group whatever comes: a program may have started others."""
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)
    except OSError as error:
        raise PortError(
            f"{command[0]} cannot be started ({error.strerror}). Try a command that runs here, such as "
            f"'python target.py', or an engine: {', '.join(ENGINES)}."
        ) from None
    with process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _how_it_ended(code: int, errors: bytes) -> str:
    lines = errors.decode(errors="replace").strip().splitlines()
    said = f": {_quoted(lines[-1])}" if lines else ", without a word on stderr"
    return (f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}") + said


def _quoted(text: str) -> str:
    """Return the start of what a port wrote."""
    return _visible(text[:QUOTED]) + "..." * (len(text) > QUOTED)


def _visible(text: str) -> str:
    """Leave out what would steer a terminal."""
    return "".join(char if char.isprintable() else "?" for char in text)


def read_answer(out: bytes, vector: Vector) -> Answer:
    """Return the answer that was written; NaN, Infinity and null are taken for numbers that went wrong.

    Raises:
        PortError: if it is no answer to this vector.
    """
    if not out.strip():
        raise PortError("wrote nothing. Try printing the answer, as one JSON object, on stdout.")
    try:
        written: object = json.loads(out)
    except (ValueError, RecursionError):
        start = _quoted(out.decode(errors="replace").strip())
        raise PortError(
            f"wrote no JSON object, but what begins so: {start} Try printing the answer alone on stdout, "
            "and all else on stderr."
        ) from None
    answer = _object(written, "the answer")
    time, shapes = len(vector.tokens) - 1, parameter_shapes(vector.config)
    return Answer(
        forward={
            "logits": _matrix(_entry(answer, "logits", "the answer"), "logits", (time, vector.config.vocab_size)),
            "loss": np.array(_number(_entry(answer, "loss", "the answer"), "loss")),
        },
        gradients=_matrices(_entry(answer, "gradients", "the answer"), "gradients", shapes),
        weights=_matrices(_entry(answer, "weights", "the answer"), "weights", shapes),
    )


def _object(value: object, name: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise PortError(f"wrote {name} as no JSON object. Try {{...}}, as in docs/conformance.md.")
    return cast(Mapping[str, object], value)


def _entry(values: Mapping[str, object], key: str, where: str) -> object:
    if key not in values:
        there = ", ".join(_quoted(name) for name in values) or "nothing"
        raise PortError(f"left {key!r} out of {where}; in it: {there}. Try adding it.")
    return values[key]


def _matrices(value: object, name: str, shapes: Mapping[str, tuple[int, int]]) -> Tensors:
    values = _object(value, name)
    return {key: _matrix(_entry(values, key, name), f"{name} of {key}", shape) for key, shape in shapes.items()}


def _matrix(value: object, name: str, shape: tuple[int, int]) -> Array:
    rows = cast(list[object], value) if isinstance(value, list) else []
    lengths = {len(cast(list[object], row)) if isinstance(row, list) else -1 for row in rows}
    if len(rows) != shape[0] or lengths != {shape[1]}:
        given = f"{len(rows)} x {lengths.pop()}" if len(lengths) == 1 and lengths != {-1} else "no such thing"
        raise PortError(
            f"wrote {name} in a wrong shape ({given}): it must be a list of {shape[0]} rows of {shape[1]} numbers."
            " Try the shapes of the weights: outputs x inputs."
        )
    return np.array([[_number(number, name) for number in cast(list[object], row)] for row in rows])


def _number(value: object, name: str) -> float:
    if value is None:  # what JavaScript writes for a NaN
        return float("nan")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PortError(f"wrote {_quoted(json.dumps(value))} in {name}, where a number must stand. Try a number.")
    try:
        return float(value)
    except OverflowError:  # an integer that no float holds
        return float("inf")


def _arrays(matrices: Mapping[str, list[list[float]]]) -> Tensors:
    return {name: np.array(rows) for name, rows in matrices.items()}
