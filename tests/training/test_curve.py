"""Smoothed losses are means of losses, and a sparkline shows where they go."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from microgpt.training.curve import BARS, recent_loss, running_mean, sparkline

losses = st.lists(st.floats(0, 300), min_size=1, max_size=250)


@given(losses)
@example([float(step % 17) for step in range(250)])  # longer than the mean reaches back
def test_the_running_mean_ends_at_every_step_where_the_recent_loss_was(losses: list[float]) -> None:
    recent = [recent_loss(losses[:step]) for step in range(1, len(losses) + 1)]
    assert running_mean(losses) == pytest.approx(recent, rel=1e-9, abs=1e-9)


@given(losses, st.integers(1, 30))
def test_a_sparkline_has_a_bar_for_every_stretch_and_touches_bottom(losses: list[float], most: int) -> None:
    drawn = sparkline(losses, most)
    assert len(drawn) == min(most, len(losses))
    assert BARS[0] in drawn
    assert set(drawn) <= set(BARS)


def test_a_loss_that_falls_is_drawn_falling() -> None:
    drawn = sparkline([float(loss) for loss in range(1000, 0, -1)], 8)
    assert drawn == BARS[::-1]


def test_where_a_loss_is_no_number_nothing_is_drawn() -> None:
    assert sparkline([3.0, math.nan, 2.0], 10) == ""
    assert sparkline([3.0, math.inf, 2.0], 10) == ""
