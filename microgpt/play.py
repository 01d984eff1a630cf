"""Puts a lesson, a voice and a terminal together: `microgpt tutor`, from the first minute to the last.

A turn is drawn, a line is read, one lesson tool is called. What to teach is never decided here. Read `sit_down` first.
"""

import random
import shlex
import signal
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from microgpt import reference
from microgpt.data import load_dataset
from microgpt.errors import LessonError
from microgpt.insights.course import Course, find_course, load_course
from microgpt.learner.profile import Profile
from microgpt.learner.store import Store
from microgpt.terminal import Terminal
from microgpt.tutor.tools import LessonTools
from microgpt.tutor.turns import Ask, Graded, Turn
from microgpt.tutor.voices import Heading, Lines, Listing, Paragraph, Voice, offline

KEYS = "? hint, r the answer, Enter pass, l code, p progress, x WHY contest, q quit"
SUBJECT = "microgpt.reference"  # only where this is taught is a learner's name shown to a model
EXAMPLE = "ada"
STEPS = 300  # about two seconds of the reference's training
HEADS, BLOCK_SIZE = 4, 16  # of the reference's model
LONGEST_NAME = 40


@dataclass(frozen=True, kw_only=True)
class Seat:
    """What a learner asked for on the command line."""

    course: str = "microgpt"
    goal: str = ""
    learner: str = "me"

    @property
    def command(self) -> str:
        """What to type to come back here."""
        course = "" if self.course == "microgpt" else f" {shlex.quote(self.course)}"
        return f"microgpt tutor{course}" + ("" if self.learner == "me" else f" --learner {shlex.quote(self.learner)}")


class Quit(Exception):
    """The learner wants to stop for now."""


def sit_down(
    seat: Seat, store: Store, terminal: Terminal, *, clock: Callable[[], datetime], voice: Voice = offline.word
) -> bool:
    """Teach until the course is finished, the learner stops or the input ends; return False if Ctrl-C ended it.

    Whenever that is, nothing is lost: a tool has written before the terminal shows.
    """
    tools = LessonTools(store, clock=clock, heard=terminal.was_typed)
    stopped = False
    try:
        Sitting(seat, store, terminal, tools, voice).play()
    except (EOFError, Quit):
        pass
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # an impatient second one must not cut the goodbye short
        stopped = True
    terminal.show((Paragraph(text=f"Saved. Go on with:  {seat.command}"),))
    return not stopped


