"""Who words a turn: a voice gets facts and returns blocks, which a terminal, a pipe or a page then draws.

Read `offline` for the voice that needs no model, and `microgpt.terminal` for how blocks are drawn.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from microgpt.learner.profile import Profile
from microgpt.tutor.turns import Turn


@dataclass(frozen=True, kw_only=True)
class Heading:
    """Where we are: what this is about on the left, how far we are on the right. Drawn when it changes."""

    left: str
    right: str


@dataclass(frozen=True, kw_only=True)
class Paragraph:
    """A sentence or several; may hold `code`, **stress** and $formulas$.

    Args:
        tone: a claim is what to remember, quiet is what may be passed over.
    """

    text: str
    tone: Literal["plain", "claim", "quiet"] = "plain"


@dataclass(frozen=True, kw_only=True)
class Lines:
    """Lines to be shown as they are: inputs, a question, an answer.

    Args:
        label: stands to the left of the first line, such as ``2/7``.
    """

    lines: tuple[str, ...]
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The answers to choose from, to be lettered a, b, c in this order."""

    texts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Lines of the subject: code left, values right.

    Args:
        start: number of the first line, as in the file.
        values: by line number, what that line computed.
    """

    file: str
    start: int
    lines: tuple[str, ...]
    values: Mapping[int, str] = field(default_factory=dict[int, str])


Block: TypeAlias = Heading | Paragraph | Lines | Options | Listing
Spoken: TypeAlias = tuple[Block, ...]
Hear: TypeAlias = Callable[[Spoken], None]
"""Gets all that is said so far, again and again while it grows; only the last block of it may still change."""


class Voice(Protocol):
    """Words one turn for one learner. What is asked, and when, is none of its business."""

    def __call__(self, turn: Turn, profile: Profile) -> Spoken: ...
