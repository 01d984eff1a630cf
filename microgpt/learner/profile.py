"""Who is learning: the little that a lesson must know about a person."""

import re
from dataclasses import dataclass

from microgpt.errors import ConfigError

LONGEST = 200  # characters
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A learner; nothing in it changes what is taught, only how it is worded.

    Args:
        id: names the learner in every event; never changes.
        name: how to address them.
        language: of the lesson's words, as in BCP 47: ``en``, ``de``.
        background: what they know already, in their words; only what an answer shows counts as known.
        interests: what examples may be about, in their words.
        minutes: how long they usually stay; 0 for no limit.
    """

    id: str
    name: str
    language: str = "en"
    background: str = ""
    interests: str = ""
    minutes: int = 0


def check_profile(profile: Profile) -> None:
    """Make sure that a profile can be kept and shown.

    Raises:
        ConfigError: a text is too long or has line ends in it, or the language is no code.
    """
    for field, text in (("name", profile.name), ("background", profile.background), ("interests", profile.interests)):
        if len(text) > LONGEST or not text.isprintable():
            raise ConfigError(f"--{field} is one line of at most {LONGEST} characters. Try a shorter one.")
    if not _LANGUAGE.fullmatch(profile.language):
        raise ConfigError(f"--language {profile.language!r} is no code of a language. Try: --language de")
