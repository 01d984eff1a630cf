"""A model server of each protocol, see `model_server`, and lessons taught through it."""

import io
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from rich.console import Console

from microgpt import play
from microgpt.learner.profile import Profile
from microgpt.learner.store import Store
from microgpt.play import Seat, sit_down
from microgpt.terminal import Terminal
from microgpt.tutor import tools
from microgpt.tutor.fold import apply
from microgpt.tutor.session import current_state
from microgpt.tutor.state import LessonState
from microgpt.tutor.view import Teachable
from tests.tutor.voices.model_server import (
    HARMLESS,
    SECRET,
    ModelServer,
    break_off,
    dribble,
    never_stop,
    refuse,
    say,
    say_nothing,
    send,
)

LESSON = "me-microgpt"


@pytest.fixture(params=["claude", "compatible"])
def server(request: pytest.FixtureRequest) -> Iterator[ModelServer]:
    """A server of each protocol in turn."""
    with ModelServer(request.param) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


# ---- a lesson through it


class Taught:
    """A lesson at a terminal, with a model behind it: what was shown, and what was stored."""

    def __init__(self) -> None:
        self.store = Store.in_memory()
        self.store.save_learner(Profile(id="me", name="Ada"))
        self.slept, self.shown = [], ""

    def __call__(self, wire, *lines, **more) -> str:
        """Sit down and type these lines; a function gets the lesson's state, and types until it returns None."""
        out, before = io.StringIO(), sys.stdin
        terminal = Terminal(Console(file=out, width=80), plain=False, environ={})
        sys.stdin = _Typing(self, lines)
        try:
            clock = lambda: datetime.now(UTC)  # noqa: E731
            sit_down(Seat(), self.store, terminal, clock=clock, wire=wire, sleep=self.slept.append, **more)
        finally:
            sys.stdin = before
        self.shown = " ".join(out.getvalue().split())
        return self.shown

    @property
    def state(self) -> LessonState:
        return current_state(self.store, LESSON, *self.store.snapshot(LESSON))

    def events(self, *kinds: str) -> list:
        return [event for event in self.store.events(LESSON) if event.kind in kinds]

    def check(self) -> None:
        """Check that the record is whole: the saved state is the fold of the events."""
        folded = LessonState()
        for event in self.store.events(LESSON):
            folded = apply(folded, event)
        body, _ = self.store.snapshot(LESSON)
        assert LessonState.from_json(body) == folded


class _Typing(io.TextIOBase):
    def __init__(self, taught: Taught, lines) -> None:
        self._taught, self._lines = taught, deque(lines)

    def isatty(self) -> bool:
        return False

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
        while self._lines:
            line = self._lines[0]
            typed = line if isinstance(line, str) else line(self._taught.state)
            if isinstance(line, str) or typed is None:
                self._lines.popleft()
            if typed is not None:
                return f"{typed}\n"
        return ""


def until(move: str) -> Callable[[LessonState], str | None]:
    """Press Enter until the lesson comes to a move."""
    return lambda state: None if state.plan.move == move else ""


@pytest.fixture(scope="session")
def act() -> SimpleNamespace:
    """What a server can do, and how a learner gets somewhere."""
    return SimpleNamespace(
        say=say,
        refuse=refuse,
        break_off=break_off,
        send=send,
        say_nothing=say_nothing,
        dribble=dribble,
        never_stop=never_stop,
        until=until,
        harmless=HARMLESS,
        secret=SECRET,
        lesson=LESSON,
    )


@pytest.fixture
def one_idea(monkeypatch: pytest.MonkeyPatch) -> Teachable:
    """Teach one idea of the bundled course alone, so that a lesson has an end, however long the course."""
    whole = tools.teachable("microgpt")  # read once for all tests
    name = "softmax-makes-shares"
    insight = replace(whole.course.insights[name], needs=())
    course = replace(whole.course, insights={name: insight}, order=(name,), goals={})
    lock = replace(whole.lock, insights={name: whole.lock.insights[name]})
    only = Teachable(course=course, lock=lock)
    monkeypatch.setattr(tools, "teachable", lambda where: only)
    monkeypatch.setattr(play, "load_course", lambda folder: replace(course, subject="one.idea"))  # no model is trained
    return only


@pytest.fixture
def taught() -> Iterator[Taught]:
    taught = Taught()
    yield taught
    taught.check()
