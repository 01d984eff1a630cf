"""``microgpt course``: check a course, compute its answers, show what it holds."""

import json
import os
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from microgpt.cli import INTERRUPTED, program
from microgpt.content import is_bundled

if TYPE_CHECKING:  # they would make `--help` slow
    from microgpt.insights.course import Course
    from microgpt.insights.experiment import Pair
    from microgpt.insights.lock import Lock

TRUST = click.option(
    "--trust", is_flag=True, help="The folder is mine: run its code even where nothing can contain it."
)


def course_here() -> str:
    """Return the course that is meant where none is named: the current folder's, or else the bundled one."""
    return "." if os.path.isfile("course.yaml") else "microgpt"


@click.group()
def course() -> None:
    """Check and lock a course: a folder with a course.yaml and one file an idea.

    Where no course is named, the one in the current folder is meant, or else the bundled one.
    """


@course.command(epilog="Example:  microgpt course lint my-course")
@click.argument("name", metavar="[PATH|NAME]", default=course_here)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@TRUST
def lint(name: str, as_json: bool, trust: bool) -> None:
    """Check a course: every misconception must show itself, every answer is computed.

    Exits with 0, with 1 if there are errors, with 2 if there was nothing to check.
    """
    from microgpt.insights.lint import lint_course

    start = time.perf_counter()
    folder = course_folder(name)
    report = lint_course(folder, trusted=trust or is_bundled(folder))
    if report.lock != "fresh":
        notice_no_walls()
    if as_json:
        click.echo(json.dumps(report.to_json(), ensure_ascii=False))
    else:
        click.echo(f"{report.to_text()}   {time.perf_counter() - start:.1f} s")
        if report.lock != "fresh" and not report.exit_code:
            click.echo(f"The lock is {report.lock}. Next:  {program()} course lock {name}")
    raise SystemExit(report.exit_code)


@course.command(epilog="Example:  microgpt course lock my-course --check")
@click.argument("name", metavar="[PATH|NAME]", default=course_here)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if the lock is stale.")
@click.option("--experiments", is_flag=True, help="Also train with every misconception; takes seconds for each.")
@TRUST
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def lock(name: str, check: bool, experiments: bool, trust: bool, as_json: bool) -> None:
    """Compute the answers that are stale, and write them to course.lock.json.

    Experiments that the lock holds are kept as long as nothing that they depend on changes.
    """
    from microgpt.insights.course import load_course
    from microgpt.insights.lock import (
        changed_anchors,
        held_lock,
        lock_path,
        make_lock,
        missing_experiments,
        stale,
        stale_experiments,
        write_lock,
    )

    folder = course_folder(name)
    loaded = load_course(folder)
    trusted = trust or is_bundled(folder)
    old = held_lock(loaded)
    changed, dropped = stale(loaded, old), stale_experiments(loaded, old)
    look_again = changed_anchors(loaded, old)
    wanted = missing_experiments(loaded, old) if experiments else ()
    if not check:
        new = make_lock(loaded, trusted=trusted, old=old)
        if changed or wanted:
            notice_no_walls()
        if new != old:
            write_lock(new, folder)
        if wanted:
            _experiment(name, loaded, new, trusted)
    for id_ in () if as_json else look_again:
        click.echo(f"{loaded.insights[id_].path}: look again at it, for {loaded.insights[id_].anchor} changed.")
    if as_json:
        said = {
            "format": "microgpt/lock-report/1",
            "path": str(lock_path(folder)),
            "check": check,
            "stale": changed,
            "look_again": look_again,
            "stale_experiments": ["/".join(pair) for pair in dropped],
            "missing_experiments": ["/".join(pair) for pair in wanted] if check else [],
        }
        click.echo(json.dumps(said, ensure_ascii=False))
    elif check:
        _tell_stale(name, changed, dropped, wanted)
    else:
        click.echo(f"{lock_path(folder)}: {len(changed)} of {len(loaded.insights)} insights made anew.")
        if dropped and not experiments:
            click.echo(f"{_experiments(len(dropped))} no longer held and left the lock.")
            click.echo(f"Next:  {program()} course lock {name} --experiments")
        else:
            click.echo(f"Next:  {program()} course lint {name}")
    raise SystemExit(int(check and bool(changed or dropped or wanted)))


def _tell_stale(name: str, changed: Sequence[str], dropped: Sequence["Pair"], wanted: Sequence["Pair"]) -> None:
    """Say what a lock does not hold, and how to make it."""
    if not (changed or dropped or wanted):
        click.echo("The lock is fresh.")
        return
    if changed:
        click.echo(f"stale: {', '.join(changed)}")
    if missing := {*dropped, *wanted}:
        click.echo(f"{_experiments(len(missing))} to be made.")
    click.echo(f"Next:  {program()} course lock {name}{' --experiments' if missing else ''}")


def _experiment(name: str, loaded: "Course", lock: "Lock", trusted: bool) -> None:
    """Make the experiments that a lock lacks, and write each as soon as it is made; Ctrl-C keeps those."""
    from microgpt.insights.lock import add_experiments, experiments_in, missing_experiments, write_lock

    made, total = 0, len(missing_experiments(loaded, lock))
    live = sys.stderr.isatty()
    try:
        for locked in add_experiments(loaded, lock, workers=os.cpu_count() or 1, trusted=trusted):
            write_lock(lock := locked, loaded.folder)
            made += 1
            if live:
                click.echo(f"\r{made} of {_experiments(total)}", nl=False, err=True)
    except KeyboardInterrupt:
        command = f"{program()} course lock {name} --experiments"
        click.echo(f"\nStopped: {_experiments(made)} of {total} made and kept. To go on:  {command}", err=True)
        raise SystemExit(INTERRUPTED) from None
    verdicts = Counter(found.verdict for found in experiments_in(lock).values())
    told = ", ".join(f"{number} {verdict}" for verdict, number in verdicts.most_common())
    if live:
        click.echo(err=True)
    click.echo(f"{_experiments(sum(verdicts.values()))}: {told}.", err=True)


