"""What the bundled insights say in words, against the code that they are about."""

import inspect
import math
import re

import pytest

from microgpt import reference
from microgpt.insights.course import find_course, load_course

COURSE = load_course(find_course("microgpt"))


def text_of(insight: str) -> str:
    return " ".join(COURSE.insights[insight].text.split())


def step(gradient: float, *, before: float = 0.0, mean: float = 0.0, square: float = 0.0, lr: float = 0.1):
    """Return a weight and its two averages after the first step of Adam."""
    new = reference.adam([[before]], [[gradient]], [[mean]], [[square]], 1, lr)
    return [rows[0][0] for rows in new]


def test_after_one_step_the_averages_hold_the_parts_that_the_adam_text_names() -> None:
    said = re.search(
        r"hold (\d+) per cent of the gradient and (\d+) per cent of its square", text_of("adam-corrects-its-bias")
    )
    assert said is not None
    _, mean, square = step(5.0)
    assert [int(part) / 100 for part in said.groups()] == [pytest.approx(mean / 5), pytest.approx(square / 25)]
    betas = inspect.signature(reference.adam).parameters
    skipped = COURSE.insights["adam-corrects-its-bias"].skip
    assert all(str(betas[name].default) in skipped for name in ("beta1", "beta2"))


@pytest.mark.parametrize("gradient", [5.0, 0.01, -300.0])
def test_the_first_step_is_as_long_as_lr_and_downhill_whatever_the_gradient(gradient: float) -> None:
    assert step(gradient)[0] == pytest.approx(-math.copysign(0.1, gradient), rel=1e-5)


def test_gradients_that_change_their_sign_make_shorter_steps() -> None:
    weight, mean, square = [[0.0]], [[0.0]], [[0.0]]
    for number, gradient in enumerate([1.0, -1.0, 1.0, -1.0], 1):
        before = weight
        weight, mean, square = reference.adam(weight, [[gradient]], mean, square, number, 0.1)
        if number > 1:
            assert abs(weight[0][0] - before[0][0]) < 0.1


def test_a_score_higher_by_ln_2_gets_twice_the_share_and_a_shift_of_all_changes_none() -> None:
    low, high, _ = reference.softmax([1.0, 1.0 + math.log(2), -3.0])
    assert high == pytest.approx(2 * low)
    assert reference.softmax([11.0, 11.0 + math.log(2), 7.0]) == pytest.approx([low, high, 1 - low - high])
    assert reference.softmax([0.0, -800.0])[1] == 0  # where it breaks


def test_even_the_worst_match_leaves_a_trace_in_what_attention_gives() -> None:
    q, k, v = (reference.Node(rows) for rows in ([[1.0], [1.0]], [[-3.0], [3.0]], [[1.0], [0.0]]))
    taken = reference.attention(q, k, v, 1).data[-1][0]
    assert 0 < taken < 0.5
