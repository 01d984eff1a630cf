"""What a trained model writes: one token drawn after another, until it draws the end."""

import random

from microgpt import reference
from microgpt.engines.base import Engine
from microgpt.errors import ConfigError
from microgpt.tokenizer import CharTokenizer


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
