"""`microgpt learner`: what is kept about a learner is theirs to see, mend, take along and delete."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from microgpt.cli import main
from microgpt.learner.database import default_path
from microgpt.learner.profile import Profile
from microgpt.learner.store import Store

MONDAY = datetime(2026, 1, 5, 9, tzinfo=UTC)
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Return a function that runs `microgpt learner` and returns its exit code, its output and its errors."""

    def run(*args: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["learner", *args])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


@pytest.fixture
def ada_and_bob(averages: Path, study: Callable[..., datetime]) -> None:
    """Two learners; Bob is taught by an agent that never asked for his name."""
    with Store.open(default_path(os.environ)) as store:
        store.save_learner(Profile(id="ada", name="Ada Zörgiebel"))
        study(store, averages, "ada", ["takes-the-middle", "right", "right", "reveal"], now=MONDAY)
        study(store, averages, "bob", ["right"], now=MONDAY, heard=False)


@pytest.mark.parametrize(
    "args", [["show"], ["edit", "--name", "x"], ["export"], ["export", "--anki"], ["forget", "--yes"]]
)
def test_a_stranger_is_told_so_in_one_line_and_nothing_is_made(call: Call, args: list[str]) -> None:
    code, out, err = call(*args)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "Try: microgpt tutor" in err
    assert not default_path(os.environ).exists()
    assert call("correct", "me-averages/1", "why")[0] == 2
    assert not default_path(os.environ).exists()


def test_an_empty_machine_has_nobody_to_list(call: Call) -> None:
    assert call("list") == (0, "Nobody yet. Begin with:  microgpt tutor\n", "")
    assert json.loads(call("list", "--json")[1]) == {"format": "microgpt/learners/1", "learners": []}
    assert not default_path(os.environ).exists()


@pytest.mark.usefixtures("ada_and_bob")
def test_everybody_is_listed_with_their_lessons(call: Call) -> None:
    _, out, _ = call("list")
    assert [line.split()[0] for line in out.splitlines()] == ["ada", "bob", "Next:"]
    assert "Ada Zörgiebel" in out
    assert [row["lessons"] for row in json.loads(call("list", "--json")[1])["learners"]] == [
        ["ada-averages"],
        ["bob-averages"],
    ]


@pytest.mark.usefixtures("ada_and_bob")
def test_a_profile_is_changed_where_an_option_says_so_and_nowhere_else(call: Call) -> None:
    assert call("edit", "--learner", "ada", "--interests", "chess, sailing", "--minutes", "20")[0] == 0
    said = json.loads(call("show", "--learner", "ada", "--json")[1])
    assert said["format"] == "microgpt/learner/1"
    assert (said["name"], said["interests"], said["minutes"]) == ("Ada Zörgiebel", "chess, sailing", 20)
    assert call("edit", "--learner", "bob", "--name", "Bob", "--language", "de-CH")[0] == 0
    assert "name        Bob\n" in call("show", "--learner", "bob")[1]


@pytest.mark.usefixtures("ada_and_bob")
@pytest.mark.parametrize(
    "options", [[], ["--language", "German!"], ["--name", "x" * 201], ["--background", "two\nlines"]]
)
def test_what_cannot_be_kept_is_refused_in_one_line(call: Call, options: list[str]) -> None:
    before = call("show", "--learner", "ada", "--json")
    code, out, err = call("edit", "--learner", "ada", *options)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "Try" in err
    assert call("show", "--learner", "ada", "--json") == before


@pytest.mark.usefixtures("ada_and_bob")
def test_an_answer_that_show_names_can_be_taken_back(call: Call) -> None:
    answers = json.loads(call("show", "--learner", "ada", "--json")[1])["answers"]
    shown = call("show", "--learner", "ada")[1]
    assert all(answer["id"] in shown for answer in answers)
    assert max(len(line) for line in shown.splitlines()) <= 80
    code, out, _ = call("correct", answers[0]["id"], "my sister typed that")
    assert (code, out.count("\n")) == (0, 1)
    assert out.endswith("Next:  microgpt progress --learner ada\n")
    assert json.loads(call("show", "--learner", "ada", "--json")[1])["answers"] == answers[1:]
    assert "my sister typed that" in call("export", "--learner", "ada")[1]


def test_the_export_is_all_of_one_learner_and_the_cards_are_utf_8_whatever_the_terminal_is(
    ada_and_bob: None, averages: Path, tmp_path: Path, study: Callable[..., datetime]
) -> None:
    def export(learner: str, *args: str) -> "subprocess.CompletedProcess[bytes]":
        environ = os.environ | {"PYTHONIOENCODING": "latin-1"}
        command = [sys.executable, "-m", "microgpt", "learner", "export", "--learner", learner, *args]
        return subprocess.run(command, env=environ, capture_output=True, check=True)

    whole: Any = json.loads(export("ada").stdout)
    assert whole["format"] == "microgpt/learner-export/1"
    assert whole["learner"]["name"] == "Ada Zörgiebel"
    assert [row["lesson"] for row in whole["lessons"]] == ["ada-averages"]
    german = Path(shutil.copytree(averages, tmp_path / "german"))
    course = german / "course.yaml"
    course.write_text(re.sub("title: .*", "title: Über Mittelwerte", course.read_text()), encoding="utf-8")
    with Store.open(default_path(os.environ)) as store:
        study(store, german, "eve", ["right"] * 3, now=MONDAY)
    done = export("eve", "--anki")
    rows = [line for line in done.stdout.decode().splitlines() if not line.startswith("#")]
    assert done.stderr.decode().startswith(f"{len(rows)} cards.")
    assert len(rows) >= 2
    assert all("\tÜber Mittelwerte\t" in row for row in rows)


def ask_to_forget(typed: str, *args: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "microgpt", "learner", "forget", "--learner", "ada", *args]
    return subprocess.run(command, input=typed, capture_output=True, text=True, check=False)


@pytest.mark.usefixtures("ada_and_bob")
def test_a_learner_is_forgotten_only_after_a_yes(call: Call) -> None:
    for typed in ("n\n", "\n", ""):
        assert ask_to_forget(typed).returncode == 1
        assert call("show", "--learner", "ada")[0] == 0
    done = ask_to_forget("y\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Zörgiebel".encode() not in b"".join(path.read_bytes() for path in default_path(os.environ).parent.iterdir())
    code, _, err = call("show", "--learner", "ada")
    assert code == 2
    assert "but: bob. Try: --learner bob" in err
    assert ask_to_forget("", "--yes").returncode == 2


@pytest.mark.usefixtures("ada_and_bob")
def test_a_plan_for_a_learner_leaves_out_what_they_know(
    averages: Path, study: Callable[..., datetime], capsys: pytest.CaptureFixture[str]
) -> None:
    def plan(*args: str) -> list[str]:
        with pytest.raises(SystemExit):
            main(["course", "plan", str(averages), "--json", *args])
        return [insight["id"] for insight in json.loads(capsys.readouterr().out)["insights"]]

    with Store.open(default_path(os.environ)) as store:
        study(store, averages, "ada", ["right"] * 20, now=MONDAY)
    whole = plan()
    assert plan("--learner", "eve") == whole
    assert plan("--learner", "ada") == []
    left = plan("--learner", "bob")
    assert 0 < len(left) < len(whole)
    assert left == [name for name in whole if name in left]
