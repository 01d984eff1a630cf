"""`microgpt tutor` as it is used: a terminal, Ctrl-C, a kill, a pipe."""

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.cells import cell_len

from microgpt.insights.course import find_course, load_course
from microgpt.insights.locked import Fault, LockedQuestion
from microgpt.learner.database import default_path
from microgpt.learner.profile import Profile
from microgpt.learner.store import Store
from microgpt.play import KEYS
from microgpt.tutor.render import show
from microgpt.tutor.session import current_state
from microgpt.tutor.tools import teachable
from tests.window import DEADLINE_S, TUTOR, Window, open_window

COMMAND = [*TUTOR, "--goal", "optimizer"]  # a short way through the course
LESSON = "me-microgpt"
COLOUR = re.compile(r"\x1b\[[0-9;]*38;")


@contextmanager
def window(columns: int = 80, *args: str, rows: int = 200, **env: str) -> Generator[Window]:
    with open_window(*COMMAND, *args, columns=columns, rows=rows, **env) as opened:
        yield opened


@pytest.fixture
def known() -> None:
    """Give the learner a name, so that no model is trained first."""
    with Store.open(default_path(os.environ)) as store:
        store.save_learner(Profile(id="me", name="Ada"))


def open_question() -> tuple[str, LockedQuestion]:
    """Return what is asked now, and the insight that it is about."""
    with Store.open(default_path(os.environ)) as store:
        ask = current_state(store, LESSON, *store.snapshot(LESSON)).ask
    assert ask is not None
    return ask.insight, teachable("microgpt").questions(ask.insight)[ask.question]


def words_of_the_question() -> str:
    return " ".join(open_question()[1].ask.split())


def test_the_help_tells_every_key_and_shows_examples() -> None:
    told = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, check=True).stdout
    for key in KEYS.split(" · "):
        assert re.search(rf"(?<!\S){re.escape(key.rpartition(' ')[0])} ", told.partition("At a question:")[2])
    assert "microgpt tutor --goal attention" in told.partition("Examples:")[2]


def test_the_first_screen_shows_the_learners_own_name_and_a_key_ends_the_training() -> None:
    with window() as screen:
        screen.wait_for("What should I call you?")
        screen.type("Ada\r")
        screen.wait_for("26 0 3 0 26")
        screen.wait_for("loss")
        screen.type("x")
        screen.wait_for("Skipped.")
        screen.wait_for("1/4")
        screen.type("q\r")
        assert screen.close() == 0
    assert "Saved. Go on with: microgpt tutor" in screen.words


@pytest.mark.slow
def test_ctrl_c_during_the_training_leaves_the_name_saved() -> None:
    with window() as screen:
        screen.wait_for("What should I call you?")
        screen.type("Ada\r")
        screen.wait_for("loss")
        screen.type("\x03")
        assert screen.close() == 130
    assert "Saved. Go on with: microgpt tutor" in screen.words
    assert "Traceback" not in screen.text
    with window() as screen:
        screen.wait_for("Welcome back, Ada.")
        screen.wait_for("1/4")
        screen.wait_for(f"{words_of_the_question()} >")
        screen.type("\x04")
        assert screen.close() == 0


@pytest.mark.usefixtures("known")
def test_a_wrong_answer_that_fits_a_belief_is_answered_with_that_belief() -> None:
    with window() as screen:
        screen.wait_for(">")
        for _ in range(2):
            screen.type("\r")
        screen.wait_for("Enter goes on.")
        screen.type("\r")
        screen.wait_for("Once more.")
        insight, question = open_question()
        answers = {name: question.answers[name] for name in question.shows}
        name, answer = next((name, answer) for name, answer in answers.items() if not isinstance(answer, Fault))
        screen.type(f"{show(answer)}\r")  # type: ignore[arg-type]
        beliefs = load_course(find_course("microgpt")).insights[insight].misconceptions
        screen.wait_for(f"“{next(belief.belief for belief in beliefs if belief.id == name)}”")


@pytest.mark.slow
@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("ending", ["killed", "ctrl-c", "hung up"])
def test_left_in_the_middle_of_a_question_it_comes_again(ending: str) -> None:
    with window() as screen:
        screen.wait_for("1/4")
        screen.type("\r")
        screen.wait_for("2/4")
        question = words_of_the_question()
        screen.wait_for(f"{question} >")
        screen.type("0.1")
        if ending == "ctrl-c":
            screen.type("\x03")
            assert screen.close() == 130
        else:
            screen.process.send_signal(signal.SIGKILL if ending == "killed" else signal.SIGHUP)
            screen.process.wait(DEADLINE_S)
    with window() as again:
        again.wait_for("Welcome back, Ada.")
        again.wait_for(f"{question} >")


