"""What a trained model writes: one token drawn after another, until it draws the end."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from microgpt import reference
from microgpt.engines import create_engine
from microgpt.engines.base import Engine
from microgpt.errors import ConfigError
from microgpt.tokenizer import CharTokenizer
from microgpt.training.checkpoint import random_after, read_checkpoint, read_config
from microgpt.training.run import find_documents


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A document that a model wrote.

    Args:
        novelty: "in the data" if the model was trained on just this text, "new" if not, "unknown" if the data is gone.
    """

    text: str
    novelty: str


def write_samples(
    folder: Path, *, number: int, temperature: float = 0.5, seed: int | None = None, prompt: str = ""
) -> Iterator[Sample]:
    """Let the model of a run write.

    Args:
        seed: of the draws; None goes on with the run's own random stream, as the reference does after its training.

    Raises:
        CheckpointError: if the run cannot be read.
        ConfigError: if it cannot write so.
    """
    if number < 1:
        raise ConfigError(f"number={number} is too small: it must be 1 or more. Try -n 20.")
    config = read_config(folder)
    checkpoint = read_checkpoint(folder, config)
    engine = create_engine(config.engine, config.model, checkpoint.state)
    tokenizer, block_size = CharTokenizer(chars=config.chars), config.model.block_size
    rng = random_after(checkpoint) if seed is None else random.Random(seed)
    documents = find_documents(config)
    seen = documents and {text[:block_size] for text in documents.train}  # the model saw no more of a long one
    for _ in range(number):
        text = sample(engine, tokenizer, block_size, rng, temperature, prompt)
        yield Sample(text=text, novelty="unknown" if seen is None else "in the data" if text in seen else "new")


def sample(
    engine: Engine,
    tokenizer: CharTokenizer,
    block_size: int,
    rng: random.Random,
    temperature: float = 0.5,
    prompt: str = "",
) -> str:
    """Return a document that starts with the prompt, of at most block_size characters.

    Args:
        temperature: the scores are divided by it, so that below 1 likely tokens get likelier still.

    Raises:
        ConfigError: if the prompt leaves no room or has an unknown character, or the temperature is none.
    """
    if not 0.01 <= temperature <= 100:
        raise ConfigError(f"temperature={temperature} must be from 0.01 to 100. Try temperature=0.5.")
    tokens = tokenizer.encode(prompt)[:-1]
    if len(tokens) > block_size:
        raise ConfigError(
            f"the prompt has {len(prompt)} characters, and the model sees {block_size} at once: "
            f"there is no room to go on. Try a prompt of at most {block_size - 1}."
        )
    while len(tokens) <= block_size:
        scores = [float(score) / temperature for score in engine.logits(tokens)[-1]]
        shares = reference.softmax(scores)
        [token] = rng.choices(range(tokenizer.vocab_size), weights=shares)
        if token == tokenizer.bos:
            break
        tokens.append(token)
    return tokenizer.decode(tokens)
