"""How good a trained model is: on texts that it never saw, beside some that it did, and beside simpler models.

Read `Measured` first, which says what a loss and its bits per character are.
"""

import math
import shlex
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import NormalDist

from microgpt.config import ComputeConfig
from microgpt.data import Split
from microgpt.engines import create_engine
from microgpt.engines.base import Engine, predictions
from microgpt.errors import CheckpointError, ConfigError
from microgpt.training.checkpoint import RunConfig, read_checkpoint, read_config
from microgpt.training.corpus import Corpus, make_corpus
from microgpt.training.loop import evaluate
from microgpt.training.run import find_documents
from microgpt.training.sampling import write_samples

PARTS = 20  # of what is measured: enough of them to see how much their losses scatter
DOCUMENTS, STREAMS = 100, 10  # that the model writes, unless told: of a stream each takes longer
TEMPERATURE = 0.5  # at which `microgpt sample` writes, unless told

Report = Callable[[str, int, int], None]  # what is being done, how many parts of it are, and of how many


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The mean loss over all predictions in some texts.

    A document of n characters is n + 1 predictions, each character and then the end. What the block size cuts off is
    neither predicted nor counted. A stream has no end: every character but the first is one prediction.

    Args:
        loss: nats a token, which is nats a prediction.
        standard_error: of the loss, had other texts of the kind been drawn; None where one sequence is all there is.
        sequences: documents, or windows of a stream.
        characters: those of the predictions that are no end.
    """

    loss: float
    standard_error: float | None
    sequences: int
    predictions: int
    characters: int

    @property
    def bits_per_character(self) -> float:
        """What it takes to write the texts down, and where each of them ends, with this model's predictions.

        A prediction takes loss / ln 2 bits (Shannon 1948), and the ends' bits are shared out among the characters. So
        models with different tokens compare: a token is an invention of the model, a character stands in the text.
        """
        return self.loss / math.log(2) * self.predictions / self.characters


@dataclass(frozen=True, kw_only=True)
class Written:
    """What a model wrote when it was left alone.

    Args:
        number: how many texts.
        temperature: see `sampling.sample`.
        novel: how many of them it was not trained on.
        distinct: how many different ones.
    """

    number: int
    temperature: float
    novel: int
    distinct: int

    @property
    def interval(self) -> tuple[float, float]:
        """Where the share of novel texts lies with 95% confidence, had the model written without end."""
        return wilson_interval(self.novel, self.number)


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What there is to say of a run.

    Args:
        config: of the run.
        step: how many steps it has made.
        held_out: None if it was trained on all its data.
        trained_on: as many texts that it was trained on, for a comparison; see `trained_texts`.
        letters: the loss of a model that only counts how often each token comes, see `entropy`.
        guess: the loss of one that knows nothing, ln V.
        written: None if it was not asked to write.
    """

    config: RunConfig
    step: int
    held_out: Measured | None
    trained_on: Measured
    letters: float
    guess: float
    written: Written | None


def evaluate_run(
    folder: Path, *, samples: int | None = None, compute: ComputeConfig | None = None, report: Report
) -> Evaluation:
    """Measure the model of a run.

    Args:
        samples: how many texts it writes; None for `DOCUMENTS`, or `STREAMS` of a stream.
        compute: who computes it; None for the engine that trained it.
        report: is called as the work goes on.

    Raises:
        CheckpointError: if the run cannot be read, or has made no step, or its data is not what it was.
        ConfigError: if the machine has not what the engine needs, or the number of samples is none.
    """
    config = read_config(folder)
    number = (STREAMS if config.stream else DOCUMENTS) if samples is None else samples
    if number < 0:
        raise ConfigError(f"samples={number} is less than none. Try --samples {DOCUMENTS}.")
    checkpoint = read_checkpoint(folder, config)
    if not checkpoint.losses:
        resume = f"microgpt train --resume {shlex.quote(str(folder))}"
        raise CheckpointError(f"{folder} has made no step: there is nothing to measure yet. Try: {resume}")
    documents = texts_of(folder, config)
    engine = create_engine(compute or config.compute, config.model, checkpoint.state)
    seen = trained_texts(config, documents, steps=len(checkpoint.losses))
    return Evaluation(
        config=config,
        step=len(checkpoint.losses),
        held_out=measure_held_out(engine, config, documents, report),
        trained_on=measure(engine, config, seen, partial(report, "on what it was trained on")),
        letters=entropy(make_corpus(config, documents.train)),
        guess=math.log(config.model.vocab_size),
        written=write(folder, number, compute, report) if number else None,
    )


