"""What a trained model writes: one token drawn after another.

A document ends when the model draws BOS, or when the context is full. A stream has no end: the model goes on for as
long as it is asked to, and sees the last block_size characters.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from microgpt import reference
from microgpt.config import ComputeConfig
from microgpt.data import Split
from microgpt.engines import create_engine
from microgpt.engines.base import Engine
from microgpt.errors import ConfigError
from microgpt.tokenizer import CharTokenizer
from microgpt.training.checkpoint import RunConfig, random_after, read_checkpoint, read_config
from microgpt.training.run import find_documents


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A text that a model wrote.

    Args:
        novelty: "in the data" if just this document, or this stretch of the stream, was trained on, "new" if not,
            "unknown" if the data is gone.
    """

    text: str
    novelty: str


def write_samples(
    folder: Path,
    *,
    number: int | None = None,
    temperature: float = 0.5,
    seed: int | None = None,
    prompt: str = "",
    length: int | None = None,
    compute: ComputeConfig | None = None,
) -> Iterator[Sample]:
    """Let the model of a run write.

    Args:
        number: how many; None for 20 documents, or one text of a stream, which takes longer.
        seed: of the draws; None goes on with the run's own random stream, as the reference does after its training.
        length: how many characters of a stream; None for as many as the model sees at once.
        compute: who computes it; None for the engine that trained it.

    Raises:
        CheckpointError: if the run cannot be read.
        ConfigError: if it cannot write so.
    """
    config = read_config(folder)
    number = (1 if config.stream else 20) if number is None else number
    if number < 1:
        raise ConfigError(f"number={number} is too small: it must be 1 or more. Try -n 20.")
    checkpoint = read_checkpoint(folder, config)
    engine = create_engine(compute or config.compute, config.model, checkpoint.state)
    rng = random_after(checkpoint) if seed is None else random.Random(seed)
    seen = _seen(config, find_documents(config))
    for _ in range(number):
        text = sample(engine, config, rng, temperature, prompt, length)
        yield Sample(text=text, novelty="unknown" if seen is None else "in the data" if text in seen else "new")


def sample(
    engine: Engine,
    config: RunConfig,
    rng: random.Random,
    temperature: float = 0.5,
    prompt: str = "",
    length: int | None = None,
) -> str:
    """Return a text that starts with the prompt.

    Args:
        temperature: the scores are divided by it, so that below 1 likely tokens get likelier still.
        length: how many characters of a stream, after the prompt; None for block_size.

    Raises:
        ConfigError: if the prompt leaves no room or has an unknown character, or the temperature or the length is none.
    """
    if not 0.01 <= temperature <= 100:
        raise ConfigError(f"temperature={temperature} must be from 0.01 to 100. Try temperature=0.5.")
    tokenizer, block_size = CharTokenizer(chars=config.chars), config.model.block_size
    tokens = [_first(tokenizer, config), *tokenizer.ids(prompt)]
    most = _most(tokens, config, length)
    choices = tokenizer.vocab_size - config.stream  # a stream has no end, so BOS, the last token, is none of them
    while len(tokens) < most:
        scores = engine.logits(tokens[-block_size:])[-1][:choices]
        shares = reference.softmax([float(score) / temperature for score in scores])
        [token] = rng.choices(range(choices), weights=shares)
        if token == tokenizer.bos:
            break
        tokens.append(token)
    return tokenizer.decode(tokens[1:])


def _first(tokenizer: CharTokenizer, config: RunConfig) -> int:
    """Return what stands before a text: BOS, or in a stream the end of another line."""
    if not config.stream:
        return tokenizer.bos
    return tokenizer.ids("\n" if "\n" in tokenizer.chars else tokenizer.chars[0])[0]


def _most(tokens: list[int], config: RunConfig, length: int | None) -> int:
    """Return how many tokens there may be in the end, the first one counted.

    Args:
        tokens: the first one and the prompt's.
    """
    block_size, prompt_length = config.model.block_size, len(tokens) - 1
    if config.stream:
        length = block_size if length is None else length
        if length < 1:
            raise ConfigError(f"length={length} is too short: it must be 1 or more. Try --length {block_size}.")
        return len(tokens) + length
    if length is not None:
        raise ConfigError("a document ends where the model ends it: --length is for streams. Try without it.")
    if prompt_length >= block_size:
        raise ConfigError(
            f"the prompt has {prompt_length} characters, and the model sees {block_size} at once: "
            f"there is no room to go on. Try a prompt of at most {block_size - 1}."
        )
    return block_size + 1


def _seen(config: RunConfig, documents: Split | None) -> str | set[str] | None:
    """Return what holds every text that was trained on; None if the data is gone."""
    if documents is None:
        return None
    if config.stream:
        return documents.train[0]
    return {text[: config.model.block_size] for text in documents.train}  # the model saw no more of a long one
