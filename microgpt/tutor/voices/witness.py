"""What a model may do with a learner's message: the lesson tools, with the learner as the one who decides.

A model reads, and proposes. `source`, `progress`, `evaluate`, `example` and `contest` run at once. What touches an
open question (`answer`, `hint`, `reveal`, `skip`) is only proposed: the runner asks the learner, and Enter carries it
out. So no model answers for a learner, picks the better of two values they named, or gives a question up for them.
"""

import inspect
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal, cast

from microgpt.errors import LessonError, MicroGPTError, SandboxError
from microgpt.insights.grading import gives_up, parse
from microgpt.insights.question import shape_of
from microgpt.learner.evidence import Json
from microgpt.tutor.tools import LessonTools
from microgpt.tutor.turns import Ask, Turn

Step = Literal["answer", "hint", "reveal", "skip"]

OFFERED = ("answer", "hint", "reveal", "skip", "contest", "progress", "evaluate", "example", "source")
MOST_CALLS = 10  # for one message: code that is run may take seconds each time
_LONGEST_RESULT = 8000  # characters of a tool's result that a model is shown


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """Something that a model takes the learner to want; nothing happens until they say so.

    Args:
        quote: of an answer, the learner's own words.
    """

    step: Step
    quote: str = ""


@dataclass(frozen=True, kw_only=True)
class ToolDefinition:
    """A tool as a model is told about it; the parameters are a JSON Schema."""

    name: str
    description: str
    parameters: Mapping[str, Json]


class ToolBox:
    """The tools, while one message is answered.

    Args:
        tools: of the lesson.
        turn: the one that the learner sees.
        message: the learner's, as typed; empty where they typed nothing.

    Attributes:
        proposal: what the learner is to be asked; with it, the model's part is over.
    """

    def __init__(self, tools: LessonTools, turn: Turn, message: str) -> None:
        self._tools, self._turn, self._message = tools, turn, message
        self.proposal: Proposal | None = None
        self._calls = 0
        self._broke: Exception | None = None

    def call(self, name: str, arguments: object) -> str:
        """Call a tool as a model asked for it, and return its JSON.

        Raises:
            LessonError: it was not called as it can be; the text is for the model.
        """
        self._calls += 1
        if self._calls > MOST_CALLS:
            raise LessonError("that is enough for one message. Write your answer now.")
        if name not in OFFERED:
            raise LessonError(f"there is no tool {name!r}. Try one of: {', '.join(OFFERED)}")
        called = _checked(name, arguments)
        if called["lesson"] != self._turn.lesson:  # another's record is none of a model's business
            raise LessonError(f"there is one lesson here: {self._turn.lesson!r}. Try that one.")
        try:
            if name in ("answer", "hint", "reveal", "skip"):
                return self._propose(name, called)
            said = getattr(self._tools, name)(**called)
        except LessonError:
            raise
        except SandboxError as error:  # nothing can be run here; the lesson goes on without
            raise LessonError(str(error)) from error
        except MicroGPTError as error:  # such as a full disk
            self._broke = error
            raise LessonError(str(error)) from error
        return json.dumps(said.to_json(), ensure_ascii=False)[:_LONGEST_RESULT]

    def check(self) -> None:
        """Raise what went wrong on our side while a tool ran: a library between us and a model may have caught it."""
        if self._broke is not None:
            raise self._broke

    def _propose(self, step: Step, called: Mapping[str, str]) -> str:
        ask = self._turn.ask
        if self.proposal is not None:
            raise LessonError("the learner is being asked already. Write nothing more.")
        if not self._message:
            raise LessonError("the learner has said nothing yet. Word the turn; they will answer.")
        if ask is None or ask.ask_id != called["ask_id"]:
            open_now = f"the open question is {ask.ask_id!r}" if ask else "no question is open"
            raise LessonError(f"{called['ask_id']!r} is not open; {open_now}.")
        quote = called.get("quote", "").strip()
        if step == "answer":
            _check_quote(quote, called.get("value", ""), self._message, ask)
        self.proposal = Proposal(step=step, quote=quote)
        return "The learner is asked whether they mean it. Write nothing more."


