import random

import pytest

from microgpt.insights.samples import draw, samples


@pytest.mark.parametrize(
    ("signature", "call", "shape"),
    [
        ("x: int, y: float", "f(x, y)", {"x": "whole", "y": "number"}),
        ("xs: list[float]", "f(xs)", {"xs": "list"}),
        ("xs: Sequence[int], *, by: bool", "f(xs, by=by)", {"xs": "list", "by": "flag"}),
        ("rows: list[list[float]]", "f(rows)", {"rows": "rows"}),
        ("words: list[str], x: int = 3", "f(words)", {"words": "texts"}),
        ("x: int, /, y: str", "f(x, y)", {"x": "whole", "y": "text"}),
        ("pair: tuple[float, float]", "f(pair)", {"pair": "list"}),
        ("xs: list[int] | None", "f(xs)", {"xs": "list"}),
    ],
)
def test_types_say_what_a_function_takes_and_what_has_a_default_is_left_to_it(
    signature: str, call: str, shape: dict[str, str]
) -> None:
    found = samples(f"def f({signature}): ...", "f")
    assert (found.call, found.shapes) == (call, (shape,))
    assert all(inputs.keys() == shape.keys() for inputs in found.inputs)


def test_without_types_several_combinations_are_guessed() -> None:
    found = samples("def f(x, y): ...", "f")
    assert len(found.shapes) == len(found.inputs) > 10
    assert {"x": "list", "y": "whole"} in found.shapes


def test_the_examples_in_its_docstring_come_before_any_guess() -> None:
    source = '''def f(xs: str, y=0, z=0):
    """Something.

    >>> f([1, 4, 9], z=0.5) + f([2, 1])
    3
    >>> f(open("x"))
    >>> f([3, 2, 1], z=0.25)
    """
'''
    found = samples(source, "f")
    assert found.call == "f(xs, z=z)"
    assert found.inputs == ({"xs": [1, 4, 9], "z": 0.5}, {"xs": [3, 2, 1], "z": 0.25})
    assert found.shapes == ({"xs": "ascending", "z": "share"}, {"xs": "list", "z": "share"})


def test_where_everything_has_a_default_everything_is_tried() -> None:
    found = samples("def f(x: int = 1, *, word: str = ''): ...", "f")
    assert (found.call, found.shapes) == ("f(x, word=word)", ({"x": "whole", "word": "text"},))


def test_a_function_of_nothing_has_one_call() -> None:
    assert samples("def f(*xs): ...", "f").inputs == ({},)


def test_both_sides_of_a_union_are_tried_and_none_is_left_out() -> None:
    assert samples("def f(x: int | float | None): ...", "f").shapes == ({"x": "whole"}, {"x": "number"})


def test_where_the_example_has_several_words_several_are_drawn() -> None:
    found = samples('def f(text):\n    """\n    >>> f("the quick fox")\n    """', "f")
    assert found.shapes == ({"text": "words"},)
    rng = random.Random(1)
    assert all(" " in str(draw(found.shapes[0], rng)["text"]) for _ in range(20))


def test_ascending_lists_ascend() -> None:
    rng = random.Random(1)
    drawn = [draw({"xs": "ascending"}, rng)["xs"] for _ in range(20)]
    assert all(isinstance(xs, list) and xs == sorted(xs) for xs in drawn)
