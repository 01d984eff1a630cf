import re
import textwrap

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from microgpt.errors import CourseError
from microgpt.insights.mutant import apply_mutant, parse_diff

SOURCE = """\
def adam(w, g):
    for r in w:
        if r > 0:
            w = [[a - k * b for a, b in zip(r, g)] for r in w]  # a comment
    total = 1
    total = 10
    return w
"""


def mutated(diff: str) -> str:
    return apply_mutant(SOURCE, textwrap.dedent(diff))


def test_a_fragment_of_a_line_is_replaced_where_it_stands() -> None:
    assert mutated("- a - k * b for a, b in\n+ b for a, b in") == SOURCE.replace("a - k * b for", "b for")


def test_several_lines_match_in_a_row_whatever_their_indentation() -> None:
    new = mutated("""
        - for r in w:
        - if r > 0:
        + for r in reversed(w):
        +     if r < 0:
        """)
    assert new == SOURCE.replace("for r in w:\n        if r > 0", "for r in reversed(w):\n        if r < 0")


def test_added_lines_are_indented_as_the_place_and_as_they_are_among_each_other() -> None:
    new = mutated("""
        - return w
        + if w:
        +     w = 2
        + return w
        """)
    assert new == SOURCE.replace("    return w", "    if w:\n        w = 2\n    return w")


def test_a_minus_without_a_plus_deletes_its_line() -> None:
    assert mutated("- total = 10") == SOURCE.replace("    total = 10\n", "")
    assert mutated("- w = [[a - k") == re.sub(r" +w = \[\[.*\n", "", SOURCE)


def test_hunks_are_told_apart_by_a_line_without_sign_or_by_a_minus_after_a_plus() -> None:
    wanted = SOURCE.replace("total = 10", "total = 3").replace("return w", "return total")
    assert mutated("- return w\n+ return total\n- total = 10\n+ total = 3") == wanted
    assert mutated("- total = 10\n+ total = 3\n\n- return w\n+ return total") == wanted
    assert len(parse_diff("- a\n\n- b")) == 2


def test_a_fragment_that_begins_with_a_minus_is_read_as_it_is() -> None:
    assert parse_diff("- -x\n+ +x")[0].old == ("-x",)


def test_words_at_the_edge_are_matched_whole() -> None:
    assert "total = 7\n    total = 10" in mutated("- total = 1\n+ total = 7")
    with pytest.raises(CourseError, match="0 places"):
        mutated("- otal = 10\n+ x")


@pytest.mark.parametrize(
    ("diff", "says"),
    [
        ("- totl = 10\n+ x", "0 places of the subject. The nearest line is 6: total = 10"),
        ("- total =\n+ x", "2 places of the subject (lines 5, 6)"),
        ("- return w\n- total = 10\n+ x", "0 places"),
        ("- §\n+ x", "0 places of the subject. Try copying"),
        ("+ x", "without the line that it replaces"),
        ("- total = 10\n+ x\n\n+ y", "without the line that it replaces"),
        ("", "changes nothing"),
        ("nothing here", "changes nothing"),
        ("-\n+ x", "is empty"),
        ("- total = 10\n+ x\n- = 10\n+ y", "two hunks change line 6"),
    ],
)
def test_a_diff_that_does_not_fit_says_how_and_what_to_try(diff: str, says: str) -> None:
    with pytest.raises(CourseError, match=re.escape(says)) as caught:
        mutated(diff)
    assert "Try" in str(caught.value)


WORDS = st.lists(st.sampled_from(["a", "b", "zip(r)", "= 1", "-x", "+", "lr"]), min_size=1, max_size=5).map(" ".join)


@given(data=st.data())
def test_the_reversed_diff_gives_the_source_back(data: st.DataObject) -> None:
    lines = data.draw(st.lists(WORDS, min_size=1, max_size=6, unique=True))
    indents = data.draw(st.lists(st.integers(0, 3), min_size=len(lines), max_size=len(lines)))
    source = "".join("    " * i + f"line{n} {line};\n" for n, (i, line) in enumerate(zip(indents, lines, strict=True)))
    which = data.draw(st.integers(0, len(lines) - 1))
    old, new = f"line{which} {lines[which]};", "new " + data.draw(WORDS) + " new"
    mutant = apply_mutant(source, f"- {old}\n+ {new}")
    assert mutant != source
    assert apply_mutant(mutant, f"- {new}\n+ {old}") == source


@given(st.text(alphabet=st.sampled_from("+- ab=\n()1\\.*"), max_size=40), st.text(max_size=20))
def test_any_diff_of_any_text_applies_or_is_refused_but_never_breaks(diff: str, source: str) -> None:
    assume("\r" not in source)
    said = "Try"
    try:
        apply_mutant(source, diff)
    except CourseError as error:
        said = str(error)
    assert "Try" in said


TWINS = """
def one(x):
    y = x + 1
    return y

def two(x):
    y = x + 1
    return y
"""


def test_of_several_places_the_one_in_the_anchor_is_meant() -> None:
    assert apply_mutant(TWINS, "- return y\n+ return x", anchor=range(6, 9)).splitlines()[-1] == "    return x"
    assert apply_mutant(TWINS, "- return y\n+ return x", anchor=range(2, 5)).splitlines()[3] == "    return x"
    for anchor in (range(0), range(20, 30), range(1, 9)):
        with pytest.raises(CourseError, match=r"stands at 2 places of the subject \(lines 4, 8\)"):
            apply_mutant(TWINS, "- return y\n+ return x", anchor=anchor)


def test_what_stands_at_one_place_need_not_be_in_the_anchor() -> None:
    assert "def three" in apply_mutant(TWINS, "- def one(x):\n+ def three(x):", anchor=range(6, 9))