@pytest.mark.slow
@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("columns", [40, 80])
def test_no_line_is_wider_than_the_window(columns: int) -> None:
    with window(columns) as screen:
        screen.wait_for(">")
        for _ in range(2):
            screen.type("\r")
        screen.wait_for("Enter goes on.")
        screen.type("q\r")
        assert screen.close() == 0
    assert max(cell_len(line) for line in screen.text.split("\n")) <= columns


@pytest.mark.slow
@pytest.mark.usefixtures("known")
def test_what_is_longer_than_the_window_comes_in_parts() -> None:
    with window(rows=24) as screen:
        screen.wait_for(">")
        for _ in range(2):
            screen.type("\r")
        screen.wait_for("Enter shows the rest. >")
        assert "Enter goes on." not in screen.words
        screen.type("\r\r\r\r")
        screen.wait_for("Enter goes on.")
        screen.type("q\r")
        assert screen.close() == 0


@pytest.mark.slow
@pytest.mark.usefixtures("known")
def test_code_and_numbers_are_blue_unless_no_color_is_set() -> None:
    shown: dict[str, str] = {}
    for value in ("", "1"):
        with window(NO_COLOR=value) as screen:
            screen.wait_for(">")
            screen.type("r\r\r")
            screen.wait_for("Enter goes on.")
            screen.type("q\r")
            screen.close()
            shown[value] = screen.raw
    assert COLOUR.search(shown[""])
    assert not COLOUR.search(shown["1"])


@pytest.mark.slow
def test_plain_is_ascii_and_never_redraws_even_while_a_model_is_trained() -> None:
    with window(80, "--plain") as screen:
        screen.wait_for("What should I call you?")
        screen.type("Ada\r")
        screen.wait_for("It writes now")
        screen.wait_for("1/4")
        screen.type("q\r")
        assert screen.close() == 0
    assert screen.raw.isascii()
    assert not re.search(r"\x1b|\r(?!\n)", screen.raw)


@pytest.mark.usefixtures("known")
def test_in_a_pipe_there_are_no_control_codes_and_the_end_of_input_is_goodbye() -> None:
    strict = os.environ | {"PYTHONIOENCODING": "utf-8:strict"}
    piped = subprocess.run(COMMAND, input=b"\xff\n\nx\n", capture_output=True, env=strict, check=False)
    assert (piped.returncode, piped.stderr) == (0, b"")
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", piped.stdout)
    assert piped.stdout.endswith(b"Saved. Go on with: microgpt tutor\n")
    with Store.open(default_path(os.environ), create=False) as store:
        assert [event.kind for event in store.events(LESSON)].count("skip") == 1


def test_an_unknown_course_or_goal_is_one_line_and_no_traceback(tmp_path: Path) -> None:
    for args in (["microgtp"], [str(tmp_path)], ["--goal", "nonsense"]):
        failed = subprocess.run([*COMMAND, *args], input="", capture_output=True, text=True, check=False)
        assert failed.returncode == 2
        assert len(failed.stderr.splitlines()) == 1
        assert failed.stderr.startswith("microgpt: ")


def piped(home: Path) -> subprocess.CompletedProcess[str]:
    """Run the tutor as a pipe does, with its record under a folder."""
    environ = {**os.environ, "MICROGPT_DATA_DIR": str(home / "data")}
    return subprocess.run(COMMAND, env=environ, input="Ada\n", capture_output=True, text=True, timeout=DEADLINE_S)


def test_in_a_read_only_home_it_ends_with_one_line(mount_disk: Callable[[str], Path]) -> None:
    home = mount_disk("64k")
    subprocess.run(["mount", "-o", "remount,ro", home], check=True)
    done = piped(home)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("microgpt: ")
    assert "Read-only file system" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
def test_on_a_full_disk_it_ends_with_one_line_and_goes_on_once_there_is_room(mount_disk: Callable[[str], Path]) -> None:
    home = mount_disk("512k")
    assert piped(home).returncode == 0
    with Store.open(home / "data" / "learner.db") as store:
        before = list(store.events(LESSON))
    filler = home / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    full = piped(home)
    assert full.returncode == 2
    assert [line[:10] for line in full.stderr.splitlines()] == ["microgpt: "]
    filler.unlink()
    assert piped(home).returncode == 0
    with Store.open(home / "data" / "learner.db") as store:
        assert list(store.events(LESSON))[: len(before)] == before
