"""What a model is told: the same bytes at the head of every request of a lesson, then the conversation.

The head (how to word, the tools, what the course is about) is what a server caches, so it holds nothing that changes
from turn to turn. It is made from texts alone: no question, and so no key, is in it.
"""

import json
from dataclasses import dataclass
from functools import cache
from typing import Literal

from microgpt.content import content_folder
from microgpt.insights.course import Course
from microgpt.learner.evidence import Json
from microgpt.learner.profile import Profile
from microgpt.tutor.turns import Turn

MOST_MESSAGES = 16  # of a conversation; then all but the last few are dropped at once, so that caches break rarely
KEPT_MESSAGES = 8


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message of the conversation; they alternate, the user's first."""

    role: Literal["user", "assistant"]
    text: str


@cache
def instructions() -> str:
    """Return how a turn is to be worded."""
    path = content_folder("skills") / "microgpt-tutor" / "references" / "voice.md"
    return path.read_text(encoding="utf-8")


def digest(course: Course) -> str:
    """Return what a course is about, idea by idea, so that a side question finds its place."""
    ideas = "\n".join(f"- {insight.claim}" for insight in course.insights.values())
    rule = "Its ideas, in order. Do not tell one that the learner has not reached."
    return f"# The course: {course.title}\n\n{rule}\n\n{ideas}\n"


def facts(turn: Turn | None, profile: Profile, message: str = "") -> str:
    """Return a user's message: the turn, unless the model has it, and what the learner typed."""
    body: dict[str, Json] = {}
    if turn is not None:
        told = {"background": profile.background, "interests": profile.interests}
        given: dict[str, Json] = {key: text for key, text in told.items() if text}
        body["learner"] = {"name": profile.name, "language": profile.language, **given}
        body["turn"] = turn.to_json()
    if message:
        body["message"] = message
    return json.dumps(body, ensure_ascii=False)


def trimmed(conversation: tuple[Message, ...]) -> tuple[Message, ...]:
    """Return what is kept of a conversation that is long.

    >>> long = tuple(Message(role=role, text="") for _ in range(9) for role in ("user", "assistant"))
    >>> len(trimmed(long)), len(trimmed(long[:10]))
    (8, 10)
    """
    return conversation[-KEPT_MESSAGES:] if len(conversation) > MOST_MESSAGES else conversation
