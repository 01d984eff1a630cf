import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from microgpt import sandbox
from microgpt.cli import app, main
from microgpt.insights import draft

AVERAGES = Path(__file__).parent.parent / "insights" / "fixtures" / "averages"
SHARING = '''def share_out(sweets, children):
    """How many each child gets.

    >>> share_out(12, 5)
    2
    """
    return sweets // children
'''


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["insight", *words], catch_exceptions=False)


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Run a command that must end with one line and exit code 2, and return the line."""
    with pytest.raises(SystemExit) as ended:
        main(["insight", *words])
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "Try" in said.err
    return said.err


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(AVERAGES, tmp_path / "averages"))


@pytest.mark.slow
def test_in_a_folder_with_one_python_file_a_page_and_a_course_are_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sharing.py").write_text(SHARING)
    monkeypatch.chdir(tmp_path)
    done = run("new", "share_out")
    assert done.exit_code == 0
    assert done.stdout.startswith("course.yaml: a course begun.\nshare-out.md: proposed inputs")
    assert done.stderr == ""  # nobody watches, so nothing is redrawn
    assert done.stdout.endswith("course lint .\n")
    linted = CliRunner().invoke(app, ["course", "lint", ".", "--json"])
    report = json.loads(linted.stdout)
    assert {finding["rule"] for finding in report["findings"] if finding["severity"] == "error"} == {"placeholder"}
    page = (tmp_path / "share-out.md").read_text()
    assert "microgpt insight preview share-out ." in refused(capsys, "new", "share_out")
    assert (tmp_path / "share-out.md").read_text() == page


@pytest.mark.slow
def test_in_a_course_that_is_there_only_the_page_is_written(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    done = run("new", "mean", str(folder), "--id", "shares-are-even")
    assert "Add shares-are-even to the order in course.yaml." in done.stdout
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert after.keys() - before.keys() == {"shares-are-even.md"}
    assert all(after[name] == before[name] for name in before)


@pytest.mark.parametrize(
    "words",
    [
        ["new", "nothing"],
        ["new", "share_out", "nowhere"],
        ["new", "share_out", "sharing.py"],
        ["new", "share_out", "a" * 5000],
        ["new", "share_out", "--id", "A"],
    ],
    ids=lambda words: " ".join(words)[-20:],
)
def test_what_cannot_be_begun_leaves_the_folder_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    (tmp_path / "sharing.py").write_text(SHARING)
    monkeypatch.chdir(tmp_path)
    refused(capsys, *words)
    assert [path.name for path in tmp_path.iterdir()] == ["sharing.py"]


@pytest.mark.slow
def test_where_nothing_contains_code_an_educators_own_folder_is_run_only_if_trusted(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sandbox, "_walls", lambda: ("none", "it takes a Linux kernel. Try: WSL"))
    for words in [
        ["insight", "new", "mean", str(folder), "--id", "shares"],
        ["insight", "preview", "a-mean-is-a-fair-share", str(folder)],
        ["course", "lint", str(folder)],
    ]:
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == 2
        assert "nothing here can contain it" in capsys.readouterr().err
        done = CliRunner().invoke(app, [*words, "--trust"], catch_exceptions=False)
        assert done.stdout
        assert done.stderr == "Nothing here can contain code, so the course ran with limits only.\n"


def test_ctrl_c_while_inputs_are_tried_leaves_the_folder_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        assert (tmp_path / "course.yaml").exists()
        raise KeyboardInterrupt

    (tmp_path / "sharing.py").write_text(SHARING)
    monkeypatch.setattr(draft, "draft_insight", interrupted)
    assert CliRunner().invoke(app, ["insight", "new", "share_out", str(tmp_path)]).exit_code != 0
    assert [path.name for path in tmp_path.iterdir()] == ["sharing.py"]


def test_a_preview_shows_every_question_hint_and_confrontation_and_asks_who_answers_so(folder: Path) -> None:
    done = run("preview", "a-mean-is-a-fair-share", str(folder))
    said = " ".join(done.stdout.split())
    for words in [
        "A mean is what each would get if all was shared out evenly.",
        "numbers = [0, 5, 7, 20] What is their mean? right: 8",
        "last (holdout)",
        "Hint 5 of 5 for three. It is 4.",
        "Someone who believes this answers 12 to three, 32 to four, 24 to last: yes?",
        "That belief says 32. Does the code? numbers = [0, 5, 7, 20]",
        "What would the largest number have to do with it, then?",
        "Practice: write",
    ]:
        assert words in said
    assert not re.search(r"\x1b", done.stdout)
    assert all(len(line) <= 80 for line in done.stdout.splitlines()[:-1])


def test_the_json_has_what_a_lesson_would_send_and_the_answers_beside_it(folder: Path) -> None:
    seen = json.loads(run("preview", "one-outlier-is-enough", str(folder), "--json").stdout)
    assert seen["format"] == "microgpt/preview/1"
    town = seen["questions"][0]
    assert (town["kind"], len(town["options"]), town["answer"]) == ("choice", 3, "It rises a lot.")
    assert [q["hints"] == [] for q in seen["questions"]] == [False, False, True]
    assert seen["beliefs"][0]["says"][0] == {"question": "town", "answer": "It stays about the same.", "wrong": True}
    assert seen["beliefs"][0]["confront"]["move"] == "confront"
    assert seen["practice"] == []  # it is about no code


def test_a_mistake_in_another_page_is_no_obstacle_but_one_in_this_page_is(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "smoothing-starts-low.md").write_text("nonsense")
    assert run("preview", "a-mean-is-a-fair-share", str(folder)).exit_code == 0
    assert "two lines of ---" in refused(capsys, "preview", "smoothing-starts-low", str(folder))
    assert "Try a-mean-is-a-fair-share" in refused(capsys, "preview", "a-mean-is-fair", str(folder))
    page = folder / "a-mean-is-a-fair-share.md"
    page.write_text(page.read_text().replace("- return total /", "- return totl /"))
    assert "the mutant of 'forgets-to-share'" in refused(capsys, "preview", "a-mean-is-a-fair-share", str(folder))
