"""``microgpt lesson``: the lesson tools, one command each, for agents that can run a command."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import click

from microgpt.errors import MicroGPTError

if TYPE_CHECKING:  # sqlite and fsrs would make `--help` slow
    from microgpt.tutor.tools import LessonTools
    from microgpt.tutor.turns import Example, Graded, Hint, Progress, Result, Source, Turn, Verdict
    from microgpt.tutor.voices import Spoken

    Said: TypeAlias = Turn | Graded | Hint | Verdict | Progress | Example | Result | Source

EPILOG = """\b
A lesson, call by call; LESSON and ASK_ID stand in the answers:
  microgpt lesson start --json
  microgpt lesson next me-microgpt --ack t1 --json
  microgpt lesson answer me-microgpt 9f3a61 "half each: [0.5, 0.5]" --json
"""

# What looks like an option may be an answer, -0.5; and with -h for help, "-1, I think" would be a cry for it.
ANY_TEXT = {"ignore_unknown_options": True, "help_option_names": ["--help"]}
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object on one line.")
lesson_argument = click.argument("lesson_id", metavar="LESSON")
ask_argument = click.argument("ask_id")


@click.group(epilog=EPILOG)
def lesson() -> None:
    """The lesson tools, for agents: who words a lesson calls these; what is taught and graded is decided here."""


@lesson.command(epilog="Example:  microgpt lesson start --goal attention --json")
@click.argument("course", default="microgpt")
@click.option("--goal", metavar="GOAL", default="", help="One of the course's goals. [default: all of it]")
@click.option("--minutes", type=click.IntRange(min=0), default=0, help="How long the learner means to stay.")
@click.option("--learner", metavar="ID", default="me", show_default=True, help="For several learners on one machine.")
@json_option
def start(course: str, goal: str, minutes: int, learner: str, as_json: bool) -> None:
    """Begin a lesson, or go on with it; prints the turn to be said."""
    _call(lambda tools: tools.start(course, goal, minutes, learner), as_json, create=True)


@lesson.command(name="next", epilog="Example:  microgpt lesson next me-microgpt --ack t4 --json")
@lesson_argument
@click.option("--ack", metavar="ACK", default="", help="Of the turn that was said; without it, the same comes again.")
@json_option
def next_(lesson_id: str, ack: str, as_json: bool) -> None:
    """Print the turn to be said now."""
    _call(lambda tools: tools.next(lesson_id, ack), as_json)


@lesson.command(
    context_settings=ANY_TEXT,
    epilog='Example:  microgpt lesson answer me-microgpt 9f3a61 "I say -0.5" --value -0.5 --json',
)
@lesson_argument
@ask_argument
@click.argument("quote")
@click.option("--value", metavar="VALUE", default="", help="Your reading of the quote; must stand in it.")
@json_option
def answer(lesson_id: str, ask_id: str, quote: str, value: str, as_json: bool) -> None:
    """Grade an answer; QUOTE is what the learner wrote, unchanged."""
    _call(lambda tools: tools.answer(lesson_id, ask_id, quote, value), as_json)


@lesson.command(epilog="Example:  microgpt lesson hint me-microgpt 9f3a61 --json")
@lesson_argument
@ask_argument
@json_option
def hint(lesson_id: str, ask_id: str, as_json: bool) -> None:
    """Give the next hint; an answer after it counts as assisted."""
    _call(lambda tools: tools.hint(lesson_id, ask_id), as_json)


@lesson.command(epilog="Example:  microgpt lesson reveal me-microgpt 9f3a61 --json")
@lesson_argument
@ask_argument
@json_option
def reveal(lesson_id: str, ask_id: str, as_json: bool) -> None:
    """Give the answer away and go on."""
    _call(lambda tools: tools.reveal(lesson_id, ask_id), as_json)


@lesson.command(epilog="Example:  microgpt lesson skip me-microgpt 9f3a61 --json")
@lesson_argument
@ask_argument
@json_option
def skip(lesson_id: str, ask_id: str, as_json: bool) -> None:
    """Pass over the open question."""
    _call(lambda tools: tools.skip(lesson_id, ask_id), as_json)


@lesson.command(
    context_settings=ANY_TEXT, epilog='Example:  microgpt lesson contest me-microgpt 9f3a61 "it should be 2" --json'
)
@lesson_argument
@ask_argument
@click.argument("reason")
@json_option
def contest(lesson_id: str, ask_id: str, reason: str, as_json: bool) -> None:
    """Compute the answer to a closed question again; a wrong key takes the attempt back."""
    _call(lambda tools: tools.contest(lesson_id, ask_id, reason), as_json)


@lesson.command(epilog="Example:  microgpt lesson progress me-microgpt --json")
@lesson_argument
@json_option
def progress(lesson_id: str, as_json: bool) -> None:
    """Print where the learner stands, from evidence alone."""
    _call(lambda tools: tools.progress(lesson_id), as_json)


@lesson.command(
    context_settings=ANY_TEXT, epilog='Example:  microgpt lesson evaluate me-microgpt "softmax([1, 2])" --json'
)
@lesson_argument
@click.argument("code")
@json_option
def evaluate(lesson_id: str, code: str, as_json: bool) -> None:
    """Run an expression of the learner's on the subject, in the sandbox; refused while a question is open."""
    _call(lambda tools: tools.evaluate(lesson_id, code), as_json)


