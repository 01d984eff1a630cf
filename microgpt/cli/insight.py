"""``microgpt insight``: begin a page of a course, and see what a learner would see of it."""

import json
import os
import sys
from pathlib import Path

import click

from microgpt.cli import program
from microgpt.cli.course import TRUST, course_folder, course_here, notice_no_walls
from microgpt.content import is_bundled

_WIDEST = 79  # columns: a line as wide as the terminal would wrap, and then not be written over


@click.group()
def insight() -> None:
    """Write one idea of a course: a page with a claim, questions and misconceptions."""


@insight.command(epilog="Example:  microgpt insight new softmax my-course")
@click.argument("anchor", metavar="FUNCTION")
@click.argument("name", metavar="[PATH|NAME]", default=".")
@click.option("--id", "id_", metavar="ID", default="", help="Of the page; it never changes. [default: the function's]")
@TRUST
def new(anchor: str, name: str, id_: str, trust: bool) -> None:
    """Begin a page about a function of a course's subject.

    Inputs and wrong edits of the function are proposed that tell each other apart; the words are for you to write. In a
    folder with a Python file and no course.yaml yet, a course is begun too.
    """
    from microgpt.errors import CourseError
    from microgpt.insights.course import read_course
    from microgpt.insights.draft import begin_course, draft_insight

    begun = Path(name) / "course.yaml" if os.path.isdir(name) else None
    if begun and begun.exists():
        begun = None
    try:
        if begun:
            begun.write_text(begin_course(Path(name), anchor, id_), encoding="utf-8")
        folder = course_folder(name)
        course, _ = read_course(folder)
        draft = draft_insight(course, anchor, name=id_, trusted=trust or is_bundled(folder), tell=_tell_live)
        with (folder / f"{draft.id}.md").open("x", encoding="utf-8") as page:
            page.write(draft.text)
    except BaseException as error:  # Ctrl-C too: nothing is left half begun
        if begun:
            begun.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise CourseError(f"cannot be written: {error.strerror}. Try another folder.", path=name) from None
        raise
    finally:
        _tell_live("")
    notice_no_walls()
    if begun:
        click.echo(f"{begun}: a course begun.")
    edits = f"{len(draft.beliefs)} edit{'' if len(draft.beliefs) == 1 else 's'}"
    click.echo(f"{folder / draft.id}.md: proposed inputs, and {edits} that somebody might believe:")
    for belief in draft.beliefs:
        click.echo(f"  {belief}")
    if draft.id not in course.order:
        click.echo(f"Add {draft.id} to the order in course.yaml.")
    click.echo(f"Replace every TODO by your words. Next:  {program()} course lint {name}")


@insight.command(epilog="Example:  microgpt insight preview softmax-makes-shares")
@click.argument("id_", metavar="ID")
@click.argument("name", metavar="[PATH|NAME]", default=course_here)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@TRUST
def preview(id_: str, name: str, as_json: bool, trust: bool) -> None:
    """Show what a learner would see, and ask of each belief whether somebody who holds it would answer so."""
    from microgpt.insights.course import read_course
    from microgpt.insights.lock import held_lock, stale
    from microgpt.terminal import open_terminal
    from microgpt.tutor.preview import preview as see
    from microgpt.tutor.preview import word_preview

    folder = course_folder(name)
    course, errors = read_course(folder)
    broken = [error for error in errors if Path(error.path).stem == id_]
    if broken:
        raise broken[0]
    seen = see(course, id_, trusted=trust or is_bundled(folder))
    if id_ in stale(course, held_lock(course)):
        notice_no_walls()
    if as_json:
        click.echo(json.dumps(seen.to_json(), ensure_ascii=False))
        return
    open_terminal(plain=False, environ=os.environ).show(word_preview(seen))
    click.echo(f"\nA belief that would not answer so needs another mutant. Next:  {program()} course lint {name}")


def _tell_live(said: str) -> None:
    """Put a line in the place of the one before, where somebody watches."""
    if sys.stderr.isatty():
        click.echo(f"\r{said[:_WIDEST]:<{_WIDEST}}\r", nl=False, err=True)
