"""Store what a lesson looks like, under tests/screens: at 80 and 40 columns, plain, in colours, and with NO_COLOR.

    python -m tools.screens            write them
    python -m tools.screens --check    exit 1 where the tutor draws something else

The course is the tests' own, so that a text that is mended in the bundled one changes nothing here.
"""

import argparse
import contextlib
import io
import shutil
import sys
import tempfile
from collections.abc import Generator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from microgpt.insights.course import load_course
from microgpt.insights.lock import make_lock, write_lock
from microgpt.learner.profile import Profile
from microgpt.learner.store import Store
from microgpt.play import Seat
from microgpt.tutor.state import LessonState, OpenAsk
from tools.scripted_learner import Respond, believing, sit
from tools.scripted_model import END, scripted_model

TESTS = Path(__file__).parent.parent / "tests"
FOLDER, COURSE = TESTS / "screens", TESTS / "insights" / "fixtures" / "averages"
MONDAY = datetime(2026, 1, 5, 9, tzinfo=UTC)
LEARNER = "me"  # the one for whom the exercise on smoothing is a hunt, which no machine must run
BELIEFS = {"smoothing-starts-low": ("starts-at-the-first",)}
ANSWER = "It starts at zero, because nothing was seen yet. That is right! A tenth of 10 is 1, and so on. Do you see it?"
WORDS = (  # for every turn; only what neither asks nor grades is shown
    "Correct! The average is a **memory**: look at `average = 0.0`, at first it remembers nothing. What follows?\n\n"
    "So the first numbers count for little:\n\n```\naverage = 0.9 * 0 + 0.1 * 10\n```\n\nEach further one "
    "brings it nearer."
)
HINTS = ("?", "what is a mean?", "?", "?", "?", "?")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true")
    check, wrong = parser.parse_args().check, list[str]()
    for name, screen in screens().items():
        path = FOLDER / f"{name}.txt"
        if not check:
            path.write_text(screen, encoding="utf-8")
        elif screen != path.read_text(encoding="utf-8"):
            wrong.append(name)
    if wrong:
        sys.exit(f"drawn otherwise now: {', '.join(wrong)}. Look at them, then: python -m tools.screens")


def screens() -> Mapping[str, str]:
    """Return the same lesson by how it is drawn; control codes are written as ``\\e``."""
    with _course():
        return {
            "80": _lesson(width=80),
            "40": _lesson(width=40),
            "plain": _lesson(width=80, plain=True),
            "colour": _lesson(width=80, colours=True),
            "no-color": _lesson(width=80, colours=True, environ={"NO_COLOR": "1"}),
            "first-minute-40": _first_minute(width=40),
            "model-80": _with_a_model(width=80),
            "model-40": _with_a_model(width=40),
        }


@contextlib.contextmanager
def _course() -> Generator[None]:
    """Work in a folder that holds the tests' course with a lock."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        course = Path(shutil.copytree(COURSE, "averages"))
        write_lock(make_lock(load_course(course)), course)
        yield


def _lesson(*, width: int, plain: bool = False, colours: bool = False, environ: Mapping[str, str] | None = None) -> str:
    shown = io.StringIO()
    console = Console(
        file=shown, width=width, force_terminal=colours, color_system="truecolor" if colours else None,
        _environ={"TERM": "xterm-256color", **(environ or {})},
    )  # fmt: skip
    with Store.in_memory() as store:
        store.save_learner(Profile(id=LEARNER, name="Ada"))
        seat = Seat(course="averages", learner=LEARNER)
        sit(seat, store, learner(), now=MONDAY, lesson=f"{LEARNER}-averages", console=console, plain=plain)
    return shown.getvalue().replace("\x1b", "\\e")


def _first_minute(*, width: int) -> str:
    """Return what somebody new sees before the first question; at 80 columns it stands in docs/tour.md."""
    shown = io.StringIO()
    with Store.in_memory() as store:
        console = Console(file=shown, width=width)
        sit(Seat(), store, leave, now=MONDAY, lesson=f"{LEARNER}-microgpt", name="Ada", console=console)
    _, begin, rest = shown.getvalue().partition("  You will understand")
    return begin + rest.partition("  First, where to start")[0]


def _with_a_model(*, width: int) -> str:
    """Return the same lesson in a model's words; it is asked something twice, and the second time it breaks off."""
    shown = io.StringIO()
    with Store.in_memory() as store, scripted_model(_model_says) as wire:
        store.save_learner(Profile(id=LEARNER, name="Ada"))
        seat = Seat(course="averages", learner=LEARNER)
        console = Console(file=shown, width=width)
        sit(seat, store, asking(), now=MONDAY, lesson=f"{LEARNER}-averages", console=console, wire=wire)
    return shown.getvalue()


def _model_says(message: str) -> str:
    if '"message"' not in message:
        return f"{WORDS}{END}"
    return ANSWER[:90] if "again" in message else f"{ANSWER}{END}"


def leave(ask: OpenAsk | None, state: LessonState) -> None:
    """Say nothing any more."""


def asking() -> Respond:
    """Return a learner with a misconception who asks a model twice, and leaves when the idea is theirs."""
    left, answer = ["why does it start low?", "say that again?"], believing("averages", BELIEFS)

    def respond(ask: OpenAsk | None, state: LessonState) -> str | None:
        if state.plan is not None and state.plan.move == "practise":
            return None
        confronted = state.plan is not None and state.plan.move == "confront"
        return left.pop(0) if confronted and left else answer(ask, state)

    return respond


def learner() -> Respond:
    """Return a learner with a misconception, who climbs the ladder of hints once it is mended."""
    left, answer = list(HINTS), believing("averages", BELIEFS)

    def respond(ask: OpenAsk | None, state: LessonState) -> str | None:
        wants_hints = ask is not None and state.plan is not None and state.plan.move == "ask"
        return left.pop(0) if wants_hints and left else answer(ask, state)

    return respond


if __name__ == "__main__":
    main()
