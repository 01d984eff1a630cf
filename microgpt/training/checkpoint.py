"""A run folder: ``config.json`` says what the run is, ``checkpoint.safetensors`` how far it has come.

The checkpoint is one file, replaced as a whole, so that its parts always belong together: killed at any moment, the
folder holds the old checkpoint or the new one. So is the config, which changes only where another engine goes on. It is
never a pickle: reading a stranger's run executes nothing.
"""

import fcntl
import json
import os
import random
import shlex
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass
from inspect import get_annotations
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from microgpt.config import ComputeConfig, GPTConfig, TrainConfig, parameter_shapes
from microgpt.engines.base import Array, State
from microgpt.errors import CheckpointError, ConfigError

RUNS = Path("runs")  # where runs go that are given no folder
RUN_FORMAT = "microgpt/run/2"
RUN_FORMAT_BEFORE = "microgpt/run/1"
CHECKPOINT_FORMAT = "microgpt/checkpoint/1"
PREFIXES = ("", "adam.mean.", "adam.square.")  # of the names of the weights, in the order of `State`
RANDOM_WORDS = 625  # the Mersenne Twister's 624 words and the place in them, as `random.Random.getstate` gives them

Tensor = Array | npt.NDArray[np.uint32]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """What a run is: all that is needed to do it again.

    Args:
        compute: who computes it; another may go on.
        model: the shape.
        training: steps, seed and the like.
        chars: the tokenizer's alphabet.
        source: of the `data.Dataset`.
        sha256: of the dataset's bytes.
        stream: whether the data was read as one continuous text.
    """

    compute: ComputeConfig
    model: GPTConfig
    training: TrainConfig
    chars: str
    source: str
    sha256: str
    stream: bool


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """How far a run has come.

    Args:
        state: weights and Adam's averages.
        losses: of every step so far, in nats a token.
        random_state: `RANDOM_WORDS` of the seed's random stream after it drew the weights; the samples go on from it.
    """

    state: State
    losses: tuple[float, ...]
    random_state: tuple[int, ...]


def random_after(checkpoint: Checkpoint) -> random.Random:
    """Return the generator that goes on from the checkpoint's random stream."""
    rng = random.Random()
    rng.setstate((3, checkpoint.random_state, None))
    return rng


def run_object(config: RunConfig) -> dict[str, object]:
    """Return what ``config.json`` holds."""
    return {"format": RUN_FORMAT, **asdict(config)}


@contextmanager
def only_writer(folder: Path) -> Generator[None]:
    """Keep other trainings out of a run folder: two would write over each other.

    A process that is killed keeps nobody out.

    Raises:
        CheckpointError: if there is no such folder, or another training is in it.
    """
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise _no_run(folder, error) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise CheckpointError(f"{folder} is being trained by another process. Try again when that has ended.") from None
    except OSError:
        pass  # some network disks know no locks
    try:
        yield
    finally:
        os.close(handle)


def write_config(folder: Path, config: RunConfig) -> None:
    """Write or replace ``config.json``.

    Raises:
        CheckpointError: if it cannot be written; what was there is still whole.
    """
    _replace(folder / "config.json", (json.dumps(run_object(config), indent=1) + "\n").encode())


def read_config(folder: Path) -> RunConfig:
    """Read ``config.json``.

    Raises:
        CheckpointError: if there is none, or it is damaged.
    """
    path = folder / "config.json"
    try:
        values = json.loads(path.read_bytes())
        written_as = values.pop("format")
        if written_as == RUN_FORMAT_BEFORE:
            values = _from_format_before(values)
        elif written_as != RUN_FORMAT:
            raise ValueError("another format")
        values["compute"] = _from_json(ComputeConfig, values["compute"])
        values["model"] = _from_json(GPTConfig, values["model"])
        values["training"] = _from_json(TrainConfig, values["training"])
        config = _from_json(RunConfig, values)
        if config.model.vocab_size != len(config.chars) + 1:
            raise ValueError("an alphabet of another size")
    except OSError as error:
        raise _no_run(folder, error) from None
    except (AttributeError, ConfigError, KeyError, TypeError, ValueError, RecursionError):
        raise CheckpointError(f"{path} is damaged, or of another version. Try training again: microgpt train") from None
    return config


def discard(folder: Path) -> None:
    """Delete a run that was only begun; the folder too, if there is nothing else in it."""
    for name in ("config.json", "checkpoint.safetensors"):
        for path in (folder / name, folder / f"{name}.new"):
            path.unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()


