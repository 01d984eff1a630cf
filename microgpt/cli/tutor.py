"""``microgpt tutor``: be taught in the terminal."""

import os
from typing import TYPE_CHECKING

import click

from microgpt.cli import INTERRUPTED, program

if TYPE_CHECKING:
    from microgpt.terminal import Terminal
    from microgpt.tutor.voices.connect import Choice, VoiceName
    from microgpt.tutor.voices.model import Wire


EPILOG = """\b
Examples:
  microgpt tutor
  microgpt tutor --goal attention
  microgpt tutor path/to/a/course --learner ada
  microgpt tutor --voice claude --max-cost 0.25
  microgpt tutor --voice compatible --base-url http://127.0.0.1:8080/v1 --model any
  microgpt tutor --script lecture

\b
At a question:
  ?       a hint, one at a time             r      reveal the answer; not counted
  Enter   skip the question                 l      list the code
  p       progress                          x WHY  contest the last question
  e       write code, where that is asked   q      quit; it is saved
  Or ask whatever you like, with a question mark.

\b
At a worked example:
  Enter   go on
  t VALUE try it with values of yours, as in: t scores = [3, 0]   t banana
"""


@click.command(epilog=EPILOG)
@click.argument("course", default="microgpt")
@click.option("--goal", metavar="GOAL", default="", help="One of the course's goals. [default: all of it]")
@click.option(
    "--minutes",
    type=click.IntRange(min=0),
    help="How long you mean to stay; 0 for no limit. [default: your profile's; see microgpt learner edit]",
)
@click.option("--learner", metavar="ID", default="me", show_default=True, help="For several learners on one machine.")
@click.option(
    "--script", metavar="S", default="", help="How to teach: lecture, a file, or a skill's folder. [default: our own]"
)
@click.option(
    "--voice",
    type=click.Choice(["offline", "claude", "compatible"]),
    default="offline",
    show_default=True,
    help="Who words the lesson.",
)
@click.option("--model", metavar="NAME", default="", help="The model to ask. [default: for claude, the one we know]")
@click.option("--base-url", metavar="URL", default="", help="A gateway, or a local server.")
@click.option(
    "--max-cost", type=click.FloatRange(min=0), help="Dollars at most, each time you start it. [default: 0.50]"
)
@click.option("--plain", is_flag=True, help="ASCII, one fact a line, nothing redrawn.")
def tutor(
    course: str,
    goal: str,
    minutes: int | None,
    learner: str,
    script: str,
    voice: "VoiceName",
    model: str,
    base_url: str,
    max_cost: float | None,
    plain: bool,
) -> None:
    """Be taught, in the terminal: no key, no account, no network.

    COURSE is the id of a bundled course, or a folder. Stop whenever you like: it is saved, and goes on where you were.
    With --voice claude or compatible a model words the lesson; keys come from ANTHROPIC_API_KEY and OPENAI_API_KEY.
    """
    try:
        from datetime import UTC, datetime

        from microgpt.learner.database import default_path
        from microgpt.learner.store import Store
        from microgpt.play import Seat, sit_down
        from microgpt.terminal import open_terminal
        from microgpt.tutor.voices.connect import Choice, Told

        terminal = open_terminal(plain=plain, environ=os.environ)
        choice = Choice(voice=voice, model=model, base_url=base_url, max_cost=max_cost)
        wire = _wire(choice, terminal)
        record = default_path(os.environ)
        with Store.open(record) as store:
            seat = Seat(
                course=course,
                goal=goal,
                minutes=minutes,
                learner=learner,
                program=program(),
                voice=choice.as_typed(),
                script=script,
            )
            told = Told(record.with_name("voices-told.txt"))
            finished = sit_down(seat, store, terminal, clock=lambda: datetime.now(UTC), wire=wire, told=told)
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    if not finished:
        raise SystemExit(INTERRUPTED)


def _wire(choice: "Choice", terminal: "Terminal") -> "Wire | None":
    """Return the wire to the model that was chosen; without its key, say so: the lesson is then taught without one."""
    from microgpt.tutor.voices import Paragraph
    from microgpt.tutor.voices.connect import connect
    from microgpt.tutor.voices.trouble import Trouble

    try:
        return connect(choice, os.environ)
    except Trouble as trouble:
        terminal.show((Paragraph(text=f"{str(trouble)[:1].upper()}{str(trouble)[1:]}. So: without a model."),))
        return None
