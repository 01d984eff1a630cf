"""Puts a lesson, a voice and a terminal together: `microgpt tutor`, from the first minute to the last.

A turn is drawn, a line is read, one lesson tool is called. What to teach is never decided here. Read `sit_down` first.
"""

import shlex
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from microgpt import opening
from microgpt.dialogue import Dialogue, asks_back, how_to_try, is_asked_for, key_of
from microgpt.errors import LessonError, SandboxError
from microgpt.greeting import SUBJECT, just, promise, title, welcome_back, without_just
from microgpt.insights.course import Course, find_course, load_course
from microgpt.learner.profile import Profile
from microgpt.learner.store import Store
from microgpt.terminal import Terminal
from microgpt.tutor.simulate.teachers import find_script
from microgpt.tutor.tools import LessonTools
from microgpt.tutor.turns import Ask, Turn
from microgpt.tutor.voices import Paragraph, Voice, offline
from microgpt.tutor.voices.connect import Told, disclosure
from microgpt.tutor.voices.model import ModelVoice, Wire
from microgpt.tutor.voices.prompt import digest, instructions
from microgpt.tutor.voices.witness import is_plain_answer

KEYS = "? hint · r reveal · Enter skip · l code · p progress · x WHY contest · q quit"
ASK_ANYTHING = "Or ask whatever you like, with a question mark."
LONGEST_NAME = 40
A_LETTER = "A letter is an answer here, so the keys take a slash: /r /s /l /p /q."


@dataclass(frozen=True, kw_only=True)
class Seat:
    """What a learner asked for on the command line.

    Args:
        minutes: how long they mean to stay, 0 for no limit; None for as long as their profile says.
        program: how to call us.
        voice: the options that chose the voice, to be typed again.
        script: a teaching script: a bundled one's name, or a file.
    """

    course: str = "microgpt"
    goal: str = ""
    minutes: int | None = None
    learner: str = "me"
    program: str = "microgpt"
    voice: str = ""
    script: str = ""

    @property
    def command(self) -> str:
        """What to type to come back here."""
        course = "" if self.course == "microgpt" else f" {shlex.quote(self.course)}"
        learner = "" if self.learner == "me" else f" --learner {shlex.quote(self.learner)}"
        script = f" --script {shlex.quote(self.script)}" if self.script else ""
        return f"{self.program} tutor{course}{learner}{script}{self.voice}"


