"""The documents that a model is trained on: the bundled names, or a text file with a document a line."""

import hashlib
import io
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from microgpt.errors import ConfigError, DataError

BUNDLED = "names"
_NAMES = Path(__file__).parent / "_data" / "names.txt"


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Documents, and what is needed to know them again.

    Args:
        source: the absolute path of the file, or `BUNDLED`.
        sha256: of the file's bytes.
        documents: the lines that are not blank, without the white space around them.
    """

    source: str
    sha256: str
    documents: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Split:
    """The documents in the order of the training, and those held out; no text is in both."""

    train: list[str]
    validation: list[str]


def load_dataset(path: Path | None = None) -> Dataset:
    """Read a text file, or, without a path, the bundled names.

    Raises:
        DataError: if the file is missing, empty or no UTF-8 text.
    """
    raw = _read(path or _NAMES)
    if b"\0" in raw:
        raise DataError(f"{path} is not text: it holds zero bytes. Try a UTF-8 text file with a document a line.")
    try:  # the lines are those of `reference.read_documents`; a byte order mark is no part of the text
        lines = list(io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text ({error.reason}). Try saving it as UTF-8.") from None
    documents = tuple(line.strip() for line in lines if line.strip())
    if not documents:
        raise DataError(f"{path} is empty: there is nothing to learn from. Try a text file with a document a line.")
    source = str(path.absolute()) if path else BUNDLED
    return Dataset(source=source, sha256=hashlib.sha256(raw).hexdigest(), documents=documents)


def find_again(source: str, sha256: str) -> Dataset | None:
    """Read a dataset that was used before; None if it is gone or its bytes are others now."""
    try:
        dataset = load_dataset(None if source == BUNDLED else Path(source))
    except DataError:
        return None
    return dataset if dataset.sha256 == sha256 else None


def split_documents(documents: Sequence[str], val_fraction: float, rng: random.Random) -> Split:
    """Shuffle the documents and hold some out.

    Texts that occur several times are held out with all their copies: else the model would be measured on what it saw.

    Args:
        val_fraction: the part of the distinct texts that is held out; with 0, all are trained on.
        rng: used for one shuffle, whatever the fraction.

    Raises:
        ConfigError: if the fraction leaves nothing to train on or nothing to measure with.
    """
    order = list(documents)
    rng.shuffle(order)
    texts = list(dict.fromkeys(order))
    held_out = set(texts[: round(val_fraction * len(texts))])
    if val_fraction and not 0 < len(held_out) < len(texts):
        raise ConfigError(
            f"val_fraction={val_fraction} of {len(texts):,} different documents is {len(held_out):,}: "
            "there must be some to train on and some to measure with. Try another fraction, or more text."
        )
    return Split(
        train=[text for text in order if text not in held_out],
        validation=[text for text in order if text in held_out],
    )


def _read(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise DataError(f"{path} is not a file. Try a text file with a document a line.")
        return path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"there is no file {path}. Try the bundled names: leave out --data.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}. Try a file that you may read.") from None
