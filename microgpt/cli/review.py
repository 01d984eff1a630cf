"""``microgpt review``: repeat what is due, whatever course it is of."""

import os
from typing import TYPE_CHECKING

import click

from microgpt.cli.progress import learner_option, tutor_command

if TYPE_CHECKING:  # they would make `--help` slow
    from microgpt.tutor.standing import Standing


@click.command(epilog="Example:  microgpt review --learner ada")
@learner_option
@click.pass_context
def review(ctx: click.Context, learner: str) -> None:
    """Repeat what is due: a lesson that begins with it.

    With nothing due, it says when something will be.
    """
    from microgpt.cli.tutor import tutor

    standings = _look_up(learner)
    waiting = sorted((standing for standing in standings if standing.due_now), key=lambda one: -one.due_now)
    if waiting:
        ctx.invoke(tutor, course=waiting[0].where, learner=learner)
        if others := sum(standing.due_now for standing in waiting[1:]):
            click.echo(f"In other courses, {others} due.  Next:  {tutor_command('', learner, tool='review')}")
        return
    dates = sorted((str(standing.due[0].due), standing.where) for standing in standings if standing.due)
    if dates:
        click.echo(f"Nothing is due before {dates[0][0][:10]}.  Next:  {tutor_command(dates[0][1], learner)}")
    else:
        click.echo(f"Nothing to repeat yet: that begins with what you know.  Next:  {tutor_command('', learner)}")


def _look_up(learner: str) -> "list[Standing]":
    """Return where a learner stands with each course that can still be read."""
    from datetime import UTC, datetime

    from microgpt.errors import CourseError
    from microgpt.learner.database import default_path
    from microgpt.learner.store import Store
    from microgpt.tutor.standing import read_standing

    standings: list[Standing] = []
    with Store.to_read(default_path(os.environ)) as store:
        for row in store.lessons(learner):
            try:
                standing = read_standing(store, learner, row.course, now=datetime.now(UTC))
                standings += [standing] if standing else []
            except CourseError as error:
                click.echo(f"microgpt: {row.id} is left out: {error}", err=True)
    return standings
