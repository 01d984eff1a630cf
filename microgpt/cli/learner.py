"""``microgpt learner``: who learns here, what is kept about them, and how to take it along, mend it or delete it."""

import json
import os
from typing import TYPE_CHECKING

import click

from microgpt.cli.live import printable
from microgpt.cli.progress import learner_option, tutor_command

if TYPE_CHECKING:  # they would make `--help` slow
    from microgpt.learner.answers import Answer
    from microgpt.learner.profile import Profile
    from microgpt.learner.store import Store

LATEST = 10  # answers shown

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")


@click.group()
def learner() -> None:
    """Who learns here; all that is kept about them is theirs to see, mend, take along and delete."""


@learner.command(name="list", epilog="Example:  microgpt learner list")
@json_option
def list_(as_json: bool) -> None:
    """List who learns on this machine."""
    with _open_to_read() as store:
        rows = [(_profile(store, id), store.lessons(id)) for id in store.learners()]
    if as_json:
        learners = [_to_json(profile) | {"lessons": [lesson.id for lesson in lessons]} for profile, lessons in rows]
        click.echo(json.dumps({"format": "microgpt/learners/1", "learners": learners}))
        return
    for profile, lessons in rows:
        last = max((lesson.last.date().isoformat() for lesson in lessons), default="never")
        courses = ", ".join(lesson.course for lesson in lessons) or "no lesson yet"
        click.echo(f"{profile.id:12}  {printable(profile.name):20}  last on {last}  {printable(courses)}")
    click.echo("Next:  microgpt learner show" if rows else f"Nobody yet. Begin with:  {tutor_command('', 'me')}")


@learner.command(epilog="Example:  microgpt learner show --learner ada")
@learner_option
@json_option
def show(learner: str, as_json: bool) -> None:
    """Show a learner's profile, and their latest answers with the ids that `correct` takes."""
    with _open_to_read() as store:
        profile = _profile(store, learner)
        lessons = store.lessons(learner)
        answers = sorted((one for row in lessons for one in store.answers(row.id)), key=lambda one: one.time)
    if as_json:
        latest = [_answer_json(answer) for answer in answers]
        said = {"format": "microgpt/learner/1", **_to_json(profile), "lessons": [row.id for row in lessons]}
        click.echo(json.dumps({**said, "answers": latest}))
        return
    for name, value in _to_json(profile).items():
        click.echo(f"{name:12}{printable(str(value)) or '-'}")
    click.echo(f"{'lessons':12}{', '.join(row.id for row in lessons) or 'none yet'}")
    click.echo(f"{'answers':12}{len(answers)}{'; the latest:' if answers else ''}")
    for answer in answers[-LATEST:]:
        words = printable(answer.quote)
        click.echo(f"{answer.time.date()}  {answer.id:28}  {answer.outcome:8}  {words}"[:80].rstrip())
    click.echo(f"Next:  {tutor_command('', learner, tool='learner edit')} --name NAME")


@learner.command(epilog='Example:  microgpt learner edit --name Ada --interests "chess, sailing"')
@learner_option
@click.option("--name", help="How to address you.")
@click.option("--background", help="What you know already, in your words.")
@click.option("--interests", help="What examples may be about.")
@click.option("--language", metavar="CODE", help="Of the lesson's words, such as en or de.")
@click.option("--minutes", type=click.IntRange(min=0), help="How long you usually stay; 0 for no limit.")
def edit(learner: str, **changes: str | int | None) -> None:
    """Change a profile. It changes how you are addressed, never what is asked or what counts."""
    from microgpt.errors import ConfigError
    from microgpt.learner.profile import Profile, check_profile

    given = {name: value for name, value in changes.items() if value is not None}
    if not given:
        raise ConfigError("there is nothing to change. Try: --name Ada")
    with _open_to_read() as store:
        profile = Profile(**(_to_json(_profile(store, learner)) | given))  # type: ignore[arg-type]
    check_profile(profile)
    with _open() as store:
        store.save_learner(profile)
    click.echo(f"Saved: {', '.join(given)}.  Next:  {tutor_command('', learner, tool='learner show')}")


