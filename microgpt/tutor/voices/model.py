"""A voice that is a model: it words turns and answers what a learner types, over any wire.

`claude` and `compatible` are the wires. Whatever goes wrong on them, or in a model's head, ends here: in one line for
the learner, and the built-in voice's words for the turn. The lesson itself never waits for a model and owes it nothing:
what is asked, graded and stored happens in the lesson tools.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from microgpt.learner.profile import Profile
from microgpt.tutor.tools import LessonTools
from microgpt.tutor.turns import Turn
from microgpt.tutor.voices import Hear, Paragraph, Spoken, offline
from microgpt.tutor.voices.cost import Meter, OverBudget
from microgpt.tutor.voices.prompt import Message, facts, trimmed
from microgpt.tutor.voices.trouble import Trouble
from microgpt.tutor.voices.witness import Proposal, ToolBox
from microgpt.tutor.voices.wording import Words, cleaned, needs_wording, parted, without_prose

ROUNDS = 4  # requests for one message: a model that calls tools for ever is cut short
MOST_TOKENS = 2000  # of one answer, thinking included
MOST_CHARACTERS = 8000  # of one answer's text: where a server does not heed the above, we stop reading
LONGEST_S = 90.0  # that one message may take, tools included
PATIENCE_S = 10.0  # that a busy server may ask us to wait
RETRIES = 2
STRIKES = 2  # failures in a row, after which the built-in voice has the rest of the sitting


class Wire(Protocol):
    """A server of models, spoken to in its own protocol.

    Attributes:
        model: its id.
        host: where words go.
        meter: asked before each request, and told after it.
    """

    @property
    def model(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def meter(self) -> Meter: ...

    def converse(
        self, system: Sequence[str], messages: Sequence[Message], tools: ToolBox, take: Callable[[str], None]
    ) -> str:
        """Return what the model says in the end; it may call tools before, in at most `ROUNDS` requests.

        With a proposal in `tools` the model's part is over, and what it said does not count.

        Args:
            take: gets all that the model writes, piece by piece as it comes.

        Raises:
            Trouble: no usable answer.
            OverBudget: the next request was not sent.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What comes of a learner's message.

    Args:
        spoken: what to show.
        proposal: what the learner is to be asked.
        heard: whether a model read the message; if not, it is to be treated as without one.
    """

    spoken: Spoken = ()
    proposal: Proposal | None = None
    heard: bool = True


class ModelVoice:
    """A voice with a model behind it, for one sitting.

    Args:
        wire: to the model.
        system: the head of every request, the same bytes for the whole lesson.
        tools: of the lesson.
        sleep: waits some seconds.
    """

    def __init__(
        self, wire: Wire, system: Sequence[str], tools: LessonTools, *, sleep: Callable[[float], None]
    ) -> None:
        self._wire, self._system, self._tools, self._sleep = wire, tuple(system), tools, sleep
        self._conversation: tuple[Message, ...] = ()
        self._known = ""  # the turn that the conversation is about, as the model has it
        self._strikes = 0
        self.listening = True
        self.model = wire.model

    def __call__(self, turn: Turn, profile: Profile, hear: Hear = lambda spoken: None) -> Spoken:
        """Word a turn; where the model cannot, in the words of the built-in voice.

        Returns:
            All of it, which begins with what `hear` got last.
        """
        if not self.listening or not needs_wording(turn):
            return offline.word(turn, profile)
        self._conversation = trimmed(self._conversation)
        news = facts(turn, profile)
        before, after = parted(turn, profile)
        words = Words(before, hear)
        try:
            text = self._say(news, ToolBox(self._tools, turn, ""), words, known=news)
        except (Trouble, OverBudget) as trouble:
            return (*before, *words.spoken, self._excuse(trouble), *after)
        return (*before, *cleaned(words.text), *(without_prose(after) if cleaned(text) else after))

    def reply(self, message: str, turn: Turn, profile: Profile, hear: Hear = lambda spoken: None) -> Reply:
        """Answer what the learner typed; nothing of it is graded here."""
        if not self.listening or (turn.ask and turn.ask.holdout):
            return Reply(heard=False)
        kept, news = trimmed(self._conversation), facts(turn, profile)
        if kept != self._conversation or news != self._known:  # the model has not this turn, or no longer
            self._known = ""
        self._conversation = kept
        tools = ToolBox(self._tools, turn, message)
        told = facts(None if self._known else turn, profile, message)
        words = Words((), hear)
        try:
            text = self._say(told, tools, words, known=news)
        except (Trouble, OverBudget) as trouble:
            return Reply(spoken=(*words.spoken, self._excuse(trouble)), heard=False)
        if tools.proposal:
            return Reply(spoken=words.spoken, proposal=tools.proposal)
        nothing = () if cleaned(text) else (Paragraph(text="The model had nothing to say to that."),)
        return Reply(spoken=(*cleaned(words.text), *nothing))

    def _say(self, told: str, tools: ToolBox, words: Words, *, known: str) -> str:
        """Say something to the model; what came of it is remembered, and that it now has the turn `known`."""
        user = Message(role="user", text=told)
        text = self._converse((*self._conversation, user), tools, words)
        tools.check()
        self._strikes = 0
        if text.strip() and tools.proposal is None:
            self._conversation = (*self._conversation, user, Message(role="assistant", text=text))
            self._known = known
        return text

    def _converse(self, messages: Sequence[Message], tools: ToolBox, words: Words) -> str:
        """Return what the model says, waiting for a busy server within reason; not once it has been heard."""
        for _ in range(RETRIES):
            try:
                return self._wire.converse(self._system, messages, tools, words.take)
            except Trouble as trouble:
                if words.spoken or trouble.retry_after_s is None or trouble.retry_after_s > PATIENCE_S:
                    raise
                words.text = ""
                self._sleep(trouble.retry_after_s)
        return self._wire.converse(self._system, messages, tools, words.take)

    def _excuse(self, trouble: Trouble | OverBudget) -> Paragraph:
        """Say what went wrong, and whether the model is asked again."""
        self._strikes += 1
        self.listening = not (isinstance(trouble, OverBudget) or trouble.lasting or self._strikes >= STRIKES)
        then = "This once, in plain words" if self.listening else "From here on, in plain words"
        return Paragraph(text=f"{_sentence(str(trouble))} {then}; nothing is lost.", tone="quiet")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
