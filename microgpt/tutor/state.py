"""What is true of a lesson now. Everything in it follows from the lesson's events: see `fold`."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, cast

from microgpt.learner.evidence import Json
from microgpt.learner.mastery import Knowledge, mastered
from microgpt.learner.review import CardJson, due
from microgpt.tutor.turns import Move

Status = Literal["mastered", "shown", "started", "new"]

PASSES = 3  # in a row, after which an insight is set aside
TRIES = 10  # in one sitting, after which it is too, so that no lesson goes round and round


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One turn as the policy chose it: ids only. `render` makes the words' facts of it.

    Args:
        question: id of the question to ask, or of the one worked through; empty for neither.
        exercise: id of the exercise to set in place of a question; empty for none.
        worked: id of a question whose answer may be shown, since it is closed or kept as the example.
        belief: the misconception that this turn confronts.
        why: for an ask: first, again, parallel or confirm.
        n, of: place in a series (placement, reviews, holdouts); 0 where there is none.
        just: the closed ask that this turn follows; empty for none.
    """

    move: Move
    insight: str = ""
    question: str = ""
    exercise: str = ""
    worked: str = ""
    belief: str = ""
    why: str = ""
    n: int = 0
    of: int = 0
    holdout: bool = False
    just: str = ""


@dataclass(frozen=True, kw_only=True)
class OpenAsk:
    """The question that waits for an answer.

    Args:
        question, exercise: id of the one or the other; the other is empty.
        hash: the question's, so that a changed course is noticed.
        rung: hints given so far.
        unparsed: quotes that had not the shape of an answer, each once.
        options: the texts of a choice in the order shown; empty for an open question.
    """

    ask_id: str
    insight: str
    question: str
    hash: str
    asked: str
    exercise: str = ""
    holdout: bool = False
    rung: int = 0
    unparsed: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ClosedAsk:
    """How an ask ended.

    Args:
        outcome: right, wrong, gave_up, recorded, skipped, abandoned or void.
        credited, why_not: as told in `Graded`.
        mastered: whether this answer completed the insight.
    """

    ask_id: str
    insight: str
    question: str
    outcome: str
    exercise: str = ""
    quote: str = ""
    parsed: Json = None
    misconceptions: tuple[str, ...] = ()
    credited: bool = False
    why_not: str = ""
    mastered: bool = False
    holdout: bool = False


@dataclass(frozen=True, kw_only=True)
class InsightState:
    """Where the lesson stands with one insight.

    Args:
        knowledge: mastery, from evidence alone.
        shown: answered rightly in placement, or needed by something that was.
        placed: whether placement has settled it, one way or the other.
        last: outcome of the last ask about it; empty before the first.
        possible: the beliefs that fit the last wrong answer which any fits, less those a right one ruled out since.
        refuted: the beliefs that right answers have ruled out, less those that a wrong one has fitted since.
        standing: all others against it, from the first answer on.
        confronted: beliefs already met with a counter-example.
        passes: questions in a row that were skipped or given up, in this sitting.
        tries: questions in this sitting, however they ended.
        worked: whether a worked example followed the last question that was not answered rightly.
        asked: question ids, the latest last, each once.
        practised: whether it has had its exercise, however that ended.
        card: when to ask again.
        seen: time of the last answer, ISO 8601.
        holdouts: times at which a holdout was asked.
    """

    knowledge: Knowledge = field(default_factory=Knowledge)
    shown: bool = False
    placed: bool = False
    predicted: bool = False
    explained: bool = False
    last: str = ""
    passes: int = 0
    tries: int = 0
    possible: tuple[str, ...] = ()
    refuted: tuple[str, ...] = ()
    standing: tuple[str, ...] = ()
    confronted: tuple[str, ...] = ()
    worked: bool = False
    asked: tuple[str, ...] = ()
    practised: bool = False
    card: CardJson | None = None
    seen: str = ""
    holdouts: tuple[str, ...] = ()

    @property
    def mastered(self) -> bool:
        """Whether it was shown often enough, and right answers without help have ruled out every belief against it."""
        return mastered(self.knowledge) and not self.standing

    @property
    def known(self) -> bool:
        """Whether there is nothing left to teach here."""
        return self.shown or self.mastered

    @property
    def status(self) -> Status:
        """The same in a word: ``shown`` by a right answer in placement, to it or to what is built on it."""
        if self.mastered:
            return "mastered"
        if self.shown:
            return "shown"
        return "started" if self.last else "new"

    @property
    def set_aside(self) -> bool:
        """Whether to leave it for another sitting: the learner passed again and again, or never got there."""
        return self.passes >= PASSES or self.tries >= TRIES