def _experiments(number: int) -> str:
    return f"{number} experiment{'' if number == 1 else 's'}"


@course.command(epilog="Example:  microgpt course show microgpt")
@click.argument("name", metavar="[PATH|NAME]", default=course_here)
@click.option("--language", metavar="CODE", default="", help="Its claims in another language, such as de.")
def show(name: str, language: str) -> None:
    """Show a course: its ideas in order, with their questions and misconceptions."""
    from microgpt.insights.course import load_course, plan
    from microgpt.insights.translation import translations

    loaded = load_course(course_folder(name))
    pages = {**loaded.insights, **(translations(loaded, language) if language else {})}
    click.echo(f"{loaded.title}\n")
    for insight in (pages[id_] for id_ in plan(loaded)):
        questions, beliefs = len(insight.questions), len(insight.misconceptions)
        click.echo(f"{questions:>3} questions  {beliefs:>2} misconceptions  {insight.id}")
        click.echo(_filled(insight.claim, indent=6))
    for goal, names in loaded.goals.items():
        click.echo(_filled(f"goal {goal}: {', '.join(names)}"))
    click.echo(f"\nNext:  {program()} insight preview {plan(loaded)[0]} {name}")


@course.command(name="plan", epilog="Example:  microgpt course plan --goal attention")
@click.argument("name", metavar="[PATH|NAME]", default=course_here)
@click.option("--goal", default="", help="One of the course's goals. [default: the whole course]")
@click.option("--learner", metavar="ID", default="", help="Only what this learner does not know yet.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def show_plan(name: str, goal: str, learner: str, as_json: bool) -> None:
    """Show what a goal takes: its ideas, each after those it needs."""
    from microgpt.insights.course import load_course, plan

    loaded = load_course(course_folder(name))
    known = _known_to(learner, loaded) if learner else ()
    insights = [loaded.insights[name] for name in plan(loaded, goal) if name not in known]
    if as_json:
        rows = [{"id": insight.id, "claim": insight.claim, "needs": insight.needs} for insight in insights]
        said = {"format": "microgpt/plan/1", "course": loaded.id, "goal": goal, "insights": rows}
        click.echo(json.dumps(said, ensure_ascii=False))
        return
    for number, insight in enumerate(insights, 1):
        click.echo(f"{number:>3}  {insight.id}\n{_filled(insight.claim, indent=5)}")
    goals = f"   goals: {', '.join(loaded.goals)}" if loaded.goals and not goal else ""
    click.echo(_filled(f"{len(insights)} of {len(loaded.insights)} ideas.{goals}"))
    click.echo(f"\nNext:  {program()} tutor {name}{f' --goal {goal}' if goal else ''}")


@course.command(epilog="Example:  microgpt course graph --svg course.svg")
@click.argument("name", metavar="[PATH|NAME]", default=course_here)
@click.option("--goal", default="", help="Only what one of the course's goals takes.")
@click.option("--svg", metavar="FILE", type=click.Path(path_type=Path), help="Draw it, instead of writing Mermaid.")
def graph(name: str, goal: str, svg: Path | None) -> None:
    """Show which idea needs which: as text in Mermaid's language, or as a picture."""
    from microgpt.errors import CourseError
    from microgpt.insights.course import load_course
    from microgpt.insights.graph import to_mermaid, to_svg

    loaded = load_course(course_folder(name))
    if svg and svg.suffix.lower() != ".svg":
        raise CourseError(f"the picture is an SVG. Try --svg {svg.stem}.svg", path=str(svg))
    if svg is None:
        click.echo(to_mermaid(loaded, goal), nl=False)
        return
    try:
        svg.write_text(to_svg(loaded, goal), encoding="utf-8")
    except OSError as error:
        raise CourseError(f"cannot be written: {error.strerror}. Try another --svg FILE.", path=str(svg)) from None
    click.echo(f"{svg}: drawn. Open it in a browser; pointed at, a box says its claim.")


@course.command(epilog="Example:  microgpt course schema insight > insight.schema.json")
@click.argument("what", type=click.Choice(["insight", "course"]))
def schema(what: str) -> None:
    """Print the JSON Schema of a file, for editors that complete and check what you type."""
    from microgpt.insights.schema import course_schema, insight_schema

    click.echo(json.dumps(insight_schema() if what == "insight" else course_schema(), indent=1))


def _filled(text: str, indent: int = 0) -> str:
    """Return a text in lines of 80 columns, indented where it goes on too."""
    return textwrap.fill(
        text, 80, initial_indent=" " * indent, subsequent_indent=" " * (indent or 6), break_on_hyphens=False
    )


def _known_to(learner: str, loaded: "Course") -> frozenset[str]:
    """Return what a learner need not be taught; nothing of a course that they have not begun."""
    from microgpt.learner.database import default_path
    from microgpt.learner.store import Store
    from microgpt.tutor.standing import known_insights

    with Store.to_read(default_path(os.environ)) as store:
        return known_insights(store, learner, loaded)


def course_folder(name: str) -> Path:
    """Return a course's folder as a person here would write it."""
    from microgpt.insights.course import find_course

    folder = find_course(name)
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


def notice_no_walls() -> None:
    """Say that a trusted course has just been run without walls, if it was."""
    from microgpt.sandbox import support

    if support() == "none":
        click.echo("Nothing here can contain code, so the course ran with limits only.", err=True)
