"""What is said when a learner sits down: where they are, what the course is about, what is due."""

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from microgpt.insights.course import Course
from microgpt.learner.profile import Profile
from microgpt.tutor.turns import Turn
from microgpt.tutor.voices import Heading

SUBJECT = "microgpt.reference"  # only where this is taught is a learner's name shown to a model


def title(course: Course, turn: Turn, model: str) -> Heading:
    """Return the first line of all.

    Args:
        model: that words the lesson; empty for none.
    """
    known, of = turn.say["known"], turn.say["of"]
    ideas = "1 idea" if of == 1 else f"{of} ideas"
    return Heading(left=course.title, right=f"{ideas} · you know {known} · {model or 'no key needed'}")


def promise(course: Course) -> str:
    """Say what the course is about; how long the program is, its file knows."""
    if course.subject != SUBJECT:
        return f"{course.title}."
    lines = len(course.subject_source.splitlines())
    return f"You will understand every line of a program that learns to write. It has {lines} of them."


def welcome_back(profile: Profile, turn: Turn) -> str:
    """Say what comes first for one who was here before."""
    hello = f"Welcome back, {profile.name}." if profile.name else "Welcome back."
    if turn.move == "finish" and not turn.ask:
        return f"{hello} Nothing is due."
    due = cast(int, turn.say.get("of_n", 0)) if turn.move == "review" else 0
    if not due:
        return f"{hello} We go on where you stopped."
    then = "" if turn.say["known"] == turn.say["of"] else "; then we go on with the open one"
    return f"{hello} {due} {'thing is' if due == 1 else 'things are'} due{then}."


def without_just(turn: Turn) -> Turn:
    """Leave out how the last question ended, which was said before the learner left."""
    if just(turn).get("outcome") == "abandoned":
        return turn
    return replace(turn, say={name: fact for name, fact in turn.say.items() if name != "just"})


def just(turn: Turn) -> Mapping[str, str]:
    """Return how the question before this turn ended; empty if there was none."""
    return cast(Mapping[str, str], turn.say.get("just") or {})
