import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt.insights.insight import Insight, parse_insight
from microgpt.insights.locked import LockedQuestion
from microgpt.insights.parallel import MOST, candidates, choose
from microgpt.sandbox import Json


def insight(questions: str, name: str = "some-idea", keep: str = "") -> Insight:
    return parse_insight(
        f"---\nid: {name}\nclaim: C.\nask: What?\ncall: {'f(x, y)' if keep else 'f(x)'}\n{keep}questions:\n{questions}"
        "misconceptions:\n  m:\n    belief: B.\n    counter: a\n    mutant: |\n      - x\n      + y\n---\nText.\n",
        "f.md",
    )


def varied(*values: str) -> list[Json]:
    lines = "".join(f"  {name}:\n    x: {value}\n" for name, value in zip("abc", values, strict=False))
    return [inputs["x"] for _, inputs in candidates(insight(lines))]


NUMBERS = st.one_of(st.integers(-99, 99), st.floats(0.01, 50).map(lambda x: float(f"{x:.2g}")))
INPUTS = st.recursive(NUMBERS, lambda inner: st.lists(inner, min_size=1, max_size=3), max_leaves=5)


def same_shape(a: Json, b: Json) -> bool:
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same_shape, a, b))
    return type(a) is type(b)


def leaves(value: Json) -> list[float]:
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves(item)]
    assert isinstance(value, int | float)
    return [value]


@given(INPUTS)
def test_every_candidate_has_the_shape_the_sizes_and_the_few_digits_of_its_template(value: Json) -> None:
    signed = min(leaves(value)) < 0
    for candidate in varied(str(value)):
        assert same_shape(candidate, value)
        assert candidate != value
        for new, old in zip(leaves(candidate), leaves(value), strict=True):
            assert abs(new) <= 2.7 * (abs(old) or max(1, *map(abs, leaves(value))))
            assert signed or new >= 0
            assert isinstance(new, int) or len(f"{new:.15g}".replace(".", "").strip("0-").split("e")[0]) <= 2


def test_the_same_insight_gets_the_same_candidates_and_another_one_gets_others() -> None:
    lines = "  a:\n    x: [1, 2, 9]\n"
    assert candidates(insight(lines)) == candidates(insight(lines))
    assert candidates(insight(lines)) != candidates(insight(lines, name="other-idea"))


def test_signs_vary_only_where_the_educator_used_both() -> None:
    assert all(x > 0 for x in map(leaves, varied("5.0", "7.0")) for x in x)
    assert {x > 0 for x in map(leaves, varied("5.0", "-7.0")) for x in x} == {True, False}


def test_a_share_stays_a_share() -> None:
    assert all(0 < x < 1 for x in map(leaves, varied("0.9", "0.75")) for x in x)
    assert any(x > 1 for x in map(leaves, varied("0.9", "1.75")) for x in x)


def test_texts_come_from_those_that_the_educator_wrote_and_flags_stay() -> None:
    assert {str(x) for x in varied("[emma, true]", "[ava, true]", "[mia, false]")} <= {
        f"['{name}', {flag}]" for name in ("emma", "ava", "mia") for flag in (True, False)
    }


@given(x=st.lists(st.integers(1, 99), min_size=1, max_size=3), y=NUMBERS)
def test_a_kept_input_stays_that_of_the_question_it_varies_and_the_others_vary_as_ever(x: list[int], y: float) -> None:
    lines = f"  a:\n    x: {x}\n    y: {y}\n  b:\n    x: {x[::-1]}\n    y: {y + 1}\n"
    found = candidates(insight(lines, keep="keep: [y]\n"))
    assert found
    assert all(inputs["y"] == template.inputs["y"] for template, inputs in found)
    assert all(inputs["x"] != template.inputs["x"] for template, inputs in found)


def test_holdouts_are_neither_varied_nor_repeated() -> None:
    found = candidates(insight("  a:\n    x: [1, 2]\n  b:\n    holdout: true\n    x: [1, 3]\n"))
    assert {template.id for template, _ in found} == {"a"}
    assert {"x": [1, 3]} not in [inputs for _, inputs in found]


def question(name: str, key: float, **answers: float) -> LockedQuestion:
    return LockedQuestion(
        id=name, call="f(x)", ask="", inputs={"x": name}, kind="number", shape=(), options=(), key=key,
        answers=answers, shows=tuple(b for b, a in answers.items() if abs(a - key) > 0.02), holdout=False,
        parallel=True, walk=(),
    )  # fmt: skip


def chosen(*pool: LockedQuestion, authored: tuple[LockedQuestion, ...] = ()) -> list[str]:
    return [q.id for q in choose(pool, authored, within=0.01)]


def test_only_questions_that_show_a_misconception_plainly_are_kept() -> None:
    assert chosen(question("blind", 1, m=1), question("near", 1, m=1.015, n=3), question("plain", 1, m=2)) == ["plain"]


def test_new_keys_come_first_then_rarely_named_misconceptions_then_short_keys() -> None:
    authored = (question("authored", 5, m=1),)
    assert chosen(question("old", 5, m=2, n=3), question("new", 6, m=1), authored=authored) == ["new", "old"]
    assert chosen(question("m1", 1, m=2, n=1), question("m2", 3, m=2, n=3), question("n", 4, m=4, n=2))[:2] == [
        "m1",
        "n",
    ]
    assert chosen(question("long", 1.2345, m=2), question("short", 7, m=2)) == ["short", "long"]


@pytest.mark.parametrize("count", [0, 3, 20])
def test_there_are_at_most_eight(count: int) -> None:
    assert len(chosen(*[question(str(i), i, m=-1) for i in range(count)])) == min(count, MOST)