def _check_quote(quote: str, value: str, message: str, ask: Ask) -> None:
    if not _stands_whole(quote, message):
        raise LessonError(f"the quote {quote!r} does not stand in the learner's message. Try their exact words.")
    if not reads_as_answer(quote, ask):
        raise LessonError(
            f"{quote!r} does not read as one answer, such as {ask.example}. Try: ask for one in that form."
        )
    if value and not (reads_as_answer(value, ask) and _read(value, ask) == _read(quote, ask)):
        raise LessonError(f"the value {value!r} is not what {quote!r} says. Try: leave it empty.")


def _stands_whole(quote: str, message: str) -> bool:
    """Whether words stand in a message as they are, and not as a part of a longer word or number.

    >>> _stands_whole("0.5", "is it 0.5?"), _stands_whole("0.5", "is it -0.5?"), _stands_whole("2", "is it 1/2?")
    (True, False, False)
    """
    before, after = r"(?<![\w.+−-])(?<!\d[,/])", r"(?![\w%]|[.,/]\d)"
    return bool(quote) and re.search(before + re.escape(quote) + after, message, re.ASCII) is not None


def is_plain_answer(message: str, ask: Ask) -> bool:
    """Whether a message is an answer, or gives up, and nothing else, so that no model need look at it.

    >>> ask = Ask(ask_id="x", text="?", kind="number", example="0.25")
    >>> is_plain_answer("1/2", ask), is_plain_answer("why not 1/2?", ask)
    (True, False)
    """
    if ask.kind == "text" and len(message.split()) > 1:  # any words read as a text
        return False
    return gives_up(message) or (not message.endswith("?") and reads_as_answer(message, ask))


def reads_as_answer(words: str, ask: Ask) -> bool:
    """Whether words have the shape of an answer; right or wrong plays no part."""
    return _read(words, ask) is not None


def _read(words: str, ask: Ask) -> object:
    if ask.kind in ("line", "code"):  # what it comes to is seen when it is graded
        return words or None
    shape = shape_of(json.loads(ask.example)) or () if ask.kind == "list" else ()
    read = parse(words, ask.kind, options=ask.options, shape=shape, any_length=True)
    return words.strip() or None if read is None and ask.kind == "text" else read  # "so" may be the answer


@cache
def definitions() -> tuple[ToolDefinition, ...]:
    """Return the tools as a model is told about them: names, types and texts are those of `LessonTools`."""
    return tuple(_definition(name, getattr(LessonTools, name)) for name in OFFERED)


def _definition(name: str, tool: Callable[..., object]) -> ToolDefinition:
    parameters = _parameters(tool)
    texts = {name: {"type": "string"} for name in parameters}
    required = [name for name, parameter in parameters.items() if parameter.default is parameter.empty]
    schema: dict[str, Json] = {"type": "object", "properties": texts, "required": required}
    schema["additionalProperties"] = False
    return ToolDefinition(name=name, description=inspect.getdoc(tool) or "", parameters=schema)


def _parameters(tool: Callable[..., object]) -> dict[str, inspect.Parameter]:
    return {name: p for name, p in inspect.signature(tool).parameters.items() if name != "self"}


def _checked(name: str, arguments: object) -> dict[str, str]:
    """Return the arguments of a call, if they are those of the tool; all of ours are strings."""
    parameters = _parameters(getattr(LessonTools, name))
    needed = [key for key, parameter in parameters.items() if parameter.default is parameter.empty]
    given = cast(Mapping[object, object], arguments if isinstance(arguments, Mapping) else {})
    called = {key: text for key, text in given.items() if isinstance(key, str) and isinstance(text, str)}
    if len(called) < len(given) or not set(needed) <= set(called) <= set(parameters):
        raise LessonError(f"{name} takes strings, by name: {', '.join(parameters)}; needed: {', '.join(needed)}.")
    return called
