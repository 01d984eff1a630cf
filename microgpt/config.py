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
from typing import TypedDict

from microgpt.errors import ConfigError

MAX_PARAMETERS = 10**9  # more could not be held as Python numbers, and a typing error would fill the memory first
ENGINES = ("scalar", "reference", "numpy", "torch")
DEVICES = ("auto", "cpu", "cuda", "mps")
DTYPES = ("auto", "float64", "float32", "bfloat16")
SWITCHES = ("auto", "on", "off")
ATTENTIONS = ("auto", "fused", "plain")
CHOICES = {
    "engine": ENGINES,
    "device": DEVICES,
    "dtype": DTYPES,
    "compile": SWITCHES,
    "attention": ATTENTIONS,
    "fused": SWITCHES,
    "graphs": SWITCHES,
}
HOST_DTYPES = {"scalar": ("float64",), "reference": ("float64",), "numpy": ("float64", "float32")}


@dataclass(frozen=True, kw_only=True)
class GPTConfig:
    """The shape of a model.

    Args:
        vocab_size: V, the characters and one token more, BOS.
        n_layer: blocks of attention and MLP.
        n_embd: C, the numbers that stand for one token.
        n_head: H, attention heads that share the channels evenly.
        block_size: the most positions that the model sees at once; longer documents are cut.
        init_std: the standard deviation of the weights that are drawn; a deep model needs a smaller one.
        final_norm: whether the residual stream is normed once more before the head, which keeps a deep model's first
            loss near the guess; the reference has none.

    Raises:
        ConfigError: if no such model can be built.
    """

    vocab_size: int
    n_layer: int = 1
    n_embd: int = 16
    n_head: int = 4
    block_size: int = 16
    init_std: float = 0.08
    final_norm: bool = False

    def __post_init__(self) -> None:
        for name in ("n_layer", "n_embd", "n_head", "block_size"):
            _at_least(name, getattr(self, name), 1, default=getattr(GPTConfig, name))
        if not 0 < self.init_std < math.inf:
            raise ConfigError(
                f"init_std={self.init_std} draws no weights that can learn: it must be above 0. Try init_std=0.08."
            )
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


class Shape(TypedDict, total=False):
    """What a `GPTConfig` takes, but for the vocabulary's size, which the data decides."""

    n_layer: int
    n_embd: int
    n_head: int
    block_size: int
    init_std: float
    final_norm: bool


def flops_per_token(config: GPTConfig, time: int) -> float:
    """Return the operations that training on one token takes: the forward pass, and twice as much for the way back.

    A multiplication and an addition for each weight but the embeddings, which are looked up; and for attention's scores
    and mixing 2TC of each a layer, half of which fall away, as a token reads only those before it (Chowdhery et al.
    2022, appendix B, which counts all).

    Args:
        time: T, the tokens of a sequence.
    """
    weights = config.n_params - (config.vocab_size + config.block_size) * config.n_embd
    return 3 * (2 * weights + 2 * config.n_layer * time * config.n_embd)


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
        batch: sequences a step: documents, or windows of a stream.
        seed: of the one random stream that orders the documents, draws the weights and then writes samples.
        lr: the learning rate before it falls; see `learning_rate`.
        warmup: the steps over which the learning rate rises to where it falls from.
        val_fraction: the part of the distinct documents, or of a stream's characters, held out to measure with.

    Raises:
        ConfigError: if a setting cannot work.
    """

    steps: int = 1000
    batch: int = 1
    seed: int = 42
    lr: float = 0.01
    warmup: int = 0
    val_fraction: float = 0.0

    def __post_init__(self) -> None:
        _at_least("steps", self.steps, 1, default=TrainConfig.steps)
        _at_least("batch", self.batch, 1, default=TrainConfig.batch)
        _at_least("seed", self.seed, 0, default=TrainConfig.seed)
        _at_least("warmup", self.warmup, 0, default=TrainConfig.warmup)
        if not 0 < self.lr < math.inf:
            raise ConfigError(f"lr={self.lr} is no learning rate: it must be above 0. Try lr=0.01.")
        if not 0 <= self.val_fraction < 1:
            raise ConfigError(
                f"val_fraction={self.val_fraction} is no part of the documents that leaves some to train on: "
                "it must be 0 or more, and below 1. Try val_fraction=0.1."
            )

    def learning_rate(self, done: int) -> float:
        """Return the learning rate of the step after `done` steps.

        It falls in a straight line and would be 0 after the last step, so that the last ones settle instead of jumping
        about. A warm-up spares a deep model large steps while Adam's averages still know little.

        >>> [TrainConfig(steps=4, lr=1, warmup=2).learning_rate(done) for done in range(4)]
        [0.5, 0.75, 0.5, 0.25]
        """
        return self.lr * min(1, (done + 1) / max(self.warmup, 1)) * (1 - done / self.steps)


@dataclass(frozen=True, kw_only=True)
class ComputeConfig:
    """Who computes a model, and how: it changes the speed and the last digits, never the function.

    "auto" leaves a choice to the engine, which knows its device.

    Args:
        engine: one of `ENGINES`.
        device: one of `DEVICES`; all but torch compute on the CPU.
        dtype: one of `DTYPES`; of the weights and what is computed from them.
        compile: "on" lets `torch.compile` fuse the operations; worth its minute for a long training.
        attention: "fused" is one kernel for scores, shares and mixing (SDPA), "plain" one operation after another.
        fused: "on" lets one kernel do all of Adam.
        graphs: "on" records a step as a CUDA graph, for models so small that starting the kernels takes the time.
        micro_batch: sequences computed at once, their gradients added up until the batch is complete; 0 for all at
            once. Fewer take less memory.

    Raises:
        ConfigError: if there is no such engine, device, type or choice.
    """

    engine: str = "reference"
    device: str = "auto"
    dtype: str = "auto"
    compile: str = "auto"
    attention: str = "auto"
    fused: str = "auto"
    graphs: str = "auto"
    micro_batch: int = 0

    def __post_init__(self) -> None:
        for name, known in CHOICES.items():
            if (value := getattr(self, name)) not in known:
                raise ConfigError(f"{name}={value} is none that there is. Try one of: {', '.join(known)}.")
        _at_least("micro_batch", self.micro_batch, 0, default=ComputeConfig.micro_batch)
        if self.engine != "torch":
            if self.device not in ("auto", "cpu"):
                raise ConfigError(f"the {self.engine} engine computes on the CPU alone. Try --engine torch.")
            if self.dtype not in ("auto", *HOST_DTYPES[self.engine]):
                raise ConfigError(
                    f"the {self.engine} engine computes in {' or '.join(HOST_DTYPES[self.engine])}, "
                    f"not in {self.dtype}. Try --dtype float64, or --engine torch."
                )


def _at_least(name: str, value: int, least: int, default: int) -> None:
    if value < least:
        raise ConfigError(f"{name}={value} is too small: it must be {least} or more. Try {name}={default}.")
