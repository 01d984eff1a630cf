"""The model's shape and the training's settings, as frozen values that every engine reads.

Shape letters, the same in every docstring and comment of this package:

    B  batch, sequences          T  time, positions (T <= block_size)
    C  channels, n_embd          V  vocabulary, token ids
    H  heads, n_head             D  channels per head, C // H

>>> GPTConfig(vocab_size=27).head_dim
4
"""

import math
from dataclasses import dataclass

from microgpt.errors import ConfigError

MAX_PARAMETERS = 10**9  # more could not be held as Python numbers, and a typing error would fill the memory first


@dataclass(frozen=True, kw_only=True)
class GPTConfig:
    """The shape of a model.

    Args:
        vocab_size: V, the characters and one token more, BOS.
        n_layer: blocks of attention and MLP.
        n_embd: C, the numbers that stand for one token.
        n_head: H, attention heads that share the channels evenly.
        block_size: the most positions that the model sees at once; longer documents are cut.

    Raises:
        ConfigError: if no such model can be built.
    """

    vocab_size: int
    n_layer: int = 1
    n_embd: int = 16
    n_head: int = 4
    block_size: int = 16

    def __post_init__(self) -> None:
        for name in ("n_layer", "n_embd", "n_head", "block_size"):
            _at_least(name, getattr(self, name), 1, default=getattr(GPTConfig, name))
        if self.n_embd % self.n_head:
            fits = max(self.n_embd // self.n_head, 1) * self.n_head
            raise ConfigError(
                f"n_embd={self.n_embd} does not split evenly over n_head={self.n_head}: "
                f"each head needs the same whole number of channels. Try n_embd={fits}."
            )
        if self.n_params > MAX_PARAMETERS:
            raise ConfigError(
                f"a model of {self.n_params:,} parameters is too large: {MAX_PARAMETERS:,} is the most. "
                "Try a smaller n_embd, n_layer or block_size."
            )

    @property
    def head_dim(self) -> int:
        """D, the channels of one head."""
        return self.n_embd // self.n_head

    @property
    def n_params(self) -> int:
        """How many numbers the training adjusts.

        >>> GPTConfig(vocab_size=27).n_params
        4192
        """
        return (2 * self.vocab_size + self.block_size + 12 * self.n_layer * self.n_embd) * self.n_embd


def parameter_shapes(config: GPTConfig) -> dict[str, tuple[int, int]]:
    """Return the shape of every weight matrix, (outputs, inputs), in the order in which they are drawn.

    This is the one table for all engines and checkpoints; its names are those of the reference.

    >>> parameter_shapes(GPTConfig(vocab_size=27))["layer0.fc1"]
    (64, 16)
    """
    channels = config.n_embd
    shapes = {
        "wte": (config.vocab_size, channels),
        "wpe": (config.block_size, channels),
        "lm_head": (config.vocab_size, channels),
    }
    for layer in range(config.n_layer):
        shapes |= {f"layer{layer}.{name}": (channels, channels) for name in ("wq", "wk", "wv", "wo")}
        shapes |= {f"layer{layer}.fc1": (4 * channels, channels), f"layer{layer}.fc2": (channels, 4 * channels)}
    return shapes


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """The settings of a training, apart from the model's shape.

    Args:
        steps: how many steps; each reads one batch.
        batch: documents a step.
        seed: of the one random stream that orders the documents, draws the weights and then writes samples.
        lr: the learning rate of the first step; it falls in a straight line and would be 0 after the last.
        val_fraction: the part of the distinct documents that is held out, to measure with.

    Raises:
        ConfigError: if a setting cannot work.
    """

    steps: int = 1000
    batch: int = 1
    seed: int = 42
    lr: float = 0.01
    val_fraction: float = 0.0

    def __post_init__(self) -> None:
        _at_least("steps", self.steps, 1, default=TrainConfig.steps)
        _at_least("batch", self.batch, 1, default=TrainConfig.batch)
        _at_least("seed", self.seed, 0, default=TrainConfig.seed)
        if not 0 < self.lr < math.inf:
            raise ConfigError(f"lr={self.lr} is no learning rate: it must be above 0. Try lr=0.01.")
        if not 0 <= self.val_fraction < 1:
            raise ConfigError(
                f"val_fraction={self.val_fraction} is no part of the documents that leaves some to train on: "
                "it must be 0 or more, and below 1. Try val_fraction=0.1."
            )


def _at_least(name: str, value: int, least: int, default: int) -> None:
    if value < least:
        raise ConfigError(f"{name}={value} is too small: it must be {least} or more. Try {name}={default}.")
