"""``microgpt tutor``: be taught in the terminal."""

import os

import click

from microgpt.cli import program

INTERRUPTED = 130  # the exit code that shells expect after Ctrl-C

EPILOG = """\b
Examples:
  microgpt tutor
  microgpt tutor --goal attention
  microgpt tutor path/to/a/course --learner ada
"""


@click.command(epilog=EPILOG)
@click.argument("course", default="microgpt")
@click.option("--goal", metavar="GOAL", default="", help="One of the course's goals. [default: all of it]")
@click.option("--minutes", type=click.IntRange(min=0), default=0, help="How long you mean to stay. [default: no limit]")
@click.option("--learner", metavar="ID", default="me", show_default=True, help="For several learners on one machine.")
@click.option("--plain", is_flag=True, help="ASCII, one fact a line, nothing redrawn.")
def tutor(course: str, goal: str, minutes: int, learner: str, plain: bool) -> None:
    """Be taught, in the terminal: no key, no account, no network.

    COURSE is the id of a bundled course, or a folder. Stop whenever you like: it is saved, and goes on where you were.
    """
    try:
        from datetime import UTC, datetime

        from microgpt.learner.database import default_path
        from microgpt.learner.store import Store
        from microgpt.play import Seat, sit_down
        from microgpt.terminal import open_terminal

        terminal = open_terminal(plain=plain, environ=os.environ)
        with Store.open(default_path(os.environ)) as store:
            seat = Seat(course=course, goal=goal, minutes=minutes, learner=learner, program=program())
            finished = sit_down(seat, store, terminal, clock=lambda: datetime.now(UTC))
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    if not finished:
        raise SystemExit(INTERRUPTED)
