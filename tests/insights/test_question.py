import pytest

from microgpt.errors import CourseError
from microgpt.insights.question import kind_of, numbers_in, render_inputs, shape_of
from microgpt.sandbox import Json


def test_inputs_are_shown_with_their_names() -> None:
    assert render_inputs({"gradients": [5], "lr": 0.1}) == "gradients = [5]   lr = 0.1"
    assert render_inputs({"text": "emma", "flag": True}) == "text = emma   flag = true"


@pytest.mark.parametrize(
    ("key", "options", "kind"),
    [
        (3, (), ("number", ())),
        (0.5, (), ("number", ())),
        ("emma", (), ("text", ())),
        ([1, 2.5], (), ("list", (2,))),
        ([[1, 2], [3, 4], [5, 6]], (), ("list", (3, 2))),
        ("b", ("a", "b"), ("choice", ())),
    ],
)
def test_the_kind_of_a_question_is_told_from_its_key(key: Json, options: tuple[str, ...], kind: object) -> None:
    assert kind_of(key, options) == kind


@pytest.mark.parametrize("key", [None, True, {}, [], [1, [2]], [[1], [2, 3]], ["a"], "", {"a": 1}])
def test_a_key_that_nobody_could_type_is_refused(key: Json) -> None:
    with pytest.raises(CourseError, match="Try"):
        kind_of(key, ())


def test_a_key_that_is_none_of_the_options_is_refused() -> None:
    with pytest.raises(CourseError, match="none of the options"):
        kind_of("c", ("a", "b"))


def test_a_shape_counts_rows_first() -> None:
    assert shape_of([[[1], [2]]]) == (1, 2, 1)
    assert list(numbers_in([[1, 2], [3]])) == [1, 2, 3]
