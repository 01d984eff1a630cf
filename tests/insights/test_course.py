import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgpt.errors import CourseError
from microgpt.insights.course import find_course, load_course, plan, read_course


def test_a_course_is_what_its_files_say(folder: Path) -> None:
    course = load_course(folder)
    assert (course.id, course.title) == ("averages", "What an average hides")
    assert tuple(course.insights) == course.order
    assert course.goals == {"smoothing": ("smoothing-starts-low",)}
    assert course.glossary == {"mean": "The sum, shared out evenly."}
    assert course.subject_path == folder / "averages.py"
    assert "def smooth(" in course.subject_source
    assert "def smoothed(" in course.helpers


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(folder: Path) -> None:
    before = load_course(folder)
    for path in folder.iterdir():
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert load_course(folder) == before


def test_a_goal_takes_what_it_needs_and_nothing_else(folder: Path) -> None:
    course = load_course(folder)
    assert plan(course, "smoothing") == ("a-mean-is-a-fair-share", "smoothing-starts-low")
    assert plan(course) == course.order
    with pytest.raises(CourseError, match=r"no goal 'smoothin'. Try smoothing."):
        plan(course, "smoothin")


@settings(max_examples=40)  # each writes a course
@given(data=st.data())
def test_a_plan_respects_needs_and_else_follows_the_order(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    size = data.draw(st.integers(1, 7))
    rank = data.draw(st.permutations(range(size)))  # needs only point to a lower rank, so there is no circle
    names = [f"i{n}" for n in range(size)]
    needs = {
        names[n]: data.draw(
            st.lists(st.sampled_from([names[m] for m in range(size) if rank[m] < rank[n]]), unique=True)
        )
        if rank[n] > 0
        else []
        for n in range(size)
    }
    folder = tmp_path_factory.mktemp("course")
    wanted = data.draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
    write_graph(folder, names, needs, goals={"g": wanted})
    course = load_course(folder)
    planned = plan(course, "g")
    assert set(wanted) <= set(planned)
    assert all(planned.index(need) < planned.index(name) for name in planned for need in needs[name])
    assert all(name in wanted or any(name in needs[other] for other in planned) for name in planned)
    for i, name in enumerate(planned):  # whoever could have come at this point stands later in the order
        ready = [n for n in planned[i:] if set(needs[n]) <= set(planned[:i])]
        assert name == min(ready, key=names.index)


def write_graph(folder: Path, order: list[str], needs: dict[str, list[str]], goals: dict[str, list[str]]) -> None:
    goal_lines = "".join(f"  {goal}: [{', '.join(names)}]\n" for goal, names in goals.items())
    head = f"format: 1\nid: graph\ntitle: A graph\norder: [{', '.join(order)}]\n"
    (folder / "course.yaml").write_text(head + (f"goals:\n{goal_lines}" if goals else ""))
    for name, wanted in needs.items():
        (folder / f"{name}.md").write_text(
            f"---\nid: {name}\nclaim: One.\nneeds: [{', '.join(wanted)}]\nask: What?\nquestions:\n  q:\n    right: a\n"
            "    wrong: {m: b}\nmisconceptions:\n  m:\n    belief: B.\n    counter: q\n---\nText.\n"
        )


@pytest.mark.parametrize(
    ("needs", "says", "where"),
    [
        ({"a": ["bb"], "b": []}, "needs 'bb', which does not exist. Try b.", "a.md"),
        ({"a": ["aa"]}, "needs 'aa', which does not exist. Try deleting it.", "a.md"),
        ({"a": ["b"], "b": ["a"]}, "circle: a needs b needs a", "a.md"),
        ({"a": ["a"], "b": []}, "circle: a needs a", "a.md"),
        ({"a": ["b"], "b": ["c"], "c": ["b"]}, "circle: b needs c needs b", "b.md"),
        ({"a": [], "b": [], "extra": []}, "'extra' is unreachable", "extra.md"),
        ({"a": []}, "no insight 'b'", "course.yaml"),
        ({}, "no insight", "course.yaml"),
    ],
)
def test_a_graph_that_cannot_be_taught_is_told_once_where_it_breaks(
    tmp_path: Path, needs: dict[str, list[str]], says: str, where: str
) -> None:
    write_graph(tmp_path, ["a", "b", "c"][: max(2, len(needs) if "extra" not in needs else 2)], needs, {})
    _, errors = read_course(tmp_path)
    told = [error for error in errors if says in error.message]
    assert len(told) == 1
    assert told[0].path == str(tmp_path / where)
    assert told[0].line > 0
    with pytest.raises(CourseError):
        load_course(tmp_path)


def test_a_broken_file_is_one_error_however_many_insights_need_it(tmp_path: Path) -> None:
    write_graph(tmp_path, ["a", "b", "c"], {"a": [], "b": ["a"], "c": ["a"]}, {"g": ["a"]})
    (tmp_path / "a.md").write_text("nonsense")
    course, errors = read_course(tmp_path)
    assert [error.path for error in errors] == [str(tmp_path / "a.md")]
    assert tuple(course.insights) == ("b", "c")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("format: 1", "format: 2", "format 2 is not known"),
        ("title:", "titel:", "Try title."),
        ("subject: averages.py", "subject: nowhere.at.all", "no module"),
        ("subject: averages.py", "subject: ../averages.py", "not in the course's folder"),
        ("subject: averages.py", "subject: average.py", "no such file"),
        ("goals:\n  smoothing:", "goals:\n  smooth.ing:", "dot in it"),
        ("goals:\n  smoothing: [", "goals: [", "lines of `name: value`"),
        ("  smoothing: [smoothing-starts-low]", "  smoothing: [smoothing-starts-lo]", "Try smoothing-starts-low"),
        ("order: [", "order: [3, ", "lists texts"),
        ("id: averages", "id: [averages]", "is text"),
    ],
)
def test_a_mistake_in_course_yaml_is_told_with_a_remedy(folder: Path, old: str, new: str, says: str) -> None:
    path = folder / "course.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(CourseError, match=says) as caught:
        load_course(folder)
    assert "Try" in str(caught.value)


