"""Every number that a simulated learner is made of, each with its reason. None was fitted: there are no people in this.

A result counts only if it holds when each of them is halved and doubled: see `swept`.

>>> [assumptions.slip for name, assumptions in swept("half") if name == "slip"]
[0.05]
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Literal

from microgpt.errors import ConfigError

Sweep = Literal["half", "double"]

_FACTORS = {"half": 0.5, "double": 2.0}


def _probability(default: float, why: str) -> float:
    return field(default=default, metadata={"why": why, "most": 1.0})


def _amount(default: float, why: str) -> float:
    return field(default=default, metadata={"why": why, "most": float("inf")})


@dataclass(frozen=True, kw_only=True)
class Assumptions:
    """What is assumed of learners. `reason` gives the why of each; probabilities but for days, minutes and seconds."""

    # ---- what a learner brings along
    believes: float = _probability(
        0.4, "A novice holds a wrong belief about an idea, rather than none. No source; about half of either."
    )
    expert_half_life: float = _amount(
        180.0,
        "Days until half of what was known before the course is gone. No source; far longer than any lesson lasts.",
    )

    # ---- answering
    slip: float = _probability(
        0.1, "A wrong answer by one who knows. Corbett and Anderson (1995) let no fitted slip rate go above 0.1."
    )
    lucky: float = _probability(
        0.05, "A right answer to an open question by one who does not know: few numbers are as likely as that."
    )
    passes: float = _probability(0.3, "One who has no idea says so instead of guessing. No source.")

    # ---- learning: the chance that an idea which is not known is known afterwards
    told: float = _probability(
        0.3, "From an explanation with a worked example, having no idea. No source; two or three are mostly enough."
    )
    told_believer: float = _probability(
        0.1, "The same, holding a belief against it: beliefs outlast being told better (Posner et al. 1982)."
    )
    shown: float = _probability(
        0.35,
        "From one's own question worked through: a beginner's best way to learn (Sweller and Cooper 1985).",
    )
    shown_believer: float = _probability(0.15, "The same, holding a belief against it.")
    countered: float = _probability(
        0.5,
        "From a case in which one's belief was named and failed: better than telling (Guzzetti et al. 1993).",
    )
    corrected: float = _probability(0.1, "From hearing that an answer was wrong, and no more than that.")
    given: float = _probability(
        0.1,
        "From an answer that was given away: practice with a tutor that does so is worth little (Bastani et al. 2025).",
    )
    unready: float = _probability(
        0.3, "All of these are multiplied by it where an idea that is needed is not known. No source."
    )

    # ---- remembering
    half_life: float = _amount(
        7.0,
        "Days until half of what was just learned is gone: of a text read twice, 81% was recalled at once, 42% after a "
        "week (Roediger and Karpicke 2006, experiment 1).",
    )
    tested: float = _amount(
        1.3,
        "By how much the half-life grows, as a part of itself, with the first recall of a day: of a text read once and "
        "recalled once, 75% fell to 56% in that week (the same).",
    )
    spaced: float = _amount(
        2.0,
        "By how much more, times what would have been forgotten by then: the later, the better (Cepeda et al. 2006).",
    )

    # ---- time
    reading_s: float = _amount(75.0, "Seconds to read an explanation or an example.")
    asking_s: float = _amount(40.0, "Seconds to answer a question.")
    trying_s: float = _amount(15.0, "Seconds for a hint, a contest, or an answer that was not understood.")
    lesson_minutes: float = _amount(60.0, "How long the first lesson lasts at most.")
    visit_minutes: float = _amount(15.0, "How long a visit after it lasts at most.")

    def reason(self, name: str) -> str:
        """Return why a number is what it is."""
        return str(_FIELDS[name].metadata["why"])

    def scaled(self, name: str, how: Sweep) -> "Assumptions":
        """Return the assumptions with one number halved or doubled; no probability exceeds 1."""
        return self.with_value(name, min(getattr(self, name) * _FACTORS[how], _FIELDS[name].metadata["most"]))

    def with_value(self, name: str, value: float) -> "Assumptions":
        """Return the assumptions with another number.

        Raises:
            ConfigError: there is no such assumption, or it cannot be that.
        """
        if name not in _FIELDS:
            meant = get_close_matches(name, _FIELDS, n=1) or list(_FIELDS)[:1]
            raise ConfigError(f"no assumption {name!r}; there are: {', '.join(_FIELDS)}. Try {meant[0]}.")
        most = _FIELDS[name].metadata["most"]
        if not 0 < value <= most or value == float("inf"):
            limit = "from above 0 to 1" if most == 1 else "above 0"
            raise ConfigError(
                f"{name}={value:g} cannot be: it is a number {limit}. Try {name}={getattr(self, name):g}."
            )
        return replace(self, **{name: value})


_FIELDS = {field.name: field for field in dataclasses.fields(Assumptions)}
NAMES = tuple(_FIELDS)


def swept(how: Sweep, assumptions: Assumptions | None = None) -> Iterator[tuple[str, Assumptions]]:
    """Yield every assumption's name, and all of them with that one halved or doubled."""
    for name in NAMES:
        yield name, (assumptions or Assumptions()).scaled(name, how)
