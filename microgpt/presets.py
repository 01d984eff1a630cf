"""Three models that are known to train: `micro`, `char` and `gpt2`.

A preset is a set of starting points; each of its numbers stands with the reason for it, and all can be overruled.

>>> PRESETS["char"].settings()["n_embd"]
384
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from microgpt.config import ComputeConfig, GPTConfig, Shape, TrainConfig

Setting = str | int | float | bool


@dataclass(frozen=True, kw_only=True)
class Preset:
    """Settings that belong together.

    Args:
        purpose: what it is for, in a few words.
        data: a bundled dataset.
        shape: of the model; what it leaves out is the reference's.
    """

    purpose: str
    data: str
    shape: Shape
    training: TrainConfig
    compute: ComputeConfig

    def settings(self) -> dict[str, Setting]:
        """Return every setting by the name of its option, with underscores for hyphens."""
        model = GPTConfig(vocab_size=1, **self.shape)
        shape = {name: getattr(model, name) for name in Shape.__annotations__}
        return {"data": self.data, **shape, **asdict(self.training), **asdict(self.compute)}


MICRO = Preset(
    purpose="the 200 lines",
    data="names",
    shape=Shape(),  # the defaults are the reference's, so that a first run prints what the 200 lines print
    training=TrainConfig(),
    compute=ComputeConfig(),
)

CHAR = Preset(
    purpose="Shakespeare by letters",
    data="shakespeare",
    shape=Shape(
        n_layer=6,  # layers, heads and channels are those of nanoGPT's character model, whose losses are well known
        n_head=6,
        n_embd=384,  # heads of 64 channels, as in GPT-2
        block_size=256,  # letters: some five lines of verse, enough to see who speaks
        init_std=0.02,  # with the reference's 0.08 six layers start far above the guess (see GPTConfig)
        final_norm=True,
    ),
    training=TrainConfig(
        steps=5000,  # of 16,384 letters: it reads the play's megabyte some ninety times
        batch=64,  # windows: enough to keep a GPU busy, and gradients that point the same way
        lr=1e-3,  # a tenth of the reference's: a wide layer adds up the moves of many weights
        warmup=100,  # steps: about as many as Adam's average of squares looks back over, 1 / (1 - 0.99)
        val_fraction=0.1,  # at ninety readings it learns by heart: only what it never read tells how good it is
    ),
    compute=ComputeConfig(engine="torch"),  # no other engine finishes it in an evening
)

GPT2 = Preset(
    purpose="the smallest GPT-2's size, for a GPU",
    data="shakespeare",
    shape=Shape(
        n_layer=12,  # layers, heads, channels and context are GPT-2 small's (Radford et al. 2019, table 2)
        n_head=12,
        n_embd=768,
        block_size=1024,
        init_std=0.02,  # as GPT-2 was drawn
        final_norm=True,  # as GPT-2 has it
    ),
    training=TrainConfig(
        steps=2000,  # of 8,192 letters: it reads the bundled text some eighteen times; more text deserves more steps
        batch=8,  # windows, so that a small GPU holds what the way back needs; a large one is busier with --batch 32
        lr=6e-4,  # of GPT-3's model of this size (Brown et al. 2020, table 2.1)
        warmup=200,  # steps, a tenth of them: twice as careful as with half the layers
        val_fraction=0.1,  # 85 million weights learn a megabyte by heart; this shows when
    ),
    compute=ComputeConfig(engine="torch"),
)

PRESETS: Mapping[str, Preset] = {"micro": MICRO, "char": CHAR, "gpt2": GPT2}
