"""What a learner takes along: the whole record as JSON, and cards for Anki."""

import html
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from microgpt.learner.evidence import Event, Json
from microgpt.learner.profile import Profile
from microgpt.learner.store import Store


@dataclass(frozen=True, kw_only=True)
class Card:
    """A question whose answer the learner was told.

    Args:
        guid: the same for the same question, so that a second import updates its card.
        deck: the course's title.
        tag: the insight's id.
    """

    guid: str
    front: str
    back: str
    deck: str
    tag: str


def export(store: Store, profile: Profile) -> dict[str, Json]:
    """Return all that is kept about a learner: the profile, and each lesson's events in order."""
    lessons: list[Json] = [
        {"lesson": row.id, "course": row.course, "events": [_event(event) for event in store.events(row.id)]}
        for row in store.lessons(profile.id)
    ]
    return {"format": "microgpt/learner-export/1", "learner": asdict(profile), "lessons": lessons}


def _event(event: Event) -> dict[str, Json]:
    return {
        "seq": event.seq,
        "time": event.time.isoformat(),
        "kind": event.kind,
        "ask_id": event.ask_id,
        "body": event.body,
    }


def to_anki(cards: Sequence[Card]) -> str:
    """Return cards as a text that Anki imports: File, Import; its first lines say what the columns are.

    https://docs.ankiweb.net/importing/text-files.html
    """
    head = ("separator:tab", "html:true", "guid column:1", "notetype:Basic", "deck column:4", "tags column:5")
    rows = (
        "\t".join((card.guid, _field(card.front), _field(card.back), _field(card.deck), card.tag)) for card in cards
    )
    return "".join(f"{line}\n" for line in (*(f"#{name}" for name in head), *rows))


def _field(text: str) -> str:
    return "<br>".join(html.escape(text).replace("\t", " ").splitlines())
