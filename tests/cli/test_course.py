import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from microgpt.cli import app, main

AVERAGES = Path(__file__).parent.parent / "insights" / "fixtures" / "averages"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(AVERAGES, tmp_path / "averages"))


@pytest.fixture(scope="module")
def locked_course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clean course with a fresh lock."""
    made = Path(shutil.copytree(AVERAGES, tmp_path_factory.mktemp("locked") / "averages"))
    assert run("lock", str(made)).exit_code == 0
    return made


@pytest.fixture
def locked(tmp_path: Path, locked_course: Path) -> Path:
    return Path(shutil.copytree(locked_course, tmp_path / "averages"))


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["course", *words])


@pytest.mark.slow
def test_an_educators_round_is_lint_lock_lint(folder: Path) -> None:
    first = run("lint", str(folder))
    assert first.exit_code == 0
    assert "3 insights, 6 misconceptions, 9 questions: 0 errors, 0 warnings." in first.stdout
    assert f"Next:  microgpt course lock {folder}" in first.stdout
    assert run("lock", str(folder), "--check").exit_code == 1
    assert run("lock", str(folder)).exit_code == 0
    assert run("lock", str(folder), "--check").exit_code == 0
    assert "Next" not in run("lint", str(folder)).stdout


@pytest.mark.slow
def test_a_lock_made_again_is_the_same_file_untouched(locked: Path) -> None:
    path = locked / "course.lock.json"
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    assert "0 of 3 insights made anew" in run("lock", str(locked)).stdout
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_a_check_writes_nothing_and_says_what_is_stale(locked: Path) -> None:
    path = locked / "smoothing-starts-low.md"
    path.write_text(path.read_text().replace("[4, 8]", "[4, 12]"))
    before = (locked / "course.lock.json").read_bytes()
    checked = run("lock", str(locked), "--check", "--json")
    assert checked.exit_code == 1
    assert json.loads(checked.stdout)["stale"] == ["smoothing-starts-low"]
    assert (locked / "course.lock.json").read_bytes() == before


def test_a_changed_anchor_lists_the_pages_to_look_at_again_once(locked: Path) -> None:
    """Lint tells it too, but not any more once the lock is made anew."""
    source = locked / "averages.py"
    source.write_text(source.read_text().replace("total = sum(numbers)", "total = sum(numbers) + 0"))
    page = str(locked / "a-mean-is-a-fair-share.md")
    told = f"{page}: look again at it, for mean changed.\n"
    assert run("lock", str(locked), "--check").stdout.startswith(told)
    assert json.loads(run("lock", str(locked), "--check", "--json").stdout)["look_again"] == ["a-mean-is-a-fair-share"]
    assert run("lock", str(locked)).stdout.startswith(told)
    assert "look again" not in run("lock", str(locked)).stdout


def test_a_file_below_the_current_folder_is_named_as_one_would_type_it(
    locked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (locked / "smoothing-starts-low.md").write_text("nonsense")
    monkeypatch.chdir(locked.parent)
    assert run("lint", str(locked)).stdout.startswith("averages/smoothing-starts-low.md\n")


def test_where_no_course_is_named_that_of_the_folder_is_meant_or_else_the_bundled_one(
    locked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(locked)
    assert "What an average hides" in run("show").stdout
    assert run("lint").stdout.startswith("3 insights")
    assert run("plan").stdout.endswith("Next:  microgpt tutor .\n")
    monkeypatch.chdir(tmp_path)
    assert run("plan").stdout.endswith("Next:  microgpt tutor microgpt\n")


def test_lint_exits_with_1_for_an_error_and_prints_it_as_one_json_object(locked: Path) -> None:
    path = locked / "smoothing-starts-low.md"
    path.write_text(path.read_text().replace("anchor: smooth.average", "anchor: smoth"))
    done = run("lint", str(locked), "--json")
    assert done.exit_code == 1
    report = json.loads(done.stdout)
    assert report["format"] == "microgpt/lint/1"
    assert [finding["rule"] for finding in report["findings"]] == ["anchor-missing"]


@pytest.mark.parametrize(
    "words",
    [
        ["lint", "nowhere"],
        ["lock", "nowhere"],
        ["show", "nowhere"],
        ["lint", "/"],
        ["lint", __file__],
        ["lint", "a" * 5000],
    ],
    ids=lambda words: " ".join(words)[-20:],
)
def test_a_course_that_is_not_there_is_one_line_and_exit_2(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["course", *words])
    assert caught.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("microgpt: ")
    assert said.err.count("\n") == 1
    assert "Try" in said.err


def test_a_broken_course_yaml_exits_with_2_and_is_still_json(folder: Path) -> None:
    (folder / "course.yaml").write_text("format: [")
    done = run("lint", str(folder), "--json")
    assert done.exit_code == 2
    assert json.loads(done.stdout)["findings"][0]["line"] == 1


def test_show_tells_the_ideas_in_order(folder: Path) -> None:
    done = run("show", str(folder))
    assert done.exit_code == 0
    assert "What an average hides" in done.stdout
    names = ["a-mean-is-a-fair-share", "smoothing-starts-low", "one-outlier-is-enough"]
    assert sorted(names, key=done.stdout.index) == names


def test_show_tells_the_claims_in_another_language_where_they_are_there(folder: Path) -> None:
    (folder / "a-mean-is-a-fair-share.de.yaml").write_text("claim: Gerecht geteilt.\n")
    shown = run("show", str(folder), "--language", "de").stdout
    assert "Gerecht geteilt." in shown
    assert "One far number moves a mean as far as it likes." in shown


def test_help_loads_neither_yaml_nor_the_sandbox() -> None:
    script = (
        "import sys\nfrom microgpt.cli import main\ntry: main(['course', 'lint', '--help'])\nexcept SystemExit: pass\n"
    )
    check = (
        "print([m for m in sys.modules if m.split('.')[0] in ('yaml', 'numpy') or 'insights' in m or 'sandbox' in m])"
    )
    done = subprocess.run([sys.executable, "-c", script + check], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
    assert "Example:" in done.stdout


def test_a_plan_names_what_a_goal_takes_in_order(folder: Path) -> None:
    done = run("plan", str(folder), "--goal", "smoothing", "--json")
    plan = json.loads(done.stdout)
    assert (plan["format"], plan["goal"]) == ("microgpt/plan/1", "smoothing")
    seen: set[str] = set()
    for insight in plan["insights"]:
        assert seen.issuperset(insight["needs"])
        seen.add(insight["id"])
    assert "smoothing-starts-low" in seen
    shown = run("plan", str(folder)).stdout
    assert "3 of 3 ideas.   goals: " in shown
    assert all(len(line) <= 80 for line in shown.splitlines()[:-1])  # a path may be as long as it is
    assert shown.endswith(f"Next:  microgpt tutor {folder}\n")
    assert [line for line in shown.splitlines() if line.startswith("  1  ")]


def test_a_goal_that_is_not_there_names_the_nearest(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["course", "plan", str(folder), "--goal", "smothing"])
    assert ended.value.code == 2
    assert "no goal 'smothing'" in (said := capsys.readouterr().err)
    assert "smoothing" in said


def test_a_course_without_goals_is_planned_as_a_whole(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "course.yaml"
    path.write_text(path.read_text().replace("goals:\n  smoothing: [smoothing-starts-low]\n", ""))
    assert "3 of 3 ideas.\n" in run("plan", str(folder)).stdout
    with pytest.raises(SystemExit):
        main(["course", "plan", str(folder), "--goal", "smoothing"])
    assert capsys.readouterr().err.endswith("Try it without a goal.\n")


def test_a_graph_is_mermaid_or_a_drawn_file(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("graph", str(folder)).stdout.startswith("graph TD\n")
    drawn = tmp_path / "course.svg"
    assert run("graph", str(folder), "--svg", str(drawn)).exit_code == 0
    assert drawn.read_text().startswith("<svg ")
    with pytest.raises(SystemExit) as ended:
        main(["course", "graph", str(folder), "--svg", str(tmp_path / "no" / "course.svg")])
    assert ended.value.code == 2
    assert "Try another --svg FILE" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["course", "graph", str(folder), "--svg", str(tmp_path / "course.png")])
    assert "Try --svg course.svg" in capsys.readouterr().err
    assert not (tmp_path / "course.png").exists()
