"""What a learner types that is no plain answer: asked back, mused, or asked for.

A model may take it for an answer, or for a wish for help; then the learner is asked, and only their Enter does it. The
question is drawn again after every word of a model's, so that the last thing on the screen is what is really asked.
Without a model, a question gets what the course says about its words.
"""

import re
from collections.abc import Mapping
from typing import cast

from microgpt.errors import LessonError, SandboxError
from microgpt.insights.course import Course
from microgpt.learner.evidence import Json
from microgpt.learner.profile import Profile
from microgpt.live import Growing
from microgpt.terminal import Terminal
from microgpt.tutor.lookup import Found, look_up
from microgpt.tutor.tools import LessonTools
from microgpt.tutor.turns import Ask, Graded, Turn
from microgpt.tutor.voices import Paragraph, Spoken, Voice, offline
from microgpt.tutor.voices.model import ModelVoice
from microgpt.tutor.voices.witness import Proposal, is_plain_answer

ASKING = (
    "why",
    "what",
    "how",
    "when",
    "where",
    "which",
    "who",
    "what's",
    "explain",
)  # a question, even without its mark
NO_MODEL = "No model is here to answer."
NOTHING_FITS = "Nothing in this course fits. Try other words; ? alone is a hint."
ASKED_ABOUT = "What fits best is the idea that you are asked about. ? gives a hint on it."
NOTHING_TO_TRY = "Nothing is worked through here that could be tried with other values."
SHORT_VALUE = 40  # columns
MEASURING = "This question only measures, so nothing is looked up. Ask again after it."
WITH_EDITOR = "e opens your editor; what you save is tried."
WITHOUT_EDITOR = "e begins it: write line by line, and end with a line that holds a single dot."
MEANT = {
    "answer": "Your answer: {quote}?",
    "hint": "A hint? What comes after it counts as assisted.",
    "reveal": "The answer? It will not count.",
    "skip": "Pass this question?",
}