def test_an_insight_must_be_called_what_its_file_is_called(folder: Path) -> None:
    (folder / "smoothing-starts-low.md").rename(folder / "smoothing.md")
    _, errors = read_course(folder)
    assert "Try  id: smoothing" in errors[0].message


def test_reading_a_course_executes_nothing(tmp_path: Path, folder: Path) -> None:
    canary = tmp_path / "executed"
    trap = f"open({str(canary)!r}, 'w')\n"
    (folder / "averages.py").write_text(trap + (folder / "averages.py").read_text())
    (folder / "helpers.py").write_text(trap)
    text = (folder / "a-mean-is-a-fair-share.md").read_text()
    (folder / "a-mean-is-a-fair-share.md").write_text(text.replace("mean(numbers)", f"(mean(numbers), {trap.strip()})"))
    load_course(folder)
    assert not canary.exists()


def test_a_course_is_found_by_its_folder_or_by_its_name(folder: Path) -> None:
    assert find_course(str(folder)) == folder
    with pytest.raises(CourseError, match="no course 'nowhere'"):
        find_course("nowhere")
    with pytest.raises(CourseError, match=r"no course\.yaml"):
        find_course(str(folder.parent))


def test_an_unreadable_file_is_one_error_for_whoever_may_not_read_it(folder: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can become somebody else")
    with tempfile.TemporaryDirectory() as root:  # pytest's own folder is closed to others
        Path(root).chmod(0o755)
        copy = Path(shutil.copytree(folder, Path(root) / "averages"))
        (copy / "helpers.py").chmod(0o600)
        os.seteuid(65534)
        try:
            with pytest.raises(CourseError, match="cannot be read: Permission denied"):
                read_course(copy)
        finally:
            os.seteuid(0)