_UNTOUCHED = InsightState()  # one for all: a turn looks at every insight of the plan, several times


@dataclass(frozen=True, kw_only=True)
class LessonState:
    """Everything that the policy may look at.

    Args:
        minutes: how long the learner means to sit; 0 for no limit. `sat_down` is when this sitting began, ISO 8601.
        where: how to find the course: a bundled id, or an absolute path.
        turn: number of turns so far; `plan` is the last one's, `said` whether it was told to the learner.
        closed: the latest closed asks, the last one last.
        placements: placement questions so far.
        reviews: reviews in this sitting.
        last_time: of the last event, ISO 8601.
    """

    learner: str = ""
    course: str = ""
    goal: str = ""
    minutes: int = 0
    sat_down: str = ""
    where: str = ""
    turn: int = 0
    plan: Plan | None = None
    said: bool = False
    ask: OpenAsk | None = None
    closed: tuple[ClosedAsk, ...] = ()
    insights: Mapping[str, InsightState] = field(default_factory=dict[str, InsightState])
    placements: int = 0
    reviews: int = 0
    last_time: str = ""

    def insight(self, insight: str) -> InsightState:
        return self.insights.get(insight, _UNTOUCHED)

    def time_is_up(self, now: datetime) -> bool:
        """Whether the learner's minutes are over."""
        if not self.minutes or not self.sat_down:
            return False
        return now - datetime.fromisoformat(self.sat_down) >= timedelta(minutes=self.minutes)

    def closed_ask(self, ask_id: str) -> ClosedAsk | None:
        return next((ask for ask in self.closed if ask.ask_id == ask_id), None)

    def reviews_due(self, insights: Iterable[str], now: datetime) -> tuple[str, ...]:
        """Return those of the insights whose review date has come."""
        cards = ((name, self.insight(name).card) for name in insights)
        return tuple(name for name, card in cards if card is not None and due(card, now=now))

    def to_json(self) -> dict[str, Json]:
        return cast(dict[str, Json], plain(self))

    @classmethod
    def from_json(cls, body: Json) -> "LessonState":
        """Return the state that `to_json` wrote, after a round through JSON."""
        fields = _fields(body)
        fields["plan"] = Plan(**fields["plan"]) if fields["plan"] else None
        fields["ask"] = open_ask(fields["ask"]) if fields["ask"] else None
        fields["closed"] = tuple(_closed_ask(closed) for closed in fields["closed"])
        fields["insights"] = {name: _insight(insight) for name, insight in fields["insights"].items()}
        return cls(**fields)


def plain(value: Any) -> Json:
    """Return what a state holds as JSON; `dataclasses.asdict` copies every value, and takes five times as long."""
    if dataclasses.is_dataclass(value):
        return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, Mapping):
        return {name: plain(held) for name, held in cast(Mapping[str, Any], value).items()}
    if isinstance(value, tuple | list):
        return [plain(held) for held in cast("list[Any]", value)]
    return value


def open_ask(body: Json) -> OpenAsk:
    """Return the open ask that an ``ask`` event carries."""
    return OpenAsk(**_fields(body))


def _closed_ask(body: Json) -> ClosedAsk:
    fields = _fields(body)
    fields["parsed"] = cast(Mapping[str, Any], body)["parsed"]  # a list that was answered stays one
    return ClosedAsk(
        **{name: fields[name] for name in ClosedAsk.__dataclass_fields__ if name in fields}
    )  # once it had more


def _insight(body: Json) -> InsightState:
    fields = _fields(body)
    fields["knowledge"] = Knowledge.from_body(fields["knowledge"])
    return InsightState(**fields)


def _fields(body: Json) -> dict[str, Any]:
    """Return an object's fields; JSON has lists where a frozen value has tuples."""
    fields = cast(Mapping[str, Any], body)
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}  # pyright: ignore
