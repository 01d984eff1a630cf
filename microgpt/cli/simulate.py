"""``microgpt simulate``: try a teaching script on simulated learners, beside the usual baselines."""

import json
import os
import shlex
import sys
import time

import click


@click.command(epilog="Example:  microgpt simulate --script my-script.yaml --learners 100")
@click.argument("course", default="microgpt")
@click.option(
    "--script", "scripts", multiple=True, metavar="S", help="microgpt-tutor, lecture, a file, or a skill's folder."
)
@click.option("--learners", default=200, show_default=True, type=click.IntRange(min=1), help="How many.")
@click.option("--seed", default=0, show_default=True, help="Other learners, and other luck.")
@click.option("--goal", default="", help="A goal of the course; all of it, if none is given.")
@click.option(
    "--assumptions",
    multiple=True,
    metavar="A",
    help="NAME=VALUE, or half or double: with each number changed in turn.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def simulate(
    course: str,
    scripts: tuple[str, ...],
    learners: int,
    seed: int,
    goal: str,
    assumptions: tuple[str, ...],
    as_json: bool,
) -> None:
    """Try teaching scripts on simulated learners, beside baselines.

    The first script is compared with every other teacher: further scripts, a lecture, answers given away at once,
    moves drawn at random, and an oracle that sees what a learner lacks. Nothing is stored.
    """
    from microgpt.tutor.simulate.simulation import simulate as run

    start = time.perf_counter()

    def show(done: int, of: int) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{f'{done:,} of {of:,} lessons':40}" if done < of else f"\r{'':40}\r", nl=False, err=True)

    report = run(
        course,
        scripts=scripts or ("microgpt-tutor",),
        goal=goal,
        learners=learners,
        seed=seed,
        changes=assumptions,
        processes=min(2, os.cpu_count() or 1),
        report=show,
    )
    click.echo(json.dumps(report.to_json()) if as_json else report.to_text())
    seconds, lessons = time.perf_counter() - start, report.lessons
    click.echo(f"{lessons:,} lessons in {seconds:.0f} s, {60 * lessons / seconds:,.0f} a minute.", err=True)
    if not as_json and not report.swept:
        click.echo(f"\nNext:  {_again(course, scripts, learners, seed, goal)} --assumptions half --assumptions double")


def _again(course: str, scripts: tuple[str, ...], learners: int, seed: int, goal: str) -> str:
    """Return how to simulate the same once more."""
    from microgpt.cli import program

    given = {"--learners": (learners, 200), "--seed": (seed, 0), "--goal": (goal, "")}
    words = [] if course == "microgpt" else [course]
    words += [word for script in scripts for word in ("--script", script)]
    words += [word for name, (value, usual) in given.items() if value != usual for word in (name, str(value))]
    return " ".join([program(), "simulate", *map(shlex.quote, words)])