def _no_run(folder: Path, error: OSError) -> CheckpointError:
    runs = sorted(RUNS.glob("*/config.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    known = " or ".join(shlex.quote(str(path.parent)) for path in runs[:3]) or "microgpt train, which makes one"
    return CheckpointError(f"{folder} holds no run ({error.strerror}). Try {known}.")


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Replace ``checkpoint.safetensors``.

    Raises:
        CheckpointError: if it cannot be written; the one before is still whole.
    """
    metadata = {"format": CHECKPOINT_FORMAT}  # no second entry: safetensors would write the two in a random order
    _replace(folder / "checkpoint.safetensors", save(_to_tensors(checkpoint), metadata))


def read_checkpoint(folder: Path, config: RunConfig) -> Checkpoint:
    """Read ``checkpoint.safetensors``; nothing is loaded before every name, type and shape was found right.

    Raises:
        CheckpointError: if there is none, or it is damaged, or of another model than the config's.
    """
    path = folder / "checkpoint.safetensors"
    try:
        with cast("AbstractContextManager[Any]", safe_open(path, framework="np")) as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118  (it is no dict)
            found = {name: (part.get_dtype(), tuple(part.get_shape())) for name, part in slices.items()}
            [done] = slices["losses"].get_shape()
            layouts = [_layout(config.model, done, dtype) for dtype in ("F64", "F32")]
            if found not in layouts or done > config.training.steps:
                raise CheckpointError(f"{path} does not fit config.json beside it. Try training again: microgpt train")
            checkpoint = _from_tensors({name: file.get_tensor(name) for name in found}, config.model)
        random_after(checkpoint)  # fails where no generator can stand
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error}). Try training again: microgpt train") from None
    except (SafetensorError, KeyError, ValueError):
        raise CheckpointError(f"{path} is damaged. Try training again: microgpt train") from None
    return checkpoint


def _layout(model: GPTConfig, steps_done: int, dtype: str) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Return the type and shape of every tensor in a checkpoint whose weights are of that type."""
    shapes = parameter_shapes(model)
    matrices = {prefix + name: (dtype, shape) for prefix in PREFIXES for name, shape in shapes.items()}
    return {**matrices, "losses": ("F64", (steps_done,)), "random": ("U32", (RANDOM_WORDS,))}


def _to_tensors(checkpoint: Checkpoint) -> dict[str, Tensor]:
    state = checkpoint.state
    groups = zip(PREFIXES, (state.weights, state.mean, state.square), strict=True)
    return {
        **{prefix + name: array for prefix, group in groups for name, array in group.items()},
        "losses": np.array(checkpoint.losses, dtype=np.float64),
        "random": np.array(checkpoint.random_state, dtype=np.uint32),
    }


def _from_tensors(tensors: Mapping[str, Array], model: GPTConfig) -> Checkpoint:
    if not all(np.isfinite(tensor).all() for tensor in tensors.values()):
        raise ValueError("weights that are not numbers")
    weights, mean, square = ({name: tensors[prefix + name] for name in parameter_shapes(model)} for prefix in PREFIXES)
    losses = tuple(tensors["losses"].tolist())
    return Checkpoint(
        state=State(weights=weights, mean=mean, square=square, step=len(losses)),
        losses=losses,
        random_state=tuple(tensors["random"].tolist()),
    )


def _from_format_before(values: dict[str, Any]) -> dict[str, Any]:
    """Return the object as this format has it; what the one before did not say could not be chosen then."""
    model = {**values.pop("model"), "init_std": 0.08, "final_norm": False}
    training = {**values.pop("training"), "warmup": 0}
    compute = asdict(ComputeConfig(engine=values.pop("engine")))
    return {**values, "compute": compute, "model": model, "training": training, "stream": False}


def _from_json(kind: Callable[..., T], values: dict[str, Any]) -> T:
    """Build a dataclass from a JSON object that has exactly its fields, each of exactly its type."""
    if {name: type(value) for name, value in values.items()} != get_annotations(kind):
        raise ValueError(f"not the fields of {kind}")
    return kind(**values)


def _replace(path: Path, data: bytes) -> None:
    """Write a file beside the old one, make sure that it is on the disk, then put it in the old one's place."""
    beside = path.with_name(path.name + ".new")
    try:
        with open(beside, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
        _sync_folder(path.parent)
    except OSError as error:
        beside.unlink(missing_ok=True)
        whole = " What it held before is still whole." if path.exists() and path.stat().st_size else ""
        raise CheckpointError(
            f"{path} cannot be written ({error.strerror}).{whole} Try freeing some space, or --out on another disk."
        ) from None


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)  # without this, a power cut may undo the renaming
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
