"""What a model is trained on: documents, a line each, or a stream, which is one continuous text."""

import hashlib
import io
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from microgpt.errors import ConfigError, DataError

BUNDLED = {"names": False, "shakespeare": True}  # whether it is a stream
_FOLDER = Path(__file__).parent / "_data"


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Texts, and what is needed to know them again.

    Args:
        source: the absolute path of the file, or a name in `BUNDLED`.
        sha256: of the file's bytes.
        stream: whether it is one continuous text.
        documents: the lines that are not blank, without the white space around them; of a stream, its one text.
    """

    source: str
    sha256: str
    stream: bool
    documents: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Split:
    """The texts in the order of the training, and those held out; of a stream, each is one text or none."""

    train: list[str]
    validation: list[str]


def load_dataset(data: str | Path = "names", *, stream: bool = False) -> Dataset:
    """Read a bundled dataset or a text file.

    A name in `BUNDLED` means the same in every folder, also where a file is called so: that one is ``./names``, or a
    `Path`.

    Args:
        data: a name in `BUNDLED`, or else a file.
        stream: read the file as one continuous text, not as a document a line. A bundled text knows that of itself.

    Raises:
        DataError: if the file is missing, empty or no UTF-8 text.
    """
    bundled = isinstance(data, str) and data in BUNDLED
    path = _FOLDER / f"{data}.txt" if bundled else Path(data)
    raw = _read(path)
    if b"\0" in raw:
        raise DataError(f"{path} is not text: it holds zero bytes. Try a UTF-8 text file with a document a line.")
    try:  # the lines are those of `reference.read_documents`; a byte order mark is no part of the text
        text = io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8-sig").read()
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text ({error.reason}). Try saving it as UTF-8.") from None
    if not text.strip():
        raise DataError(f"{path} is empty: there is nothing to learn from. Try a file with text in it.")
    stream = stream or (bundled and BUNDLED[str(data)])
    return Dataset(
        source=str(data) if bundled else str(path.absolute()),
        sha256=hashlib.sha256(raw).hexdigest(),
        stream=stream,
        documents=(text,) if stream else tuple(line.strip() for line in text.split("\n") if line.strip()),
    )


def find_again(source: str, sha256: str, *, stream: bool) -> Dataset | None:
    """Read a dataset that was used before; None if it is gone or its bytes are others now."""
    try:
        dataset = load_dataset(source, stream=stream)
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


def split_text(text: str, val_fraction: float, window: int) -> Split:
    """Cut a stream in two and hold out the end, so that nothing held out is ever part of what is trained on.

    Args:
        val_fraction: the part of the characters that is held out; with 0, all are trained on.
        window: how many characters a training sequence takes.

    Raises:
        DataError: if what is left to train on is shorter than a window.
        ConfigError: if the fraction leaves nothing to measure with.
    """
    held_out = round(val_fraction * len(text))
    train, validation = text[: len(text) - held_out], text[len(text) - held_out :]
    if len(train) < window:
        raise DataError(
            f"a text of {len(train):,} characters to train on is too short: with block_size={window - 1} a sequence "
            f"takes {window:,}. Try more text, or a smaller --block-size."
        )
    if val_fraction and held_out < 2:
        raise ConfigError(
            f"val_fraction={val_fraction} of {len(text):,} characters is {held_out}: "
            "at least two are needed to measure with. Try a larger fraction, or more text."
        )
    return Split(train=[train], validation=[validation] if validation else [])


def _read(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise DataError(f"{path} is not a file. Try a text file with a document a line.")
        return path.read_bytes()
    except FileNotFoundError:
        raise DataError(
            f"there is no file {path}. Try one that is bundled: --data names, or --data shakespeare."
        ) from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}. Try a file that you may read.") from None
