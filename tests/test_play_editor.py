"""A function written in an editor, in a real terminal: what is saved is tried, whatever it is."""

import os
import shlex
import textwrap
from pathlib import Path

import pytest

from microgpt.learner.database import default_path
from microgpt.learner.store import Store
from microgpt.sandbox import support
from tests.test_play_exercise import FIRST, TAUGHT, at_exercise
from tests.window import TUTOR, Window, open_window

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(support() == "none", reason="nothing here can contain code that is not ours"),
]
EXERCISE = at_exercise("write")[2]
RIGHT = EXERCISE.answer
HEAD = RIGHT.split("\n")[0]


def saves(folder: Path, code: str) -> str:
    """Return an editor that replaces what it is given by this code, and leaves."""
    path = folder / "what I write.py"
    path.write_text(textwrap.dedent(code) + "\n")
    return f"cp {shlex.quote(str(path))}"


def write(editor: str, *after: str, until: str) -> tuple[Window, list[str]]:
    """Press e at the exercise with an EDITOR, wait for some words, and leave; return the screen and what was graded."""
    with Store.open(default_path(os.environ)) as store:
        learner = at_exercise("write", store=store)[1]
    with open_window(*TUTOR, "--learner", learner, EDITOR=editor) as screen:
        screen.wait_for("what you save is tried. >")
        screen.type("e\r")
        screen.wait_for(until)
        for line in (*after, "q"):
            screen.wait_for(">", screen.words.count(">"))
            screen.type(f"{line}\r")
        assert screen.close() == 0
    with Store.open(default_path(os.environ)) as store:
        events = [event for event in store.events(f"{learner}-microgpt") if "exercise" in event.body]
        return screen, [str(event.body["outcome"]) for event in events if event.kind == "evidence"]


def test_a_right_function_is_right(tmp_path: Path) -> None:
    screen, outcomes = write(saves(tmp_path, RIGHT), until=", on every input.")
    assert outcomes == ["right"]
    assert "It was written like this" not in screen.words


def test_a_misconceptions_function_is_wrong_and_answered_with_numbers_the_belief_and_how_it_was_written(
    tmp_path: Path,
) -> None:
    hunts = (one for one in TAUGHT.exercises(FIRST).values() if one.kind == "hunt" and one.lines[0] == HEAD)
    screen, outcomes = write(saves(tmp_path, "\n".join(next(hunts).lines)), until="It was written like this:")
    assert outcomes == ["wrong"]
    assert "yours gives" in screen.words
    assert "it should be" in screen.words
    beliefs = [belief.belief for belief in TAUGHT.course.insights[FIRST].misconceptions]
    met = [belief for belief in beliefs if f"would be right if this were so: “{belief}”" in screen.words]
    assert len(met) == 1
    assert RIGHT.split("\n")[-1].strip() in screen.words


@pytest.mark.parametrize("editor", ["true", "false"])
def test_an_editor_that_saves_nothing_leaves_the_exercise_open(editor: str) -> None:
    screen, outcomes = write(editor, until="Nothing was changed, so nothing was tried.")
    assert outcomes == []
    assert "Passed" not in screen.words
    assert "There is no function" not in screen.words  # the key was no answer


def test_a_function_that_never_ends_is_stopped_and_can_be_mended(tmp_path: Path) -> None:
    editor = saves(tmp_path, f"{HEAD}\n    while True:\n        pass")
    screen, outcomes = write(editor, "?", until="it does not come to an end")
    assert outcomes == []
    assert "Hint 1 of 5" in screen.words


def test_what_was_written_is_there_again_when_the_editor_is_opened_again(tmp_path: Path) -> None:
    script = tmp_path / "editor.py"
    script.write_text(
        "import sys, pathlib\npath = pathlib.Path(sys.argv[1])\ncode = path.read_text()\n"
        f"path.write_text({RIGHT!r} if 'later' in code else {HEAD!r} + '\\n    return later')\n"
    )
    editor = f"{TUTOR[0]} {shlex.quote(str(script))}"
    _, outcomes = write(editor, "e", until="name 'later' is not defined")
    assert outcomes == ["right"]
