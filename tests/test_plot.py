"""A plot is a picture in the house colours; what cannot be drawn is refused before the training."""

import itertools
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from microgpt.errors import ConfigError, MissingExtra, TraceError
from microgpt.plot import BLUE, GREEN, check_plot, plot_losses, spread, title

FALLING = [3.3 - step / 200 for step in range(200)]


def draw(path: Path, losses: list[float], val_loss: float | None = None) -> dict[str, int]:
    """Return how many pixels of a plot have the house's colours."""
    plot_losses(path, losses, vocab_size=27, val_loss=val_loss)
    picture = imread(path)[..., :3]
    assert picture.shape == (675, 1200, 3)
    return {colour: int(np.isclose(picture, to_rgb(colour), atol=0.01).all(-1).sum()) for colour in (BLUE, GREEN)}


def test_the_smoothed_losses_are_blue_and_what_was_held_out_is_a_green_point(tmp_path: Path) -> None:
    without = draw(tmp_path / "loss.png", FALLING)
    assert without[BLUE] > 1000
    assert without[GREEN] == 0
    assert draw(tmp_path / "loss.png", FALLING, val_loss=2.5)[GREEN] > 50  # drawn over the one that was there


@pytest.mark.parametrize("losses", [[3.0], [3.0, 3.0], [3.0, math.nan, math.nan], [math.inf]])
def test_a_training_that_was_short_or_went_wrong_is_drawn_without_a_warning(
    tmp_path: Path, losses: list[float]
) -> None:
    drawn = draw(tmp_path / "loss.png", losses)
    assert drawn[BLUE] > 0 or not math.isfinite(losses[-1])  # the label of the curve, where there is one
    assert drawn[GREEN] == 0


def test_the_title_says_what_is_to_be_seen() -> None:
    assert title(2.25, math.log(27)) == "The loss came to 2.250: 1.046 nats a token better than a guess"
    assert title(3.4, math.log(27)) == "The loss is at 3.400: no better yet than a guess"
    assert title(2.25, 3.25, val_loss=2.5) == "The loss came to 2.250: 1.000 nats a token better than a guess"
    learnt_by_heart = "The loss came to 0.378 by heart: what was held out is no better than a guess"
    assert title(0.378, 4.317, val_loss=9.131) == learnt_by_heart
    assert "went wrong" in title(math.nan, math.log(27))
    assert "went wrong" in title(math.inf, math.log(27))


@given(st.dictionaries(st.text(max_size=3), st.floats(0, 1), max_size=5), st.floats(0.01, 0.3))
def test_labels_keep_their_order_and_a_gap_and_only_move_up(places: dict[str, float], gap: float) -> None:
    moved = spread(places, gap)
    assert moved.keys() == places.keys()
    assert [places[text] for text in moved] == sorted(places.values())
    assert all(moved[text] >= places[text] for text in places)
    heights = list(moved.values())
    assert all(b - a >= gap - 1e-9 for a, b in itertools.pairwise(heights))


def test_a_name_that_is_no_picture_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"loss\.txt is no picture: its name must end with \.png or \.svg or \.pdf"):
        check_plot(Path("loss.txt"))


def test_a_folder_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="there is no folder nowhere"):
        check_plot(Path("nowhere/loss.png"))


def test_without_matplotlib_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtra) as missing:
        check_plot(Path("loss.png"))
    assert str(missing.value) == (
        "A plot needs matplotlib, which is not installed. Try: pip install 'microgpt-tutor[plot]'"
    )


def test_a_plot_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "loss.png").mkdir()
    with pytest.raises(TraceError, match=r"loss\.png cannot be written \(Is a directory\)\. Try another --plot"):
        plot_losses(tmp_path / "loss.png", FALLING, vocab_size=27)
