"""When to ask again: the FSRS scheduler, one card per insight, in whole days.

>>> from datetime import UTC, datetime, timedelta
>>> monday = datetime(2026, 1, 5, tzinfo=UTC)
>>> card = schedule(None, right=True, now=monday)
>>> due(card, now=monday), due(card, now=monday + timedelta(days=7))
(False, True)
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeAlias, cast

from fsrs import Card, Rating, Scheduler
from fsrs.card import CardDict

from microgpt.learner.evidence import Json

CardJson: TypeAlias = Mapping[str, Json]

# No learning steps: within a lesson the script decides what to ask again, here only days count. No fuzzing: it would
# draw random days to even out a pile of thousands of cards, and the same evidence must give the same plan.
_SCHEDULER = Scheduler(learning_steps=(), relearning_steps=(), enable_fuzzing=False)


def schedule(card: CardJson | None, *, right: bool, now: datetime) -> CardJson:
    """Return an insight's card after an answer to it.

    Args:
        card: what the answer before returned; None for the first.
        right: graded as recalled ("good") or forgotten ("again"); learners are not asked how hard it was.
        now: UTC.
    """
    # The number is fixed, as fsrs would take it from the clock; an insight's card is found by the insight's id.
    before = Card(card_id=0, due=now) if card is None else Card.from_dict(cast(CardDict, card))
    after, _ = _SCHEDULER.review_card(before, Rating.Good if right else Rating.Again, now.astimezone(UTC))
    return cast(CardJson, after.to_dict())


def due(card: CardJson, *, now: datetime) -> bool:
    """Say whether the insight of this card is to be asked again at ``now`` (UTC)."""
    return datetime.fromisoformat(cast(str, card["due"])) <= now