class Sitting:
    """One learner at one terminal, from sitting down to leaving."""

    def __init__(self, seat: Seat, store: Store, terminal: Terminal, tools: LessonTools, voice: Voice) -> None:
        self._seat, self._store, self._terminal, self._tools, self._voice = seat, store, terminal, tools, voice
        self._course = load_course(find_course(seat.course))
        self._surprise: Surprise | None = None
        self._keys_told = False
        self._closed = ""  # the ask that can be contested

    def play(self) -> None:
        """Draw one turn after the other, until one is the last."""
        turn = self._tools.start(course=self._seat.course, goal=self._seat.goal, learner=self._seat.learner)
        profile = self._greet(turn)
        while True:
            self._closed = _just(turn).get("ask_id", self._closed)
            self._terminal.show(self._voice(turn, profile))
            if turn.ask:
                self._tools.next(turn.lesson, turn.ack)
                turn = self._at_question(turn, turn.ask, profile)
            elif turn.move != "finish":
                turn = self._at_reading(turn, profile)
            else:
                self._tools.next(turn.lesson, turn.ack)
                return self._end(turn, profile)

    def _at_question(self, turn: Turn, ask: Ask, profile: Profile) -> Turn:
        """Read lines until one closes the question."""
        if not self._keys_told:
            self._say(f"Keys: {KEYS}.", quiet=True)
            self._keys_told = True
        confirmed = turn.move == "place"  # where to pass is the honest thing to do
        while True:
            line = self._terminal.read()
            try:
                if line in ("", "s") and not confirmed:
                    self._say("Pass? Enter again passes; or answer, or ? for a hint.")
                    confirmed = True
                elif line in ("", "s"):
                    return self._tools.skip(turn.lesson, ask.ask_id)
                elif line in ("?", "h"):
                    self._terminal.show(offline.word_hint(self._tools.hint(turn.lesson, ask.ask_id)))
                elif line == "r":
                    return self._tools.reveal(turn.lesson, ask.ask_id).then
                elif not self._aside(turn, line, profile):
                    graded = self._tools.answer(turn.lesson, ask.ask_id, line)
                    if graded.outcome != "unparsed":
                        return graded.then
                    self._not_understood(graded, ask, profile)
            except LessonError as error:  # such as a hint on a question that only measures
                self._say(str(error))
                if self._tools.next(turn.lesson).turn != turn.turn:  # or a question that another window has closed
                    return self._tools.next(turn.lesson)

    def _at_reading(self, turn: Turn, profile: Profile) -> Turn:
        """Wait until what was drawn has been read; only then was it said."""
        self._say("Enter goes on.", quiet=True)
        while True:
            line = self._terminal.read()
            if not line:
                return self._tools.next(turn.lesson, turn.ack)
            if not self._aside(turn, line, profile):
                self._say("Nothing is asked yet. Enter goes on; q quits.")

    def _aside(self, turn: Turn, line: str, profile: Profile) -> bool:
        """Do what a line asks for if it leaves the turn as it is; say whether it did."""
        key, _, reason = line.partition(" ")
        if line == "q":
            raise Quit
        if line == "l":
            code = tuple(block for block in self._voice(turn, profile) if isinstance(block, Listing))
            self._terminal.show(code or (Paragraph(text="There is no code to show here."),))
        elif line == "p":
            self._terminal.show(offline.word_progress(self._tools.progress(turn.lesson)))
        elif key == "x" and not (reason and self._closed):
            self._say("x and a reason contest the question before this one, once there is one: x it should be 2")
        elif key == "x":
            self._terminal.show(offline.word_verdict(self._tools.contest(turn.lesson, self._closed, reason)))
        else:
            return False
        return True

    def _not_understood(self, graded: Graded, ask: Ask, profile: Profile) -> None:
        self._terminal.show(offline.word_graded(graded, profile))
        if graded.then.ask and graded.then.ask.options != ask.options:
            self._terminal.show(offline.word_ask(graded.then.ask))

    def _say(self, text: str, *, quiet: bool = False) -> None:
        self._terminal.show((Paragraph(text=text, tone="quiet" if quiet else "plain"),))

    # ---- the first minute, and the last

    def _greet(self, turn: Turn) -> Profile:
        known, of = turn.say["known"], turn.say["of"]
        self._terminal.show((Heading(left=self._course.title, right=f"{of} ideas · you know {known} · no key needed"),))
        profile = self._store.learner(self._seat.learner)
        if profile:
            self._say(_welcome_back(profile, turn))
            return profile
        self._say(f"{_promise(self._course)} What should I call you? (Enter to skip)")
        name = "".join(char for char in self._terminal.read() if char.isprintable())[:LONGEST_NAME]
        profile = Profile(id=self._seat.learner, name=name)
        self._store.save_learner(profile)
        if self._course.subject == SUBJECT:
            self._show_name(profile)
        return profile

    def _show_name(self, profile: Profile) -> None:
        """Show the learner's name as a model meets it, before and after some training."""
        letters = letters_of(profile.name)
        left_out = "".join(dict.fromkeys(char for char in profile.name.lower() if char not in letters))
        if not letters:
            self._say(f"Without a name in the letters a to z, take an example: {EXAMPLE}.")
            letters = EXAMPLE
        elif left_out:
            self._say(f"This model knows the letters a to z, {BLOCK_SIZE} at once. It leaves out: {left_out}")
        self._say("A model sees no letters, only numbers. These arrive like this:")
        self._terminal.show((Lines(lines=token_table(letters, self._terminal.width)),))
        self._say("^ and $ are the same token, BOS: it stands before and after every name.")
        before = surprise_of(letters, steps=0).nats
        ...


@dataclass(frozen=True, kw_only=True)
class Surprise:
    """How unlikely a model finds a name: nats a token, before and after training."""

    before: float
    after: float


def _promise(course: Course) -> str:
    """Say what the course is for; how long the program is, its file knows."""
    if course.subject != SUBJECT:
        return course.title + "."
    lines = len(Path(reference.__file__).read_text(encoding="utf-8").splitlines())
    return f"You are about to understand a program that learns to write. It has {lines} lines."
