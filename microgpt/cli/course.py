"""``microgpt course``: check a course, compute its answers, show what it holds."""

import json
import time
from pathlib import Path

import click


@click.group()
def course() -> None:
    """Check and lock a course: a folder with a course.yaml and one file an idea."""


@course.command(epilog="Example:  microgpt course lint my-course")
@click.argument("name", metavar="[PATH|NAME]", default="microgpt")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def lint(name: str, as_json: bool) -> None:
    """Check a course: every misconception must show itself, every answer is computed.

    Exits with 0, with 1 if there are errors, with 2 if there was nothing to check.
    """
    from microgpt.insights.lint import lint_course

    start = time.perf_counter()
    folder = _find(name)
    report = lint_course(folder, trusted=_trusted(folder))
    if report.lock != "fresh":
        _notice_no_walls()
    if as_json:
        click.echo(json.dumps(report.to_json(), ensure_ascii=False))
    else:
        click.echo(f"{report.to_text()}   {time.perf_counter() - start:.1f} s")
        if report.lock != "fresh" and not report.exit_code:
            click.echo(f"The lock is {report.lock}. Next:  microgpt course lock {name}")
    raise SystemExit(report.exit_code)


@course.command(epilog="Example:  microgpt course lock my-course --check")
@click.argument("name", metavar="[PATH|NAME]", default="microgpt")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if the lock is stale.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def lock(name: str, check: bool, as_json: bool) -> None:
    """Compute the answers that are stale, and write them to course.lock.json."""
    from microgpt.errors import CourseError
    from microgpt.insights.course import load_course
    from microgpt.insights.lock import lock_path, make_lock, read_lock, stale, write_lock

    folder = _find(name)
    loaded = load_course(folder)
    try:
        old = read_lock(folder)
    except CourseError:
        old = None
    changed = stale(loaded, old) if old else tuple(loaded.insights)
    if not check:
        new = make_lock(loaded, trusted=_trusted(folder), old=old)
        if changed:
            _notice_no_walls()
        if new != old:
            write_lock(new, folder)
    if as_json:
        said = {"format": "microgpt/lock-report/1", "path": str(lock_path(folder)), "check": check, "stale": changed}
        click.echo(json.dumps(said, ensure_ascii=False))
    elif check:
        click.echo(
            f"stale: {', '.join(changed)}\nNext:  microgpt course lock {name}" if changed else "The lock is fresh."
        )
    else:
        click.echo(f"{lock_path(folder)}: {len(changed)} of {len(loaded.insights)} insights made anew.")
        click.echo(f"Next:  microgpt course lint {name}")
    raise SystemExit(int(check and bool(changed)))


@course.command(epilog="Example:  microgpt course show microgpt")
@click.argument("name", metavar="[PATH|NAME]", default="microgpt")
def show(name: str) -> None:
    """Show a course: its ideas in order, with their questions and misconceptions."""
    from microgpt.insights.course import load_course, plan

    loaded = load_course(_find(name))
    click.echo(f"{loaded.title}\n")
    for insight in (loaded.insights[name] for name in plan(loaded)):
        questions, beliefs = len(insight.questions), len(insight.misconceptions)
        click.echo(f"{questions:>3} questions  {beliefs:>2} misconceptions  {insight.id}")
        click.echo(f"      {insight.claim}")
    for goal, names in loaded.goals.items():
        click.echo(f"\ngoal {goal}: {', '.join(names)}")


@course.command(name="plan", epilog="Example:  microgpt course plan --goal attention")
@click.argument("name", metavar="[PATH|NAME]", default="microgpt")
@click.option("--goal", default="", help="One of the course's goals. [default: the whole course]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def show_plan(name: str, goal: str, as_json: bool) -> None:
    """Show what a goal takes: its ideas, each after those it needs."""
    from microgpt.insights.course import load_course, plan

    loaded = load_course(_find(name))
    insights = [loaded.insights[name] for name in plan(loaded, goal)]
    if as_json:
        rows = [{"id": insight.id, "claim": insight.claim, "needs": insight.needs} for insight in insights]
        said = {"format": "microgpt/plan/1", "course": loaded.id, "goal": goal, "insights": rows}
        click.echo(json.dumps(said, ensure_ascii=False))
        return
    for number, insight in enumerate(insights, 1):
        click.echo(f"{number:>3}  {insight.id}\n     {insight.claim}")
    goals = "" if goal else f"   goals: {', '.join(loaded.goals)}"
    click.echo(f"{len(insights)} of {len(loaded.insights)} ideas.{goals}")


@course.command(epilog="Example:  microgpt course graph --svg course.svg")
@click.argument("name", metavar="[PATH|NAME]", default="microgpt")
@click.option("--goal", default="", help="Only what one of the course's goals takes.")
@click.option("--svg", metavar="FILE", type=click.Path(path_type=Path), help="Draw it, instead of writing Mermaid.")
def graph(name: str, goal: str, svg: Path | None) -> None:
    """Show which idea needs which: as text in Mermaid's language, or as a picture."""
    from microgpt.errors import CourseError
    from microgpt.insights.course import load_course
    from microgpt.insights.graph import to_mermaid, to_svg

    loaded = load_course(_find(name))
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


def _find(name: str) -> Path:
    """Return a course's folder as a person here would write it."""
    from microgpt.insights.course import find_course

    folder = find_course(name)
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


def _trusted(folder: Path) -> bool:
    """Whether a course may run where nothing can contain it: a bundled one may, a stranger's never."""
    from microgpt.content import content_folder

    return folder.resolve().parent == content_folder("curriculum").resolve()


def _notice_no_walls() -> None:
    """Say that a trusted course has just been run without walls, if it was."""
    from microgpt.sandbox import support

    if support() == "none":
        click.echo("Nothing here can contain code, so the bundled course ran with limits only.", err=True)
