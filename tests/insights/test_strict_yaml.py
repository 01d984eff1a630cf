import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt.errors import CourseError
from microgpt.insights.strict_yaml import MAX_CHARACTERS, read_yaml


def value_of(text: str) -> object:
    return read_yaml(f"x: {text}", path="f.yaml").data["x"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("1:30", "1:30"),
        ("012", 12),
        ("0o14", 12),
        ("0xff", 255),
        ("1_000", "1_000"),
        ("2026-11-25", "2026-11-25"),
        ("true", True),
        ("~", None),
        ("", None),
        ("1e3", 1000.0),
        ("-.5", -0.5),
        ("<<", "<<"),
        ("'5'", "5"),
    ],
)
def test_a_scalar_is_what_the_core_schema_says_and_nothing_else(text: str, value: object) -> None:
    assert value_of(text) == value
    assert type(value_of(text)) is type(value)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a: 1\nb: 2\na: 3", 3, "twice"),
        ("a: {x: 1, x: 2}", 1, "twice"),
        ("a: &big [1]\nb: *big", 1, "anchors"),
        ("a: !!python/object/apply:os.system [ls]", 1, "tags"),
        ("a: !x 1", 1, "tags"),
        ("a: " + "[" * 40 + "]" * 40, 1, "deeper"),
        ("a: .inf", 1, "no number"),
        ("a: .nan", 1, "no number"),
        ("a: 1e999", 1, "no number"),
        ("a: " + "9" * 5000, 1, "no number"),
        ("ok: 1\n1: 2", 2, "no text"),
        ("- a\n- b", 1, "key: value"),
        ("", 1, "key: value"),
        ("a: 1\n---\nb: 2", 2, "Try"),
        ("ask: Does it?, call: f(x)\nb: 1", 1, "Try"),
        ("a: [1,\nb", 2, "Try closing the bracket"),
        ("a:\n\tb: 1", 2, "Try spaces instead of a tab"),
        ('ok: 1\na: "\\e[31mred"', 2, "U\\+001B"),
        ('"\\e[2J": 1', 1, "U\\+001B"),
        ("a: evil \u202e txt", 1, "U\\+202E"),
        ("a: @b", 1, "or quotes around a text that begins with a sign"),
    ],
)
def test_what_a_course_never_needs_is_refused_where_it_stands(text: str, line: int, says: str) -> None:
    with pytest.raises(CourseError, match=says) as caught:
        read_yaml(text, path="f.yaml")
    assert caught.value.path == "f.yaml"
    assert caught.value.line == line


def test_more_text_than_a_course_can_need_is_refused_unread() -> None:
    with pytest.raises(CourseError, match="longer than"):
        read_yaml("a: " + "x" * MAX_CHARACTERS, path="f.yaml")


def test_every_key_knows_its_line_in_the_whole_file() -> None:
    doc = read_yaml("a:\n  b: 1\n  c: [x,\n   y]", path="f.yaml", first_line=10)
    assert doc.places["a"] == (10, 1)
    assert doc.places["a.b"] == (11, 3)
    assert doc.places["a.c.1"] == (13, 4)
    assert doc.line("a.b.nowhere") == 11


@given(st.text(alphabet=st.sampled_from("ab:-[]{}&*!|>'\"#%@`, \n\t0.~?\\\x00é"), max_size=80))
def test_whatever_the_text_it_is_read_or_refused_but_never_breaks(text: str) -> None:
    said = "Try"
    try:
        read_yaml(text, path="f.yaml")
    except CourseError as error:
        said = str(error)
    assert "Try" in said
