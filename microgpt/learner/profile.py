"""Who is learning: the little that a lesson must know about a person."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A learner; nothing in it changes what is taught, only how it is worded.

    Args:
        id: names the learner in every event; never changes.
        name: how to address them.
        language: of the lesson's words, as in BCP 47: ``en``, ``de``.
    """

    id: str
    name: str
    language: str = "en"