@lesson.command(
    context_settings=ANY_TEXT, epilog='Example:  microgpt lesson example me-microgpt "scores = [1, 2]" --json'
)
@lesson_argument
@click.argument("values")
@json_option
def example(lesson_id: str, values: str, as_json: bool) -> None:
    """Work the turn's example through with the learner's own VALUES: inputs of it, or, where it says yours, a text."""
    _call(lambda tools: tools.example(lesson_id, values), as_json)


@lesson.command(epilog="Example:  microgpt lesson source me-microgpt softmax --json")
@lesson_argument
@click.argument("symbol")
@json_option
def source(lesson_id: str, symbol: str, as_json: bool) -> None:
    """Print the lines of a function of the subject."""
    _call(lambda tools: tools.source(lesson_id, symbol), as_json)


def _call(tool: "Callable[[LessonTools], Said]", as_json: bool, *, create: bool = False) -> None:
    """Call one tool and print what it says; with --json an error is an object too.

    Args:
        create: make the learner's record if there is none; only a lesson that starts needs one.
    """
    import os
    from datetime import UTC, datetime

    from microgpt.learner.database import default_path
    from microgpt.learner.store import Store
    from microgpt.tutor.tools import LessonTools

    try:
        with Store.open(default_path(os.environ), create=create) as store:
            said = tool(LessonTools(store, clock=lambda: datetime.now(UTC)))
    except MicroGPTError as error:
        if as_json:
            click.echo(json.dumps({"format": "microgpt/error/1", "error": str(error)}))
        raise
    if as_json:
        click.echo(json.dumps(said.to_json()))
    else:
        _print(said)


def _print(said: "Said") -> None:
    """Print in the offline voice, and the ids that the next call needs."""
    import os

    from microgpt.terminal import open_terminal
    from microgpt.tutor.turns import Graded, Turn, Verdict

    terminal = open_terminal(plain=False, environ=os.environ)
    terminal.show(_worded(said))
    turn = said if isinstance(said, Turn) else said.then if isinstance(said, Graded | Verdict) else None
    if turn:
        ask = f"  ask: {turn.ask.ask_id}" if turn.ask else ""
        click.echo(f"\nlesson: {turn.lesson}{ask}  ack: {turn.ack}")


def _worded(said: "Said") -> "Spoken":
    from microgpt.learner.profile import Profile
    from microgpt.tutor.turns import Example, Graded, Hint, Progress, Result, Turn, Verdict
    from microgpt.tutor.voices import offline

    nobody = Profile(id="", name="")
    match said:
        case Turn():
            return offline.word(said, nobody)
        case Graded():
            return offline.word_graded(said, nobody)
        case Hint():
            return offline.word_hint(said)
        case Verdict():
            return offline.word_verdict(said)
        case Progress():
            return offline.word_progress(said)
        case Example():
            return offline.word_example(said)
        case Result():
            return offline.word_result(said)
        case _:
            return offline.word_source(said)