@learner.command(epilog='Example:  microgpt learner correct me-microgpt/9f3a61 "my sister typed that"')
@click.argument("answer")
@click.argument("reason")
def correct(answer: str, reason: str) -> None:
    """Take back an answer that was not yours: it stays in the record, with your reason, and counts no more.

    ANSWER is its id, as `microgpt learner show` gives it.
    """
    from datetime import UTC, datetime

    from microgpt.tutor.correct import correct

    with _open() as store:
        void = correct(store, answer, reason, now=datetime.now(UTC))
    next_ = tutor_command("", void.learner, tool="progress")
    click.echo(f"{printable(answer)} does not count any more.  Next:  {next_}")


@learner.command(epilog="Examples:  microgpt learner export > me.json; microgpt learner export --anki > cards.txt")
@learner_option
@click.option("--anki", is_flag=True, help="Cards for Anki instead: the questions you were told the answer of.")
def export(learner: str, anki: bool) -> None:
    """Write all that is kept about a learner to stdout, as JSON."""
    from microgpt.learner.export import export, to_anki

    with _open_to_read() as store:
        profile = _profile(store, learner)
        if not anki:
            click.echo(json.dumps(export(store, profile)))
            return
        from microgpt.tutor.cards import cards_of

        cards = cards_of(store, learner)
    click.echo(to_anki(cards).encode(), nl=False)  # bytes: Anki reads UTF-8, whatever the terminal does
    click.echo(f"{len(cards)} cards. In Anki: File, Import.", err=True)


@learner.command(epilog="Example:  microgpt learner forget --learner ada")
@learner_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def forget(learner: str, yes: bool) -> None:
    """Delete a learner: profile, lessons, answers, for good, in the copies of the record too."""
    from microgpt.learner.database import default_path
    from microgpt.learner.forget import forget

    with _open_to_read() as store:
        lessons = len(store.lessons(_profile(store, learner).id))
    what = f"{learner!r}, with {lessons} lesson{'' if lessons == 1 else 's'}"
    if not yes and not click.confirm(f"Delete {what}, for good?"):
        click.echo(f"Nothing was deleted.  Next:  {tutor_command('', learner, tool='learner export')} > copy.json")
        raise SystemExit(1)
    forget(default_path(os.environ), learner)
    click.echo(f"Deleted: {what}.  Next:  microgpt learner list")


def _open_to_read() -> "Store":
    from microgpt.learner.database import default_path
    from microgpt.learner.store import Store

    return Store.to_read(default_path(os.environ))


def _open() -> "Store":
    from microgpt.learner.database import default_path
    from microgpt.learner.store import Store

    return Store.open(default_path(os.environ), create=False)


def _profile(store: "Store", learner: str) -> "Profile":
    """Return a learner's profile; an empty one where an agent has taught them and never asked for a name.

    Raises:
        ConfigError: nobody of this id learns here.
    """
    from microgpt.errors import ConfigError
    from microgpt.learner.profile import Profile

    known = store.learners()
    if learner not in known:
        others = (
            f"but: {', '.join(known)}. Try: --learner {known[0]}" if known else "nor is anybody. Try: microgpt tutor"
        )
        raise ConfigError(f"no learner {learner!r} is known here, {others}")
    return store.learner(learner) or Profile(id=learner, name="")


def _to_json(profile: "Profile") -> dict[str, str | int]:
    from dataclasses import asdict

    return asdict(profile)


def _answer_json(answer: "Answer") -> dict[str, str | bool]:
    return {
        "id": answer.id,
        "time": answer.time.isoformat(),
        "insight": answer.insight,
        "quote": answer.quote,
        "outcome": answer.outcome,
        "witnessed": answer.witnessed,
    }
