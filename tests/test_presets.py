"""Presets are the models that the design names, and their numbers are those that their comments give reasons with."""

import pytest

from microgpt.config import ComputeConfig, GPTConfig, Shape, TrainConfig
from microgpt.data import load_dataset, split_text
from microgpt.presets import CHAR, GPT2, MICRO, PRESETS, Preset


def test_micro_is_every_default() -> None:
    assert GPTConfig(vocab_size=27, **MICRO.shape) == GPTConfig(vocab_size=27)
    assert (MICRO.training, MICRO.compute) == (TrainConfig(), ComputeConfig())


@pytest.mark.parametrize("name", PRESETS)
def test_the_settings_are_every_field_and_build_the_preset_again(name: str) -> None:
    preset = PRESETS[name]
    settings = preset.settings()
    shape = Shape(**{field: settings.pop(field) for field in Shape.__annotations__})
    training = TrainConfig(**{field: settings.pop(field) for field in TrainConfig.__dataclass_fields__})
    compute = ComputeConfig(**{field: settings.pop(field) for field in ComputeConfig.__dataclass_fields__})
    assert (training, compute, settings) == (preset.training, preset.compute, {"data": preset.data})
    assert GPTConfig(vocab_size=9, **shape) == GPTConfig(vocab_size=9, **preset.shape)


@pytest.mark.parametrize(("preset", "readings"), [(CHAR, 90), (GPT2, 18)])
def test_a_preset_reads_its_text_as_often_as_it_says(preset: Preset, readings: int) -> None:
    window = preset.shape["block_size"]
    [text] = load_dataset(preset.data).documents
    [train] = split_text(text, preset.training.val_fraction, window).train
    read = preset.training.steps * preset.training.batch * window
    assert read / len(train) == pytest.approx(readings, rel=0.05)


def test_gpt2_has_the_weights_that_its_comment_counts() -> None:
    assert GPTConfig(vocab_size=64, **GPT2.shape).n_params / 1e6 == pytest.approx(85, rel=0.02)
