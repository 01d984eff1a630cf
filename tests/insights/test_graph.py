"""A picture of a course shows every way from an insight to what it needs, and no arrow that a longer way makes."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgpt.errors import CourseError
from microgpt.insights.course import Course, load_course, read_course
from microgpt.insights.graph import needed, to_mermaid, to_svg

SVG = "{http://www.w3.org/2000/svg}"


def course_of(folder: Path, needs: dict[str, list[str]]) -> Course:
    """Write a course without code whose insights need one another so."""
    folder.mkdir(exist_ok=True)
    (folder / "course.yaml").write_text(
        f"format: 1\nid: drawn\ntitle: Drawn & shown\norder: [{', '.join(needs)}]\n"
        + ("goals:\n  first: [" + next(iter(needs)) + "]\n")
    )
    for name, below in needs.items():
        (folder / f"{name}.md").write_text(
            f"---\nid: {name}\nclaim: All of {name} < the rest.\nneeds: [{', '.join(below)}]\nask: Which?\nquestions:\n"
            f"  one:\n    right: yes indeed\n    wrong:\n      other: no way\nmisconceptions:\n  other:\n"
            f"    belief: None.\n    counter: one\n---\nText.\n"
        )
    course, errors = read_course(folder)
    assert not errors, errors
    return course


@settings(max_examples=40)  # each writes a course
@given(
    edges=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=12), order=st.permutations(list(range(7)))
)
def test_what_is_left_of_the_arrows_still_leads_from_each_insight_to_all_that_it_needs(
    edges: list[tuple[int, int]], order: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    needs: dict[str, list[str]] = {f"i{n}": [] for n in order}
    for a, b in edges:
        if order.index(a) > order.index(b) and f"i{b}" not in needs[f"i{a}"]:
            needs[f"i{a}"].append(f"i{b}")
    direct = needed(course_of(tmp_path_factory.mktemp("course"), needs))

    def below(name: str, arrows: dict[str, list[str]] | dict[str, tuple[str, ...]]) -> set[str]:
        return {n for need in arrows[name] for n in (need, *below(need, arrows))}

    for name in needs:
        assert below(name, direct) == below(name, needs)
        for need in direct[name]:  # none could be left out
            assert all(need not in below(other, direct) for other in direct[name] if other != need)


def test_the_svg_draws_each_insight_below_what_it_needs_with_its_claim(tmp_path: Path) -> None:
    needs = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c", "a"]}
    svg = ElementTree.fromstring(to_svg(course_of(tmp_path, needs)))
    boxes = {}
    for group in svg.iter(f"{SVG}g"):
        title, rect, text = group.find(f"{SVG}title"), group.find(f"{SVG}rect"), group.find(f"{SVG}text")
        assert title is not None
        assert rect is not None
        assert text is not None
        assert title.text == f"All of {text.text} < the rest."
        boxes[text.text] = (float(rect.get("x", "")), float(rect.get("y", "")))
    assert boxes.keys() == needs.keys()
    assert boxes["a"][1] < boxes["b"][1] == boxes["c"][1] < boxes["d"][1]
    assert boxes["b"][0] + 152 <= boxes["c"][0]  # side by side, not one over the other
    assert len(list(svg.iter(f"{SVG}path"))) == 4


def test_mermaid_has_a_line_for_each_insight_and_each_arrow(tmp_path: Path) -> None:
    text = to_mermaid(course_of(tmp_path, {"end": [], "a-b": ["end"]}))
    assert text == 'graph TD\n  end_["end"]\n  a_b_["a-b"]\n  end_ --> a_b_\n'


def test_a_goal_draws_only_what_it_takes_and_one_that_is_not_there_is_refused(tmp_path: Path) -> None:
    course = course_of(tmp_path, {"a": [], "b": ["a"]})
    assert list(needed(course, "first")) == ["a"]
    with pytest.raises(CourseError, match="no goal 'frist'"):
        to_svg(course, "frist")


def test_the_averages_are_drawn(folder: Path) -> None:
    course = load_course(folder)
    assert to_svg(course).count("<rect") == len(course.insights)