def texts_of(folder: Path, config: RunConfig) -> Split:
    """Return the texts of a run as they were split.

    Raises:
        CheckpointError: if its data is gone or has changed.
    """
    documents = find_documents(config)
    if documents is None:
        raise CheckpointError(
            f"{folder} was trained on {config.source}, which is gone or has changed: there is nothing to measure it "
            "on. Try putting the file back."
        )
    return documents


def trained_texts(config: RunConfig, documents: Split, steps: int) -> Sequence[str]:
    """Return texts that so many steps have read, as much as was held out, or a tenth of all.

    A stream is read in windows from anywhere; of it, the beginning is taken.
    """
    if config.stream:
        [text] = documents.train
        return [text[: max(sum(map(len, documents.validation)) or len(text) // 10, 2)]]
    most = len(documents.validation) or math.ceil(len(documents.train) / 10)
    return documents.train[: min(most, steps * config.training.batch)]


def measure_held_out(engine: Engine, config: RunConfig, documents: Split, report: Report) -> Measured | None:
    """Measure a model on what it was not trained on; None where there is nothing."""
    if not documents.validation:
        return None
    return measure(engine, config, documents.validation, partial(report, "on what was held out"))


def measure(engine: Engine, config: RunConfig, texts: Sequence[str], report: Callable[[int, int], None]) -> Measured:
    """Measure a model on texts, part by part.

    Args:
        texts: one side of a `Split`, or some of it.
        report: is called with the number of parts measured, and of all.
    """
    sequences = list(make_corpus(config, texts).sequences())
    count = min(PARTS, len(sequences))
    cuts = [i * len(sequences) // count for i in range(count + 1)]
    losses, sizes = list[float](), list[int]()
    for start, end in pairwise(cuts):
        report(len(losses), count)
        losses.append(evaluate(engine, sequences[start:end]))
        sizes.append(predictions(sequences[start:end]))
    report(count, count)
    total, end = sum(sizes), config.model.vocab_size - 1  # BOS, which a document that was cut has not reached
    loss = sum(part * size for part, size in zip(losses, sizes, strict=True)) / total
    return Measured(
        loss=loss,
        standard_error=_standard_error(loss, losses, [size / total for size in sizes]),
        sequences=len(sequences),
        predictions=total,
        characters=total - sum(tokens[-1] == end for tokens in sequences),
    )


def entropy(corpus: Corpus) -> float:
    """Return the entropy of the tokens that are predicted in a corpus, in nats a token (Shannon 1948).

    That is the least loss that a model can reach which gives each token the same share wherever it stands: it knows how
    often each letter comes, and nothing of what stands before it.
    """
    counts = Counter(token for tokens in corpus.sequences() for token in tokens[1:])
    total = counts.total()
    return sum(-count / total * math.log(count / total) for count in counts.values())


def write(folder: Path, number: int, compute: ComputeConfig | None, report: Report) -> Written:
    """Let the model of a run write so many texts, and count."""
    texts, novel = set[str](), 0
    for done, sample in enumerate(write_samples(folder, number=number, temperature=TEMPERATURE, compute=compute), 1):
        texts.add(sample.text)
        novel += sample.novelty == "new"
        report("by what it writes", done, number)
    return Written(number=number, temperature=TEMPERATURE, novel=novel, distinct=len(texts))


def wilson_interval(hits: int, number: int) -> tuple[float, float]:
    """Return the 95% confidence interval of a share (Wilson 1927).

    It stays between 0 and 1, and is not empty where all or none were hits: ten novel texts of ten do not show that the
    model never copies.

    >>> [round(end, 2) for end in wilson_interval(10, 10)]
    [0.72, 1.0]
    """
    z = NormalDist().inv_cdf(0.975)
    share, scale = hits / number, 1 + z * z / number
    middle = (share + z * z / (2 * number)) / scale
    reach = z / scale * math.sqrt(share * (1 - share) / number + (z / (2 * number)) ** 2)
    return max(min(middle - reach, share), 0.0), min(max(middle + reach, share), 1.0)  # rounding may pass the share


def _standard_error(loss: float, losses: Sequence[float], weights: Sequence[float]) -> float | None:
    """Return how far a mean of parts may be off, from how much the parts scatter around it."""
    if (count := len(losses)) < 2:
        return None
    squares = sum((weight * (part - loss)) ** 2 for part, weight in zip(losses, weights, strict=True))
    return math.sqrt(squares * count / (count - 1))
