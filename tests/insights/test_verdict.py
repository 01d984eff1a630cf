"""From the losses of paired trainings to a verdict: the interval, and what is too small to count."""

import math
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt.insights import verdict
from microgpt.insights.verdict import Trial, judge_trial
from microgpt.sandbox import Outcome


def test_the_interval_holds_95_percent_of_students_distribution_with_three_degrees_of_freedom() -> None:
    reach, n = verdict._STUDENT, 20_000  # pyright: ignore[reportPrivateUsage]
    width = 2 * reach / n
    points = [-reach + (i + 0.5) * width for i in range(n)]
    density = [6 * math.sqrt(3) / (math.pi * (3 + x * x) ** 2) for x in points]
    assert sum(density) * width == pytest.approx(0.95, abs=1e-6)


def trial(losses: list[float]) -> Trial:
    return Trial(losses=tuple(Outcome(kind="value", value=loss) for loss in losses), slopes=Outcome(kind="value"))


four = st.lists(st.floats(0, 50), min_size=4, max_size=4)


def test_the_interval_reaches_as_far_as_the_pairs_differ() -> None:
    """Worked out by hand: the mean is 2.5, its standard error the root of 5/12, 3.182446 times that 2.054."""
    found = judge_trial(trial([1.0, 4.0, 3.0, 6.0]), trial([0.0, 2.0, 0.0, 2.0]), "")
    assert (found.difference, found.low, found.high) == (2.5, 0.45, 4.6)


@given(four, four)
def test_the_other_way_round_worse_is_better(a: list[float], b: list[float]) -> None:
    there, back = judge_trial(trial(a), trial(b), ""), judge_trial(trial(b), trial(a), "")
    assert {"worse": "better", "better": "worse"}.get(there.verdict, there.verdict) == back.verdict
    assert there.difference == -(back.difference or 0.0)
    assert (there.low, there.high) == (-(back.high or 0.0), -(back.low or 0.0))


@given(four, st.floats(-0.004, 0.004))
def test_less_than_a_hundredth_is_no_difference_however_sure(losses: list[float], little: float) -> None:
    assert judge_trial(trial([loss + little for loss in losses]), trial(losses), "").verdict == "no difference"


def test_the_last_bits_in_which_interpreters_differ_change_no_verdict() -> None:
    rng = random.Random(5)
    usual, mutated = ([rng.uniform(2, 3) for _ in range(4)] for _ in range(2))
    nudged = [loss * (1 + 1e-12) for loss in mutated]
    assert judge_trial(trial(mutated), trial(usual), "") == judge_trial(trial(nudged), trial(usual), "")


@pytest.mark.parametrize("slopes", [None, [1.0], [1.0, [1.0], []], [1.0, ["x"], [1.0]], "text"])
def test_a_mutant_whose_gradient_cannot_be_had_is_refused(slopes: Any) -> None:
    fine = Outcome(kind="value", value=[1.0, [2.0], [2.0]])
    usual = replace(trial([1.0] * 4), slopes=fine)
    odd = replace(trial([2.0] * 4), slopes=Outcome(kind="value", value=slopes))
    assert judge_trial(odd, usual, "").verdict == "refused"
    assert judge_trial(replace(odd, slopes=fine), usual, "").verdict == "worse"
