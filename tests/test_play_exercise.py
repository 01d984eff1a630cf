"""Exercises at the terminal: a line's number, an expression, a function in an editor or line by line."""

import io
import sys
from datetime import UTC, datetime
from pathlib import Path
from string import ascii_lowercase

import pytest
from rich.console import Console

from microgpt.insights.practice import Exercise, choose_exercise
from microgpt.learner.profile import Profile
from microgpt.learner.store import Store
from microgpt.play import Seat, sit_down
from microgpt.sandbox import support
from microgpt.terminal import Terminal
from microgpt.tutor.render import show
from microgpt.tutor.session import current_state
from microgpt.tutor.tools import LessonTools, teachable

TAUGHT = teachable("microgpt")
KINDS = {"hunt", "blank", "write"}
FIRST = next(name for name in TAUGHT.plan("") if {e.kind for e in TAUGHT.exercises(name).values()} >= KINDS)
pytestmark = pytest.mark.skipif(support() == "none", reason="nothing here can contain code that is not ours")


def at_exercise(kind: str, *, store: Store | None = None) -> tuple[Store, str, Exercise]:
    """Return a record, a learner and the exercise of a kind that is open in their lesson."""
    exercises = tuple(TAUGHT.exercises(FIRST).values())
    chosen = {learner: choose_exercise(exercises, f"{learner}/{FIRST}") for learner in ascii_lowercase}
    learner, exercise = next((learner, e) for learner, e in chosen.items() if e is not None and e.kind == kind)
    store = store or Store.in_memory()
    store.save_learner(Profile(id=learner, name="Ada"))
    tools = LessonTools(store, clock=lambda: datetime.now(UTC), heard=lambda quote: True)
    turn = tools.start(learner=learner)
    while turn.move != "practise" or turn.say["insight"] != FIRST:
        ask = current_state(store, turn.lesson, *store.snapshot(turn.lesson)).ask
        if ask is None:
            turn = tools.next(turn.lesson, turn.ack)
        elif turn.move in ("place", "practise"):
            turn = tools.skip(turn.lesson, ask.ask_id)
        else:
            key = TAUGHT.questions(ask.insight)[ask.question].key
            turn = tools.answer(turn.lesson, ask.ask_id, show(key)).then  # type: ignore[arg-type]
    return store, learner, exercise


def played(kind: str, *lines: str) -> tuple[str, list[str]]:
    """Return what is shown to one who types these lines at an exercise, and how the exercise ended, if it did."""
    store, learner, _ = at_exercise(kind)
    shown, before = io.StringIO(), sys.stdin
    sys.stdin = io.StringIO("".join(f"{line}\n" for line in lines))
    try:
        terminal = Terminal(Console(file=shown, width=80), plain=False, environ={"EDITOR": "false"})
        sit_down(Seat(learner=learner), store, terminal, clock=lambda: datetime.now(UTC))
    finally:
        sys.stdin = before
    evidence = [e.body for e in store.events(f"{learner}-microgpt") if e.kind == "evidence" and "exercise" in e.body]
    return " ".join(shown.getvalue().split()), [str(body["outcome"]) for body in evidence]


def solution(kind: str) -> Exercise:
    return at_exercise(kind)[2]


def test_a_function_is_written_line_by_line_where_no_editor_can_open() -> None:
    shown, outcomes = played("write", "e", *solution("write").answer.split("\n"), ".", "q")
    assert "end with a line that holds a single dot" in shown
    assert ", on every input." in shown
    assert outcomes == ["right"]


def test_a_function_that_does_not_run_leaves_the_exercise_open_and_a_hint_can_be_had() -> None:
    head = solution("write").lines[0]
    shown, outcomes = played("write", "e", head, "    return nothing", ".", "?", "r", "q")
    assert "NameError: name 'nothing' is not defined (your code line 2)" in shown
    assert "Hint 1 of 5" in shown
    assert "It was written like this:" in shown
    assert outcomes == ["gave_up"]


def test_code_that_ends_with_the_input_is_not_tried() -> None:
    assert played("write", "e", "def ")[1] == []


@pytest.mark.parametrize("kind", ["hunt", "blank", "write"])
def test_an_exercise_is_passed_by_pressing_enter_twice_and_its_code_can_be_shown_again(kind: str) -> None:
    shown, outcomes = played(kind, "l", "", "", "q")
    assert shown.count(" ".join(solution(kind).lines[0].split())) >= 2
    assert "Pass? Enter again passes" in shown
    assert "Passed." in shown or "Left out." in shown
    assert outcomes == []


def test_an_expression_is_typed_at_the_prompt_and_one_with_an_x_in_front_is_no_contest() -> None:
    shown, outcomes = played("blank", "x + nowhere", str(solution("blank").key), "q")
    assert "name 'x' is not defined" in shown or "name 'nowhere' is not defined" in shown
    assert outcomes == ["right"]


def test_a_question_asked_back_is_not_taken_for_code() -> None:
    shown, outcomes = played("blank", "what is this for?", "q")
    assert "No model is here to answer" in shown
    assert outcomes == []


def test_a_line_is_named_by_its_number() -> None:
    exercise = solution("hunt")
    assert isinstance(exercise.key, list)
    assert played("hunt", "hm", f"line {exercise.key[0]}", "q")[1] == ["right"]
    assert played("hunt", str(exercise.start), "q")[1] == ["wrong"]


# ---- in a real terminal, with an editor


class _Keyboard(io.StringIO):
    """An input that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def write_with(editor: str, draft: str = "draft\n") -> tuple[str, str]:
    """Return what a terminal whose learner has this editor gets, and what it shows."""
    shown, before = io.StringIO(), sys.stdin
    sys.stdin = _Keyboard()
    try:
        terminal = Terminal(Console(file=shown, width=80), plain=False, environ={"EDITOR": editor})
        assert terminal.edits
        code = terminal.write_code(draft)
    finally:
        sys.stdin = before
    assert terminal.was_typed(code)
    return code, shown.getvalue()


def an_editor(folder: Path, does: str) -> str:
    """Return the command of an editor that does something with the file it is given, `path`."""
    script = folder / "an editor.py"
    script.write_text(f"import sys\nfrom pathlib import Path\npath = Path(sys.argv[-1])\n{does}\n")
    return f"{sys.executable} '{script}' --wait"


def test_what_an_editor_saves_is_what_was_written(tmp_path: Path) -> None:
    editor = an_editor(tmp_path, "path.write_text(path.read_text() + 'more: ½\\n', encoding='utf-8')")
    assert write_with(editor) == ("draft\nmore: ½\n", "")


@pytest.mark.parametrize("does", ["pass", "sys.exit(1)", "path.write_text(path.read_text())"])
def test_an_editor_that_is_left_without_a_change_has_written_nothing(tmp_path: Path, does: str) -> None:
    assert write_with(an_editor(tmp_path, does))[0] == ""


@pytest.mark.parametrize("editor", ["no-such-editor", "unclosed 'quote"])
def test_an_editor_that_does_not_start_is_one_line(editor: str) -> None:
    code, shown = write_with(editor)
    assert code == ""
    assert "does not start" in shown
    assert "Try another EDITOR" in shown


def test_an_editor_that_deletes_its_file_is_one_line(tmp_path: Path) -> None:
    code, shown = write_with(an_editor(tmp_path, "path.unlink()"))
    assert (code, "Try another EDITOR" in shown) == ("", True)
