"""``microgpt progress``: what a learner has mastered, which mistakes recur, what is due and what comes next."""

import json
import os
import shlex
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from microgpt.cli import program
from microgpt.cli.live import printable

if TYPE_CHECKING:  # they would make `--help` slow
    from microgpt.learner.answers import Answer
    from microgpt.learner.mistakes import Mistake
    from microgpt.tutor.standing import InsightStanding, Standing

WIDTH = 80
BAR = 10  # columns
MISTAKES, REACHABLE = 5, 3  # shown at most: beliefs, and ideas to learn next
QUOTED = 120  # characters of an answer

learner_option = click.option(
    "--learner", metavar="ID", default="me", show_default=True, help="For several learners on one machine."
)


@click.command(epilog="Example:  microgpt progress --plot progress.png")
@click.argument("course", metavar="[COURSE]", default="")
@learner_option
@click.option("--plot", metavar="FILE", type=click.Path(path_type=Path), help="Draw how it came about: .png or .svg.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def progress(course: str, learner: str, plot: Path | None, as_json: bool) -> None:
    """Show what is mastered and why we think so, which mistakes recur, what is due and what comes next.

    COURSE is the id of a course, or its folder; without it, the one you learned last. Nothing is written but the plot.
    """
    from datetime import UTC, datetime

    from microgpt.learner.database import default_path
    from microgpt.learner.store import Store
    from microgpt.tutor.standing import read_standing

    if plot:
        from microgpt.plot import check_plot

        check_plot(plot)
    with Store.to_read(default_path(os.environ)) as store:
        standing = read_standing(store, learner, course, now=datetime.now(UTC))
        answers = store.answers(standing.lesson) if plot and standing else []
    if plot and standing:
        from microgpt.plot import plot_mastery

        labels = {one.insight: one.insight if one.known else about(standing, one.insight) for one in standing.insights}
        plot_mastery(plot, labels, answers, title=standing.course.title)
    if as_json:
        nothing = {"format": "microgpt/standing/1", "learner": learner, "lesson": ""}
        click.echo(json.dumps(standing.to_json() if standing else nothing))
    elif standing:
        click.echo("\n".join(_lines(standing)))
    if standing is None:
        click.echo(f"Nothing learned here yet. Begin with:  {tutor_command('', learner)}", err=as_json)
    elif plot:
        click.echo(f"Drawn: {plot}", err=as_json)


def tutor_command(course: str, learner: str, *, tool: str = "tutor") -> str:
    """Return what this learner types to go on."""
    named = f" {shlex.quote(course)}" if course not in ("", "microgpt") else ""
    whom = f" --learner {shlex.quote(learner)}" if learner != "me" else ""
    return f"{program()} {tool}{named}{whom}"


def _lines(standing: "Standing") -> Iterator[str]:
    goal = f", for the goal {standing.goal}" if standing.goal else ""
    of = len(standing.insights)
    yield f"{printable(standing.course.title)}: you know {standing.known} of {of}{goal}."
    for insight in standing.insights:
        if insight.status != "new" or insight.witnessed + insight.reported:
            yield from _insight_lines(standing, insight)
    yield from _mistake_lines(standing, [mistake for mistake in standing.mistakes if mistake.recurs])
    yield ""
    yield from _next_lines(standing)


def _insight_lines(standing: "Standing", insight: "InsightStanding") -> Iterator[str]:
    """Say where an idea stands; one that is not known yet is not named, for its name tells it."""
    full, empty = "█░" if (sys.stdout.encoding or "").lower().startswith("utf") else "#."
    filled = round(insight.probability * BAR)
    due = f"due {insight.due.date()}" if insight.due else ""
    head = f"{full * filled}{empty * (BAR - filled)} {insight.probability:4.0%}  {insight.status:8}  "
    yield ""
    yield f"{head}{_evidence(insight):38} {due}".rstrip()
    yield from _wrapped(insight.claim if insight.known else about(standing, insight.insight), "  ")


def about(standing: "Standing", name: str) -> str:
    """Return what an idea is about, without telling it."""
    insight = standing.course.insights[name]
    place = [insight.insight for insight in standing.insights].index(name) + 1
    return f"idea {place}, on {insight.anchor}" if insight.anchor else f"idea {place}"


def _evidence(insight: "InsightStanding") -> str:
    answers = insight.witnessed + insight.reported
    if not answers:
        return "by an answer to another idea"
    told = f"{answers} answer{'' if answers == 1 else 's'}, {insight.wrong} wrong"
    return f"{told} ({insight.reported} reported)" if insight.reported else told


def _mistake_lines(standing: "Standing", mistakes: "list[Mistake]") -> Iterator[str]:
    if not mistakes:
        return
    yield "\nMistakes that recur, and the answers that make us think so:"
    for mistake in mistakes[:MISTAKES]:
        yield ""
        yield from _wrapped(f"“{standing.belief(mistake)}”", "  ")
        if mistake.signs > len(mistake.latest):
            yield f"    {mistake.signs} answers; the latest:"
        for answer in mistake.latest:
            yield from _wrapped(_sign(answer), "    ")
        right = f"{mistake.ruled_out} right answer{'' if mistake.ruled_out == 1 else 's'}"
        yield f"    Since then {right if mistake.ruled_out else 'no answer'} spoke against it."
    if len(mistakes) > MISTAKES:
        yield f"\n  and {len(mistakes) - MISTAKES} more: see --json"


def _sign(answer: "Answer") -> str:
    words = f"“{answer.quote[:QUOTED]}{'...' if len(answer.quote) > QUOTED else ''}”" if answer.quote else "(no words)"
    fits = len(answer.misconceptions)
    asides = [*(["it fits others too"] if fits > 1 else []), *([] if answer.witnessed else ["reported by an agent"])]
    return f"{answer.time.date()}  {words}" + (f"  ({'; '.join(asides)})" if asides else "")


def _next_lines(standing: "Standing") -> Iterator[str]:
    """Say what is due and what can be learned next, and with which command."""
    if standing.next:
        named = "; ".join(about(standing, name) for name in standing.next[:REACHABLE])
        more = f"; and {len(standing.next) - REACHABLE} more" if len(standing.next) > REACHABLE else ""
        yield from _wrapped(f"Within reach: {named}{more}.", "")
    if standing.due_now:
        yield f"Due now: {standing.due_now}.  Next:  {tutor_command('', standing.learner, tool='review')}"
        return
    if standing.due:
        yield f"Nothing is due before {standing.due[0].due:%Y-%m-%d}."
    yield f"Next:  {tutor_command(standing.where, standing.learner)}"


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(printable(text), WIDTH, initial_indent=indent, subsequent_indent=indent + "  ")
