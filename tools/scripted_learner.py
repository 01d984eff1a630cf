"""Plays lessons at a terminal with a learner whose every line is decided here: for the tour, and for stored screens."""

import io
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from rich.console import Console

from microgpt.insights.locked import Fault
from microgpt.learner.store import Store
from microgpt.play import Seat, sit_down
from microgpt.terminal import Terminal
from microgpt.tutor.render import show
from microgpt.tutor.session import current_state
from microgpt.tutor.state import LessonState, OpenAsk
from microgpt.tutor.tools import teachable
from microgpt.tutor.voices.model import Wire

MINUTE = timedelta(minutes=1)
Respond = Callable[[OpenAsk | None, LessonState], str | None]


class ScriptedLearner(io.TextIOBase):
    """Standard input as a learner types it: a name where none is known, Enter to go on, answers as `respond` says.

    Args:
        respond: what to type at an open question, or where there is none; None leaves.
        now: when the learner sits down; each line takes a minute.
    """

    def __init__(self, store: Store, lesson: str, respond: Respond, *, now: datetime, name: str) -> None:
        self._store, self._lesson, self._respond, self._name, self.now = store, lesson, respond, name, now

    def isatty(self) -> bool:
        return False

    def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]
        self.now += MINUTE
        state = current_state(self._store, self._lesson, *self._store.snapshot(self._lesson))
        if self._name:
            line, self._name = self._name, ""
        else:
            line = self._respond(state.ask, state)
        return "" if line is None else f"{line}\n"


def sit(
    seat: Seat,
    store: Store,
    respond: Respond,
    *,
    now: datetime,
    lesson: str,
    name: str = "",
    console: Console,
    plain: bool = False,
    wire: Wire | None = None,
) -> None:
    """Play one sitting, drawn on a console.

    Args:
        name: typed when the tutor asks for it; empty for a learner it knows.
        wire: to the model that words the lesson.
    """
    learner, before = ScriptedLearner(store, lesson, respond, now=now, name=name), sys.stdin
    sys.stdin = learner
    try:
        sit_down(seat, store, Terminal(console, plain=plain, environ={}), clock=lambda: learner.now, wire=wire)
    finally:
        sys.stdin = before


def believing(course: str, beliefs: Mapping[str, Sequence[str]]) -> Respond:
    """Return a learner who knows everything but some insights, about each of which they hold misconceptions.

    They answer by the first of these until it is confronted, then by the next. Exercises are done where they ask for a
    line, and passed otherwise.
    """
    taught = teachable(course)

    def respond(ask: OpenAsk | None, state: LessonState) -> str:
        if ask is None:
            return ""
        if ask.exercise:
            exercise = taught.exercises(ask.insight)[ask.exercise]
            return str(exercise.key[0]) if exercise.kind == "hunt" and isinstance(exercise.key, list) else ""
        question = taught.questions(ask.insight)[ask.question]
        met = (*state.insight(ask.insight).confronted, state.plan.belief if state.plan else "")
        belief = next((belief for belief in beliefs.get(ask.insight, ()) if belief not in met), "")
        answer = question.answers.get(belief, question.key)
        return show(question.key if isinstance(answer, Fault) else answer)

    return respond