class Dialogue:
    """A voice, and the learner it speaks to.

    Args:
        voice: with a model behind it, or none.
        tools: of the lesson.
        terminal: where they meet.
        course: what is looked into where no model answers.
    """

    def __init__(self, voice: Voice, tools: LessonTools, terminal: Terminal, course: Course) -> None:
        self._voice, self._tools, self._terminal, self._course = voice, tools, terminal, course
        self._held: list[str] = []  # a line that was typed in place of an Enter
        self._drafts: dict[str, str] = {}  # code written so far, by ask
        self._found = ""  # the symbol that a question led to, until it is shown or the lesson goes on

    @property
    def model(self) -> str:
        """The model's name; empty without one."""
        return self._voice.model if isinstance(self._voice, ModelVoice) else ""

    @property
    def listens(self) -> bool:
        """Whether a model hears what is typed."""
        return isinstance(self._voice, ModelVoice) and self._voice.listening

    def say(self, turn: Turn, profile: Profile) -> None:
        """Show a turn in words, while they come."""
        self._found, voice = "", self._voice
        growing = Growing(self._terminal, paged=turn.ask is None)
        if not isinstance(voice, ModelVoice):
            return growing.finish(voice(turn, profile))
        with growing.coming():
            said = voice(turn, profile, growing.show)
        return growing.finish(said)

    def read(self) -> str:
        """Return the next line that the learner typed."""
        return self._held.pop() if self._held else self._terminal.read()

    def discuss(self, turn: Turn, line: str, profile: Profile) -> Turn | None:
        """Let the model answer a line; return the turn it leads to, or None where the line is left to the runner."""
        voice = self._voice
        if not isinstance(voice, ModelVoice):
            return None
        growing = Growing(self._terminal)
        with growing.coming():
            reply = voice.reply(line, turn, profile, growing.show)
        growing.finish(reply.spoken)
        if not reply.heard:
            if not asks_back(line, turn.ask):
                return None
            self.look_up(line, turn)
        if turn.ask and reply.proposal:
            return self._settle(turn, turn.ask, reply.proposal, profile)
        if turn.ask:
            self._terminal.show(offline.word_ask(turn.ask))
        return turn

    def look_up(self, question: str, turn: Turn) -> None:
        """Show what of the course fits a question best, as no more than that.

        Nothing of the lock is read, so it cannot tell an open question's key; nor is the claim told that is asked for.
        """
        if turn.ask and turn.ask.holdout:
            self._say(MEASURING)
            return
        found = look_up(question, self._course)
        self._found = found.anchor if not turn.say.get("exercise") else ""
        asked_about = turn.ask is not None and found.insight == turn.say["insight"]
        self._terminal.show(
            word_found(found, self._found, asked_about=asked_about, before="" if self.model else NO_MODEL)
        )

    def show_code(self, turn: Turn) -> None:
        """Show the code that the last question led to, or else the lines that the turn is about."""
        symbol, self._found = self._found, ""
        try:
            source = offline.word_source(self._tools.source(turn.lesson, symbol)) if symbol else offline.word_code(turn)
            self._terminal.show(source, again=True)
        except LessonError as error:  # another window has opened an exercise
            self._say(str(error))

    def show_yours(self, turn: Turn, profile: Profile) -> None:
        """Show what the turn's idea comes to with the learner's name, where its page says how."""
        if turn.move != "explain" or not (turn.say.get("yours") and profile.name):
            return
        try:
            example = self._tools.example(turn.lesson, profile.name)
        except (LessonError, SandboxError):  # another window went on, or nothing can run it here
            return
        if not example.why_not:
            self._terminal.show((Paragraph(text=offline.WITH_YOURS), *offline.word_example(example)), paged=True)

    def try_out(self, turn: Turn, values: str) -> None:
        """Work the turn's example through with what the learner typed."""
        try:
            if not values:
                raise LessonError(how_to_try(turn) or NOTHING_TO_TRY)
            example = self._tools.example(turn.lesson, values)
            self._terminal.show(offline.word_example(example), again=True, paged=True)
        except (LessonError, SandboxError) as error:
            self._say(str(error))

    @property
    def how_to_write(self) -> str:
        """How a whole function is written here."""
        return WITH_EDITOR if self._terminal.edits else WITHOUT_EDITOR

    def code(self, turn: Turn, ask: Ask, line: str) -> str | None:
        """Return the learner's code, empty if they wrote none; None where a line is none, and asks for none."""
        if ask.kind != "code":
            return None
        if turn.say["exercise"] != "write":
            return None if len(line) == 1 or line.endswith("?") else line
        if line != "e":
            return None
        source = cast(Mapping[str, list[str]], turn.say["source"])
        code = self._terminal.write_code(self._drafts.get(ask.ask_id) or "\n".join([*source["lines"], ""]))
        if not code:
            self._say("Nothing was changed, so nothing was tried.")
        self._drafts |= {ask.ask_id: code} if code else {}
        return code

    def not_understood(self, graded: Graded, ask: Ask, profile: Profile) -> None:
        """Say that an answer could not be read; the third time, with options."""
        self._terminal.show(offline.word_graded(graded, profile))
        if graded.then.ask and graded.then.ask.options != ask.options:
            self._terminal.show(offline.word_ask(graded.then.ask))

    def _settle(self, turn: Turn, ask: Ask, proposal: Proposal, profile: Profile) -> Turn:
        """Do what the model takes the learner to want, if Enter says so; any other line is taken for itself."""
        self._say(f"{MEANT[proposal.step].format(quote=proposal.quote)} Enter: yes; or type what you mean.")
        self._terminal.forget_typed_ahead()  # an Enter from before this question is no yes to it
        line = self._terminal.read()
        if line:
            self._held.append(line)
            return turn
        match proposal.step:
            case "hint":
                self._terminal.show(offline.word_hint(self._tools.hint(turn.lesson, ask.ask_id)))
                return turn
            case "reveal":
                return self._tools.reveal(turn.lesson, ask.ask_id).then
            case "skip":
                return self._tools.skip(turn.lesson, ask.ask_id)
            case "answer":
                graded = self._tools.answer(turn.lesson, ask.ask_id, proposal.quote)
        if graded.outcome == "unparsed":
            self.not_understood(graded, ask, profile)
        return graded.then

    def _say(self, text: str) -> None:
        self._terminal.show((Paragraph(text=text),))