def sit_down(
    seat: Seat,
    store: Store,
    terminal: Terminal,
    *,
    clock: Callable[[], datetime],
    wire: Wire | None = None,
    told: Told | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Teach until the course is finished, the learner stops or the input ends; return False if Ctrl-C ended it.

    Whenever that is, nothing is lost: a tool has written before the terminal shows.

    Args:
        wire: to the model that words the lesson; None for the built-in voice.
        told: who was told already what leaves the machine with a model.
        sleep: waits some seconds for a busy server.
    """
    script = find_script(seat.script) if seat.script else None
    tools = LessonTools(store, clock=clock, heard=terminal.was_typed, script=script)
    stopped, voice = False, offline.word
    course = load_course(find_course(seat.course))
    if wire is not None:
        voice = ModelVoice(wire, (instructions(), digest(course)), tools, sleep=sleep)
        _disclose(wire, seat.learner, told, terminal)
    try:
        Sitting(seat, course, store, terminal, tools, voice).play()
    except EOFError:
        pass
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # an impatient second one must not cut the goodbye short
        stopped = True
    if wire is not None:
        terminal.show((Paragraph(text=f"The model, this time: {wire.meter.told()}.", tone="quiet"),))
    terminal.show((Paragraph(text=f"Saved. Go on with: `{seat.command}`"),))
    return not stopped


def _disclose(wire: Wire, learner: str, told: Told | None, terminal: Terminal) -> None:
    """Say what leaves the machine, before anything does, once for each learner and host."""
    line = disclosure(wire)
    if line and not (told and told.has(learner, wire.host)):
        terminal.show((Paragraph(text=line),))
        if told:
            told.add(learner, wire.host)


class Sitting:
    """One learner at one terminal, from sitting down to leaving."""

    def __init__(
        self, seat: Seat, course: Course, store: Store, terminal: Terminal, tools: LessonTools, voice: Voice
    ) -> None:
        self._seat, self._course, self._store, self._terminal, self._tools = seat, course, store, terminal, tools
        self._dialogue = Dialogue(voice, tools, terminal, course)
        self._surprise: opening.Surprise | None = None
        self._keys_told = False
        self._closed = ""  # the ask that can be contested
        self._passing = ""  # the ask that one more Enter passes

    def play(self) -> None:
        """Draw one turn after the other, until one is the last."""
        seat = self._seat
        profile = self._store.learner(seat.learner)
        usual = profile.minutes if profile else 0
        minutes = usual if seat.minutes is None else seat.minutes
        turn = self._tools.start(course=seat.course, goal=seat.goal, minutes=minutes, learner=seat.learner)
        self._closed = just(turn).get("ask_id", "")
        self._terminal.show((title(self._course, turn, self._dialogue.model),))
        if profile:
            self._say(welcome_back(profile, turn))
            turn = without_just(turn)
        else:
            profile = self._get_to_know()
        while True:
            self._closed = just(turn).get("ask_id", self._closed)
            if turn.ask and not self._keys_told:
                self._say(f"{KEYS}. {ASK_ANYTHING}", quiet=True)
                self._keys_told = True
            self._dialogue.say(turn, profile)
            if turn.say.get("exercise") == "write":
                self._say(self._dialogue.how_to_write, quiet=True)
            if turn.ask and turn.ask.kind == "text":
                self._say(A_LETTER, quiet=True)
            if turn.ask:
                self._tools.next(turn.lesson, turn.ack)
                turn = self._at_question(turn, profile)
            elif turn.move != "finish":
                turn = self._at_reading(turn, profile)
            else:
                self._tools.next(turn.lesson, turn.ack)
                return self._end(turn, profile)

    def _at_question(self, turn: Turn, profile: Profile) -> Turn:
        """Read lines until one closes the question; return the turn after it."""
        asked = turn.ask
        while asked and turn.ask and turn.ask.ask_id == asked.ask_id:
            typed = self._dialogue.read()
            try:
                turn = self._react(turn, turn.ask, typed, profile)
            except LessonError as error:  # such as a hint on a question that only measures
                self._say(str(error))
                turn = self._tools.next(turn.lesson)  # another, if another window has closed the question
        return turn

    def _react(self, turn: Turn, ask: Ask, typed: str, profile: Profile) -> Turn:
        """Do what a line asks for; return the turn that it leads to, or that stays."""
        line = key_of(typed)
        if is_asked_for(typed, ask):
            return self._answer(turn, ask, typed, profile)
        if line in ("", "s"):
            return self._pass(turn, ask)
        if line in ("?", "h"):
            self._terminal.show(offline.word_hint(self._tools.hint(turn.lesson, ask.ask_id)))
            return turn
        if line == "r":
            return self._tools.reveal(turn.lesson, ask.ask_id).then
        code = self._dialogue.code(turn, ask, line)
        if code is not None:
            return self._answer(turn, ask, code, profile) if code else turn
        if self._aside(turn, line):
            return turn
        then = None if is_plain_answer(line, ask) else self._dialogue.discuss(turn, line, profile)
        return then or self._answer(turn, ask, line, profile)

    def _pass(self, turn: Turn, ask: Ask) -> Turn:
        """Pass the question: at once in placement, where that is the honest thing to do; else if Enter comes twice."""
        if turn.move == "place" or self._passing == ask.ask_id:
            return self._tools.skip(turn.lesson, ask.ask_id)
        self._passing = ask.ask_id
        self._say("Pass? Enter again passes; " + ("or answer." if ask.holdout else "or answer, or ? for a hint."))
        return turn

    def _answer(self, turn: Turn, ask: Ask, words: str, profile: Profile) -> Turn:
        """Answer the open question; return the next turn, or this one with what is offered now where it stays open."""
        graded = self._tools.answer(turn.lesson, ask.ask_id, words)
        if graded.outcome == "unparsed":
            self._dialogue.not_understood(graded, ask, profile)
        return graded.then

    def _at_reading(self, turn: Turn, profile: Profile) -> Turn:
        """Wait until what was drawn has been read; only then was it said."""
        self._dialogue.show_yours(turn, profile)
        self._say(f"Enter goes on. {how_to_try(turn)}".strip(), quiet=True)
        while True:
            line = key_of(self._terminal.read())
            if not line:
                return self._tools.next(turn.lesson, turn.ack)
            if not (self._aside(turn, line) or self._dialogue.discuss(turn, line, profile)):
                self._say("Nothing is asked yet. Enter goes on; q quits.")

    def _aside(self, turn: Turn, line: str) -> bool:
        """Do what a line asks for if it leaves the turn as it is; say whether it did."""
        key, _, rest = line.partition(" ")
        if line == "q":
            raise EOFError  # as if the input had ended
        if line == "l":
            self._dialogue.show_code(turn)
        elif line == "p":
            self._terminal.show(offline.word_progress(self._tools.progress(turn.lesson)))
            self._terminal.show(offline.word_ask(turn.ask) if turn.ask else ())
        elif rest.startswith("="):  # x = 2 is an answer, or was meant as one
            return False
        elif key == "x":
            self._contest(turn, rest)
        elif key == "t" and (rest or not turn.ask):  # where there is an example; its values are no answer
            self._dialogue.try_out(turn, rest)
        elif asks_back(line, turn.ask) and not self._dialogue.listens:
            self._dialogue.look_up(line, turn)
        else:
            return False
        return True

    def _contest(self, turn: Turn, reason: str) -> None:
        if not (reason and self._closed):
            return self._say("x and a reason contest the question before this one, once there is one: x it should be 2")
        try:
            self._terminal.show(offline.word_verdict(self._tools.contest(turn.lesson, self._closed, reason)))
        except (LessonError, SandboxError) as error:  # it only measured, or nothing can be run safely here
            self._say(str(error))

    def _say(self, text: str, *, quiet: bool = False) -> None:
        self._terminal.show((Paragraph(text=text, tone="quiet" if quiet else "plain"),))

    # ---- the first minute, and the last

    def _get_to_know(self) -> Profile:
        """Learn the name of somebody new, and show it to a model."""
        self._say(f"{promise(self._course)} What should I call you? (Enter to skip)")
        name = "".join(char for char in self._terminal.read() if char.isprintable())[:LONGEST_NAME]
        profile = Profile(id=self._seat.learner, name=name)
        self._store.save_learner(profile)
        if self._course.subject == SUBJECT:
            self._surprise = opening.show_name(profile.name, self._terminal)
        return profile

    def _end(self, turn: Turn, profile: Profile) -> None:
        """Close the circle: the name from the first minute, once all is known, if anything was asked today."""
        if self._course.subject != SUBJECT or turn.say.get("left") or not just(turn):
            return
        surprise = self._surprise or opening.measure(profile.name, self._terminal)
        if surprise:
            self._say(f"You now know how this comes about: {opening.told(surprise)}")