def how_to_try(turn: Turn) -> str:
    """Say how a worked example takes values of the learner's own; empty where it takes none.

    >>> worked: dict[str, Json] = {"inputs": "scores = [1, 2]   place = 0"}
    >>> say: dict[str, Json] = {"insight": "i", "worked": worked, "yours": "f(yours)"}
    >>> how_to_try(Turn(lesson="l", turn=1, move="explain", say=say, ask=None, exits=(), ack="t1"))
    't tries it with values of yours: t scores = [1, 2]; or with a text: t banana'
    """
    inputs = str(cast(Mapping[str, Json], turn.say.get("worked") or {}).get("inputs", ""))
    first = re.split(r"   (?=\w+ = )", inputs)[0]
    value = first if len(first) <= SHORT_VALUE else f"{first.partition(' = ')[0]} = ..."
    ways = [f"with values of yours: t {value}"] if inputs else []
    ways += ["with a text: t banana"] if turn.say.get("yours") else []
    return f"t tries it {'; or '.join(ways)}" if ways else ""


def asks_back(line: str, ask: Ask | None) -> bool:
    """Whether the learner asks something back, in words.

    A number with a question mark is a doubtful answer, and so is one word where words may be the answer.

    >>> number = Ask(ask_id="x", text="?", kind="number", example="0.25")
    >>> [asks_back(line, number) for line in ("softmax?", "why not 1/2", "1/2?", "?", "hm")]
    [True, True, False, False, False]
    """
    words = line.lower().rstrip("?").split()
    if not words or (ask and is_plain_answer(line, ask)):
        return False
    alone = len(words) == 1
    if alone and ask and ask.kind in ("text", "choice", "code"):
        return False
    if words[0] in ASKING:
        return line.endswith("?") or not alone
    return line.endswith("?") and len(line) > len("x?") and not any(char.isdigit() for char in line)


def key_of(line: str) -> str:
    """Return a line without the slash that a key may be typed with.

    >>> [key_of(line) for line in ("/r", "/x it should be 2", "r", "/ 2")]
    ['r', 'x it should be 2', 'r', '/ 2']
    """
    return line[1:] if re.fullmatch(r"/([hrslpqet?]|[xt] .*)", line) else line


def is_asked_for(line: str, ask: Ask) -> bool:
    """Whether a letter is an answer and no key: where a word is asked for, or the letter is an option's full text."""
    return len(line) == 1 and line.isalnum() and (ask.kind == "text" or line in ask.options)


def word_found(found: Found, symbol: str, *, asked_about: bool, before: str) -> Spoken:
    """Return what was found for a question.

    Args:
        symbol: code that can be shown; empty for none.
        asked_about: whether the idea found is the one that an open question asks for, and not to be told for nothing.
        before: why it is looked up; empty where that was said.
    """
    if not (found.word or found.insight):
        return (Paragraph(text=f"{before} {NOTHING_FITS}".strip()),)
    blocks = [Paragraph(text=f"{before} In this course, this fits best:".strip())]
    if found.word:
        blocks.append(Paragraph(text=f"{found.word}: {found.meaning}", tone="claim"))
    if asked_about:
        blocks.append(Paragraph(text=ASKED_ABOUT))
    elif found.insight:
        blocks.append(Paragraph(text=found.claim, tone="claim"))
    if symbol:
        blocks.append(Paragraph(text=f"l shows the code: {symbol}.", tone="quiet"))
    return tuple(blocks)
